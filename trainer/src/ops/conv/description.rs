//! A convolution as a description writes it.

use infer::Shape;
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

use super::{Conv, reach};
use crate::ops::description::{at_most, positive, positive_sides, windowed};
use crate::ops::{
    Activation, Description, Extent, Lowered, Padding, Problem, Rectifier, StageKind, Values,
    is_int8,
};

/// Most values of an input with its padding: those of the sixteen images that training takes at
/// once are counted in 32 bits.
const PADDED_LIMIT: u64 = 1 << 27;

/// A layer of the type `conv`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Output channels.
    pub filters: u16,
    /// Kernel `n` or `[height, width]`.
    pub kernel: Extent,
    /// Step `n` or `[rows, columns]`; 1 when left out.
    #[serde(default)]
    pub stride: Extent,
    /// Step from one tap to the next `n` or `[rows, columns]`; 1 when left out.
    #[serde(default)]
    pub dilation: Extent,
    /// What is read beyond the edge; nothing when left out.
    #[serde(default)]
    pub padding: Padding,
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// How many bits its weights have; int8 when left out.
    #[serde(default, skip_serializing_if = "is_int8")]
    pub weights: WeightBits,
}

impl Description for Layer {
    const TYPE: &'static str = "conv";
    const NAME: &'static str = "conv";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("filters", Values::Whole(1..=65_535)),
        ("kernel", Values::Extent(1..=255)),
        ("stride", Values::Extent(1..=255)),
        ("dilation", Values::Extent(1..=255)),
        ("padding", Values::PADDING),
        ("activation", Activation::VALUES),
        ("weights", Values::WEIGHT_BITS),
    ];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        positive(self.filters, "filters")?;
        let kernel = positive_sides(self.kernel, "kernel")?;
        let stride = positive_sides(self.stride, "stride")?;
        let dilation = positive_sides(self.dilation, "dilation")?;
        if dilation[1] > 1 && kernel[0] > 1 && kernel[1] > 1 {
            return Err(Problem::Misplaced(
                "a kernel of several rows and columns has its columns side by side: say \
                 dilation = [rows, 1]",
            ));
        }
        let reach = reach(kernel, dilation);
        let ([height, width], padding) = windowed(input, reach, stride, self.padding)?;
        let convolved = Shape::new(height, width, self.filters);
        at_most(PADDED_LIMIT, "the padded input", padded_values(input, convolved, reach, stride))?;
        Ok(Lowered::Operator(StageKind::Conv(Conv {
            input,
            convolved,
            output: convolved,
            kernel,
            stride,
            dilation,
            padding,
            rectifier: Rectifier::None,
            pool: None,
        })))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }

    fn weight_bits(&self) -> WeightBits {
        self.weights
    }
}

/// Values of the input with all that the kernel reads around it.
fn padded_values(input: Shape, convolved: Shape, reach: [u16; 2], stride: [u8; 2]) -> u64 {
    let side = |length: u16, outputs: u16, axis: usize| {
        let read = (outputs as u64 - 1) * stride[axis] as u64 + reach[axis] as u64;
        read.max(length as u64)
    };
    let rows = side(input.height, convolved.height, 0);
    rows * side(input.width, convolved.width, 1) * input.channels as u64
}
