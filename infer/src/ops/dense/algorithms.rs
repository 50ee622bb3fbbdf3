//! The one list of the algorithms that compute a dense layer: what each needs of the build and
//! which layers it fits.

use serde::{Deserialize, Serialize};

use super::Dense;
use crate::features::Feature;
use crate::ops::packing::WeightBits;
use crate::quant::Rounding;

/// Makes the enum of algorithms and what is asked of each.
macro_rules! algorithms {
    ($($(#[doc = $doc:literal])+ $name:ident {
        features: [$($feature:ident),+],
        bits: $bits:ident,
        fits: $fits:ident,
    })+) => {
        /// How a dense layer is computed, and so how its weights lie.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum DenseAlgorithm {
            $($(#[doc = $doc])+ $name,)+
        }

        impl DenseAlgorithm {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// Whether the algorithm computes a layer of this shape.
            pub const fn fits(self, dense: &Dense<'_>) -> bool {
                let fits = match self {
                    $(Self::$name if Self::$name.is_built() => $fits(dense),)+
                    _ => false,
                };
                fits && (matches!(dense.rounding(), Rounding::Once) || self.rounds_twice())
            }

            /// Whether all parts that it needs are in this build.
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

            /// Whether it needs a part of this crate.
            pub(crate) const fn needs(self, feature: Feature) -> bool {
                match self {
                    $(Self::$name => matches!(feature, $(Feature::$feature)|+),)+
                }
            }

            /// How many bits its weights have.
            #[inline(always)]
            pub const fn weight_bits(self) -> WeightBits {
                match self {
                    $(Self::$name => WeightBits::$bits,)+
                }
            }
        }
    };
}

// The list. The order gives an algorithm its number in the file, so new ones come last.
algorithms! {
    /// Unit by unit. Weights: int8, `[unit][input]`.
    Rows { features: [DenseRows], bits: Eight, fits: any, }
    /// Four units at once. Weights: int8, `[four units][four inputs][unit][input]`, zero for units
    /// beyond the last.
    Quads { features: [DenseQuads], bits: Eight, fits: whole_quads, }
    /// The same with weights widened to int16, which saves a core with the DSP extension a third of
    /// its instructions: `[four units][input pair][unit][input of the pair]`.
    QuadsWide { features: [DenseQuadsWide], bits: Eight, fits: whole_quads, }
    /// As [`DenseAlgorithm::Rows`] with int4 weights, two inputs of a unit in a byte.
    RowsInt4 { features: [DenseRows, Int4], bits: Four, fits: any, }
    /// As [`DenseAlgorithm::Quads`] with int4 weights, two units in a byte.
    QuadsInt4 { features: [DenseQuads, Int4], bits: Four, fits: whole_quads, }
    /// Four units at once, two of them with one multiplication: `[four units][input][two units]` of
    /// words that are the weight of the first plus 2^16 times that of the second. No unit has a
    /// weight of -128 for both inputs of a pair.
    QuadsPaired { features: [DenseQuadsPaired], bits: Eight, fits: whole_quads, }
}

impl DenseAlgorithm {
    /// Whether it computes layers of [`Rounding::Twice`].
    const fn rounds_twice(self) -> bool {
        !self.weight_bits().is_int4()
    }
}

const fn any(_: &Dense<'_>) -> bool {
    true
}

const fn whole_quads(dense: &Dense<'_>) -> bool {
    dense.input.len().is_multiple_of(4)
}
