//! An average pooling in integers: its record, as `infer` runs it, and its cost.

use infer::format::{AveragePoolRecord, OperatorRecord};
use infer::{AveragePool, Shape};

use crate::ops::{self, CALL, Choice, Mixing, PlainKind, PlainOperator, Running, Term};

/// Average over windows; fields as in [`AveragePoolRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Window rows and columns.
    pub size: [u16; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Input row and column at which the first window begins.
    pub origin: [i16; 2],
}

/// How an average pooling is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Window by window.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "AveragePool".to_owned()
    }

    fn formula(self) -> String {
        "AveragePool".to_owned()
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
        let input = inputs[0];
        OperatorRecord::AveragePool(AveragePoolRecord { input, size, stride, origin })
    }
}

impl Running for AveragePool {
    fn choice(&self) -> Choice {
        Choice::AveragePool(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        let Self { size, stride, origin, .. } = *self;
        PlainKind::AveragePool(Plain { size, stride, origin })
    }

    /// By blocks of eight channels, and one by one those that are left.
    fn terms(&self) -> Vec<Term> {
        let pixels = self.output.height as f64 * self.output.width as f64;
        let [rows, columns] = self.size.map(f64::from);
        let channels = self.output.channels;
        let (eights, ones) = ((channels / 8) as f64, (channels % 8) as f64);
        vec![
            (CALL, 1.0),
            ("pixel", pixels),
            ("eight", pixels * eights),
            ("eight_row", pixels * rows * eights),
            ("eight_pixel", pixels * rows * columns * eights),
            ("one", pixels * ones),
            ("one_row", pixels * rows * ones),
            ("one_pixel", pixels * rows * columns * ones),
        ]
    }

    fn describe(&self) -> String {
        let [rows, columns] = self.size;
        match self.output.height == 1 && self.output.width == 1 {
            true => format!("average of {rows}x{columns}"),
            false => {
                format!(
                    "average pool {rows}x{columns} stride {}x{}",
                    self.stride[0], self.stride[1]
                )
            }
        }
    }
}
