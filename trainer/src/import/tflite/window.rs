//! Windows that move over a map, and what they read outside of it.

use super::network::Network;
use super::operator::{Kind, Operator};

/// How a window moves over a map; each pair is rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From one place to the next.
    pub stride: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
    /// What lies outside of the map.
    pub padding: Padding,
}

/// What a window may read outside of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// As much as it takes to have a place for each stride, half of it before the map; of an odd
    /// number one more after it.
    Same,
    /// Nothing.
    Valid,
}

/// A window along rows or columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Places of the window.
    pub places: usize,
    /// Taps outside of the map before its begin.
    pub before: usize,
    /// Taps outside of the map after its end.
    pub after: usize,
}

/// Places and padding of an operator's window along rows and columns; `None` where it has no
/// window, or none that fits.
pub fn placed(network: &Network<'_>, operator: &Operator) -> Option<[Axis; 2]> {
    let shape = |number: usize| -> Option<[usize; 4]> {
        let tensor = operator.inputs.get(number).copied().flatten()?;
        network.tensors[tensor].shape[..].try_into().ok()
    };
    let [_, rows, columns, _] = shape(0)?;
    let (window, kernel) = match operator.kind {
        Kind::Conv(window, _) | Kind::DepthwiseConv(window, _) => {
            let [_, rows, columns, _] = shape(1)?;
            (window, [rows, columns])
        }
        Kind::AveragePool(size, window, _) | Kind::MaxPool(size, window, _) => (window, size),
        _ => return None,
    };
    window.resolve([rows, columns], kernel)
}

impl Window {
    /// Places and padding along rows and columns, for a map and a window of these rows and columns.
    /// `None` where the window has no place, or numbers are too large for any map.
    pub fn resolve(&self, map: [usize; 2], kernel: [usize; 2]) -> Option<[Axis; 2]> {
        let [rows, columns] = [0, 1].map(|axis| {
            let (stride, dilation) = (self.stride[axis], self.dilation[axis]);
            self.padding.resolve(map[axis], kernel[axis], stride, dilation)
        });
        Some([rows?, columns?])
    }
}

impl Padding {
    /// With `extent = (kernel - 1) * dilation + 1`, `Same` has `ceil(map / stride)` places and
    /// `Valid` `floor((map - extent) / stride) + 1`.
    fn resolve(self, map: usize, kernel: usize, stride: usize, dilation: usize) -> Option<Axis> {
        let extent = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
        let places = match self {
            Self::Same => map.div_ceil(stride),
            Self::Valid => map.checked_sub(extent)? / stride + 1,
        };
        let reach = places.checked_sub(1)?.checked_mul(stride)?.checked_add(extent)?;
        let outside = match self {
            Self::Same => reach.saturating_sub(map),
            Self::Valid => 0,
        };
        Some(Axis { places, before: outside / 2, after: outside - outside / 2 })
    }
}
