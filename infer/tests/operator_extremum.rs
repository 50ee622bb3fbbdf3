//! Maxima and minima of two tensors: the worked example of `docs/arithmetic.md`, and every check of
//! the record.

mod support;

use infer::features::Feature;
use infer::format::{AveragePoolRecord, ExtremumRecord, OperatorRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::{Extremum, LayerKind, LayerProblem, Model, Portable, Reference, Shape, Table};
use support::check_left_out;
use support::graph::Graph;

const fn tensor(shape: Shape, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } }
}

#[test]
fn worked_example_of_the_document() {
    let steps = |scale: f64| (scale / 0.04 * 16_384.0f64).round() as i16;
    let multipliers = [steps(0.05), steps(0.02)];
    assert_eq!(multipliers, [20_480, 8192]);
    for (is_least, expected) in [(false, [46, -36, 127]), (true, [26, -59, -10])] {
        let (inputs, origins) = ([0, 1], [[0; 2]; 2]);
        let record = ExtremumRecord { inputs, origins, multipliers, shift: 14, is_least };
        let shape = Shape::vector(3);
        let inputs = [tensor(shape, 0), tensor(shape, 10)];
        let kind = LayerKind::Extremum(Extremum::of(&record, &inputs, tensor(shape, -5)));
        for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
            let (input, second, mut output) = ([41, -43, 127], [72, -53, 0], [0; 3]);
            let buffers =
                Buffers { input: &input, second: &second, scratch: &mut [], output: &mut output };
            run(&kind, buffers);
            assert_eq!(output, expected);
        }
    }
}

/// The maximum of a 4x4x2 map and its averages, after `change`.
fn maximum(change: impl FnOnce(&mut ExtremumRecord, &mut Tensor)) -> Graph {
    let map = |side| tensor(Shape::new(side, side, 2), -128);
    let average = AveragePoolRecord { input: 0, size: [2, 2], stride: [1, 1], origin: [0, 0] };
    let mut record = ExtremumRecord {
        inputs: [0, 1],
        origins: [[1, 1], [0, 0]],
        multipliers: [1, 1],
        shift: 1,
        is_least: false,
    };
    let mut output = map(3);
    change(&mut record, &mut output);
    Graph::new(map(4))
        .with(OperatorRecord::AveragePool(average), map(3))
        .with(OperatorRecord::Extremum(record), output)
}

#[test]
fn records() {
    let loads = |graph: Graph| {
        let file = graph.file();
        Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
    };
    loads(maximum(|_, _| ()));
    loads(maximum(|record, _| record.multipliers = [i16::MAX; 2]));
    loads(maximum(|record, _| (record.shift, record.is_least) = (23, true)));
    let problem = |change: fn(&mut ExtremumRecord, &mut Tensor)| maximum(change).problem();
    for (input, axis) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        for by in [1, u16::MAX - 1] {
            let found = maximum(|record, _| record.origins[input][axis] += by).problem();
            assert_eq!(found, LayerProblem::OutsideMap, "input {input}, axis {axis}");
        }
    }
    assert_eq!(problem(|_, output| output.shape.height += 1), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.width += 1), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.channels = 1), LayerProblem::OutsideMap);
    for (input, multiplier) in [(0, 0), (1, -1), (1, i16::MIN)] {
        let found = maximum(|record, _| record.multipliers[input] = multiplier).problem();
        assert_eq!(found, LayerProblem::Multiplier { channel: input as u16 });
    }
    for shift in [0, 24, 255] {
        let found = maximum(|record, _| record.shift = shift).problem();
        assert_eq!(found, LayerProblem::AccumulatorRange { channel: 0 });
    }
    assert_eq!(problem(|record, _| record.inputs = [1, 1]), LayerProblem::SameInput);
    assert_eq!(problem(|record, _| record.inputs = [0, 2]), LayerProblem::UnknownInput);
}

#[test]
fn left_out() {
    let parts = [Feature::AveragePool, Feature::Extremum];
    check_left_out(&maximum(|_, _| ()).file(), &parts);
}
