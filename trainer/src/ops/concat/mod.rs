//! Maps side by side in their channels, and a map within a border of zeros.

mod float;
mod plain;

use burn::tensor::Tensor;
use infer::Shape;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

pub use float::Float;
pub use plain::{Algorithm, Plain};

use super::lookup::of_burn;
use super::{
    Activation, BurnParameters, Description, FloatKind, Function, Lowered, Operator, OutputScale,
    Padding, Part, PlainKind, Problem, Rectifier, Scales, StageKind, Values, Window,
};

/// A layer of the type `concat`: the channels of two maps or more, one after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A layer of the type `pad`: a map within a border of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pad {
    /// `[top, bottom, left, right]`.
    pub padding: Padding,
}

/// Two maps side by side, or one within a border.
#[derive(Clone, Debug, PartialEq)]
pub struct Concat {
    /// The maps that it reads, one or two. If there is one, the second has no channels.
    pub inputs: [Shape; INPUTS_MAX],
    /// Rows and columns of zeros above and left of each.
    pub padding: [u16; 2],
    /// What it leaves.
    pub output: Shape,
    /// What follows.
    pub rectifier: Rectifier,
}

impl Description for Layer {
    const TYPE: &'static str = "concat";
    const NAME: &'static str = "concat";
    const KEYS: &'static [(&'static str, Values)] = &[("activation", Activation::VALUES)];
    const INPUTS: usize = 2;
    const MORE_INPUTS: bool = true;

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let [first, second] = inputs;
        if [first.height, first.width] != [second.height, second.width] {
            let needed = "have as many rows and columns";
            return Err(Problem::ShapesDiffer { verb: "joins", shapes: inputs, needed });
        }
        let channels = first.channels.checked_add(second.channels).ok_or(Problem::Channels)?;
        let output = Shape::new(first.height, first.width, channels);
        let rectifier = Rectifier::None;
        let concat = Concat { inputs, padding: [0, 0], output, rectifier };
        Ok(Lowered::Operator(StageKind::Concat(concat)))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

impl Description for Pad {
    const TYPE: &'static str = "pad";
    const NAME: &'static str = "pad";
    const KEYS: &'static [(&'static str, Values)] = &[("padding", Values::PADDING)];

    fn lower(&self, [input, ..]: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let Padding::Each([top, bottom, left, right]) = self.padding else {
            return Err(Problem::Misplaced(
                "pad has no window to choose a border for: say padding = [top, bottom, left, \
                 right]",
            ));
        };
        let side = |length: u16, border: [u8; 2]| {
            let sum = length as u32 + border[0] as u32 + border[1] as u32;
            u16::try_from(sum).map_err(|_| Problem::TooLarge {
                what: "a side of the output",
                values: sum.into(),
                limit: u16::MAX.into(),
            })
        };
        let (height, width) =
            (side(input.height, [top, bottom])?, side(input.width, [left, right])?);
        let output = Shape::new(height, width, input.channels);
        let inputs = [input, Shape::new(0, 0, 0)];
        let padding = [top, left].map(u16::from);
        let rectifier = Rectifier::None;
        Ok(Lowered::Operator(StageKind::Concat(Concat { inputs, padding, output, rectifier })))
    }
}

impl Concat {
    /// Whether it reads one map.
    const fn is_pad(&self) -> bool {
        self.inputs[1].channels == 0
    }
}

impl Operator for Concat {
    fn input(&self, input: usize) -> Shape {
        self.inputs[input]
    }

    fn output(&self) -> Shape {
        self.output
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        Some(self.padding.map(|padding| Window { padding: padding.into(), ..Window::POINT }))
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    /// A padding leaves the values that it reads; the ReLU goes to the operator before it.
    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier =
            if self.is_pad() { Rectifier::None } else { self.rectifier.and(rectifier) };
        !self.is_pad()
    }

    fn commutes_with_relu(&self) -> bool {
        self.is_pad()
    }

    fn output_scale(&self) -> OutputScale {
        match self.is_pad() {
            true => OutputScale::OfInput,
            false => OutputScale::Calibrated {
                relu: self.rectifier.is_some(),
                steps_max: plain::STEPS_MAX,
            },
        }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Concat(Float::new(self, part))
    }

    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
        PlainKind::Concat(Plain::new(self, part, scales))
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        let out = match self.is_pad() {
            true => self.padded(maps[0].clone()),
            false => Tensor::cat(maps.to_vec(), 1),
        };
        of_burn(Function::Rectify(self.rectifier), out)
    }
}

impl Concat {
    /// A map within its border, by Burn.
    fn padded(&self, map: Tensor<4>) -> Tensor<4> {
        let [top, left] = self.padding.map(usize::from);
        let (input, output) = (self.inputs[0], self.output);
        let bottom = output.height as usize - input.height as usize - top;
        let right = output.width as usize - input.width as usize - left;
        let zeros = |map: &Tensor<4>, dim: usize, count: usize| {
            let mut dims = map.dims();
            dims[dim] = count;
            Tensor::<4>::zeros(dims, &map.device())
        };
        let mut out = map;
        for (dim, [before, after]) in [(2, [top, bottom]), (3, [left, right])] {
            let borders = [zeros(&out, dim, before), zeros(&out, dim, after)];
            let [first, last] = borders;
            let parts = [(before > 0, first), (true, out), (after > 0, last)];
            let parts = parts.into_iter().filter(|(is_there, _)| *is_there).map(|(_, part)| part);
            out = Tensor::cat(parts.collect(), dim);
        }
        out
    }
}
