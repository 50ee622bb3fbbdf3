//! What an operator tells of its layer in a description: keys, ranges, name, and what it becomes.

use std::ops::RangeInclusive;

use infer::Shape;
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Activation, Function, StageKind};

/// What a layer of a description does: the part of its table that its type gives a meaning.
pub trait Description {
    /// The layer's `type`.
    const TYPE: &'static str;

    /// Begins the name of a layer that has none.
    const NAME: &'static str;

    /// Whether a number follows that name: `conv1`, `conv2`.
    const NUMBERED: bool = true;

    /// The keys of the layer beside `type` and `name`, and what each may hold.
    const KEYS: &'static [(&'static str, Values)];

    /// How many maps the layer reads.
    const INPUTS: usize = 1;

    /// Whether it may read more, two at a time.
    const MORE_INPUTS: bool = false;

    /// What the layer becomes when it reads maps of the shapes `inputs`; the first
    /// [`Self::INPUTS`] of them count.
    ///
    /// # Errors
    /// Sizes that make no operator.
    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem>;

    /// The activation that follows what the layer becomes.
    fn activation(&self) -> Option<Activation> {
        None
    }

    /// How many bits its weights are to have.
    fn weight_bits(&self) -> WeightBits {
        WeightBits::Eight
    }
}

/// What a layer becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Lowered {
    /// An operator. The one before it may take it in: see [`super::Operator::take_in`].
    Operator(StageKind),
    /// A function of each value before it, which the operator there may do in passing.
    Function(Function),
    /// Dropout of what is before it, with this rate.
    Dropout(f32),
    /// Probabilities of what is before it: the scores' meaning, nothing that is computed here.
    Probabilities,
}

/// What the value of a key may be.
#[derive(Clone, Debug)]
pub enum Values {
    /// A whole number.
    Whole(RangeInclusive<i64>),
    /// One whole number, or two: rows and columns.
    Extent(RangeInclusive<i64>),
    /// Any number of the range.
    Real(RangeInclusive<f64>),
    /// One of these words.
    Word(&'static [&'static str]),
    /// See [`Padding`]: a word, or a number for each of these sides.
    Padding {
        /// The sides.
        numbers: &'static [&'static str],
    },
}

/// Why a layer cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// A size that must be positive is zero.
    #[error("{what} is 0; it must be 1 or more")]
    Zero {
        /// Which size.
        what: &'static str,
    },
    /// A window that does not fit what it reads.
    #[error(
        "a {rows}x{columns} window does not fit its input of {input}: use a smaller window, \
         'same' padding or fewer layers before it"
    )]
    DoesNotFit {
        /// Window rows.
        rows: u16,
        /// Window columns.
        columns: u16,
        /// What the layer reads.
        input: Shape,
    },
    /// More channels than a map can have.
    #[error("it would leave more than 65535 channels: use a smaller multiplier")]
    Channels,
    /// Maps that must be alike.
    #[error("it {verb} maps of {} and {}, which must {needed}", shapes[0], shapes[1])]
    ShapesDiffer {
        /// What the layer does with them.
        verb: &'static str,
        /// What the layer reads.
        shapes: [Shape; INPUTS_MAX],
        /// What they must have.
        needed: &'static str,
    },
    /// A layer over series that reads a map.
    #[error(
        "it reads a map of {input}; a layer over series reads a single column, a row for each \
         moment: use the type without '_1d'"
    )]
    NoSeries {
        /// What it reads.
        input: Shape,
    },
    /// A window that can lie in padding as a whole.
    #[error(
        "padding of {before} before and {after} after it holds a whole window of {size}: use less"
    )]
    NothingButPadding {
        /// Zeros before the map.
        before: u8,
        /// Zeros after it.
        after: u8,
        /// The window.
        size: u8,
    },
    /// A layer that reads too few maps, or too many.
    #[error(
        "it reads {found} of the {needed} map{} that it needs: name the layer{} it reads as in \
         from = [{}]",
        if *needed == 1 { "" } else { "s" }, if *needed == 1 { "" } else { "s" },
        vec!["\"…\""; *needed].join(", ")
    )]
    Inputs {
        /// How many it reads.
        found: usize,
        /// How many it needs.
        needed: usize,
    },
    /// A layer that reads the same map as both of its inputs.
    #[error("it reads '{name}' twice: name two layers")]
    ReadTwice {
        /// The map.
        name: String,
    },
    /// A name that two layers have.
    #[error("it reads '{name}', which is the name of two layers: rename one of them")]
    Ambiguous {
        /// The name.
        name: String,
    },
    /// A name that no layer before it has.
    #[error("it reads '{name}', which is no layer before it; there are {known}")]
    UnknownSource {
        /// What it asks for.
        name: String,
        /// The layers before it.
        known: String,
    },
    /// A layer before the last whose map goes nowhere.
    #[error("no layer reads it: name it in the 'from' of one, or remove it")]
    Unread,
    /// A layer in a place where it has no meaning.
    #[error("{0}")]
    Misplaced(&'static str),
    /// int4 weights of which too many are added up.
    #[error("weights of int4 are for up to {limit} inputs of an output: use int8")]
    TooManyTaps {
        /// Most of them.
        limit: usize,
    },
    /// A feature map or weight tensor too large for the model format.
    #[error("{what} would have {values} values; the limit is {limit}")]
    TooLarge {
        /// Which tensor.
        what: &'static str,
        /// Its size.
        values: u64,
        /// The largest allowed size.
        limit: u64,
    },
}

/// Whether weights have the bits that they have when a description says nothing.
pub fn is_int8(bits: &WeightBits) -> bool {
    *bits == WeightBits::Eight
}

/// A size or step in both directions: written as one number or as `[rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extent {
    /// The same in both directions.
    Square(u8),
    /// Rows, then columns.
    Each([u8; 2]),
}

impl Extent {
    /// Rows, then columns.
    pub const fn sides(self) -> [u8; 2] {
        match self {
            Extent::Square(n) => [n, n],
            Extent::Each(sides) => sides,
        }
    }
}

impl Values {
    /// How many bits weights have.
    pub const WEIGHT_BITS: Self = Self::Word(&["int8", "int4"]);

    /// Padding of a map.
    pub const PADDING: Self = Self::Padding { numbers: &["top", "bottom", "left", "right"] };
}

impl From<[u8; 2]> for Extent {
    fn from(sides: [u8; 2]) -> Self {
        Self::Each(sides)
    }
}

impl Default for Extent {
    fn default() -> Self {
        Extent::Square(1)
    }
}

/// What a convolution reads beyond the edge of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: the output shrinks.
    #[default]
    Valid,
    /// Zeros, so that the output has `ceil(input / stride)` rows and columns; an odd zero goes to
    /// the bottom and right.
    Same,
    /// Rows of zeros above the input only, as many as a window reaches back: no row of the output
    /// reads a row after its own. Columns as [`Padding::Same`].
    Causal,
    /// Numbers of zeros `[top, bottom, left, right]`.
    #[serde(untagged)]
    Each([u8; 4]),
}

/// Refuses a tensor of more than `limit` values.
///
/// # Errors
/// [`Problem::TooLarge`].
pub fn at_most(limit: u64, what: &'static str, values: u64) -> Result<(), Problem> {
    if values > limit { Err(Problem::TooLarge { what, values, limit }) } else { Ok(()) }
}

/// Refuses a size of 0.
///
/// # Errors
/// [`Problem::Zero`].
pub fn positive(value: u16, what: &'static str) -> Result<(), Problem> {
    if value == 0 { Err(Problem::Zero { what }) } else { Ok(()) }
}

/// The sides of an extent; none may be 0.
///
/// # Errors
/// [`Problem::Zero`].
pub fn positive_sides(extent: Extent, what: &'static str) -> Result<[u8; 2], Problem> {
    let sides = extent.sides();
    if sides.contains(&0) { Err(Problem::Zero { what }) } else { Ok(sides) }
}

/// Rows and columns of the output of windows over a map of the shape `input`, and the zeros above
/// and left of it.
///
/// # Errors
/// [`Problem::DoesNotFit`].
pub fn windowed(
    input: Shape,
    window: [u16; 2],
    stride: [u8; 2],
    padding: Padding,
) -> Result<([u16; 2], [u16; 2]), Problem> {
    let [rows, columns] = window;
    let refused = || Problem::DoesNotFit { rows, columns, input };
    let side = |axis: usize| {
        let length = [input.height, input.width][axis];
        let side = PaddedSide::of(padding, axis);
        windowed_side(length, window[axis], stride[axis], side).ok_or_else(refused)
    };
    let ((height, top), (width, left)) = (side(0)?, side(1)?);
    Ok(([height, width], [top, left]))
}

/// Zeros before and after the input along one side, for Burn: `input` values, `outputs` windows of
/// `kernel` values, `stride` apart, with `before` zeros before the first value.
pub fn padding_after(
    input: u16,
    outputs: u16,
    (kernel, stride, before): (impl Into<usize>, u8, u16),
) -> (usize, usize) {
    let reach = (outputs as usize - 1) * stride as usize + kernel.into();
    (before as usize, reach.saturating_sub(input as usize + before as usize))
}

/// What is read beyond the ends of one side.
#[derive(Clone, Copy)]
enum PaddedSide {
    /// Nothing.
    Valid,
    /// Zeros at both ends, so that only the stride makes it shorter.
    Same,
    /// The same zeros, all of them before the first value.
    Causal,
    /// Numbers of zeros before and after.
    Each([u8; 2]),
}

impl PaddedSide {
    /// Along rows (0) or columns (1).
    const fn of(padding: Padding, axis: usize) -> Self {
        match padding {
            Padding::Valid => Self::Valid,
            Padding::Causal if axis == 0 => Self::Causal,
            Padding::Same | Padding::Causal => Self::Same,
            Padding::Each(zeros) => Self::Each([zeros[2 * axis], zeros[2 * axis + 1]]),
        }
    }
}

/// Output length along one side and the zeros before it, or `None` when the window does not
/// fit.
///
/// ```text
/// valid           output = (input - kernel) / stride + 1
/// same, causal    output = ceil(input / stride)
///                 zeros  = (output - 1) * stride + kernel - input, or for causal kernel - 1
/// ```
///
/// `same` has the smaller half of its zeros before it (as Keras and PyTorch-export do).
fn windowed_side(input: u16, kernel: u16, stride: u8, side: PaddedSide) -> Option<(u16, u16)> {
    let stride = stride as u16;
    let output = input.div_ceil(stride);
    match side {
        PaddedSide::Valid => Some((input.checked_sub(kernel)? / stride + 1, 0)),
        PaddedSide::Same => {
            let needed = (output as u32 - 1) * stride as u32 + kernel as u32;
            let total = needed.saturating_sub(input as u32);
            Some((output, (total / 2) as u16))
        }
        PaddedSide::Causal => Some((output, kernel - 1)),
        PaddedSide::Each([before, after]) => {
            let padded = input as u32 + before as u32 + after as u32;
            let output = padded.checked_sub(kernel as u32)? / stride as u32 + 1;
            Some((u16::try_from(output).ok()?, before as u16))
        }
    }
}
