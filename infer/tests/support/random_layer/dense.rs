//! Random dense layers.

use infer::format::{DenseAlgorithm, DenseRecord, OutputQuant, Tensor};
use infer::schedule::INPUTS_MAX;
use infer::{Dense, LayerProblem, Shape};

use super::{Numbers, Pattern, Random, fill_channels, most};

/// A random dense layer that `algorithm` fits, with the tensors that it reads and makes.
pub fn record(random: &mut Random, algorithm: DenseAlgorithm) -> (DenseRecord, [Tensor; 2]) {
    let inputs = 1 + random.below(most(300, 40)) as u16;
    let inputs =
        if algorithm == DenseAlgorithm::Rows { inputs } else { inputs.next_multiple_of(4) };
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let units = 1 + random.below(most(40, 10)) as u16;
    let tensor = |values: u16| Tensor { shape: Shape::vector(values), quant: output_quant };
    (DenseRecord { input: 0, algorithm }, [tensor(inputs), tensor(units)])
}

/// Fills the buffers with numbers for a dense layer.
pub fn fill<'b>(
    random: &mut Random,
    record: &DenseRecord,
    [input, output]: [Tensor; 2],
    pattern: Pattern,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Dense<'b>, LayerProblem> {
    let dense = Dense::of(record, &[input; INPUTS_MAX], output);
    let (input, units) = (input.shape, dense.units as usize);
    for value in values {
        *value = pattern.input(random, 0, 1, 1);
    }
    let weights = &mut numbers.weights[..input.len() * units];
    for weight in weights.iter_mut() {
        *weight = pattern.weight(random, 0, 1, 1);
    }
    let channels = &mut numbers.channels.0[..8 * units];
    fill_channels(random, weights, input.len(), channels);
    let packed = &mut numbers.packed.0[..dense.matrix().packed_bytes() as usize];
    dense.matrix().pack(weights, packed).expect("the sizes are right");
    dense.with_numbers(channels, packed)
}
