//! How weights lie in the file: what the packings of several operators share.

use serde::{Deserialize, Serialize};

use crate::features::Feature;

/// How many bits a weight has in the file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WeightBits {
    /// int4: -8 to 7.
    #[serde(rename = "int4")]
    Four,
    /// int8.
    #[default]
    #[serde(rename = "int8")]
    Eight,
}

impl WeightBits {
    /// How many these are.
    pub const fn count(self) -> u32 {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Whether a weight of this value has room in them.
    pub const fn hold(self, weight: i8) -> bool {
        match self {
            Self::Four => INT4_MIN <= weight && weight <= INT4_MAX,
            Self::Eight => true,
        }
    }

    /// Whether these are four: never in a build without that part, so that it has no code for them.
    #[inline(always)]
    pub(crate) const fn is_int4(self) -> bool {
        Feature::Int4.is_built() && matches!(self, Self::Four)
    }

    /// Largest `128 * sum(|weight|)` of an output channel. Cores that multiply pairs sum 16 times
    /// an int4 weight, in 32 bits.
    pub(crate) const fn sum_max(self) -> u64 {
        if self.is_int4() { i32::MAX as u64 / 16 } else { i32::MAX as u64 }
    }
}

/// The ends of int4.
const INT4_MIN: i8 = -8;
const INT4_MAX: i8 = 7;

/// Why a packing function refused weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum PackError {
    /// The weights, or the buffer for their packed form, do not have the layer's size.
    Size,
    /// A weight of this output channel does not fit the four bits of the layer's algorithm.
    Range {
        /// Output channel.
        channel: usize,
    },
    /// Both weights of this output channel for a pair of inputs are -128, and the layer's algorithm
    /// sums their products in 16 bits.
    Pair {
        /// Output channel.
        channel: usize,
    },
    /// The algorithm needs this part of the crate, which the build leaves out.
    NotBuilt(Feature),
}

impl core::fmt::Display for PackError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Size => f.write_str(
                "the weights or their packed form do not have the size that the layer gives them",
            ),
            Self::Range { channel } => write!(
                f,
                "channel {channel}: a weight is not within {INT4_MIN} to {INT4_MAX}, which the \
                 algorithm's four bits hold"
            ),
            Self::Pair { channel } => write!(
                f,
                "channel {channel}: the weights of two inputs beside each other are both -128, and \
                 the algorithm sums their products in 16 bits: choose another"
            ),
            Self::NotBuilt(part) => write!(
                f,
                "the algorithm needs the part `{0}`: turn on the feature `{0}` of infer",
                part.name()
            ),
        }
    }
}

impl core::error::Error for PackError {}

/// Refuses weights, channel by channel, that `bits` do not hold.
pub fn check_bits(bits: WeightBits, weights: &[i8], taps: usize) -> Result<(), PackError> {
    let mut channels = weights.chunks(taps.max(1));
    let is_outside = |channel: &[i8]| channel.iter().any(|weight| !bits.hold(*weight));
    match channels.position(is_outside) {
        Some(channel) => Err(PackError::Range { channel }),
        None => Ok(()),
    }
}

/// Where an int4 weight lies: half of a byte.
///
/// int4 weights lie in the order of int8 weights. Two groups of as many bytes, one after the other,
/// become one: the first in the high halves, the second in the low ones.
#[derive(Clone, Copy)]
pub struct Half {
    byte: usize,
    is_high: bool,
}

impl Half {
    /// The place of the weight that lies at `place` of int8 weights, in groups of
    /// `1 << group_shift` bytes.
    #[inline(always)]
    pub const fn of(place: usize, group_shift: u32) -> Self {
        let (number, group) = (place >> group_shift, 1 << group_shift);
        let within = place & (group - 1);
        Self { byte: (number / 2) << group_shift | within, is_high: number.is_multiple_of(2) }
    }

    pub fn read(self, packed: &[u8]) -> i8 {
        let [byte] = get(packed, self.byte);
        if self.is_high { high_half(byte) } else { low_half(byte) }
    }

    pub fn write(self, packed: &mut [u8], weight: i8) {
        let (mask, shift) = if self.is_high { (0x0f, 4) } else { (0xf0, 0) };
        if let Some(byte) = packed.get_mut(self.byte) {
            *byte = *byte & mask | (weight as u8 & 0x0f) << shift;
        }
    }
}

/// The int4 in the high half of a byte.
#[inline(always)]
pub const fn high_half(byte: u8) -> i8 {
    byte as i8 >> 4
}

/// The int4 in the low half of a byte.
#[inline(always)]
pub const fn low_half(byte: u8) -> i8 {
    (byte << 4) as i8 >> 4
}

/// The halves of bytes that are a channel's.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Halves {
    Both,
    High,
    Low,
}

impl Halves {
    /// The first of two channels that share their bytes has the high halves.
    pub const fn of_two(channel: usize) -> Self {
        if channel.is_multiple_of(2) { Self::High } else { Self::Low }
    }
}

/// Bytes in `count` runs of `run` bytes each, whose first bytes are `step` bytes apart.
pub struct Runs {
    pub start: usize,
    pub step: usize,
    pub run: usize,
    pub count: usize,
}

impl Runs {
    pub const fn one(start: usize, bytes: usize) -> Self {
        Self { start, step: bytes, run: bytes, count: 1 }
    }

    /// Sum of the sizes of int8 values.
    #[inline(never)]
    pub fn magnitude(&self, packed: &[u8]) -> u64 {
        let from_start = packed.get(self.start..).unwrap_or_default();
        match self {
            Self { run: 1, step, count, .. } => {
                let values = from_start.iter().step_by((*step).max(1)).take(*count);
                values.map(|byte| size(*byte as i8) as u64).sum()
            }
            Self { count: 1, run, .. } => {
                let run = from_start.get(..*run).unwrap_or_default();
                run.chunks(SUMMED_MAX).map(sum_of_sizes).sum()
            }
            _ => self.sum(packed, sum_of_sizes),
        }
    }

    /// The sum over all runs that are there. Chunks of the step would say the same, but
    /// `Iterator::sum` divides by it, and the compiler does not see everywhere that it is not 0.
    #[inline(always)]
    fn sum(&self, packed: &[u8], of_run: impl Fn(&[u8]) -> u64) -> u64 {
        let mut rest = packed.get(self.start..).unwrap_or_default();
        let mut sum = 0;
        for _ in 0..self.count {
            let Some(run) = rest.get(..self.run) else { break };
            sum += of_run(run);
            rest = rest.get(self.step..).unwrap_or_default();
        }
        sum
    }

    /// Sum of the sizes of int16 values.
    #[inline(always)]
    pub fn wide_magnitude(&self, packed: &[u8]) -> u64 {
        self.sum(packed, sum_of_wide_sizes)
    }

    /// Sum of the sizes of int4 values.
    #[inline(never)]
    pub fn int4_magnitude(&self, packed: &[u8], halves: Halves) -> u64 {
        let sizes = |byte: &u8| {
            let high = if halves == Halves::Low { 0 } else { size(high_half(*byte)) };
            let low = if halves == Halves::High { 0 } else { size(low_half(*byte)) };
            high + low
        };
        let of_run = |run: &[u8]| run.iter().map(|byte| sizes(byte) as u64).sum::<u64>();
        self.sum(packed, of_run)
    }
}

/// Whether int16 values are widened int8 values.
pub fn are_widened(packed: &[u8]) -> bool {
    wide_values(packed).all(|value| i8::try_from(value).is_ok())
}

/// Sum of the sizes of int16 values.
#[inline(never)]
fn sum_of_wide_sizes(packed: &[u8]) -> u64 {
    wide_values(packed).map(|value| value.unsigned_abs() as u64).sum()
}

fn wide_values(packed: &[u8]) -> impl Iterator<Item = i16> {
    packed.as_chunks().0.iter().map(|value| i16::from_le_bytes(*value))
}

/// Most values whose sizes are summed in 32 bits: 128 * 2^24 is 2^31.
const SUMMED_MAX: usize = 1 << 24;

/// Sum of the sizes of at most [`SUMMED_MAX`] int8 values.
#[inline(always)]
fn sum_of_sizes(packed: &[u8]) -> u64 {
    packed.iter().map(|byte| size(*byte as i8)).sum::<u32>() as u64
}

/// Size of a weight.
pub const fn size(weight: i8) -> u32 {
    weight.unsigned_abs() as u32
}

pub fn put<const BYTES: usize>(packed: &mut [u8], place: usize, value: [u8; BYTES]) {
    if let Some(bytes) = packed.get_mut(place..place + BYTES) {
        bytes.copy_from_slice(&value);
    }
}

pub fn get<const BYTES: usize>(packed: &[u8], place: usize) -> [u8; BYTES] {
    packed.get(place..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; BYTES])
}
