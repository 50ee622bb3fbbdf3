//! Every algorithm of a kernel set against the reference, byte by byte, on random layers and on inputs and weights that
//! drive sums to their extremes. `kernel_suite` of the firmware example runs the same layers on a chip.

#[path = "support/random_layer.rs"]
mod random_layer;

use infer::format::{Algorithm, DenseAlgorithm};
use infer::kernels::{Kernels, Portable};
use infer::packing::{Filters, Matrix};
use infer::{Conv, LayerProblem, Native};
use random_layer::{Maps, Numbers, Pattern, Random, conv_agrees, conv_record, dense_agrees, fill_conv};

/// Layers per algorithm.
const LAYERS: u64 = 300;

fn suite<Set: Kernels>() {
    let (mut maps, mut numbers) = (Box::new(Maps::new()), Box::new(Numbers::new()));
    for seed in 0..LAYERS {
        for algorithm in Algorithm::ALL {
            let agrees = conv_agrees::<Set>(&mut Random(seed), algorithm, &mut maps, &mut numbers);
            assert!(agrees, "{}: {algorithm:?}, seed {seed}", Set::NAME);
        }
        for algorithm in DenseAlgorithm::ALL {
            let agrees = dense_agrees::<Set>(&mut Random(seed), algorithm, &mut maps, &mut numbers);
            assert!(agrees, "{}: {algorithm:?}, seed {seed}", Set::NAME);
        }
    }
}

#[test]
fn portable_equals_reference() {
    suite::<Portable>();
}

#[test]
fn native_equals_reference() {
    suite::<Native>();
}

#[test]
fn packed_weights_are_read_back() {
    let mut random = Random(1);
    for algorithm in Algorithm::ALL {
        for _ in 0..50 {
            let (record, input, _) = conv_record(&mut random, algorithm);
            let filters = Filters {
                algorithm,
                kernel: record.kernel,
                input_channels: input.channels,
                output_channels: record.output.channels,
            };
            let count = filters.taps() * record.output.channels as usize;
            let weights: Vec<i8> = (0..count).map(|_| random.int8()).collect();
            let mut packed = vec![1; filters.packed_bytes() as usize];
            filters.pack(&weights, &mut packed).unwrap();
            let read = |index: usize| filters.weight(&packed, index / filters.taps(), index % filters.taps());
            assert_eq!((0..count).map(read).collect::<Vec<_>>(), weights, "{record:?}");
        }
    }
    for algorithm in DenseAlgorithm::ALL {
        let matrix = Matrix { algorithm, inputs: 8, units: 5 };
        let weights: Vec<i8> = (0..40).collect();
        let mut packed = vec![1; matrix.packed_bytes() as usize];
        matrix.pack(&weights, &mut packed).unwrap();
        let read = |index: usize| matrix.weight(&packed, index / 8, index % 8);
        assert_eq!((0..40).map(read).collect::<Vec<_>>(), weights);
    }
}

/// Any changed bit of stored transformed weights, of padding or of repeated weights is found.
#[test]
fn weights_the_exporter_would_not_write_are_refused() {
    let mut random = Random(2);
    let mut numbers = Box::new(Numbers::new());
    for algorithm in [Algorithm::WinogradF2, Algorithm::WinogradF4] {
        for _ in 0..200 {
            let (record, input, zero_point) = conv_record(&mut random, algorithm);
            let mut values = vec![0; input.len()];
            let pattern = Pattern::Random;
            let conv = fill_conv(&mut random, &record, input, zero_point, pattern, &mut values, &mut numbers);
            let bytes = conv.unwrap().filters().packed_bytes() as usize;
            let mut packed = numbers.packed.0[..bytes].to_vec();
            packed[random.below(bytes as u32) as usize] ^= 1 << random.below(8);
            let bare = Conv::from_record(&record, input, zero_point);
            let channels = &numbers.channels.0[..8 * record.output.channels as usize];
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
