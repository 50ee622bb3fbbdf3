//! An operator among its tensors, as kernels ask for them.

use super::super::network::{ElementType, Network, Quantisation, Tensor};
use super::super::operator::{Activation, Kind, Operator};
use super::super::shapes::order_of;
use super::super::slices::Slice;
use super::error::Misfit;

/// An operator of a network.
#[derive(Clone, Copy)]
pub struct Node<'n> {
    pub network: &'n Network<'n>,
    pub operator: &'n Operator,
}

/// Scale and zero point of a map of int8: the scale is positive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Affine {
    pub scale: f32,
    pub zero_point: i32,
}

/// Where results go: a zero point, and the range that the activation leaves.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub zero_point: i32,
    pub range: [i32; 2],
}

impl<'n> Node<'n> {
    pub fn input(&self, number: usize) -> Result<&'n Tensor<'n>, Misfit> {
        let tensor = self.operator.inputs.get(number).copied().flatten();
        tensor.map(|tensor| &self.network.tensors[tensor]).ok_or(Misfit::Count)
    }

    pub fn output(&self) -> Result<&'n Tensor<'n>, Misfit> {
        match self.operator.outputs[..] {
            [output] => Ok(&self.network.tensors[output]),
            _ => Err(Misfit::Count),
        }
    }

    /// Refuses a tensor of another type.
    pub fn only(&self, expected: ElementType, tensor: &Tensor<'_>) -> Result<(), Misfit> {
        if tensor.element == expected {
            return Ok(());
        }
        Err(Misfit::Element { found: tensor.element.name(), expected: expected.name() })
    }

    pub fn quantisation(&self, input: usize) -> Result<Affine, Misfit> {
        self.affine(self.input(input)?)
    }

    pub fn output_quantisation(&self) -> Result<Affine, Misfit> {
        self.affine(self.output()?)
    }

    fn affine(&self, tensor: &Tensor<'_>) -> Result<Affine, Misfit> {
        self.only(ElementType::Int8, tensor)?;
        match tensor.scale_and_zero_point() {
            Some((scale, zero_point)) if scale > 0.0 => Ok(Affine { scale, zero_point }),
            _ => Err(Misfit::Quantisation),
        }
    }

    /// Zero point and range of the output, by the operator's activation.
    pub fn clamped(&self) -> Result<Output, Misfit> {
        let Affine { scale, zero_point } = self.output_quantisation()?;
        let steps = |real: f32| -> i32 { zero_point.saturating_add((real / scale).round() as i32) };
        let range = match self.operator.kind.activation() {
            Activation::None => [i32::MIN, i32::MAX],
            Activation::Relu => [zero_point, i32::MAX],
            Activation::Relu6 => [zero_point, steps(6.0)],
            Activation::ReluN1To1 => [steps(-1.0), steps(1.0)],
            Activation::Tanh | Activation::SignBit => return Err(Misfit::Activation),
        };
        Ok(Output::new(zero_point, range))
    }

    /// Weights of int8 with zero point 0: their scales and values.
    pub fn weights(&self, input: usize) -> Result<(&'n Quantisation, Vec<i8>), Misfit> {
        let tensor = self.input(input)?;
        self.only(ElementType::Int8, tensor)?;
        let quantisation = tensor.quantisation.as_ref().ok_or(Misfit::Quantisation)?;
        if quantisation.zero_points.iter().any(|zero_point| *zero_point != 0) {
            return Err(Misfit::ZeroPoint);
        }
        let data = tensor.data.ok_or(Misfit::NotConstant)?;
        Ok((quantisation, data.iter().map(|byte| *byte as i8).collect()))
    }

    /// A bias of `count` values; 0 if it is left out.
    pub fn bias(&self, input: usize, count: usize) -> Result<Vec<i32>, Misfit> {
        let Some(Some(_)) = self.operator.inputs.get(input) else { return Ok(vec![0; count]) };
        let tensor = self.input(input)?;
        self.only(ElementType::Int32, tensor)?;
        let (values, _) = tensor.data.ok_or(Misfit::NotConstant)?.as_chunks();
        Ok(values.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
    }

    /// A constant of whole numbers.
    pub fn integers(&self, input: usize) -> Result<Vec<i64>, Misfit> {
        self.input(input)?.integers().ok_or(Misfit::NotConstant)
    }

    /// The dimension of the first input that each one of the output is.
    pub fn order(&self) -> Result<Vec<usize>, Misfit> {
        order_of(&self.integers(1)?, self.input(0)?.shape.len()).ok_or(Misfit::Count)
    }

    /// What is taken of the first input.
    pub fn slice(&self) -> Result<Slice, Misfit> {
        Slice::of(self.network, self.operator).ok_or(Misfit::Part)
    }

    /// Refuses inputs whose values would have to be scaled to become the output's.
    pub fn same_scale(&self, inputs: usize) -> Result<Affine, Misfit> {
        let output = self.output_quantisation()?;
        for input in 0..inputs {
            if self.quantisation(input)? != output {
                return Err(Misfit::Scales);
            }
        }
        Ok(output)
    }

    /// Whether nothing but shapes of other maps depends on the output.
    pub fn is_read_for_its_shape(&self) -> bool {
        let is_output = |tensor: &usize| self.operator.outputs.contains(tensor);
        let readers = self.network.operators.iter();
        let as_shape = readers.into_iter().all(|reader| {
            let places = reader.inputs.iter().enumerate();
            let mut read = places.filter(|(_, tensor)| tensor.as_ref().is_some_and(is_output));
            let only_shape = reader.constant || reader.kind == Kind::Reshape;
            read.all(|(place, _)| only_shape && (reader.constant || place == 1))
        });
        as_shape && !self.network.outputs.iter().any(is_output)
    }
}

impl Output {
    /// The part of `range` that int8 has.
    pub fn new(zero_point: i32, [least, most]: [i32; 2]) -> Self {
        let least = least.max(i8::MIN.into());
        Self { zero_point, range: [least, most.min(i8::MAX.into())] }
    }

    /// A scaled value as int8.
    pub fn value(&self, scaled: i32) -> i8 {
        let value = i64::from(scaled) + i64::from(self.zero_point);
        self.clamp(value.clamp(i32::MIN.into(), i32::MAX.into()) as i32)
    }

    /// A value that has its zero point. Where the range is empty its end counts.
    pub fn clamp(&self, value: i32) -> i8 {
        let [least, most] = self.range;
        value.max(least).min(most).clamp(i8::MIN.into(), i8::MAX.into()) as i8
    }
}
