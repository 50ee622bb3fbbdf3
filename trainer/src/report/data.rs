//! What the run was trained and measured on.

use super::value::{Count, Real};
use crate::data::DataDir;
use crate::data::class_names::ClassNames;
use crate::data::reading::Reading;
use crate::data::scale::Scale;
use crate::data::survey::{Part, Survey};
use crate::data::target::Target;

/// A data set in numbers.
pub struct DataView {
    /// Height, width and channels of an image.
    pub shape: String,
    /// The least and the greatest pixel of the training images.
    pub pixels: [u8; 2],
    /// Training images, the held-out ones among them.
    pub training: Count,
    /// Training images that were not trained on.
    pub held_out: Count,
    /// Test images.
    pub test: Count,
    /// Class by class.
    pub classes: Vec<ClassView>,
    /// The values to answer.
    pub values: Vec<ValueView>,
    /// Training images that are there once more.
    pub repeated: Count,
    /// Test images that are training images too.
    pub shared: Count,
    /// How pictures of another size became images.
    pub resize: &'static str,
    /// Channel by channel, where the values were no pixels.
    pub scales: Vec<ScaleView>,
}

/// What became 0 to 255.
pub struct ScaleView {
    /// The channel's name, or its number.
    pub channel: String,
    /// From the least to the greatest value.
    pub values: String,
}

/// A value to answer, in its unit.
pub struct ValueView {
    /// Its name, or its number.
    pub name: String,
    /// Mean of the training images.
    pub mean: Real,
    /// Their standard deviation.
    pub deviation: Real,
}

/// A class in numbers.
pub struct ClassView {
    /// Its name, or its number.
    pub name: String,
    /// Training images.
    pub training: Count,
    /// Test images.
    pub test: Count,
}

impl DataView {
    /// Of the data of a run that held `held_out` training images out.
    pub fn of(data: &DataDir, survey: &Survey, held_out: usize, reading: &Reading) -> Self {
        let images = |part: &Part| Count(part.images());
        let names = ClassNames::new(&data.names);
        let counts = survey.train.counts.iter().zip(&survey.test.counts).enumerate();
        let class = |(class, (train, test)): (usize, (&usize, &usize))| ClassView {
            name: names.of(class),
            training: Count(*train),
            test: Count(*test),
        };
        Self {
            shape: data.train.shape.to_string(),
            pixels: [survey.train.darkest, survey.train.brightest],
            training: images(&survey.train),
            held_out: Count(held_out),
            test: images(&survey.test),
            classes: match data.targets.is_empty() && (data.train.classes > 1 || names.are_given())
            {
                true => counts.map(class).collect(),
                false => vec![],
            },
            values: values(&data.targets),
            repeated: Count(survey.train.repeated),
            shared: Count(survey.shared),
            resize: reading.resize.name(),
            scales: scales(data, reading),
        }
    }
}

fn values(targets: &[Target]) -> Vec<ValueView> {
    let names = Target::names(targets);
    let view = |(place, target): (usize, &Target)| ValueView {
        name: names.of(place),
        mean: Real(target.mean.into()),
        deviation: Real(target.deviation.into()),
    };
    targets.iter().enumerate().map(view).collect()
}

fn scales(data: &DataDir, reading: &Reading) -> Vec<ScaleView> {
    let names = reading.columns.as_ref().map_or(&[][..], |columns| &columns.values);
    let names = ClassNames::new(names);
    let scales = data.scales.iter().enumerate();
    let view = |(channel, scale): (usize, &Scale)| ScaleView {
        channel: names.of(channel),
        values: format!("{} to {}", scale.low as f32, scale.high as f32),
    };
    scales.map(view).collect()
}
