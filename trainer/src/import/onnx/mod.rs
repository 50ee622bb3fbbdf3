//! ONNX files: Protocol Buffers of ONNX's schema.
//!
//! [`read`] gives a [`Network`] that has been checked: every value is made before it is read, and
//! once; constants are as large as their shapes say. Memory and time are bounded by the file's
//! size. Values in another file are read with [`read_with`]. What is not needed to run a network is
//! skipped: texts, metadata, functions, training.

mod error;
mod integers;
mod messages;
mod network;
mod order;
mod protobuf;
mod shapes;

use std::collections::BTreeMap;

pub use error::{Problem, ReadError};
pub use network::{Attribute, ElementType, Network, Node, Tensor, Value};
pub use shapes::{Cost, Known, Misfit, Part, Shapes, cost, infer, known, parts};

/// Versions of the operators that can be read: what exporters have written since 2018.
pub const OPSETS: [i64; 2] = [7, 25];

/// Files in the folder of the one that is read, by their names.
pub type Beside<'a> = BTreeMap<&'a str, &'a [u8]>;

/// Reads a file that holds all of its values.
///
/// # Errors
/// The first thing that is wrong, with message and place.
pub fn read(file: &[u8]) -> Result<Network<'_>, ReadError> {
    read_with(file, Beside::new())
}

/// Reads a file whose values may lie in files beside it.
///
/// # Errors
/// The first thing that is wrong, with message and place; [`Problem::ExternalData`] names a file
/// that is needed and not among those given.
pub fn read_with<'a>(file: &'a [u8], beside: Beside<'a>) -> Result<Network<'a>, ReadError> {
    let network = messages::model(file, beside)?;
    let whole = |problem| ReadError::new("Model", 0, problem);
    let [least, most] = OPSETS;
    let found = network.opset;
    if !(least..=most).contains(&found) {
        return Err(whole(Problem::Opset { found, least, most }));
    }
    order::check(&network).map_err(whole)?;
    Ok(network)
}
