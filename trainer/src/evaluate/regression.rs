//! Models that answer real values, measured in the values' own units.

use super::{EvaluateError, float_values, int8_outputs};
use crate::data::Dataset;
use crate::data::target::Target;
use crate::float_model::FloatModel;

/// How float and int8 model answer real values.
#[derive(Clone, Debug)]
pub struct Regression {
    /// The values.
    pub targets: Vec<Target>,
    /// What should be answered, `[image][value]`.
    pub wanted: Vec<f32>,
    /// What the float model answers.
    pub float: Vec<f32>,
    /// What the int8 model answers.
    pub int8: Vec<f32>,
    /// Wall time of the int8 runs.
    pub seconds: f64,
}

/// How far the answers for one value are from those wanted, in its unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Distance {
    /// Mean of the differences without their sign.
    pub mean_absolute: f64,
    /// Root of the mean of the squared differences.
    pub root_mean_square: f64,
    /// Share of the values' variance that the answers explain: 1 for exact ones, 0 for always the
    /// mean, below 0 for worse (the coefficient of determination); 0 where all values are the same.
    pub explained: f64,
}

impl Regression {
    /// Images.
    pub fn images(&self) -> usize {
        self.wanted.len() / self.targets.len().max(1)
    }

    /// How far the float and the int8 model are from what is wanted, for each value.
    pub fn distances(&self) -> Vec<[Distance; 2]> {
        let places = 0..self.targets.len();
        places.map(|place| [&self.float, &self.int8].map(|of| self.distance(of, place))).collect()
    }

    /// How far the int8 model's answers for a value are from the float model's, in the mean and
    /// without their sign.
    pub fn apart(&self, place: usize) -> f64 {
        let each = self.targets.len();
        Distance::of(column(&self.int8, place, each), column(&self.float, place, each))
            .mean_absolute
    }

    /// How far an image's answers by the int8 model are from those wanted: the mean over the values
    /// of the squared differences, each in deviations of its training values.
    pub fn squared_error(&self, image: usize) -> f64 {
        squared_error(&self.targets, &self.int8, &self.wanted, image)
    }

    fn distance(&self, values: &[f32], place: usize) -> Distance {
        let each = self.targets.len();
        Distance::of(column(values, place, each), column(&self.wanted, place, each))
    }
}

/// See [`Regression::squared_error`].
pub fn squared_error(targets: &[Target], values: &[f32], wanted: &[f32], image: usize) -> f64 {
    let first = image * targets.len();
    let squares = targets.iter().enumerate().map(|(place, target)| {
        let difference = (values[first + place] - wanted[first + place]) as f64;
        (difference / target.deviation as f64).powi(2)
    });
    squares.sum::<f64>() / targets.len().max(1) as f64
}

fn column(values: &[f32], place: usize, each: usize) -> impl Iterator<Item = f64> + Clone {
    values.iter().skip(place).step_by(each.max(1)).map(|value| *value as f64)
}

impl Distance {
    /// Of as many values as are wanted.
    pub fn of(
        values: impl Iterator<Item = f64>,
        wanted: impl Iterator<Item = f64> + Clone,
    ) -> Self {
        let count = wanted.clone().count().max(1) as f64;
        let mean = wanted.clone().sum::<f64>() / count;
        let variance = wanted.clone().map(|wanted| (wanted - mean).powi(2)).sum::<f64>() / count;
        let (mut absolute, mut squared) = (0.0, 0.0);
        for (value, wanted) in values.zip(wanted) {
            absolute += (value - wanted).abs();
            squared += (value - wanted).powi(2);
        }
        let squared = squared / count;
        Self {
            mean_absolute: absolute / count,
            root_mean_square: squared.sqrt(),
            explained: if variance > 0.0 { 1.0 - squared / variance } else { 0.0 },
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
    targets: &[Target],
    images: &Dataset,
    threads: usize,
) -> Result<Regression, EvaluateError> {
    let int8 = evaluate_int8(file, targets, images, threads)?;
    let float = restored(targets, &float_values(float, images, threads));
    Ok(Regression { float, ..int8 })
}

/// Runs the int8 model alone; what the float model answers is empty.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_int8(
    file: &[u8],
    targets: &[Target],
    images: &Dataset,
    threads: usize,
) -> Result<Regression, EvaluateError> {
    let int8 = int8_outputs(file, images, threads)?;
    Ok(Regression {
        targets: targets.to_vec(),
        wanted: restored(targets, &images.targets),
        float: vec![],
        int8: restored(targets, &int8.reals()),
        seconds: int8.seconds,
    })
}

/// What a network's values, `[image][value]`, stand for.
pub fn restored(targets: &[Target], values: &[f32]) -> Vec<f32> {
    let pairs = values.iter().zip(targets.iter().cycle());
    pairs.map(|(value, target)| target.scale().restore(*value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: differences 0, 1, -3: mean 4 / 3, squares 10 / 3; the variance of 1, 2, 6 is 14 /
    /// 3, so 1 - 10 / 14 is explained.
    #[test]
    fn distances_by_hand() {
        let distance = Distance::of([1.0, 3.0, 3.0].into_iter(), [1.0, 2.0, 6.0].into_iter());
        assert!((distance.mean_absolute - 4.0 / 3.0).abs() < 1e-12);
        assert!((distance.root_mean_square - (10.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert!((distance.explained - (1.0 - 10.0 / 14.0)).abs() < 1e-12);
    }

    #[test]
    fn each_value_is_measured_in_its_own_unit() {
        let target = |mean, deviation| Target { name: String::new(), mean, deviation };
        let targets = vec![target(0.0, 1.0), target(100.0, 50.0)];
        let wanted = restored(&targets, &[1.0, 0.0, 2.0, 1.0]);
        assert_eq!(wanted, [1.0, 100.0, 2.0, 150.0]);
        let int8 = restored(&targets, &[1.5, 0.0, 2.0, 1.2]);
        let of = Regression { float: wanted.clone(), int8, wanted, targets, seconds: 0.0 };
        let [[exact, first], [_, second]] = of.distances()[..] else { panic!("two values") };
        assert_eq!((of.images(), exact.mean_absolute, exact.explained), (2, 0.0, 1.0));
        assert!((first.mean_absolute - 0.25).abs() < 1e-6, "{first:?}");
        assert!((second.mean_absolute - 5.0).abs() < 1e-4, "{second:?}");
        assert!((of.apart(1) - 5.0).abs() < 1e-4);
        assert!((of.squared_error(0) - 0.125).abs() < 1e-6);
        assert!((of.squared_error(1) - 0.02).abs() < 1e-5);
    }
}
