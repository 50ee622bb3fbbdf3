//! IDX files: dimensions that lie, values that are missing or too many, plain and in a gzip stream
//! whose CRC is right.

use super::{Random, change};

/// Makes damaged files; keeps its memory from one to the next.
#[derive(Default)]
pub struct Damage {
    bytes: Vec<u8>,
    packed: Vec<u8>,
}

impl Damage {
    /// The damaged file of this number, from those that are known.
    pub fn of(&mut self, known: &[Vec<u8>], number: u64) -> &[u8] {
        let random = &mut Random::new(number);
        self.bytes.clear();
        // Most of the time that a gzip stream takes goes into the library that reads it.
        let mut seed = random.one_of(known);
        while seed.starts_with(&[0x1F]) && !random.one_in(8) {
            seed = random.one_of(known);
        }
        self.bytes.extend(seed);
        for _ in 0..1 + random.below(3) {
            self.change(random);
        }
        self.packed.clear();
        if random.one_in(32) {
            stored(&self.bytes, &mut self.packed);
        }
        self.last()
    }

    /// The file made last.
    pub fn last(&self) -> &[u8] {
        if self.packed.is_empty() { &self.bytes } else { &self.packed }
    }

    fn change(&mut self, random: &mut Random) {
        let dimension = 4 + 4 * random.below(4);
        match (random.below(4), self.bytes.get_mut(dimension..dimension + 4)) {
            (0, Some(place)) => place.copy_from_slice(&random.size().to_be_bytes()),
            (1, _) => self.bytes.truncate(random.below(self.bytes.len())),
            _ => change(&mut self.bytes, random),
        }
    }
}

/// A gzip stream that holds `bytes` as they are.
fn stored(bytes: &[u8], to: &mut Vec<u8>) {
    let len = bytes.len() as u16;
    to.extend([0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 1]);
    to.extend(len.to_le_bytes());
    to.extend((!len).to_le_bytes());
    to.extend(bytes);
    to.extend(infer::format::checksum(bytes).to_le_bytes());
    to.extend((len as u32).to_le_bytes());
}
