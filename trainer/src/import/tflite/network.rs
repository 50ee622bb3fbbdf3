//! What a file holds, as plain structures.

use super::operator::Operator;

/// A network: one subgraph. Its operators are in an order in which every tensor is made before it
/// is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Network<'a> {
    /// What the converter says of itself: `MLIR Converted.`
    pub description: &'a str,
    /// All tensors: maps and constants.
    pub tensors: Vec<Tensor<'a>>,
    /// The operators, in the order in which they run.
    pub operators: Vec<Operator>,
    /// Numbers of the tensors that are given.
    pub inputs: Vec<usize>,
    /// Numbers of the tensors that are asked for.
    pub outputs: Vec<usize>,
}

/// A map or a constant.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    /// Its name; any text.
    pub name: &'a str,
    /// Its dimensions: batch, rows, columns, channels of a map. None of a single number. Those of
    /// maps are computed from the network's inputs, at most 8, with 1 for a batch that is open.
    pub shape: Vec<usize>,
    /// Whether the file leaves the first dimension, the batch, open.
    pub open_batch: bool,
    /// The type of its elements.
    pub element: ElementType,
    /// How its integers stand for real numbers, where they do.
    pub quantisation: Option<Quantisation>,
    /// The values of a constant, in row-major order and little endian.
    pub data: Option<&'a [u8]>,
}

/// Real value = scale * (integer - zero point).
#[derive(Clone, Debug, PartialEq)]
pub struct Quantisation {
    /// One, or one per channel; none is negative.
    pub scales: Vec<f32>,
    /// As many as there are scales; within the range of the tensor's type.
    pub zero_points: Vec<i32>,
    /// The dimension that the channels are counted along.
    pub axis: usize,
}

/// Types of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub enum ElementType {
    Float32,
    Float16,
    Int32,
    UInt8,
    Int64,
    String,
    Bool,
    Int16,
    Complex64,
    Int8,
    Float64,
    Complex128,
    UInt64,
    Resource,
    Variant,
    UInt32,
    UInt16,
    Int4,
    BFloat16,
    Int2,
    UInt4,
}

/// By their numbers in the schema.
const ELEMENT_TYPES: [(ElementType, &str, u64); 21] = [
    (ElementType::Float32, "float32", 32),
    (ElementType::Float16, "float16", 16),
    (ElementType::Int32, "int32", 32),
    (ElementType::UInt8, "uint8", 8),
    (ElementType::Int64, "int64", 64),
    (ElementType::String, "string", 0),
    (ElementType::Bool, "bool", 8),
    (ElementType::Int16, "int16", 16),
    (ElementType::Complex64, "complex64", 64),
    (ElementType::Int8, "int8", 8),
    (ElementType::Float64, "float64", 64),
    (ElementType::Complex128, "complex128", 128),
    (ElementType::UInt64, "uint64", 64),
    (ElementType::Resource, "resource", 0),
    (ElementType::Variant, "variant", 0),
    (ElementType::UInt32, "uint32", 32),
    (ElementType::UInt16, "uint16", 16),
    (ElementType::Int4, "int4", 4),
    (ElementType::BFloat16, "bfloat16", 16),
    (ElementType::Int2, "int2", 2),
    (ElementType::UInt4, "uint4", 4),
];

impl Tensor<'_> {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }

    /// The one scale and zero point of a map.
    pub fn scale_and_zero_point(&self) -> Option<(f32, i32)> {
        match self.quantisation.as_ref() {
            Some(Quantisation { scales, zero_points, .. }) if scales.len() == 1 => {
                Some((scales[0], zero_points[0]))
            }
            _ => None,
        }
    }

    /// The values of a constant of int32 or int64.
    pub fn integers(&self) -> Option<Vec<i64>> {
        let data = self.data?;
        match self.element {
            ElementType::Int32 => {
                let (numbers, _) = data.as_chunks();
                Some(numbers.iter().map(|bytes| i32::from_le_bytes(*bytes).into()).collect())
            }
            ElementType::Int64 => {
                let (numbers, _) = data.as_chunks();
                Some(numbers.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
            }
            _ => None,
        }
    }
}

impl ElementType {
    pub(super) fn numbered(number: u8) -> Option<Self> {
        ELEMENT_TYPES.get(usize::from(number)).map(|(element, ..)| *element)
    }

    /// `int8`.
    pub fn name(self) -> &'static str {
        ELEMENT_TYPES[self as usize].1
    }

    /// Bits of one element; `None` of types whose elements differ in size.
    pub fn bits(self) -> Option<u64> {
        Some(ELEMENT_TYPES[self as usize].2).filter(|bits| *bits > 0)
    }

    /// The smallest and the largest integer of a type that can be quantised.
    pub fn range(self) -> Option<[i64; 2]> {
        match self {
            Self::Int8 => Some([i8::MIN.into(), i8::MAX.into()]),
            Self::UInt8 => Some([0, u8::MAX.into()]),
            Self::Int16 => Some([i16::MIN.into(), i16::MAX.into()]),
            Self::UInt16 => Some([0, u16::MAX.into()]),
            Self::Int32 => Some([i32::MIN.into(), i32::MAX.into()]),
            Self::Int4 => Some([-8, 7]),
            Self::UInt4 => Some([0, 15]),
            Self::Int2 => Some([-2, 1]),
            _ => None,
        }
    }
}
