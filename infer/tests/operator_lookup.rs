//! Lookups: the worked example of `docs/arithmetic.md`, and every check of the record and of the
//! table.

mod support;

use infer::features::Feature;
use infer::format::{LookupRecord, OperatorRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::{
    LayerKind, LayerProblem, Lookup, Model, ModelError, Portable, Reference, Shape, Table,
};
use support::graph::Graph;
use support::{check_left_out, refused};

const fn tensor(shape: Shape, scale: f32, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale, zero_point } }
}

/// The answers of a function, as the exporter makes them.
fn table(input: OutputQuant, output: OutputQuant, function: impl Fn(f64) -> f64) -> Vec<u8> {
    let answer = |place: usize| {
        let value = place as u8 as i8;
        let real = input.scale as f64 * (value as f64 - input.zero_point as f64);
        let steps = (function(real) / output.scale as f64).round() + output.zero_point as f64;
        steps.clamp(-128.0, 127.0) as i8 as u8
    };
    (0..256).map(answer).collect()
}

#[test]
fn worked_example_of_the_document() {
    let shape = Shape::new(1, 1, 4);
    let (input, output) = (tensor(shape, 0.05, 10), tensor(shape, 1.0 / 256.0, -128));
    let table = table(input.quant, output.quant, |x| 1.0 / (1.0 + (-x).exp()));
    // Value 50 is real 2.0, whose sigmoid is 0.8808: 225.5 steps. 10 is 0.0: 0.5.
    assert_eq!(
        [50i8, 10, -128, 127].map(|value| table[value as u8 as usize] as i8),
        [97, 0, -128, 127]
    );
    let bare = Lookup::of(&LookupRecord { input: 0, origin: [0, 0] }, &[input; 2], output);
    let kind = LayerKind::Lookup(bare.with_table(&table).unwrap());
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (values, mut output) = ([50, 10, -128, 127], [9; 4]);
        let output = &mut output;
        run(&kind, Buffers { input: &values, second: &[], scratch: &mut [], output });
        assert_eq!(*output, [97, 0, -128, 127]);
    }
}

/// A table for the last row of a map of two rows, after `change`.
fn looked_up(bytes: usize, change: impl FnOnce(&mut LookupRecord, &mut Tensor)) -> Graph {
    let input = tensor(Shape::new(2, 3, 2), 1.0, -128);
    let (mut record, mut output) =
        (LookupRecord { input: 0, origin: [1, 1] }, tensor(Shape::new(1, 2, 2), 2.0, 7));
    change(&mut record, &mut output);
    Graph::new(input).with_numbers(
        OperatorRecord::Lookup(record),
        output,
        Vec::new(),
        vec![1; bytes],
    )
}

#[test]
fn records_and_tables() {
    let file = looked_up(256, |_, _| ()).file();
    Model::from_bytes(&file, &mut Table::<1>::new()).map(|_| ()).expect("valid");
    let problem = |change: fn(&mut LookupRecord, &mut Tensor)| looked_up(256, change).problem();
    for axis in 0..2 {
        for origin in [2, u16::MAX] {
            let found = looked_up(256, |record, _| record.origin[axis] = origin).problem();
            assert_eq!(found, LayerProblem::OutsideMap, "axis {axis}");
        }
    }
    assert_eq!(problem(|_, output| output.shape.height = 2), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.width = 3), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.channels = 1), LayerProblem::OutsideMap);
    assert_eq!(problem(|record, _| record.input = 1), LayerProblem::UnknownInput);
    assert_eq!(looked_up(255, |_, _| ()).problem(), LayerProblem::SectionMissing);
    assert_eq!(refused(&looked_up(257, |_, _| ()).file()), ModelError::Surplus);
    let bare = Lookup::of(
        &LookupRecord { input: 0, origin: [0, 0] },
        &[tensor(Shape::vector(1), 1.0, 0); 2],
        tensor(Shape::vector(1), 1.0, 0),
    );
    assert_eq!(bare.with_table(&[0; 255]).err(), Some(LayerProblem::SectionMissing));
    assert_eq!(bare.with_table(&[0; 257]).err(), Some(LayerProblem::SectionMissing));
}

#[test]
fn left_out() {
    check_left_out(&looked_up(256, |_, _| ()).file(), &[Feature::Lookup]);
}
