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
        OperatorRecord::Dense(DenseRecord::new(inputs[0], algorithm))
    }
}

/// Whether a layer is a dense one whose units have one multiplier and shift: then the file has both
/// once, which no kernel is slower with.
pub fn is_per_tensor(kind: &PlainKind, channels: &[ChannelParameters]) -> bool {
    matches!(kind, PlainKind::Dense(_)) && have_one_factor(channels)
}

/// The record of a layer; it says so where the units have one multiplier and shift.
pub fn with_factors(record: OperatorRecord, channels: &[ChannelParameters]) -> OperatorRecord {
    match record {
        OperatorRecord::Dense(dense) => {
            let is_per_tensor = have_one_factor(channels);
            OperatorRecord::Dense(DenseRecord { is_per_tensor, ..dense })
        }
        other => other,
    }
}

/// The biases, then the one multiplier and shift, as the file has them.
pub fn per_tensor_bytes(channels: &[ChannelParameters]) -> Vec<u8> {
    let biases = channels.iter().flat_map(|channel| channel.bias.to_le_bytes());
    let first = channels.iter().take(1);
    let factor = first.flat_map(|ChannelParameters { multiplier, shift, .. }| {
        let [m0, m1, m2, m3] = multiplier.to_le_bytes();
        [m0, m1, m2, m3, shift.unwrap_or_default() as u8]
    });
    biases.chain(factor).collect()
}

/// Whether there are two units or more, with two roundings, and they have one multiplier and shift.
fn have_one_factor(channels: &[ChannelParameters]) -> bool {
    let factor = |channel: &ChannelParameters| (channel.multiplier, channel.shift);
    match channels {
        [first, others @ ..] if !others.is_empty() && first.shift.is_some() => {
            others.iter().all(|channel| factor(channel) == factor(first))
        }
        _ => false,
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
        let has_own_factors = self.rounding() == Rounding::Twice && !self.is_per_tensor;
        vec![
            (CALL, 1.0),
            ("unit", units),
            ("own_factor", if has_own_factors { units } else { 0.0 }),
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

#[cfg(test)]
mod tests {
    use infer::format::{OutputQuant, Tensor};

    use super::*;
    use crate::plain_model::{Edge, PlainLayer};

    /// A layer of four inputs with these multipliers, and a shift if it is to have two roundings.
    fn layer(multipliers: &[i32], shift: Option<i8>) -> PlainLayer {
        let quant = OutputQuant { scale: 1.0, zero_point: 0 };
        let tensor = |values| Tensor { shape: Shape::vector(values), quant };
        let channel =
            |multiplier: &i32| ChannelParameters { bias: 1, multiplier: *multiplier, shift };
        PlainLayer {
            name: "dense1".to_owned(),
            inputs: vec![Edge { number: 0, tensor: tensor(4) }],
            output: tensor(multipliers.len() as u16),
            kind: PlainKind::Dense(Plain),
            channels: multipliers.iter().map(channel).collect(),
            weights: vec![1; 4 * multipliers.len()],
            bits: WeightBits::Eight,
        }
    }

    /// One multiplier and shift are in the file once, where there are two roundings and two units.
    #[test]
    fn equal_factors_are_kept_once() {
        const NORMAL: i32 = 1 << 30;
        for (multipliers, shift, is_per_tensor, bytes) in [
            (&[NORMAL, NORMAL, NORMAL][..], Some(-3), true, 3 * 4 + 5),
            (&[NORMAL, NORMAL, NORMAL + 1], Some(-3), false, 3 * 9),
            (&[NORMAL], Some(-3), false, 9),
            (&[NORMAL, NORMAL], None, false, 2 * 8),
        ] {
            let layer = layer(multipliers, shift);
            assert_eq!(layer.channel_bytes().len(), bytes);
            let choice = Choice::Dense(Algorithm::Rows);
            assert!(layer.packed(choice).is_ok(), "{multipliers:?}");
            let infer::LayerKind::Dense(dense) = layer.kind(choice) else {
                panic!("a dense layer")
            };
            assert_eq!(dense.is_per_tensor, is_per_tensor, "{multipliers:?}");
        }
    }
}
