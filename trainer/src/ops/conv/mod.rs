//! Two-dimensional convolution with bias, with the ReLU and the max pooling that follow it.

mod description;
mod float;
mod oracle;
mod plain;
mod terms;
mod transposed;

use burn::tensor::Tensor;
use infer::Shape;

pub use description::Layer;
pub use float::Float;
pub use infer::format::Algorithm;
pub use plain::Plain;

use super::max_pool::Pooling;
use super::{
    BurnParameters, FloatKind, INT4_TAPS_MAX, Operator, OutputScale, Part, PlainKind, Rectifier,
    Scales, StageKind, WEIGHTED_STEPS_MAX, WeightShape, Window,
};

/// A convolution with what follows it. The order of ReLU and pooling does not matter: both are
/// monotone.
///
/// Weights: `[kernel row][kernel column][input channel][output channel]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// What it reads.
    pub input: Shape,
    /// The convolution's output before pooling.
    pub convolved: Shape,
    /// What it leaves after pooling; `convolved` without pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Step from one tap to the next in rows and columns.
    pub dilation: [u8; 2],
    /// Zeros above and left of the input (those below and right follow from the shapes).
    pub padding: [u16; 2],
    /// What cuts its values off.
    pub rectifier: Rectifier,
    /// The pooling that follows.
    pub pool: Option<Pooling>,
}

impl Conv {
    /// Rows and columns of the pooling window; 1, 1 without pooling.
    pub fn pool_size(&self) -> [u8; 2] {
        self.pool.map_or([1, 1], |pool| pool.size)
    }

    /// Rows and columns from the first tap to the last.
    pub fn reach(&self) -> [u16; 2] {
        reach(self.kernel, self.dilation)
    }

    fn area(&self) -> usize {
        self.kernel.map(usize::from).iter().product()
    }
}

/// Rows and columns from the first tap of a kernel to its last.
fn reach(kernel: [u8; 2], dilation: [u8; 2]) -> [u16; 2] {
    [0, 1].map(|axis| (kernel[axis] as u16 - 1) * dilation[axis] as u16 + 1)
}

impl Operator for Conv {
    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn weights(&self) -> Option<WeightShape> {
        let [inputs, outputs] = [self.input.channels, self.output.channels].map(usize::from);
        Some(WeightShape { outputs, taps: self.area() * inputs, fan_out: self.area() * outputs })
    }

    fn macs(&self) -> u64 {
        self.convolved.len() as u64 * self.area() as u64 * self.input.channels as u64
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        let along = |axis: usize| {
            let (pool, stride) = (self.pool_size()[axis] as i64, self.stride[axis] as i64);
            Window {
                step: pool * stride,
                reach: (pool - 1) * stride + self.reach()[axis] as i64,
                padding: self.padding[axis] as i64,
            }
        };
        Some([along(0), along(1)])
    }

    /// A pooling whose windows do not overlap, if there is none yet.
    fn take_in(&mut self, next: &StageKind) -> bool {
        match next {
            StageKind::MaxPool(next)
                if self.pool.is_none() && next.pool.size == next.pool.stride =>
            {
                (self.pool, self.output) = (Some(next.pool), next.output);
                true
            }
            _ => false,
        }
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

    fn has_int4(&self) -> bool {
        self.area() * self.input.channels as usize <= INT4_TAPS_MAX
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Conv(Float::new(self, part))
    }

    fn plain(&self, part: &Part, _: &Scales) -> PlainKind {
        let Self { kernel, stride, dilation, .. } = *self;
        let (origin, pool) = (part.inputs[0].origin, self.pool_size());
        PlainKind::Conv(Plain { kernel, stride, dilation, origin, pool })
    }

    fn oracle(
        &self,
        maps: &[Tensor<4>],
        parameters: &mut dyn FnMut() -> BurnParameters,
    ) -> Tensor<4> {
        oracle::forward(self, maps[0].clone(), parameters())
    }
}
