//! Random dense layers.

#[cfg(not(target_os = "none"))]
use infer::format::OperatorRecord;
use infer::format::{DenseAlgorithm, DenseRecord, OutputQuant, Tensor};
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, Rounding};
use infer::schedule::INPUTS_MAX;
use infer::{Dense, LayerKind, LayerProblem, Shape};

#[cfg(not(target_os = "none"))]
use super::made::{Made, parameters, quant, weights};
use super::{Counted, Filling, Numbers, Pattern, QUANT, Random, fill_channels, in_bits, most};

/// The ways to compute it.
pub type Way = DenseAlgorithm;
pub const WAYS: &[Way] = &DenseAlgorithm::ALL;

/// Inputs and units of the tutorial's dense layers.
const MEASURED: [(&str, u16, u16); 3] =
    [("dense1", 64, 64), ("dense2", 64, 500), ("dense3", 500, 10)];

/// A random dense layer that `algorithm` fits, with its numbers and its input.
pub fn any<'b>(
    random: &mut Random,
    algorithm: Way,
    pattern: Pattern,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> LayerKind<'b> {
    let (mut record, tensors) = record(random, algorithm);
    let values = &mut values[..tensors[0].shape.len()];
    let rounds_twice = algorithm.weight_bits() == WeightBits::Eight;
    let filling = Filling::any(random, pattern, rounds_twice);
    record.is_per_tensor = filling.rounding == Rounding::Twice && random.below(2) == 0;
    let dense = fill(random, &record, tensors, filling, values, numbers);
    LayerKind::Dense(dense.expect("the largest weights of these sizes stay in every range"))
}

/// A dense layer: seldom, since few layers can read what it makes.
#[cfg(not(target_os = "none"))]
pub fn in_graph(random: &mut Random, tensors: &[Tensor], input: u8) -> Option<Made> {
    if random.below(3) > 0 {
        return None;
    }
    let read = tensors[input as usize];
    let units = 1 + random.below(9) as u16;
    let output = Tensor { shape: Shape::vector(units), quant: quant(random.int8()) };
    let (record, matrix) = loop {
        let algorithm = random.pick(&DenseAlgorithm::ALL);
        let record = DenseRecord::new(input, algorithm);
        let dense = Dense::of(&record, &[read; INPUTS_MAX], output);
        if algorithm.fits(&dense) {
            break (record, dense.matrix());
        }
    };
    let count = matrix.inputs * units as usize;
    let mut plain = weights(random, record.algorithm.weight_bits(), count);
    part_pairs(record.algorithm, &mut plain);
    let mut packed = vec![0; matrix.packed_bytes() as usize];
    matrix.pack(&plain, &mut packed).unwrap();
    let channels = parameters(random, units, matrix.inputs);
    Some(Made { operator: OperatorRecord::Dense(record), output, channels, weights: packed })
}

/// A dense layer of the tutorial's network.
pub fn measured<'b>(
    random: &mut Random,
    index: usize,
    algorithm: Way,
    [values, _]: [&mut [i8]; 2],
    numbers: &'b mut Numbers,
) -> Option<Counted<'b>> {
    let (shape, filling) = Filling::measured(index);
    let (name, inputs, units) = *MEASURED.get(shape)?;
    let record = DenseRecord::new(0, algorithm);
    let tensors =
        [inputs, units].map(|values| Tensor { shape: Shape::vector(values), quant: QUANT });
    let values = &mut values[..inputs as usize];
    let dense = fill(random, &record, tensors, filling, values, numbers);
    Some((name, dense.ok().map(LayerKind::Dense)))
}

/// A random dense layer that `algorithm` fits, with the tensors that it reads and makes.
pub fn record(random: &mut Random, algorithm: DenseAlgorithm) -> (DenseRecord, [Tensor; 2]) {
    let inputs = 1 + random.below(most(300, 40)) as u16;
    // Whole vectors have a loop of their own.
    let inputs = if random.below(3) == 0 { inputs.next_multiple_of(32) } else { inputs };
    let has_rows = matches!(algorithm, DenseAlgorithm::Rows | DenseAlgorithm::RowsInt4);
    let inputs = if has_rows { inputs } else { inputs.next_multiple_of(4) };
    let output_quant =
        OutputQuant { scale: 1.0, zero_point: random.pick(&[-128, -128, 0, 5, 127]) };
    let units = 1 + random.below(most(40, 10)) as u16;
    let tensor = |values: u16| Tensor { shape: Shape::vector(values), quant: output_quant };
    (DenseRecord::new(0, algorithm), [tensor(inputs), tensor(units)])
}

/// Fills the buffers with numbers for a dense layer.
pub fn fill<'b>(
    random: &mut Random,
    record: &DenseRecord,
    [input, output]: [Tensor; 2],
    filling: Filling,
    values: &mut [i8],
    numbers: &'b mut Numbers,
) -> Result<Dense<'b>, LayerProblem> {
    let dense = Dense::of(record, &[input; INPUTS_MAX], output);
    let (input, units) = (input.shape, dense.units as usize);
    for value in values {
        *value = filling.pattern.input(random, 0, 1, 1);
    }
    let weights = &mut numbers.weights[..input.len() * units];
    for weight in weights.iter_mut() {
        let any = filling.pattern.weight(random, 0, 1, 1);
        *weight = in_bits(any, record.algorithm.weight_bits());
    }
    part_pairs(record.algorithm, weights);
    let channels = &mut numbers.channels.0[..filling.rounding.channel_bytes() * units];
    fill_channels(random, filling, weights, input.len(), channels);
    let channels = if record.is_per_tensor { per_tensor(channels, units) } else { channels };
    let packed = &mut numbers.packed.0[..dense.matrix().packed_bytes() as usize];
    dense.matrix().pack(weights, packed).expect("the sizes are right");
    dense.with_numbers(channels, packed)
}

/// An algorithm with words of two weights takes no two of -128 beside each other.
pub fn part_pairs(algorithm: DenseAlgorithm, weights: &mut [i8]) {
    if algorithm == DenseAlgorithm::QuadsPaired {
        for pair in weights.as_chunks_mut().0.iter_mut().filter(|pair| **pair == [i8::MIN; 2]) {
            pair[1] += 1;
        }
    }
}

/// Channel parameters of `units` with two roundings as those of a layer with one multiplier and
/// shift: those of the least shift, with which no sum is too large.
fn per_tensor(channels: &mut [u8], units: usize) -> &mut [u8] {
    let (numbers, shifts) = channels.split_at(ChannelParameters::BYTES * units);
    let unit = (0..units).min_by_key(|unit| shifts[*unit] as i8).expect("there is a unit");
    let shift = shifts[unit];
    let multiplier = numbers.as_chunks::<4>().0[2 * unit + 1];
    let (words, _) = channels.as_chunks_mut::<4>();
    for unit in 0..units {
        words[unit] = words[2 * unit];
    }
    channels[4 * units..][..4].copy_from_slice(&multiplier);
    channels[4 * units + 4] = shift;
    &mut channels[..Rounding::per_tensor_bytes(units as u16)]
}
