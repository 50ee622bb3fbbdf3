//! What an operator is once its shapes are known, whatever numbers it works on.

use burn::tensor::Tensor;
use infer::Shape;

use super::{FloatKind, PlainKind, StageKind};

/// An operator with its shapes worked out, and with what joined it.
pub trait Operator {
    /// The map it reads.
    fn input(&self) -> Shape;

    /// The map it leaves.
    fn output(&self) -> Shape;

    /// Its weights; `None` where it has none.
    fn weights(&self) -> Option<WeightShape> {
        None
    }

    /// Multiply-accumulates as described, every output computed.
    fn macs(&self) -> u64 {
        0
    }

    /// What each output reads of the input, along rows and along columns; `None` where every output
    /// reads all of it.
    fn windows(&self) -> Option<[Window; 2]>;

    /// Takes in the operator that reads what this one leaves, if both run in one pass.
    fn take_in(&mut self, _next: &StageKind) -> bool {
        false
    }

    /// Takes in a ReLU that follows; where not, the operator commutes with it, and the one before
    /// is asked.
    fn take_in_relu(&mut self) -> bool {
        false
    }

    /// How the scale of its output comes about.
    fn output_scale(&self) -> OutputScale;

    /// The operator on the part of its maps that is computed, laid out for float kernels.
    fn float(&self, part: &Part) -> FloatKind;

    /// The operator on the part of its maps that is computed, in integers.
    fn plain(&self, part: &Part) -> PlainKind;

    /// Burn's forward pass of maps `[image, channel, row, column]`: what the kernels are tested
    /// against. `parameters` gives the operator's weights and bias, for those that have any.
    fn oracle(&self, map: Tensor<4>, parameters: &mut dyn FnMut() -> BurnParameters) -> Tensor<4>;
}

/// Shape of an operator's weights: `outputs` rows of `taps`, one bias per output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightShape {
    /// Outputs, and biases.
    pub outputs: usize,
    /// Weights of an output: what it reads, the fan in.
    pub taps: usize,
    /// Outputs that read a value of the input.
    pub fan_out: usize,
}

impl WeightShape {
    /// Weights.
    pub const fn values(&self) -> usize {
        self.outputs * self.taps
    }
}

/// Along one side: output `o` reads input `o * step - padding .. o * step - padding + reach`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// From one output to the next.
    pub step: i64,
    /// Inputs that an output reads.
    pub reach: i64,
    /// Zeros in front of the input.
    pub padding: i64,
}

/// How the scale of an output comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputScale {
    /// It is that of the input: the values are.
    OfInput,
    /// From the range that calibration saw.
    Calibrated {
        /// Whether a ReLU cuts the output: its smallest value then is 0.
        relu: bool,
    },
}

/// The part of an operator's maps that is computed, because somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it reads.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// Row and column of the input under the first tap of the first output; negative where padding
    /// is read.
    pub origin: [i16; 2],
}

/// Weights and bias as Burn holds them.
#[derive(Clone, Debug)]
pub struct BurnParameters {
    /// `[output, tap]`.
    pub weight: Tensor<2>,
    /// `[output]`.
    pub bias: Tensor<1>,
}
