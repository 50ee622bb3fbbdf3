//! What an operator tells the rest of the crate.

use super::sections::Sections;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{RowWindow, Slice};
use crate::shape::Shape;

/// One operator of a checked network.
///
/// The rest of the crate knows operators by this trait only; what each computes is in the traits of
/// its kernels, such as [`conv::Kernels`](super::conv::Kernels).
pub trait Operator<'m>: Copy {
    /// How the file describes it.
    type Record: Record<'m>;

    /// Reads its record and its numbers: every check of both, once.
    ///
    /// # Errors
    /// What a kernel could trip over.
    fn read(record: &Self::Record, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem>;

    /// The map it reads.
    fn input(&self) -> Shape;

    /// The map it leaves.
    fn output(&self) -> Shape;

    /// Quantisation of the output; `None` for an operator that keeps that of its input.
    fn output_quant(&self) -> Option<OutputQuant>;

    /// The rows of its input that a row of its output reads.
    fn row_window(&self) -> RowWindow;

    /// The operator that makes just the rows of a slice, of just the rows that are held.
    fn slice(&self, slice: &Slice) -> Self;

    /// Bytes of scratch memory.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Bytes of channel parameters and weights in the file, without padding.
    fn parameter_bytes(&self) -> usize {
        0
    }

    /// What it takes to run it.
    fn work(&self) -> Work;

    /// Whether all parts of this crate that it needs are in the build.
    fn is_built(&self) -> bool;

    /// Whether it needs a part of this crate.
    fn needs(&self, feature: Feature) -> bool;
}

/// The record of an operator in the file.
pub trait Record<'m> {
    /// What all records say alike.
    fn place(&self) -> Place<'m>;
}

/// What all records say alike: a name, and where the layer works.
#[derive(Clone, Copy, Debug)]
pub struct Place<'m> {
    /// Name, for people.
    pub name: &'m str,
    /// Rows of the output that are held at once.
    pub held_rows: u16,
    /// Place of the held rows in the arena, bytes.
    pub output_at: u32,
    /// Place of the scratch memory in the arena, bytes.
    pub scratch_at: u32,
}

/// What an operator is read from, beside its record.
pub struct Reading<'r, 'm> {
    /// The map that it reads.
    pub input: Tensor,
    /// The sections of the file, of which it takes its own.
    pub sections: &'r mut Sections<'m>,
}

/// A feature map and what its values stand for.
#[derive(Clone, Copy, Debug)]
pub struct Tensor {
    /// Its size.
    pub shape: Shape,
    /// Its quantisation.
    pub quant: OutputQuant,
}

/// The memory that an operator runs in, in parts that lie apart: each of exactly the size that the
/// operator states, maps in memory order (row, column, channel).
pub struct Buffers<'b> {
    /// The map that it reads.
    pub input: &'b [i8],
    /// [`Operator::scratch_bytes`].
    pub scratch: &'b mut [i8],
    /// The map that it leaves.
    pub output: &'b mut [i8],
}

/// What one run of an operator takes, whatever the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Multiply-accumulates that are computed, taps on padding included.
    pub macs: u64,
    /// Multiply-accumulates, comparisons of a pooling, and what each row of a window, each weight
    /// of a convolution (which some kernels read back from another core's packing first), each
    /// value that is made and each row of the output takes, counted in multiply-accumulates.
    pub operations: u64,
}

/// Operations of a row of a window.
pub(crate) const WINDOW_ROW_OPERATIONS: u64 = 8;

/// What the values and rows of a map take beside their sums, in operations.
pub(crate) const fn operations_of_map(map: Shape) -> u64 {
    const VALUE_OPERATIONS: u64 = 16;
    const ROW_OPERATIONS: u64 = 32;
    VALUE_OPERATIONS * map.len() as u64 + ROW_OPERATIONS * map.height as u64
}
