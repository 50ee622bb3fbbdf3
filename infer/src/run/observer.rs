//! What looks on while a network runs.

use core::ops::Range;

use crate::graph::layer::Layer;

/// Told about each slice of a run: a profiler, or a reader of feature maps. `()` does nothing and
/// costs nothing.
///
/// A layer is one slice, unless the plan holds only some rows of its map at once: then it is
/// several, and other layers run in between.
pub trait Observer {
    /// Layer `index` is about to make `rows` of its output.
    fn before(&mut self, index: usize, layer: &Layer<'_>, rows: Range<u16>) {
        let _ = (index, layer, rows);
    }

    /// Layer `index` has made `rows` of its output, which are `values` in memory order.
    fn after(&mut self, index: usize, layer: &Layer<'_>, rows: Range<u16>, values: &[i8]) {
        let _ = (index, layer, rows, values);
    }
}

impl Observer for () {}
