//! The operators that a network is made of: one folder each, and the one list of them.
//!
//! To add an operator: a folder with its record, its checks and its kernels, and a line in the list
//! below. The list makes what names all operators: the union of records, the union of layers, what
//! the rest of the crate asks a layer, and the trait of a whole kernel set.

pub mod conv;
pub mod dense;
pub mod max_pool;

mod checks;
mod operator;
mod packing;
mod sections;
mod sets;
pub(crate) mod window;

use serde::{Deserialize, Serialize};

use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{RowWindow, Slice};
use crate::shape::Shape;
use conv::{Conv, ConvRecord};
use dense::{Dense, DenseRecord};
use max_pool::{MaxPool, MaxPoolRecord};

pub use checks::NAME_BYTES_MAX;
pub(crate) use checks::{SIZE_MAX_BYTES, check_scale, check_sizes};
pub(crate) use operator::operations_of_map;
pub use operator::{Buffers, Operator, Place, Reading, Record, Tensor, Work};
pub use packing::SizeMismatch;
pub use sections::{SECTION_ALIGNMENT_BYTES, Sections};
#[cfg(not(kindling_backend = "portable"))]
pub use sets::CortexM;
pub use sets::{KernelSet, Native, Portable, Reference};

/// Makes the unions of all operators, and passes on what is asked of a union to the operator in it.
macro_rules! operators {
    ($($(#[doc = $doc:literal])+ $name:ident: $module:ident, $operator:ty, $record:ty;)+) => {
        /// An operator, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Kind {
            /// All of them, in the order of their numbers in the file.
            pub const ALL: &[Self] = &[$(Self::$name),+];
        }

        /// The record of a layer.
        #[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
        pub enum LayerRecord<'m> {
            $($(#[doc = $doc])+ #[serde(borrow)] $name($record),)+
        }

        impl<'m> LayerRecord<'m> {
            /// What all records say alike.
            pub(crate) fn place(&self) -> Place<'m> {
                match self {
                    $(Self::$name(record) => record.place(),)+
                }
            }
        }

        /// What a layer computes.
        #[derive(Clone, Copy, Debug)]
        pub enum LayerKind<'m> {
            $($(#[doc = $doc])+ $name($operator),)+
        }

        impl<'m> LayerKind<'m> {
            /// The operator of a record, with its numbers; every check is made here.
            pub(crate) fn read(
                record: &LayerRecord<'m>,
                reading: &mut Reading<'_, 'm>,
            ) -> Result<Self, LayerProblem> {
                match record {
                    $(LayerRecord::$name(record) => {
                        Ok(Self::$name(Operator::read(record, reading)?))
                    })+
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
                    $(Self::$name(operator) => Self::$name(operator.slice(slice)),)+
                }
            }

            /// Computes the output with a kernel set.
            #[inline(always)]
            pub fn run<Set: Kernels>(&self, buffers: Buffers<'_>) {
                match self {
                    $(Self::$name(operator) => <Set as $module::Kernels>::run(operator, buffers),)+
                }
            }

            operators! { @methods [$($name)+]
                /// The map it reads.
                input -> Shape;
                /// The map it leaves.
                output -> Shape;
                /// Quantisation of the output; `None` for one that keeps that of its input.
                output_quant -> Option<OutputQuant>;
                /// The rows of its input that a row of its output reads.
                row_window -> RowWindow;
                /// Bytes of scratch memory.
                scratch_bytes -> usize;
                /// Bytes of channel parameters and weights in the file, without padding.
                parameter_bytes -> usize;
                /// What it takes to run it.
                work -> Work;
                /// Whether all parts of this crate that it needs are in the build.
                is_built -> bool;
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
    (@methods $names:tt $($(#[doc = $doc:literal])+ $asked:ident -> $answer:ty;)+) => {
        $(operators! { @method $names $(#[doc = $doc])+ $asked -> $answer; })+
    };
    (@method [$($name:ident)+] $(#[doc = $doc:literal])+ $asked:ident -> $answer:ty;) => {
        $(#[doc = $doc])+
        pub fn $asked(&self) -> $answer {
            match self {
                $(Self::$name(operator) => Operator::$asked(operator),)+
            }
        }
    };
}

// The list. The order gives an operator its number in the file, so new ones come last.
operators! {
    /// Convolution, with the pooling that follows it.
    Conv: conv, Conv<'m>, ConvRecord<'m>;
    /// Maximum over windows.
    MaxPool: max_pool, MaxPool, MaxPoolRecord<'m>;
    /// Fully connected.
    Dense: dense, Dense<'m>, DenseRecord<'m>;
}

impl Feature {
    /// Whether `layer` needs it.
    pub fn is_needed_by(self, layer: &LayerKind<'_>) -> bool {
        layer.needs(self)
    }
}
