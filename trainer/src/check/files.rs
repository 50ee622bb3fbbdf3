//! Inputs and expected answers as array files hold them.
//!
//! A model of an int8 network takes int8 values. The network's file may take and give uint8 or
//! float32 in their place: then so do its arrays, and they are brought to int8 as the file's own
//! `QUANTIZE` does it.

use std::fs;
use std::path::Path;

use infer::format::OutputQuant;
use infer::{Input, Model, ValueType};

use super::CheckError;
use crate::data::elements::{Element, Numbers};
use crate::data::inputs::is_channels_first;
use crate::data::npy::{self, Array};

/// Most that a real value may be beside the one that an answer stands for, in steps: more than
/// rounding in float32 leaves.
const BESIDE_STEPS_MAX: f32 = 0.01;

/// Inputs, and the first output that is expected for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cases {
    /// As a session takes them, one after the other.
    inputs: Vec<u8>,
    /// Values of one.
    input: usize,
    answers: Vec<i8>,
    /// Values of one.
    answer: usize,
}

impl Cases {
    /// Reads both files.
    ///
    /// # Errors
    /// Files that are not for the model.
    pub fn read(model: &Model<'_>, inputs: &Path, expected: &Path) -> Result<Self, CheckError> {
        let (input, answer) = (model.input().image.len(), model.classes());
        let inputs = stored_inputs(model, inputs)?;
        let answers = answers(expected, model.output_quant(), answer)?;
        let cases = Self { inputs, input, answers, answer };
        let counts = [cases.inputs.len() / input, cases.answers.len() / answer];
        match counts {
            [inputs, answers] if inputs != answers => Err(CheckError::Counts { inputs, answers }),
            _ => Ok(cases),
        }
    }

    /// How many there are, 1 or more.
    #[expect(clippy::len_without_is_empty, reason = "a file without any is refused")]
    pub const fn len(&self) -> usize {
        self.inputs.len() / self.input
    }

    /// Each input with its answer.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&[u8], &[i8])> {
        self.inputs.chunks(self.input).zip(self.answers.chunks(self.answer))
    }
}

/// The inputs of a file as a session takes them.
pub(super) fn stored_inputs(model: &Model<'_>, path: &Path) -> Result<Vec<u8>, CheckError> {
    let input = model.input();
    let (elements, expected): (&[Element], _) = match input.interface.takes {
        ValueType::Pixels => (&[Element::U8], "pixels: save them with .astype(np.uint8)"),
        ValueType::Int8 => (&INT8_EDGE, INT8_NAMES),
        ValueType::Reals => (&[Element::F32], "real values: save them with .astype(np.float32)"),
    };
    let (shape, numbers) = numbers(path, elements, expected, input.image.len())?;
    if is_channels_first(&shape, input.image) {
        return Err(CheckError::ChannelsFirst { path: path.to_owned(), wanted: input.image });
    }
    Ok(stored(&numbers, input))
}

/// What the edges of an int8 network may be.
const INT8_EDGE: [Element; 3] = [Element::I8, Element::U8, Element::F32];

/// The same, and what to do.
const INT8_NAMES: &str = "int8 values: save them as the network's file has them, with \
                          .astype(np.int8), np.uint8 or np.float32";

fn stored(numbers: &Numbers, input: &Input<'_>) -> Vec<u8> {
    let bytes = &numbers.bytes;
    match (input.interface.takes, numbers.element) {
        (ValueType::Pixels, _) | (_, Element::U8) => bytes.clone(),
        (ValueType::Int8, Element::I8) => bytes.iter().map(|value| value ^ 0x80).collect(),
        (ValueType::Int8, _) => {
            let quant = input.tensor.quant;
            reals(bytes).map(|real| nearest(real, quant) as u8 ^ 0x80).collect()
        }
        (ValueType::Reals, _) => {
            let channels = (0..input.image.channels.into()).cycle();
            reals(bytes)
                .zip(channels)
                .map(|(value, channel)| scaled(value, channel, input))
                .collect()
        }
    }
}

/// A real value of a channel as it is stored.
fn scaled(value: f32, channel: usize, input: &Input<'_>) -> u8 {
    let value = input.interface.scale(channel).apply(value);
    input.tensor.quant.quantise(value) as u8 ^ 0x80
}

/// Answers of a file as int8.
fn answers(path: &Path, quant: OutputQuant, each: usize) -> Result<Vec<i8>, CheckError> {
    let (_, numbers) = numbers(path, &INT8_EDGE, INT8_NAMES, each)?;
    let bytes = numbers.bytes.iter();
    match numbers.element {
        Element::I8 => Ok(bytes.map(|byte| *byte as i8).collect()),
        Element::U8 => Ok(bytes.map(|byte| (byte ^ 0x80) as i8).collect()),
        _ => reals(&numbers.bytes)
            .enumerate()
            .map(|(at, value)| {
                let (input, place, scale) = (at / each, at % each, quant.scale);
                let between =
                    || CheckError::Between { path: path.to_owned(), input, place, value, scale };
                exact(value, quant).ok_or_else(between)
            })
            .collect(),
    }
}

/// The int8 value that stands for a real one; `None` where that lies between two, or beyond all.
fn exact(value: f32, quant: OutputQuant) -> Option<i8> {
    let nearest = nearest(value, quant);
    let steps = f32::from(i16::from(nearest) - i16::from(quant.zero_point));
    ((value / quant.scale - steps).abs() <= BESIDE_STEPS_MAX).then_some(nearest)
}

/// As TensorFlow Lite's `QUANTIZE`: halves away from zero.
fn nearest(value: f32, quant: OutputQuant) -> i8 {
    let steps = (value / quant.scale).round() as i32;
    let stored = steps.saturating_add(quant.zero_point.into());
    stored.clamp(i8::MIN.into(), i8::MAX.into()) as i8
}

fn reals(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes))
}

/// The sides of a file's array, and its numbers, `each` at a time.
fn numbers(
    path: &Path,
    elements: &[Element],
    expected: &'static str,
    each: usize,
) -> Result<(Vec<u64>, Numbers), CheckError> {
    let path = || path.to_owned();
    let file = fs::read(path()).map_err(|cause| CheckError::Unreadable { path: path(), cause })?;
    let Array { shape, numbers } =
        npy::decode(&file[..]).map_err(|cause| CheckError::Array { path: path(), cause })?;
    let found = numbers.element;
    if !elements.contains(&found) || (numbers.big_endian && found.bytes() > 1) {
        return Err(CheckError::Type { path: path(), found, expected });
    }
    let bytes = each * found.bytes();
    let count = shape.first().and_then(|count| usize::try_from(*count).ok()).unwrap_or_default();
    if count == 0 || Some(numbers.bytes.len()) != count.checked_mul(bytes) {
        return Err(CheckError::Shape { path: path(), shape, each });
    }
    Ok((shape, numbers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_values_are_stored_as_the_model_quantises_them() {
        let shape = infer::Shape::new(1, 1, 2);
        let quant = infer::format::OutputQuant { scale: 0.5, zero_point: -3 };
        let tensor = infer::format::Tensor { shape, quant };
        let tensor = infer::format::TensorRecord { tensor, held_rows: 1, at: 0 };
        let record = infer::format::InputRecord { image: shape, origin: [0, 0], tensor };
        let scales = [(1.0, 2.0), (0.0, 10.0)]
            .map(|(mean, deviation)| infer::ChannelScale { mean, deviation }.to_le_bytes());
        let interface = infer::Interface {
            takes: ValueType::Reals,
            scales: scales.as_flattened(),
            ..infer::Interface::default()
        };
        let input = infer::embedded::input(&record, interface, 1);
        // (3 - 1) / 2 is two steps of 0.5 above -3, 20 / 10 is four; stored values are 128 more.
        let bytes = [3.0_f32, 20.0].map(f32::to_le_bytes).as_flattened().to_vec();
        let numbers = Numbers { element: Element::F32, big_endian: false, bytes };
        assert_eq!(stored(&numbers, &input), [127, 129]);
    }

    #[test]
    fn an_answer_in_float32_is_one_of_256_values() {
        let quant = OutputQuant { scale: 0.25, zero_point: -3 };
        assert_eq!(exact(0.0, quant), Some(-3));
        assert_eq!(exact(-0.5, quant), Some(-5));
        assert_eq!(exact(0.25 * 130.0, quant), Some(127));
        for between in [0.1, 0.25 * 131.0, -0.25 * 126.0, f32::NAN, f32::INFINITY] {
            assert_eq!(exact(between, quant), None, "{between}");
        }
        assert_eq!(nearest(0.125, quant), -2, "a half goes away from zero");
        assert_eq!(nearest(-0.125, quant), -4, "a half goes away from zero");
    }
}
