//! ONNX files: Protocol Buffers of ONNX's schema.
//!
//! [`read`] gives a [`Network`] that has been checked: every value is made before it is read, and
//! once; constants are as large as their shapes say. Memory and time are bounded by the file's
//! size. What is not needed to run a network is skipped: texts, metadata, functions, training.

mod error;
mod integers;
mod messages;
mod network;
mod order;
mod protobuf;
mod shapes;

pub use error::{Problem, ReadError};
pub use network::{Attribute, ElementType, Network, Node, Tensor, Value};
pub use shapes::{Cost, Known, Misfit, Shapes, cost, infer, known};

/// Versions of the operators that can be read: what exporters have written since 2018.
pub const OPSETS: [i64; 2] = [7, 25];

/// Reads a file.
///
/// # Errors
/// The first thing that is wrong, with message and place.
pub fn read(file: &[u8]) -> Result<Network<'_>, ReadError> {
    let network = messages::model(file)?;
    let whole = |problem| ReadError::new("Model", 0, problem);
    let [least, most] = OPSETS;
    let found = network.opset;
    if !(least..=most).contains(&found) {
        return Err(whole(Problem::Opset { found, least, most }));
    }
    order::check(&network).map_err(whole)?;
    Ok(network)
}
