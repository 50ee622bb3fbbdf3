//! Networks that were trained elsewhere, as `trainer import` makes models of them, with inputs and
//! the bytes that TensorFlow Lite's reference kernels answer.

use std::path::{Path, PathBuf};
use std::{env, fs};

use infer::{Model, Reference, Session};
use trainer::data::npy;
use trainer::import::model::plain_model;
use trainer::import::tflite;
use trainer::model_file::{ModelTable, write};
use trainer::plain_model::PlainModel;
use trainer::savings::without_idle;

use crate::random_layer::Random;

/// The networks of MLPerf Tiny, as a folder of them names their files.
pub const PUBLIC: [&str; 5] = ["kws", "vww", "ic", "ad", "sww"];

/// Names the folder.
const FOLDER: &str = "KINDLING_MODELS";

/// What is added to an int8 value where files and messages hold it.
const STORED: u8 = 0x80;

/// An imported network.
#[derive(Clone, Debug)]
pub struct Imported {
    /// Its name.
    pub name: String,
    /// The network, without a self-test: that is no part of what plans are compared by.
    pub model: PlainModel,
    /// Inputs as they are stored, one after the other.
    pub inputs: Vec<u8>,
    /// The first output for each.
    pub answers: Vec<i8>,
}

impl Imported {
    /// Reads `NAME.tflite` of the folder, with `vectors/NAME_in.npy` and `vectors/NAME_out.npy`.
    ///
    /// # Panics
    /// When a file is missing, or is no such file.
    pub fn public(folder: &Path, name: &str) -> Self {
        let whole = Self::whole(folder, name);
        Self { model: without_idle(&whole.model), ..whole }
    }

    /// The same with every channel that its file has.
    ///
    /// # Panics
    /// When a file is missing, or is no such file.
    pub fn whole(folder: &Path, name: &str) -> Self {
        let vector = |end: &str| {
            let path = folder.join(format!("vectors/{name}_{end}.npy"));
            npy::decode(&read(&path)[..]).expect("an array of NumPy").numbers.bytes
        };
        let model = whole(&read(&folder.join(format!("{name}.tflite"))));
        let inputs = vector("in").into_iter().map(|value| value ^ STORED).collect();
        let answers = vector("out").into_iter().map(|value| value as i8).collect();
        Self { name: name.to_owned(), model, inputs, answers }
    }

    /// A network of the repository's fixtures, with random inputs and the reference's answers.
    ///
    /// # Panics
    /// When the file is damaged.
    pub fn fixture(name: &str, inputs: usize) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/fixtures");
        let model = plain(&read(&folder.join(format!("{name}.tflite"))));
        let inputs = random_inputs(&model, inputs);
        let answers = reference(&model, &inputs);
        Self { name: name.to_owned(), model, inputs, answers }
    }

    /// The first inputs with their answers.
    ///
    /// # Panics
    /// When there are fewer.
    pub fn first(&self, count: usize) -> (&[u8], &[i8]) {
        let [input, answer] = [self.model.image.len(), self.answers.len() / self.inputs()];
        (&self.inputs[..count * input], &self.answers[..count * answer])
    }

    /// How many inputs there are.
    pub const fn inputs(&self) -> usize {
        self.inputs.len() / self.model.image.len()
    }
}

/// The folder of public networks, where the environment names one.
pub fn folder() -> Option<PathBuf> {
    env::var_os(FOLDER).map(PathBuf::from)
}

/// Random inputs as they are stored, one after the other.
pub fn random_inputs(model: &PlainModel, count: usize) -> Vec<u8> {
    let mut random = Random::new(20);
    (0..count * model.image.len()).map(|_| random.within(0, u8::MAX.into()) as u8).collect()
}

/// What the reference kernels answer.
///
/// # Panics
/// When the model cannot be written or run.
pub fn reference(model: &PlainModel, inputs: &[u8]) -> Vec<i8> {
    let file = write(model, &model.direct()).expect("a model");
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut run = |input: &[u8]| {
        session.run_stored::<Reference>(input, &mut ()).expect("an input").values().to_vec()
    };
    inputs.chunks_exact(model.image_shape().len()).flat_map(&mut run).collect()
}

fn plain(file: &[u8]) -> PlainModel {
    without_idle(&whole(file))
}

fn whole(file: &[u8]) -> PlainModel {
    let network = tflite::read(file).expect("a network in a .tflite file");
    plain_model(&network).expect("operators that a model holds")
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
