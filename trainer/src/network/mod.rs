//! What a network is for a person: an input and a list of layers, as a preset file writes them.
//! Each layer reads the one before it, or those that it names.
//!
//! What runs is worked out by [`graph`](crate::graph): a *stage* is what runs in one pass, such as
//! a convolution with its ReLU and the pooling after it.

mod error;

use infer::Shape;
use serde::{Deserialize, Serialize};

pub use crate::ops::{Activation, Extent, LayerKind, Padding};
pub use error::{NetworkError, Source};

/// Most values a feature map or weight tensor may have: 16 Mi, far above any microcontroller.
pub const TENSOR_LIMIT: u64 = 1 << 24;

/// Most values that a network may end with if its answers are counted class by class. Labels have
/// one byte each, so they tell up to 256 classes apart.
pub const OUTPUTS_MAX: usize = 4_096;

/// A network as described: its input and its layers in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The image the first layer sees.
    pub input: Input,
    /// The layers, each after those that it reads; the last one leaves the network's answer.
    #[serde(rename = "layer")]
    pub layers: Vec<Layer>,
}

/// One layer of the description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// A name of the user's; `conv1`, `pool1`, `dense1`, … when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Names of the layers that it reads, as many as it needs, or `input`; the layer before it when
    /// empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// What it does.
    #[serde(flatten)]
    pub kind: LayerKind,
}

impl From<LayerKind> for Layer {
    /// A layer without a name that reads the one before it.
    fn from(kind: LayerKind) -> Self {
        Self { name: String::new(), from: vec![], kind }
    }
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
