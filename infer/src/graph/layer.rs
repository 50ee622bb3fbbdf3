//! The layers of a checked network: what each computes, of which tensors, and where.

use super::format::TensorRecord;
use crate::interface::Interface;
use crate::ops::{Inputs, LayerKind, SUM_BYTES, Tensor};
use crate::schedule::Stage;
use crate::shape::Shape;

/// How the caller's image becomes tensor 0: its value (row, column, channel) is that of the image
/// at `(row + origin[0], column + origin[1])`, a pixel less 128; outside of the image it is the
/// tensor's zero point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input<'m> {
    /// The image the caller hands over: any values of two sides and channels.
    pub image: Shape,
    /// What its values are, and those of the network's output.
    pub interface: Interface<'m>,
    /// Row and column of the image at which the tensor begins.
    pub origin: [i16; 2],
    /// Tensor 0.
    pub tensor: Tensor,
    /// Where it lies, and how long.
    pub(crate) place: Place,
}

/// One layer: an operator with the tensor that it makes.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// What it computes.
    pub kind: LayerKind<'a>,
    /// The tensors that it reads.
    pub inputs: Inputs,
    pub(crate) rows_at_once: u16,
    /// The tensor that it makes.
    pub(crate) place: Place,
    pub(crate) scratch_at: u32,
    /// Most scratch memory that any slice of the layer needs, bytes.
    pub(crate) scratch_bytes: u32,
}

/// Where a tensor lies, and how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// Place of its held rows in the arena, bytes.
    pub at: u32,
    /// Rows of the tensor.
    pub rows: u16,
    /// Rows that are held at once.
    pub held_rows: u16,
    /// The last tensor that is made from it; 0 when none is, 255 for an output of the network.
    pub last_reader: u8,
    /// Whether the tensor is [passed on](crate::schedule): found by the loader, to prove that
    /// buffers lie apart.
    pub is_passed_on: bool,
}

/// The last reader of a tensor that is read after the run.
pub(crate) const AFTER_RUN: u8 = u8::MAX;

impl Place {
    /// The place of a record's tensor that nothing reads yet.
    pub const fn of(record: &TensorRecord) -> Self {
        let rows = record.tensor.shape.height;
        let held_rows = record.held_rows;
        Self { at: record.at, rows, held_rows, last_reader: 0, is_passed_on: false }
    }

    /// Whether only some rows are held.
    pub const fn is_in_part(&self) -> bool {
        self.held_rows < self.rows
    }

    /// The held rows of a tensor of `shape`, as `(start, bytes)` in the arena.
    const fn arena_use(&self, shape: Shape) -> (usize, usize) {
        (self.at as usize, self.held_rows as usize * shape.row_len())
    }
}

impl<'a> Layer<'a> {
    /// The size of its first input.
    pub fn input(&self) -> Shape {
        self.kind.input(0)
    }

    /// The size of the tensor that it makes.
    pub fn output(&self) -> Shape {
        self.kind.output().shape
    }

    /// Rows of its output that are held at once.
    pub const fn held_rows(&self) -> u16 {
        self.place.held_rows
    }

    /// Whether its output is [passed on](crate::schedule): it is in use only while this layer runs
    /// and the one that reads it. A network that is compiled in does not say so.
    pub const fn is_passed_on(&self) -> bool {
        self.place.is_passed_on
    }

    /// Bytes of scratch memory.
    pub const fn scratch_bytes(&self) -> usize {
        self.scratch_bytes as usize
    }

    /// Bytes of channel parameters and weights in the file, without padding.
    pub fn parameter_bytes(&self) -> usize {
        self.kind.numbers().iter().map(|numbers| numbers.len()).sum()
    }

    /// Multiply-accumulates that are computed, taps on padding included.
    pub fn macs(&self) -> u64 {
        self.kind.work().macs
    }

    /// Work of one run of the layer: see [`Work::operations`](crate::ops::Work::operations).
    pub fn operations(&self) -> u64 {
        self.kind.work().operations
    }

    /// The held rows of its output, or the sums that come to be its output, as `(start, bytes)` in
    /// the arena.
    pub fn output_use(&self) -> (usize, usize) {
        let (at, bytes) = self.place.arena_use(self.output());
        (at, if self.kind.reduces().is_some() { SUM_BYTES * bytes } else { bytes })
    }

    /// Its scratch memory, as `(start, bytes)` in the arena.
    pub const fn scratch_use(&self) -> (usize, usize) {
        (self.scratch_at as usize, self.scratch_bytes as usize)
    }

    pub(crate) fn stage(&self) -> Stage {
        let Place { rows, held_rows: held, last_reader, .. } = self.place;
        let (rows_at_once, last_reader) = (self.rows_at_once, last_reader as usize);
        let stage = Stage { rows, held, rows_at_once, last_reader, reduces: false };
        match self.kind.reduces() {
            Some(rows) => Stage { rows, held: rows, reduces: true, ..stage },
            None => stage,
        }
    }
}

impl Input<'_> {
    /// What is read outside of the image.
    pub(crate) const fn zero(&self) -> i8 {
        self.tensor.quant.zero_point
    }

    /// Rows of the tensor that are held at once.
    pub const fn held_rows(&self) -> u16 {
        self.place.held_rows
    }

    /// The held rows of the tensor, as `(start, bytes)` in the arena.
    pub const fn arena_use(&self) -> (usize, usize) {
        self.place.arena_use(self.tensor.shape)
    }

    pub(crate) const fn stage(&self) -> Stage {
        let Place { rows, held_rows, last_reader, .. } = self.place;
        Stage::input(rows, held_rows, last_reader as usize)
    }
}
