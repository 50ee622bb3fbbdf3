//! Random dense layers.

use infer::format::{DenseAlgorithm, DenseRecord, OutputQuant};
use infer::{Dense, LayerProblem, Shape};

use super::{Numbers, Pattern, Random, fill_channels, most};

/// A random dense layer that `algorithm` fits.
pub fn record(random: &mut Random, algorithm: DenseAlgorithm) -> (DenseRecord<'static>, Shape) {
    let inputs = 1 + random.below(most(300, 40)) as u16;
    let inputs =
        if algorithm == DenseAlgorithm::Rows { inputs } else { inputs.next_multiple_of(4) };
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let units = 1 + random.below(most(40, 10)) as u16;
    (
        DenseRecord { name: "dense", units, output_quant, algorithm, output_at: 0 },
        Shape::vector(inputs),
    )
}

/// Fills the buffers with numbers for a dense layer.
pub fn fill<'b>(
    random: &mut Random,
    record: &DenseRecord<'_>,
    input: Shape,
    pattern: Pattern,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Dense<'b>, LayerProblem> {
    let dense = Dense::from_record(record, input);
    for value in values {
        *value = pattern.input(random, 0, 1, 1);
    }
    let weights = &mut numbers.weights[..input.len() * record.units as usize];
    for weight in weights.iter_mut() {
        *weight = pattern.weight(random, 0, 1, 1);
    }
    let channels = &mut numbers.channels.0[..8 * record.units as usize];
    fill_channels(random, weights, input.len(), channels);
    let packed = &mut numbers.packed.0[..dense.matrix().packed_bytes() as usize];
    dense.matrix().pack(weights, packed).expect("the sizes are right");
    dense.with_numbers(channels, packed)
}
