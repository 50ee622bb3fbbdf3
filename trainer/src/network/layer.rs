//! The layers of a description, as a preset file writes them.

use serde::{Deserialize, Serialize};

/// One layer of the description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// A name of the user's; `conv1`, `pool1`, `dense1`, … when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: LayerKind,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerKind {
    /// Two-dimensional convolution with bias.
    Conv {
        /// Output channels.
        filters: u16,
        /// Kernel `n` or `[height, width]`.
        kernel: Extent,
        /// Step `n` or `[rows, columns]`; 1 when left out.
        #[serde(default)]
        stride: Extent,
        /// `"valid"` (default) or `"same"`.
        #[serde(default)]
        padding: Padding,
        /// `"relu"` or nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activation: Option<Activation>,
    },
    /// Maximum over a window; incomplete windows at the right and bottom are dropped.
    MaxPool {
        /// Window `n` or `[height, width]`.
        size: Extent,
        /// Step; the window's size when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<Extent>,
    },
    /// Fully connected layer with bias; flattens its input row by row, pixel by pixel.
    Dense {
        /// Outputs.
        units: u16,
        /// `"relu"` or nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activation: Option<Activation>,
    },
    /// `max(x, 0)`.
    Relu,
    /// Turns the last layer's values into probabilities; only as the last layer.
    Softmax,
}

/// A size or step in both directions: written as one number or as `[rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extent {
    /// The same in both directions.
    Square(u8),
    /// Rows, then columns.
    Each([u8; 2]),
}

impl Extent {
    /// Rows.
    pub fn rows(self) -> u8 {
        match self {
            Extent::Square(n) => n,
            Extent::Each([rows, _]) => rows,
        }
    }

    /// Columns.
    pub fn columns(self) -> u8 {
        match self {
            Extent::Square(n) => n,
            Extent::Each([_, columns]) => columns,
        }
    }
}

impl Default for Extent {
    fn default() -> Self {
        Extent::Square(1)
    }
}

/// What a convolution reads beyond the edge of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: the output shrinks.
    #[default]
    Valid,
    /// Zeros, so that the output has `ceil(input / stride)` rows and columns; an odd zero goes to
    /// the bottom and right.
    Same,
}

/// An activation written inside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
}
