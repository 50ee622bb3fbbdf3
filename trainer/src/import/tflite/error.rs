//! Why a file cannot be read: one line that names table, field and fault.

use std::fmt;

use thiserror::Error;

/// Why a file is no network: `Operator 3, inputs: offset 0x1234 lies outside of the file (53936
/// bytes)`.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{name}, {field}: {problem}")]
pub struct ReadError {
    name: Name,
    field: &'static str,
    problem: Box<Problem>,
}

/// Which table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Name {
    kind: &'static str,
    /// What it is a part of.
    outer: Option<&'static str>,
    index: Option<usize>,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// Another kind of file.
    #[error("is {found:02x?}, a .tflite file has \"TFL3\" at byte 4: this is another kind of file")]
    Identifier {
        /// Bytes 4 to 7, as far as there are any.
        found: Vec<u8>,
    },
    /// An offset, or what it names, reaches out of the file.
    #[error(
        "offset 0x{offset:x} lies outside of the file ({file_bytes} bytes), which is cut off or \
         damaged: copy it again"
    )]
    Outside {
        /// Where it leads.
        offset: usize,
        /// The file's size.
        file_bytes: usize,
    },
    /// A vtable before the file's first byte.
    #[error(
        "the vtable would lie {back} bytes before the table at 0x{table:x}, outside of the file"
    )]
    VtableBefore {
        /// Where the table begins.
        table: usize,
        /// The distance that it gives.
        back: i64,
    },
    /// A vtable that cannot be one.
    #[error(
        "the vtable at 0x{vtable:x} has {bytes} bytes, for a table of {table_bytes}: it needs an \
         even number from 4, and the table 4 or more"
    )]
    VtableSize {
        /// Where it begins.
        vtable: usize,
        /// Its size.
        bytes: usize,
        /// The table's size.
        table_bytes: usize,
    },
    /// A field that reaches out of its table.
    #[error("lies at byte {offset} of a table of {table_bytes} bytes, outside of it")]
    Field {
        /// Where it should begin.
        offset: usize,
        /// The table's size.
        table_bytes: usize,
    },
    /// A vector that reaches out of the file.
    #[error(
        "{length} elements of {element_bytes} bytes at 0x{offset:x} do not fit the file \
         ({file_bytes} bytes)"
    )]
    Vector {
        /// How many it should have.
        length: usize,
        /// Of one.
        element_bytes: usize,
        /// Where it begins.
        offset: usize,
        /// The file's size.
        file_bytes: usize,
    },
    /// Many fields that name the same bytes.
    #[error("the file's fields name the same bytes over and over: no converter writes such a file")]
    Shared,
    /// Text that is none.
    #[error("is not UTF-8")]
    Utf8,
    /// A field that must be there.
    #[error("is missing")]
    Missing,
    /// Another version of the schema.
    #[error("is {found}, only version 3 can be read")]
    Version {
        /// The file's.
        found: u32,
    },
    /// None or several.
    #[error("there are {found}, only networks of one subgraph can be read")]
    Subgraphs {
        /// How many.
        found: usize,
    },
    /// A number of something that is not there.
    #[error("names number {index}, there are {count}")]
    Index {
        /// The number.
        index: i64,
        /// How many there are.
        count: usize,
    },
    /// A number that stands for nothing that is known.
    #[error("is {found}, which stands for nothing that is known: convert with a stable release")]
    Unknown {
        /// The number.
        found: i64,
    },
    /// A side of a tensor.
    #[error("{found:?}: a dimension must be 0 or more, and there can be 8 of them")]
    Shape {
        /// The dimensions.
        found: Vec<i32>,
    },
    /// A tensor that no small core could hold.
    #[error("{found:?} is a tensor of more than {limit} elements")]
    TooLarge {
        /// The dimensions.
        found: Vec<i32>,
        /// How many elements are allowed.
        limit: usize,
    },
    /// A shape that is known only when the network runs.
    #[error(
        "{found:?}: only the first dimension, the batch, may be open: convert with fixed sizes, in \
         Keras with batch_size=1 of keras.Input"
    )]
    Dynamic {
        /// The dimensions; -1 is open.
        found: Vec<i32>,
    },
    /// A constant of another size than its shape says.
    #[error("holds {found} bytes, the shape needs {expected}")]
    DataBytes {
        /// In the file.
        found: usize,
        /// By shape and type.
        expected: u64,
    },
    /// A constant whose bytes follow the tables, as in files of more than 2 GB.
    #[error("the data lies outside of the FlatBuffer: such large networks are not supported")]
    ExternalData,
    /// Weights that leave out zeros.
    #[error("sparse tensors are not supported: convert without sparsity")]
    Sparse,
    /// A tensor that keeps its values from run to run.
    #[error("the tensor keeps state from run to run, which is not supported")]
    Variable,
    /// Quantisation that is not scale and zero point.
    #[error("only scale and zero point are supported: convert with the default quantisation")]
    Quantisation,
    /// A number of scales that fits nothing.
    #[error("{found} values for {channels} channels: one, or one per channel is needed")]
    PerChannel {
        /// How many.
        found: usize,
        /// The tensor's side along its quantized dimension.
        channels: usize,
    },
    /// A scale that is no scale.
    #[error("is {found}, a scale must be finite and not negative")]
    Scale {
        /// The scale.
        found: f32,
    },
    /// A zero point that the type cannot hold.
    #[error("is {found}, out of the range of {element}")]
    ZeroPoint {
        /// The zero point.
        found: i64,
        /// The tensor's type.
        element: &'static str,
    },
    /// Options of another operator.
    #[error("is {found}, {operator} has options of type {expected}")]
    Options {
        /// The type of the options.
        found: u8,
        /// The type that they should be of.
        expected: u8,
        /// The operator.
        operator: String,
    },
    /// A stride, size or dilation that is none.
    #[error("is {found}, must be 1 or more")]
    NotPositive {
        /// The number.
        found: i32,
    },
    /// A tensor that is read before any operator made it: also every cycle.
    #[error("tensor {tensor} is read before an operator makes it")]
    NotMade {
        /// The tensor.
        tensor: usize,
    },
    /// A tensor that has its values from elsewhere.
    #[error("tensor {tensor} is made here, but is a constant, an input or made before")]
    MadeTwice {
        /// The tensor.
        tensor: usize,
    },
    /// Too few or too many tensors.
    #[error("names {found} tensors, {operator} has {expected}")]
    Count {
        /// How many.
        found: usize,
        /// The operator.
        operator: String,
        /// How many it should be.
        expected: &'static str,
    },
    /// A constant that the operator's shape depends on.
    #[error("tensor {tensor} must be a constant of int32 or int64, {what}")]
    Constant {
        /// The tensor.
        tensor: usize,
        /// What it is for.
        what: &'static str,
    },
    /// Inputs that do not fit the operator or each other.
    #[error("{shapes:?} do not fit {operator}: {why}")]
    Inputs {
        /// Their shapes.
        shapes: Vec<Vec<usize>>,
        /// The operator.
        operator: String,
        /// What does not fit.
        why: &'static str,
    },
    /// An output of another shape than the inputs make.
    #[error("tensor {tensor} is {found:?}, the inputs make {expected:?}")]
    Output {
        /// The tensor.
        tensor: usize,
        /// Its shape in the file.
        found: Vec<usize>,
        /// As computed.
        expected: Vec<usize>,
    },
}

impl ReadError {
    pub(super) fn new(name: Name, field: &'static str, problem: Problem) -> Self {
        Self { name, field, problem: Box::new(problem) }
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl Name {
    pub(super) const fn new(kind: &'static str) -> Self {
        Self { kind, outer: None, index: None }
    }

    pub(super) const fn numbered(kind: &'static str, index: usize) -> Self {
        Self { kind, outer: None, index: Some(index) }
    }

    /// A table `kind` that belongs to this one.
    pub(super) const fn inner(self, kind: &'static str) -> Self {
        Self { kind, outer: Some(self.kind), index: self.index }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        self.outer.map_or(Ok(()), |outer| write!(f, " of {outer}"))?;
        self.index.map_or(Ok(()), |index| write!(f, " {index}"))
    }
}
