//! What a run was trained on, in a few lines of TOML: beside the model file, and inside of the
//! float record.

use std::path::{Path, PathBuf};
use std::{fs, io};

use infer::Shape;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::appearance::Appearance;
use super::class_names::ClassNames;
use super::reading::Reading;
use super::scale::Scale;
use super::target::Target;
use super::{DataDir, Dataset, Known};
use crate::recipe::Task;

/// How the name of the file beside `model.kndl` ends: `model.data.toml`.
const EXTENSION: &str = "data.toml";

/// Most bytes of a record that are read.
const BYTES_MAX: u64 = 1 << 20;

/// The data of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// Where the data was, as the command line said it; empty for MNIST.
    pub source: PathBuf,
    /// SHA-256 of the training images and their labels: of shape, labels and pixels, as training
    /// reads them.
    pub training_sha256: String,
    /// Height, width and channels of an image.
    pub image: [u16; 3],
    /// Number of classes.
    pub classes: usize,
    /// Names of the classes, where they have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What the model answers.
    #[serde(default, skip_serializing_if = "Task::is_classify")]
    pub task: Task,
    /// Part of the training inputs whose error is not above an autoencoder's threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_quantile: Option<f64>,
    /// Scale of each channel, where the values are no pixels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scales: Vec<Scale>,
    /// The real values that the model answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
    /// How the data was read.
    #[serde(default)]
    pub reading: Reading,
    /// What the training images look like, where nearly all look alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<Appearance>,
}

impl DataRecord {
    /// Of the data set that was read from `source`, for a model that answers classes.
    pub fn of(data: &DataDir, source: &Path, reading: &Reading) -> Self {
        let training = &data.train;
        let Shape { height, width, channels } = training.shape;
        Self {
            source: source.to_owned(),
            training_sha256: hexadecimal(&fingerprint(training)),
            image: [height, width, channels],
            classes: training.classes,
            names: data.names.clone(),
            task: Task::default(),
            threshold_quantile: None,
            scales: data.scales.clone(),
            targets: data.targets.clone(),
            reading: reading.clone(),
            appearance: Appearance::of(training.shape, &training.pixels),
        }
    }

    /// The same for a model of another task; of an autoencoder with the part of the training inputs
    /// whose error is not above its threshold.
    pub fn for_task(self, task: Task, threshold_quantile: f64) -> Self {
        let threshold_quantile = (task == Task::Reconstruct).then_some(threshold_quantile);
        Self { task, threshold_quantile, ..self }
    }

    /// Height, width and channels of an image.
    pub fn image_shape(&self) -> Shape {
        let [height, width, channels] = self.image;
        Shape::new(height, width, channels)
    }

    /// Whether it is a record of these training images.
    pub fn is_of(&self, training: &Dataset) -> bool {
        self.training_sha256 == hexadecimal(&fingerprint(training))
    }

    /// What other images must be read by.
    pub fn known(&self) -> Known {
        Known {
            names: self.names.clone(),
            scales: self.scales.clone(),
            targets: self.targets.clone(),
            takes_int8: false,
        }
    }

    /// What the classes are called, by the record of a model; by their numbers without one.
    pub fn names_of(record: Option<&Self>) -> ClassNames {
        record.map_or_else(ClassNames::default, |record| ClassNames::new(&record.names))
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        let head =
            "# What the model of the same name was trained on. `predict` and `eval` read it.\n";
        format!("{head}{}", toml::to_string(self).expect("numbers and text can be written as TOML"))
    }

    /// The record in a file's text.
    ///
    /// # Errors
    /// What the TOML reader says.
    pub fn from_toml(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Where the record of a model file lies.
    pub fn path_beside(model: &Path) -> PathBuf {
        model.with_extension(EXTENSION)
    }

    /// The record beside a model file for images of the shape `image`; `None` where there is none,
    /// or one that is of other images.
    pub fn beside(model: &Path, image: Shape) -> Option<Self> {
        let record = Self::from_toml(&read(&Self::path_beside(model)).ok()?).ok()?;
        (record.image_shape() == image).then_some(record)
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    io::Read::read_to_string(&mut io::Read::take(fs::File::open(path)?, BYTES_MAX), &mut text)?;
    Ok(text)
}

/// SHA-256 of a set's number of images, shape, labels and pixels.
pub fn fingerprint(data: &Dataset) -> [u8; 32] {
    let shape = [data.shape.height, data.shape.width, data.shape.channels].map(u16::to_le_bytes);
    let mut hash = Sha256::new();
    hash.update((data.len() as u64).to_le_bytes());
    hash.update(shape.as_flattened());
    hash.update(&data.labels);
    hash.update(&data.pixels);
    data.targets.iter().for_each(|value| hash.update(value.to_le_bytes()));
    hash.finalize().into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Dataset {
        let (pixels, labels) = (vec![0, 9, 0, 9, 200, 9], vec![0]);
        Dataset { shape: Shape::new(2, 3, 1), pixels, labels, classes: 1, targets: vec![] }
    }

    fn record(source: &str) -> DataRecord {
        let names = vec!["a\"\n".to_owned()];
        let data = DataDir {
            train: dataset(),
            test: dataset(),
            names,
            notes: vec![],
            scales: vec![],
            targets: vec![],
            is_labelled: true,
        };
        let reading = Reading { test_share: Some(0.25), ..Reading::default() };
        DataRecord::of(&data, Path::new(source), &reading)
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let record = record("some/\"where\"");
        assert_eq!(DataRecord::from_toml(&record.to_toml()).unwrap(), record);
        assert!(record.is_of(&dataset()));
        assert!(!record.is_of(&Dataset { labels: vec![1], ..dataset() }));
    }

    #[test]
    fn it_lies_beside_the_model_it_is_of() {
        let folder = tempfile::TempDir::new().unwrap();
        let model = folder.path().join("again.kndl");
        let record = record("");
        fs::write(folder.path().join("again.data.toml"), record.to_toml()).unwrap();
        assert_eq!(DataRecord::beside(&model, dataset().shape), Some(record));
        assert_eq!(DataRecord::beside(&model, Shape::new(3, 2, 1)), None);
        assert_eq!(DataRecord::beside(&folder.path().join("model.kndl"), dataset().shape), None);
        fs::write(folder.path().join("again.data.toml"), [0xff; 9]).unwrap();
        assert_eq!(DataRecord::beside(&model, dataset().shape), None);
    }
}
