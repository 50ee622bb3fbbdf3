//! A convolution by Burn.

use burn::tensor::Tensor;
use burn::tensor::module::conv2d;
use burn::tensor::ops::ConvOptions;

use infer::Shape;

use super::Conv;
use crate::ops::description::padding_after;
use crate::ops::lookup::of_burn;
use crate::ops::{BurnParameters, Function, max_pool};

/// The convolution of `map` with the ReLU and pooling that joined it.
pub fn forward(conv: &Conv, map: Tensor<4>, parameters: BurnParameters) -> Tensor<4> {
    let [rows, columns] = conv.kernel.map(usize::from);
    let (outputs, channels) = (conv.output.channels as usize, conv.input.channels as usize);
    let weight = parameters.weight.reshape([outputs, rows, columns, channels]);
    let kernel = weight.permute([0, 3, 1, 2]);
    let padding = [0, 1].map(|axis| {
        let sides = |shape: Shape| [shape.height, shape.width][axis];
        let window = (conv.reach()[axis], conv.stride[axis], conv.padding[axis]);
        padding_after(sides(conv.input), sides(conv.convolved), window)
    });
    let (stride, dilation) = (conv.stride.map(usize::from), conv.dilation.map(usize::from));
    let options = ConvOptions::new_with_padding(stride, padding, dilation, 1);
    let out = conv2d(map, kernel, Some(parameters.bias), options);
    let out = of_burn(Function::Rectify(conv.rectifier), out);
    match conv.pool {
        Some(pool) => max_pool::largest(out, pool),
        None => out,
    }
}
