//! What a model file says of its data for people and for programs that make inputs: names of the
//! classes, and how an input is made.

use infer::format::{Field, OutputQuant, Sample};
use infer::{ChannelScale, Metadata, Model, OutputType, Shape, ValueType};
use serde::{Deserialize, Serialize};

use super::appearance::Appearance;
use super::class_names::ClassNames;
use super::reading::{Columns, Reading, Resize};
use super::record::DataRecord;
use super::scale::Scale;
use super::target::Target;
use crate::plain_model::PlainInterface;
use crate::recipe::Task;

/// What a model file says beside the network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// What the network takes and gives.
    pub interface: PlainInterface,
    /// As [`Metadata`] has it.
    pub metadata: Vec<u8>,
    /// For an autoencoder: the part of the training inputs whose error is at or below the threshold
    /// that the export finds.
    pub threshold_quantile: Option<f64>,
}

/// How an input is made from a picture or from sensor values.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Preparation {
    /// How pictures of another size become images.
    #[serde(default)]
    pub resize: Resize,
    /// Whether rows and columns are exchanged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub transpose: bool,
    /// What the columns of a series are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<Columns>,
    /// Scale of each channel, where the values are no pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<Scale>,
    /// What the training images look like: ground, ink, box, centre.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<Appearance>,
}

impl About {
    /// What is known from the data that a model is trained on. Images of IDX files without names
    /// need no description: the image of the self-test shows what they look like.
    pub fn of(record: &DataRecord) -> Self {
        let is_plain = record.task.is_classify()
            && record.names.is_empty()
            && record.scales.is_empty()
            && record.reading == Reading::default();
        if is_plain {
            return Self::default();
        }
        let interface = PlainInterface { gives: record.task.gives(), ..interface(&record.scales) };
        let threshold_quantile = record.threshold_quantile;
        Self { interface, metadata: metadata(record), threshold_quantile }
    }

    /// What the model answers.
    pub fn task(&self) -> Task {
        self.interface.gives.into()
    }
}

/// Metadata that says nothing but what a model's answers are called.
pub fn of_names(names: &[String]) -> Vec<u8> {
    let mut bytes = vec![];
    push_names(&mut bytes, names);
    bytes
}

/// Adds the threshold of an autoencoder to the metadata of its file.
pub fn push_threshold(metadata: &mut Vec<u8>, threshold: f32) {
    push(metadata, Field::Threshold, &threshold.to_le_bytes());
}

/// Adds inputs to show to the metadata of a file, if there are any.
pub fn push_samples(metadata: &mut Vec<u8>, samples: &[Sample<'_>]) {
    let record = |sample: &Sample<'_>| encoded(&(sample.class, sample.image, sample.answer));
    let samples: Vec<u8> = samples.iter().flat_map(record).collect();
    if !samples.is_empty() {
        push(metadata, Field::Samples, &samples);
    }
}

/// The real values that a model answers, by its file; of a file that does not say it as they are.
pub fn targets(model: &Model<'_>) -> Vec<Target> {
    let metadata = model.metadata();
    let target = |place: usize| {
        let ChannelScale { mean, deviation } = metadata.scale(place).unwrap_or(ChannelScale::NONE);
        Target { name: metadata.name(place).unwrap_or_default().to_owned(), mean, deviation }
    };
    match model.input().interface.gives {
        OutputType::Reals => (0..model.classes()).map(target).collect(),
        OutputType::Scores | OutputType::Reconstruction => vec![],
    }
}

impl Preparation {
    /// The preparation of the data that a model is trained on.
    fn of(record: &DataRecord) -> Self {
        Self {
            resize: record.reading.resize,
            transpose: record.reading.transpose,
            columns: record.reading.columns.clone(),
            scales: record.scales.clone(),
            appearance: record.appearance,
        }
    }

    /// Of a model file that says it.
    pub fn of_model(metadata: Metadata<'_>) -> Option<Self> {
        toml::from_str(metadata.preparation()?).ok()
    }
}

/// How an input of a model is made: as its file says, or else the record beside it, or else the
/// scale of the int8 values that it takes.
pub fn preparation(model: &Model<'_>, record: Option<&DataRecord>) -> Option<Preparation> {
    let by_scale = || {
        let scales = int8_scales(model);
        (!scales.is_empty()).then(|| Preparation { scales, ..Preparation::default() })
    };
    Preparation::of_model(model.metadata())
        .or_else(|| record.map(Preparation::of))
        .or_else(by_scale)
}

/// Least height and width of a picture.
const SIDE_MIN: u16 = 8;

/// Whether an input may be a picture: grey or RGB, of some size, with a black that is the least
/// value.
pub fn may_be_picture(model: &Model<'_>) -> bool {
    let Shape { height, width, channels } = model.image_shape();
    let zero_point = model.input().tensor.quant.zero_point;
    [1, 3].contains(&channels) && height.min(width) >= SIDE_MIN && zero_point == i8::MIN
}

/// What the least and the greatest int8 value of each channel stand for, of a model that takes
/// such values and no pictures; else none.
pub fn int8_scales(model: &Model<'_>) -> Vec<Scale> {
    if model.input().interface.takes != ValueType::Int8 || may_be_picture(model) {
        return vec![];
    }
    let OutputQuant { scale, zero_point } = model.input().tensor.quant;
    let [low, high] = [i8::MIN, i8::MAX]
        .map(|value| f64::from(scale) * (f64::from(value) - f64::from(zero_point)));
    vec![Scale { low, high }; model.image_shape().channels.into()]
}

/// The names of a model's classes; where its file has none, those of the record beside it.
pub fn names(metadata: Metadata<'_>, record: Option<&DataRecord>) -> ClassNames {
    let names: Vec<String> = metadata.names().map(str::to_owned).collect();
    if names.is_empty() { DataRecord::names_of(record) } else { ClassNames::new(&names) }
}

/// Sensor values are real; a channel's least value is its mean, and its range the deviation.
fn interface(scales: &[Scale]) -> PlainInterface {
    if scales.is_empty() {
        return PlainInterface::default();
    }
    let scales = scales.iter().flat_map(|scale| scale.of_channel().to_le_bytes()).collect();
    PlainInterface { scales, ..ValueType::Reals.into() }
}

fn metadata(record: &DataRecord) -> Vec<u8> {
    let mut bytes = vec![];
    let named = record.targets.iter().map(|target| &target.name);
    let named = if named.clone().all(String::is_empty) { vec![] } else { named.collect() };
    let names: Vec<&String> = match record.task {
        Task::Regress => named,
        Task::Classify => record.names.iter().collect(),
        // The labels are of no answer that the model gives.
        Task::Reconstruct => vec![],
    };
    push_names(&mut bytes, names);
    let scales: Vec<u8> =
        record.targets.iter().flat_map(|target| target.scale().to_le_bytes()).collect();
    if !scales.is_empty() {
        push(&mut bytes, Field::Scales, &scales);
    }
    let text =
        toml::to_string(&Preparation::of(record)).expect("numbers and text can be written as TOML");
    push(&mut bytes, Field::Preparation, text.as_bytes());
    bytes
}

fn push_names<'n>(bytes: &mut Vec<u8>, names: impl IntoIterator<Item = &'n String>) {
    let names: Vec<u8> = names.into_iter().flat_map(encoded).collect();
    if !names.is_empty() {
        push(bytes, Field::Names, &names);
    }
}

fn push(bytes: &mut Vec<u8>, field: Field, content: &[u8]) {
    bytes.extend(encoded(&(field as u8, content)));
}

fn encoded(value: &(impl Serialize + ?Sized)) -> Vec<u8> {
    postcard::to_stdvec(value).expect("memory for what memory holds")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use infer::ChannelScale;

    use super::*;
    use crate::data::{DataDir, Dataset};

    fn record(names: Vec<String>, scales: Vec<Scale>, reading: &Reading) -> DataRecord {
        let (pixels, labels) = (vec![0, 9, 0, 9, 200, 9], vec![0]);
        let shape = infer::Shape::new(2, 3, 1);
        let train = Dataset { shape, pixels, labels, classes: 1, targets: vec![] };
        let data = DataDir {
            test: train.clone(),
            train,
            names,
            notes: vec![],
            scales,
            targets: vec![],
            is_labelled: true,
        };
        DataRecord::of(&data, Path::new("somewhere"), reading)
    }

    #[test]
    fn names_and_preparation_come_back_as_they_were_written() {
        let reading = Reading { resize: Resize::Nearest, transpose: true, ..Reading::default() };
        let record = record(vec!["cat".into(), "m\u{f6}w".into()], vec![], &reading);
        let About { interface, metadata, .. } = About::of(&record);
        assert_eq!(interface, PlainInterface::default());
        let metadata = Metadata::new(&metadata);
        assert_eq!(names(metadata, None), ClassNames::new(&record.names));
        let preparation = Preparation::of_model(metadata).unwrap();
        assert_eq!((preparation.resize, preparation.transpose), (Resize::Nearest, true));
        assert_eq!(preparation.appearance, record.appearance);
    }

    #[test]
    fn a_model_of_sensor_values_takes_them_as_they_are() {
        let scales = vec![Scale { low: -2.0, high: 6.0 }, Scale { low: 3.0, high: 3.0 }];
        let about = About::of(&record(vec![], scales.clone(), &Reading::default()));
        let interface = about.interface.of_file();
        assert_eq!(interface.takes, ValueType::Reals);
        assert_eq!(interface.scale(0), ChannelScale { mean: -2.0, deviation: 8.0 });
        let quant = crate::data::scale::PIXELS;
        for (channel, scale) in scales.iter().enumerate() {
            for value in [-9.0, -2.0, 1.7, 3.0, 6.0, 9.0_f32] {
                let read = quant.quantise(interface.scale(channel).apply(value));
                assert_eq!(read as u8 ^ 0x80, scale.pixel(value as f64), "{value} of {channel}");
            }
        }
        assert_eq!(Preparation::of_model(Metadata::new(&about.metadata)).unwrap().scales, scales);
    }

    #[test]
    fn plain_images_without_names_need_no_word() {
        let about = About::of(&record(vec![], vec![], &Reading::default()));
        assert_eq!(about, About::default());
        let names = names(
            Metadata::default(),
            Some(&record(vec!["a".into()], vec![], &Reading::default())),
        );
        assert_eq!(names.of(0), "a");
    }
}
