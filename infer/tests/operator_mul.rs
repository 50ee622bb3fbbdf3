//! Products of two tensors: the worked example of `docs/arithmetic.md`, and every check of the
//! record.

mod support;

use infer::features::Feature;
use infer::format::{AveragePoolRecord, MulRecord, OperatorRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::{LayerKind, LayerProblem, Model, Mul, Portable, Reference, Shape, Table};
use support::check_left_out;
use support::graph::Graph;

const fn tensor(shape: Shape, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } }
}

#[test]
fn worked_example_of_the_document() {
    let scale = 0.05 * 0.02 / 0.04;
    let multiplier = (scale * 4_294_967_296.0f64).round() as i32;
    assert_eq!(multiplier, 107_374_182);
    let record = MulRecord { inputs: [0, 1], origins: [[0; 2]; 2], multiplier, shift: None };
    let shape = Shape::new(2, 1, 2);
    let inputs = [tensor(shape, 0), tensor(Shape::vector(2), 10)];
    let kind = LayerKind::Mul(Mul::of(&record, &inputs, tensor(shape, -5)));
    // 41 * -60 / 40 = -61.5, which is rounded up; the others are 61.5 less the rounding of the
    // multiplier, -48 and -190.5.
    let expected = [-66, 56, -53, -128];
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (input, second, mut output) = ([41, -41, 32, 127], [-50, -50], [0; 4]);
        let buffers =
            Buffers { input: &input, second: &second, scratch: &mut [], output: &mut output };
        run(&kind, buffers);
        assert_eq!(output, expected);
    }
}

/// The same scale in TensorFlow Lite's arithmetic: 0.025 is 0.8 * 2^-5.
#[test]
fn worked_example_of_the_document_with_two_roundings() {
    let (multiplier, shift) = (1_717_986_918, Some(-5));
    let record = MulRecord { inputs: [0, 1], origins: [[0; 2]; 2], multiplier, shift };
    let shape = Shape::new(2, 1, 2);
    let inputs = [tensor(shape, 0), tensor(Shape::vector(2), 10)];
    let kind = LayerKind::Mul(Mul::of(&record, &inputs, tensor(shape, -5)));
    // -61.5 and 61.5 are rounded away from zero; -48 and -190.5.
    let expected = [-67, 57, -53, -128];
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (input, second, mut output) = ([41, -41, 32, 127], [-50, -50], [0; 4]);
        let buffers =
            Buffers { input: &input, second: &second, scratch: &mut [], output: &mut output };
        run(&kind, buffers);
        assert_eq!(output, expected);
    }
}

/// A 4x4x2 map times a part of it, or times its averages, after `change`.
fn product(is_by_channel: bool, change: impl FnOnce(&mut MulRecord, &mut Tensor)) -> Graph {
    let map = |side| tensor(Shape::new(side, side, 2), -128);
    let size = if is_by_channel { [4, 4] } else { [2, 2] };
    let average = AveragePoolRecord { input: 0, size, stride: [1, 1], origin: [0, 0] };
    let (side, origins) = if is_by_channel { (4, [[0, 0]; 2]) } else { (3, [[1, 1], [0, 0]]) };
    let mut record = MulRecord { inputs: [0, 1], origins, multiplier: 1, shift: None };
    let mut output = map(side);
    change(&mut record, &mut output);
    Graph::new(map(4))
        .with(OperatorRecord::AveragePool(average), map(if is_by_channel { 1 } else { 3 }))
        .with(OperatorRecord::Mul(record), output)
}

#[test]
fn records() {
    for is_by_channel in [false, true] {
        let loads = |graph: Graph| {
            let file = graph.file();
            Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
        };
        loads(product(is_by_channel, |_, _| ()));
        loads(product(is_by_channel, |record, _| record.multiplier = i32::MAX));
        let problem =
            |change: fn(&mut MulRecord, &mut Tensor)| product(is_by_channel, change).problem();
        for (input, axis) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            for by in [1, u16::MAX - 1] {
                let found = product(is_by_channel, |record, _| record.origins[input][axis] += by);
                let found = found.problem();
                assert_eq!(found, LayerProblem::OutsideMap, "input {input}, axis {axis}");
            }
        }
        assert_eq!(problem(|_, output| output.shape.height += 1), LayerProblem::OutsideMap);
        assert_eq!(problem(|_, output| output.shape.width += 1), LayerProblem::OutsideMap);
        assert_eq!(problem(|_, output| output.shape.channels = 1), LayerProblem::OutsideMap);
        for multiplier in [0, -1, i32::MIN] {
            let found = product(is_by_channel, |record, _| record.multiplier = multiplier);
            assert_eq!(found.problem(), LayerProblem::Multiplier { channel: 0 });
        }
        for (multiplier, shift, is_right) in [
            (0, 0, true),
            (1 << 30, -31, true),
            (i32::MAX, 15, true),
            (1 << 30, 16, false),
            (1 << 30, -32, false),
            ((1 << 30) - 1, 0, false),
            (-1, 0, false),
        ] {
            let twice = product(is_by_channel, |record, _| {
                (record.multiplier, record.shift) = (multiplier, Some(shift));
            });
            match is_right {
                true => loads(twice),
                false => assert_eq!(twice.problem(), LayerProblem::Multiplier { channel: 0 }),
            }
        }
        assert_eq!(problem(|record, _| record.inputs = [1, 1]), LayerProblem::SameInput);
        assert_eq!(problem(|record, _| record.inputs = [0, 2]), LayerProblem::UnknownInput);
    }
}

#[test]
fn left_out() {
    let parts = [Feature::AveragePool, Feature::Mul];
    check_left_out(&product(true, |_, _| ()).file(), &parts);
    let twice = product(true, |record, _| {
        (record.multiplier, record.shift) = (1 << 30, Some(0));
    });
    let parts = [Feature::AveragePool, Feature::Mul, Feature::TwoRoundings];
    check_left_out(&twice.file(), &parts);
}
