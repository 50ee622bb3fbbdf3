//! A convolution by Burn.

use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use infer::Shape;

use super::Conv;
use crate::ops::description::padding_after;
use crate::ops::{BurnParameters, max_pool};

/// The convolution of `map` with the ReLU and pooling that joined it.
pub fn forward(conv: &Conv, map: Tensor<4>, parameters: BurnParameters) -> Tensor<4> {
    let [rows, columns] = conv.kernel.map(usize::from);
    let (outputs, channels) = (conv.output.channels as usize, conv.input.channels as usize);
    let weight = parameters.weight.reshape([outputs, rows, columns, channels]);
    let kernel = weight.permute([0, 3, 1, 2]);
    let padding = [0, 1].map(|axis| {
        let sides = |shape: Shape| [shape.height, shape.width][axis];
        let window = (conv.kernel[axis], conv.stride[axis], conv.padding[axis]);
        padding_after(sides(conv.input), sides(conv.convolved), window)
    });
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
