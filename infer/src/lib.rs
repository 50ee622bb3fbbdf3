//! int8 inference of small convolutional networks on microcontrollers: no `std`, no heap, no panic.
//!
//! ```
//! # fn demo(bytes: &[u8], image: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! # let mut arena = vec![0i8; infer::arena_bytes(bytes).unwrap()];
//! use infer::{Model, Session, Table};
//!
//! let mut table = Table::<8>::new();                      // for a model of up to 8 layers
//! let model = Model::from_bytes(bytes, &mut table)?;      // proves everything once
//! let mut session = Session::new(&model, &mut arena)?;    // the caller owns the memory
//! let scores = session.run(image)?;                       // Err: not what the model takes
//! let (class, values) = (scores.class(), scores.values());
//! # let _ = (class, values); Ok(()) }
//! ```
//!
//! # The layers of this crate
//!
//! Bytes become numbers in this order, and a folder uses only those above it:
//!
//! 1. `arm`, [`quant`], [`schedule`] and other small files: the arithmetic of one value, which rows
//!    are made when, what kernels for Cortex-M cores share.
//! 2. [`ops`]: the operators, one folder each: record, checks, kernels. [`Reference`] is the
//!    specification; every other kernel set gives the same bytes.
//! 3. `graph`: what a model is. Its file is [`format`](mod@format); a [`Model`] is a validated
//!    file: whatever later code relies on is proved here, at the border, and never again. A
//!    [`Network`] is what a session runs: that of a `Model`, or a constant made when the firmware
//!    was built.
//! 4. `run`: a [`Session`] joins a network with the caller's buffer; it places the image, walks the
//!    layers and hands out [`Scores`].
//! 5. `wire`, `update`, `signature` and [`Trust`]: models that come from outside.

#![no_std]
#![deny(unsafe_code, missing_docs)]

// First, since the parts of the crate are made of its list of operators, too.
#[macro_use]
pub mod ops;

#[cfg(not(kindling_backend = "portable"))]
mod arm;
#[cfg(doctest)]
mod borrow_rules;
// A build script runs on the host. Resolver 1 turns its features on for the chip too.
#[cfg(all(feature = "build", not(target_os = "none")))]
pub mod build;
mod checksum;
#[doc(hidden)]
pub mod embedded;
mod error;
pub mod features;
mod graph;
mod header;
mod interface;
mod memory;
pub mod quant;
mod run;
pub mod schedule;
mod scores;
mod sealed;
mod shape;
#[cfg(feature = "signature")]
pub mod signature;
mod trust;
#[cfg(feature = "update")]
pub mod update;
mod value_type;
#[cfg(feature = "wire")]
pub mod wire;

pub use error::{
    InputError, LayerProblem, ModelError, PushError, RowsError, RunError, SelfTestError,
    SessionError, StreamError, StreamProblem,
};
pub use graph::layer::{Input, Layer};
pub use graph::metadata::Metadata;
pub use graph::model::Model;
pub use graph::network::{LAYER_BYTES, Network};
pub use graph::table::Table;
pub use interface::{ChannelScale, Interface};
#[doc(hidden)]
pub use memory::header_of_included;
pub use memory::{Aligned, Arena, arena_bytes, layers};
pub use ops::conv::Tiles;
pub use ops::{Kernels, LayerKind, Native, Portable, Reference, operators::*};
pub use run::observer::Observer;
pub use run::rows::Rows;
pub use run::self_test::self_test;
pub use run::session::{Run, Session};
pub use run::stream::Stream;
pub use run::values::Value;
pub use scores::{Reals, Reconstruction, Scores};
pub use shape::Shape;
#[cfg(feature = "signature")]
pub use signature::PublicKey;
pub use trust::{Trust, TrustError};
pub use value_type::{OutputType, ValueType};

/// The model file: its header, records and sections, and how they are written.
pub mod format {
    pub use crate::checksum::checksum;
    pub use crate::graph::format::{
        InputRecord, LAYERS_MAX, LayerRecord, NAME_BYTES_MAX, OUTPUTS_MAX, SelfTest, TensorRecord,
        Traits,
    };
    pub use crate::graph::metadata::{Field, Sample};
    pub use crate::graph::writer::{Content, Section, WriteError, write};
    pub use crate::header::{FORMAT_VERSION, Header, MAGIC};
    pub use crate::ops::add::Scaling;
    pub use crate::ops::concat::PartRecord;
    pub use crate::ops::conv::Algorithm;
    pub use crate::ops::dense::DenseAlgorithm;
    pub use crate::ops::records::*;
    pub use crate::ops::{Inputs, OperatorRecord, SECTION_ALIGNMENT_BYTES, Tensor};
    pub use crate::quant::{Factor, OutputQuant};
}

/// Which rows of a [`Stream`] are made, and when: for planners.
pub mod flow {
    pub use crate::run::flow::{Flow, ROWS_MAX, Settled, row_of};
}

/// How weights lie in the file, for the exporter that packs and the kernels that read.
pub mod packing {
    pub use crate::ops::conv::Filters;
    pub use crate::ops::dense::Matrix;
    pub use crate::ops::{PackError, WeightBits};
}

/// The kernel sets. [`Reference`] is the specification; every other set gives the same bytes.
pub mod kernels {
    #[cfg(not(kindling_backend = "portable"))]
    pub use crate::ops::CortexM;
    pub use crate::ops::{KernelSet, Kernels, Native, Portable, Reference};
}

/// Name of the kernel set that [`Session::run`] uses in this build.
pub const BACKEND: &str = <Native as ops::KernelSet>::NAME;
