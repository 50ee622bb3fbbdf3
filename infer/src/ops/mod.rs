//! The operators that a network is made of: one folder each, and the one list of them.
//!
//! To add an operator: a folder with its record, its checks and its kernels, and a line in the list
//! below. The list makes what names all operators: the union of records, the union of layers, what
//! the rest of the crate asks a layer, the trait of a whole kernel set, and the random layers of
//! the tests and of the kernel suite.

pub mod add;
pub mod average_pool;
pub mod concat;
pub mod conv;
pub mod dense;
pub mod depthwise;
pub mod dilated;
pub mod extremum;
pub mod lookup;
pub mod max_pool;
pub mod mul;
pub mod softmax;

mod checks;
mod operator;
mod packing;
mod sections;
mod sets;
pub(crate) mod window;

use serde::{Deserialize, Serialize};

use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::Rounding;
use crate::schedule::{HOLDS_ROWS, INPUTS_MAX, RowWindow, Slice};
use crate::sealed::Sealed;
use crate::shape::Shape;

pub(crate) use checks::{SIZE_MAX_BYTES, check_scale, check_shape};
pub(crate) use operator::operations_of_map;
pub use operator::{Buffers, Inputs, Operator, Reading, Record, SUM_BYTES, Tensor, Work};
pub use packing::{PackError, WeightBits};
pub use sections::{SECTION_ALIGNMENT_BYTES, Sections};
#[cfg(not(kindling_backend = "portable"))]
pub use sets::CortexM;
pub use sets::{KernelSet, Native, Portable, Reference};

/// Stands for channel parameters with shifts: longer than those without of any layer.
static SHIFTED: [u8; Rounding::Once.channel_bytes() * u16::MAX as usize + 1] =
    [0; Rounding::Once.channel_bytes() * u16::MAX as usize + 1];

/// Makes the unions of all operators, and passes on what is asked of a union to the operator in it.
///
/// An operator that is not in the build is refused when it is read, so nothing is asked of it: the
/// guards leave all of its code out.
macro_rules! operators {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident$(<$numbers:lifetime>)?: $module:ident, $record:ident
            $(, part $part:literal $(brings $brought:ident)?)?;
    )+) => {
        /// What layers compute.
        pub mod operators {
            $(pub use $crate::ops::$module::$name;)+
        }

        /// How the file describes them.
        pub mod records {
            $(pub use $crate::ops::$module::$record;)+
        }

        $(use $module::{$name, $record};)+

        $(impl$(<$numbers>)? Sealed for $name$(<$numbers>)? {})+
        $(impl Sealed for $record {})+
        impl Sealed for OperatorRecord {}

        /// An operator, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Kind {
            /// All of them, in the order of their numbers in the file.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// A part of this crate with which its layers can be read.
            const fn part(self) -> Feature {
                match self {
                    $(Self::$name => <$name as Operator>::PART,)+
                }
            }
        }

        /// What a layer computes, as the file describes it.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum OperatorRecord {
            $($(#[doc = $doc])+ $name($record),)+
        }

        impl OperatorRecord {
            /// Reads a record, as postcard has it, from the front of `bytes`, and gives back the
            /// rest; `None` when it is none. That of an operator that is not in the build is not
            /// looked at, so that reading it costs no code.
            pub(crate) fn read(bytes: &[u8]) -> Option<(Result<Self, LayerProblem>, &[u8])> {
                let (number, bytes): (u32, _) = postcard::take_from_bytes(bytes).ok()?;
                $(if $name::IS_BUILT && number == Kind::$name as u32 {
                    let (record, rest) = postcard::take_from_bytes(bytes).ok()?;
                    return Some((Ok(Self::$name(record)), rest));
                })+
                let kind = Kind::ALL.get(number as usize)?;
                Some((Err(LayerProblem::NotBuilt(kind.part())), bytes))
            }

            /// Which operator it is.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)+
                }
            }
        }

        impl Record for OperatorRecord {
            fn inputs(&self) -> Inputs {
                match self {
                    $(Self::$name(record) if $name::IS_BUILT => record.inputs(),)+
                    _ => Inputs::one(0),
                }
            }
        }

        /// What a layer computes.
        #[derive(Clone, Copy, Debug)]
        #[non_exhaustive]
        pub enum LayerKind<'m> {
            $($(#[doc = $doc])+ $name($name$(<$numbers>)?),)+
        }

        impl<'m> LayerKind<'m> {
            /// The operator of a record, with its numbers; every check is made here.
            pub(crate) fn read(
                record: &OperatorRecord,
                reading: &mut Reading<'_, 'm>,
            ) -> Result<Self, LayerProblem> {
                match record {
                    $(OperatorRecord::$name(record) if $name::IS_BUILT => {
                        Ok(Self::$name(Operator::read(record, reading)?))
                    })+
                    _ => Err(LayerProblem::NotBuilt(record.kind().part())),
                }
            }

            /// The operator of a record that reads tensors of these sizes and makes `output`, still
            /// without its numbers: what an exporter asks before there is a file.
            pub const fn of_record(
                record: &OperatorRecord,
                inputs: &[Tensor; INPUTS_MAX],
                output: Tensor,
            ) -> Self {
                match record {
                    $(OperatorRecord::$name(record) => {
                        Self::$name($name::of(record, inputs, output))
                    })+
                }
            }

            /// The operator with its numbers, which nobody checks.
            pub(crate) const fn with_unchecked(
                self,
                channels: &'m [u8],
                weights: &'m [u8],
            ) -> Self {
                match self {
                    $(Self::$name(operator) => {
                        Self::$name(operator.with_unchecked(channels, weights))
                    })+
                }
            }

            /// The operator of this rounding, still without its numbers: what a planner asks.
            pub const fn rounded(self, rounding: Rounding) -> Self {
                match rounding {
                    Rounding::Once => self,
                    Rounding::Twice => self.with_unchecked(&SHIFTED, &[]),
                }
            }

            /// The size of the tensor that it makes.
            pub(crate) const fn made(&self) -> Shape {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => operator.made(),)+
                    _ => Shape::vector(0),
                }
            }

            /// Whether it can be computed of tensors of these sizes: everything that
            /// [`Operator::read`] checks and a kernel could stumble over.
            pub(crate) const fn belongs_to(&self, inputs: &[Shape; INPUTS_MAX]) -> bool {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => operator.belongs_to(inputs),)+
                    _ => false,
                }
            }

            /// The record that it was read from, which reads `inputs`.
            pub fn record(&self, inputs: Inputs) -> OperatorRecord {
                match self {
                    $(Self::$name(operator) => OperatorRecord::$name(operator.record(inputs)),)+
                }
            }

            /// Which operator it is.
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$name(_) => Kind::$name,)+
                }
            }

            /// The operator that makes just the rows of a slice, of just the rows that are held.
            pub fn slice(&self, slice: &Slice) -> Self {
                match self {
                    // Every slice is the whole layer.
                    _ if !HOLDS_ROWS => *self,
                    $(Self::$name(operator) if $name::IS_BUILT => {
                        Self::$name(operator.slice(slice))
                    })+
                    other => *other,
                }
            }

            /// Computes the output with a kernel set.
            #[inline(always)]
            pub fn run<Set: Kernels>(&self, buffers: Buffers<'_>) {
                // In the convolution's place: each place has its code once more.
                let conv;
                let kind = match self {
                    Self::Dilated(dilated) if Dilated::IS_BUILT => {
                        conv = Self::Conv(*dilated.conv());
                        &conv
                    }
                    other => other,
                };
                match kind {
                    $(Self::$name(operator) if $name::IS_BUILT => {
                        <Set as $module::Kernels>::run(operator, buffers)
                    })+
                    _ => (),
                }
            }

            /// The size of the tensor that is its input number `input`, from 0.
            pub fn input(&self, input: usize) -> Shape {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => {
                        Operator::input(operator, input)
                    })+
                    _ => Shape::vector(0),
                }
            }

            /// The rows of its input number `input` that a row of its output reads.
            pub fn row_window(&self, input: usize) -> RowWindow {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => {
                        Operator::row_window(operator, input)
                    })+
                    _ => RowWindow { origin: 0, step: 0, reach: 0 },
                }
            }

            /// The rows of its input number `input` that a row of its output reads in a stream.
            pub fn stream_window(&self, input: usize) -> Option<RowWindow> {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => {
                        Operator::stream_window(operator, input)
                    })+
                    _ => None,
                }
            }

            operators! { @methods [$($name)+]
                /// The tensor that it makes.
                output -> Tensor, or Tensor::NONE;
                /// Bytes of scratch memory.
                scratch_bytes -> usize, or 0;
                /// Rows of its input that it takes one by one, for an operator that does.
                reduces -> Option<u16>, or None;
                /// Channel parameters and packed weights, as the file has them.
                numbers -> [&'m [u8]; 2], or [&[], &[]];
                /// What it takes to run it.
                work -> Work, or Work { macs: 0, operations: 0 };
            }

            /// The first part of this crate that it needs and this build leaves out.
            pub fn left_out(&self) -> Option<Feature> {
                match self {
                    $(Self::$name(operator) if $name::IS_BUILT => Operator::left_out(operator),)+
                    _ => Some(self.kind().part()),
                }
            }

            /// Whether it needs a part of this crate.
            pub fn needs(&self, feature: Feature) -> bool {
                match self {
                    $(Self::$name(operator) => operator.needs(feature),)+
                }
            }
        }

        /// A kernel set that runs every operator: what a [`Session`](crate::Session) works with.
        pub trait Kernels: KernelSet $(+ $module::Kernels)+ {}

        impl<Set: KernelSet $(+ $module::Kernels)+> Kernels for Set {}
    };
    (@methods $names:tt
        $($(#[doc = $doc:literal])+ $asked:ident -> $answer:ty, or $none:expr;)+) => {
        $(operators! { @method $names $(#[doc = $doc])+ $asked -> $answer, or $none; })+
    };
    (@method [$($name:ident)+]
        $(#[doc = $doc:literal])+ $asked:ident -> $answer:ty, or $none:expr;) => {
        $(#[doc = $doc])+
        pub fn $asked(&self) -> $answer {
            match self {
                $(Self::$name(operator) if $name::IS_BUILT => Operator::$asked(operator),)+
                _ => $none,
            }
        }
    };
}

/// The list, handed to the macro of the name `$then`: what this crate and the tests make of all
/// operators is made of it. The order gives an operator its number in the file, so new ones come
/// last.
#[doc(hidden)]
#[macro_export]
macro_rules! list_of_operators {
    ($then:ident) => {
        $then! {
            /// Convolution, with the pooling that follows it.
            Conv<'m>: conv, ConvRecord;
            /// Maximum over windows.
            MaxPool: max_pool, MaxPoolRecord, part "max-pool";
            /// Fully connected.
            Dense<'m>: dense, DenseRecord;
            /// Sum of two tensors.
            Add: add, AddRecord, part "add" brings Branches;
            /// Depthwise convolution.
            Depthwise<'m>: depthwise, DepthwiseRecord, part "depthwise";
            /// Share of each channel's exponential in the sum of its pixel.
            Softmax: softmax, SoftmaxRecord, part "softmax";
            /// Average over windows.
            AveragePool: average_pool, AveragePoolRecord, part "average-pool" brings HeldRows;
            /// A function of one value, by a table.
            Lookup<'m>: lookup, LookupRecord, part "lookup";
            /// Channels of one tensor, or of two one after the other.
            Concat: concat, ConcatRecord, part "concat" brings Branches;
            /// Product of two tensors.
            Mul: mul, MulRecord, part "mul" brings Branches;
            /// Convolution whose taps lie apart.
            Dilated<'m>: dilated, DilatedRecord;
            /// The larger or the smaller of two tensors.
            Extremum: extremum, ExtremumRecord, part "extremum" brings Branches;
        }
    };
}

list_of_operators!(operators);

impl Feature {
    /// Whether `layer` needs it.
    pub fn is_needed_by(self, layer: &LayerKind<'_>) -> bool {
        layer.needs(self)
    }
}
