//! Softmax in integers, at the end of imported networks. Networks that are trained here answer with
//! the values before it.

use infer::Softmax;
use infer::format::{OperatorRecord, SoftmaxRecord};
use infer::quant::Factor;

use super::{CALL, Choice, PlainKind, PlainOperator, Running, Term};

/// A softmax; fields as in [`SoftmaxRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// A step of the input, in steps of `2^-26`.
    pub factor: Factor,
}

/// How a softmax is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Pixel by pixel.
    Direct,
}

impl super::Algorithm for Algorithm {
    fn name(self) -> String {
        "Softmax".to_owned()
    }

    fn formula(self) -> String {
        "Softmax".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        OperatorRecord::Softmax(SoftmaxRecord { input: inputs[0], factor: self.factor })
    }
}

impl Running for Softmax {
    fn choice(&self) -> Choice {
        Choice::Softmax(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        PlainKind::Softmax(Plain { factor: self.factor })
    }

    fn terms(&self) -> Vec<Term> {
        let values = self.input.len() as f64;
        let pixels = self.input.height as f64 * self.input.width as f64;
        vec![(CALL, 1.0), ("pixel", pixels), ("value", values)]
    }

    fn describe(&self) -> String {
        "softmax".to_owned()
    }
}
