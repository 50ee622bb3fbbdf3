//! The one list of the algorithms that compute a convolution: what each needs of the build, how its
//! weights lie, which layers it fits and how much scratch memory it takes. The exporter and
//! [`Model::from_bytes`](crate::Model::from_bytes) ask it alike.

use serde::{Deserialize, Serialize};

use super::Conv;
use super::packing::SINGLE_CHANNEL_BYTES;
use super::winograd::TileGrid;
use super::winograd::transform::Tile;
use crate::features::Feature;
use crate::ops::packing::WeightBits;
use crate::quant::Rounding;

/// Makes the enum of algorithms and what is asked of each.
macro_rules! algorithms {
    ($($(#[doc = $doc:literal])+ $name:ident {
        features: [$($feature:ident),+],
        packing: $packing:expr,
        bits: $bits:ident,
        tile: $tile:expr,
        fits: $fits:ident,
        scratch_bytes: $scratch_bytes:ident,
    })+) => {
        /// How a convolution is computed, and so how its weights lie: see
        /// [`packing`](crate::packing).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Algorithm {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Algorithm {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// Whether the algorithm, which is in this build, computes a layer of this shape.
            pub const fn fits(self, conv: &Conv<'_>) -> bool {
                let fits = match self {
                    $(Self::$name if Self::$name.is_built() => $fits(conv),)+
                    _ => false,
                };
                fits
                    && (matches!(conv.rounding(), Rounding::Once) || self.rounds_twice(conv))
                    && (!conv.is_dilated() || self.dilates())
            }

            /// Whether all parts that it needs are in this build, whatever the layer's shape.
            #[inline(always)]
            pub const fn is_built(self) -> bool {
                match self {
                    $(Self::$name => $(Feature::$feature.is_built())&&+,)+
                }
            }

            /// Whether any of them is in this build.
            pub(crate) const fn any_is_built() -> bool {
                $(Self::$name.is_built())||+
            }

            /// The first part that it needs and this build leaves out.
            pub(crate) const fn left_out(self) -> Option<Feature> {
                match self {
                    $(Self::$name => {
                        $(if !Feature::$feature.is_built() {
                            return Some(Feature::$feature);
                        })+
                        None
                    })+
                }
            }

            /// Whether it needs a part of this crate, whatever the layer's shape.
            pub(crate) const fn needs(self, feature: Feature) -> bool {
                match self {
                    $(Self::$name => matches!(feature, $(Feature::$feature)|+),)+
                }
            }

            /// How its weights lie; of one that is not in this build, and is refused, any.
            #[inline(always)]
            pub(crate) const fn packing(self) -> Packing {
                match self {
                    $(Self::$name if Self::$name.is_built() => $packing,)+
                    _ => Packing::Rows,
                }
            }

            /// How many bits its weights have.
            #[inline(always)]
            pub const fn weight_bits(self) -> WeightBits {
                match self {
                    $(Self::$name => WeightBits::$bits,)+
                }
            }

            /// The Winograd tile, if it is one that is in this build: where none is, all that
            /// depends on it is left out.
            #[inline(always)]
            pub(crate) const fn tile(self) -> Option<Tile> {
                match self {
                    $(Self::$name if self.is_built() => $tile,)+
                    _ => None,
                }
            }

            /// Bytes of scratch memory, a multiple of 4 except for [`Algorithm::Direct`].
            pub(crate) fn scratch_bytes(self, conv: &Conv<'_>) -> usize {
                match self {
                    $(Self::$name if Self::$name.is_built() => $scratch_bytes(conv),)+
                    _ => 0,
                }
            }
        }
    };
}

// The list. The order gives an algorithm its number in the file, so new ones come last.
algorithms! {
    /// Multiply and add tap by tap. Weights: int8, `[output channel][kernel row][kernel
    /// column][input channel]`.
    Direct {
        features: [Direct],
        packing: Packing::Rows,
        bits: Eight,
        tile: None,
        fits: any,
        scratch_bytes: window,
    }
    /// The same with int8 weights of two output channels interleaved, for cores that multiply int16
    /// pairs.
    DirectPaired {
        features: [DirectPaired],
        packing: Packing::Pairs,
        bits: Eight,
        tile: None,
        fits: any,
        scratch_bytes: paired,
    }
    /// 3x3 over one input channel with 2x2 pooling, for cores that multiply int16 pairs.
    SingleChannel {
        features: [SingleChannel],
        packing: Packing::SingleChannel,
        bits: Eight,
        tile: None,
        fits: one_pooled_channel,
        scratch_bytes: single_channel,
    }
    /// Winograd F(2x2, 3x3) with transformed weights in int16: a good 3.5 bytes per weight.
    WinogradF2 {
        features: [WinogradF2, WinogradStored],
        packing: Packing::Transformed(Tile::Two),
        bits: Eight,
        tile: Some(Tile::Two),
        fits: winograd,
        scratch_bytes: tiles,
    }
    /// Winograd F(4x4, 3x3) with transformed weights in int16: 8 bytes per weight.
    WinogradF4 {
        features: [WinogradF4, WinogradStored],
        packing: Packing::Transformed(Tile::Four),
        bits: Eight,
        tile: Some(Tile::Four),
        fits: winograd,
        scratch_bytes: tiles,
    }
    /// Winograd F(2x2, 3x3) that transforms int8 weights when it runs.
    WinogradF2OnTheFly {
        features: [WinogradF2, WinogradOnTheFly],
        packing: Packing::Quads,
        bits: Eight,
        tile: Some(Tile::Two),
        fits: winograd,
        scratch_bytes: tiles,
    }
    /// Winograd F(4x4, 3x3) that transforms int8 weights when it runs.
    WinogradF4OnTheFly {
        features: [WinogradF4, WinogradOnTheFly],
        packing: Packing::Quads,
        bits: Eight,
        tile: Some(Tile::Four),
        fits: winograd,
        scratch_bytes: tiles,
    }
    /// Tap by tap with int8 weights of two output channels interleaved by 16 taps, for cores that
    /// multiply vectors.
    DirectVector {
        features: [DirectVector],
        packing: Packing::Chunks,
        bits: Eight,
        tile: None,
        fits: pairs_or_unpooled,
        scratch_bytes: vector,
    }
    /// As [`Algorithm::Direct`], without scratch memory.
    DirectInPlace {
        features: [DirectInPlace],
        packing: Packing::Rows,
        bits: Eight,
        tile: None,
        fits: any,
        scratch_bytes: none,
    }
    /// As [`Algorithm::DirectPaired`] with int4 weights: of each four taps, those of the second
    /// pair lie in the low halves of the bytes of the first.
    DirectPairedInt4 {
        features: [DirectPaired, Int4],
        packing: Packing::Pairs,
        bits: Four,
        tile: None,
        fits: any,
        scratch_bytes: paired,
    }
    /// As [`Algorithm::SingleChannel`] with int4 weights, which become int8 in scratch memory.
    SingleChannelInt4 {
        features: [SingleChannel, Int4],
        packing: Packing::SingleChannel,
        bits: Four,
        tile: None,
        fits: one_pooled_channel,
        scratch_bytes: single_channel_int4,
    }
    /// As [`Algorithm::DirectVector`] with int4 weights: those of a pair's second channel lie in
    /// the low halves of the bytes of the first.
    DirectVectorInt4 {
        features: [DirectVector, Int4],
        packing: Packing::Chunks,
        bits: Four,
        tile: None,
        fits: even_channels,
        scratch_bytes: vector,
    }
    /// As [`Algorithm::DirectPaired`] with weights in int16, two bytes per weight: nothing is left
    /// to widen while it runs. For cores that multiply int16 pairs.
    DirectPairedWide {
        features: [DirectPaired, PairedWide],
        packing: Packing::WidePairs,
        bits: Eight,
        tile: None,
        fits: any,
        scratch_bytes: paired,
    }
}

/// How weights lie; the index functions are in [`packing`](super::packing).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Tap after tap, channel after channel.
    Rows,
    /// Two output channels interleaved tap by tap, of pairs of taps.
    Pairs,
    /// The same in int16.
    WidePairs,
    /// Two output channels interleaved by 16 taps.
    Chunks,
    /// Nine taps in three words.
    SingleChannel,
    /// By quads of input channels, in each tap after tap.
    Quads,
    /// Winograd's transform of the weights.
    Transformed(Tile),
}

impl Algorithm {
    /// Largest `128 * sum(|weight|)` of an output channel with which the algorithm stays exact for
    /// every input.
    pub fn sum_max(self) -> u64 {
        self.tile().map_or(self.weight_bits().sum_max(), Tile::sum_max)
    }

    /// Whether it computes layers of [`Rounding::Twice`].
    const fn rounds_twice(self, conv: &Conv<'_>) -> bool {
        match self {
            Self::SingleChannel => false,
            _ if self.weight_bits().is_int4() => false,
            Self::DirectVector => {
                conv.window() == 1 && conv.output.channels <= VECTOR_TWICE_CHANNELS_MAX
            }
            _ => true,
        }
    }

    /// Whether it computes layers whose taps lie apart.
    const fn dilates(self) -> bool {
        matches!(
            self,
            Self::Direct
                | Self::DirectPaired
                | Self::DirectPairedInt4
                | Self::DirectPairedWide
                | Self::DirectInPlace
        )
    }

    /// Whether its weights are int16: never in a build without that part, so that it has no code
    /// for them.
    #[inline(always)]
    pub(crate) const fn is_wide(self) -> bool {
        Feature::PairedWide.is_built() && matches!(self.packing(), Packing::WidePairs)
    }

    /// The Winograd tile, if the weights are stored transformed.
    #[inline(always)]
    pub(crate) const fn stored_tile(self) -> Option<Tile> {
        match self.packing() {
            Packing::Transformed(tile) => Some(tile),
            _ => None,
        }
    }

    /// Whether weights are transformed when it runs.
    #[inline(always)]
    pub(crate) const fn is_on_the_fly(self) -> bool {
        matches!(self.packing(), Packing::Quads)
    }
}

// Which layers an algorithm fits.

const fn any(_: &Conv<'_>) -> bool {
    true
}

const fn pairs_or_unpooled(conv: &Conv<'_>) -> bool {
    even_channels(conv) || (conv.window() == 1 && conv.output.channels > 1)
}

const fn even_channels(conv: &Conv<'_>) -> bool {
    conv.output.channels.is_multiple_of(2)
}

const fn one_pooled_channel(conv: &Conv<'_>) -> bool {
    is_3x3(conv) && conv.input.channels == 1 && matches!(conv.pool, [2, 2])
}

const fn winograd(conv: &Conv<'_>) -> bool {
    let channels = conv.input.channels.is_multiple_of(8) && conv.output.channels.is_multiple_of(2);
    is_3x3(conv) && channels && matches!(conv.pool, [1, 1] | [2, 2])
}

const fn is_3x3(conv: &Conv<'_>) -> bool {
    matches!((conv.kernel, conv.stride), ([3, 3], [1, 1]))
}

// How much scratch memory it takes, bytes.

const fn none(_: &Conv<'_>) -> usize {
    0
}

/// The patches of a pooling window.
const fn window(conv: &Conv<'_>) -> usize {
    conv.taps() * conv.window()
}

/// All batches of a window as int16 pairs, and four patches in int8, padded to whole words each.
fn paired(conv: &Conv<'_>) -> usize {
    let patch = conv.taps().next_multiple_of(4);
    let bytes_per_tap = 2 * PAIRED_PIXELS * paired_batches(conv) + PAIRED_PIXELS;
    patch.saturating_mul(bytes_per_tap)
}

/// All batches of a window in chunks of 16 taps.
fn vector(conv: &Conv<'_>) -> usize {
    conv.taps().next_multiple_of(16).saturating_mul(paired_batches(conv) * PAIRED_PIXELS)
}

/// The windows of some rows of outputs.
fn single_channel(conv: &Conv<'_>) -> usize {
    single_channel_rows(conv) * conv.output.width as usize * SINGLE_CHANNEL_WINDOW_BYTES
}

/// The same after the int8 weights.
fn single_channel_int4(conv: &Conv<'_>) -> usize {
    conv.output.channels as usize * SINGLE_CHANNEL_BYTES + single_channel(conv)
}

fn tiles(conv: &Conv<'_>) -> usize {
    TileGrid::new(conv).map_or(0, |grid| grid.scratch_bytes())
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

/// Most output channels of [`Algorithm::DirectVector`] with [`Rounding::Twice`]: places within four
/// pixels are 16 bits wide.
const VECTOR_TWICE_CHANNELS_MAX: u16 = (u16::MAX - 1) / (PAIRED_PIXELS as u16 - 1);

/// Batches of [`PAIRED_PIXELS`] in a pooling window.
pub(crate) fn paired_batches(conv: &Conv<'_>) -> usize {
    conv.window().div_ceil(PAIRED_PIXELS)
}
