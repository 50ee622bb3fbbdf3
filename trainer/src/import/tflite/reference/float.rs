//! `QUANTIZE` from real numbers and `DEQUANTIZE` to them, at the edges of a network.

use super::node::{Affine, Output};

/// The integers' side of the edge.
pub struct Float(pub Affine);

impl Float {
    /// `clamp(zero_point + round(real / scale))`, halves away from zero.
    pub fn quantise(&self, reals: &[f32]) -> Vec<i8> {
        let output = Output::new(self.0.zero_point, [i32::MIN, i32::MAX]);
        reals.iter().map(|real| output.value((real / self.0.scale).round() as i32)).collect()
    }

    /// `scale * (q - zero_point)`.
    pub fn dequantise(&self, values: &[i8]) -> Vec<f32> {
        let scale = f64::from(self.0.scale);
        let steps = |value: &i8| f64::from(i32::from(*value) - self.0.zero_point);
        values.iter().map(|value| (scale * steps(value)) as f32).collect()
    }
}
