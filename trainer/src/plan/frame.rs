//! What runs apart from the layers' kernels, and what its instructions grow with.

use infer::Shape;
use infer::schedule::Slice;

use crate::ops::Term;

/// All that runs apart from the layers' kernels: placing the image, keeping the schedule, and
/// moving rows that are held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct FrameWork {
    slices: f64,
    placed_rows: f64,
    placed_values: f64,
    moves: f64,
    moved_values: f64,
}

impl FrameWork {
    /// Adds a slice of a tensor of this shape.
    pub fn add(&mut self, slice: &Slice, map: Shape) {
        self.add_of_stream(slice, map);
        if slice.dropped > 0 {
            self.moves += 1.0;
        }
    }

    /// Adds a slice of a stream. It goes from layer to layer: what a schedule takes for each move
    /// to find the layer that comes next of several, a stream does not.
    pub fn add_of_stream(&mut self, slice: &Slice, map: Shape) {
        self.slices += 1.0;
        if slice.tensor == 0 {
            self.placed_rows += slice.rows.len() as f64;
            self.placed_values += (slice.rows.len() * map.row_len()) as f64;
        }
        if slice.dropped > 0 {
            self.moved_values += (slice.kept as usize * map.row_len()) as f64;
        }
    }

    /// With more slices, which move nothing.
    pub fn with_slices(self, more: usize) -> Self {
        Self { slices: self.slices + more as f64, ..self }
    }

    /// Its terms.
    pub fn terms(&self) -> Vec<Term> {
        vec![
            ("slice", self.slices),
            ("row", self.placed_rows),
            ("value", self.placed_values),
            ("move", self.moves),
            ("moved_value", self.moved_values),
        ]
    }
}
