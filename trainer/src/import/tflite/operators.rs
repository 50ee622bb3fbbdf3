//! Reads the operators of a subgraph, and checks that each tensor is made before it is read.

use super::error::{Name, Problem, ReadError};
use super::flatbuffer::{Field, Table};
use super::network::Network;
use super::operator::{Kind, Operator};
use super::tensors::numbers;

const OPERATOR_CODES: Field = Field::new(1, "operator_codes");
const OPERATORS: Field = Field::new(3, "operators");
const OPCODE_INDEX: Field = Field::new(0, "opcode_index");
const INPUTS: Field = Field::new(1, "inputs");
const OUTPUTS: Field = Field::new(2, "outputs");

/// The number that stands for an input that is left out.
const LEFT_OUT: i32 = -1;

/// A kind of operator that the file may use.
struct Code<'a> {
    /// Its number in the schema.
    builtin: i32,
    /// Its name, where it is no builtin.
    custom: &'a str,
}

/// Reads the operators of a subgraph with this many tensors.
pub(super) fn read(
    model: Table<'_, '_>,
    subgraph: Table<'_, '_>,
    tensors: usize,
) -> Result<Vec<Operator>, ReadError> {
    let codes = model.tables(OPERATOR_CODES, "OperatorCode")?;
    let codes = codes.into_iter().map(code).collect::<Result<Vec<_>, _>>()?;
    let operators = subgraph.tables(OPERATORS, "Operator")?;
    operators.into_iter().map(|table| operator(table, &codes, tensors)).collect()
}

/// Codes up to 127 lie in a field of one byte, larger ones in a field that old files do not have:
/// the larger of both counts.
fn code<'a>(table: Table<'_, 'a>) -> Result<Code<'a>, ReadError> {
    let narrow = table.i8(Field::new(0, "deprecated_builtin_code"), 0)?;
    let wide = table.i32(Field::new(3, "builtin_code"), 0)?;
    Ok(Code {
        builtin: wide.max(narrow.into()),
        custom: table.string(Field::new(1, "custom_code"))?,
    })
}

fn operator(
    table: Table<'_, '_>,
    codes: &[Code<'_>],
    tensors: usize,
) -> Result<Operator, ReadError> {
    let (index, count) = (table.u32(OPCODE_INDEX, 0)?, codes.len());
    let Some(code) = codes.get(index as usize) else {
        return Err(table.error(OPCODE_INDEX, Problem::Index { index: index.into(), count }));
    };
    Ok(Operator {
        kind: Kind::read(code.builtin, code.custom, table)?,
        inputs: inputs(table, tensors)?,
        outputs: numbers(table, OUTPUTS, tensors)?,
        constant: false,
    })
}

fn inputs(table: Table<'_, '_>, count: usize) -> Result<Vec<Option<usize>>, ReadError> {
    let checked = |number: i32| match usize::try_from(number) {
        Ok(tensor) if tensor < count => Ok(Some(tensor)),
        _ if number == LEFT_OUT => Ok(None),
        _ => Err(table.error(INPUTS, Problem::Index { index: number.into(), count })),
    };
    table.numbers(INPUTS, i32::from_le_bytes)?.into_iter().map(checked).collect()
}

/// How a tensor has come by its values.
#[derive(Clone, Copy, PartialEq)]
enum Made {
    Not,
    /// By the file, or from what the file says alone.
    Constant,
    /// By the network's input.
    Map,
}

/// Checks that operators read only what has been made, and make nothing twice; notes which of them
/// are constant.
pub(super) fn order(network: &mut Network<'_>) -> Result<(), ReadError> {
    let mut made: Vec<Made> = network
        .tensors
        .iter()
        .map(|tensor| if tensor.data.is_some() { Made::Constant } else { Made::Not })
        .collect();
    let subgraph = Name::numbered("SubGraph", 0);
    for tensor in &network.inputs {
        make(&mut made, *tensor, Made::Map)
            .map_err(|problem| ReadError::new(subgraph, "inputs", problem))?;
    }
    for (index, operator) in network.operators.iter_mut().enumerate() {
        let error = |field| {
            move |problem| ReadError::new(Name::numbered("Operator", index), field, problem)
        };
        let reads_map = reads_map(&made, operator).map_err(error("inputs"))?;
        operator.constant = !reads_map || operator.kind == Kind::Shape;
        let how = if operator.constant { Made::Constant } else { Made::Map };
        for tensor in &operator.outputs {
            make(&mut made, *tensor, how).map_err(error("outputs"))?;
        }
    }
    match network.outputs.iter().find(|tensor| made[**tensor] == Made::Not) {
        Some(tensor) => {
            Err(ReadError::new(subgraph, "outputs", Problem::NotMade { tensor: *tensor }))
        }
        None => Ok(()),
    }
}

fn make(made: &mut [Made], tensor: usize, how: Made) -> Result<(), Problem> {
    match made[tensor] {
        Made::Not => {
            made[tensor] = how;
            Ok(())
        }
        _ => Err(Problem::MadeTwice { tensor }),
    }
}

/// Whether an operator reads anything that depends on the network's input.
fn reads_map(made: &[Made], operator: &Operator) -> Result<bool, Problem> {
    let mut map = false;
    for tensor in operator.inputs.iter().flatten() {
        match made[*tensor] {
            Made::Not => return Err(Problem::NotMade { tensor: *tensor }),
            how => map |= how == Made::Map,
        }
    }
    Ok(map)
}
