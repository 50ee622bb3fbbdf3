//! Networks in floating point: what a file's operators are as layers of a description, with their
//! weights, so that they are calibrated, quantised and planned like networks trained here.
//!
//! - [`onnx`] and [`tflite`]: the operators of either format;
//! - `layers`: what they become, with `moving` (windows) and `array` (constants);
//! - `values`: maps on their way, and what any format's operators do to them;
//! - `sketch`: the layers as they come, and what is folded into them;
//! - `layout`: which sides of a map the dimensions of a tensor count.

mod array;
mod layers;
mod layout;
mod misfit;
mod moving;
pub mod onnx;
mod sketch;
pub mod tflite;
mod values;

pub use misfit::{Misfit, Unsupported};
pub use sketch::Given;

use infer::Shape;
use thiserror::Error;

use crate::float_model::FloatModel;
use crate::network::NetworkError;
use crate::ops::LayerKind;
use crate::quantize::Kept;

/// Most operators of a network: of many, several become one layer.
const OPERATORS_MAX: usize = 4_096;

/// Most values of all constants, counted again for each operator that computes others of them.
const VALUES_MAX: usize = 1 << 26;

/// Why a network in floating point cannot be imported.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FloatError {
    /// None, or several.
    #[error("the network has {found} inputs, only networks of one can be imported: export one")]
    Inputs {
        /// How many.
        found: usize,
    },
    /// None, or several.
    #[error(
        "the network has {found} outputs, a network in floating point is imported with one: \
         export one"
    )]
    Outputs {
        /// How many.
        found: usize,
    },
    /// An input that is no map.
    #[error("input '{name}': {why}")]
    Input {
        /// Its name.
        name: String,
        /// What is wrong, and what to do.
        why: &'static str,
    },
    /// More operators than any network for a small core has.
    #[error("the output depends on {found} operators, at most {OPERATORS_MAX} are imported")]
    TooMany {
        /// How many.
        found: usize,
    },
    /// More constants than any network for a small core has.
    #[error(
        "the constants that operators read have more than {VALUES_MAX} values, each counted where \
         it is read: no network for a small core has"
    )]
    TooManyValues,
    /// An input without values.
    #[error("a side of the input is 0: export for an input that has values")]
    Empty,
    /// An output in another order.
    #[error(
        "the output is a map that was turned or flattened: export without that, a model answers \
         rows, columns, channels"
    )]
    Turned,
    /// Operators, all of them.
    #[error(transparent)]
    Operators(#[from] Unsupported),
    /// The layers make no network.
    #[error(transparent)]
    Network(#[from] NetworkError),
}

/// A network that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatImport {
    /// Its layers and weights.
    pub model: FloatModel,
    /// The scales that the file has, stage by stage.
    pub kept: Vec<Kept>,
    /// Operators in the file that the output depends on.
    pub operators: usize,
    /// The kinds of those that each stage is made of, in their order.
    pub made_of: Vec<String>,
}

impl FloatImport {
    /// Whether the answers are scores of which the file's network takes a softmax.
    pub fn ends_with_softmax(&self) -> bool {
        let last = self.model.network.layers.last();
        last.is_some_and(|layer| matches!(layer.kind, LayerKind::Softmax(_)))
    }

    /// What the network reads.
    pub fn input(&self) -> Shape {
        self.model.network.input.shape()
    }
}
