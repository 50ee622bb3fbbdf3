//! int4 weights: the worked example of `docs/arithmetic.md`, the bytes of every packing, and what
//! the loader refuses.

mod support;

use infer::features::Feature;
use infer::format::{Algorithm, ConvRecord, DenseAlgorithm, DenseRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::packing::{Filters, Matrix, PackError, WeightBits};
use infer::quant::ChannelParameters;
use infer::schedule::INPUTS_MAX;
use infer::{Conv, Dense, LayerKind, LayerProblem, Native, Portable, Reference, Shape};
use support::channel;

/// The algorithms with int4 weights.
const CONVOLUTIONS: [Algorithm; 3] =
    [Algorithm::DirectPairedInt4, Algorithm::SingleChannelInt4, Algorithm::DirectVectorInt4];
const DENSE: [DenseAlgorithm; 2] = [DenseAlgorithm::RowsInt4, DenseAlgorithm::QuadsInt4];

fn tensor(shape: Shape, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } }
}

fn dense(algorithm: DenseAlgorithm, inputs: Shape, units: u16) -> Dense<'static> {
    let record = DenseRecord::new(0, algorithm);
    Dense::of(&record, &[tensor(inputs, 0); INPUTS_MAX], tensor(Shape::vector(units), -10))
}

/// Parameters of channels, each with this bias, that scale by a quarter.
fn parameters(bias: i32, channels: usize) -> Vec<u8> {
    channel(bias, 1 << 30).to_le_bytes().repeat(channels)
}

#[test]
fn the_algorithms_are_all_there_are() {
    let is_int4 = |bits: WeightBits| bits == WeightBits::Four;
    let conv = Algorithm::ALL.into_iter().filter(|of| is_int4(of.weight_bits()));
    assert!(conv.eq(CONVOLUTIONS));
    let dense = DenseAlgorithm::ALL.into_iter().filter(|of| is_int4(of.weight_bits()));
    assert!(dense.eq(DENSE));
}

#[test]
fn worked_example_of_the_document() {
    if !Feature::Int4.is_built() {
        return;
    }
    let bare = dense(DenseAlgorithm::RowsInt4, Shape::vector(3), 1);
    let parameters = parameters(100, 1);
    let kind = LayerKind::Dense(bare.with_numbers(&parameters, &[0x78, 0x30]).unwrap());
    let runs = [LayerKind::run::<Reference>, LayerKind::run::<Portable>, LayerKind::run::<Native>];
    for run in runs {
        let mut output = [0];
        let input = &[10, -20, 30];
        run(&kind, Buffers { input, second: &[], scratch: &mut [], output: &mut output });
        assert_eq!(output, [95]);
    }
}

fn packed(filters: Filters, weights: &[i8]) -> Result<Vec<u8>, PackError> {
    let mut packed = vec![0xff; filters.packed_bytes() as usize];
    filters.pack(weights, &mut packed).map(|()| packed)
}

fn packed_rows(matrix: Matrix, weights: &[i8]) -> Result<Vec<u8>, PackError> {
    let mut packed = vec![0xff; matrix.packed_bytes() as usize];
    matrix.pack(weights, &mut packed).map(|()| packed)
}

#[test]
fn bytes_of_every_packing() {
    if !Feature::Int4.is_built() {
        return;
    }
    let of_conv = |algorithm: Algorithm, weights: &[i8]| {
        let kernel = if algorithm == Algorithm::SingleChannelInt4 { [3, 3] } else { [1, 1] };
        let (input_channels, output_channels) = if kernel[0] == 3 { (1, 1) } else { (4, 2) };
        packed(Filters { algorithm, kernel, input_channels, output_channels }, weights).unwrap()
    };
    let two = [1, 2, 3, 4, 5, 6, 7, -8];
    assert_eq!(of_conv(Algorithm::DirectPairedInt4, &two), [0x12, 0x56, 0x34, 0x78]);
    let vector = [[0x15, 0x26, 0x37, 0x48], [0; 4], [0; 4], [0; 4]].concat();
    assert_eq!(of_conv(Algorithm::DirectVectorInt4, &two), vector);
    let nine = [1, 2, 3, 4, 5, 6, 7, -8, -1];
    let single = of_conv(Algorithm::SingleChannelInt4, &nine);
    assert_eq!(single, [0x12, 0x45, 0x78, 0x36, 0x6f, 0x00]);

    let of_dense = |algorithm, inputs: usize, weights: &[i8]| {
        packed_rows(Matrix { algorithm, inputs, units: weights.len() / inputs }, weights).unwrap()
    };
    let rows = of_dense(DenseAlgorithm::RowsInt4, 3, &[1, -2, 3, 7, -8, 0]);
    assert_eq!(rows, [0x1e, 0x30, 0x78, 0x00]);
    let three = [[1, 2, 3, 4], [-1, -2, -3, -4], [5, 6, 7, -8]].concat();
    let quads = of_dense(DenseAlgorithm::QuadsInt4, 4, &three);
    assert_eq!(quads, [0x1f, 0x2e, 0x3d, 0x4c, 0x50, 0x60, 0x70, 0x80]);
}

#[test]
fn weights_of_more_bits_are_not_packed() {
    for weight in [8, -9, 127, -128] {
        let filters = Filters {
            algorithm: Algorithm::DirectPairedInt4,
            kernel: [1, 1],
            input_channels: 2,
            output_channels: 2,
        };
        let refused = packed(filters, &[7, -8, 0, weight]);
        assert_eq!(refused, Err(PackError::Range { channel: 1 }), "{weight}");
        let matrix = Matrix { algorithm: DenseAlgorithm::RowsInt4, inputs: 2, units: 1 };
        let refused = packed_rows(matrix, &[weight, 0]);
        assert_eq!(refused, Err(PackError::Range { channel: 0 }), "{weight}");
    }
}

/// Every half of a byte that no weight has must be zero; every other may hold anything.
#[test]
fn halves_that_fill_up_are_zero() {
    if !Feature::Int4.is_built() {
        return;
    }
    for algorithm in CONVOLUTIONS {
        let is_single = algorithm == Algorithm::SingleChannelInt4;
        let (kernel, pool) = if is_single { ([3, 3], [2, 2]) } else { ([1, 3], [1, 1]) };
        let (stride, origin) = ([1, 1], [0, 0]);
        let record = ConvRecord { input: 0, kernel, stride, origin, pool, algorithm };
        let channels = if algorithm == Algorithm::DirectPairedInt4 { 3 } else { 2 };
        let [input, output] = [Shape::new(4, 4, 1), Shape::new(1, 1, channels)];
        let bare = Conv::of(&record, &[tensor(input, 0); INPUTS_MAX], tensor(output, 0));
        let filters = bare.filters();
        let written = |packed: &[u8]| {
            let weights = (0..channels.into()).flat_map(|channel| {
                (0..filters.taps()).map(move |tap| filters.weight(packed, channel, tap))
            });
            packed_again(&weights.collect::<Vec<_>>(), |weights| self::packed(filters, weights))
        };
        let parameters = parameters(0, channels.into());
        let check = |packed: &[u8]| bare.with_numbers(&parameters, packed).map(|_| ());
        check_halves(filters.packed_bytes() as usize, written, check);
    }
    for algorithm in DENSE {
        let inputs = if algorithm == DenseAlgorithm::RowsInt4 { 5 } else { 4 };
        let bare = dense(algorithm, Shape::vector(inputs), 3);
        let matrix = bare.matrix();
        let written = |packed: &[u8]| {
            let weights = (0..3).flat_map(|unit| {
                (0..inputs.into()).map(move |input| matrix.weight(packed, unit, input))
            });
            packed_again(&weights.collect::<Vec<_>>(), |weights| packed_rows(matrix, weights))
        };
        let parameters = parameters(0, 3);
        let check = |packed: &[u8]| bare.with_numbers(&parameters, packed).map(|_| ());
        check_halves(matrix.packed_bytes() as usize, written, check);
    }
}

fn packed_again(weights: &[i8], pack: impl Fn(&[i8]) -> Result<Vec<u8>, PackError>) -> Vec<u8> {
    pack(weights).expect("weights that were read fit")
}

/// Each half of each byte set by itself: bytes that the exporter writes are taken, others refused.
fn check_halves(
    bytes: usize,
    written: impl Fn(&[u8]) -> Vec<u8>,
    check: impl Fn(&[u8]) -> Result<(), LayerProblem>,
) {
    let (mut taken, mut refused) = (0, 0);
    for half in 0..2 * bytes {
        let mut packed = vec![0; bytes];
        packed[half / 2] = 0x3 << (4 * (half % 2));
        if written(&packed) == packed {
            assert_eq!(check(&packed), Ok(()), "{packed:x?}");
            taken += 1;
        } else {
            assert_eq!(check(&packed), Err(LayerProblem::WeightPadding), "{packed:x?}");
            refused += 1;
        }
    }
    assert!(taken > 0 && refused > 0, "{taken} and {refused}");
}

/// Sixteen times a sum must fit 32 bits: 131,072 weights of -8 are one too many.
#[test]
fn sums_beyond_the_range_are_refused() {
    if !Feature::Int4.is_built() {
        return;
    }
    for algorithm in DENSE {
        let bare = dense(algorithm, Shape::new(256, 512, 1), 1);
        let mut weights = vec![-8; 1 << 17];
        let parameters = parameters(0, 1);
        let answer = |weights: &[i8]| {
            let packed = packed_rows(bare.matrix(), weights).unwrap();
            bare.with_numbers(&parameters, &packed).map(|_| ())
        };
        let refused = LayerProblem::AlgorithmRange { channel: 0 };
        assert_eq!(answer(&weights), Err(refused), "{algorithm:?}");
        weights[77] = 7;
        assert_eq!(answer(&weights), Ok(()), "{algorithm:?}");
    }
}

#[test]
fn sections_of_another_length_are_refused() {
    let bare = dense(DenseAlgorithm::RowsInt4, Shape::vector(3), 2);
    for bytes in [3, 5, 6] {
        let answer = bare.with_numbers(&parameters(0, 2), &vec![0; bytes]).map(|_| ());
        assert_eq!(answer, Err(LayerProblem::SectionMissing), "{bytes}");
    }
}

/// Models from TensorFlow Lite have int8 weights.
#[test]
fn two_roundings_have_no_int4() {
    if !Feature::TwoRoundings.is_built() {
        return;
    }
    let twice = |channels: usize| {
        let mut numbers = parameters(0, channels);
        numbers.extend(vec![0xff; channels]);
        numbers
    };
    let shifted = ChannelParameters { bias: 0, multiplier: 1 << 30, shift: Some(-1) };
    assert_eq!(twice(1)[..8], shifted.to_le_bytes());
    for algorithm in DENSE {
        let bare = dense(algorithm, Shape::vector(4), 4);
        let weights = vec![0; bare.matrix().packed_bytes() as usize];
        assert!(bare.with_numbers(&parameters(0, 4), &weights).is_ok());
        let answer = bare.with_numbers(&twice(4), &weights).map(|_| ());
        assert_eq!(answer, Err(LayerProblem::Algorithm), "{algorithm:?}");
    }
    for algorithm in CONVOLUTIONS {
        let (kernel, pool, stride, origin) = ([3, 3], [2, 2], [1, 1], [0, 0]);
        let record = ConvRecord { input: 0, kernel, stride, origin, pool, algorithm };
        let [input, output] = [Shape::new(4, 4, 1), Shape::new(1, 1, 2)];
        let bare = Conv::of(&record, &[tensor(input, 0); INPUTS_MAX], tensor(output, 0));
        let weights = vec![0; bare.filters().packed_bytes() as usize];
        let answer = bare.with_numbers(&twice(2), &weights).map(|_| ());
        assert_eq!(answer, Err(LayerProblem::Algorithm), "{algorithm:?}");
    }
}
