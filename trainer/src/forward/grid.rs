//! The int8 values of a map or of weights, as real numbers, for training that minds them.

use infer::format::OutputQuant;
use infer::packing::WeightBits;

use crate::int4::{INT4_MAX, INT4_MIN, int4_scale};
use crate::kernels::Loops;

/// Largest size of an int8 weight.
const WEIGHT_MAX: f32 = 127.0;

/// The real values that int8 can stand for: `step` times whole numbers from `least` to `greatest`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    step: f32,
    least: f32,
    greatest: f32,
}

impl From<OutputQuant> for Grid {
    fn from(quant: OutputQuant) -> Self {
        let steps = |value: i8| f32::from(value) - f32::from(quant.zero_point);
        Self { step: quant.scale, least: steps(i8::MIN), greatest: steps(i8::MAX) }
    }
}

impl Grid {
    /// The grid of an output channel's weights: of int8 the largest is 127 steps. None where all
    /// are 0.
    fn of_weights(row: &[f32], bits: WeightBits) -> Option<Self> {
        let (step, least, greatest) = match bits {
            WeightBits::Four => (int4_scale(row) as f32, INT4_MIN as f32, INT4_MAX as f32),
            WeightBits::Eight => {
                let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
                (largest / WEIGHT_MAX, -WEIGHT_MAX, WEIGHT_MAX)
            }
        };
        (step > 0.0).then_some(Self { step, least, greatest })
    }

    /// The least and the greatest value.
    pub fn ends(&self) -> [f32; 2] {
        [self.least * self.step, self.greatest * self.step]
    }
}

/// Takes values to the nearest of a grid.
pub struct ToGrid<'v> {
    /// Where they lie.
    pub values: &'v mut [f32],
    /// The grid.
    pub grid: Grid,
}

impl Loops for ToGrid<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Grid { step, least, greatest } = self.grid;
        for value in self.values {
            let steps = (*value / step).round_ties_even();
            *value = steps.clamp(least, greatest) * step;
        }
    }
}

/// Weights `[output][tap]` of `outputs` channels as these bits leave them.
pub fn weights_on_grid(rows: &[f32], outputs: usize, bits: WeightBits) -> Vec<f32> {
    let mut rows = rows.to_vec();
    let taps = (rows.len() / outputs.max(1)).max(1);
    for row in rows.chunks_exact_mut(taps) {
        if let Some(grid) = Grid::of_weights(row, bits) {
            ToGrid { values: row, grid }.run();
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_to_the_nearest_of_the_grid() {
        let grid = Grid::from(OutputQuant { scale: 0.5, zero_point: -126 });
        assert_eq!(grid.ends(), [-1.0, 126.5]);
        let mut values = [-9.0, -0.7, -0.2, 0.0, 0.3, 0.76, 200.0];
        ToGrid { values: &mut values, grid }.run();
        assert_eq!(values, [-1.0, -0.5, 0.0, 0.0, 0.5, 1.0, 126.5]);
    }

    #[test]
    fn each_channel_of_weights_has_a_grid_of_its_own() {
        let rows = [1.0, -0.4, 0.005, 0.006, 0.0, -0.02, 0.0, 0.0, 0.0];
        let weights = weights_on_grid(&rows, 3, WeightBits::Eight);
        let steps = |row: usize, step: f32| -> Vec<f32> {
            weights[3 * row..][..3]
                .iter()
                .map(|weight| (weight / step * 8.0).round() / 8.0)
                .collect()
        };
        assert_eq!(steps(0, 1.0 / 127.0), [127.0, -51.0, 1.0]);
        assert_eq!(steps(1, 0.02 / 127.0), [38.0, 0.0, -127.0]);
        assert_eq!(weights[6..], [0.0; 3]);
    }
    #[test]
    fn int4_weights_are_sixteen_steps_of_their_channel() {
        let row = [0.5, -1.01, 3.5, 0.1, -0.4, 0.26];
        let weights = weights_on_grid(&row, 1, WeightBits::Four);
        let steps: Vec<f32> = weights.iter().map(|weight| (weight / 0.5).round()).collect();
        assert_eq!(steps, [1.0, -2.0, 7.0, 0.0, -1.0, 1.0]);
    }
}
