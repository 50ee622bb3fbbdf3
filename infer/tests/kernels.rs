//! Every algorithm of a kernel set against the reference, byte by byte, on random layers and on
//! inputs and weights that drive sums to their extremes. `kernel_suite` of the firmware example
//! runs the same layers on a chip.

// Layers of graphs are for other tests.
#[allow(dead_code)]
#[path = "support/random_layer/mod.rs"]
mod random_layer;

use infer::format::{Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, OutputQuant, Tensor};
use infer::kernels::{Kernels, Portable};
use infer::packing::{Filters, Matrix, PackError};
use infer::quant::{ChannelParameters, Rounding};
use infer::schedule::INPUTS_MAX;
use infer::{Conv, Dense, LayerProblem, Native, Shape};
use random_layer::{
    Filling, Maps, Numbers, Pattern, Random, agrees, conv, dense, each_choice, equals_reference,
    in_bits, measured,
};

/// Layers per algorithm. Miri takes seconds for each.
const LAYERS: u64 = if cfg!(miri) { 2 } else { 300 };

fn suite<Set: Kernels>() {
    let (mut maps, mut numbers) = (Box::new(Maps::new()), Box::new(Numbers::new()));
    for seed in 0..LAYERS {
        each_choice(|choice| {
            let agrees = agrees::<Set>(&mut Random::new(seed), choice, &mut maps, &mut numbers);
            assert!(agrees, "{}: {choice:?}, seed {seed}", Set::NAME);
        });
    }
}

#[test]
fn portable_equals_reference() {
    suite::<Portable>();
}

#[test]
#[cfg_attr(miri, ignore = "the portable kernels once more")]
fn native_equals_reference() {
    suite::<Native>();
}

/// The layers whose instructions a chip counts.
#[test]
#[cfg_attr(miri, ignore = "larger layers of the same kinds")]
fn measured_layers_equal_reference() {
    let (mut maps, mut numbers) = (Box::new(Maps::new()), Box::new(Numbers::new()));
    each_choice(|choice| {
        for index in 0.. {
            let Some((name, layer)) = measured(choice, index, &mut maps, &mut numbers) else {
                break;
            };
            let is_right = |kind| equals_reference::<Native>(&kind, &mut maps, |run| run());
            assert!(layer.is_none_or(is_right), "{name}, {choice:?}");
        }
    });
}

#[test]
fn packed_weights_are_read_back() {
    let mut random = Random::new(1);
    for algorithm in Algorithm::ALL {
        for _ in 0..if cfg!(miri) { 2 } else { 50 } {
            let (record, [input, output]) = conv::record(&mut random, algorithm);
            let filters = Filters {
                algorithm,
                kernel: record.kernel,
                input_channels: input.shape.channels,
                output_channels: output.shape.channels,
            };
            let count = filters.taps() * output.shape.channels as usize;
            let bits = algorithm.weight_bits();
            let weights: Vec<i8> = (0..count).map(|_| in_bits(random.int8(), bits)).collect();
            let mut packed = vec![1; filters.packed_bytes() as usize];
            filters.pack(&weights, &mut packed).unwrap();
            let read = |index: usize| {
                filters.weight(&packed, index / filters.taps(), index % filters.taps())
            };
            assert_eq!((0..count).map(read).collect::<Vec<_>>(), weights, "{record:?}");
        }
    }
    for algorithm in DenseAlgorithm::ALL {
        let matrix = Matrix { algorithm, inputs: 8, units: 5 };
        let bits = algorithm.weight_bits();
        let mut weights: Vec<i8> = (0..40).map(|_| in_bits(random.int8(), bits)).collect();
        dense::part_pairs(algorithm, &mut weights);
        let mut packed = vec![1; matrix.packed_bytes() as usize];
        matrix.pack(&weights, &mut packed).unwrap();
        let read = |index: usize| matrix.weight(&packed, index / 8, index % 8);
        assert_eq!((0..40).map(read).collect::<Vec<_>>(), weights);
    }
}

/// Any changed bit of stored transformed weights, of padding or of repeated weights is found.
#[test]
fn weights_the_exporter_would_not_write_are_refused() {
    let mut random = Random::new(2);
    let mut numbers = Box::new(Numbers::new());
    for algorithm in [Algorithm::WinogradF2, Algorithm::WinogradF4] {
        for _ in 0..if cfg!(miri) { 2 } else { 200 } {
            let (record, tensors) = conv::record(&mut random, algorithm);
            let [input, output] = tensors;
            let (mut values, random) = (vec![0; input.shape.len()], &mut random);
            let filling = Filling {
                pattern: Pattern::Random,
                rounding: Rounding::Once,
                has_rare: false,
                has_lowest: true,
            };
            let conv = conv::fill(random, &record, tensors, filling, &mut values, &mut numbers);
            let bytes = conv.unwrap().filters().packed_bytes() as usize;
            let mut packed = numbers.packed.0[..bytes].to_vec();
            packed[random.below(bytes as u32) as usize] ^= 1 << random.below(8);
            let bare = Conv::of(&record, &[input; INPUTS_MAX], output);
            let channels = &numbers.channels.0[..8 * output.shape.channels as usize];
            let refused = bare.with_numbers(channels, &packed).unwrap_err();
            assert!(
                matches!(
                    refused,
                    LayerProblem::TransformedWeights { .. }
                        | LayerProblem::AccumulatorRange { .. }
                        | LayerProblem::AlgorithmRange { .. }
                ),
                "{refused:?}"
            );
        }
    }
}

/// A convolution by an algorithm with the tensors that it reads and makes.
struct Winograd {
    record: ConvRecord,
    input: Tensor,
    output: Tensor,
}

impl Winograd {
    fn new(algorithm: Algorithm, channels: u16) -> Self {
        let quant = OutputQuant { scale: 1.0, zero_point: -128 };
        let record = ConvRecord {
            input: 0,
            kernel: [3, 3],
            stride: [1, 1],
            origin: [0, 0],
            pool: [2, 2],
            algorithm,
        };
        let tensor = |shape: Shape| Tensor { shape, quant };
        let (input, output) = (tensor(Shape::new(4, 4, channels)), tensor(Shape::new(1, 1, 2)));
        Self { record, input, output }
    }

    fn conv(&self) -> Conv<'static> {
        Conv::of(&self.record, &[self.input; INPUTS_MAX], self.output)
    }
}

/// 2160 weights of -128 are within 32 bits, but beyond what 64 times the sum leaves to F(4x4).
#[test]
#[cfg_attr(miri, ignore = "minutes of packing, of which other tests do a little")]
fn weights_beyond_an_algorithms_range_are_refused() {
    for (algorithm, weight, refused) in [
        (Algorithm::WinogradF4, -128, true),
        (Algorithm::WinogradF4OnTheFly, -128, true),
        (Algorithm::WinogradF4, 121, false),
        (Algorithm::WinogradF2, -128, false),
        (Algorithm::Direct, -128, false),
    ] {
        let conv = Winograd::new(algorithm, 240).conv();
        let mut packed = vec![0; conv.filters().packed_bytes() as usize];
        conv.filters().pack(&vec![weight; 2 * 2160], &mut packed).unwrap();
        let channels =
            [ChannelParameters { bias: 0, multiplier: 1, shift: None }.to_le_bytes(); 2].concat();
        let answer = conv.with_numbers(&channels, &packed).map(|_| ());
        let expected =
            if refused { Err(LayerProblem::AlgorithmRange { channel: 0 }) } else { Ok(()) };
        assert_eq!(answer, expected, "{algorithm:?}, weights {weight}");
    }
}

#[test]
fn an_algorithm_is_refused_for_shapes_it_does_not_compute() {
    let fits = |change: fn(&mut Winograd)| {
        let mut layer = Winograd::new(Algorithm::WinogradF2, 8);
        change(&mut layer);
        layer.record.algorithm.fits(&layer.conv())
    };
    assert!(fits(|_| ()));
    assert!(!fits(|layer| layer.record.stride = [1, 2]));
    assert!(!fits(|layer| layer.record.kernel = [3, 5]));
    assert!(!fits(|layer| layer.record.pool = [2, 1]));
    assert!(!fits(|layer| layer.output.shape.channels = 3));
    assert!(!fits(|layer| layer.record.algorithm = Algorithm::SingleChannel));
}

/// Two channels of four taps and a third one: pairs of taps that lie two apart, channel by channel.
#[test]
fn wide_pairs_lie_in_the_order_of_the_kernel() {
    let filters = Filters {
        algorithm: Algorithm::DirectPairedWide,
        kernel: [2, 1],
        input_channels: 2,
        output_channels: 3,
    };
    let weights: [i8; 12] = [1, 2, 3, 4, -1, -2, -3, -4, 5, 6, 7, -128];
    let mut packed = vec![1; filters.packed_bytes() as usize];
    filters.pack(&weights, &mut packed).unwrap();
    let values: Vec<i16> =
        packed.as_chunks().0.iter().map(|bytes| i16::from_le_bytes(*bytes)).collect();
    assert_eq!(values, [1, 3, -1, -3, 2, 4, -2, -4, 5, 7, 0, 0, 6, -128, 0, 0]);
}

/// An int16 of 128 has the low byte of -128: kernels would disagree on it.
#[test]
fn widened_weights_must_be_int8() {
    let quant = OutputQuant { scale: 1.0, zero_point: 0 };
    let record = DenseRecord::new(0, DenseAlgorithm::QuadsWide);
    let four = Tensor { shape: Shape::vector(4), quant };
    let dense = Dense::of(&record, &[four; INPUTS_MAX], four);
    let channels =
        [ChannelParameters { bias: 0, multiplier: 1, shift: None }.to_le_bytes(); 4].concat();
    let mut packed = vec![0; 32];
    assert!(dense.with_numbers(&channels, &packed).is_ok());
    packed[0] = 128;
    assert_eq!(dense.with_numbers(&channels, &packed).unwrap_err(), LayerProblem::WeightPadding);
    let pair = ConvRecord {
        input: 0,
        kernel: [1, 1],
        stride: [1, 1],
        origin: [0, 0],
        pool: [1, 1],
        algorithm: Algorithm::DirectPairedWide,
    };
    let conv = Conv::of(&pair, &[four; INPUTS_MAX], four);
    let channels = &channels[..4 * ChannelParameters::BYTES];
    let mut packed = vec![0; conv.filters().packed_bytes() as usize];
    assert!(conv.with_numbers(channels, &packed).is_ok());
    packed[1] = 1;
    assert_eq!(conv.with_numbers(channels, &packed).unwrap_err(), LayerProblem::WeightPadding);
}

/// A word is the weight of a unit plus 2^16 times that of the next.
#[test]
fn paired_words_are_those_of_two_weights() {
    let quant = OutputQuant { scale: 1.0, zero_point: 0 };
    let record = DenseRecord::new(0, DenseAlgorithm::QuadsPaired);
    let tensor = |values| Tensor { shape: Shape::vector(values), quant };
    let dense = Dense::of(&record, &[tensor(4); INPUTS_MAX], tensor(3));
    let channels =
        [ChannelParameters { bias: 0, multiplier: 1, shift: None }.to_le_bytes(); 3].concat();
    let mut packed = vec![1; 32];
    let weights = [1, 2, 3, -4, -128, 127, -128, 0, -1, 0, 0, 5];
    dense.matrix().pack(&weights, &mut packed).unwrap();
    let words: Vec<i32> =
        packed.as_chunks().0.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect();
    let pair = |first: i32, second: i32| first + (second << 16);
    let expected = [pair(1, -128), -1, pair(2, 127), 0, pair(3, -128), 0, pair(-4, 0), 5];
    assert_eq!(words, expected);
    assert!(dense.with_numbers(&channels, &packed).is_ok());
    // The halves of a pair of inputs, and what fills up four units.
    for (word, changed, problem) in [
        (2, pair(2, -128), LayerProblem::AlgorithmRange { channel: 1 }),
        (0, 1 + 128, LayerProblem::WeightPadding),
        (0, pair(1, 128), LayerProblem::WeightPadding),
        (1, pair(-1, 1), LayerProblem::WeightPadding),
    ] {
        let mut packed = packed.clone();
        packed[4 * word..4 * word + 4].copy_from_slice(&changed.to_le_bytes());
        assert_eq!(dense.with_numbers(&channels, &packed).unwrap_err(), problem);
    }
    let mut weights = weights;
    (weights[10], weights[11]) = (-128, -128);
    let refused = dense.matrix().pack(&weights, &mut packed);
    assert_eq!(refused, Err(PackError::Pair { channel: 2 }));
}
