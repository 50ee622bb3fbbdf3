//! NumPy's files of int8, as the five public networks' answers come.

use std::collections::BTreeMap;

/// The values of an array and their number along the first dimension.
pub fn array(file: &[u8]) -> (usize, Vec<i8>) {
    assert_eq!(&file[..6], b"\x93NUMPY");
    let header_bytes = u16::from_le_bytes([file[8], file[9]]) as usize;
    let header = str::from_utf8(&file[10..10 + header_bytes]).unwrap();
    assert!(header.contains("'|i1'") && header.contains("'fortran_order': False"), "{header}");
    let shape = &header[header.find('(').unwrap() + 1..];
    let first = shape[..shape.find(',').unwrap()].parse().unwrap();
    (first, file[10 + header_bytes..].iter().map(|byte| *byte as i8).collect())
}

/// The arrays of an archive that is not compressed, by their names.
pub fn archive(file: &[u8]) -> BTreeMap<String, Vec<i8>> {
    let number = |at: usize, bytes: usize| {
        file[at..at + bytes].iter().rev().fold(0, |number, byte| 256 * number + *byte as usize)
    };
    let mut arrays = BTreeMap::new();
    // The list at the end of the file, one entry after the other.
    let mut at = file.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    while number(at, 4) == 0x0201_4B50 {
        let [bytes, local] = [number(at + 24, 4), number(at + 42, 4)];
        assert_eq!(number(at + 10, 2), 0, "not compressed");
        let name = str::from_utf8(&file[at + 46..][..number(at + 28, 2)]).unwrap();
        let begin = local + 30 + number(local + 26, 2) + number(local + 28, 2);
        arrays.insert(name.trim_end_matches(".npy").to_owned(), array(&file[begin..][..bytes]).1);
        at += 46 + number(at + 28, 2) + number(at + 30, 2) + number(at + 32, 2);
    }
    arrays
}
