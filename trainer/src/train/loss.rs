//! Softmax with cross-entropy: the loss, and its gradient by the values before the softmax.

use serde::{Deserialize, Serialize};

/// Loss and correct answers of some images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of the images' losses.
    pub loss: f64,
    /// Images whose largest value is that of their label.
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
}

/// Loss of each image's values, `[image][class]`, against its label, and the gradient of
/// `sum of losses * scale` by those values, where `scale` is that of the image's label.
///
/// `p[c] = exp(v[c] - max v) / sum`, `loss = ln(sum) - (v[label] - max v)`, `gradient[c] = scale *
/// (p[c] - (c == label))`. `exp` and `ln` are `libm`'s, the same bits on every host.
pub fn cross_entropy(
    values: &[f32],
    labels: &[u8],
    scale: impl Fn(u8) -> f32,
) -> (Tally, Vec<f32>) {
    let classes = values.len() / labels.len().max(1);
    let mut gradient = vec![0.0; values.len()];
    let mut tally = Tally { images: labels.len(), ..Tally::default() };
    let rows = values.chunks_exact(classes).zip(gradient.chunks_exact_mut(classes));
    for ((values, gradient), label) in rows.zip(labels) {
        let (scale, label) = (scale(*label), *label as usize);
        let (loss, best) = image(values, label, scale, gradient);
        tally.loss += loss as f64;
        tally.correct += (best == label) as usize;
    }
    (tally, gradient)
}

/// Loss, class of the largest value, and gradient of one image.
fn image(values: &[f32], label: usize, scale: f32, gradient: &mut [f32]) -> (f32, usize) {
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
    for (class, term) in gradient.iter_mut().enumerate() {
        let truth = if class == label { 1.0 } else { 0.0 };
        *term = scale * (*term / sum - truth);
    }
    (libm::logf(sum) - (values[label] - max), best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_lose_the_log_of_the_classes() {
        let (tally, gradient) = cross_entropy(&[1.0; 4], &[2], |_| 1.0);
        assert!((tally.loss - 4.0f64.ln()).abs() < 1e-6);
        assert_eq!(gradient, [0.25, 0.25, -0.75, 0.25]);
    }

    #[test]
    fn huge_values_do_not_overflow() {
        let (tally, gradient) = cross_entropy(&[1e30, 0.0], &[0], |_| 1.0);
        assert_eq!((tally.loss, tally.correct), (0.0, 1));
        assert_eq!(gradient, [0.0, 0.0]);
    }

    #[test]
    fn nan_is_seen() {
        assert!(cross_entropy(&[f32::NAN, 0.0], &[1], |_| 1.0).0.loss.is_nan());
    }

    #[test]
    fn each_image_has_the_scale_of_its_label() {
        let scale = |label: u8| [0.5, 2.0][label as usize];
        let (tally, gradient) = cross_entropy(&[1.0; 4], &[0, 1], scale);
        assert!((tally.loss - 2.0 * 2.0f64.ln()).abs() < 1e-6);
        assert_eq!(gradient, [-0.25, 0.25, 1.0, -1.0]);
    }
}
