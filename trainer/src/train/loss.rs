//! Losses of a network's values, and their gradients by these values: softmax with cross-entropy
//! for classes, squared and absolute errors for real values.

use serde::{Deserialize, Serialize};

use crate::data::Dataset;
use crate::inputs::network_inputs;
use crate::network::Input;
use crate::recipe::{Error, Recipe, Task};

/// Loss and correct answers of some images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of the images' losses.
    pub loss: f64,
    /// Images whose largest value is that of their label; 0 where no class is answered.
    pub correct: usize,
    /// Images.
    pub images: usize,
}

impl Tally {
    /// Adds another tally.
    pub fn add(&mut self, other: Tally) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.images += other.images;
    }

    /// Mean loss per image.
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.images as f64
    }
}

/// What is made small.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Cross-entropy with the label, of whose truth a part is spread over all classes.
    CrossEntropy {
        /// That part.
        smoothing: f32,
    },
    /// The difference from an image's real values.
    Values(Error),
    /// The squared difference from the network's own input.
    Reconstruction(Input),
}

impl Loss {
    /// Of a recipe for a network with this input.
    pub fn of(recipe: &Recipe, input: Input) -> Self {
        match recipe.task {
            Task::Classify => Self::CrossEntropy { smoothing: recipe.label_smoothing as f32 },
            Task::Regress => Self::Values(recipe.error),
            Task::Reconstruct => Self::Reconstruction(input),
        }
    }

    /// Loss of what a network gives for some images of a data set, `[image][value]`, and the
    /// gradient of `sum of losses * scale` by these values, where `scale` is that of the image's
    /// label.
    pub fn of_values(
        self,
        values: &[f32],
        data: &Dataset,
        images: &[usize],
        scale: impl Fn(u8) -> f32,
    ) -> (Tally, Vec<f32>) {
        let labels: Vec<u8> = images.iter().map(|image| data.labels[*image]).collect();
        match self {
            Self::CrossEntropy { smoothing } => cross_entropy(values, &labels, smoothing, scale),
            Self::Values(error) => {
                let wanted: Vec<f32> =
                    images.iter().flat_map(|image| data.targets_of(*image)).copied().collect();
                difference(values, &wanted, error, &labels, scale)
            }
            Self::Reconstruction(input) => {
                let wanted = network_inputs(&input, data, images);
                difference(values, &wanted, Error::Squared, &labels, scale)
            }
        }
    }
}

/// Loss of each image's values, `[image][class]`, against its label, and the gradient of
/// `sum of losses * scale` by those values, where `scale` is that of the image's label.
///
/// `t[c] = (1 - smoothing) (c == label) + smoothing / classes`, `p[c] = exp(v[c] - max v) / sum`,
/// `loss = ln(sum) - sum over c of t[c] (v[c] - max v)`, `gradient[c] = scale * (p[c] - t[c])`.
/// `exp` and `ln` are `libm`'s, the same bits on every host.
fn cross_entropy(
    values: &[f32],
    labels: &[u8],
    smoothing: f32,
    scale: impl Fn(u8) -> f32,
) -> (Tally, Vec<f32>) {
    let classes = values.len() / labels.len().max(1);
    let mut gradient = vec![0.0; values.len()];
    let mut tally = Tally { images: labels.len(), ..Tally::default() };
    let rows = values.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
    for ((values, gradient), label) in rows.zip(labels) {
        let truth = Truth { label: *label as usize, smoothing, scale: scale(*label) };
        let (loss, best) = image(values, truth, gradient);
        tally.loss += loss as f64;
        tally.correct += (best == truth.label) as usize;
    }
    (tally, gradient)
}

/// What an image's answer should be, and what it counts.
#[derive(Clone, Copy)]
struct Truth {
    label: usize,
    smoothing: f32,
    scale: f32,
}

/// Loss, class of the largest value, and gradient of one image.
fn image(values: &[f32], truth: Truth, gradient: &mut [f32]) -> (f32, usize) {
    let Truth { label, smoothing, scale } = truth;
    let mut best = 0;
    for (class, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = class;
        }
    }
    let max = values[best];
    let mut sum = 0.0;
    for (term, value) in gradient.iter_mut().zip(values) {
        *term = libm::expf(value - max);
        sum += *term;
    }
    let everywhere = smoothing / values.len() as f32;
    for (class, term) in gradient.iter_mut().enumerate() {
        let truth = if class == label { 1.0 - smoothing + everywhere } else { everywhere };
        *term = scale * (*term / sum - truth);
    }
    let mut right = values[label] - max;
    if smoothing > 0.0 {
        let all: f32 = values.iter().map(|value| value - max).sum();
        right = (1.0 - smoothing) * right + everywhere * all;
    }
    (libm::logf(sum) - right, best)
}

/// Mean over an image's values of the difference from those wanted, and the gradient of `sum of
/// losses * scale` by the values, where `scale` is that of the image's label; an image each label.
///
/// With `d[i] = v[i] - wanted[i]` of `n` values the loss is the sum of `d[i]^2 / n` with the
/// gradient `scale * 2 d[i] / n`, or the sum of `|d[i]| / n` with the gradient `scale * sign(d[i])
/// / n`, 0 where `d[i]` is 0.
fn difference(
    values: &[f32],
    wanted: &[f32],
    error: Error,
    labels: &[u8],
    scale: impl Fn(u8) -> f32,
) -> (Tally, Vec<f32>) {
    let each = (values.len() / labels.len().max(1)).max(1);
    let mut gradient = Vec::with_capacity(values.len());
    let mut tally = Tally { images: labels.len(), ..Tally::default() };
    let pairs = values.chunks_exact(each).zip(wanted.chunks_exact(each));
    for ((values, wanted), label) in pairs.zip(labels) {
        let scale = scale(*label) / each as f32;
        let mut sum = 0.0;
        for (value, wanted) in values.iter().zip(wanted) {
            let (loss, slope) = of_difference(value - wanted, error);
            sum += loss as f64;
            gradient.push(scale * slope);
        }
        tally.loss += sum / each as f64;
    }
    (tally, gradient)
}

/// What a difference counts, and its slope.
fn of_difference(difference: f32, error: Error) -> (f32, f32) {
    match error {
        Error::Squared => (difference * difference, 2.0 * difference),
        Error::Absolute if difference == 0.0 => (0.0, 0.0),
        Error::Absolute => (difference.abs(), difference.signum()),
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::activation::log_softmax;
    use burn::tensor::{Tensor, TensorData};
    use infer::Shape;

    use super::*;
    use crate::backend;

    const VALUES: [f32; 6] = [0.3, -1.2, 2.0, 0.7, 0.1, -0.4];

    fn plain(values: &[f32], labels: &[u8]) -> (Tally, Vec<f32>) {
        cross_entropy(values, labels, 0.0, |_| 1.0)
    }

    /// Two images of three values each: what they show, their labels and their real values.
    fn data() -> Dataset {
        Dataset {
            shape: Shape::new(1, 3, 1),
            pixels: vec![0, 51, 255, 102, 153, 204],
            labels: vec![2, 0],
            classes: 3,
            targets: vec![0.5, -1.0, 2.0, 0.0, 3.0, -0.25],
        }
    }

    const INPUT: Input = Input { height: 1, width: 3, channels: 1, offset: [0, 0] };

    const LOSSES: [Loss; 5] = [
        Loss::CrossEntropy { smoothing: 0.0 },
        Loss::CrossEntropy { smoothing: 0.3 },
        Loss::Values(Error::Squared),
        Loss::Values(Error::Absolute),
        Loss::Reconstruction(INPUT),
    ];

    /// The same losses by Burn's operators.
    fn by_burn(loss: Loss, values: Tensor<2>) -> Tensor<2> {
        let device = values.device();
        let constant =
            |rows: [[f32; 3]; 2]| Tensor::<2>::from_data(TensorData::from(rows), &device);
        let targets = constant([[0.5, -1.0, 2.0], [0.0, 3.0, -0.25]]);
        match loss {
            Loss::CrossEntropy { smoothing } => {
                let everywhere = smoothing / 3.0;
                let truth = constant([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]);
                let truth = truth * (1.0 - smoothing) + everywhere;
                (log_softmax(values, 1) * truth).sum_dim(1).neg()
            }
            Loss::Values(Error::Squared) => (values - targets).square().mean_dim(1),
            Loss::Values(Error::Absolute) => (values - targets).abs().mean_dim(1),
            Loss::Reconstruction(_) => {
                let input = constant([[0.0, 0.2, 1.0], [0.4, 0.6, 0.8]]);
                (values - input).square().mean_dim(1)
            }
        }
    }

    #[test]
    fn losses_and_gradients_are_burns() {
        let scale = |label: u8| [0.5, 0.0, 2.0][label as usize];
        for loss in LOSSES {
            let (tally, gradient) = loss.of_values(&VALUES, &data(), &[0, 1], scale);
            let device = backend::device().autodiff();
            let values = TensorData::new(VALUES.to_vec(), [2, 3]);
            let values = Tensor::<2>::from_data(values, &device).require_grad();
            let losses = by_burn(loss, values.clone());
            let scales = Tensor::<2>::from_data(TensorData::from([[2.0f32], [0.5]]), &device);
            let gradients = (losses.clone() * scales).sum().backward();
            let expected =
                values.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap();
            let sum: f32 = losses.into_data().try_to_vec::<f32>().unwrap().iter().sum();
            assert!((tally.loss - sum as f64).abs() < 1e-5, "{loss:?}: {} {sum}", tally.loss);
            for (found, expected) in gradient.iter().zip(&expected) {
                assert!((found - expected).abs() < 1e-5, "{loss:?}: {gradient:?} {expected:?}");
            }
        }
    }

    #[test]
    fn gradients_are_difference_quotients() {
        const STEP: f32 = 1e-2;
        for loss in LOSSES {
            let of = |values: &[f32]| loss.of_values(values, &data(), &[0, 1], |_| 1.0);
            let (_, gradient) = of(&VALUES);
            for (place, gradient) in gradient.iter().enumerate() {
                let [above, below] = [STEP, -STEP].map(|step| {
                    let mut values = VALUES;
                    values[place] += step;
                    of(&values).0.loss
                });
                let quotient = (above - below) / (2.0 * STEP as f64);
                assert!((quotient - *gradient as f64).abs() < 1e-3, "{loss:?} {quotient}");
            }
        }
    }

    #[test]
    fn equal_values_lose_the_log_of_the_classes() {
        let (tally, gradient) = plain(&[1.0; 4], &[2]);
        assert!((tally.loss - 4.0f64.ln()).abs() < 1e-6);
        assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
    }

    #[test]
    fn huge_values_do_not_overflow() {
        let (tally, gradient) = plain(&[1e30, 0.0], &[0]);
        assert_eq!((tally.loss, tally.correct), (0.0, 1));
        assert_eq!(gradient, [0.0, 0.0]);
    }

    #[test]
    fn nan_is_seen() {
        for loss in LOSSES {
            let mut values = VALUES;
            values[4] = f32::NAN;
            assert!(loss.of_values(&values, &data(), &[0, 1], |_| 1.0).0.loss.is_nan(), "{loss:?}");
        }
    }

    #[test]
    fn each_image_has_the_scale_of_its_label() {
        let scale = |label: u8| [0.5, 2.0][label as usize];
        let (tally, gradient) = cross_entropy(&[1.0; 4], &[0, 1], 0.0, scale);
        assert!((tally.loss - 2.0 * 2.0f64.ln()).abs() < 1e-6);
        assert_eq!(gradient, [-0.25, 0.25, 1.0, -1.0]);
    }

    #[test]
    fn what_is_met_pulls_nowhere() {
        let (tally, gradient) =
            Loss::Values(Error::Absolute).of_values(&data().targets, &data(), &[0, 1], |_| 1.0);
        assert_eq!((tally.loss, gradient), (0.0, vec![0.0; 6]));
    }
}
