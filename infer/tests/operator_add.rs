//! Sums of two tensors: the worked example of `docs/arithmetic.md`, and every check of the record.

mod support;

use infer::features::Feature;
use infer::format::{AddRecord, MaxPoolRecord, OperatorRecord, OutputQuant, Scaling, Tensor};
use infer::quant::Factor;
use infer::{Add, LayerKind, LayerProblem, Model, Portable, Reference, Shape, Table, ops::Buffers};
use support::check_left_out;
use support::graph::Graph;

const fn quant(scale: f32, zero_point: i8) -> OutputQuant {
    OutputQuant { scale, zero_point }
}

#[test]
fn worked_example_of_the_document() {
    let scales = [0.05, 0.02, 0.04];
    let multiplier = |scale: f64| (scale / scales[2] * 16384.0).round() as i16;
    let multipliers = [multiplier(scales[0]), multiplier(scales[1])];
    assert_eq!(multipliers, [20480, 8192]);
    let shape = Shape::new(1, 1, 3);
    let [a, b, output] = [(0, 0), (1, 10), (2, -128)]
        .map(|(index, zero)| Tensor { shape, quant: quant(scales[index] as f32, zero) });
    let scaling = Scaling::Once { multipliers, shift: 14 };
    let record = AddRecord { inputs: [0, 1], origins: [[0; 2]; 2], scaling };
    let kind = LayerKind::Add(Add::of(&record, &[a, b], output));
    let (first, second) = ([41, -128, 127], [-33, -28, 127]);
    // 41 * 20480 - 43 * 8192 = 487424; + 8192 = 495616; >> 14 = 30; -128 + 30 = -98.
    // The others are -6.4 - 0.76, which saturates, and 6.35 + 2.34.
    let expected = [-98, -128, 89];
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let mut output = [0; 3];
        let buffers =
            Buffers { input: &first, second: &second, scratch: &mut [], output: &mut output };
        run(&kind, buffers);
        assert_eq!(output, expected);
    }
    // In real numbers: 2.05 - 0.86 = 1.19, within half a step of 0.04.
    assert!((0.04 * (-98.0 + 128.0) - 1.19f64).abs() <= 0.02);
}

fn once(multipliers: [i16; 2], shift: u8) -> Scaling {
    Scaling::Once { multipliers, shift }
}

/// The sum of a 4x4x2 map and of its 3x3 inner part after a pooling, after `change`.
fn sum(change: impl FnOnce(&mut AddRecord, &mut Tensor)) -> Graph {
    let tensor = |side| Tensor { shape: Shape::new(side, side, 2), quant: quant(1.0, -128) };
    let pool = MaxPoolRecord { input: 0, size: [2, 2], stride: [1, 1], origin: [0, 0] };
    let origins = [[1, 1], [0, 0]];
    let mut record = AddRecord { inputs: [0, 1], origins, scaling: once([1, i16::MAX], 23) };
    let mut output = tensor(3);
    change(&mut record, &mut output);
    Graph::new(tensor(4))
        .with(OperatorRecord::MaxPool(pool), tensor(3))
        .with(OperatorRecord::Add(record), output)
}

#[test]
fn records() {
    let loads = |graph: Graph| {
        let file = graph.file();
        Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
    };
    loads(sum(|_, _| ()));
    loads(sum(|record, _| record.scaling = once([1, 1], 1)));
    let problem = |change: fn(&mut AddRecord, &mut Tensor)| sum(change).problem();
    for (input, axis) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        let found = sum(|record, _| record.origins[input][axis] += 1).problem();
        assert_eq!(found, LayerProblem::OutsideMap, "input {input}, axis {axis}");
        let found = sum(|record, _| record.origins[input][axis] = u16::MAX).problem();
        assert_eq!(found, LayerProblem::OutsideMap, "input {input}, axis {axis}");
    }
    assert_eq!(problem(|_, output| output.shape.height = 4), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.width = 4), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.channels = 1), LayerProblem::OutsideMap);
    for input in 0..2 {
        for multiplier in [0, -1, i16::MIN] {
            let mut multipliers = [1; 2];
            multipliers[input] = multiplier;
            let found = sum(|record, _| record.scaling = once(multipliers, 23)).problem();
            assert_eq!(found, LayerProblem::Multiplier { channel: input as u16 });
        }
    }
    let range = LayerProblem::AccumulatorRange { channel: 0 };
    assert_eq!(problem(|record, _| record.scaling = once([1, 1], 0)), range);
    assert_eq!(problem(|record, _| record.scaling = once([1, 1], 24)), range);
    assert_eq!(problem(|record, _| record.inputs = [0, 0]), LayerProblem::SameInput);
    assert_eq!(problem(|record, _| record.inputs = [1, 1]), LayerProblem::SameInput);
    assert_eq!(problem(|record, _| record.inputs = [0, 2]), LayerProblem::UnknownInput);
    assert_eq!(problem(|record, _| record.inputs = [0, 255]), LayerProblem::UnknownInput);
    assert_eq!(problem(|record, _| record.inputs = [255, 0]), LayerProblem::UnknownInput);
}

/// The ends of every range: nothing leaves 32 bits (tests of the debug build look at each sum).
#[test]
fn extremes() {
    let shape = Shape::new(1, 1, 4);
    let (first, second) = ([-128, -128, 127, 127], [-128, 127, -128, 127]);
    for zero_points in 0..8 {
        let zero = |bit: u32| if zero_points >> bit & 1 == 0 { -128 } else { 127 };
        for shift in [1, 8, 23] {
            let scaling = once([i16::MAX; 2], shift);
            let record = AddRecord { inputs: [0, 1], origins: [[0; 2]; 2], scaling };
            let [a, b, output] =
                [0, 1, 2].map(|bit| Tensor { shape, quant: quant(1.0, zero(bit)) });
            let kind = LayerKind::Add(Add::of(&record, &[a, b], output));
            let mut outputs = [[0; 4]; 2];
            let [reference, portable] = &mut outputs;
            let buffers =
                |output| Buffers { input: &first, second: &second, scratch: &mut [], output };
            kind.run::<Reference>(buffers(reference));
            kind.run::<Portable>(buffers(portable));
            assert_eq!(outputs[0], outputs[1], "{record:?}, zero points {zero_points:b}");
        }
    }
}

const fn factor(multiplier: i32, shift: i8) -> Factor {
    Factor { multiplier, shift }
}

/// A quarter of the common scale, of which the output has two steps.
const TWICE: [Factor; 2] = [factor(1 << 30, -1), factor(1 << 30, -18)];

/// `(41 / 2 + 3 / 4) * 2` is 42.5: halves are rounded away from zero. The other way round
/// `(41 / 4 + 3 / 2) * 2` is 23.5.
#[test]
fn two_roundings_by_hand() {
    let shape = Shape::new(1, 1, 3);
    let tensor = |zero| Tensor { shape, quant: quant(1.0, zero) };
    let (first, second) = ([41, -41, 127], [13, 7, 127]);
    for (scaled, expected) in [(0, [17, -31, 127]), (1, [36, -50, 127])] {
        let scaling = Scaling::twice(scaled, TWICE);
        let record = AddRecord { inputs: [0, 1], origins: [[0; 2]; 2], scaling };
        let kind = LayerKind::Add(Add::of(&record, &[tensor(0), tensor(10)], tensor(-7)));
        for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
            let output = &mut [0; 3];
            run(&kind, Buffers { input: &first, second: &second, scratch: &mut [], output });
            assert_eq!(*output, expected);
        }
    }
}

#[test]
fn records_of_two_roundings() {
    let with = |change: fn(&mut [Factor; 2])| {
        let mut factors = TWICE;
        change(&mut factors);
        sum(|record, _| record.scaling = Scaling::twice(1, factors)).problem()
    };
    if !Feature::TwoRoundings.is_built() {
        return;
    }
    let file = sum(|record, _| record.scaling = Scaling::twice(1, TWICE)).file();
    assert!(Model::from_bytes(&file, &mut Table::<2>::new()).is_ok());
    let multiplier = LayerProblem::Multiplier { channel: 1 };
    assert_eq!(with(|factors| factors[0].multiplier = (1 << 30) - 1), multiplier);
    assert_eq!(with(|factors| factors[0].shift = 1), multiplier);
    assert_eq!(with(|factors| factors[0].shift = -32), multiplier);
    let range = LayerProblem::AccumulatorRange { channel: 0 };
    assert_eq!(with(|factors| factors[1].multiplier = -1), range);
    assert_eq!(with(|factors| factors[1].shift = 4), range);
    let unknown = sum(|record, _| record.scaling = Scaling::twice(2, TWICE)).problem();
    assert_eq!(unknown, LayerProblem::UnknownInput);
}

#[test]
fn left_out() {
    let twice = sum(|record, _| record.scaling = Scaling::twice(1, TWICE)).file();
    check_left_out(&twice, &[Feature::MaxPool, Feature::Add, Feature::TwoRoundings]);
    check_left_out(&sum(|_, _| ()).file(), &[Feature::MaxPool, Feature::Add]);
}
