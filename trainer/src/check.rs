//! A model's answers compared with those that are expected, byte by byte.

mod files;
mod maps;

pub use files::Cases;
pub use maps::check_maps;

use std::path::PathBuf;
use std::{fmt, io};

use infer::kernels::Native;
use infer::{Model, RunError, Session, SessionError, Shape};
use thiserror::Error;

use crate::data::elements::Element;
use crate::data::npy::NpyError;
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
    #[error("{}: {found:?} values, the model has {expected}", path.display())]
    Type {
        /// The file.
        path: PathBuf,
        /// The type of its values.
        found: Element,
        /// What can be compared, and how it is saved.
        expected: &'static str,
    },
    /// A real value that no answer stands for.
    #[error(
        "{}: input {input}, value {place} is {value}, which is none of the 256 values of the \
         output (steps of {scale}): save what the quantised network answers, not the float one",
        path.display()
    )]
    Between {
        /// The file.
        path: PathBuf,
        /// Number of the input, from 0.
        input: usize,
        /// Place in the answer, from 0.
        place: usize,
        /// The value.
        value: f32,
        /// Real value of a step of the output.
        scale: f32,
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
    /// Channels where the model has its last side.
    #[error("{}: its channels come first, the model takes {wanted} (rows x columns x channels): \
        save np.transpose(x, (0, 2, 3, 1))", path.display())]
    ChannelsFirst {
        /// The file.
        path: PathBuf,
        /// What the model takes.
        wanted: Shape,
    },
    /// Other counts.
    #[error("inputs: {inputs}, expected answers: {answers}: give as many of each")]
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

impl Cases {
    /// Has every input answered and compares; how many there are. `answer` takes an input as
    /// [`Session::run_stored`] does.
    ///
    /// # Errors
    /// What `answer` fails with, or bytes that differ.
    pub fn compare<E: From<CheckError>>(
        &self,
        mut answer: impl FnMut(&[u8]) -> Result<Vec<i8>, E>,
    ) -> Result<usize, E> {
        let mut differences = vec![];
        for (number, (input, expected)) in self.pairs().enumerate() {
            differences.extend(difference(number, expected, &answer(input)?));
        }
        let (differing, all) = (differences.len(), self.len());
        match differences.into_iter().next() {
            None => Ok(all),
            Some(first) => Err(CheckError::Differs { differing, all, first }.into()),
        }
    }

    /// Runs the model on this computer.
    ///
    /// # Errors
    /// A model that does not run, or bytes that differ.
    pub fn check(&self, model: &Model<'_>) -> Result<usize, CheckError> {
        let mut arena = vec![0; model.arena_bytes()];
        let mut session = Session::new(model, &mut arena)?;
        self.compare(|input| Ok(session.run_stored::<Native>(input, &mut ())?.values().to_vec()))
    }
}

/// The first byte that differs.
fn difference(input: usize, expected: &[i8], found: &[i8]) -> Option<Difference> {
    let mut pairs = expected.iter().zip(found).enumerate();
    let differs = pairs.find(|(_, (expected, found))| expected != found);
    differs.map(|(place, (&expected, &found))| Difference { input, place, expected, found })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use infer::{OutputType, Table};
    use tempfile::TempDir;

    use super::*;
    use crate::export::Target;
    use crate::import::model::{FileOptions, model};
    use crate::import::tflite;
    use crate::import::tflite::reference::{Interpreter, Values};

    /// What `check` does on this computer.
    fn check(model: &Model<'_>, inputs: &Path, expected: &Path) -> Result<usize, CheckError> {
        Cases::read(model, inputs, expected)?.check(model)
    }

    /// An array file of int8.
    fn npy(descr: &str, shape: &str, values: &[i8]) -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().map(|value| *value as u8).collect();
        npy_of(descr, shape, &bytes)
    }

    fn npy_of(descr: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
        let header =
            format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut file = b"\x93NUMPY\x01\x00".to_vec();
        file.extend((header.len() as u16).to_le_bytes());
        file.extend(header.as_bytes());
        file.extend(bytes);
        file
    }

    const OPTIONS: FileOptions = FileOptions {
        version: 0,
        self_test: false,
        target: Target::Portable,
        keep_all: false,
        stream: false,
        gives: OutputType::Scores,
    };

    /// An imported model, three inputs and what TensorFlow Lite's arithmetic makes of them.
    fn example() -> (Vec<u8>, Vec<i8>, Vec<i8>) {
        let file = include_bytes!("../fixtures/scores.tflite");
        let network = tflite::read(file).unwrap();
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
        (model(&network, OPTIONS).unwrap(), inputs, answers)
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

    /// Networks with uint8 or float32 at their edges: what TensorFlow Lite's reference kernels take
    /// and give there is compared as it is.
    #[test]
    fn edges_of_other_types() {
        let networks: [(&str, &[u8], &[u8]); 2] = [
            (
                "|u1",
                include_bytes!("../fixtures/uint8_edges.tflite"),
                include_bytes!("../fixtures/uint8_edges.answers"),
            ),
            (
                "<f4",
                include_bytes!("../fixtures/float_edges.tflite"),
                include_bytes!("../fixtures/float_edges.answers"),
            ),
        ];
        for (descr, file, answers) in networks {
            let network = tflite::read(file).unwrap();
            let [inputs, mut outputs] = edges(&network, answers);
            let bytes = model(&network, OPTIONS).unwrap();
            let mut table = Table::<16>::new();
            let model = Model::from_bytes(&bytes, &mut table).unwrap();
            let folder = TempDir::new().unwrap();
            let [x, y] = ["x.npy", "y.npy"].map(|name| folder.path().join(name));
            let array = |tensor: usize, bytes: &[u8]| {
                npy_of(descr, &format!("2, {}", network.tensors[tensor].elements()), bytes)
            };
            fs::write(&x, array(network.inputs[0], &inputs)).unwrap();
            fs::write(&y, array(network.outputs[0], &outputs)).unwrap();
            assert_eq!(check(&model, &x, &y).unwrap(), 2);
            *outputs.last_mut().unwrap() ^= 1;
            fs::write(&y, array(network.outputs[0], &outputs)).unwrap();
            let message = check(&model, &x, &y).unwrap_err().to_string();
            let place = network.tensors[network.outputs[0]].elements() - 1;
            assert!(message.contains(&format!("input 1, value {place}")), "{message}");
        }
    }

    /// The inputs and the outputs of a file of answers, which holds what every operator makes.
    fn edges(network: &tflite::Network<'_>, mut answers: &[u8]) -> [Vec<u8>; 2] {
        let mut edges = [vec![], vec![]];
        let mut take = |tensor: usize| {
            let tensor = &network.tensors[tensor];
            let bytes = tensor.elements() * tensor.element.bits().unwrap() as usize / 8;
            answers.split_off(..bytes)
        };
        while let Some(input) = take(network.inputs[0]) {
            edges[0].extend(input);
            let made = network.operators.iter().map(|operator| take(operator.outputs[0]).unwrap());
            edges[1].extend(made.last().unwrap());
        }
        edges
    }

    /// As many values, but of other places.
    #[test]
    fn arrays_with_their_channels_first_are_refused() {
        let network = tflite::read(include_bytes!("../fixtures/chain.tflite")).unwrap();
        let file = model(&network, OPTIONS).unwrap();
        let mut table = Table::<254>::new();
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let Shape { height, width, channels } = model.input().image;
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |sides: [u16; 3]| {
            let shape = format!("1, {}, {}, {}", sides[0], sides[1], sides[2]);
            let values = vec![0; model.input().image.len()];
            fs::write(file.path(), npy("|i1", &shape, &values)).unwrap();
            files::stored_inputs(&model, file.path()).map_err(|error| error.to_string())
        };
        assert!(read([height, width, channels]).is_ok());
        let said = read([channels, height, width]).unwrap_err();
        assert!(said.contains("its channels come first, the model takes"), "{said}");
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
        let short = npy_of("<i2", &format!("3, {outputs}"), &vec![0; 2 * answers.len()]);
        let short = message(&short);
        assert!(short.contains("I16 values, the model has int8 values: save them"), "{short}");
        let two = message(&npy("|i1", &format!("2, {outputs}"), &answers[..2 * outputs]));
        assert!(two.contains("inputs: 3, expected answers: 2: give as many of each"), "{two}");
        let shape = message(&npy("|i1", &format!("{outputs}, 3"), &answers));
        assert!(shape.contains("the model needs [n, ...]"), "{shape}");
        let none = message(b"no array");
        assert!(none.contains("np.save"), "{none}");
        fs::remove_file(&y).unwrap();
        let message = check(&model, &x, &y).unwrap_err().to_string();
        assert!(message.contains("y.npy: cannot be read"), "{message}");
    }
}
