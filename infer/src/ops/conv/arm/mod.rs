//! Convolution on this build's core: which kernel runs which algorithm.

#[cfg(kindling_backend = "armv6m")]
mod direct;
mod in_place;
mod paired;
mod single_channel;
#[cfg(kindling_backend = "mve")]
mod vector;

#[cfg(not(kindling_backend = "armv6m"))]
use super::portable::largest_of_four as four_patches;
#[cfg(not(kindling_backend = "mve"))]
use super::unpacked;
use super::winograd;
use super::{Algorithm, Conv, Kernels, portable};
use crate::arm::is_at_word;
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::CortexM;
#[cfg(kindling_backend = "armv6m")]
use direct::largest_of_four as four_patches;
use in_place::InPlace;

impl Kernels for CortexM {
    /// Does nothing unless all slices are as the layer states.
    fn run(conv: &Conv<'_>, Buffers { input, scratch, output, .. }: Buffers<'_>) {
        if !is_as_stated(conv, input, scratch, output) {
            return;
        }
        match conv.algorithm {
            Algorithm::Direct if Feature::Direct.is_built() => {
                portable::direct(conv, input, scratch, output, four_patches)
            }
            Algorithm::DirectInPlace if Feature::DirectInPlace.is_built() => {
                super::in_place::conv(conv, input, output, InPlace)
            }
            #[cfg(kindling_backend = "mve")]
            Algorithm::DirectVector | Algorithm::DirectVectorInt4 if conv.algorithm.is_built() => {
                vector::conv(conv, input, scratch, output)
            }
            #[cfg(not(kindling_backend = "mve"))]
            Algorithm::DirectVector | Algorithm::DirectVectorInt4 if conv.algorithm.is_built() => {
                unpacked::conv(conv, input, scratch, output)
            }
            Algorithm::DirectPaired | Algorithm::DirectPairedInt4 if conv.algorithm.is_built() => {
                paired::conv(conv, input, scratch, output)
            }
            #[cfg(kindling_dsp)]
            Algorithm::DirectPairedWide if conv.algorithm.is_built() => {
                paired::conv(conv, input, scratch, output)
            }
            #[cfg(not(kindling_dsp))]
            Algorithm::DirectPairedWide if conv.algorithm.is_built() => {
                unpacked::conv(conv, input, scratch, output)
            }
            Algorithm::SingleChannel | Algorithm::SingleChannelInt4
                if conv.algorithm.is_built() =>
            {
                single_channel::conv(conv, input, scratch, output)
            }
            Algorithm::Direct
            | Algorithm::DirectInPlace
            | Algorithm::DirectPaired
            | Algorithm::DirectPairedInt4
            | Algorithm::DirectPairedWide
            | Algorithm::DirectVector
            | Algorithm::DirectVectorInt4
            | Algorithm::SingleChannel
            | Algorithm::SingleChannelInt4 => (),
            Algorithm::WinogradF2
            | Algorithm::WinogradF4
            | Algorithm::WinogradF2OnTheFly
            | Algorithm::WinogradF4OnTheFly => {
                winograd::conv::<winograd::arm::CortexM>(conv, input, scratch, output);
            }
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
        && conv.channels.len() == conv.rounding().channel_bytes() * channels
        && conv.weights.len() as u64 == conv.filters().packed_bytes()
        && is_at_word(scratch)
        && is_at_word(conv.weights)
        && is_at_word(conv.channels)
}
