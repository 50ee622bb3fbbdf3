//! A network as layers that `infer` runs, with the numbers of the file.

use infer::format::{OUTPUTS_MAX, Tensor};
use infer::{SelfTestError, ValueType};
use thiserror::Error;

use super::edges::int8;
use super::lowering::Lowering;
use super::value::{Value, quant, sides, turn_shape};
use crate::import::tflite::reference::{ELEMENTS_MAX, Misfit, Unsupported, held_elements};
use crate::import::tflite::{Kind, Network, Operator, total};
use crate::model_file::WriteModelError;
use crate::plain_model::{Edge, PlainModel};
use crate::plan::FastestError;

/// Why a network cannot be imported.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ImportError {
    /// None, or several.
    #[error("the network has {found} inputs, only networks of one can be imported")]
    Inputs {
        /// How many.
        found: usize,
    },
    /// None, or too many.
    #[error("the network has {found} outputs, a model has 1 to {OUTPUTS_MAX}")]
    Outputs {
        /// How many.
        found: usize,
    },
    /// An output that no layer makes.
    #[error("output {index} is made by no layer")]
    OutputNotMade {
        /// Its place, from 0.
        index: usize,
    },
    /// An output in another order.
    #[error(
        "output {index} is a map whose values were moved by TRANSPOSE: convert without it, a model \
         answers rows, columns, channels"
    )]
    Transposed {
        /// Its place, from 0.
        index: usize,
    },
    /// It makes something else than its input.
    #[error(
        "the network takes {inputs} values and makes {outputs}: --task reconstruct is for networks \
         that make their input once more"
    )]
    Reconstruction {
        /// Values that it takes.
        inputs: usize,
        /// Values that it makes.
        outputs: usize,
    },
    /// More than any network for a small core has.
    #[error("the network has {found} {what}, at most {limit} are imported")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many there can be.
        limit: u64,
    },
    /// An input of another kind.
    #[error("the input: {0}")]
    Input(Misfit),
    /// Operators, all of them.
    #[error(transparent)]
    Operators(#[from] Unsupported),
    /// No model file can hold it.
    #[error(transparent)]
    Write(#[from] WriteModelError),
    /// There is no plan for the chip.
    #[error(transparent)]
    Fastest(#[from] FastestError),
    /// The model is at fault.
    #[error("the model does not give TensorFlow Lite's bytes: {0}")]
    Differs(SelfTestError),
}

/// The layers of a network, with nothing left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// The layers.
    pub model: PlainModel,
    /// For each layer the number of the file's operator that it is made for.
    pub operators: Vec<usize>,
}

/// The layers of a network.
///
/// # Errors
/// As [`lowered`].
pub fn plain_model(network: &Network<'_>) -> Result<PlainModel, ImportError> {
    Ok(lowered(network)?.model)
}

/// The layers of a network, and what they are made for.
///
/// # Errors
/// What no model holds; all operators of that kind at once.
pub fn lowered(network: &Network<'_>) -> Result<Lowered, ImportError> {
    let network = &*int8(network);
    let &[input] = &network.inputs[..] else {
        return Err(ImportError::Inputs { found: network.inputs.len() });
    };
    if !(1..=OUTPUTS_MAX).contains(&network.outputs.len()) {
        return Err(ImportError::Outputs { found: network.outputs.len() });
    }
    check_size(network)?;
    let given = given(network, input).map_err(ImportError::Input)?;
    let mut lowering = Lowering::new(network, input, given);
    lowering.all()?;
    let outputs = outputs(&lowering)?;
    let input = given.edge.tensor;
    let model = PlainModel {
        image: input.shape,
        interface: ValueType::Int8.into(),
        origin: [0, 0],
        input,
        layers: lowering.layers,
        outputs,
        version: 0,
        self_test: None,
        metadata: vec![],
    };
    Ok(Lowered { model, operators: lowering.operators })
}

/// Most operators of a network, which has tables computed for many of them.
const OPERATORS_MAX: u64 = 4_096;

/// Most multiply-accumulates of a network, which is run once for the model's self-test.
const MACS_MAX: u64 = 1 << 34;

/// Refuses what would take all memory or no end of time.
fn check_size(network: &Network<'_>) -> Result<(), ImportError> {
    let elements = network.operators.iter().map(|operator| held_elements(network, operator));
    let elements = elements.fold(0, usize::saturating_add) as u64;
    let sizes = [
        ("operators", network.operators.len() as u64, OPERATORS_MAX),
        ("values in maps and constants", elements, ELEMENTS_MAX as u64),
        ("multiply-accumulates", total(network).macs, MACS_MAX),
    ];
    match sizes.into_iter().find(|(_, found, limit)| found > limit) {
        Some((what, found, limit)) => Err(ImportError::TooLarge { what, found, limit }),
        None => Ok(()),
    }
}

/// The input as the operators that read it count it. A series is turned: a column with rows.
fn given(network: &Network<'_>, input: usize) -> Result<Value, Misfit> {
    let tensor = &network.tensors[input];
    if tensor.shape.len() > 1 && tensor.shape[0] != 1 {
        return Err(Misfit::Map);
    }
    let quant = quant(tensor)?;
    let shape = sides(counted(network, input))?;
    let turned = shape.height == 1 && shape.width > 1;
    let tensor = Tensor { shape: turn_shape(shape, turned), quant };
    let edge = Edge { number: 0, tensor };
    Ok(Value { edge, turned: Some(turned) }.counted(&network.tensors[input].shape))
}

/// The shape of a tensor, or the one to which it is reshaped before anything reads it.
fn counted<'n>(network: &'n Network<'_>, mut tensor: usize) -> &'n [usize] {
    for operator in &network.operators {
        let reads = |operator: &Operator| operator.inputs.first() == Some(&Some(tensor));
        let is_reshape = |operator: &Operator| {
            matches!(operator.kind, Kind::Reshape | Kind::Squeeze | Kind::ExpandDims)
        };
        // What asks for the shape before a reshape is no reader.
        let is_reader = |reader: &&Operator| reads(reader) && !reader.constant;
        let mut readers = network.operators.iter().filter(is_reader);
        if is_reader(&operator)
            && readers.all(is_reshape)
            && let Some(output) = operator.outputs.first()
            && sides(&network.tensors[*output].shape).is_ok()
        {
            tensor = *output;
        }
    }
    &network.tensors[tensor].shape
}

fn outputs(lowering: &Lowering<'_, '_>) -> Result<Vec<usize>, ImportError> {
    let outputs = lowering.network.outputs.iter().enumerate();
    let number = |(index, tensor): (usize, &usize)| match lowering.values[*tensor] {
        Some(_) if lowering.orders[*tensor].is_some() => Err(ImportError::Transposed { index }),
        Some(Value { edge: Edge { number, .. }, .. }) if number > 0 => Ok(number),
        _ => Err(ImportError::OutputNotMade { index }),
    };
    outputs.map(number).collect()
}
