//! A dense layer in integers: its record, as `infer` runs it, and its cost.

use infer::format::{DenseRecord, OperatorRecord};
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, Rounding};
use infer::{Dense, LayerProblem, Shape};

use super::Algorithm;
use crate::ops::{self, CALL, Choice, Mixing, PlainKind, PlainOperator, Running, Term};

/// A dense layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plain;

impl ops::Algorithm for Algorithm {
    fn name(self) -> String {
        format!("{self:?}")
    }

    fn formula(self) -> String {
        format!("Dense{self:?}")
    }

    fn weight_bits(self) -> WeightBits {
        self.weight_bits()
    }
}

impl PlainOperator for Plain {
    type Algorithm = Algorithm;

    fn algorithms() -> Vec<Algorithm> {
        Algorithm::ALL.to_vec()
    }

    /// Every unit reads the whole map.
    fn runs_by_rows(&self) -> bool {
        false
    }

    fn mixing(&self, _: Shape, _: Shape) -> Mixing {
        Mixing::All { is_padded: false }
    }

    fn record(&self, inputs: &[u8], algorithm: Algorithm) -> OperatorRecord {
        OperatorRecord::Dense(DenseRecord { input: inputs[0], algorithm })
    }
}

impl Running for Dense<'_> {
    fn choice(&self) -> Choice {
        Choice::Dense(self.algorithm)
    }

    fn plain(&self) -> PlainKind {
        PlainKind::Dense(Plain)
    }

    fn channels(&self) -> Vec<ChannelParameters> {
        self.channel_parameters().collect()
    }

    fn weights(&self) -> Vec<i8> {
        let row = |unit| (0..self.input.len()).map(move |input| self.weight(unit, input));
        (0..self.units as usize).flat_map(row).collect()
    }

    fn pack(&self, channels: &[u8], weights: &[i8]) -> Result<Vec<u8>, LayerProblem> {
        if !self.algorithm.fits(self) {
            return Err(LayerProblem::Algorithm);
        }
        let matrix = self.matrix();
        let mut packed = vec![0; matrix.packed_bytes() as usize];
        matrix.pack(weights, &mut packed).map_err(ops::refused)?;
        self.with_numbers(channels, &packed)?;
        Ok(packed)
    }

    fn terms(&self) -> Vec<Term> {
        let (units, inputs) = (self.units as f64, self.input.len() as f64);
        let (blocks, cut) = ((units / 4.0).ceil(), (units % 4.0).min(1.0));
        // Two vectors of inputs at a time, where that leaves none.
        let is_long = self.rounding() == Rounding::Twice && inputs % 32.0 == 0.0;
        vec![
            (CALL, 1.0),
            ("unit", units),
            ("product", units * inputs),
            ("rest", units * (inputs % 4.0)),
            ("few_product", if units < 4.0 { units * inputs } else { 0.0 }),
            ("chunk", if is_long { 0.0 } else { units * (inputs / 16.0).ceil() }),
            ("long_block", if is_long { blocks } else { 0.0 }),
            ("long_chunk", if is_long { blocks * inputs / 16.0 } else { 0.0 }),
            ("block", blocks),
            ("block_quad", blocks * (inputs / 4.0).floor()),
            ("cut_block", cut),
        ]
    }

    fn describe(&self) -> String {
        "dense".to_owned()
    }
}
