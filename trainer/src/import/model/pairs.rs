//! Sums, differences, products and extremes of two maps, or of a map and constants.

use infer::Shape;
use infer::format::{OutputQuant, Scaling, Tensor};
use infer::quant;

use super::layer::{Made, all_values, channel, pointwise};
use super::lowering::Lowering;
use super::value::{Value, quant as quant_of, sides, turn_shape};
use crate::import::tflite::reference::{Extremum, Factor, Misfit, Node, Prelu, Product, Sum};
use crate::ops::{PlainKind, add, extremum, mul};
use crate::plain_model::Edge;

/// What one side of a pair is.
#[derive(Clone)]
enum Operand {
    Map(Value),
    /// A number for each channel, or one for all.
    Constant(Vec<i8>, OutputQuant),
}

/// Shift of a factor of 1.
const EXTREMUM_SHIFT: u8 = 14;

/// The factor of the larger scale of two that are added.
const HALF: quant::Factor = quant::Factor { multiplier: 1 << 30, shift: 0 };

/// The factor of a sum of values that have its scale: `2 * scale / (2^20 * scale)`.
const OF_EQUAL_SCALES: quant::Factor = quant::Factor { multiplier: 1 << 30, shift: -18 };

impl Lowering<'_, '_> {
    /// A sum, or a difference where `sign` is -1.
    pub fn sum(&mut self, node: Node<'_>, sign: i32) -> Result<Value, Misfit> {
        let sum = Sum::new(node, sign)?;
        let operands = [self.operand(node, 0)?, self.operand(node, 1)?];
        if let Some(value) = self.of_one(node, &operands, |a, b| sum.value(a, b))? {
            return Ok(value);
        }
        let [first, second] = operands;
        let second = if sign < 0 { self.negated(node, &sum, second)? } else { second };
        let (pair, turned, shape) = self.maps(node, [first, second])?;
        let [a, b] = [self.spread(node, pair[0], shape)?, self.spread(node, pair[1], shape)?];
        let [of_a, of_b, of_sum] = sum.factors().map(factor);
        let scaling = if of_a == HALF {
            Scaling::twice(1, [of_b, of_sum])
        } else {
            Scaling::twice(0, [of_a, of_sum])
        };
        let kind = PlainKind::Add(add::Plain { origins: [[0, 0]; 2], scaling });
        let output = Tensor { shape, quant: quant_of(node.output()?)? };
        self.finish(node, vec![a, b], turned, Made::plain("", kind, output))
    }

    pub fn product(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let product = Product::new(node)?;
        let operands = [self.operand(node, 0)?, self.operand(node, 1)?];
        if let Some(value) = self.of_one(node, &operands, |a, b| product.value(a, b))? {
            return Ok(value);
        }
        if let Some(value) = self.scaled(node, &operands, product.factor())? {
            return Ok(value);
        }
        let ([mut a, mut b], turned, shape) = self.maps(node, operands)?;
        if is_pixel(a) && !is_pixel(b) {
            (a, b) = (b, a);
        }
        a = self.spread(node, a, shape)?;
        let is_by_channel = is_pixel(b) && b.tensor.shape.channels == shape.channels;
        if !is_by_channel {
            b = self.spread(node, b, shape)?;
        }
        let quant::Factor { multiplier, shift } = factor(product.factor());
        let origins = [[0, 0]; 2];
        let kind = PlainKind::Mul(mul::Plain { origins, multiplier, shift: Some(shift) });
        let output = Tensor { shape, quant: quant_of(node.output()?)? };
        self.finish(node, vec![a, b], turned, Made::plain("", kind, output))
    }

    /// The larger of two values, or the smaller where `is_least`; all have one scale.
    pub fn extremum(&mut self, node: Node<'_>, is_least: bool) -> Result<Value, Misfit> {
        let extremum = Extremum::new(node, is_least)?;
        let operands = [self.operand(node, 0)?, self.operand(node, 1)?];
        if let Some(value) = self.of_one(node, &operands, |a, b| extremum.value(a, b))? {
            return Ok(value);
        }
        let (pair, turned, shape) = self.maps(node, operands)?;
        let inputs = vec![self.spread(node, pair[0], shape)?, self.spread(node, pair[1], shape)?];
        let multipliers = [1 << EXTREMUM_SHIFT; 2];
        let (origins, shift) = ([[0, 0]; 2], EXTREMUM_SHIFT);
        let plain = extremum::Plain { origins, multipliers, shift, is_least };
        let output = Tensor { shape, quant: quant_of(node.output()?)? };
        self.finish(node, inputs, turned, Made::plain("", PlainKind::Extremum(plain), output))
    }

    /// A factor of negative values for each channel. One value of each pair that is added stands
    /// for 0, so that the sum is exact.
    ///
    /// ```text
    /// output = max(x, 0) of the output's scale + min(x, 0) * alpha
    /// ```
    pub fn prelu(&mut self, node: Node<'_>) -> Result<Value, Misfit> {
        let prelu = Prelu::new(node)?;
        let Operand::Constant(alpha, of_alpha) = self.operand(node, 1)? else {
            return Err(Misfit::NotConstant);
        };
        let Some(first) = alpha.first().copied() else { return Err(Misfit::Count) };
        if alpha.iter().all(|alpha| *alpha == first) {
            let value = self.in_place(node)?;
            let output = Tensor { shape: value.shape(), quant: quant_of(node.output()?)? };
            let made = Made::lookup("", output, |value| prelu.value(value, first));
            let edge = self.push(node, vec![value.edge], made);
            return Ok(Value { edge, ..value });
        }
        let value = self.value(node, 0)?;
        let (input, zero_point) = (value.edge.tensor, value.zero_point());
        let is_by_channel = alpha.len() == usize::from(input.shape.channels);
        if !is_by_channel || value.turned.is_none() {
            return Err(Misfit::Broadcast);
        }
        let output = Tensor { quant: quant_of(node.output()?)?, ..input };
        let positive = |value: i8| prelu.value(value.max(zero_point), first);
        let positive = Made::lookup("positive", output, positive);
        let positive = self.push(node, vec![value.edge], positive);
        let negative = Made::lookup("negative", input, |value| value.min(zero_point));
        let negative = self.push(node, vec![value.edge], negative);
        let slopes = self.push(node, vec![negative], Made::constant(&alpha, of_alpha)?);
        let quant::Factor { multiplier, shift } = factor(prelu.factor_of_negative());
        let product = mul::Plain { origins: [[0, 0]; 2], multiplier, shift: Some(shift) };
        let product = Made::plain("product", PlainKind::Mul(product), output);
        let product = self.push(node, vec![negative, slopes], product);
        let scaling = Scaling::twice(1, [HALF, OF_EQUAL_SCALES]);
        let sum = PlainKind::Add(add::Plain { origins: [[0, 0]; 2], scaling });
        let edges = vec![positive, product];
        self.finish(node, edges, value.turned, Made::plain("", sum, output))
    }

    fn operand(&self, node: Node<'_>, input: usize) -> Result<Operand, Misfit> {
        let tensor = node.input(input)?;
        let Some(data) = tensor.data else { return self.value(node, input).map(Operand::Map) };
        let values: Vec<i8> = data.iter().map(|byte| *byte as i8).collect();
        let shape = sides(&tensor.shape)?;
        let is_by_channel = [shape.height, shape.width] == [1, 1];
        is_by_channel
            .then_some(Operand::Constant(values, quant_of(tensor)?))
            .ok_or(Misfit::Broadcast)
    }

    /// A map and one number, or a map with itself: a function of one value.
    fn of_one(
        &mut self,
        node: Node<'_>,
        operands: &[Operand; 2],
        answer: impl Fn(i8, i8) -> i8,
    ) -> Result<Option<Value>, Misfit> {
        let (value, answers): (_, Vec<i8>) = match operands {
            [Operand::Map(value), Operand::Constant(constants, _)] if constants.len() == 1 => {
                (value, all_values().map(|value| answer(value, constants[0])).collect())
            }
            [Operand::Constant(constants, _), Operand::Map(value)] if constants.len() == 1 => {
                (value, all_values().map(|value| answer(constants[0], value)).collect())
            }
            [Operand::Map(a), Operand::Map(b)] if a.edge.number == b.edge.number => {
                (a, all_values().map(|value| answer(value, value)).collect())
            }
            _ => return Ok(None),
        };
        if value.shape().len() != node.output()?.elements() {
            return Err(Misfit::Broadcast);
        }
        let output = Tensor { shape: value.shape(), quant: quant_of(node.output()?)? };
        let made = Made::lookup("", output, |value| answers[usize::from(value as u8)]);
        let edge = self.push(node, vec![value.edge], made);
        Ok(Some(Value { edge, ..*value }))
    }

    /// A number for each channel: the weights of a layer, where they fit.
    fn scaled(
        &mut self,
        node: Node<'_>,
        operands: &[Operand; 2],
        factor: Factor,
    ) -> Result<Option<Value>, Misfit> {
        let (value, constants, quant) = match operands {
            [Operand::Map(value), Operand::Constant(constants, quant)]
            | [Operand::Constant(constants, quant), Operand::Map(value)] => {
                (value, constants, quant)
            }
            _ => return Ok(None),
        };
        let weight = |value: &i8| i32::from(*value) - i32::from(quant.zero_point);
        let weights = constants.iter().map(|value| i8::try_from(weight(value)).ok());
        let Some(weights) = weights.collect::<Option<Vec<_>>>() else { return Ok(None) };
        if constants.len() != usize::from(value.shape().channels) {
            return Ok(None);
        }
        let zero_point = value.zero_point().into();
        let channels = weights.iter().map(|weight| channel(0, factor, zero_point, &[*weight]));
        let channels = channels.collect::<Result<_, _>>()?;
        let output = Tensor { shape: value.shape(), quant: quant_of(node.output()?)? };
        let made = Made { channels, weights, ..Made::plain("", pointwise(), output) };
        self.finish(node, vec![value.edge], value.turned, made).map(Some)
    }

    /// Both as maps, with the shape of what they make and whether it is turned.
    fn maps(
        &mut self,
        node: Node<'_>,
        operands: [Operand; 2],
    ) -> Result<([Edge; 2], Option<bool>, Shape), Misfit> {
        let (maps, turned) = match operands {
            [Operand::Map(a), Operand::Map(b)] => {
                let is_first = a.shape().len() >= b.shape().len();
                ([a.edge, b.edge], if is_first { a.turned } else { b.turned })
            }
            [Operand::Map(a), Operand::Constant(values, quant)] => {
                ([a.edge, self.constant(node, a.edge, &values, quant)?], a.turned)
            }
            [Operand::Constant(values, quant), Operand::Map(b)] => {
                ([self.constant(node, b.edge, &values, quant)?, b.edge], b.turned)
            }
            _ => return Err(Misfit::Constant),
        };
        let [a, b] = maps.map(|edge| edge.tensor.shape);
        let output = &node.output()?.shape;
        match turned {
            Some(turned) => Ok((maps, Some(turned), turn_shape(sides(output)?, turned))),
            None if a == b && a.len() == node.output()?.elements() => Ok((maps, None, a)),
            None => Err(Misfit::Reshaped),
        }
    }

    /// A pixel of constants.
    fn constant(
        &mut self,
        node: Node<'_>,
        near: Edge,
        values: &[i8],
        quant: OutputQuant,
    ) -> Result<Edge, Misfit> {
        let channels = usize::from(near.tensor.shape.channels);
        if channels != values.len() && channels != 1 {
            return Err(Misfit::Broadcast);
        }
        Ok(self.push(node, vec![near], Made::constant(values, quant)?))
    }

    /// A map of this shape from one with a side of 1 in places.
    fn spread(&mut self, node: Node<'_>, mut edge: Edge, to: Shape) -> Result<Edge, Misfit> {
        if edge.tensor.shape.channels != to.channels {
            if edge.tensor.shape.channels != 1 {
                return Err(Misfit::Broadcast);
            }
            edge = self.push(node, vec![edge], Made::repeated(edge.tensor, to.channels));
        }
        if edge.tensor.shape == to {
            return Ok(edge);
        }
        let made = Made::spread(edge.tensor, [to.height, to.width])?;
        Ok(self.push(node, vec![edge], made))
    }

    /// What is taken off, so that it can be added: `-(v - zero point)` is `!v - !zero point`.
    fn negated(
        &mut self,
        node: Node<'_>,
        difference: &Sum,
        operand: Operand,
    ) -> Result<Operand, Misfit> {
        if !difference.is_symmetrical() {
            return Err(Misfit::Range);
        }
        let not = |quant: OutputQuant| OutputQuant { zero_point: !quant.zero_point, ..quant };
        Ok(match operand {
            Operand::Constant(values, quant) => {
                Operand::Constant(values.iter().map(|value| !value).collect(), not(quant))
            }
            Operand::Map(value) => {
                let tensor = value.edge.tensor;
                let output = Tensor { quant: not(tensor.quant), ..tensor };
                let made = Made::lookup("negated", output, |value| !value);
                let edge = self.push(node, vec![value.edge], made);
                Operand::Map(Value { edge, ..value })
            }
        })
    }
}

/// A factor as a model has it; its shift is between -31 and 30.
pub(super) fn factor(factor: Factor) -> quant::Factor {
    quant::Factor { multiplier: factor.multiplier, shift: factor.shift as i8 }
}

fn is_pixel(edge: Edge) -> bool {
    [edge.tensor.shape.height, edge.tensor.shape.width] == [1, 1]
}
