//! Damage that gets past the first checks: what a check would notice at once is mostly set right
//! again. Each damaged input belongs to a number, so that it can be made again.

pub mod idx;
pub mod line;
pub mod model;
pub mod onnx;
pub mod png;
#[path = "../../../../infer/tests/support/split_mix.rs"]
mod split_mix;
pub mod tflite;

use split_mix::SplitMix64;

/// Bytes that numbers are likely to break at.
const EDGES: [u8; 8] = [0, 1, 2, 3, 0x7F, 0x80, 0xFE, 0xFF];

/// Whole numbers that sizes are likely to break at.
const SIZES: [u32; 16] =
    [0, 1, 2, 3, 4, 7, 8, 63, 64, 65, 255, 256, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0xFFFF_FFFF];

/// Random numbers that belong to a number.
pub struct Random(SplitMix64);

impl Random {
    /// The numbers that belong to `number`.
    pub const fn new(number: u64) -> Self {
        Self(SplitMix64(number))
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    fn next(&mut self) -> u64 {
        self.0.next() >> 16
    }

    /// True once in `chances` calls, on average.
    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn one_of<'a, Item>(&mut self, items: &'a [Item]) -> &'a Item {
        &items[self.below(items.len())]
    }

    /// A size at which things break, or any below 300.
    fn size(&mut self) -> u32 {
        if self.one_in(2) { *self.one_of(&SIZES) } else { self.below(300) as u32 }
    }
}

/// One of the known files with one to three changes, by its number.
pub fn several(known: &[Vec<u8>], number: u64, bytes: &mut Vec<u8>) {
    let random = &mut Random::new(number);
    bytes.clear();
    bytes.extend(random.one_of(known));
    for _ in 0..1 + random.below(3) {
        change(bytes, random);
    }
}

/// Changes a byte, takes some out or puts some in.
pub fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        bytes.push(*random.one_of(&EDGES));
        return;
    }
    let at = random.below(bytes.len());
    match random.below(12) {
        0 => bytes.insert(at, *random.one_of(&EDGES)),
        1 => _ = bytes.remove(at),
        2 => bytes.extend([0; 16]),
        3 => bytes[at] = *random.one_of(&EDGES),
        4 => bytes[at] = bytes[at].wrapping_add(1),
        5 => bytes[at] = bytes[at].wrapping_sub(1),
        6 => bytes[at] = random.below(256) as u8,
        7 => large_number(bytes, at, random),
        8 => repeat(bytes, at, random),
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

/// A number of several bytes, as postcard writes it, in place of one of a single byte.
fn large_number(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let mut number = random.size();
    let mut varint = [0; 5];
    let mut len = 0;
    while number >= 0x80 {
        varint[len] = number as u8 | 0x80;
        (number, len) = (number >> 7, len + 1);
    }
    varint[len] = number as u8;
    bytes.splice(at..=at, varint[..=len].iter().copied());
}

/// Some of the bytes once more, as a record that is there twice.
fn repeat(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let end = (at + 1 + random.below(40)).min(bytes.len());
    let to = random.below(bytes.len());
    let mut copied = [0; 40];
    let copied = &mut copied[..end - at];
    copied.copy_from_slice(&bytes[at..end]);
    bytes.splice(to..to, copied.iter().copied());
}
