//! How the weights of a convolution lie in the file: pure index functions, used by the exporter to
//! pack and by the kernels to read back.
//!
//! Kernels for 32-bit cores multiply pairs: one word holds the int16 values of two input channels
//! (or taps). Four int8 values `0 1 2 3` of a map, one word, become the pairs `(0, 2)` and `(1, 3)`
//! with one instruction each on a core with DSP extension, so pairs are made of places two apart
//! everywhere. Two output channels are interleaved, so that a loaded input serves both.
//!
//! int4 weights lie in the order of int8 weights, two groups in the bytes of one: see
//! [`Half`](crate::ops::packing::Half).

use super::algorithms::{Algorithm, Packing};
use super::winograd::transform::Tile;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::ops::packing::{
    Half, Halves, PackError, Runs, are_widened, check_bits, get, high_half, low_half, put, size,
};

/// The sizes that say where each weight of a convolution lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filters {
    /// Which algorithm reads the weights.
    pub algorithm: Algorithm,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Channels of the input.
    pub input_channels: u16,
    /// Channels of the output.
    pub output_channels: u16,
}

impl Filters {
    /// Weights of one output channel.
    pub const fn taps(&self) -> usize {
        self.kernel[0] as usize * self.kernel[1] as usize * self.input_channels as usize
    }

    /// Bytes of the packed weights.
    pub const fn packed_bytes(&self) -> u64 {
        let bytes = self.int8_bytes();
        if self.algorithm.weight_bits().is_int4() { bytes / 2 } else { bytes }
    }

    /// Bytes of the packed weights if those of four bits had one each.
    const fn int8_bytes(&self) -> u64 {
        let (taps, channels) = (self.taps() as u64, self.output_channels as u64);
        match self.algorithm.packing() {
            Packing::Rows | Packing::Quads => channels * taps,
            Packing::Chunks => channels.next_multiple_of(2) * taps.next_multiple_of(16),
            Packing::Pairs => channels.next_multiple_of(2) * taps.next_multiple_of(4),
            Packing::WidePairs if !self.algorithm.is_wide() => 0,
            Packing::WidePairs => 2 * channels.next_multiple_of(2) * taps.next_multiple_of(4),
            Packing::SingleChannel => channels * SINGLE_CHANNEL_BYTES as u64,
            Packing::Transformed(tile) => {
                channels * self.input_channels as u64 * 2 * tile.points() as u64
            }
        }
    }

    /// Packs int8 weights `[output channel][kernel row][kernel column][input channel]`.
    ///
    /// # Errors
    /// An algorithm that is not in this build, a slice of the wrong size, or weights that the
    /// algorithm's bits do not hold.
    pub fn pack(&self, weights: &[i8], packed: &mut [u8]) -> Result<(), PackError> {
        if let Some(part) = self.algorithm.left_out() {
            return Err(PackError::NotBuilt(part));
        }
        let channels = self.output_channels as usize;
        if weights.len() != channels * self.taps() || packed.len() as u64 != self.packed_bytes() {
            return Err(PackError::Size);
        }
        check_bits(self.algorithm.weight_bits(), weights, self.taps())?;
        packed.fill(0);
        for (channel, weights) in weights.chunks_exact(self.taps().max(1)).enumerate() {
            match self.algorithm.stored_tile() {
                Some(tile) => self.pack_transformed(tile, channel, weights, packed),
                None => self.pack_plain(channel, weights, packed),
            }
        }
        Ok(())
    }

    fn pack_plain(&self, channel: usize, weights: &[i8], packed: &mut [u8]) {
        for (tap, weight) in weights.iter().enumerate() {
            let place = self.place(channel, tap);
            self.put(packed, place, *weight);
            if self.algorithm.packing() == Packing::SingleChannel && tap == SINGLE_CHANNEL_TWICE {
                self.put(packed, place + 1, *weight);
            }
        }
    }

    fn put(&self, packed: &mut [u8], place: usize, weight: i8) {
        match self.half(place) {
            Some(half) => half.write(packed, weight),
            None if self.algorithm.is_wide() => put(packed, place, (weight as i16).to_le_bytes()),
            None => put(packed, place, [weight as u8]),
        }
    }

    fn pack_transformed(&self, tile: Tile, channel: usize, weights: &[i8], packed: &mut [u8]) {
        let at = |tap: usize| weights.get(tap).copied().unwrap_or_default() as i32;
        for input in 0..self.input_channels as usize {
            let kernel = self.kernel_of(input, at);
            let transformed = tile.transform_weights(kernel);
            let places = self.transformed_places(tile, channel, input);
            for (row, line) in transformed.iter().enumerate().take(tile.side()) {
                for (column, value) in line.iter().enumerate().take(tile.side()) {
                    put(packed, places.of(tile.point(row, column)), (*value as i16).to_le_bytes());
                }
            }
        }
    }

    /// The 3x3 weights of one input channel from a function of the tap.
    fn kernel_of(&self, input: usize, at: impl Fn(usize) -> i32) -> [[i32; 3]; 3] {
        let tap = |row: usize, column: usize| {
            at((row * 3 + column) * self.input_channels as usize + input)
        };
        core::array::from_fn(|row| core::array::from_fn(|column| tap(row, column)))
    }

    /// The int8 weight of a tap `(kernel row * kernel columns + kernel column) * input channels +
    /// input channel`.
    pub fn weight(&self, packed: &[u8], channel: usize, tap: usize) -> i8 {
        let Some(tile) = self.algorithm.stored_tile() else {
            return self.stored_weight(packed, channel, tap);
        };
        let inputs = (self.input_channels as usize).max(1);
        let (pixel, input) = (tap / inputs, tap % inputs);
        self.transformed_places(tile, channel, input).weight(tile, packed, pixel / 3, pixel % 3)
    }

    /// The same where the weights are not transformed.
    fn stored_weight(&self, packed: &[u8], channel: usize, tap: usize) -> i8 {
        let place = self.place(channel, tap);
        match self.half(place) {
            Some(half) => half.read(packed),
            None => get::<1>(packed, place)[0] as i8,
        }
    }

    /// Place of an int4 weight, of that of an int8 weight.
    fn half(&self, place: usize) -> Option<Half> {
        let group_shift = match self.algorithm.packing() {
            Packing::Chunks => 4,
            Packing::SingleChannel => 1,
            _ => 2,
        };
        self.algorithm.weight_bits().is_int4().then(|| Half::of(place, group_shift))
    }

    /// Sum of the sizes of one channel's weights, and of what fills them up.
    ///
    /// # Errors
    /// Transformed weights that are the transform of no int8 weights, or in a build without their
    /// algorithm.
    pub(crate) fn magnitude(&self, packed: &[u8], channel: usize) -> Result<u64, LayerProblem> {
        match self.algorithm.stored_tile() {
            None if self.algorithm.packing() == Packing::SingleChannel => {
                let twice = self.stored_weight(packed, channel, SINGLE_CHANNEL_TWICE);
                Ok(self.stored_magnitude(packed, channel).saturating_sub(size(twice) as u64))
            }
            None => Ok(self.stored_magnitude(packed, channel)),
            // The loader has refused it before; here it leaves the code below out of builds that do
            // not need it.
            Some(_) if !self.algorithm.is_built() => {
                Err(LayerProblem::NotBuilt(Feature::WinogradStored))
            }
            Some(tile) => {
                // Fits: it is one of `output_channels`.
                let wrong = LayerProblem::TransformedWeights { channel: channel as u16 };
                self.transformed_magnitude(tile, packed, channel).ok_or(wrong)
            }
        }
    }

    /// The same where the weights are not transformed, with those that are there twice.
    fn stored_magnitude(&self, packed: &[u8], channel: usize) -> u64 {
        if self.algorithm.weight_bits().is_int4() {
            let (runs, halves) = self.int4_runs(channel);
            return runs.int4_magnitude(packed, halves);
        }
        if self.algorithm.is_wide() {
            return self.wide_runs(channel).wide_magnitude(packed);
        }
        self.runs(channel).magnitude(packed)
    }

    /// Where the bytes of a channel lie, padding included.
    fn runs(&self, channel: usize) -> Runs {
        let taps = self.padded_taps();
        let pair = channel / 2 * 2 * taps;
        match self.algorithm.packing() {
            Packing::Pairs => Runs { start: pair + channel % 2, step: 2, run: 1, count: taps },
            Packing::Chunks => {
                Runs { start: pair + channel % 2 * 16, step: 32, run: 16, count: taps / 16 }
            }
            Packing::SingleChannel => {
                Runs::one(channel * SINGLE_CHANNEL_BYTES, SINGLE_CHANNEL_BYTES)
            }
            _ => Runs::one(channel * taps, taps),
        }
    }

    /// Where the int16 weights of a channel lie, padding included.
    fn wide_runs(&self, channel: usize) -> Runs {
        let steps = self.padded_taps() / 2;
        Runs { start: channel / 2 * steps * 8 + channel % 2 * 4, step: 8, run: 4, count: steps }
    }

    /// Where the int4 weights of a channel lie, padding included.
    fn int4_runs(&self, channel: usize) -> (Runs, Halves) {
        let taps = self.padded_taps();
        let pair = channel / 2 * taps;
        match self.algorithm.packing() {
            Packing::Chunks => {
                let runs = Runs { start: pair, step: 16, run: 16, count: taps / 16 };
                (runs, Halves::of_two(channel))
            }
            Packing::SingleChannel => {
                let bytes = SINGLE_CHANNEL_BYTES / 2;
                (Runs::one(channel * bytes, bytes), Halves::Both)
            }
            _ => {
                let start = pair + channel % 2;
                (Runs { start, step: 2, run: 1, count: taps / 2 }, Halves::Both)
            }
        }
    }

    /// Weights of one output channel with what fills them up.
    const fn padded_taps(&self) -> usize {
        match self.algorithm.packing() {
            Packing::Pairs | Packing::WidePairs => self.taps().next_multiple_of(4),
            Packing::Chunks => self.taps().next_multiple_of(16),
            _ => self.taps(),
        }
    }

    /// Sum of the sizes of the weights of which a channel's bytes are the transform; `None` if
    /// there are none.
    fn transformed_magnitude(&self, tile: Tile, packed: &[u8], channel: usize) -> Option<u64> {
        let mut magnitude = 0;
        for input in 0..self.input_channels as usize {
            let places = self.transformed_places(tile, channel, input);
            let stored = |row, column| places.value(packed, tile.point(row, column));
            let columns = tile.recover_columns(stored)?;
            let sizes = columns.as_flattened().iter().map(|weight| size(*weight));
            magnitude += sizes.sum::<u32>() as u64;
        }
        Some(magnitude)
    }

    /// Checks that what fills up the weights is what [`Filters::pack`] writes.
    pub(crate) fn check(&self, packed: &[u8]) -> Result<(), LayerProblem> {
        let (channels, taps) = (self.output_channels as usize, self.taps());
        let written = match self.algorithm.packing() {
            Packing::SingleChannel if self.algorithm.weight_bits().is_int4() => {
                let mut channels = packed.as_chunks().0.iter().map(single_channel_of_int4);
                channels.all(|bytes| is_single_channel(&bytes))
            }
            Packing::SingleChannel => packed.as_chunks().0.iter().all(is_single_channel),
            Packing::Pairs | Packing::WidePairs | Packing::Chunks => {
                let mut filled_up = taps..self.padded_taps();
                let is_zero = |channel, tap| self.stored_weight(packed, channel, tap) == 0;
                filled_up.all(|tap| (0..channels).all(|channel| is_zero(channel, tap)))
                    && (channels.is_multiple_of(2) || self.stored_magnitude(packed, channels) == 0)
                    && (!self.algorithm.is_wide() || are_widened(packed))
            }
            _ => true,
        };
        if written { Ok(()) } else { Err(LayerProblem::WeightPadding) }
    }

    /// Place of an int8 or int16 weight, bytes; that of an int4 weight comes of it.
    fn place(&self, channel: usize, tap: usize) -> usize {
        match self.algorithm.packing() {
            Packing::Pairs => {
                let words = self.taps().div_ceil(4) * 2;
                let word = channel / 2 * words + tap / 4 * 2 + tap % 2;
                word * 4 + tap % 4 / 2 * 2 + channel % 2
            }
            Packing::WidePairs if self.algorithm.is_wide() => {
                let steps = self.taps().div_ceil(4) * 2;
                let word = (channel / 2 * steps + tap / 4 * 2 + tap % 2) * 2 + channel % 2;
                word * 4 + tap % 4 / 2 * 2
            }
            Packing::Chunks => {
                let chunks = self.taps().div_ceil(16);
                ((channel / 2 * chunks + tap / 16) * 2 + channel % 2) * 16 + tap % 16
            }
            Packing::SingleChannel => {
                channel * SINGLE_CHANNEL_BYTES
                    + SINGLE_CHANNEL_PLACES[tap % SINGLE_CHANNEL_PLACES.len()]
            }
            Packing::Quads => {
                let inputs = (self.input_channels as usize).max(1);
                let (pixel, input) = (tap / inputs, tap % inputs);
                ((channel * inputs / 4 + input / 4) * 9 + pixel) * 4 + input % 4
            }
            Packing::Rows | Packing::WidePairs | Packing::Transformed(_) => {
                channel * self.taps() + tap
            }
        }
    }

    /// Where the transformed weights of a channel and an input lie: `[channel pair][point][input
    /// pair][channel of the pair][input of the pair]`.
    fn transformed_places(&self, tile: Tile, channel: usize, input: usize) -> Places {
        let pairs = self.input_channels as usize / 2;
        let pair = input / 4 * 2 + input % 2;
        let word = (channel / 2 * tile.points() * pairs + pair) * 2 + channel % 2;
        Places { first: word * 4 + input % 4 / 2 * 2, step: pairs * 8 }
    }
}

/// Places of int16 values, bytes: one for each point of a tile.
#[derive(Clone, Copy)]
struct Places {
    first: usize,
    step: usize,
}

impl Places {
    fn of(self, point: usize) -> usize {
        self.first + point * self.step
    }

    fn value(self, packed: &[u8], point: usize) -> i32 {
        i16::from_le_bytes(get(packed, self.of(point))) as i32
    }

    /// The weight of tap (row, column) of the kernel whose transform lies here; any, where none
    /// does.
    fn weight(self, tile: Tile, packed: &[u8], row: usize, column: usize) -> i8 {
        let stored = |row, column| self.value(packed, tile.point(row, column));
        tile.recover_weight(stored, row, column) as i8
    }
}

/// Bytes per output channel of [`Algorithm::SingleChannel`].
pub(crate) const SINGLE_CHANNEL_BYTES: usize = 12;

/// Where its nine taps lie, so that three words expand to the pairs (00, 01), (10, 11), (20, 21),
/// (02, 12), (12, 22): `00 10 01 11 | 20 02 21 12 | 12 - 22 -`.
const SINGLE_CHANNEL_PLACES: [usize; 9] = [0, 2, 5, 1, 3, 7, 4, 6, 10];

/// The tap that lies there twice, the second time one byte later.
const SINGLE_CHANNEL_TWICE: usize = 5;

/// The nine taps of a channel, kernel row by kernel row.
#[cfg(kindling_backend = "armv6m")]
pub(crate) fn single_channel_taps(bytes: &[u8; SINGLE_CHANNEL_BYTES]) -> [i8; 9] {
    SINGLE_CHANNEL_PLACES.map(|place| bytes.get(place).map_or(0, |byte| *byte as i8))
}

/// The int8 weights of a channel of [`Algorithm::SingleChannelInt4`].
pub(crate) fn single_channel_of_int4(
    bytes: &[u8; SINGLE_CHANNEL_BYTES / 2],
) -> [u8; SINGLE_CHANNEL_BYTES] {
    let [a, b, c, d, e, f] = *bytes;
    let high = |byte: u8| high_half(byte) as u8;
    let low = |byte: u8| low_half(byte) as u8;
    [
        high(a),
        high(b),
        low(a),
        low(b),
        high(c),
        high(d),
        low(c),
        low(d),
        high(e),
        high(f),
        low(e),
        low(f),
    ]
}

/// Whether a tap is there twice, and zeros where no tap is.
const fn is_single_channel(bytes: &[u8; SINGLE_CHANNEL_BYTES]) -> bool {
    let [.., first, second, zero, _, other_zero] = bytes;
    *first == *second && *zero | *other_zero == 0
}
