//! What an ONNX file holds, as plain structures. Maps are batch, channels, rows, columns.

use std::borrow::Cow;

/// A network. Its nodes are in an order in which every value is made before it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<'a> {
    /// The program that wrote the file.
    pub producer: &'a str,
    /// The version of the operators.
    pub opset: i64,
    /// The nodes, in the order in which they run.
    pub nodes: Vec<Node<'a>>,
    /// Weights and other constants.
    pub constants: Vec<Tensor<'a>>,
    /// What is given. Constants that old files list here are left out.
    pub inputs: Vec<Value<'a>>,
    /// What is asked for.
    pub outputs: Vec<Value<'a>>,
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// Its name, if it has one.
    pub name: &'a str,
    /// The operator: `Conv`.
    pub operator: &'a str,
    /// Where the operator is defined; empty of ONNX's own.
    pub domain: &'a str,
    /// The names of what it reads; empty where an optional one is left out.
    pub inputs: Vec<&'a str>,
    /// The names of what it makes.
    pub outputs: Vec<&'a str>,
    /// The operator's options.
    pub attributes: Vec<(&'a str, Attribute<'a>)>,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub enum Attribute<'a> {
    Float(f32),
    Int(i64),
    Text(&'a [u8]),
    Tensor(Tensor<'a>),
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    /// Graphs, sparse tensors and the like.
    Other,
}

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its dimensions; none of a single number.
    pub shape: Vec<usize>,
    /// The type of its elements.
    pub element: ElementType,
    /// The values in row-major order, little endian.
    pub data: Cow<'a, [u8]>,
}

/// An input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Value<'a> {
    /// Its name.
    pub name: &'a str,
    /// The type of its elements, where the file has it.
    pub element: Option<ElementType>,
    /// Its dimensions; `None` where one is open.
    pub shape: Vec<Option<usize>>,
}

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub enum ElementType {
    Float32,
    UInt8,
    Int8,
    UInt16,
    Int16,
    Int32,
    Int64,
    Bool,
    Float16,
    Float64,
}

/// Each with its number in the schema, its name and the bytes of an element.
const ELEMENT_TYPES: [(ElementType, i64, &str, usize); 10] = [
    (ElementType::Float32, 1, "float32", 4),
    (ElementType::UInt8, 2, "uint8", 1),
    (ElementType::Int8, 3, "int8", 1),
    (ElementType::UInt16, 4, "uint16", 2),
    (ElementType::Int16, 5, "int16", 2),
    (ElementType::Int32, 6, "int32", 4),
    (ElementType::Int64, 7, "int64", 8),
    (ElementType::Bool, 9, "bool", 1),
    (ElementType::Float16, 10, "float16", 2),
    (ElementType::Float64, 11, "float64", 8),
];

impl ElementType {
    pub(super) fn numbered(number: i64) -> Option<Self> {
        let mut types = ELEMENT_TYPES.iter();
        types.find(|(_, known, ..)| *known == number).map(|(element, ..)| *element)
    }

    /// `int8`.
    pub fn name(self) -> &'static str {
        ELEMENT_TYPES[self as usize].2
    }

    /// Bytes of an element.
    pub fn bytes(self) -> usize {
        ELEMENT_TYPES[self as usize].3
    }
}

impl<'a> Node<'a> {
    /// An option by its name.
    pub fn attribute(&self, name: &str) -> Option<&Attribute<'a>> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, attribute)| attribute)
    }

    /// An option that is a whole number.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.attribute(name) {
            Some(Attribute::Int(value)) => Some(*value),
            _ => None,
        }
    }

    /// An option that is a list of whole numbers.
    pub fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name) {
            Some(Attribute::Ints(values)) => Some(values),
            _ => None,
        }
    }
}

impl Tensor<'_> {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The values of a constant of int64.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let (numbers, _) = self.data.as_chunks();
        let of_64_bits = self.element == ElementType::Int64;
        of_64_bits.then(|| numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
    }
}

impl<'a> Network<'a> {
    /// A constant by its name.
    pub fn constant(&self, name: &str) -> Option<&Tensor<'a>> {
        self.constants.iter().find(|tensor| tensor.name == name)
    }
}
