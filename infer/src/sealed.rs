//! What seals a trait: only this crate can implement it, so that it may grow with every operator,
//! and with everything that is asked of one.
//!
//! Open traits are those of a firmware's own parts: [`Observer`](crate::Observer), and with their
//! features `MappedFlash`, `Clock` and `Room`; and [`Tensors`](crate::schedule::Tensors), for
//! planners.
//!
//! ```
//! struct Mine;
//! impl infer::Observer for Mine {}
//! ```
//!
//! A kernel set, the kernels of an operator, an operator and a record are this crate's:
//!
//! ```compile_fail,E0277
//! struct Mine;
//! impl infer::kernels::KernelSet for Mine {
//!     const NAME: &'static str = "mine";
//!     const ALIGNMENT_BYTES: usize = 1;
//! }
//! ```
//!
//! ```compile_fail,E0277
//! struct Mine;
//! impl infer::ops::mul::Kernels for Mine {
//!     fn run(_: &infer::ops::mul::Mul, _: infer::ops::Buffers<'_>) {}
//! }
//! ```
//!
//! ```compile_fail,E0277
//! struct Mine;
//! impl infer::ops::Record for Mine {
//!     fn inputs(&self) -> infer::ops::Inputs {
//!         infer::ops::Inputs::one(0)
//!     }
//! }
//! ```
//!
//! ```compile_fail,E0277
//! # use infer::{LayerProblem, Shape, features::Feature, schedule::{RowWindow, Slice}};
//! # use infer::ops::{Inputs, Operator, Reading, Tensor, Work, mul::MulRecord};
//! #[derive(Clone, Copy)]
//! struct Mine;
//! impl<'m> Operator<'m> for Mine {
//!     type Record = MulRecord;
//!     const IS_BUILT: bool = true;
//!     const PART: Feature = Feature::Add;
//!     fn read(_: &MulRecord, _: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem> {
//!         Ok(Self)
//!     }
//!     fn record(&self, _: Inputs) -> MulRecord { unimplemented!() }
//!     fn input(&self, _: usize) -> Shape { Shape::vector(1) }
//!     fn output(&self) -> Tensor { unimplemented!() }
//!     fn row_window(&self, _: usize) -> RowWindow { RowWindow { origin: 0, step: 1, reach: 1 } }
//!     fn slice(&self, _: &Slice) -> Self { *self }
//!     fn work(&self) -> Work { Work { macs: 0, operations: 0 } }
//!     fn left_out(&self) -> Option<Feature> { None }
//!     fn needs(&self, _: Feature) -> bool { false }
//! }
//! ```
//!
//! A value that a network takes, too:
//!
//! ```compile_fail,E0277
//! #[derive(Clone, Copy)]
//! struct Mine;
//! impl infer::Value for Mine {
//!     const TYPE: infer::ValueType = infer::ValueType::Pixels;
//! }
//! ```

/// In a private module: nobody else can implement it.
pub trait Sealed {}
