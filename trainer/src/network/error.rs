//! Why a description is not a network that can be built.

use thiserror::Error;

use crate::ops::Problem;

/// Why a description is not a network that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// No layer that computes anything.
    #[error("the network has no layer that computes anything: add one, such as conv or dense")]
    Empty,
    /// A layer, or the input, that cannot be built.
    #[error("layer {number} '{name}': {problem}")]
    Layer {
        /// Place in the list, from 1; 0 for the input.
        number: usize,
        /// The layer's name.
        name: String,
        /// What is wrong, and what to do.
        problem: Problem,
    },
}
