//! Calibration: the range of values each stage leaves on training images. It fixes the activations'
//! scales.

use crate::data::Dataset;
use crate::float_model::FloatModel;
use crate::forward::Forward;
use crate::inputs::network_inputs;

/// Most training images looked at; they are spread evenly over the set.
pub const CALIBRATION_IMAGES: usize = 5_000;

/// Most images per forward pass.
const BATCH_IMAGES: usize = 100;

/// Smallest and largest value of a feature map over all images, 0 included.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// 0 or below.
    pub min: f32,
    /// 0 or above.
    pub max: f32,
}

impl Range {
    /// The range with `values` in it as well.
    fn including(self, values: &[f32]) -> Self {
        values.iter().fold(self, |range, value| Self {
            min: range.min.min(*value),
            max: range.max.max(*value),
        })
    }
}

/// The range of each stage's output (after ReLU and pooling), in the stages' order.
pub fn calibrate(model: &FloatModel, training: &Dataset) -> Vec<Range> {
    let mut ranges = vec![Range::default(); model.stages.len()];
    let chosen = spread(training.len(), CALIBRATION_IMAGES);
    let forward = Forward::new(model);
    for batch in chosen.chunks(forward.images_at_once(BATCH_IMAGES)) {
        let inputs = network_inputs(&model.network.input, training, batch);
        forward.run(&inputs, &mut |stage, values| ranges[stage] = ranges[stage].including(values));
    }
    ranges
}

/// At most `most` of the numbers below `count`, evenly spread.
pub fn spread(count: usize, most: usize) -> Vec<usize> {
    let chosen = count.min(most);
    (0..chosen).map(|index| index * count / chosen).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_covers_the_set_without_repeats() {
        assert_eq!(spread(3, 5), [0, 1, 2]);
        assert_eq!(spread(10, 4), [0, 2, 5, 7]);
    }

    #[test]
    fn a_range_always_holds_zero() {
        let range = Range::default().including(&[2.0, 3.0]);
        assert_eq!(range, Range { min: 0.0, max: 3.0 });
    }
}
