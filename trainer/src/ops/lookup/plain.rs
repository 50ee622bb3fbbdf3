//! A function of one value in integers: its table, its record, as `infer` runs it, and its cost.

use infer::format::{LookupRecord, OperatorRecord, OutputQuant};
use infer::{LayerProblem, Lookup, Shape};

use crate::ops::{self, CALL, Choice, Function, Mixing, PlainKind, PlainOperator, Running, Term};

/// A lookup; fields as in [`LookupRecord`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain {
    /// Row and column of the input under the first output.
    pub origin: [u16; 2],
}

/// The answers of a function to all values: that to value `v` at place `v as u8`.
pub fn table(function: Function, input: OutputQuant, output: OutputQuant) -> Vec<i8> {
    let answer = |place: u8| {
        let real = input.scale as f64 * (place as i8 as f64 - input.zero_point as f64);
        let steps = (function.at(real) / output.scale as f64).round();
        (steps + output.zero_point as f64).clamp(-128.0, 127.0) as i8
    };
    (0..=u8::MAX).map(answer).collect()
}

/// How a lookup is computed: there is one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// Value by value.
    Direct,
}

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        "Lookup".to_owned()
    }

    fn formula(self) -> String {
        "Lookup".to_owned()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        vec![Algorithm::Direct]
    }

    fn mixing(&self, _: Shape, _: Shape) -> Mixing {
        Mixing::Table
    }

    fn record(&self, inputs: &[u8], _: Algorithm) -> OperatorRecord {
        OperatorRecord::Lookup(LookupRecord { input: inputs[0], origin: self.origin })
    }
}

impl Running for Lookup<'_> {
    fn choice(&self) -> Choice {
        Choice::Lookup(Algorithm::Direct)
    }

    fn plain(&self) -> PlainKind {
        PlainKind::Lookup(Plain { origin: self.origin })
    }

    fn weights(&self) -> Vec<i8> {
        self.table().iter().map(|answer| *answer as i8).collect()
    }

    fn pack(&self, _: &[u8], table: &[i8]) -> Result<Vec<u8>, LayerProblem> {
        let table: Vec<u8> = table.iter().map(|answer| *answer as u8).collect();
        self.with_table(&table)?;
        Ok(table)
    }

    fn terms(&self) -> Vec<Term> {
        let (rows, values) = (self.output.height as f64, self.output.len() as f64);
        vec![(CALL, 1.0), ("row", rows), ("value", values)]
    }

    fn describe(&self) -> String {
        "lookup".to_owned()
    }
}
