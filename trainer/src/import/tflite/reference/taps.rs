//! The taps of a window that lie on the map.

use super::super::operator::Kind;
use super::super::window::placed;
use super::error::Misfit;
use super::node::Node;

/// A window on a map; pairs are rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct Taps {
    map: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    before: [usize; 2],
}

/// A tap on the map.
#[derive(Clone, Copy, Debug)]
pub struct Tap {
    /// Its number in the window, row by row.
    pub tap: usize,
    /// The place on the map, row by row.
    pub place: usize,
}

impl Taps {
    /// The window of an operator, of these rows and columns.
    pub fn new(node: Node<'_>, kernel: [usize; 2]) -> Result<Self, Misfit> {
        let axes = placed(node.network, node.operator).ok_or(Misfit::Count)?;
        let &[_, rows, columns, _] = &node.input(0)?.shape[..] else { return Err(Misfit::Count) };
        let (Kind::Conv(window, _)
        | Kind::DepthwiseConv(window, _)
        | Kind::AveragePool(_, window, _)
        | Kind::MaxPool(_, window, _)) = node.operator.kind
        else {
            return Err(Misfit::Operator);
        };
        Ok(Self {
            map: [rows, columns],
            kernel,
            stride: window.stride,
            dilation: window.dilation,
            before: axes.map(|axis| axis.before),
        })
    }

    /// All taps of the window.
    pub fn count(self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// The taps that lie on the map where the window is at this row and column.
    pub fn at(self, row: usize, column: usize) -> impl Iterator<Item = Tap> {
        let [_, columns] = self.kernel;
        self.inside(0, row).flat_map(move |(tap_row, map_row)| {
            self.inside(1, column).map(move |(tap_column, map_column)| Tap {
                tap: tap_row * columns + tap_column,
                place: map_row * self.map[1] + map_column,
            })
        })
    }

    /// Along rows or columns: taps and their places on the map.
    fn inside(self, axis: usize, place: usize) -> impl Iterator<Item = (usize, usize)> {
        let (dilation, before) = (self.dilation[axis], self.before[axis]);
        let begin = place * self.stride[axis];
        let first = before.saturating_sub(begin).div_ceil(dilation);
        let end = (self.map[axis] + before).saturating_sub(begin).div_ceil(dilation);
        let taps = first..end.min(self.kernel[axis]);
        taps.map(move |tap| (tap, begin + tap * dilation - before))
    }
}
