//! Softmaxes: the worked example of `docs/arithmetic.md`, real numbers, and every check of the
//! record.

mod support;

use infer::features::Feature;
use infer::format::{OperatorRecord, OutputQuant, SoftmaxRecord, Tensor};
use infer::quant::Factor;
use infer::{
    LayerKind, LayerProblem, Model, Portable, Reference, Shape, Softmax, Table, ops::Buffers,
};
use support::check_left_out;
use support::graph::Graph;

const OUTPUT: OutputQuant = OutputQuant { scale: 1.0 / 256.0, zero_point: -128 };

const fn tensor(shape: Shape, quant: OutputQuant) -> Tensor {
    Tensor { shape, quant }
}

const fn input(shape: Shape) -> Tensor {
    tensor(shape, OutputQuant { scale: 1.0, zero_point: 0 })
}

/// What both kernel sets make of a row of values.
fn shares(factor: Factor, values: &[i8]) -> Vec<i8> {
    let shape = Shape::vector(values.len() as u16);
    let record = SoftmaxRecord { input: 0, factor };
    let softmax = Softmax::of(&record, &[input(shape); 2], tensor(shape, OUTPUT));
    let kind = LayerKind::Softmax(softmax);
    let [first, second] = [LayerKind::run::<Reference>, LayerKind::run::<Portable>].map(|run| {
        let mut output = vec![1; values.len()];
        run(&kind, Buffers { input: values, second: &[], scratch: &mut [], output: &mut output });
        output
    });
    assert_eq!(first, second);
    first
}

/// A step of 1/16 is `2^22 / 2^26`: a multiplier of 1/2, shifted by 23.
const SIXTEENTH: Factor = Factor { multiplier: 1 << 30, shift: 23 };

#[test]
fn worked_example_of_the_document() {
    assert_eq!(shares(SIXTEENTH, &[100, 84, 68, -128]), [42, -65, -105, -128]);
}

/// Each output is within a step of its real number.
#[test]
fn shares_are_those_of_real_numbers() {
    let mut state = 1_u32;
    for (shift, step) in [(18, 1.0 / 512.0), (22, 1.0 / 32.0), (24, 1.0 / 8.0), (27, 1.0)] {
        let values: Vec<i8> = (0..37)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as i8
            })
            .collect();
        let found = shares(Factor { multiplier: 1 << 30, shift }, &values);
        let exps: Vec<f64> = values.iter().map(|value| (*value as f64 * step).exp()).collect();
        let sum: f64 = exps.iter().sum();
        for (exp, found) in exps.iter().zip(found) {
            let real = (exp / sum * 256.0 - 128.0).min(127.0);
            assert!((real - found as f64).abs() <= 0.51, "{shift}: {real} and {found}");
        }
    }
}

/// What is far below the largest value counts as nothing, and one value has it all.
#[test]
fn far_below() {
    let huge = Factor { multiplier: i32::MAX, shift: 30 };
    assert_eq!(shares(huge, &[127, 126, -128]), [127, -128, -128]);
    assert_eq!(shares(SIXTEENTH, &[-128]), [127]);
    let nothing = Factor { multiplier: 0, shift: 0 };
    assert_eq!(shares(nothing, &[-128, 127, 0, 5]), [-64; 4]);
}

fn softmax(change: impl FnOnce(&mut SoftmaxRecord, &mut Tensor)) -> Graph {
    let shape = Shape::new(2, 3, 4);
    let mut record = SoftmaxRecord { input: 0, factor: SIXTEENTH };
    let mut output = tensor(shape, OUTPUT);
    change(&mut record, &mut output);
    let image = tensor(shape, OutputQuant { scale: 1.0, zero_point: -128 });
    Graph::new(image).with(OperatorRecord::Softmax(record), output)
}

#[test]
fn records() {
    let file = softmax(|_, _| ()).file();
    assert!(Model::from_bytes(&file, &mut Table::<2>::new()).is_ok());
    let problem = |change: fn(&mut SoftmaxRecord, &mut Tensor)| softmax(change).problem();
    let multiplier = LayerProblem::Multiplier { channel: 0 };
    assert_eq!(problem(|record, _| record.factor.multiplier = -1), multiplier);
    assert_eq!(problem(|record, _| record.factor.multiplier = 1), multiplier);
    assert_eq!(problem(|record, _| record.factor.shift = -1), multiplier);
    assert_eq!(problem(|record, _| record.factor.shift = 31), multiplier);
    assert_eq!(problem(|_, output| output.shape.channels = 3), LayerProblem::OutputShape);
    assert_eq!(problem(|_, output| output.shape.height = 1), LayerProblem::OutputShape);
    assert_eq!(problem(|_, output| output.quant.scale = 1.0 / 128.0), LayerProblem::OutputQuant);
    assert_eq!(problem(|_, output| output.quant.zero_point = 0), LayerProblem::OutputQuant);
    assert_eq!(problem(|record, _| record.input = 1), LayerProblem::UnknownInput);
}

/// The sum of 4,096 exponentials could leave its 12 integer bits.
#[test]
fn too_many_channels() {
    let with = |channels| {
        let shape = Shape::vector(channels);
        let image = tensor(shape, OutputQuant { scale: 1.0, zero_point: -128 });
        let record = SoftmaxRecord { input: 0, factor: SIXTEENTH };
        Graph::new(image).with(OperatorRecord::Softmax(record), tensor(shape, OUTPUT))
    };
    let file = with(4095).file();
    assert!(Model::from_bytes(&file, &mut Table::<2>::new()).is_ok());
    assert_eq!(with(4096).problem(), LayerProblem::TooLarge);
    assert_eq!(shares(Factor { multiplier: 0, shift: 0 }, &[0; 4095]), [-128; 4095]);
}

#[test]
fn left_out() {
    check_left_out(&softmax(|_, _| ()).file(), &[Feature::Softmax]);
}
