//! The kernel set of this build's core: which kernel runs which algorithm.

#[cfg(kindling_backend = "mve")]
use super::vector;
use super::{dense, paired, single_channel, winograd};
use crate::features::Feature;
use crate::format::{Algorithm, DenseAlgorithm};
#[cfg(not(kindling_backend = "mve"))]
use crate::kernels::unpacked;
use crate::kernels::{Kernels, Portable, in_place, portable, winograd as algorithm};
use crate::layer::{Conv, Dense, MaxPool};

/// Kernels for this build's core.
pub struct CortexM;

impl Kernels for CortexM {
    const NAME: &'static str = super::NAME;
    const ALIGNMENT_BYTES: usize = 4;

    /// Does nothing unless all slices are as the layer states.
    fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]) {
        if !is_as_stated(conv, input, scratch, output) {
            return;
        }
        match conv.algorithm {
            Algorithm::Direct if Feature::Direct.is_built() => {
                portable::direct(conv, input, scratch, output)
            }
            Algorithm::DirectInPlace if Feature::DirectInPlace.is_built() => {
                in_place::conv(conv, input, output)
            }
            #[cfg(kindling_backend = "mve")]
            Algorithm::DirectVector if Feature::DirectVector.is_built() => {
                vector::conv(conv, input, scratch, output)
            }
            #[cfg(not(kindling_backend = "mve"))]
            Algorithm::DirectVector if Feature::DirectVector.is_built() => {
                unpacked::conv(conv, input, scratch, output)
            }
            Algorithm::DirectPaired if Feature::DirectPaired.is_built() => {
                paired::conv(conv, input, scratch, output)
            }
            Algorithm::SingleChannel if Feature::SingleChannel.is_built() => {
                single_channel::conv(conv, input, scratch, output)
            }
            Algorithm::Direct
            | Algorithm::DirectInPlace
            | Algorithm::DirectPaired
            | Algorithm::DirectVector
            | Algorithm::SingleChannel => (),
            Algorithm::WinogradF2
            | Algorithm::WinogradF4
            | Algorithm::WinogradF2OnTheFly
            | Algorithm::WinogradF4OnTheFly => {
                algorithm::conv::<winograd::CortexM>(conv, input, scratch, output);
            }
        }
    }

    fn max_pool(pool: &MaxPool, input: &[i8], output: &mut [i8]) {
        if !Feature::MaxPool.is_built() {
            return;
        }
        Portable::max_pool(pool, input, output);
    }

    #[allow(unreachable_patterns)]
    fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]) {
        match dense.algorithm {
            #[cfg(kindling_backend = "mve")]
            DenseAlgorithm::Rows if Feature::DenseRows.is_built() => {
                vector::dense(dense, input, output)
            }
            #[cfg(not(kindling_backend = "mve"))]
            DenseAlgorithm::Rows if Feature::DenseRows.is_built() => {
                portable::rows(dense, input, output)
            }
            DenseAlgorithm::Rows => (),
            #[cfg(kindling_backend = "armv6m")]
            DenseAlgorithm::QuadsWide if Feature::DenseQuadsWide.is_built() => {
                unpacked::dense(dense, input, output);
            }
            DenseAlgorithm::Quads | DenseAlgorithm::QuadsWide => dense::dense(dense, input, output),
        }
    }
}

/// Whether all slices have the sizes the layer states, and begin at whole words.
fn is_as_stated(conv: &Conv<'_>, input: &[i8], scratch: &[i8], output: &[i8]) -> bool {
    let channels = conv.output.channels as usize;
    conv.algorithm.fits(conv)
        && input.len() == conv.input.len()
        && output.len() == conv.output.len()
        && scratch.len() == conv.scratch_bytes()
        && conv.channels.len() == 8 * channels
        && conv.weights.len() as u64 == conv.filters().packed_bytes()
        && is_at_word(scratch)
        && is_at_word(conv.weights)
        && is_at_word(conv.channels)
}

/// Whether the bytes, if there are any, begin at a whole word.
pub(super) fn is_at_word<Byte>(bytes: &[Byte]) -> bool {
    bytes.is_empty() || bytes.as_ptr().addr().is_multiple_of(4)
}
