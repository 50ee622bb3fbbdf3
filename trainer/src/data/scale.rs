//! Sensor values as pixels: each channel has a scale of its own.

use std::fmt;

use infer::ChannelScale;
use infer::format::OutputQuant;
use infer::quant::INPUT_ZERO_POINT;
use serde::{Deserialize, Serialize};

/// The quantisation of pixels from 0 to 255, which stand for 0 to 1.
pub const PIXELS: OutputQuant = OutputQuant { scale: 1.0 / 255.0, zero_point: INPUT_ZERO_POINT };

/// Values of a channel: what becomes 0, and what becomes 255. What lies beyond is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scale {
    /// The least value of the training set.
    pub low: f64,
    /// The greatest.
    pub high: f64,
}

impl Scale {
    /// The scale of each channel of finite values, which come channel by channel in turn.
    pub fn of_channels(values: impl Iterator<Item = f64>, channels: usize) -> Vec<Self> {
        let mut scales = vec![Self { low: f64::INFINITY, high: f64::NEG_INFINITY }; channels];
        for (index, value) in values.enumerate() {
            let scale = &mut scales[index % channels];
            *scale = Self { low: scale.low.min(value), high: scale.high.max(value) };
        }
        scales
    }

    /// `(value - low) / (high - low)` in steps of 1/255, rounded, from 0 to 255; 0 for a channel of
    /// one value.
    ///
    /// In `f32`, by the same steps as a chip that reads the value: the middle of the range, which
    /// lies between two steps, is 127.
    pub fn pixel(self, value: f64) -> u8 {
        PIXELS.quantise(self.of_channel().apply(value as f32)) as u8 ^ 0x80
    }

    /// The scale as a model file has it. Of a channel whose values are all the same, or too large
    /// for `f32`, nothing reaches 1.
    pub fn of_channel(self) -> ChannelScale {
        let (mean, deviation) = (self.low as f32, self.high as f32 - self.low as f32);
        let is_sound = mean.is_finite() && deviation.is_finite() && deviation > 0.0;
        match is_sound {
            true => ChannelScale { mean, deviation },
            false => ChannelScale { mean: 0.0, deviation: f32::MAX },
        }
    }

    /// Whether a value lies within.
    pub fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_channel_reaches_from_0_to_255() {
        let values = [-1.0, 10.0, 0.0, 10.0, 1.0, 10.0];
        let scales = Scale::of_channels(values.into_iter(), 2);
        assert_eq!(scales, [Scale { low: -1.0, high: 1.0 }, Scale { low: 10.0, high: 10.0 }]);
        assert_eq!([-1.0, 0.0, 1.0].map(|value| scales[0].pixel(value)), [0, 127, 255]);
        assert_eq!(scales[1].pixel(10.0), 0);
    }

    #[test]
    fn what_lies_beyond_is_cut_off() {
        let scale = Scale { low: 0.0, high: 10.0 };
        assert_eq!([-1e300, -0.1, 10.1, 1e300].map(|value| scale.pixel(value)), [0, 0, 255, 255]);
        assert!(scale.holds(0.0) && scale.holds(10.0) && !scale.holds(10.1));
        let widest = Scale { low: f64::MIN, high: f64::MAX };
        assert_eq!(widest.pixel(1e30), 0);
    }
}
