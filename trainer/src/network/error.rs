//! Why a description is not a network that can be built.

use std::fmt::Write;

use infer::Shape;
use thiserror::Error;

use crate::ops::Problem;

/// Why a description is not a network that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// No layer that computes anything.
    #[error("the network has no layer that computes anything: add one, such as conv or dense")]
    Empty,
    /// A layer, or the input, that cannot be built.
    #[error("layer {number} '{name}'{}: {problem}", list(reads))]
    Layer {
        /// Place in the list, from 1; 0 for the input.
        number: usize,
        /// The layer's name.
        name: String,
        /// What it reads, where the description says that.
        reads: Vec<Source>,
        /// What is wrong, and what to do.
        problem: Box<Problem>,
    },
}

/// What a layer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Name of the layer that leaves it, or `input`.
    pub name: String,
    /// Its size.
    pub shape: Shape,
}

/// ` from 'conv1' of 26x26x8 and 'input' of 28x28x1`.
fn list(reads: &[Source]) -> String {
    let mut list = String::new();
    for (source, between) in reads.iter().zip([" from", " and"]) {
        let Source { name, shape } = source;
        _ = write!(list, "{between} '{name}' of {shape}");
    }
    list
}
