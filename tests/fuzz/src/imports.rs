//! Networks that are imported. In floating point, ONNX or `.tflite`, what is imported is a network
//! whose weights fit its layers; in int8 it is a model that answers as TensorFlow Lite does. The
//! importers need the trainer, so this file is part of these targets alone.

#![allow(dead_code, reason = "each target uses a part")]

use trainer::export::Target;
use trainer::import::float::{FloatError, FloatImport, Given};
use trainer::import::model::{FileOptions, ImportError, model};
use trainer::import::{float, onnx, tflite};
use trainer::ops::Operator;

/// Values of all weights at most: no file of a few bytes may ask for more.
const WEIGHTS_MAX: usize = 1 << 26;

/// Imports a file; whether it is a network.
///
/// # Panics
/// When the network is not whole, or the refusal is not one line.
pub fn float(file: &[u8]) -> bool {
    let given = Given::default();
    let imported = if file.get(4..8) == Some(&tflite::IDENTIFIER) {
        tflite::read(file).ok().map(|network| float::tflite::import(&network, &given))
    } else {
        onnx::read(file).ok().and_then(|network| {
            let known = onnx::known(&network).ok()?;
            Some(float::onnx::import(&network, &known, &given))
        })
    };
    imported.is_some_and(is_network)
}

/// Imports a `.tflite` file in int8; whether it becomes a model.
///
/// # Panics
/// When the model answers a random input otherwise than TensorFlow Lite's arithmetic, or the
/// refusal is not one line.
pub fn int8(file: &[u8]) -> bool {
    const OPTIONS: FileOptions = FileOptions {
        gives: infer::OutputType::Scores,
        version: 1,
        self_test: true,
        target: Target::Portable,
        keep_all: false,
        stream: false,
    };
    let Ok(network) = tflite::read(file) else { return false };
    match model(&network, OPTIONS) {
        Ok(_) => true,
        Err(ImportError::Differs(error)) => panic!("other answers: {error}"),
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'), "{line}");
            false
        }
    }
}

fn is_network(imported: Result<FloatImport, FloatError>) -> bool {
    match imported {
        Ok(import) => {
            check(&import);
            true
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.contains('\n'), "{line}");
            false
        }
    }
}

fn check(import: &FloatImport) {
    let stages = import.model.network.stages().expect("what was imported is a network");
    assert_eq!(stages.len(), import.model.stages.len());
    assert_eq!(stages.len(), import.kept.len());
    let mut weights = 0;
    for (stage, found) in stages.iter().zip(&import.model.stages) {
        let needed = stage.kind.weights().map(|needed| [needed.values(), needed.outputs]);
        let needed = needed.unwrap_or_default();
        assert_eq!([found.weights.len(), found.bias.len()], needed, "{}", stage.name);
        weights += found.weights.len();
    }
    assert!(weights <= WEIGHTS_MAX, "{weights} weights from a file");
}
