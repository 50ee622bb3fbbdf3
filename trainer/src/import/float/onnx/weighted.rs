//! Convolutions and dense layers.

use super::pointwise::float;
use super::windows::moving;
use super::{Import, Value, layer_name};
use crate::import::float::misfit::Misfit;
use crate::import::float::moving::count;
use crate::import::float::values::Matrix;
use crate::import::onnx::Node;

impl<'a> Import<'_, 'a> {
    /// A convolution over rows and columns, or over the moments of a series.
    pub(super) fn conv(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let seen = self.seen(node)?;
        let mut weights = self.constant(node, 1)?.clone();
        if seen.sides().len() == 3 {
            weights.shape.push(1);
        }
        let [outputs, each, rows, columns] = weights.shape[..] else {
            return Err("weights of other dimensions than the map's".into());
        };
        let bias = self.bias(node, outputs, 1.0)?;
        let moving = seen.moving(moving(node, seen.shape, [rows, columns])?);
        // Outputs, channels, rows, columns.
        let taps = weights.transposed(&[2, 3, 1, 0]).ok_or("weights of other dimensions")?;
        let (name, map, taps) = (layer_name(node), seen.value.map(), seen.taps(taps));
        let tensor = match node.int("group").unwrap_or(1) {
            1 => self.sketch.conv(name, map, moving, &taps, bias)?,
            group if group == i64::from(seen.shape.channels) && each == 1 => {
                self.sketch.depthwise(name, map, moving, &taps, bias)?
            }
            _ => {
                return Err("it has groups of several channels: only one group, or a group for \
                            each channel, is known"
                    .into());
            }
        };
        Ok(seen.left(&self.sketch, tensor))
    }

    /// The bias of a node, as many numbers as there are outputs, times `factor`; zeros without.
    fn bias(&self, node: &Node<'a>, outputs: usize, factor: f32) -> Result<Vec<f32>, Misfit> {
        let outputs = usize::from(count(outputs)?);
        match self.optional(node, 2)?.map(|bias| &bias.values[..]) {
            None => Ok(vec![0.0; outputs]),
            Some([number]) => Ok(vec![factor * number; outputs]),
            Some(bias) if bias.len() == outputs => {
                Ok(bias.iter().map(|bias| factor * bias).collect())
            }
            Some(_) => Err("a bias that has not a number for each output".into()),
        }
    }

    /// `alpha * x * weights + beta * bias`.
    pub(super) fn gemm(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        if node.int("transA").unwrap_or(0) != 0 {
            return Err("it turns the map it reads: export without transA".into());
        }
        let alpha = float(node, "alpha").unwrap_or(1.0);
        let weights = Matrix::of(self.constant(node, 1)?, node.int("transB") == Some(1))?;
        let bias = self.bias(node, weights.outputs, float(node, "beta").unwrap_or(1.0))?;
        self.sketch.times(layer_name(node), &value, weights.times(alpha), bias)
    }

    /// The product of a map with constant weights; a bias that is added comes after.
    pub(super) fn matmul(&mut self, node: &Node<'a>) -> Result<Value, Misfit> {
        let value = self.value(node, 0)?;
        let weights = Matrix::of(self.constant(node, 1)?, false)?;
        let bias = vec![0.0; count(weights.outputs)?.into()];
        self.sketch.times(layer_name(node), &value, weights, bias)
    }
}
