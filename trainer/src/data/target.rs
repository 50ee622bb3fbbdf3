//! Real values that a network learns to answer, each with a scale of its own.

use infer::ChannelScale;
use serde::{Deserialize, Serialize};

use super::class_names::ClassNames;

/// A value that a network answers: what it is called, and how the network's own value becomes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Its name; empty where it has none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Mean of the training values: what the network calls 0.
    pub mean: f32,
    /// Their standard deviation, above 0: what the network calls 1, from the mean on.
    pub deviation: f32,
}

impl Target {
    /// A target for each name. The values of a training set come in turn, one for each name.
    /// Values that are all the same have a deviation of 1.
    pub fn of_values(values: &[f64], names: &[String]) -> Vec<Self> {
        let count = (values.len() / names.len().max(1)).max(1) as f64;
        let target = |(place, name): (usize, &String)| {
            let own = values.iter().skip(place).step_by(names.len());
            let mean = own.clone().sum::<f64>() / count;
            let variance = own.map(|value| (value - mean).powi(2)).sum::<f64>() / count;
            let deviation = variance.sqrt() as f32;
            let is_sound = deviation > f32::MIN_POSITIVE && deviation.is_finite();
            let deviation = if is_sound { deviation } else { 1.0 };
            Self { name: name.clone(), mean: mean as f32, deviation }
        };
        names.iter().enumerate().map(target).collect()
    }

    /// As a model file has it.
    pub const fn scale(&self) -> ChannelScale {
        ChannelScale { mean: self.mean, deviation: self.deviation }
    }

    /// Values, which come in turn, as a network calls them.
    pub fn scaled(targets: &[Self], values: &[f64]) -> Vec<f32> {
        let pairs = values.iter().zip(targets.iter().cycle());
        pairs.map(|(value, target)| target.scale().apply(*value as f32)).collect()
    }

    /// What the values are called; by their numbers where they have no names.
    pub fn names(targets: &[Self]) -> ClassNames {
        let names: Vec<String> = targets.iter().map(|target| target.name.clone()).collect();
        let is_named = names.iter().any(|name| !name.is_empty());
        if is_named { ClassNames::new(&names) } else { ClassNames::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand: 1, 3, 5 have the mean 3 and the deviation sqrt(8 / 3) = 1.632993.
    #[test]
    fn each_value_has_a_scale_of_its_own() {
        let names = ["a".to_owned(), "b".to_owned()];
        let values = [1.0, 7.0, 3.0, 7.0, 5.0, 7.0];
        let targets = Target::of_values(&values, &names);
        assert_eq!((targets[0].mean, targets[1].mean, targets[1].deviation), (3.0, 7.0, 1.0));
        assert!((targets[0].deviation - 1.632_993).abs() < 1e-6);
        let scaled = Target::scaled(&targets, &values);
        assert!((scaled[4] - 1.224_745).abs() < 1e-6 && scaled[1] == 0.0, "{scaled:?}");
        assert!((targets[0].scale().restore(scaled[4]) - 5.0).abs() < 1e-6);
        assert_eq!(Target::names(&targets).of(1), "b");
    }

    #[test]
    fn values_without_names_are_called_by_their_numbers() {
        let targets = Target::of_values(&[1.0, 2.0], &[String::new()]);
        assert!(!Target::names(&targets).are_given());
    }
}
