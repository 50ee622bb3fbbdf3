//! Weights in the order in which the map's gradient reads them: a block of channels after the
//! other.

use super::vector::LANES;
use super::{Aligned, Reach};

/// Weights of a convolution whose channels come in sixteens.
#[derive(Clone, Debug)]
pub struct ChannelBlocks {
    /// How a position reads its taps.
    pub reach: Reach,
    /// `[channel / 16][output][tap row][tap column][channel % 16]`.
    pub weights: Aligned,
    outputs: usize,
}

impl ChannelBlocks {
    /// Packs `rows`, `[output][tap row][tap column][channel]`; `None` where channels do not come in
    /// sixteens, or there is one tap only, whose weights are in order as they are.
    pub fn new(rows: &[f32], outputs: usize, reach: Reach) -> Option<Self> {
        let taps = reach.rows * reach.columns();
        if taps == 1 || !reach.channels.is_multiple_of(LANES) {
            return None;
        }
        let mut blocks = Self { reach, weights: Aligned::zeros(rows.len()), outputs };
        let (block_step, output_step) = (blocks.block_step(), blocks.output_step());
        for (output, row) in rows.chunks_exact(reach.taps()).enumerate() {
            for (tap, channels) in row.chunks_exact(reach.channels).enumerate() {
                for (block, channels) in channels.as_chunks::<LANES>().0.iter().enumerate() {
                    let place = block * block_step + output * output_step + tap * LANES;
                    blocks.weights[place..][..LANES].copy_from_slice(channels);
                }
            }
        }
        Some(blocks)
    }

    /// Floats from one output's weights to the next's.
    pub fn output_step(&self) -> usize {
        self.reach.rows * self.reach.columns() * LANES
    }

    /// Floats of a block.
    pub fn block_step(&self) -> usize {
        self.outputs * self.output_step()
    }
}
