//! `.tflite` files: offsets, sizes, counts and numbers of tensors that lie. What moves bytes would
//! make all offsets wrong at once, so bytes stay where they are.

use super::Random;

/// Changes up to three numbers of the file, most of them small ones.
pub fn damage(file: &mut [u8], number: u64) {
    let random = &mut Random::new(number);
    for _ in 0..1 + random.below(3) {
        change(file, random);
    }
}

fn change(file: &mut [u8], random: &mut Random) {
    let words = file.len() / 4;
    let word = 4 * random.below(words);
    let other = 4 * random.below(words);
    match (random.below(8), file.get(other..other + 4).map(<[u8]>::to_vec)) {
        // Numbers as they stand in other places: offsets that lead to another table.
        (0 | 1, Some(value)) => write(file, word, &value),
        (2, _) => write(file, word, &random.size().to_le_bytes()),
        (3, _) => write(file, word, &(random.size() as u16).to_le_bytes()),
        (4, _) => write(file, word + 2, &(random.size() as u16).to_le_bytes()),
        (5, _) => add(file, word, [1, u32::MAX, 4, u32::MAX - 3][random.below(4)]),
        _ => {
            let bit = random.below(8 * file.len());
            file.get_mut(bit / 8).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
        }
    }
}

fn write(file: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = file.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// Adds to a number of four bytes.
fn add(file: &mut [u8], at: usize, addend: u32) {
    if let Some(place) = file.get_mut(at..at + 4).and_then(|place| place.first_chunk_mut()) {
        *place = u32::from_le_bytes(*place).wrapping_add(addend).to_le_bytes();
    }
}
