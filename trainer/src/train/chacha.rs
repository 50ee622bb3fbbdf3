//! Many words of the generator `ChaCha8Rng` at once: sixteen of its blocks side by side, a lane
//! each, compiled for the machine's instruction set.

use crate::kernels::Loops;

/// Words of a block.
pub const BLOCK_WORDS: usize = 16;

/// Blocks side by side.
pub const LANES: usize = 16;

/// Words that are made at once.
pub const WORDS: usize = BLOCK_WORDS * LANES;

/// Rounds, two at a time: along columns, then along diagonals.
const DOUBLE_ROUNDS: usize = 4;

/// One word of each block.
type Lanes = [u32; LANES];

/// Where in which stream of the generator the words lie.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The generator's seed.
    pub key: [u8; 32],
    /// Number of the stream.
    pub stream: u64,
    /// Number of the first block.
    pub block: u64,
}

/// Makes the words from a place on.
pub struct Words<'w> {
    /// The place.
    pub place: Place,
    /// Where they go.
    pub words: &'w mut [u32; WORDS],
}

impl Loops for Words<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let start = self.place.state();
        let mut state = start;
        for _ in 0..DOUBLE_ROUNDS {
            double_round(&mut state);
        }
        for (word, (mixed, start)) in state.iter().zip(&start).enumerate() {
            let blocks = self.words.chunks_exact_mut(BLOCK_WORDS);
            for (block, (mixed, start)) in blocks.zip(mixed.iter().zip(start)) {
                block[word] = mixed.wrapping_add(*start);
            }
        }
    }
}

impl Place {
    /// The blocks before the rounds: constants, key, number of the block, number of the stream.
    #[inline(always)]
    fn state(&self) -> [Lanes; BLOCK_WORDS] {
        let mut state = [[0; LANES]; BLOCK_WORDS];
        let constants = b"expand 32-byte k".as_chunks().0.iter();
        for (words, bytes) in state.iter_mut().zip(constants.chain(self.key.as_chunks().0)) {
            *words = [u32::from_le_bytes(*bytes); LANES];
        }
        let [.., low, high, stream_low, stream_high] = &mut state;
        for (number, (low, high)) in (self.block..).zip(low.iter_mut().zip(high)) {
            (*low, *high) = (number as u32, (number >> 32) as u32);
        }
        *stream_low = [self.stream as u32; LANES];
        *stream_high = [(self.stream >> 32) as u32; LANES];
        state
    }
}

#[inline(always)]
fn double_round(state: &mut [Lanes; BLOCK_WORDS]) {
    for column in 0..4 {
        quarter_round(state, [column, column + 4, column + 8, column + 12]);
    }
    for first in 0..4 {
        let diagonal = [first, 4 + (first + 1) % 4, 8 + (first + 2) % 4, 12 + (first + 3) % 4];
        quarter_round(state, diagonal);
    }
}

#[inline(always)]
fn quarter_round(state: &mut [Lanes; BLOCK_WORDS], words: [usize; 4]) {
    let [mut a, mut b, mut c, mut d] = words.map(|word| state[word]);
    mix::<16>(&mut a, &b, &mut d);
    mix::<12>(&mut c, &d, &mut b);
    mix::<8>(&mut a, &b, &mut d);
    mix::<7>(&mut c, &d, &mut b);
    for (word, lanes) in words.into_iter().zip([a, b, c, d]) {
        state[word] = lanes;
    }
}

/// `sum += addend; mixed = (mixed ^ sum) rotated`.
#[inline(always)]
fn mix<const BITS: u32>(sum: &mut Lanes, addend: &Lanes, mixed: &mut Lanes) {
    for (sum, addend) in sum.iter_mut().zip(addend) {
        *sum = sum.wrapping_add(*addend);
    }
    for (mixed, sum) in mixed.iter_mut().zip(sum) {
        *mixed = (*mixed ^ *sum).rotate_left(BITS);
    }
}
