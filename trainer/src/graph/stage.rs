//! Stages: what runs in one pass, every shape worked out.

use infer::Shape;
use infer::packing::WeightBits;

use crate::ops::{Operator, StageKind};

/// What runs in one pass: an operator with what joined it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Name of the stage's main layer.
    pub name: String,
    /// The tensors that it reads: 0 is the network's input, `n` what stage `n - 1` leaves.
    pub inputs: Vec<usize>,
    /// What it computes.
    pub kind: StageKind,
    /// How many bits its weights have.
    pub bits: WeightBits,
    /// Probability that a value that it leaves is left out while training.
    pub dropout: f32,
}

impl Stage {
    /// What it reads first.
    pub fn input(&self) -> Shape {
        self.kind.input(0)
    }

    /// What it leaves.
    pub fn output(&self) -> Shape {
        self.kind.output()
    }

    /// Number of weights: `[kernel rows][kernel columns][input channels][output channels]` of a
    /// convolution, `[inputs][units]` of a dense layer, none of a pooling.
    pub fn weight_count(&self) -> usize {
        self.kind.weights().map_or(0, |weights| weights.values())
    }

    /// Number of biases: one per output channel of a stage with weights.
    pub fn bias_count(&self) -> usize {
        self.kind.weights().map_or(0, |weights| weights.outputs)
    }

    /// Multiply-accumulates of the stage as described, every output computed.
    pub fn macs(&self) -> u64 {
        self.kind.macs()
    }
}
