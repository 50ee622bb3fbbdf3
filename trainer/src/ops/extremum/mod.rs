//! The larger or the smaller of two maps, value by value, with the ReLU that follows it.

use burn::tensor::Tensor;
use infer::format::{ExtremumRecord, OperatorRecord};
use infer::schedule::INPUTS_MAX;
use infer::{Extremum as Runs, Shape};
use serde::{Deserialize, Serialize};

use super::add::{STEPS_MAX, scaling};
use super::float::rows_of;
use super::lookup::of_burn;
use super::{
    Activation, Buffers, BurnParameters, CALL, Choice, Description, FloatKind, FloatOperator,
    Function, InputGradients, Inputs, Lowered, Operator, OutputScale, Part, Pass, PlainKind,
    PlainOperator, Problem, Rectifier, Running, Scales, Source, StageKind, Term, Values, Window,
};
use crate::kernels::Gradient;

/// A layer of the type `maximum` or `minimum`: the larger or the smaller value of two maps of one
/// shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer<const IS_LEAST: bool> {
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

/// A layer of the type `maximum`.
pub type Maximum = Layer<false>;

/// A layer of the type `minimum`.
pub type Minimum = Layer<true>;

impl<const IS_LEAST: bool> Description for Layer<IS_LEAST> {
    const TYPE: &'static str = name(IS_LEAST);
    const NAME: &'static str = name(IS_LEAST);
    const KEYS: &'static [(&'static str, Values)] = &[("activation", Activation::VALUES)];
    const INPUTS: usize = 2;

    fn lower(&self, shapes: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let [shape, second] = shapes;
        if shape != second {
            let needed = "have one shape";
            return Err(Problem::ShapesDiffer { verb: "compares", shapes, needed });
        }
        let extremum = Extremum { shape, is_least: IS_LEAST, rectifier: Rectifier::None };
        Ok(Lowered::Operator(StageKind::Extremum(extremum)))
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

const fn name(is_least: bool) -> &'static str {
    if is_least { "minimum" } else { "maximum" }
}

/// The larger or the smaller of two maps, with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct Extremum {
    /// Each map it reads, and what it leaves.
    pub shape: Shape,
    /// Whether it is the smaller.
    pub is_least: bool,
    /// What cuts its values off.
    pub rectifier: Rectifier,
}

impl Operator for Extremum {
    fn input(&self, _: usize) -> Shape {
        self.shape
    }

    fn output(&self) -> Shape {
        self.shape
    }

    fn windows(&self, _: usize) -> Option<[Window; 2]> {
        Some([Window::POINT; 2])
    }

    fn rectifier(&self) -> Rectifier {
        self.rectifier
    }

    fn rectify(&mut self, rectifier: Rectifier) -> bool {
        self.rectifier = self.rectifier.and(rectifier);
        true
    }

    fn output_scale(&self) -> OutputScale {
        OutputScale::Calibrated { relu: self.rectifier.is_some(), steps_max: STEPS_MAX }
    }

    fn float(&self, part: &Part) -> FloatKind {
        FloatKind::Extremum(Float {
            inputs: part.inputs,
            output: part.output,
            is_least: self.is_least,
            relu: self.rectifier.is_some(),
        })
    }

    fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
        let (multipliers, shift) = scaling(&scales.inputs, scales.output);
        // It reads no padding.
        let origins = part.inputs.map(|input| input.origin.map(i16::unsigned_abs));
        PlainKind::Extremum(Plain { origins, multipliers, shift, is_least: self.is_least })
    }

    fn oracle(&self, maps: &[Tensor<4>], _: &mut dyn FnMut() -> BurnParameters) -> Tensor<4> {
        let (first, second) = (maps[0].clone(), maps[1].clone());
        let chosen = match self.is_least {
            true => first.min_pair(second),
            false => first.max_pair(second),
        };
        of_burn(Function::Rectify(self.rectifier), chosen)
    }
}

/// The larger or the smaller of float maps, and where its rows lie in the maps that it reads.
#[derive(Clone, Debug)]
pub struct Float {
    inputs: [Source; INPUTS_MAX],
    output: Shape,
    is_least: bool,
    /// Whether a ReLU follows.
    relu: bool,
}

impl Float {
    /// Where each row begins in the maps of the first and of the second input.
    fn rows(&self, images: usize) -> impl Iterator<Item = (usize, usize)> {
        let [first, second] = self.inputs.each_ref();
        rows_of(first, self.output, images).zip(rows_of(second, self.output, images))
    }

    /// Whether the first value is the one; of equal ones it is, as in Burn.
    fn is_first(&self, a: f32, b: f32) -> bool {
        if self.is_least { a <= b } else { a >= b }
    }
}

impl FloatOperator for Float {
    fn output(&self) -> Shape {
        self.output
    }

    fn relu(&self) -> bool {
        self.relu
    }

    fn buffers(&self, _: usize) -> Buffers {
        Buffers::default()
    }

    fn forward(&self, pass: &mut Pass<'_>, [first, second]: Inputs<'_>, output: &mut [f32]) {
        let row_len = self.output.row_len();
        let least = if self.relu { 0.0 } else { f32::NEG_INFINITY };
        for (output, (a, b)) in output.chunks_exact_mut(row_len).zip(self.rows(pass.images)) {
            let pairs = first[a..a + row_len].iter().zip(&second[b..b + row_len]);
            for (output, (a, b)) in output.iter_mut().zip(pairs) {
                *output = if self.is_first(*a, *b) { *a } else { *b }.max(least);
            }
        }
    }

    fn backward(
        &self,
        pass: &mut Pass<'_>,
        [first, second]: Inputs<'_>,
        output_gradient: &[f32],
        _: &mut Gradient,
        [to_first, to_second]: InputGradients<'_>,
    ) {
        let row_len = self.output.row_len();
        let rows = output_gradient.chunks_exact(row_len).zip(self.rows(pass.images));
        for (gradients, (a, b)) in rows {
            for (column, gradient) in gradients.iter().enumerate() {
                let (a, b) = (a + column, b + column);
                let (sums, at) = match self.is_first(first[a], second[b]) {
                    true => (&mut *to_first, a),
                    false => (&mut *to_second, b),
                };
                // No sums where nobody asks for the gradient.
                if let Some(sum) = sums.get_mut(at) {
                    *sum += gradient;
                }
            }
        }
    }
}

/// The larger or the smaller in integers; fields as in [`ExtremumRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Row and column of each input under the first output.
    pub origins: [[u16; 2]; INPUTS_MAX],
    /// Scale of each input in scales of the output, times `2^shift`.
    pub multipliers: [i16; INPUTS_MAX],
    /// See `multipliers`.
    pub shift: u8,
    /// Whether it is the smaller.
    pub is_least: bool,
}

/// How it is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Value by value.
    Direct,
}

impl super::Algorithm for Algorithm {
    fn name(self) -> String {
        "Extremum".to_owned()
    }

    fn formula(self) -> String {
        "Extremum".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let Self { origins, multipliers, shift, is_least } = *self;
        let inputs = [inputs[0], inputs[1]];
        let record = ExtremumRecord { inputs, origins, multipliers, shift, is_least };
        OperatorRecord::Extremum(record)
    }
}

impl Running for Runs {
    fn choice(&self) -> Choice {
        Choice::Extremum(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { origins, multipliers, shift, is_least, .. } = *self;
        PlainKind::Extremum(Plain { origins, multipliers, shift, is_least })
    }

    fn terms(&self) -> Vec<Term> {
        let (rows, values) = (self.output.height as f64, self.output.len() as f64);
        vec![(CALL, 1.0), ("row", rows), ("value", values)]
    }

    fn describe(&self) -> String {
        name(self.is_least).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use crate::train::tests::graphs::assert_gradients_of;

    /// Of maps that differ, and of maps that are equal in many places.
    #[test]
    fn gradients_are_those_of_automatic_differentiation() {
        for name in ["maximum", "minimum"] {
            for maps in [
                "a=conv 3 3 1 same @input; b=conv 3 1 1 same @input",
                "a=conv 3 3 1 same @input; b=relu @a",
            ] {
                for relu in ["", " relu"] {
                    let layers = format!("{maps}; c={name} @a,b{relu}; d=dense 3 @c");
                    assert_gradients_of([7, 6, 2], &layers);
                }
            }
        }
    }
}
