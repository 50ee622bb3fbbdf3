//! Maps as the model has them, beside how the file counts them.
//!
//! A series of the file, one row with columns, is a column with rows in the model: so it can stream
//! row by row. The order of the values in memory is the same.

use infer::Shape;
use infer::format::{OutputQuant, Tensor};

use crate::import::tflite::reference::Misfit;
use crate::import::tflite::{self, ElementType};
use crate::plain_model::Edge;

/// A tensor of the file that the model has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    /// What the model has.
    pub edge: Edge,
    /// Whether the file's rows are the model's columns. `None` if it counts the values in another
    /// way: then only their order is known.
    pub turned: Option<bool>,
}

impl Value {
    pub fn shape(&self) -> Shape {
        self.edge.tensor.shape
    }

    pub fn zero_point(&self) -> i8 {
        self.edge.tensor.quant.zero_point
    }

    /// Whether it is turned.
    ///
    /// # Errors
    /// If the file counts it in another way.
    pub fn turned(&self) -> Result<bool, Misfit> {
        self.turned.ok_or(Misfit::Reshaped)
    }

    /// The same values as the file counts them elsewhere.
    pub fn counted(&self, file: &[usize]) -> Self {
        Self::of(self.edge, file, self.turned)
    }

    /// A tensor that the file counts in this way; `before` is how it was turned.
    pub fn of(edge: Edge, file: &[usize], before: Option<bool>) -> Self {
        let here = edge.tensor.shape;
        let turned = sides(file).ok().and_then(|shape| match before {
            Some(before) if here == turn_shape(shape, before) => Some(before),
            _ if here == shape => Some(false),
            _ if here == turn_shape(shape, true) && (here.height == 1 || here.width == 1) => {
                Some(true)
            }
            _ => None,
        });
        Self { edge, turned }
    }
}

/// Rows and columns, exchanged where they are turned.
pub(super) fn turn<T>([rows, columns]: [T; 2], turned: bool) -> [T; 2] {
    if turned { [columns, rows] } else { [rows, columns] }
}

/// A shape with rows and columns exchanged where they are turned.
pub(super) fn turn_shape(shape: Shape, turned: bool) -> Shape {
    let [height, width] = turn([shape.height, shape.width], turned);
    Shape::new(height, width, shape.channels)
}

/// Rows, columns and channels: the last sides that it has, apart from those of 1 before them.
pub(super) fn sides(file: &[usize]) -> Result<Shape, Misfit> {
    let first = file.iter().position(|side| *side != 1).unwrap_or(file.len().saturating_sub(1));
    let (rows, columns, channels) = match file[first.min(file.len())..] {
        [] => (1, 1, 1),
        [channels] => (1, 1, channels),
        [columns, channels] => (1, columns, channels),
        [rows, columns, channels] => (rows, columns, channels),
        _ => return Err(Misfit::Map),
    };
    let side = |side: usize| u16::try_from(side).map_err(|_| Misfit::Size);
    Ok(Shape::new(side(rows)?, side(columns)?, side(channels)?))
}

/// How the values of a map stand for real numbers.
pub(super) fn quant(tensor: &tflite::Tensor<'_>) -> Result<OutputQuant, Misfit> {
    if tensor.element != ElementType::Int8 {
        let (found, expected) = (tensor.element.name(), ElementType::Int8.name());
        return Err(Misfit::Element { found, expected });
    }
    match tensor.scale_and_zero_point() {
        Some((scale, zero_point)) if scale > 0.0 => {
            Ok(OutputQuant { scale, zero_point: zero_point as i8 })
        }
        _ => Err(Misfit::Quantisation),
    }
}

/// A map of the file, turned or not.
pub(super) fn tensor(tensor: &tflite::Tensor<'_>, turned: bool) -> Result<Tensor, Misfit> {
    Ok(Tensor { shape: turn_shape(sides(&tensor.shape)?, turned), quant: quant(tensor)? })
}
