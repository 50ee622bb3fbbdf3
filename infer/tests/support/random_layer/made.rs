//! Layers of random graphs, and what they are made of.

use infer::format::{OperatorRecord, OutputQuant, Tensor};
use infer::packing::WeightBits;
use infer::quant::ChannelParameters;

use super::{Random, in_bits};

/// A layer with its numbers.
pub struct Made {
    pub operator: OperatorRecord,
    pub output: Tensor,
    pub channels: Vec<ChannelParameters>,
    pub weights: Vec<u8>,
}

/// Steps of 1.0.
pub fn quant(zero_point: i8) -> OutputQuant {
    OutputQuant { scale: 1.0, zero_point }
}

/// Kernel, stride and origin of a window.
pub fn window(random: &mut Random) -> ([u8; 2], [u8; 2], [i16; 2]) {
    let kernel = random.pick(&[[3, 3], [3, 3], [1, 1], [2, 3], [5, 1]]);
    let stride = random.pick(&[[1, 1], [1, 1], [2, 2], [1, 2]]);
    let before = |side: u8, random: &mut Random| -(random.below(side as u32) as i16);
    (kernel, stride, [before(kernel[0], random), before(kernel[1], random)])
}

pub fn weights(random: &mut Random, bits: WeightBits, count: usize) -> Vec<i8> {
    (0..count).map(|_| in_bits(random.int8(), bits)).collect()
}

/// Multipliers with which many outputs of random weights lie between the ends of int8.
pub fn parameters(random: &mut Random, channels: u16, taps: usize) -> Vec<ChannelParameters> {
    let multiplier = ((1u64 << 32) / (64 * (taps as u64 + 4))) as i32;
    let mut bias = || random.below(2000) as i32 - 1000;
    let channel = |_| ChannelParameters { bias: bias(), multiplier, shift: None };
    (0..channels).map(channel).collect()
}
