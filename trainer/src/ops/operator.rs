//! What an operator is once its shapes are known, whatever numbers it works on.

use burn::tensor::Tensor;
use infer::Shape;
use infer::format::OutputQuant;
use infer::schedule::INPUTS_MAX;

use super::{FloatKind, PlainKind, Rectifier, StageKind};

/// See [`OutputScale::Calibrated`], where a multiplier below 2^31 stands for the scales of input
/// and weights over the output's, times 2^32.
pub const WEIGHTED_STEPS_MAX: f64 = 0.499_999;

/// Most taps with which 16 times a sum of products of int4 weights stays in 32 bits, as cores that
/// multiply pairs compute it: `16 * 128 * 8 * taps < 2^31`.
pub const INT4_TAPS_MAX: usize = (1 << 17) - 1;

/// An operator with its shapes worked out, and with what joined it.
pub trait Operator {
    /// The map that is its input number `input`, from 0.
    fn input(&self, input: usize) -> Shape;

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

    /// What each output reads of its input number `input`, along rows and along columns; `None`
    /// where every output reads all of it.
    fn windows(&self, input: usize) -> Option<[Window; 2]>;

    /// Takes in the operator that reads what this one leaves, if both run in one pass.
    fn take_in(&mut self, _next: &StageKind) -> bool {
        false
    }

    /// What cuts its values off.
    fn rectifier(&self) -> Rectifier {
        Rectifier::None
    }

    /// Takes in what cuts its values off, if it can.
    fn rectify(&mut self, _rectifier: Rectifier) -> bool {
        false
    }

    /// Whether a ReLU before it makes of every map what one after it makes.
    fn commutes_with_relu(&self) -> bool {
        false
    }

    /// How the scale of its output comes about.
    fn output_scale(&self) -> OutputScale;

    /// Whether its weights can be int4.
    fn has_int4(&self) -> bool {
        false
    }

    /// The operator on the part of its maps that is computed, laid out for float kernels.
    fn float(&self, part: &Part) -> FloatKind;

    /// The operator on the part of its maps that is computed, in integers of these scales.
    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind;

    /// The table of its answers in these scales, for an operator that has one.
    fn table(&self, _scales: &Scales) -> Option<Vec<i8>> {
        None
    }

    /// Burn's forward pass of maps `[image, channel, row, column]`, as many as it reads: what the
    /// kernels are tested against. `parameters` gives the operator's weights and bias, for those
    /// that have any.
    fn oracle(
        &self,
        maps: &[Tensor<4>],
        parameters: &mut dyn FnMut() -> BurnParameters,
    ) -> Tensor<4>;
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
    /// Zeros before the input.
    pub padding: i64,
}

impl Window {
    /// An output reads the input under it.
    pub const POINT: Self = Self { step: 1, reach: 1, padding: 0 };
}

/// How the scale of an output comes about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OutputScale {
    /// It is that of the input: the values are.
    OfInput,
    /// It is this one, whatever comes in.
    Fixed(OutputQuant),
    /// From the range that calibration saw, of products of values of both inputs.
    Product {
        /// Whether a ReLU cuts the output: its smallest value then is 0.
        relu: bool,
    },
    /// From the range that calibration saw.
    Calibrated {
        /// Whether a ReLU cuts the output: its smallest value then is 0.
        relu: bool,
        /// The most output steps that one step of an input may be, times the largest weight in
        /// units of the weights' scale where there are weights: more has no multiplier.
        steps_max: f64,
    },
}

/// How the maps of an operator are quantised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// What it reads; as many as it reads count.
    pub inputs: [OutputQuant; INPUTS_MAX],
    /// What it leaves.
    pub output: OutputQuant,
}

/// The part of an operator's maps that is computed, because somebody reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it reads; as many as it reads count.
    pub inputs: [Source; INPUTS_MAX],
    /// What it leaves.
    pub output: Shape,
}

/// What of a map an operator reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The part of the map that is computed.
    pub shape: Shape,
    /// Its row and column under the first tap of the first output; negative where padding is read.
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
