//! What an operator tells the rest of the crate.

use serde::{Deserialize, Serialize};

use super::sections::Sections;
use crate::error::LayerProblem;
use crate::features::Feature;
use crate::quant::OutputQuant;
use crate::schedule::{INPUTS_MAX, RowWindow, Slice};
use crate::sealed::Sealed;
use crate::shape::Shape;

/// One operator of a checked network.
///
/// The rest of the crate knows operators by this trait only; what each computes is in the traits of
/// its kernels, such as [`conv::Kernels`](super::conv::Kernels). Sealed: operators are those of
/// this crate, and what is asked of one may grow.
pub trait Operator<'m>: Copy + Sealed {
    /// How the file describes it.
    type Record: Record;

    /// Whether any way to compute it is in the build: where none is, none of its code is.
    const IS_BUILT: bool;

    /// The part of this crate that it is; of an operator with several ways to compute it, a part
    /// with which it can be read.
    const PART: Feature;

    /// Reads its record and its numbers: every check of both, once.
    ///
    /// # Errors
    /// What a kernel could trip over.
    fn read(record: &Self::Record, reading: &mut Reading<'_, 'm>) -> Result<Self, LayerProblem>;

    /// The record that it was read from, which reads `inputs`.
    fn record(&self, inputs: Inputs) -> Self::Record;

    /// The size of the tensor that is its input number `input`, from 0.
    fn input(&self, input: usize) -> Shape;

    /// The tensor that it makes.
    fn output(&self) -> Tensor;

    /// The rows of its input number `input` that a row of its output reads.
    fn row_window(&self, input: usize) -> RowWindow;

    /// The rows of its input number `input` that a row of its output reads in a
    /// [`Stream`](crate::Stream), whose rows never end; `None` where it takes all rows of a map.
    ///
    /// An operator whose single row reads its whole input slides over it row by row.
    fn stream_window(&self, input: usize) -> Option<RowWindow> {
        Some(self.row_window(input))
    }

    /// The operator that makes just the rows of a slice, of just the rows that are held.
    fn slice(&self, slice: &Slice) -> Self;

    /// Bytes of scratch memory.
    fn scratch_bytes(&self) -> usize {
        0
    }

    /// Rows of its input that it takes one by one, for an operator that makes a single row and
    /// keeps sums of what it has taken; `None` for one that makes each row at once.
    ///
    /// Such an operator never needs all of its input at once. The sums lie where its output comes
    /// to lie, [`SUM_BYTES`] for each value; the rows of its slices, and of its
    /// [row window](Self::row_window), are those that it takes.
    fn reduces(&self) -> Option<u16> {
        None
    }

    /// Channel parameters and packed weights, as the file has them; empty for an operator without.
    fn numbers(&self) -> [&'m [u8]; 2] {
        [&[], &[]]
    }

    /// What it takes to run it.
    fn work(&self) -> Work;

    /// The first part of this crate that it needs and this build leaves out.
    fn left_out(&self) -> Option<Feature>;

    /// Whether it needs a part of this crate.
    fn needs(&self, feature: Feature) -> bool;
}

/// Bytes of a sum that an operator keeps which [reduces](Operator::reduces) its input.
pub const SUM_BYTES: usize = 4;

/// The record of an operator in the file. Sealed.
pub trait Record: Sealed {
    /// The tensors that it reads.
    fn inputs(&self) -> Inputs;
}

/// The tensors that an operator reads, by their numbers: 0 is the network's input, `n` what layer
/// `n - 1` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Inputs {
    /// [`NO_TENSOR`] stands for an input that is not there: so a layer stays within
    /// [`LAYER_BYTES`](crate::LAYER_BYTES).
    tensors: [u8; INPUTS_MAX],
}

/// The number of no tensor: see [`LAYERS_MAX`](crate::format::LAYERS_MAX).
const NO_TENSOR: u8 = u8::MAX;

/// A number that no layer can read: no layer comes after the one that makes it.
const UNREADABLE: u8 = NO_TENSOR - 1;

impl Inputs {
    /// One input.
    pub const fn one(tensor: u8) -> Self {
        Self { tensors: [tensor, NO_TENSOR] }
    }

    /// Two inputs.
    pub const fn two([first, second]: [u8; 2]) -> Self {
        Self { tensors: [first, if second == NO_TENSOR { UNREADABLE } else { second }] }
    }

    /// The first input.
    pub const fn first(&self) -> u8 {
        self.tensors[0]
    }

    /// The tensor that is input number `input`; `None` after the last.
    #[inline(always)]
    pub fn get(&self, input: usize) -> Option<usize> {
        let tensor = *self.tensors.get(input)?;
        (input < self.count()).then_some(tensor as usize)
    }

    /// The tensor that is input number `input`, which need not be there.
    pub(crate) const fn at(&self, input: usize) -> u8 {
        self.tensors[input]
    }

    /// Whether layer number `layer` reads what the layer before it makes, and nothing else.
    pub(crate) const fn are_of_a_chain(&self, layer: usize) -> bool {
        self.count() == 1 && self.tensors[0] as usize == layer
    }

    /// How many there are: 1 to [`INPUTS_MAX`].
    pub const fn count(&self) -> usize {
        if self.tensors[1] == NO_TENSOR { 1 } else { 2 }
    }

    /// The tensors in their order.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        self.tensors.into_iter().take(self.count()).map(usize::from)
    }
}

/// What an operator is read from, beside its record.
pub struct Reading<'r, 'm> {
    /// The tensors that it reads, as many as its record says.
    pub inputs: &'r [Tensor; INPUTS_MAX],
    /// The tensor that it makes.
    pub output: Tensor,
    /// The sections of the file; it takes its own.
    pub sections: &'r mut Sections<'m>,
}

/// A tensor's size, and what its values stand for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tensor {
    /// Rows, columns and channels.
    pub shape: Shape,
    /// Its quantisation.
    pub quant: OutputQuant,
}

impl Tensor {
    /// Stands for the tensor of an operator that is not in the build.
    pub(super) const NONE: Self =
        Self { shape: Shape::vector(0), quant: OutputQuant { scale: 1.0, zero_point: 0 } };
}

/// The memory that an operator runs in, in parts that lie apart: each of exactly the size that the
/// operator states, tensors in memory order (row, column, channel).
pub struct Buffers<'b> {
    /// The tensor that it reads.
    pub input: &'b [i8],
    /// The second tensor that it reads; empty for an operator of one input.
    pub second: &'b [i8],
    /// [`Operator::scratch_bytes`].
    pub scratch: &'b mut [i8],
    /// The tensor that it makes.
    pub output: &'b mut [i8],
}

/// What one run of an operator takes, whatever the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// Multiply-accumulates that are computed, taps on padding included.
    pub macs: u64,
    /// Multiply-accumulates, comparisons of a pooling, and what each of these takes, counted in
    /// multiply-accumulates: a row of a window, a weight of a convolution (some kernels read it
    /// back from another core's packing first), a value that is made, a row of the output.
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
