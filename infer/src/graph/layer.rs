//! The layers of a validated model: what each computes, with its place in the arena.

use crate::ops::LayerKind;
use crate::quant::OutputQuant;
use crate::schedule::Stage;
use crate::shape::Shape;

/// How the caller's image becomes the first feature map: map pixel (row, column) is image pixel
/// `(row + origin[0], column + origin[1])`, less 128; outside of the image it is black.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Input {
    /// The image the caller hands over, 8 bits per value.
    pub image: Shape,
    /// The first feature map.
    pub map: Shape,
    /// Row and column of the image at which the map begins.
    pub origin: [i16; 2],
    /// Real value of one step of a pixel.
    pub scale: f32,
    /// Rows of the first feature map that are held at once.
    pub held_rows: u16,
    pub(crate) arena_at: usize,
}

/// One layer with its place in the arena.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Name, for people.
    pub name: &'a str,
    /// What it computes.
    pub kind: LayerKind<'a>,
    /// Rows of its output that are held at once.
    pub held_rows: u16,
    pub(crate) rows_at_once: u16,
    pub(crate) placement: Placement,
}

/// Where a layer works, bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placement {
    pub input_at: usize,
    /// The held rows of its input.
    pub input_bytes: usize,
    pub output_at: usize,
    pub scratch_at: usize,
    /// Most scratch memory that any slice of the layer needs.
    pub scratch_bytes: usize,
}

impl<'a> Layer<'a> {
    /// The map the layer reads.
    pub fn input(&self) -> Shape {
        self.kind.input()
    }

    /// The map the layer leaves.
    pub fn output(&self) -> Shape {
        self.kind.output()
    }

    /// Quantisation of the output; `None` for a pooling, which keeps that of its input.
    pub fn output_quant(&self) -> Option<OutputQuant> {
        self.kind.output_quant()
    }

    pub(crate) fn stage(&self) -> Stage {
        Stage {
            rows: self.output().height,
            held: self.held_rows,
            window: self.kind.row_window(),
            rows_at_once: self.rows_at_once,
        }
    }

    /// Bytes of scratch memory.
    pub const fn scratch_bytes(&self) -> usize {
        self.placement.scratch_bytes
    }

    /// Bytes of channel parameters and weights in the file, without padding.
    pub fn parameter_bytes(&self) -> usize {
        self.kind.parameter_bytes()
    }

    /// Multiply-accumulates that are computed, taps on padding included.
    pub fn macs(&self) -> u64 {
        self.kind.work().macs
    }

    /// Work of one run of the layer: see [`Work::operations`](crate::ops::Work::operations).
    pub fn operations(&self) -> u64 {
        self.kind.work().operations
    }

    /// The layer's buffers in the arena as `(start, bytes)`: the held rows of its input, scratch
    /// memory, the held rows of its output.
    pub fn arena_use(&self) -> [(usize, usize); 3] {
        let Placement { input_at, input_bytes, scratch_at, scratch_bytes, output_at } =
            self.placement;
        let output_bytes = self.held_rows as usize * self.output().row_len();
        [(input_at, input_bytes), (scratch_at, scratch_bytes), (output_at, output_bytes)]
    }
}

impl Input {
    /// The held rows of the first map in the arena, as `(start, bytes)`.
    pub const fn arena_use(&self) -> (usize, usize) {
        (self.arena_at, self.held_rows as usize * self.map.row_len())
    }
}
