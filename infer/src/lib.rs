//! int8 inference of small convolutional networks on microcontrollers: no `std`, no heap, no panic.
//!
//! ```
//! # fn demo(bytes: &[u8], image: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! # let mut arena = vec![0i8; infer::arena_bytes(bytes).unwrap()];
//! use infer::{Model, Session};
//!
//! let model = Model::from_bytes(bytes)?;                 // proves everything once
//! let mut session = Session::new(&model, &mut arena)?;   // the caller owns the memory
//! let scores = session.run(image)?;                      // Err only for an image of the wrong size
//! let (class, values) = (scores.class(), scores.values());
//! # let _ = (class, values); Ok(()) }
//! ```
//!
//! # The layers of this crate
//!
//! Bytes become numbers in this order, one file for each step:
//!
//! 1. [`format`](mod@format): the file: header, CRC-32, postcard records, sections of weights; its
//!    reader and its writer.
//! 2. [`Model`]: a validated file. Whatever later code relies on is proved here, at the border, and
//!    never again.
//! 3. [`Network`]: what a session runs: that of a `Model`, or a constant made when the firmware was
//!    built.
//! 4. [`Session`]: a network with the caller's buffer; it places the image, walks the layers and
//!    hands out [`Scores`].
//! 5. [`packing`]: where each weight of a layer lies, for the exporter that packs and the kernels
//!    that read.
//! 6. [`kernels`]: the loops. [`kernels::Reference`] is the specification; every other set gives
//!    the same bytes.
//! 7. [`quant`]: the arithmetic of one value, used by the exporter too.
//!
//! With the feature `wire` there is also `wire`: the protocol between a host and a chip that runs a
//! model.

#![no_std]
#![deny(unsafe_code, missing_docs)]

mod algorithm;
#[cfg(doctest)]
mod borrow_rules;
#[cfg(feature = "build")]
pub mod build;
mod checksum;
#[doc(hidden)]
pub mod embedded;
mod error;
pub mod features;
pub mod format;
pub mod kernels;
mod layer;
mod memory;
mod model;
mod network;
pub mod packing;
mod placement;
pub mod quant;
mod reader;
pub mod schedule;
mod scores;
mod self_test;
mod session;
mod shape;
#[cfg(feature = "signature")]
pub mod signature;
mod trust;
#[cfg(feature = "update")]
pub mod update;
#[cfg(feature = "wire")]
pub mod wire;

pub use error::{ImageError, LayerProblem, ModelError, SelfTestError, SessionError};
pub use kernels::{Kernels, Native, Portable, Reference};
pub use layer::{Conv, Dense, Input, Layer, LayerKind, MaxPool, Tiles};
pub use memory::{Aligned, Arena, arena_bytes};
pub use model::Model;
pub use network::{LAYER_BYTES, Network};
pub use scores::Scores;
pub use self_test::self_test;
pub use session::{Observer, Run, Session};
pub use shape::Shape;
#[cfg(feature = "signature")]
pub use signature::PublicKey;
pub use trust::{Trust, TrustError};

/// Name of the kernel set that [`Session::run`] uses in this build.
pub const BACKEND: &str = <Native as Kernels>::NAME;
