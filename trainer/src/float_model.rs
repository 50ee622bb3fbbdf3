//! A network with its trained parameters, in floating point.

use crate::forward::Forward;
use crate::network::Network;

/// A network and the parameters of its stages.
#[derive(Clone, Debug, PartialEq)]
pub struct FloatModel {
    /// The network.
    pub network: Network,
    /// One entry per stage, empty for poolings.
    pub stages: Vec<StageWeights>,
}

/// Parameters of one stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageWeights {
    /// Convolution: `[kernel row][kernel column][input channel][output channel]`; dense:
    /// `[input][output]`.
    pub weights: Vec<f32>,
    /// One per output channel.
    pub bias: Vec<f32>,
}

impl StageWeights {
    /// From weights of which each output channel's lie together: `[output channel][tap]`.
    pub fn from_output_rows(rows: &[f32], bias: Vec<f32>) -> Self {
        Self { weights: transposed(rows, rows.len() / bias.len().max(1)), bias }
    }

    /// The weights with each output channel's together: `[output channel][tap]`, taps in the order
    /// kernel row, kernel column, input channel.
    pub fn output_rows(&self) -> Vec<f32> {
        transposed(&self.weights, self.bias.len())
    }
}

/// A matrix of `columns` columns, row by row, turned over.
fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns.max(1);
    let mut turned = vec![0.0; matrix.len()];
    for (row, values) in matrix.chunks_exact(columns.max(1)).enumerate() {
        for (column, value) in values.iter().enumerate() {
            turned[column * rows + row] = *value;
        }
    }
    turned
}

impl FloatModel {
    /// Values before the softmax, `[image][class]`, for images `[image][row][column][channel]`
    /// of 0 to 1.
    ///
    /// `observe` is told each stage's output, `[image][row][column][channel]`, after ReLU and
    /// pooling: the part of the map that later stages read.
    ///
    /// # Panics
    /// When the network cannot be built or `images` is not a whole number of images.
    pub fn forward(&self, images: &[f32], observe: &mut dyn FnMut(usize, &[f32])) -> Vec<f32> {
        Forward::new(self).run(images, observe)
    }
}
