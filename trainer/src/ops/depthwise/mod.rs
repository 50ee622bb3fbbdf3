//! Depthwise convolution with bias, with the ReLU that follows it: each output channel reads one
//! channel of the input.

mod float;
mod plain;
mod windows;

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain, SQUARE};

use super::description::{padding_after, positive, positive_sides, windowed};
use super::lookup::of_burn;
use super::{
    Activation, BurnParameters, Description, Extent, FloatKind, Function, Lowered, Operator,
    OutputScale, Padding, Part, PlainKind, Problem, Rectifier, Scales, StageKind, Values,
    WEIGHTED_STEPS_MAX, WeightShape, Window,
};

/// A layer of the type `depthwise`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Kernel `n` or `[height, width]`.
    pub kernel: Extent,
    /// Step `n` or `[rows, columns]`; 1 when left out.
    #[serde(default)]
    pub stride: Extent,
    /// What is read beyond the edge; nothing when left out.
    #[serde(default)]
    pub padding: Padding,
    /// Output channels for each input channel; 1 when left out.
    #[serde(default = "one")]
    pub multiplier: u16,
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

pub(super) const fn one() -> u16 {
    1
}

/// A depthwise convolution with its ReLU.
///
/// Weights: `[kernel row][kernel column][output channel]`. Output channel `c` reads input channel
/// `c / multiplier`, where the multiplier is the number of output channels for each input channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Depthwise {
    /// What it reads.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Zeros above and left of the input (those below and right follow from the shapes).
    pub padding: [u16; 2],
    /// What cuts its values off.
    pub rectifier: Rectifier,
}

impl Description for Layer {
    const TYPE: &'static str = "depthwise";
    const NAME: &'static str = "depthwise";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("kernel", Values::Extent(1..=255)),
        ("stride", Values::Extent(1..=255)),
        ("padding", Values::PADDING),
        ("multiplier", Values::Whole(1..=65_535)),
        ("activation", Activation::VALUES),
    ];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        positive(self.multiplier, "multiplier")?;
        let kernel = positive_sides(self.kernel, "kernel")?;
        let stride = positive_sides(self.stride, "stride")?;
        let ([height, width], padding) =
            windowed(input, kernel.map(u16::from), stride, self.padding)?;
        let channels = input.channels.checked_mul(self.multiplier);
        let output = Shape::new(height, width, channels.ok_or(Problem::Channels)?);
        let rectifier = Rectifier::None;
        let depthwise = Depthwise { input, output, kernel, stride, padding, rectifier };
        Ok(Lowered::Operator(StageKind::Depthwise(depthwise)))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

impl Depthwise {
    fn taps(&self) -> usize {
        self.kernel.map(usize::from).iter().product()
    }

    fn multiplier(&self) -> usize {
        (self.output.channels / self.input.channels) as usize
    }
}

impl Operator for Depthwise {
    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn weights(&self) -> Option<WeightShape> {
        let (outputs, taps) = (self.output.channels as usize, self.taps());
        Some(WeightShape { outputs, taps, fan_out: taps * self.multiplier() })
    }

    fn macs(&self) -> u64 {
        self.output.len() as u64 * self.taps() as u64
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        let along = |axis: usize| {
            let [step, reach] = [self.stride[axis], self.kernel[axis]].map(i64::from);
            let padding = self.padding[axis] as i64;
            Window { step, reach, padding }
        };
        Some([along(0), along(1)])
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier = self.rectifier.and(rectifier);
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Calibrated { relu: self.rectifier.is_some(), steps_max: WEIGHTED_STEPS_MAX }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Depthwise(Float::new(self, part))
    }

    fn plain(&self, part: &Part, _: &Scales) -> PlainKind {
        let Self { kernel, stride, .. } = *self;
        PlainKind::Depthwise(Plain { kernel, stride, origin: part.inputs[0].origin })
    }

    fn oracle(
        &self,
        maps: &[Tensor<4>],
        parameters: &mut dyn FnMut() -> BurnParameters,
    ) -> Tensor<4> {
        let BurnParameters { weight, bias } = parameters();
        let [rows, columns] = self.kernel.map(usize::from);
        let kernel = weight.reshape([self.output.channels as usize, 1, rows, columns]);
        let padding = [0, 1].map(|axis| {
            let sides = |shape: Shape| [shape.height, shape.width][axis];
            let window = (self.kernel[axis], self.stride[axis], self.padding[axis]);
            padding_after(sides(self.input), sides(self.output), window)
        });
        let (stride, groups) = (self.stride.map(usize::from), self.input.channels as usize);
        let options = ConvOptions::new_with_padding(stride, padding, [1, 1], groups);
        let out = conv2d(maps[0].clone(), kernel, Some(bias), options);
        of_burn(Function::Rectify(self.rectifier), out)
    }
}
