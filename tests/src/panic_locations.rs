//! The places in the source whose panics a linked firmware holds.

use std::collections::BTreeSet;

use elf::ElfBytes;
use elf::endian::LittleEndian;

/// A place in the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The file, as the compiler was given it.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
}

/// All places that panics of the program name: records of the file's name, its length, line and
/// column among the constants.
///
/// # Errors
/// A file that is no 32-bit program.
pub fn panic_locations(file: &[u8]) -> Result<BTreeSet<Place>, elf::ParseError> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
    let section = elf.section_header_by_name(".rodata")?.ok_or(elf::ParseError::BadOffset(0))?;
    let (data, _) = elf.section_data(&section)?;
    let start = section.sh_addr as u32;
    let word = |at: usize| u32::from_le_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]]);
    let mut places = BTreeSet::new();
    for at in (0..data.len().saturating_sub(15)).step_by(4) {
        let name = word(at).checked_sub(start).and_then(|offset| {
            let name = data.get(offset as usize..)?.get(..word(at + 4) as usize)?;
            str::from_utf8(name).ok()
        });
        if let Some(file) =
            name.map(|name| name.trim_end_matches('\0')).filter(|name| name.ends_with(".rs"))
        {
            places.insert(Place {
                file: file.to_owned(),
                line: word(at + 8),
                column: word(at + 12),
            });
        }
    }
    Ok(places)
}
