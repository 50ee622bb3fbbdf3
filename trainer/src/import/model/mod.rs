//! A model file of a network, whose bytes have been compared.

mod batches;
mod edges;
mod layer;
mod lowering;
mod order;
mod pairs;
mod plain;
mod value;
mod windows;

pub use edges::begins_with_channels;
pub use plain::{ImportError, Lowered, lowered, plain_model};

use infer::{OutputType, self_test};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

use super::tflite::Network;
use super::tflite::reference::{Interpreter, Values};
use crate::export::{Target, planned, planned_as_stream};
use crate::model_file::{self, ModelTable, WriteModelError};
use crate::plain_model::{PlainModel, PlainSelfTest};
use crate::savings::without_idle;

/// Seed of the input of self-tests.
const SEED: u64 = 0;

/// What a model file says beside the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOptions {
    /// The maker's count of versions of this model.
    pub version: u32,
    /// Whether the file holds an input with the scores that TensorFlow Lite's arithmetic gives it.
    pub self_test: bool,
    /// Where the model will run.
    pub target: Target,
    /// Whether the model also computes [what no answer depends on](crate::savings).
    pub keep_all: bool,
    /// Whether it will run there as a stream.
    pub stream: bool,
    /// What the values of the first output are: the network's file does not say it.
    pub gives: OutputType,
}

/// Writes a model, planned for the target. It has given the scores of TensorFlow Lite's arithmetic
/// for a random input, whether the file holds that or not.
///
/// # Errors
/// What no model holds, a chip that is too small, or other scores.
pub fn model(network: &Network<'_>, options: FileOptions) -> Result<Vec<u8>, ImportError> {
    model_of(network, &plain_model(network)?, options, &|_| ())
}

/// [`model()`] of a network whose layers are known.
/// `begin` is told of each step that may take long.
///
/// # Errors
/// As [`model()`].
pub fn model_of(
    network: &Network<'_>,
    whole: &PlainModel,
    options: FileOptions,
    begin: &dyn Fn(&'static str),
) -> Result<Vec<u8>, ImportError> {
    let mut plain = if options.keep_all { whole.clone() } else { without_idle(whole) };
    plain.version = options.version;
    plain.interface.gives = options.gives;
    check_reconstruction(&plain)?;
    begin("running it as TensorFlow Lite does");
    plain.self_test = Some(answered(network, &plain)?);
    begin("planning");
    let choices = match options.stream {
        true => planned_as_stream(&plain, options.target)?,
        false => planned(&plain, options.target)?,
    };
    begin("comparing the model's answer");
    let bytes = model_file::write(&plain, &choices)?;
    test(&bytes)?;
    if options.self_test {
        return Ok(bytes);
    }
    plain.self_test = None;
    Ok(model_file::write(&plain, &choices)?)
}

/// A reconstruction is as large as the input.
fn check_reconstruction(plain: &PlainModel) -> Result<(), ImportError> {
    let (inputs, outputs) = (plain.image.len(), plain.classes());
    match plain.interface.gives {
        OutputType::Reconstruction if inputs != outputs => {
            Err(ImportError::Reconstruction { inputs, outputs })
        }
        _ => Ok(()),
    }
}

/// A random input with TensorFlow Lite's answer.
fn answered(network: &Network<'_>, plain: &PlainModel) -> Result<PlainSelfTest, ImportError> {
    let mut image = vec![0; plain.image.len()];
    ChaCha8Rng::seed_from_u64(SEED).fill_bytes(&mut image);
    let values = image.iter().map(|pixel| infer::quant::quantise_pixel(*pixel)).collect();
    let network = &*edges::int8(network);
    let mut maps = Interpreter::new(network)?.run(&[Values::Int8(values)]);
    match maps[network.outputs[0]].take() {
        Some(Values::Int8(scores)) => Ok(PlainSelfTest { image, scores: Some(scores) }),
        _ => Err(ImportError::OutputNotMade { index: 0 }),
    }
}

fn test(file: &[u8]) -> Result<(), ImportError> {
    let mut table = ModelTable::new();
    let model = infer::Model::from_bytes(file, &mut table).map_err(WriteModelError::Refused)?;
    self_test(&model, &mut vec![0; model.arena_bytes()]).map_err(ImportError::Differs)
}
