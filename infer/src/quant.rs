//! The arithmetic of one value: accumulate in 32 bits, requantise with one rounding. Written down
//! with ranges and a worked example in `docs/arithmetic.md`.

use serde::{Deserialize, Serialize};

/// Zero point of the network's input: a pixel `p` of 0 to 255 becomes the int8 value `p - 128`.
pub const INPUT_ZERO_POINT: i8 = -128;

/// Zero point of every map behind a ReLU. The smallest int8 value stands for 0.0, so saturation
/// *is* the ReLU.
pub const RELU_ZERO_POINT: i8 = -128;

/// Smallest multiplier the exporter writes: below it the rounding of the multiplier itself would
/// show.
pub const MULTIPLIER_MIN: i32 = 1 << 14;

/// What turns one output channel's accumulator into int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelParameters {
    /// Start value of the accumulator: the layer's bias in units of `input scale * weight scale`,
    /// less `input zero point * sum of the channel's weights`.
    pub bias: i32,
    /// `input scale * weight scale / output scale`, times 2^32; 1 to 2^31 - 1.
    pub multiplier: i32,
}

impl ChannelParameters {
    /// Size in the model file: bias, then multiplier, little endian.
    pub const BYTES: usize = 8;

    /// Reads the parameters from the file's bytes.
    pub const fn from_le_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [b0, b1, b2, b3, m0, m1, m2, m3] = *bytes;
        Self {
            bias: i32::from_le_bytes([b0, b1, b2, b3]),
            multiplier: i32::from_le_bytes([m0, m1, m2, m3]),
        }
    }

    /// Reads the parameters of two channels.
    pub(crate) const fn pair_from_le_bytes(bytes: &[u8; 2 * Self::BYTES]) -> [Self; 2] {
        let (first, second) = bytes.split_at(Self::BYTES);
        match (first.first_chunk(), second.first_chunk()) {
            (Some(first), Some(second)) => {
                [Self::from_le_bytes(first), Self::from_le_bytes(second)]
            }
            _ => [Self { bias: 0, multiplier: 1 }; 2],
        }
    }

    /// The parameters as the file holds them.
    pub fn to_le_bytes(self) -> [u8; Self::BYTES] {
        let ([b0, b1, b2, b3], [m0, m1, m2, m3]) =
            (self.bias.to_le_bytes(), self.multiplier.to_le_bytes());
        [b0, b1, b2, b3, m0, m1, m2, m3]
    }
}

/// The parameters of all channels, from the file's bytes.
pub(crate) fn channel_parameters(section: &[u8]) -> impl Iterator<Item = ChannelParameters> {
    section.as_chunks().0.iter().map(ChannelParameters::from_le_bytes)
}

/// Quantisation of a layer's output: `real = scale * (int8 - zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutputQuant {
    /// Real value of one step.
    pub scale: f32,
    /// The int8 value that stands for 0.0.
    pub zero_point: i8,
}

/// Scales an accumulator to int8: `saturate(zero_point + round(accumulator * multiplier / 2^32))`.
///
/// `round` is to nearest with halves up: `(accumulator * multiplier + 2^31) >> 32` in 64 bits.
/// Range: `|accumulator * multiplier| <= 2^31 * 2^31 = 2^62`, so the sum with 2^31 fits 64 bits;
/// the shifted value is at most 2^30 in size, so adding a zero point fits 32 bits.
///
/// ```
/// // 100 * 0.25 = 25, above the zero point of -128
/// assert_eq!(infer::quant::requantise(100, 1 << 30, -128), -103);
/// ```
#[inline(always)]
pub const fn requantise(accumulator: i32, multiplier: i32, zero_point: i8) -> i8 {
    let product = accumulator as i64 * multiplier as i64;
    let scaled = ((product + (1 << 31)) >> 32) as i32;
    saturate(scaled + zero_point as i32)
}

/// The nearest int8 value.
#[inline(always)]
const fn saturate(value: i32) -> i8 {
    if value < i8::MIN as i32 {
        i8::MIN
    } else if value > i8::MAX as i32 {
        i8::MAX
    } else {
        value as i8
    }
}

/// A pixel as the network's int8 input.
#[inline(always)]
pub const fn quantise_pixel(pixel: u8) -> i8 {
    (pixel ^ 0x80) as i8
}

/// [`quantise_pixel`] of pixels, four at a time; both are as long.
#[inline(always)]
pub(crate) fn quantise_pixels(to: &mut [i8], from: &[u8]) {
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<4>(), from.as_chunks::<4>());
    for (to, from) in to.iter_mut().zip(from) {
        let pixels = u32::from_ne_bytes(*from) ^ 0x8080_8080;
        *to = pixels.to_ne_bytes().map(|value| value as i8);
    }
    for (to, from) in to_rest.iter_mut().zip(from_rest) {
        *to = quantise_pixel(*from);
    }
}
