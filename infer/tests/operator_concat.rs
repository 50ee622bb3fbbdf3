//! Tensors side by side: the worked example of `docs/arithmetic.md`, and every check of the record.

mod support;

use infer::features::Feature;
use infer::format::{ConcatRecord, MaxPoolRecord, OperatorRecord, OutputQuant, PartRecord, Tensor};
use infer::ops::Buffers;
use infer::{Concat, LayerKind, LayerProblem, Model, Portable, Reference, Shape, Table};
use support::check_left_out;
use support::graph::Graph;

const fn tensor(shape: Shape, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } }
}

#[test]
fn worked_example_of_the_document() {
    // Scales of 0.05 and 0.02 in scales of 0.05, times 2^14.
    let parts = [(0, [0, 0], 16_384), (1, [0, -1], 6554)];
    let [first, second] =
        parts.map(|(input, origin, multiplier)| PartRecord { input, origin, multiplier });
    let record = ConcatRecord { first, second: Some(second), shift: 14 };
    let inputs = [tensor(Shape::new(1, 2, 2), -10), tensor(Shape::new(1, 1, 1), 5)];
    let output = tensor(Shape::new(1, 2, 3), -10);
    let kind = LayerKind::Concat(Concat::of(&record, &inputs, output));
    let expected = [1, -2, -10, 3, 127, 14];
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let mut output = [99; 6];
        let (input, second) = (&[1, -2, 3, 127][..], &[65][..]);
        run(&kind, Buffers { input, second, scratch: &mut [], output: &mut output });
        assert_eq!(output, expected);
    }
}

/// A 4x4x2 map and its 3x3x2 maxima within a border, after `change`.
fn joined(change: impl FnOnce(&mut ConcatRecord, &mut Tensor)) -> Graph {
    let map = |side, channels| tensor(Shape::new(side, side, channels), -128);
    let pool = MaxPoolRecord { input: 0, size: [2, 2], stride: [1, 1], origin: [0, 0] };
    let part = |input, origin| PartRecord { input, origin, multiplier: i16::MAX };
    let (first, second) = (part(0, [0, 0]), Some(part(1, [-1, 0])));
    let mut record = ConcatRecord { first, second, shift: 23 };
    let mut output = map(4, 4);
    change(&mut record, &mut output);
    Graph::new(map(4, 2))
        .with(OperatorRecord::MaxPool(pool), map(3, 2))
        .with(OperatorRecord::Concat(record), output)
}

#[test]
fn records() {
    let loads = |graph: Graph| {
        let file = graph.file();
        Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
    };
    loads(joined(|_, _| ()));
    loads(joined(|record, output| {
        (record.shift, record.first.multiplier) = (1, 1);
        record.first.origin = [i16::MIN, i16::MAX];
        output.shape.height = 9;
    }));
    // Of one map it is a padding; the network's input is read by the pooling alone.
    loads(joined(|record, output| {
        (record.first.input, record.second) = (1, None);
        output.shape.channels = 2;
    }));
    let problem = |change: fn(&mut ConcatRecord, &mut Tensor)| joined(change).problem();
    for channels in [2, 3, 5] {
        let found = joined(|_, output| output.shape.channels = channels).problem();
        assert_eq!(found, LayerProblem::OutputShape);
    }
    assert_eq!(problem(|record, _| record.second = None), LayerProblem::OutputShape);
    for multiplier in [0, -1, i16::MIN] {
        let found = joined(|record, _| record.first.multiplier = multiplier).problem();
        assert_eq!(found, LayerProblem::Multiplier { channel: 0 });
        let change = |record: &mut ConcatRecord, _: &mut Tensor| {
            record.second.as_mut().unwrap().multiplier = multiplier;
        };
        assert_eq!(joined(change).problem(), LayerProblem::Multiplier { channel: 1 });
    }
    let range = LayerProblem::AccumulatorRange { channel: 0 };
    assert_eq!(problem(|record, _| record.shift = 0), range);
    assert_eq!(problem(|record, _| record.shift = 24), range);
    assert_eq!(problem(|record, _| record.first.input = 1), LayerProblem::SameInput);
    assert_eq!(problem(|record, _| record.first.input = 2), LayerProblem::UnknownInput);
}

/// The ends of every range: nothing leaves 32 bits (tests of the debug build look at each sum).
#[test]
fn extremes() {
    let values = [-128, -1, 0, 127];
    for zero_points in 0..4 {
        let zero = |bit: u32| if zero_points >> bit & 1 == 0 { -128 } else { 127 };
        for (shift, multiplier) in [(1, 1), (1, i16::MAX), (8, i16::MAX), (23, i16::MAX), (23, 1)] {
            let first = PartRecord { input: 0, origin: [0, 0], multiplier };
            let record = ConcatRecord { first, second: None, shift };
            let [input, output] = [0, 1].map(|bit| tensor(Shape::vector(4), zero(bit)));
            let kind = LayerKind::Concat(Concat::of(&record, &[input; 2], output));
            let mut outputs = [[0; 4]; 2];
            let [reference, portable] = &mut outputs;
            let buffers =
                |output| Buffers { input: &values, second: &[], scratch: &mut [], output };
            kind.run::<Reference>(buffers(reference));
            kind.run::<Portable>(buffers(portable));
            assert_eq!(outputs[0], outputs[1], "{record:?}, zero points {zero_points:b}");
        }
    }
}

#[test]
fn left_out() {
    check_left_out(&joined(|_, _| ()).file(), &[Feature::MaxPool, Feature::Concat]);
}
