//! `.tflite` files: FlatBuffers of TensorFlow Lite's schema, version 3.
//!
//! [`read`] gives a [`Network`] that has been checked: all numbers of tensors exist, every tensor
//! is made before it is read, constants are as large as their shapes say, and the shapes of maps
//! follow from the operators. Memory and time are bounded by the file's size. Operators that are
//! not known here are kept by name ([`Kind::Other`]). Signatures and metadata are not read.

mod cost;
mod error;
mod flatbuffer;
mod network;
mod operator;
mod operator_names;
mod operators;
pub mod reference;
mod shapes;
mod slices;
mod tensors;
mod window;

pub use cost::{Cost, cost, total};
pub use error::{Name, Problem, ReadError};
pub use network::{ElementType, Network, Quantisation, Tensor};
pub use operator::{Activation, Kind, Masks, Operator};
pub use slices::{Part, Slice};
pub use window::{Axis, Padding, Window, placed};

use flatbuffer::{Field, File, Table};

/// Bytes 4 to 7 of a file of this schema.
pub const IDENTIFIER: [u8; 4] = *b"TFL3";

/// The schema's version.
const VERSION: u32 = 3;

/// Reads a file.
///
/// # Errors
/// The first thing that is wrong, with table and field.
pub fn read(file: &[u8]) -> Result<Network<'_>, ReadError> {
    check_identifier(file)?;
    let file = File::new(file);
    let model = file.root("Model")?;
    check_version(model)?;
    let subgraph = only_subgraph(model)?;
    let tensors = tensors::read(model, subgraph)?;
    let mut network = Network {
        description: model.string(Field::new(3, "description"))?,
        inputs: tensors::numbers(subgraph, Field::new(1, "inputs"), tensors.len())?,
        outputs: tensors::numbers(subgraph, Field::new(2, "outputs"), tensors.len())?,
        operators: operators::read(model, subgraph, tensors.len())?,
        tensors,
    };
    operators::order(&mut network)?;
    shapes::infer(&mut network)?;
    Ok(network)
}

fn check_identifier(file: &[u8]) -> Result<(), ReadError> {
    let found = file.get(4..file.len().min(8)).unwrap_or_default();
    if found == IDENTIFIER {
        return Ok(());
    }
    let problem = Problem::Identifier { found: found.to_vec() };
    Err(ReadError::new(Name::new("Model"), "identifier", problem))
}

fn check_version(model: Table<'_, '_>) -> Result<(), ReadError> {
    let version = Field::new(0, "version");
    match model.u32(version, 0)? {
        VERSION => Ok(()),
        found => Err(model.error(version, Problem::Version { found })),
    }
}

fn only_subgraph<'f, 'a>(model: Table<'f, 'a>) -> Result<Table<'f, 'a>, ReadError> {
    let subgraphs = Field::new(2, "subgraphs");
    match model.tables(subgraphs, "SubGraph")?[..] {
        [only] => Ok(only),
        ref others => Err(model.error(subgraphs, Problem::Subgraphs { found: others.len() })),
    }
}
