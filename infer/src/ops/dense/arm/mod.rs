//! Dense layers on this build's core: which kernel runs which algorithm.

mod quads;
#[cfg(kindling_backend = "mve")]
mod vector;

use super::portable;
use super::{Dense, DenseAlgorithm, Kernels};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::CortexM;
#[cfg(kindling_backend = "mve")]
use crate::quant::{Requantise, Rounding};

impl Kernels for CortexM {
    #[allow(unreachable_patterns)]
    fn run(dense: &Dense<'_>, Buffers { input, output, .. }: Buffers<'_>) {
        match dense.algorithm {
            #[cfg(kindling_backend = "mve")]
            DenseAlgorithm::Rows if Feature::DenseRows.is_built() => match dense.rounding() {
                Rounding::Once => vector::dense(dense, input, output),
                Rounding::Twice => vector::dense_twice(dense, input, output),
            },
            DenseAlgorithm::Rows if Feature::DenseRows.is_built() => {
                portable::rows(dense, input, output)
            }
            DenseAlgorithm::RowsInt4 if dense.algorithm.is_built() => {
                portable::rows_int4(dense, input, output)
            }
            DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4 => (),
            #[cfg(not(kindling_dsp))]
            DenseAlgorithm::QuadsWide if Feature::DenseQuadsWide.is_built() => {
                portable::quads(dense, input, output);
            }
            #[cfg(kindling_dsp)]
            DenseAlgorithm::QuadsPaired if Feature::DenseQuadsPaired.is_built() => {
                portable::quads(dense, input, output);
            }
            DenseAlgorithm::Quads
            | DenseAlgorithm::QuadsWide
            | DenseAlgorithm::QuadsInt4
            | DenseAlgorithm::QuadsPaired => quads::dense(dense, input, output),
        }
    }
}

/// A layer of [`DenseAlgorithm::Rows`] with the vector extension, and a convolution that is one.
#[cfg(kindling_backend = "mve")]
#[inline(always)]
pub(crate) fn vector_rows<Rounded: Requantise>(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
    match Rounded::ROUNDING {
        Rounding::Once => vector::dense(dense, input, output),
        Rounding::Twice => vector::dense_twice(dense, input, output),
    }
}
