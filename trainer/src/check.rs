//! A model's answers compared with those that are expected, byte by byte.

mod maps;

pub use maps::check_maps;

use std::fmt;
use std::path::{Path, PathBuf};
use std::{fs, io};

use infer::kernels::Native;
use infer::{Input, Model, RunError, Session, SessionError, ValueType};
use thiserror::Error;

use crate::data::elements::Element;
use crate::data::npy::{self, Array, NpyError};
use crate::data::npz::NpzError;

/// Why nothing can be compared, or what differs.
#[derive(Debug, Error)]
pub enum CheckError {
    /// A file that cannot be read.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A file that holds no array.
    #[error("{}: {cause}", path.display())]
    Array {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: NpyError,
    },
    /// A file that holds no arrays by name.
    #[error("{}: {cause}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: NpzError,
    },
    /// An archive for another model.
    #[error(
        "{}: no array has the name of a layer: save int8 maps under the names that inspect shows",
        path.display()
    )]
    NoMaps {
        /// The file.
        path: PathBuf,
    },
    /// A map of another size or type.
    #[error(
        "layer '{layer}' leaves {values} int8 values, the array has {element:?} values and shape \
         {shape:?}: import with --keep-all and save int8 maps"
    )]
    Map {
        /// The layer.
        layer: String,
        /// Type of the array's values.
        element: Element,
        /// Its sides.
        shape: Vec<u64>,
        /// Values of the layer's map.
        values: usize,
    },
    /// A layer that leaves another byte.
    #[error("layer '{layer}' is the first that differs: {difference}")]
    Layer {
        /// The layer.
        layer: String,
        /// The first byte.
        difference: Difference,
    },
    /// Values of another type.
    #[error("{}: {found:?} values, the model has {expected}: save them with .astype(np.{})",
        path.display(), numpy_name(*expected))]
    Type {
        /// The file.
        path: PathBuf,
        /// The type of its values.
        found: Element,
        /// The model's.
        expected: ValueType,
    },
    /// Too few values, or too many.
    #[error("{}: its shape is {shape:?}, the model needs [n, ...] with {each} values each",
        path.display())]
    Shape {
        /// The file.
        path: PathBuf,
        /// Its sides.
        shape: Vec<u64>,
        /// Values of one input, or of one answer.
        each: usize,
    },
    /// Other counts.
    #[error("{inputs} inputs and {answers} expected answers: give as many of each")]
    Counts {
        /// Inputs.
        inputs: usize,
        /// Answers.
        answers: usize,
    },
    /// The model does not run.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The model does not run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Other bytes.
    #[error("{differing} of {all} answers differ; the first: {first}")]
    Differs {
        /// Answers with another byte.
        differing: usize,
        /// All answers.
        all: usize,
        /// Where the first is.
        first: Difference,
    },
}

/// A byte that is another one than expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of the input, from 0.
    pub input: usize,
    /// Place in the answer, from 0.
    pub place: usize,
    /// What was expected.
    pub expected: i8,
    /// What the model makes.
    pub found: i8,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { input, place, expected, found } = self;
        write!(f, "input {input}, value {place}: expected {expected}, found {found}")
    }
}

/// Runs a model on all inputs of a file and compares its first output with another file; how many
/// answers are the same.
///
/// # Errors
/// Files that are not for the model, or a byte that differs.
pub fn check(model: &Model<'_>, inputs: &Path, expected: &Path) -> Result<usize, CheckError> {
    let input = model.input();
    let (each, answer) = (input.image.len(), model.classes());
    let takes = input.interface.takes;
    let inputs = values(inputs, takes, each)?;
    let each = each * element(takes).bytes();
    let expected = values(expected, ValueType::Int8, answer)?;
    let (runs, answers) = (inputs.len() / each, expected.len() / answer);
    if runs != answers {
        return Err(CheckError::Counts { inputs: runs, answers });
    }
    let mut differences = vec![];
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena)?;
    for (number, (image, expected)) in inputs.chunks(each).zip(expected.chunks(answer)).enumerate()
    {
        let found = session.run_stored::<Native>(&stored(image, input), &mut ())?;
        differences.extend(difference(number, expected, found.values()));
    }
    match differences.first() {
        None => Ok(runs),
        Some(first) => {
            let (differing, all, first) = (differences.len(), runs, *first);
            Err(CheckError::Differs { differing, all, first })
        }
    }
}

/// The first byte that differs.
fn difference(input: usize, expected: &[u8], found: &[i8]) -> Option<Difference> {
    let expected = expected.iter().map(|byte| *byte as i8);
    let mut pairs = expected.zip(found.iter().copied()).enumerate();
    let differs = pairs.find(|(_, (expected, found))| expected != found);
    differs.map(|(place, (expected, found))| Difference { input, place, expected, found })
}

/// An input as a session takes stored ones.
fn stored(image: &[u8], input: &Input<'_>) -> Vec<u8> {
    match input.interface.takes {
        ValueType::Pixels => image.to_vec(),
        ValueType::Int8 => image.iter().map(|value| value ^ 0x80).collect(),
        ValueType::Reals => {
            let values = image.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes));
            let channels = (0..input.image.channels.into()).cycle();
            values.zip(channels).map(|(value, channel)| real(value, channel, input)).collect()
        }
    }
}

/// A real value of a channel as it is stored.
fn real(value: f32, channel: usize, input: &Input<'_>) -> u8 {
    let value = input.interface.scale(channel).apply(value);
    input.tensor.quant.quantise(value) as u8 ^ 0x80
}

/// The type of the numbers in a file of such values.
const fn element(values: ValueType) -> Element {
    match values {
        ValueType::Pixels => Element::U8,
        ValueType::Int8 => Element::I8,
        ValueType::Reals => Element::F32,
    }
}

/// The values of a file, `each` at a time.
fn values(path: &Path, expected: ValueType, each: usize) -> Result<Vec<u8>, CheckError> {
    let path = || path.to_owned();
    let file = fs::read(path()).map_err(|cause| CheckError::Unreadable { path: path(), cause })?;
    let Array { shape, numbers } =
        npy::decode(&file[..]).map_err(|cause| CheckError::Array { path: path(), cause })?;
    let found = numbers.element;
    if found != element(expected) || (numbers.big_endian && found.bytes() > 1) {
        return Err(CheckError::Type { path: path(), found, expected });
    }
    let count = shape.first().map_or(0, |count| *count as usize);
    if count == 0 || Some(numbers.bytes.len()) != count.checked_mul(each * found.bytes()) {
        return Err(CheckError::Shape { path: path(), shape, each });
    }
    Ok(numbers.bytes)
}

const fn numpy_name(values: ValueType) -> &'static str {
    match values {
        ValueType::Pixels => "uint8",
        ValueType::Int8 => "int8",
        ValueType::Reals => "float32",
    }
}

#[cfg(test)]
mod tests {
    use infer::{OutputType, Table};
    use tempfile::TempDir;

    use super::*;
    use crate::export::Target;
    use crate::import::model::{FileOptions, model};
    use crate::import::tflite;
    use crate::import::tflite::reference::{Interpreter, Values};

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
        let bytes = [3.0_f32, 20.0].map(f32::to_le_bytes);
        assert_eq!(stored(bytes.as_flattened(), &input), [127, 129]);
    }

    /// An array file of bytes.
    fn npy(descr: &str, shape: &str, values: &[i8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(values.iter().map(|value| *value as u8));
        file
    }

    /// An imported model, three inputs and what TensorFlow Lite's arithmetic makes of them.
    fn example() -> (Vec<u8>, Vec<i8>, Vec<i8>) {
        let file = include_bytes!("../fixtures/scores.tflite");
        let network = tflite::read(file).unwrap();
        let options = FileOptions {
            version: 0,
            self_test: false,
            target: Target::Portable,
            keep_all: false,
            stream: false,
            gives: OutputType::Scores,
        };
        let each = network.tensors[network.inputs[0]].elements();
        let inputs: Vec<i8> = (0..3 * each).map(|place| (place * 37 % 251) as i8).collect();
        let interpreter = Interpreter::new(&network).unwrap();
        let answer = |input: &[i8]| match &interpreter.run(&[Values::Int8(input.to_vec())])
            [network.outputs[0]]
        {
            Some(Values::Int8(values)) => values.clone(),
            _ => panic!("an output of int8"),
        };
        let answers = inputs.chunks(each).flat_map(answer).collect();
        (model(&network, options).unwrap(), inputs, answers)
    }

    #[test]
    fn the_first_byte_that_differs_is_found() {
        let (file, inputs, answers) = example();
        let mut table = Table::<16>::new();
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let folder = TempDir::new().unwrap();
        let [x, y] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
        let outcome = |file: &Path, array: Vec<u8>| {
            fs::write(file, array).unwrap();
            check(&model, &x, &y)
        };
        let (each, outputs) = (inputs.len() / 3, answers.len() / 3);
        outcome(&x, npy("|i1", &format!("3, {each}"), &inputs)).unwrap_err();
        let right = npy("|i1", &format!("3, {outputs}"), &answers);
        assert_eq!(outcome(&y, right.clone()).unwrap(), 3);
        let mut wrong = answers.clone();
        wrong[outputs + 1] ^= 1;
        wrong[2 * outputs] ^= 1;
        let message = outcome(&y, npy("|i1", "3, 0x", &wrong)).unwrap_err().to_string();
        assert!(message.contains("a side is no number"), "{message}");
        let wrong = npy("|i1", &format!("3, {outputs}"), &wrong);
        let message = outcome(&y, wrong).unwrap_err().to_string();
        let (expected, found) = (answers[outputs + 1] ^ 1, answers[outputs + 1]);
        let first = format!("input 1, value 1: expected {expected}, found {found}");
        assert_eq!(message, format!("2 of 3 answers differ; the first: {first}"));
    }

    /// An archive with one array, stored as it is.
    fn npz(name: &str, array: &[u8]) -> Vec<u8> {
        let (mut sum, name) = (flate2::Crc::new(), format!("{name}.npy"));
        sum.update(array);
        let numbers = |count: usize| (count as u32).to_le_bytes();
        let sizes = [sum.sum().to_le_bytes(), numbers(array.len()), numbers(array.len())].concat();
        let rest = [&sizes[..], &(name.len() as u16).to_le_bytes(), &[0, 0]].concat();
        let version = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let local = [b"PK\x03\x04", &version[..], &rest, name.as_bytes(), array].concat();
        let entry = [b"PK\x01\x02\x14\0", &version[..], &rest, &[0; 14], name.as_bytes()].concat();
        let end = [numbers(entry.len()), numbers(local.len())].concat();
        let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &end[..], &[0, 0]].concat();
        [local, entry, end].concat()
    }

    #[test]
    fn the_first_layer_that_differs_is_named() {
        let (file, inputs, answers) = example();
        let mut table = Table::<16>::new();
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let folder = TempDir::new().unwrap();
        let [x, maps] = ["x.npy", "maps.npz"].map(|name| folder.path().join(name));
        fs::write(&x, npy("|i1", &format!("3, {}", inputs.len() / 3), &inputs)).unwrap();
        let outcome = |name: &str, array: &[u8]| {
            fs::write(&maps, npz(name, array)).unwrap();
            check_maps(&model, &x, &maps).map_err(|error| error.to_string())
        };
        let last = model.layers().last().unwrap().name;
        let mut map = answers[..answers.len() / 3].to_vec();
        let shape = format!("{},", map.len());
        assert_eq!(outcome(last, &npy("|i1", &shape, &map)), Ok(1));
        let message = outcome(last, &npy("|u1", &shape, &map)).unwrap_err();
        assert!(message.contains("the array has U8 values"), "{message}");
        let message = outcome("other", &npy("|i1", &shape, &map)).unwrap_err();
        assert!(message.contains("no array has the name of a layer"), "{message}");
        map[1] ^= 1;
        let (expected, found) = (map[1], map[1] ^ 1);
        assert_eq!(
            outcome(last, &npy("|i1", &shape, &map)).unwrap_err(),
            format!(
                "layer '{last}' is the first that differs: input 0, value 1: expected {expected}, \
                 found {found}"
            )
        );
        fs::write(&maps, "no archive").unwrap();
        assert!(check_maps(&model, &x, &maps).is_err());
    }

    #[test]
    fn files_that_are_not_for_the_model() {
        let (file, inputs, answers) = example();
        let mut table = Table::<16>::new();
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let folder = TempDir::new().unwrap();
        let [x, y] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
        fs::write(&x, npy("|i1", &format!("3, {}", inputs.len() / 3), &inputs)).unwrap();
        let message = |array: &[u8]| {
            fs::write(&y, array).unwrap();
            check(&model, &x, &y).unwrap_err().to_string()
        };
        let outputs = answers.len() / 3;
        let unsigned = message(&npy("|u1", &format!("3, {outputs}"), &answers));
        assert!(unsigned.contains("U8 values, the model has int8 values: save them"), "{unsigned}");
        let two = message(&npy("|i1", &format!("2, {outputs}"), &answers[..2 * outputs]));
        assert!(two.contains("3 inputs and 2 expected answers"), "{two}");
        let shape = message(&npy("|i1", &format!("{outputs}, 3"), &answers));
        assert!(shape.contains("the model needs [n, ...]"), "{shape}");
        let none = message(b"no array");
        assert!(none.contains("np.save"), "{none}");
        fs::remove_file(&y).unwrap();
        let message = check(&model, &x, &y).unwrap_err().to_string();
        assert!(message.contains("y.npy: cannot be read"), "{message}");
    }
}
