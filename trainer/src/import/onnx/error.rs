//! Why an ONNX file cannot be read: one line that names message, place and fault.

use thiserror::Error;

/// Why a file is no network: `Node at byte 0x1234: ...`
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{kind} at byte 0x{at:x}: {problem}")]
pub struct ReadError {
    kind: &'static str,
    at: usize,
    problem: Box<Problem>,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Problem {
    /// The message ends within a field.
    #[error("ends within a field: the file is cut off (copy it again), or no ONNX file")]
    Ends,
    /// A field longer than its message.
    #[error(
        "a field of {length} bytes does not fit the {left} that are left: the file is cut off \
         (copy it again), or no ONNX file"
    )]
    Length {
        /// Of the field.
        length: u64,
        /// Of the message.
        left: usize,
    },
    /// A number of more than ten bytes.
    #[error("a number has more than ten bytes: this is no ONNX file")]
    Varint,
    /// A field of a type that does not exist.
    #[error("a field has no known wire type: this is no ONNX file")]
    Tag,
    /// A field of another type than the schema's.
    #[error("field {field} has another type than in the schema")]
    WireType {
        /// The field's number.
        field: u32,
    },
    /// Text that is none.
    #[error("a text is not UTF-8")]
    Utf8,
    /// More than any network for a small core has.
    #[error("the file has more than {limit} nodes, attributes, tensors and values")]
    TooMany {
        /// How many are allowed.
        limit: usize,
    },
    /// A model without a graph.
    #[error("holds no graph")]
    NoGraph,
    /// A version of the operators that is not known.
    #[error("has version {found} of the operators, known are {least} to {most}: export with one")]
    Opset {
        /// The file's; 0 where it has none.
        found: i64,
        /// The oldest.
        least: i64,
        /// The newest.
        most: i64,
    },
    /// Values in a file that is not there.
    #[error(
        "tensor '{name}' has its values in the file '{}': put that beside this one, or save the \
         model as one file",
        shown(file)
    )]
    ExternalData {
        /// The tensor.
        name: String,
        /// The other file.
        file: String,
    },
    /// Values in a file of another folder.
    #[error(
        "tensor '{name}' has its values in '{}', which is no file of the same folder: save the \
         model as one file",
        shown(file)
    )]
    ExternalFolder {
        /// The tensor.
        name: String,
        /// The other file.
        file: String,
    },
    /// Values beyond the end of the other file.
    #[error(
        "tensor '{name}' has its values beyond the end of '{}': export the model again",
        shown(file)
    )]
    ExternalBytes {
        /// The tensor.
        name: String,
        /// The other file.
        file: String,
    },
    /// Sparse values.
    #[error("sparse tensors are not supported")]
    Sparse,
    /// A type that is not known.
    #[error("tensor '{name}' has element type {found}, which is not supported")]
    Element {
        /// The tensor.
        name: String,
        /// Its number in the schema.
        found: i64,
    },
    /// A dimension that is none, or too many of them.
    #[error("tensor '{name}' has dimensions {found:?}: 8 at most, of 0 or more, 2^28 elements")]
    Shape {
        /// The tensor.
        name: String,
        /// The dimensions.
        found: Vec<i64>,
    },
    /// Values that are not as many as the shape says.
    #[error("tensor '{name}' holds {found} bytes, its shape needs {expected}")]
    DataBytes {
        /// The tensor.
        name: String,
        /// In the file.
        found: usize,
        /// By shape and type.
        expected: usize,
    },
    /// A value that is read before any node makes it: also every cycle.
    #[error("node {node} ({operator}) reads '{name}' before anything makes it")]
    NotMade {
        /// The node's number.
        node: usize,
        /// Its operator.
        operator: String,
        /// The value.
        name: String,
    },
    /// A value that is made twice.
    #[error("'{name}' is made twice")]
    MadeTwice {
        /// The value.
        name: String,
    },
}

/// A name from a file for a message: control characters are spelt out, and a long one is cut.
pub(super) fn shown(name: &str) -> String {
    const CHARACTERS_MAX: usize = 80;
    name.chars().take(CHARACTERS_MAX).flat_map(char::escape_default).collect()
}

impl ReadError {
    pub(super) fn new(kind: &'static str, at: usize, problem: Problem) -> Self {
        Self { kind, at, problem: Box::new(problem) }
    }

    /// What is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}
