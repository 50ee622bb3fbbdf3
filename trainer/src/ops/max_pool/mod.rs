//! The maximum over windows, where no convolution takes it in.

mod float;
mod plain;

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::description::{positive_sides, windowed};
use super::{
    BurnParameters, Description, Extent, FloatKind, Lowered, Operator, OutputScale, Padding, Part,
    PlainKind, Problem, Scales, StageKind, Values, Window,
};

/// A layer of the type `max_pool`: the maximum over a window; incomplete windows at the right and
/// bottom are dropped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// Window `n` or `[height, width]`.
    pub size: Extent,
    /// Step; the window's size when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Extent>,
}

/// Window and step of a pooling, rows before columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
}

/// A pooling on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool {
    /// What it reads.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// Window and step.
    pub pool: Pooling,
}

impl Description for Layer {
    const TYPE: &'static str = "max_pool";
    const NAME: &'static str = "pool";
    const KEYS: &'static [(&'static str, Values)] =
        &[("size", Values::Extent(1..=255)), ("stride", Values::Extent(1..=255))];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let size = positive_sides(self.size, "size")?;
        let stride = positive_sides(self.stride.unwrap_or(self.size), "stride")?;
        let ([height, width], _) = windowed(input, size.map(u16::from), stride, Padding::Valid)?;
        let output = Shape::new(height, width, input.channels);
        let pool = Pooling { size, stride };
        Ok(Lowered::Operator(StageKind::MaxPool(MaxPool { input, output, pool })))
    }
}

impl Operator for MaxPool {
    fn input(&self, _: usize) -> Shape {
        self.input
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        let Pooling { size, stride } = self.pool;
        let along = |axis: usize| {
            let (step, reach) = (stride[axis] as i64, size[axis] as i64);
            Window { step, reach, padding: 0 }
        };
        Some([along(0), along(1)])
    }

    fn commutes_with_relu(&self) -> bool {
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::OfInput
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::MaxPool(Float::new(self.pool, part))
    }

    /// A pooling reads no padding, so its windows begin inside of the map.
    fn plain(&self, part: &Part, _: &Scales) -> PlainKind {
        let Pooling { size, stride } = self.pool;
        let origin = part.inputs[0].origin.map(i16::unsigned_abs);
        PlainKind::MaxPool(Plain { size, stride, origin })
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        largest(maps[0].clone(), self.pool)
    }
}

/// The pooling of a map by Burn.
pub fn largest(map: Tensor<4>, pool: Pooling) -> Tensor<4> {
    let options = MaxPoolOptions::new(pool.size.map(usize::from));
    max_pool2d(map, options.with_stride(pool.stride.map(usize::from)))
}
