//! Why a description is not a network that can be built.

use infer::Shape;
use thiserror::Error;

/// Why a description is not a network that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// No layer that computes anything.
    #[error("the network has no conv, dense or max_pool layer: add one")]
    Empty,
    /// A size that must be positive is zero.
    #[error("layer {number} '{name}': {what} is 0; it must be 1 or more")]
    Zero {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Which size.
        what: &'static str,
    },
    /// A window that does not fit what it reads.
    #[error(
        "layer {number} '{name}': a {rows}x{columns} window does not fit its input of {input}: use \
            a smaller window, 'same' padding or fewer layers in front of it"
    )]
    DoesNotFit {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Window rows.
        rows: u8,
        /// Window columns.
        columns: u8,
        /// What the layer reads.
        input: Shape,
    },
    /// A layer in a place where it has no meaning.
    #[error("layer {number} '{name}': {why}")]
    Misplaced {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// What is wrong and what to do.
        why: &'static str,
    },
    /// A feature map or weight tensor too large for the model format.
    #[error("layer {number} '{name}': {what} would have {values} values; the limit is {limit}")]
    TooLarge {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Which tensor.
        what: &'static str,
        /// Its size.
        values: u64,
        /// The largest allowed size.
        limit: u64,
    },
}
