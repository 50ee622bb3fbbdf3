//! What a network is: a list of layers read from a description, and the stages that training,
//! quantising, planning and inference work on.
//!
//! A *layer* is what a person writes (`conv`, `max_pool`, `dense`, `relu`, `softmax`). A *stage* is
//! what runs in one pass: a convolution with its ReLU and the pooling behind it, a dense layer with
//! its ReLU, or a pooling that has no convolution in front of it.

mod error;
mod layer;
mod lowering;
mod stage;

use infer::Shape;
use serde::{Deserialize, Serialize};

pub use error::NetworkError;
pub use layer::{Activation, Extent, Layer, LayerKind, Padding};
pub use stage::{ConvStage, DenseStage, PoolStage, Pooling, Stage};

/// Most values a feature map or weight tensor may have: 16 Mi, far above any microcontroller.
pub const TENSOR_LIMIT: u64 = 1 << 24;

/// A network as described: its input and its layers in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The image the first layer sees.
    pub input: Input,
    /// The layers, first to last.
    #[serde(rename = "layer")]
    pub layers: Vec<Layer>,
}

/// Size of the network's input and where it lies on the image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
    /// Values per pixel.
    pub channels: u16,
    /// `[rows, columns]` by which the network's top left corner lies below and right of the
    /// image's; what then lies outside of the image reads as black.
    #[serde(default)]
    pub offset: [i16; 2],
}

impl Input {
    /// Height, width and channels as a [`Shape`].
    pub fn shape(&self) -> Shape {
        Shape::new(self.height, self.width, self.channels)
    }
}

impl Network {
    /// The stages of the network in order, with every shape worked out.
    ///
    /// # Errors
    /// A description that cannot be built is refused with the layer's number, name and shapes.
    pub fn stages(&self) -> Result<Vec<Stage>, NetworkError> {
        lowering::stages(self)
    }

    /// Values the network ends with: the number of classes.
    ///
    /// # Errors
    /// As [`Network::stages`].
    pub fn classes(&self) -> Result<usize, NetworkError> {
        Ok(self.stages()?.last().map_or(0, |stage| stage.output().len()))
    }
}

#[cfg(test)]
mod tests;
