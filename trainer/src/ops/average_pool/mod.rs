//! The average over windows, or over a whole map.

mod float;
mod plain;

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::description::{padding_after, positive_sides, windowed};
use super::{
    BurnParameters, Description, Extent, FloatKind, Lowered, Operator, OutputScale, Padding, Part,
    PlainKind, Problem, Scales, StageKind, Values, Window,
};

/// A layer of the type `average_pool`: the average over a window, in which padding does not
/// count; incomplete windows at the right and bottom are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Window `n` or `[height, width]`; the whole map when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<Extent>,
    /// Step; the window's size when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Extent>,
    /// What is read beyond the edge; nothing when left out.
    #[serde(default)]
    pub padding: Padding,
}

/// An average pooling.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool {
    /// What it reads.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// Window rows and columns.
    pub size: [u16; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Rows and columns of padding above and left of the input.
    pub padding: [u16; 2],
}

impl Description for Layer {
    const TYPE: &'static str = "average_pool";
    const NAME: &'static str = "average";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("size", Values::Extent(1..=255)),
        ("stride", Values::Extent(1..=255)),
        ("padding", Values::PADDING),
    ];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let Some(size) = self.size else { return Ok(AveragePool::global(input).lowered()) };
        let size = positive_sides(size, "size")?;
        let stride = positive_sides(self.stride.unwrap_or(size.into()), "stride")?;
        if let Padding::Each([top, bottom, left, right]) = self.padding {
            for ([before, after], size) in [[top, bottom], [left, right]].into_iter().zip(size) {
                if before.max(after) >= size {
                    return Err(Problem::NothingButPadding { before, after, size });
                }
            }
        }
        let size = size.map(u16::from);
        let ([height, width], padding) = windowed(input, size, stride, self.padding)?;
        let output = Shape::new(height, width, input.channels);
        Ok(AveragePool { input, output, size, stride, padding }.lowered())
    }
}

impl AveragePool {
    /// The average of a whole map.
    const fn global(input: Shape) -> Self {
        let (output, size) = (Shape::vector(input.channels), [input.height, input.width]);
        Self { input, output, size, stride: [1, 1], padding: [0, 0] }
    }

    fn lowered(self) -> Lowered {
        Lowered::Operator(StageKind::AveragePool(self))
    }

    /// The sums over windows, by Burn: a depthwise convolution with ones.
    fn sums(&self, map: Tensor<4>) -> Tensor<4> {
        let [_, channels, _, _] = map.dims();
        let [rows, columns] = self.size.map(usize::from);
        let ones = Tensor::ones([channels, 1, rows, columns], &map.device());
        let padding = [0, 1].map(|axis| {
            let side = |shape: Shape| [shape.height, shape.width][axis];
            let window = (self.size[axis], self.stride[axis], self.padding[axis]);
            padding_after(side(self.input), side(self.output), window)
        });
        let stride = self.stride.map(usize::from);
        let options = ConvOptions::new_with_padding(stride, padding, [1, 1], channels);
        conv2d(map, ones, None, options)
    }
}

impl Operator for AveragePool {
    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        let along = |axis: usize| Window {
            step: self.stride[axis] as i64,
            reach: self.size[axis] as i64,
            padding: self.padding[axis] as i64,
        };
        Some([along(0), along(1)])
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::OfInput
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::AveragePool(Float::new(self, part))
    }

    fn plain(&self, part: &Part, _: &Scales) -> PlainKind {
        let Self { size, stride, .. } = *self;
        PlainKind::AveragePool(Plain { size, stride, origin: part.inputs[0].origin })
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        let [images, channels, rows, columns] = maps[0].dims();
        let ones = Tensor::ones([images, channels, rows, columns], &maps[0].device());
        self.sums(maps[0].clone()) / self.sums(ones)
    }
}
