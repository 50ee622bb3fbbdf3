//! The arithmetic of one value: accumulate in 32 bits, requantise with one rounding, or with two in
//! models from TensorFlow Lite. Written down with ranges and worked examples in
//! `docs/arithmetic.md`.

use serde::{Deserialize, Serialize};

use crate::features::Feature;

/// Zero point of the network's input: a pixel `p` of 0 to 255 becomes the int8 value `p - 128`.
pub const INPUT_ZERO_POINT: i8 = -128;

/// Zero point of every map after a ReLU. The smallest int8 value stands for 0.0, so saturation
/// *is* the ReLU.
pub const RELU_ZERO_POINT: i8 = -128;

/// Smallest multiplier the exporter writes: below it the rounding of the multiplier itself would
/// show.
pub const MULTIPLIER_MIN: i32 = 1 << 14;

/// Least multiplier of a factor with two roundings that is not 0, apart from depthwise layers: the
/// loops in assembly double it in 32 bits.
pub(crate) const NORMAL: i32 = 1 << 30;

/// How accumulators become int8. A model's header names it, for all of its layers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// With one rounding: [`requantise`].
    #[default]
    Once,
    /// With two, as TensorFlow Lite does: [`requantise_twice`].
    Twice,
}

impl Rounding {
    /// Its number in the header.
    pub(crate) const fn number(self) -> u8 {
        self as u8
    }

    /// The one with a number.
    pub(crate) const fn numbered(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Once),
            1 => Some(Self::Twice),
            _ => None,
        }
    }

    /// Bytes of the parameters of one channel in the model file.
    pub const fn channel_bytes(self) -> usize {
        match self {
            Self::Once => ChannelParameters::BYTES,
            Self::Twice => ChannelParameters::BYTES + 1,
        }
    }

    /// Bytes of the parameters of a layer whose channels have one multiplier and shift, with two
    /// roundings: the biases, then both.
    pub const fn per_tensor_bytes(channels: u16) -> usize {
        BIAS_BYTES * channels as usize + FACTOR_BYTES
    }

    /// The rounding of a layer whose channel parameters are in `section`: with two roundings there
    /// is a shift for each channel too.
    #[inline(always)]
    pub(crate) const fn of(section: &[u8], channels: u16) -> Self {
        let once = channels as usize * Self::Once.channel_bytes();
        if Feature::TwoRoundings.is_built() && section.len() > once {
            Self::Twice
        } else {
            Self::Once
        }
    }
}

/// Bytes of a bias, little endian.
const BIAS_BYTES: usize = 4;

/// Bytes of a multiplier, little endian, and the shift that follows it.
const FACTOR_BYTES: usize = 5;

/// What turns one output channel's accumulator into int8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelParameters {
    /// Start value of the accumulator: the layer's bias in units of `input scale * weight scale`,
    /// less `input zero point * sum of the channel's weights`.
    pub bias: i32,
    /// `input scale * weight scale / output scale`, times 2^32; 1 to 2^31 - 1. With two roundings
    /// times `2^(31 - shift)`: 2^30 to 2^31 - 1, or 0; of a depthwise layer 0 to 2^31 - 1.
    pub multiplier: i32,
    /// With two roundings: -31 to 30, a positive one to the left.
    pub shift: Option<i8>,
}

impl ChannelParameters {
    /// Size in the model file: bias, then multiplier, little endian. Shifts of a byte each follow
    /// those of all channels.
    pub const BYTES: usize = 8;

    /// Reads the parameters from the file's bytes, without a shift.
    pub const fn from_le_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [b0, b1, b2, b3, m0, m1, m2, m3] = *bytes;
        Self {
            bias: i32::from_le_bytes([b0, b1, b2, b3]),
            multiplier: i32::from_le_bytes([m0, m1, m2, m3]),
            shift: None,
        }
    }

    /// Reads the parameters of two channels.
    pub(crate) const fn pair_from_le_bytes(bytes: &[u8; 2 * Self::BYTES]) -> [Self; 2] {
        let (first, second) = bytes.split_at(Self::BYTES);
        match (first.first_chunk(), second.first_chunk()) {
            (Some(first), Some(second)) => {
                [Self::from_le_bytes(first), Self::from_le_bytes(second)]
            }
            _ => [Self { bias: 0, multiplier: 1, shift: None }; 2],
        }
    }

    /// The parameters as the file holds them, without a shift.
    pub fn to_le_bytes(self) -> [u8; Self::BYTES] {
        let ([b0, b1, b2, b3], [m0, m1, m2, m3]) =
            (self.bias.to_le_bytes(), self.multiplier.to_le_bytes());
        [b0, b1, b2, b3, m0, m1, m2, m3]
    }
}

/// The parameters of all channels, from the file's bytes, where there is one rounding.
pub(crate) fn channel_parameters(section: &[u8]) -> impl Iterator<Item = ChannelParameters> {
    section.as_chunks().0.iter().map(ChannelParameters::from_le_bytes)
}

/// The parameters of all channels, from the file's bytes, whatever the rounding.
pub(crate) fn with_shifts(
    section: &[u8],
    channels: u16,
) -> impl Iterator<Item = ChannelParameters> {
    let shifts = channels as usize * ChannelParameters::BYTES;
    channel_parameters(section).take(channels as usize).enumerate().map(
        move |(channel, parameters)| {
            let shift = section.get(shifts + channel).map(|shift| *shift as i8);
            ChannelParameters { shift, ..parameters }
        },
    )
}

/// The biases of a layer whose channels have one multiplier and shift, and these two; `None` where
/// `section` is not as long as that.
#[inline(always)]
pub(crate) fn per_tensor(section: &[u8], channels: u16) -> Option<(&[[u8; BIAS_BYTES]], Factor)> {
    let (biases, factor) = section.split_at_checked(BIAS_BYTES * channels as usize)?;
    let [m0, m1, m2, m3, shift] = *factor.first_chunk::<FACTOR_BYTES>()?;
    let multiplier = i32::from_le_bytes([m0, m1, m2, m3]);
    Some((biases.as_chunks().0, Factor { multiplier, shift: shift as i8 }))
}

/// The parameters of all channels of such a layer; none where `section` is not as long as that.
#[inline(always)]
pub(crate) fn per_tensor_parameters(
    section: &[u8],
    channels: u16,
) -> impl Iterator<Item = ChannelParameters> {
    let none = (&[][..], Factor { multiplier: 0, shift: 0 });
    let (biases, Factor { multiplier, shift }) = per_tensor(section, channels).unwrap_or(none);
    biases.iter().map(move |bias| {
        let bias = i32::from_le_bytes(*bias);
        ChannelParameters { bias, multiplier, shift: Some(shift) }
    })
}

/// An accumulator as int8, whatever the rounding.
pub(crate) fn output(accumulator: i32, parameters: ChannelParameters, zero_point: i8) -> i8 {
    match parameters.shift {
        Some(_) if Feature::TwoRoundings.is_built() => {
            Twice::output(accumulator, parameters, zero_point)
        }
        _ => Once::output(accumulator, parameters, zero_point),
    }
}

/// A layer's rounding as a type, so that a loop is compiled for each.
pub(crate) trait Requantise {
    /// Which it is.
    #[cfg(not(kindling_backend = "portable"))]
    const ROUNDING: Rounding;

    /// The parameters of all channels, from the file's bytes.
    fn parameters(section: &[u8], channels: u16) -> impl Iterator<Item = ChannelParameters>;

    /// The parameters of `COUNT` channels, from the file's bytes of all.
    fn some_parameters<const COUNT: usize>(
        section: &[u8],
        channels: u16,
        first: usize,
    ) -> Option<[ChannelParameters; COUNT]>;

    /// An accumulator as int8.
    fn output(accumulator: i32, parameters: ChannelParameters, zero_point: i8) -> i8;
}

/// [`Rounding::Once`].
pub(crate) struct Once;

/// [`Rounding::Twice`].
pub(crate) struct Twice;

impl Requantise for Once {
    #[cfg(not(kindling_backend = "portable"))]
    const ROUNDING: Rounding = Rounding::Once;

    #[inline(always)]
    fn parameters(section: &[u8], _: u16) -> impl Iterator<Item = ChannelParameters> {
        channel_parameters(section)
    }

    #[inline(always)]
    fn some_parameters<const COUNT: usize>(
        section: &[u8],
        _: u16,
        first: usize,
    ) -> Option<[ChannelParameters; COUNT]> {
        let parameters = section.as_chunks().0.get(first..)?.first_chunk::<COUNT>()?;
        Some(parameters.map(|bytes| ChannelParameters::from_le_bytes(&bytes)))
    }

    #[inline(always)]
    fn output(accumulator: i32, parameters: ChannelParameters, zero_point: i8) -> i8 {
        requantise(accumulator, parameters.multiplier, zero_point)
    }
}

impl Requantise for Twice {
    #[cfg(not(kindling_backend = "portable"))]
    const ROUNDING: Rounding = Rounding::Twice;

    #[inline(always)]
    fn parameters(section: &[u8], channels: u16) -> impl Iterator<Item = ChannelParameters> {
        with_shifts(section, channels)
    }

    #[inline(always)]
    fn some_parameters<const COUNT: usize>(
        section: &[u8],
        channels: u16,
        first: usize,
    ) -> Option<[ChannelParameters; COUNT]> {
        let (numbers, shifts) =
            section.split_at_checked(ChannelParameters::BYTES * channels as usize)?;
        let mut parameters = Once::some_parameters::<COUNT>(numbers, channels, first)?;
        let shifts = shifts.get(first..)?.first_chunk::<COUNT>()?;
        for (parameters, shift) in parameters.iter_mut().zip(shifts) {
            parameters.shift = Some(*shift as i8);
        }
        Some(parameters)
    }

    #[inline(always)]
    fn output(accumulator: i32, parameters: ChannelParameters, zero_point: i8) -> i8 {
        let shift = parameters.shift.unwrap_or_default();
        requantise_twice(accumulator, parameters.multiplier, shift, zero_point)
    }
}

/// A factor of TensorFlow Lite's: `multiplier / 2^31 * 2^shift`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// 2^30 to 2^31 - 1, or 0.
    pub multiplier: i32,
    /// -31 to 30, a positive one to the left.
    pub shift: i8,
}

impl Factor {
    /// Whether multiplier and shift are in their ranges, and a value of up to `largest` in size
    /// still fits 32 bits when it is shifted to the left.
    pub(crate) const fn fits(self, largest: u64) -> bool {
        let left = if self.shift > 0 { self.shift as u32 } else { 0 };
        (self.multiplier == 0 || self.multiplier >= NORMAL)
            && self.shift >= -31
            && self.shift <= 30
            && largest <= i32::MAX as u64 >> left
    }

    /// `value` times this factor, with two roundings: see [`requantise_twice`].
    #[inline(always)]
    pub(crate) const fn scale(self, value: i32) -> i32 {
        let size = self.shift.unsigned_abs() as u32;
        let (left, right) = if self.shift > 0 { (size, 0) } else { (0, size) };
        let product = multiply(value.wrapping_shl(left), self.multiplier);
        divide_by_power_of_two(product, right)
    }
}

/// `a * b / 2^31`, rounded to nearest with halves up. One of them is not -2^31.
#[inline(always)]
pub(crate) const fn multiply(a: i32, b: i32) -> i32 {
    ((a as i64 * b as i64 + (1 << 30)) >> 31) as i32
}

/// `value / 2^exponent` for an exponent of 0 to 31, rounded to nearest with halves away from zero.
#[inline(always)]
pub(crate) const fn divide_by_power_of_two(value: i32, exponent: u32) -> i32 {
    let half = 1_u32.wrapping_shl(exponent) >> 1;
    let size = value.unsigned_abs().wrapping_add(half).wrapping_shr(exponent) as i32;
    if value < 0 { size.wrapping_neg() } else { size }
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

/// Scales an accumulator to int8 with two roundings, as TensorFlow Lite does: by
/// `multiplier / 2^31` with halves up, then by `2^shift` with halves away from zero. A positive
/// shift comes before both, to the left.
///
/// Range: the loader has proved that the shifted accumulator fits 32 bits, and so does the product,
/// whose factor is below 1. The size of a product is at most 2^31, so adding a half of at most 2^30
/// fits 32 bits without sign.
///
/// ```
/// // 2175 * 0.64 = 1391.99997, rounded to 1392; / 2^5 = 43.5, rounded to 44
/// assert_eq!(infer::quant::requantise_twice(2175, 1_374_389_504, -5, 5), 49);
/// ```
#[inline(always)]
pub const fn requantise_twice(accumulator: i32, multiplier: i32, shift: i8, zero_point: i8) -> i8 {
    let scaled = Factor { multiplier, shift }.scale(accumulator);
    saturate(scaled.saturating_add(zero_point as i32))
}

/// The nearest int8 value.
#[inline(always)]
pub(crate) const fn saturate(value: i32) -> i8 {
    if value < i8::MIN as i32 {
        i8::MIN
    } else if value > i8::MAX as i32 {
        i8::MAX
    } else {
        value as i8
    }
}

impl OutputQuant {
    /// The real value of an int8 value.
    #[inline]
    pub fn real(self, value: i8) -> f32 {
        self.scale * (value as i32 - self.zero_point as i32) as f32
    }

    /// The nearest int8 value, halves up: `saturate(zero_point + floor(real / scale + 0.5))`. What
    /// is not a number becomes -128.
    ///
    /// One division and one sum in `f32`, so the same bits on host and chip. `as` cuts off
    /// fractions, stays within 0 to 255, and makes 0 of what is not a number.
    ///
    /// ```
    /// let quant = infer::format::OutputQuant { scale: 0.5847, zero_point: 83 };
    /// assert_eq!(quant.quantise(-25.0), 40); // -42.757 is -43
    /// assert_eq!(quant.quantise(1e9), 127);
    /// ```
    #[inline]
    pub fn quantise(self, real: f32) -> i8 {
        let stored = (real / self.scale + (self.zero_point as f32 + 128.5)) as u8;
        quantise_pixel(stored)
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
