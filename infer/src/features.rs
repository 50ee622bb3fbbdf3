//! The parts of this crate that firmware short of flash can leave out: each is a Cargo feature, and
//! all are on by default.
//!
//! A model that needs a part that is not in the build is refused when it is loaded
//! ([`LayerProblem::NotBuilt`](crate::LayerProblem::NotBuilt)). `trainer plan` counts the code of
//! the parts that a plan needs, and prints their names for `Cargo.toml`.

use crate::format::{Algorithm, DenseAlgorithm};
use crate::kernels::winograd::{GROUP, TileGrid};
use crate::layer::{Conv, LayerKind};

/// A part of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// [`Algorithm::Direct`].
    Direct,
    /// [`Algorithm::DirectInPlace`].
    DirectInPlace,
    /// [`Algorithm::DirectPaired`].
    DirectPaired,
    /// [`Algorithm::DirectVector`].
    DirectVector,
    /// [`Algorithm::SingleChannel`].
    SingleChannel,
    /// Winograd's F(2x2, 3x3).
    WinogradF2,
    /// Winograd's F(4x4, 3x3).
    WinogradF4,
    /// Winograd with weights that are stored transformed.
    WinogradStored,
    /// Winograd with weights that are transformed when it runs.
    WinogradOnTheFly,
    /// Winograd's loops for a single tile: maps with an odd number of tiles.
    WinogradSingleTile,
    /// Padding in [`Algorithm::SingleChannel`] and Winograd's algorithms, and Winograd's tiles that
    /// the map's end or the pooling cuts.
    Edges,
    /// Poolings that are layers of their own.
    MaxPool,
    /// [`DenseAlgorithm::Rows`].
    DenseRows,
    /// [`DenseAlgorithm::Quads`].
    DenseQuads,
    /// [`DenseAlgorithm::QuadsWide`].
    DenseQuadsWide,
}

impl Feature {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Direct,
        Self::DirectInPlace,
        Self::DirectPaired,
        Self::DirectVector,
        Self::SingleChannel,
        Self::WinogradF2,
        Self::WinogradF4,
        Self::WinogradStored,
        Self::WinogradOnTheFly,
        Self::WinogradSingleTile,
        Self::Edges,
        Self::MaxPool,
        Self::DenseRows,
        Self::DenseQuads,
        Self::DenseQuadsWide,
    ];

    /// Its name in `Cargo.toml`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::DirectInPlace => "direct-in-place",
            Self::DirectPaired => "direct-paired",
            Self::DirectVector => "direct-vector",
            Self::SingleChannel => "single-channel",
            Self::WinogradF2 => "winograd-f2",
            Self::WinogradF4 => "winograd-f4",
            Self::WinogradStored => "winograd-stored",
            Self::WinogradOnTheFly => "winograd-on-the-fly",
            Self::WinogradSingleTile => "winograd-single-tile",
            Self::Edges => "edges",
            Self::MaxPool => "max-pool",
            Self::DenseRows => "dense-rows",
            Self::DenseQuads => "dense-quads",
            Self::DenseQuadsWide => "dense-quads-wide",
        }
    }

    /// Whether it is in this build.
    pub const fn is_built(self) -> bool {
        match self {
            Self::Direct => cfg!(feature = "direct"),
            Self::DirectInPlace => cfg!(feature = "direct-in-place"),
            Self::DirectPaired => cfg!(feature = "direct-paired"),
            Self::DirectVector => cfg!(feature = "direct-vector"),
            Self::SingleChannel => cfg!(feature = "single-channel"),
            Self::WinogradF2 => cfg!(feature = "winograd-f2"),
            Self::WinogradF4 => cfg!(feature = "winograd-f4"),
            Self::WinogradStored => cfg!(feature = "winograd-stored"),
            Self::WinogradOnTheFly => cfg!(feature = "winograd-on-the-fly"),
            Self::WinogradSingleTile => cfg!(feature = "winograd-single-tile"),
            Self::Edges => cfg!(feature = "edges"),
            Self::MaxPool => cfg!(feature = "max-pool"),
            Self::DenseRows => cfg!(feature = "dense-rows"),
            Self::DenseQuads => cfg!(feature = "dense-quads"),
            Self::DenseQuadsWide => cfg!(feature = "dense-quads-wide"),
        }
    }

    /// Whether `layer` needs it.
    pub fn is_needed_by(self, layer: &LayerKind<'_>) -> bool {
        match layer {
            LayerKind::Conv(conv) => match self {
                Self::Edges => reaches_edges(conv),
                Self::WinogradSingleTile => has_single_tile(conv),
                Self::WinogradStored => conv.algorithm.stored_tile().is_some(),
                Self::WinogradOnTheFly => conv.algorithm.is_on_the_fly(),
                other => other == Self::of_conv(conv.algorithm),
            },
            LayerKind::MaxPool(_) => self == Self::MaxPool,
            LayerKind::Dense(dense) => self == Self::of_dense(dense.algorithm),
        }
    }

    /// The part that an algorithm is, or Winograd's tile.
    const fn of_conv(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Direct => Self::Direct,
            Algorithm::DirectInPlace => Self::DirectInPlace,
            Algorithm::DirectPaired => Self::DirectPaired,
            Algorithm::DirectVector => Self::DirectVector,
            Algorithm::SingleChannel => Self::SingleChannel,
            Algorithm::WinogradF2 | Algorithm::WinogradF2OnTheFly => Self::WinogradF2,
            Algorithm::WinogradF4 | Algorithm::WinogradF4OnTheFly => Self::WinogradF4,
        }
    }

    const fn of_dense(algorithm: DenseAlgorithm) -> Self {
        match algorithm {
            DenseAlgorithm::Rows => Self::DenseRows,
            DenseAlgorithm::Quads => Self::DenseQuads,
            DenseAlgorithm::QuadsWide => Self::DenseQuadsWide,
        }
    }
}

impl Algorithm {
    /// Whether all parts that it needs are in this build, whatever the layer's shape.
    pub const fn is_built(self) -> bool {
        Feature::of_conv(self).is_built()
            && (self.stored_tile().is_none() || Feature::WinogradStored.is_built())
            && (!self.is_on_the_fly() || Feature::WinogradOnTheFly.is_built())
    }

    /// Whether weights are transformed when it runs.
    pub(crate) const fn is_on_the_fly(self) -> bool {
        matches!(self, Self::WinogradF2OnTheFly | Self::WinogradF4OnTheFly)
    }
}

impl DenseAlgorithm {
    /// Whether it is in this build.
    pub const fn is_built(self) -> bool {
        Feature::of_dense(self).is_built()
    }
}

/// Whether all parts that the layer needs are in this build.
pub(crate) fn are_built(layer: &LayerKind<'_>) -> bool {
    match layer {
        LayerKind::Conv(conv) => {
            conv.algorithm.is_built()
                && (Feature::Edges.is_built() || !reaches_edges(conv))
                && (Feature::WinogradSingleTile.is_built() || !has_single_tile(conv))
        }
        LayerKind::MaxPool(_) => Feature::MaxPool.is_built(),
        LayerKind::Dense(dense) => dense.algorithm.is_built(),
    }
}

/// Whether the layer needs [`Feature::Edges`].
fn reaches_edges(conv: &Conv<'_>) -> bool {
    match conv.algorithm {
        Algorithm::Direct
        | Algorithm::DirectInPlace
        | Algorithm::DirectPaired
        | Algorithm::DirectVector => false,
        Algorithm::SingleChannel => !is_inside(conv),
        Algorithm::WinogradF2
        | Algorithm::WinogradF4
        | Algorithm::WinogradF2OnTheFly
        | Algorithm::WinogradF4OnTheFly => {
            conv.pool != [2, 2] || TileGrid::new(conv).is_none_or(|grid| !grid.is_whole(conv))
        }
    }
}

/// Whether the layer needs [`Feature::WinogradSingleTile`].
fn has_single_tile(conv: &Conv<'_>) -> bool {
    TileGrid::new(conv).is_some_and(|grid| !(grid.tiles[0] * grid.tiles[1]).is_multiple_of(GROUP))
}

/// Whether no kernel reaches outside of the map.
fn is_inside(conv: &Conv<'_>) -> bool {
    let inside = |axis: usize, outputs: u16, map: u16| {
        let pixels = outputs as i32 * conv.pool[axis] as i32;
        let end = conv.origin[axis] as i32
            + (pixels - 1) * conv.stride[axis] as i32
            + conv.kernel[axis] as i32;
        conv.origin[axis] >= 0 && end <= map as i32
    };
    inside(0, conv.output.height, conv.input.height)
        && inside(1, conv.output.width, conv.input.width)
}
