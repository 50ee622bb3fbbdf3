//! The one list of the algorithms that compute a dense layer: what each needs of the build and
//! which layers it fits.

use serde::{Deserialize, Serialize};

use super::Dense;
use crate::features::Feature;

/// Makes the enum of algorithms and what is asked of each.
macro_rules! algorithms {
    ($($(#[doc = $doc:literal])+ $name:ident { feature: $feature:ident, fits: $fits:ident, })+) => {
        /// How a dense layer is computed, and so how its weights lie.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum DenseAlgorithm {
            $($(#[doc = $doc])+ $name,)+
        }

        impl DenseAlgorithm {
            /// All of them.
            pub const ALL: [Self; [$(Self::$name),+].len()] = [$(Self::$name),+];

            /// Whether the algorithm computes a layer of this shape.
            pub const fn fits(self, dense: &Dense<'_>) -> bool {
                match self {
                    $(Self::$name => $fits(dense),)+
                }
            }

            /// Whether any of them is in this build.
            pub(crate) const fn any_is_built() -> bool {
                $(Self::$name.is_built())||+
            }

            /// The part of this crate that it is.
            pub(crate) const fn feature(self) -> Feature {
                match self {
                    $(Self::$name => Feature::$feature,)+
                }
            }
        }
    };
}

// The list. The order gives an algorithm its number in the file, so new ones come last.
algorithms! {
    /// Unit by unit. Weights: int8, `[unit][input]`.
    Rows { feature: DenseRows, fits: any, }
    /// Four units at once. Weights: int8, `[four units][four inputs][unit][input]`, zero for units
    /// beyond the last.
    Quads { feature: DenseQuads, fits: whole_quads, }
    /// The same with weights widened to int16, which saves a core with the DSP extension a third of
    /// its instructions: `[four units][input pair][unit][input of the pair]`.
    QuadsWide { feature: DenseQuadsWide, fits: whole_quads, }
}

impl DenseAlgorithm {
    /// Whether it is in this build.
    pub const fn is_built(self) -> bool {
        self.feature().is_built()
    }
}

const fn any(_: &Dense<'_>) -> bool {
    true
}

const fn whole_quads(dense: &Dense<'_>) -> bool {
    dense.input.len().is_multiple_of(4)
}
