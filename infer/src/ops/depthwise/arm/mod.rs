//! Depthwise convolution on this build's core, some channels at once; the loop is in assembly, for
//! each class of cores.
//!
//! ```text
//! for each pixel, for each block of 2 (Armv6-M), 4 or 8 (vector extension) channels:
//!     sums = starts of the channels
//!     for each tap inside of the map: sums += input * weight, channel by channel
//!     outputs = requantise(sums)
//! ```
//!
//! Cores without vectors take a block of channels for all pixels before the next: see `block`, and
//! `pixel` for a single pixel. With the DSP extension 3x3 has a loop of its own: see `square`. With
//! vectors, blocks of many pixels of a 3x3 kernel are computed channel by channel: see `lanes`. The
//! last block ends with the last channel; where it overlaps the one before, it makes the same
//! values again. Layers with fewer channels than a block, or with several outputs for each channel
//! of the input, are computed by the portable loop, as are pixels all of whose taps are padding.
//! Sums stay in 32 bits: see [`portable`](super::portable). Layers with two roundings have loops of
//! their own: see [`twice`].
#![allow(unsafe_code)]

#[cfg(not(kindling_backend = "mve"))]
mod block;
#[cfg(kindling_backend = "mve")]
mod lanes;
#[cfg(not(kindling_backend = "armv6m"))]
mod pixel;
#[cfg(kindling_backend = "mve")]
mod runs;
#[cfg(kindling_backend = "dsp")]
mod square;
#[cfg(kindling_backend = "mve")]
mod starts;
mod twice;

#[cfg(kindling_backend = "mve")]
use super::portable::{each_block, each_run_of, pixels};
use super::{Depthwise, Kernels};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::CortexM;
use crate::quant::Rounding;

#[cfg(kindling_backend = "mve")]
crate::arm::vector_assembly!("mve.s", "mve_twice.s", "mve_lanes.s", "mve_pixel.s", "mve_starts.s");
#[cfg(kindling_backend = "dsp")]
crate::arm::assembly!("armv7.s", "pixel.s", "dsp_square.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("armv7.s", "pixel.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Channels of a block.
const BLOCK: usize = if cfg!(kindling_backend = "mve") {
    8
} else if cfg!(kindling_backend = "armv6m") {
    2
} else {
    4
};

impl Kernels for CortexM {
    fn run(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
        if Feature::Depthwise.is_built() {
            #[cfg(not(kindling_backend = "armv6m"))]
            if pixel::depthwise(depthwise, buffers.input, buffers.output) {
                return;
            }
            #[cfg(kindling_backend = "dsp")]
            if square::depthwise(depthwise, buffers.input, buffers.output) {
                return;
            }
            match depthwise.rounding() {
                Rounding::Once => once(depthwise, buffers),
                Rounding::Twice => twice::depthwise(depthwise, buffers),
            }
        }
    }
}

#[cfg(not(kindling_backend = "mve"))]
#[inline(always)]
fn once(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
    block::depthwise(depthwise, true, buffers);
}

#[cfg(kindling_backend = "mve")]
#[inline(always)]
fn once(depthwise: &Depthwise<'_>, buffers: Buffers<'_>) {
    each_block(depthwise, buffers, starts::write, |depthwise, block, output| {
        if lanes::fits(depthwise, block, output) {
            return lanes::block(depthwise, block, lanes::Finish::Once, output);
        }
        each_run_of(depthwise, block, output, |depthwise, run, out| {
            match runs::has_blocks(depthwise, run, out) {
                true => runs::blocks(depthwise, run, out),
                false => pixels(depthwise, run, out),
            }
        });
    });
}
