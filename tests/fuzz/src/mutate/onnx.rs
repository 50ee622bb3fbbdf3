//! ONNX files: a few bytes changed, put in or taken out. Most bytes are weights and names, so
//! lengths and numbers of fields are hit often enough.

use super::{Random, change};

/// Changes up to three places of the file.
pub fn damage(file: &mut Vec<u8>, number: u64) {
    let random = &mut Random::new(number);
    for _ in 0..1 + random.below(3) {
        match random.below(8) {
            0 => file.truncate(random.below(file.len() + 1)),
            1 | 2 => change(file, random),
            // What keeps its size leaves the lengths around it right.
            _ if file.is_empty() => file.push(0),
            _ => {
                let at = random.below(file.len());
                file[at] ^= 1 << random.below(8);
            }
        }
    }
}
