//! What a network takes and gives: the meaning of the values at its two ends.

use crate::error::LayerProblem;
use crate::quant::{INPUT_ZERO_POINT, OutputQuant};
use crate::value_type::{OutputType, ValueType};

/// What a network takes and gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interface<'m> {
    /// What the values of the image are.
    pub takes: ValueType,
    /// What the values of the first output are.
    pub gives: OutputType,
    /// A mean and a deviation for each channel of real values, [`ChannelScale::BYTES`] each; empty
    /// for a mean of 0 and a deviation of 1.
    pub scales: &'m [u8],
}

/// How real values of a channel become what the network reads: `(value - mean) / deviation`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChannelScale {
    /// What becomes 0.
    pub mean: f32,
    /// What becomes 1, from the mean on; above 0.
    pub deviation: f32,
}

impl ChannelScale {
    /// Size in the file: mean, then deviation, little endian.
    pub const BYTES: usize = 8;

    /// Mean 0, deviation 1.
    pub const NONE: Self = Self { mean: 0.0, deviation: 1.0 };

    /// Reads it from the file's bytes.
    pub const fn from_le_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let [m0, m1, m2, m3, d0, d1, d2, d3] = *bytes;
        let (mean, deviation) = ([m0, m1, m2, m3], [d0, d1, d2, d3]);
        Self { mean: f32::from_le_bytes(mean), deviation: f32::from_le_bytes(deviation) }
    }

    /// As the file holds it.
    pub fn to_le_bytes(self) -> [u8; Self::BYTES] {
        let ([m0, m1, m2, m3], [d0, d1, d2, d3]) =
            (self.mean.to_le_bytes(), self.deviation.to_le_bytes());
        [m0, m1, m2, m3, d0, d1, d2, d3]
    }

    /// The value as the network means it, before it is rounded.
    pub fn apply(self, value: f32) -> f32 {
        (value - self.mean) / self.deviation
    }

    /// The inverse of [`ChannelScale::apply`], up to rounding.
    pub fn restore(self, value: f32) -> f32 {
        value * self.deviation + self.mean
    }

    /// Whether both are finite and the deviation is above 0, told by their bits: cores without a
    /// floating point unit need no code for comparisons.
    fn is_sound(self) -> bool {
        const INFINITE: u32 = f32::INFINITY.to_bits();
        let (mean, deviation) = (self.mean.to_bits(), self.deviation.to_bits());
        (mean & INFINITE != INFINITE) & (0 < deviation) & (deviation < INFINITE)
    }
}

impl Interface<'_> {
    /// The scale of a channel.
    pub fn scale(&self, channel: usize) -> ChannelScale {
        let scales = self.scales.as_chunks().0;
        scales.get(channel).map_or(ChannelScale::NONE, ChannelScale::from_le_bytes)
    }

    /// Whether an input with this number of channels can be of it: a pixel of 0 is the real value
    /// 0, and real values have scales for all channels or for none.
    pub(crate) fn check(&self, channels: u16, quant: OutputQuant) -> Result<(), LayerProblem> {
        let is_real = self.takes == ValueType::Reals;
        if self.takes == ValueType::Pixels && quant.zero_point != INPUT_ZERO_POINT {
            return Err(LayerProblem::OutputQuant);
        }
        let bytes = if is_real { channels as usize * ChannelScale::BYTES } else { 0 };
        let mut scales = self.scales.as_chunks().0.iter().map(ChannelScale::from_le_bytes);
        let is_right = self.scales.is_empty() || self.scales.len() == bytes;
        if is_right && scales.all(ChannelScale::is_sound) {
            Ok(())
        } else {
            Err(LayerProblem::Scale)
        }
    }
}
