//! Constants in floating point, and what is computed of constants alone.

use std::collections::HashMap;

use super::{Array, Import};
use crate::import::float::misfit::Misfit;
use crate::import::onnx::{ElementType, Network, Node, Tensor};

/// All constants of a file that are numbers. Each has bytes of its own.
pub(super) fn all<'a>(network: &Network<'a>) -> HashMap<&'a str, Array> {
    let constants = network.constants.iter();
    constants.filter_map(|tensor| Some((tensor.name, array(tensor)?))).collect()
}

fn array(tensor: &Tensor<'_>) -> Option<Array> {
    let data = &tensor.data[..];
    let values = match tensor.element {
        ElementType::Float32 => {
            data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        ElementType::Float64 => {
            data.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes) as f32).collect()
        }
        _ => return None,
    };
    Some(Array { shape: tensor.shape.clone(), values })
}

impl<'a> Import<'_, 'a> {
    /// A constant that a node reads.
    pub(super) fn constant(&self, node: &Node<'a>, number: usize) -> Result<&Array, Misfit> {
        let name = node.inputs.get(number).ok_or("it reads too few values")?;
        let why = "its weights or numbers are computed, or of a type that is not known: export \
                   them as constants of float32";
        Ok(self.constants.get(name).ok_or(why)?)
    }

    /// The same, of an input that may be left out.
    pub(super) fn optional(
        &self,
        node: &Node<'a>,
        number: usize,
    ) -> Result<Option<&Array>, Misfit> {
        match node.inputs.get(number) {
            None | Some(&"") => Ok(None),
            Some(_) => self.constant(node, number).map(Some),
        }
    }

    /// What a node makes of constants alone, where it is known here, and not more than may be.
    pub(super) fn folded(&self, node: &Node<'a>) -> Option<Array> {
        let array = self.constants.get(node.inputs.first()?)?;
        if array.values.len() > self.left {
            return None;
        }
        match node.operator {
            "Identity" | "Cast" => Some(array.clone()),
            "Transpose" => {
                let order: Vec<usize> = match node.ints("perm") {
                    Some(order) => order.iter().map(|at| usize::try_from(*at).ok()).collect(),
                    None => Some((0..array.shape.len()).rev().collect()),
                }?;
                array.transposed(&order)
            }
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                let shape = self.known.shapes.get(node.outputs.first()?)?.clone();
                let is_same = shape.iter().product::<usize>() == array.values.len();
                is_same.then(|| Array { shape, values: array.values.clone() })
            }
            _ => None,
        }
    }
}
