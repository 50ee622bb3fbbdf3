//! A convolution by Burn.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use super::Conv;
use crate::ops::{BurnParameters, max_pool};

/// The convolution of `map` with the ReLU and pooling that joined it.
pub fn forward(conv: &Conv, map: Tensor<4>, parameters: BurnParameters) -> Tensor<4> {
    let [rows, columns] = conv.kernel.map(usize::from);
    let (outputs, channels) = (conv.output.channels as usize, conv.input.channels as usize);
    let weight = parameters.weight.reshape([outputs, rows, columns, channels]);
    let kernel = weight.permute([0, 3, 1, 2]);
    let padding = [padding(conv, 0), padding(conv, 1)];
    let options = ConvOptions::new_with_padding(conv.stride.map(usize::from), padding, [1, 1], 1);
    let mut out = conv2d(map, kernel, Some(parameters.bias), options);
    if conv.relu {
        out = relu(out);
    }
    match conv.pool {
        Some(pool) => max_pool::largest(out, pool),
        None => out,
    }
}

/// Zeros in front of and behind the input along one axis.
fn padding(conv: &Conv, axis: usize) -> (usize, usize) {
    let input = [conv.input.height, conv.input.width][axis] as usize;
    let outputs = [conv.convolved.height, conv.convolved.width][axis] as usize;
    let before = conv.padding[axis] as usize;
    let reach = (outputs - 1) * conv.stride[axis] as usize + conv.kernel[axis] as usize;
    (before, reach.saturating_sub(input + before))
}
