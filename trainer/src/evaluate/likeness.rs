//! How like the int8 model's answers are to the float model's: what can be said of inputs without
//! labels.

use super::{EvaluateError, float_values, int8_outputs, largest};
use crate::data::Dataset;
use crate::float_model::FloatModel;

/// What both models answer, beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Likeness {
    /// Inputs.
    pub inputs: usize,
    /// Inputs to which both give the same class; `None` where no class is answered.
    pub agreeing: Option<usize>,
    /// Mean difference of two values, without its sign.
    pub mean: f64,
    /// Largest difference of two values, without its sign.
    pub largest: f64,
    /// The least and the largest value of the float model.
    pub range: [f64; 2],
    /// Power of the float model's values over that of the differences.
    pub signal_to_noise: f64,
}

impl Likeness {
    /// Of values `[input][value]`.
    pub fn of(float: &[f32], int8: &[f32], inputs: usize, are_classes: bool) -> Self {
        let each = float.len() / inputs.max(1);
        let answers = float.chunks(each.max(1)).zip(int8.chunks(each.max(1)));
        let agreeing = answers.filter(|(float, int8)| largest(float) == largest(int8)).count();
        let pairs = || float.iter().zip(int8).map(|(float, int8)| [*float, *int8].map(f64::from));
        let apart = || pairs().map(|[float, int8]| (float - int8).abs());
        let values = || pairs().map(|[float, _]| float);
        let power = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>();
        Self {
            inputs,
            agreeing: are_classes.then_some(agreeing),
            mean: apart().sum::<f64>() / float.len().max(1) as f64,
            largest: apart().fold(0.0, f64::max),
            range: [
                values().fold(f64::INFINITY, f64::min),
                values().fold(f64::NEG_INFINITY, f64::max),
            ],
            signal_to_noise: power(&mut values()) / power(&mut apart()),
        }
    }
}

/// Runs both models over `images` on `threads` threads (1 or more).
///
/// # Errors
/// A model that is refused, or images of another size.
pub fn evaluate(
    float: &FloatModel,
    file: &[u8],
    images: &Dataset,
    are_classes: bool,
    threads: usize,
) -> Result<Likeness, EvaluateError> {
    let int8 = int8_outputs(file, images, threads)?.reals();
    let float = float_values(float, images, threads);
    Ok(Likeness::of(&float, &int8, images.len(), are_classes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: the differences are 0, 0.5, 0, 1.
    #[test]
    fn answers_beside_each_other() {
        let (float, int8) = ([1.0, 2.0, 3.0, 0.0], [1.0, 1.5, 3.0, 1.0]);
        let of = Likeness::of(&float, &int8, 2, true);
        assert_eq!((of.inputs, of.agreeing), (2, Some(2)));
        assert_eq!((of.mean, of.largest, of.range), (0.375, 1.0, [0.0, 3.0]));
        assert_eq!(of.signal_to_noise, 14.0 / 1.25);
        let of = Likeness::of(&float, &[2.0, 1.5, 3.0, 1.0], 2, true);
        assert_eq!(of.agreeing, Some(1));
        assert_eq!(Likeness::of(&float, &float, 2, false).agreeing, None);
        assert_eq!(Likeness::of(&float, &float, 2, false).signal_to_noise, f64::INFINITY);
    }
}
