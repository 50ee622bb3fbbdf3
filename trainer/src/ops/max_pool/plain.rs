//! A pooling in integers: its record, as `infer` runs it, and its cost.

use infer::format::{MaxPoolRecord, OperatorRecord};
use infer::{MaxPool, Shape};

use crate::ops::{self, CALL, Choice, Mixing, PlainKind, PlainOperator, Running, Term};

/// Maximum over windows; fields as in [`MaxPoolRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column at which the first window begins.
    pub origin: [u16; 2],
}

/// How a pooling is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Window by window.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "MaxPool".to_owned()
    }

    fn formula(self) -> String {
        "MaxPool".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn mixing(&self, _: Shape, _: Shape) -> Mixing {
        Mixing::Same
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        let Self { size, stride, origin } = *self;
        OperatorRecord::MaxPool(MaxPoolRecord { input: inputs[0], size, stride, origin })
    }
}

/// Values that the compiler takes at once where it makes vectors of the loop.
const VECTOR_VALUES: f64 = 16.0;

impl Running for MaxPool {
    fn choice(&self) -> Choice {
        Choice::MaxPool(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { size, stride, origin, .. } = *self;
        PlainKind::MaxPool(Plain { size, stride, origin })
    }

    /// Channel by channel, or, where the compiler makes vectors of them, by 16 and what is left.
    fn terms(&self) -> Vec<Term> {
        let pixels = self.output.height as f64 * self.output.width as f64;
        let [rows, columns] = self.size.map(f64::from);
        let channels = self.output.channels as f64;
        vec![
            (CALL, 1.0),
            ("pixel", pixels),
            ("output", pixels * channels),
            ("window_row", pixels * rows),
            ("window_pixel", pixels * rows * columns),
            ("value", pixels * rows * columns * channels),
            ("chunk", pixels * rows * columns * (channels / VECTOR_VALUES).floor()),
            ("left_value", pixels * rows * columns * (channels % VECTOR_VALUES)),
        ]
    }

    fn describe(&self) -> String {
        let by = |[rows, columns]: [u8; 2]| format!("{rows}x{columns}");
        format!("max pool {} stride {}", by(self.size), by(self.stride))
    }
}
