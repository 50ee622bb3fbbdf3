//! Which algorithm can compute which layer, and what it needs: asked by the exporter and by
//! [`Model::from_bytes`](crate::Model::from_bytes) alike.

use crate::format::{Algorithm, DenseAlgorithm};
use crate::kernels::winograd::TileGrid;
use crate::kernels::winograd::transform::Tile;
use crate::layer::{Conv, Dense};

impl Algorithm {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Direct,
        Self::DirectPaired,
        Self::SingleChannel,
        Self::WinogradF2,
        Self::WinogradF4,
        Self::WinogradF2OnTheFly,
        Self::WinogradF4OnTheFly,
        Self::DirectVector,
        Self::DirectInPlace,
    ];

    /// Whether the algorithm computes a layer of this shape.
    pub fn fits(self, conv: &Conv<'_>) -> bool {
        match self {
            Self::Direct | Self::DirectPaired | Self::DirectInPlace => true,
            Self::DirectVector => conv.output.channels.is_multiple_of(2),
            Self::SingleChannel => is_3x3(conv) && conv.input.channels == 1 && conv.pool == [2, 2],
            Self::WinogradF2
            | Self::WinogradF4
            | Self::WinogradF2OnTheFly
            | Self::WinogradF4OnTheFly => {
                let channels =
                    conv.input.channels.is_multiple_of(8) && conv.output.channels.is_multiple_of(2);
                is_3x3(conv) && channels && matches!(conv.pool, [1, 1] | [2, 2])
            }
        }
    }

    /// Largest `128 * sum(|weight|)` of an output channel with which the algorithm stays exact for
    /// every input.
    pub fn sum_max(self) -> u64 {
        self.tile().map_or(i32::MAX as u64, Tile::sum_max)
    }

    /// The Winograd tile, if it is one.
    pub(crate) const fn tile(self) -> Option<Tile> {
        match self {
            Self::WinogradF2 | Self::WinogradF2OnTheFly => Some(Tile::Two),
            Self::WinogradF4 | Self::WinogradF4OnTheFly => Some(Tile::Four),
            _ => None,
        }
    }

    /// The Winograd tile, if the weights are stored transformed.
    pub(crate) const fn stored_tile(self) -> Option<Tile> {
        match self {
            Self::WinogradF2 | Self::WinogradF4 => self.tile(),
            _ => None,
        }
    }

    /// Bytes of scratch memory, a multiple of 4 except for [`Algorithm::Direct`].
    pub(crate) fn scratch_bytes(self, conv: &Conv<'_>) -> usize {
        match self {
            Self::Direct => conv.taps() * conv.window(),
            Self::DirectInPlace => 0,
            Self::DirectPaired => paired_scratch_bytes(conv),
            Self::DirectVector => conv
                .taps()
                .next_multiple_of(16)
                .saturating_mul(paired_batches(conv) * PAIRED_PIXELS),
            Self::SingleChannel => {
                single_channel_rows(conv) * conv.output.width as usize * SINGLE_CHANNEL_WINDOW_BYTES
            }
            Self::WinogradF2
            | Self::WinogradF4
            | Self::WinogradF2OnTheFly
            | Self::WinogradF4OnTheFly => {
                TileGrid::new(conv).map_or(0, |grid| grid.scratch_bytes())
            }
        }
    }
}

/// Most bytes that a core makes of a window for [`Algorithm::SingleChannel`]: its 4x4 pixels as
/// words.
const SINGLE_CHANNEL_WINDOW_BYTES: usize = 64;

/// Memory that the windows of [`Algorithm::SingleChannel`] may take, bytes; one row of outputs may
/// take more.
const SINGLE_CHANNEL_WINDOWS_MAX_BYTES: usize = 2560;

/// Rows of outputs whose windows [`Algorithm::SingleChannel`] holds at once.
pub(crate) fn single_channel_rows(conv: &Conv<'_>) -> usize {
    let row_bytes = (conv.output.width as usize * SINGLE_CHANNEL_WINDOW_BYTES).max(1);
    (SINGLE_CHANNEL_WINDOWS_MAX_BYTES / row_bytes).clamp(1, (conv.output.height as usize).max(1))
}

/// Pixels that the paired and vector kernels convolve at once.
pub(crate) const PAIRED_PIXELS: usize = 4;

/// Batches of [`PAIRED_PIXELS`] in a pooling window.
pub(crate) fn paired_batches(conv: &Conv<'_>) -> usize {
    conv.window().div_ceil(PAIRED_PIXELS)
}

/// All batches of a window as int16 pairs, and four patches in int8, padded to whole words each.
fn paired_scratch_bytes(conv: &Conv<'_>) -> usize {
    let patch = conv.taps().next_multiple_of(4);
    let bytes_per_tap = 2 * PAIRED_PIXELS * paired_batches(conv) + PAIRED_PIXELS;
    patch.saturating_mul(bytes_per_tap)
}

impl DenseAlgorithm {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Rows, Self::Quads, Self::QuadsWide];

    /// Whether the algorithm computes a layer of this shape.
    pub fn fits(self, dense: &Dense<'_>) -> bool {
        match self {
            Self::Rows => true,
            Self::Quads | Self::QuadsWide => dense.input.len().is_multiple_of(4),
        }
    }
}

fn is_3x3(conv: &Conv<'_>) -> bool {
    conv.kernel == [3, 3] && conv.stride == [1, 1]
}
