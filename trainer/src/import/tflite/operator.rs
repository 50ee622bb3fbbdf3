//! Operators and their options.

use super::error::{Problem, ReadError};
use super::flatbuffer::{Field, Table};
use super::operator_names::OPERATOR_NAMES;
use super::window::{Padding, Window};

/// One step of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// What it does.
    pub kind: Kind,
    /// The tensors that it reads; `None` where an optional one is left out.
    pub inputs: Vec<Option<usize>>,
    /// The tensors that it makes.
    pub outputs: Vec<usize>,
    /// Whether its result is the same whatever the network's input is: the shape of a map, and what
    /// is computed from constants alone.
    pub constant: bool,
}

/// What an operator does, with its options.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `CONV_2D`: map, weights `[filters, rows, columns, channels]`, bias.
    Conv(Window, Activation),
    /// `DEPTHWISE_CONV_2D`: map, weights `[1, rows, columns, filters]`, bias.
    DepthwiseConv(Window, Activation),
    /// `FULLY_CONNECTED`: map, weights `[units, inputs]`, bias.
    FullyConnected {
        /// Applied to the sums.
        activation: Activation,
        /// Whether the output keeps all dimensions of the input but the last.
        keep_dimensions: bool,
    },
    /// `AVERAGE_POOL_2D`; sizes are rows and columns.
    AveragePool([usize; 2], Window, Activation),
    /// `MAX_POOL_2D`; sizes are rows and columns.
    MaxPool([usize; 2], Window, Activation),
    /// `ADD`.
    Add(Activation),
    /// `SUB`.
    Sub(Activation),
    /// `MUL`.
    Mul(Activation),
    /// `MAXIMUM`, value by value.
    Maximum,
    /// `MINIMUM`, value by value.
    Minimum,
    /// `CONCATENATION` along a dimension, from the end where it is negative.
    Concatenation(i32, Activation),
    /// `PAD`: map, `[rank, 2]` elements before and after each dimension.
    Pad,
    /// `SOFTMAX` of `beta` times the input.
    Softmax {
        /// 1 in ordinary networks.
        beta: f32,
    },
    /// `RESHAPE`.
    Reshape,
    /// `SQUEEZE`.
    Squeeze,
    /// `EXPAND_DIMS`.
    ExpandDims,
    /// `LOGISTIC`.
    Logistic,
    /// `TANH`.
    Tanh,
    /// `RELU`.
    Relu,
    /// `RELU6`.
    Relu6,
    /// `RELU_N1_TO_1`.
    ReluN1To1,
    /// `LEAKY_RELU`.
    LeakyRelu {
        /// Factor of negative numbers.
        alpha: f32,
    },
    /// `HARD_SWISH`.
    HardSwish,
    /// `MEAN`: map, the dimensions to take the mean over.
    Mean {
        /// Whether those dimensions stay, with size 1.
        keep_dimensions: bool,
    },
    /// `REDUCE_MAX`: map, the dimensions to take the largest value over.
    ReduceMax {
        /// Whether those dimensions stay, with size 1.
        keep_dimensions: bool,
    },
    /// `QUANTIZE`.
    Quantize,
    /// `DEQUANTIZE`.
    Dequantize,
    /// `SPACE_TO_BATCH_ND`: map, block sizes, padding.
    SpaceToBatch,
    /// `BATCH_TO_SPACE_ND`: map, block sizes, what is cut off.
    BatchToSpace,
    /// `SHAPE`.
    Shape,
    /// `STRIDED_SLICE`: map, first values, values before which it ends, steps.
    StridedSlice(Masks),
    /// `SLICE`: map, first values, how many.
    Slice,
    /// `TRANSPOSE`: map, the dimension of the map that each of the output is.
    Transpose,
    /// `PRELU`: map, a factor of negative numbers for each channel.
    Prelu,
    /// `GELU`.
    Gelu {
        /// Whether by the hyperbolic tangent, which is nearly the same.
        is_tanh: bool,
    },
    /// `PACK`.
    Pack,
    /// Any other, by its name in the schema, or its own where it is no builtin.
    Other(String),
}

/// The options of `STRIDED_SLICE`: a bit for each number of its constants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// It begins at the first value.
    pub begin: i32,
    /// It ends after the last.
    pub end: i32,
    /// The number stands for all dimensions that are not named.
    pub ellipsis: i32,
    /// The number stands for a dimension that the map does not have.
    pub new_axis: i32,
    /// One value is taken, and the dimension goes.
    pub shrink_axis: i32,
    /// Whether the end counts from the beginning.
    pub end_is_offset: bool,
}

/// What is applied to an operator's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as in the schema")]
pub enum Activation {
    None,
    Relu,
    ReluN1To1,
    Relu6,
    Tanh,
    SignBit,
}

const BUILTIN_OPTIONS_TYPE: Field = Field::new(3, "builtin_options_type");
const BUILTIN_OPTIONS: Field = Field::new(4, "builtin_options");

impl Kind {
    /// The kind with operator number `code`, or with a name of its own, and its options, which
    /// `operator` holds.
    pub(super) fn read(
        code: i32,
        custom: &str,
        operator: Table<'_, '_>,
    ) -> Result<Self, ReadError> {
        let name = usize::try_from(code).ok().and_then(|code| OPERATOR_NAMES.get(code));
        let Some(name) = name.copied() else { return Ok(Self::Other(format!("operator {code}"))) };
        let options = |number| Options::of(operator, number, name);
        Ok(match name {
            "CONV_2D" => options(1)?.conv()?,
            "DEPTHWISE_CONV_2D" => options(2)?.depthwise_conv()?,
            "AVERAGE_POOL_2D" => options(5)?.pool(Self::AveragePool)?,
            "MAX_POOL_2D" => options(5)?.pool(Self::MaxPool)?,
            "FULLY_CONNECTED" => options(8)?.fully_connected()?,
            "SOFTMAX" => Self::Softmax { beta: options(9)?.f32(Field::new(0, "beta"))? },
            "CONCATENATION" => options(10)?.concatenation()?,
            "ADD" => Self::Add(options(11)?.activation(0)?),
            "MUL" => Self::Mul(options(21)?.activation(0)?),
            "MEAN" => {
                Self::Mean { keep_dimensions: options(27)?.bool(Field::new(0, "keep_dims"))? }
            }
            "REDUCE_MAX" => {
                Self::ReduceMax { keep_dimensions: options(27)?.bool(Field::new(0, "keep_dims"))? }
            }
            "SUB" => Self::Sub(options(28)?.activation(0)?),
            "STRIDED_SLICE" => Self::StridedSlice(options(32)?.masks()?),
            "GELU" => Self::Gelu { is_tanh: options(116)?.bool(Field::new(0, "approximate"))? },
            "LEAKY_RELU" => Self::LeakyRelu { alpha: options(75)?.f32(Field::new(0, "alpha"))? },
            "CUSTOM" => Self::Other(custom.to_owned()),
            _ => Self::without_options(name).unwrap_or_else(|| Self::Other(name.to_owned())),
        })
    }

    /// Operators that have no options, or none that change what they do here.
    fn without_options(name: &str) -> Option<Self> {
        Some(match name {
            "MAXIMUM" => Self::Maximum,
            "MINIMUM" => Self::Minimum,
            "PAD" => Self::Pad,
            "RESHAPE" => Self::Reshape,
            "SQUEEZE" => Self::Squeeze,
            "EXPAND_DIMS" => Self::ExpandDims,
            "LOGISTIC" => Self::Logistic,
            "TANH" => Self::Tanh,
            "RELU" => Self::Relu,
            "RELU6" => Self::Relu6,
            "RELU_N1_TO_1" => Self::ReluN1To1,
            "HARD_SWISH" => Self::HardSwish,
            "QUANTIZE" => Self::Quantize,
            "DEQUANTIZE" => Self::Dequantize,
            "SPACE_TO_BATCH_ND" => Self::SpaceToBatch,
            "BATCH_TO_SPACE_ND" => Self::BatchToSpace,
            "SHAPE" => Self::Shape,
            "SLICE" => Self::Slice,
            "TRANSPOSE" => Self::Transpose,
            "PRELU" => Self::Prelu,
            "PACK" => Self::Pack,
            _ => return None,
        })
    }

    /// Its name in the schema.
    pub fn name(&self) -> &str {
        match self {
            Self::Conv(..) => "CONV_2D",
            Self::DepthwiseConv(..) => "DEPTHWISE_CONV_2D",
            Self::FullyConnected { .. } => "FULLY_CONNECTED",
            Self::AveragePool(..) => "AVERAGE_POOL_2D",
            Self::MaxPool(..) => "MAX_POOL_2D",
            Self::Add(_) => "ADD",
            Self::Sub(_) => "SUB",
            Self::Mul(_) => "MUL",
            Self::Maximum => "MAXIMUM",
            Self::Minimum => "MINIMUM",
            Self::Concatenation(..) => "CONCATENATION",
            Self::Pad => "PAD",
            Self::Softmax { .. } => "SOFTMAX",
            Self::Reshape => "RESHAPE",
            Self::Squeeze => "SQUEEZE",
            Self::ExpandDims => "EXPAND_DIMS",
            Self::Logistic => "LOGISTIC",
            Self::Tanh => "TANH",
            Self::Relu => "RELU",
            Self::Relu6 => "RELU6",
            Self::ReluN1To1 => "RELU_N1_TO_1",
            Self::LeakyRelu { .. } => "LEAKY_RELU",
            Self::HardSwish => "HARD_SWISH",
            Self::Mean { .. } => "MEAN",
            Self::ReduceMax { .. } => "REDUCE_MAX",
            Self::Quantize => "QUANTIZE",
            Self::Dequantize => "DEQUANTIZE",
            Self::SpaceToBatch => "SPACE_TO_BATCH_ND",
            Self::BatchToSpace => "BATCH_TO_SPACE_ND",
            Self::Shape => "SHAPE",
            Self::StridedSlice(_) => "STRIDED_SLICE",
            Self::Slice => "SLICE",
            Self::Transpose => "TRANSPOSE",
            Self::Prelu => "PRELU",
            Self::Gelu { .. } => "GELU",
            Self::Pack => "PACK",
            Self::Other(name) => name,
        }
    }

    /// What is applied to the result.
    pub fn activation(&self) -> Activation {
        match self {
            Self::Conv(_, activation)
            | Self::DepthwiseConv(_, activation)
            | Self::FullyConnected { activation, .. }
            | Self::AveragePool(.., activation)
            | Self::MaxPool(.., activation)
            | Self::Add(activation)
            | Self::Sub(activation)
            | Self::Mul(activation)
            | Self::Concatenation(_, activation) => *activation,
            _ => Activation::None,
        }
    }
}

/// The options of an operator; each has its default where it is left out, and all have where the
/// table is.
struct Options<'f, 'a> {
    operator: Table<'f, 'a>,
    table: Option<Table<'f, 'a>>,
}

impl<'f, 'a> Options<'f, 'a> {
    /// Options of type `expected`, which are those of operator `name`.
    fn of(operator: Table<'f, 'a>, expected: u8, name: &'static str) -> Result<Self, ReadError> {
        let table = operator.table(BUILTIN_OPTIONS, "options")?;
        let found = operator.u8(BUILTIN_OPTIONS_TYPE, 0)?;
        if table.is_some() && found != expected {
            let problem = Problem::Options { found, expected, operator: name.to_owned() };
            return Err(operator.error(BUILTIN_OPTIONS_TYPE, problem));
        }
        Ok(Self { operator, table })
    }

    fn i8(&self, field: Field) -> Result<i8, ReadError> {
        self.table.map_or(Ok(0), |table| table.i8(field, 0))
    }

    fn i32(&self, field: Field, default: i32) -> Result<i32, ReadError> {
        self.table.map_or(Ok(default), |table| table.i32(field, default))
    }

    fn f32(&self, field: Field) -> Result<f32, ReadError> {
        self.table.map_or(Ok(0.0), |table| table.f32(field, 0.0))
    }

    fn bool(&self, field: Field) -> Result<bool, ReadError> {
        self.table.map_or(Ok(false), |table| table.bool(field))
    }

    /// A size, stride or dilation: 1 or more.
    fn positive(&self, field: Field, default: i32) -> Result<usize, ReadError> {
        let found = self.i32(field, default)?;
        let size = usize::try_from(found).ok().filter(|size| *size > 0);
        size.ok_or_else(|| self.error(field, Problem::NotPositive { found }))
    }

    fn error(&self, field: Field, problem: Problem) -> ReadError {
        self.table.unwrap_or(self.operator).error(field, problem)
    }

    fn conv(&self) -> Result<Kind, ReadError> {
        Ok(Kind::Conv(self.window([4, 5])?, self.activation(3)?))
    }

    fn depthwise_conv(&self) -> Result<Kind, ReadError> {
        Ok(Kind::DepthwiseConv(self.window([5, 6])?, self.activation(4)?))
    }

    fn pool(&self, kind: fn([usize; 2], Window, Activation) -> Kind) -> Result<Kind, ReadError> {
        let columns = self.positive(Field::new(3, "filter_width"), 0)?;
        let rows = self.positive(Field::new(4, "filter_height"), 0)?;
        let window = Window { dilation: [1, 1], ..self.stride_and_padding()? };
        Ok(kind([rows, columns], window, self.activation(5)?))
    }

    fn fully_connected(&self) -> Result<Kind, ReadError> {
        let format = Field::new(1, "weights_format");
        match self.i8(format)? {
            0 => Ok(Kind::FullyConnected {
                activation: self.activation(0)?,
                keep_dimensions: self.bool(Field::new(2, "keep_num_dims"))?,
            }),
            found => Err(self.error(format, Problem::Unknown { found: found.into() })),
        }
    }

    fn concatenation(&self) -> Result<Kind, ReadError> {
        Ok(Kind::Concatenation(self.i32(Field::new(0, "axis"), 0)?, self.activation(1)?))
    }

    fn masks(&self) -> Result<Masks, ReadError> {
        let mask = |slot: usize, name: &'static str| self.i32(Field::new(slot, name), 0);
        Ok(Masks {
            begin: mask(0, "begin_mask")?,
            end: mask(1, "end_mask")?,
            ellipsis: mask(2, "ellipsis_mask")?,
            new_axis: mask(3, "new_axis_mask")?,
            shrink_axis: mask(4, "shrink_axis_mask")?,
            end_is_offset: self.bool(Field::new(5, "offset"))?,
        })
    }

    /// A convolution's window; the schema has columns before rows.
    fn window(&self, [columns, rows]: [usize; 2]) -> Result<Window, ReadError> {
        let columns = self.positive(Field::new(columns, "dilation_w_factor"), 1)?;
        let rows = self.positive(Field::new(rows, "dilation_h_factor"), 1)?;
        Ok(Window { dilation: [rows, columns], ..self.stride_and_padding()? })
    }

    fn stride_and_padding(&self) -> Result<Window, ReadError> {
        let padding = Field::new(0, "padding");
        let columns = self.positive(Field::new(1, "stride_w"), 0)?;
        let rows = self.positive(Field::new(2, "stride_h"), 0)?;
        let padding = match self.i8(padding)? {
            0 => Padding::Same,
            1 => Padding::Valid,
            found => return Err(self.error(padding, Problem::Unknown { found: found.into() })),
        };
        Ok(Window { stride: [rows, columns], dilation: [1, 1], padding })
    }

    fn activation(&self, slot: usize) -> Result<Activation, ReadError> {
        let field = Field::new(slot, "fused_activation_function");
        Ok(match self.i8(field)? {
            0 => Activation::None,
            1 => Activation::Relu,
            2 => Activation::ReluN1To1,
            3 => Activation::Relu6,
            4 => Activation::Tanh,
            5 => Activation::SignBit,
            found => return Err(self.error(field, Problem::Unknown { found: found.into() })),
        })
    }
}
