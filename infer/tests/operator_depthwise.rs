//! Depthwise convolutions: the worked example of `docs/arithmetic.md`, and every check of the
//! record and of the numbers.

mod support;

use infer::features::Feature;
use infer::format::{DepthwiseRecord, OperatorRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::quant::ChannelParameters;
use infer::{Depthwise, LayerKind, LayerProblem, Model, Portable, Reference, Shape, Table};
use support::graph::Graph;
use support::{HALF, channel, check_left_out};

#[test]
fn worked_example_of_the_document() {
    let quant = |zero_point| OutputQuant { scale: 1.0, zero_point };
    let input = Tensor { shape: Shape::new(1, 2, 1), quant: quant(-5) };
    let output = Tensor { shape: Shape::new(1, 2, 2), quant: quant(-10) };
    let record = DepthwiseRecord { input: 0, kernel: [1, 3], stride: [1, 1], origin: [0, -1] };
    let bare = Depthwise::of(&record, &[input; 2], output);
    // A zero point of -5: the biases are 0 + 5 * 7 and 0 + 5 * 1.
    let channels = [channel(35, 1 << 30), channel(5, 1 << 30)];
    let parameters = channels.map(ChannelParameters::to_le_bytes).concat();
    let mut weights = [0; 6];
    for (channel, of_channel) in [[1i8, 2, 4], [-4, 0, 5]].iter().enumerate() {
        for (tap, weight) in of_channel.iter().enumerate() {
            weights[bare.weight_place(channel, tap)] = *weight as u8;
        }
    }
    assert_eq!(weights.map(|weight| weight as i8), [1, -4, 2, 0, 4, 5]);
    let kind = LayerKind::Depthwise(bare.with_numbers(&parameters, &weights).unwrap());
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (mut scratch, mut output) = ([0; 8], [0; 4]);
        let scratch = &mut scratch;
        run(&kind, Buffers { input: &[10, -20], second: &[], scratch, output: &mut output });
        // -5 * 1 + 10 * 2 - 20 * 4 + 35 = -30, a quarter is -7.5, rounded up -7; and so on.
        assert_eq!(output, [-17, -29, -14, -25]);
    }
}

/// A layer whose parts tests change.
#[derive(Clone)]
struct Parts {
    input: Shape,
    record: DepthwiseRecord,
    output: Shape,
    channels: Vec<ChannelParameters>,
    weights: Vec<u8>,
}

impl Default for Parts {
    /// 3x2 taps over 4x4x2 values, two outputs for each channel.
    fn default() -> Self {
        Self {
            input: Shape::new(4, 4, 2),
            record: DepthwiseRecord { input: 0, kernel: [3, 2], stride: [1, 2], origin: [-1, 0] },
            output: Shape::new(4, 2, 4),
            channels: vec![channel(9, HALF); 4],
            weights: vec![1; 24],
        }
    }
}

impl Parts {
    fn graph(&self) -> Graph {
        let tensor = |shape| {
            let quant = OutputQuant { scale: 1.0, zero_point: -128 };
            Tensor { shape, quant }
        };
        let Self { input, record, output, channels, weights } = self.clone();
        let operator = OperatorRecord::Depthwise(record);
        Graph::new(tensor(input)).with_numbers(operator, tensor(output), channels, weights)
    }
}

/// The problem after `change`.
fn problem(change: impl FnOnce(&mut Parts)) -> LayerProblem {
    let mut parts = Parts::default();
    change(&mut parts);
    parts.graph().problem()
}

fn loads(parts: &Parts) -> bool {
    Model::from_bytes(&parts.graph().file(), &mut Table::<1>::new()).is_ok()
}

#[test]
fn records() {
    assert!(loads(&Parts::default()));
    for axis in 0..2 {
        assert_eq!(problem(|parts| parts.record.kernel[axis] = 0), LayerProblem::ZeroSize);
        assert_eq!(problem(|parts| parts.record.stride[axis] = 0), LayerProblem::ZeroSize);
    }
    for channels in [1, 3, 5] {
        let found = problem(|parts| parts.output.channels = channels);
        assert_eq!(found, LayerProblem::OutputShape);
    }
    assert_eq!(problem(|parts| parts.record.input = 1), LayerProblem::UnknownInput);
}

#[test]
fn sizes_at_their_limits() {
    // Columns end below 2^30 / 64 channels: 65,535 * 255 * 64 = 2^30 - 4,259,584.
    let reach = |channels: u16| {
        problem(|parts| {
            (parts.input.channels, parts.output) = (channels, Shape::new(1, u16::MAX, channels));
            parts.record.stride[1] = 255;
        })
    };
    assert_eq!(reach(64), LayerProblem::SectionMissing);
    assert_eq!(reach(65), LayerProblem::TooLarge);
    // 65,025 taps for each of 16,512 channels are just below 2^30 bytes.
    let weights = |channels: u16| {
        problem(|parts| {
            (parts.input, parts.output) = (Shape::new(1, 1, 1), Shape::new(1, 1, channels));
            parts.record.kernel = [255, 255];
            parts.channels = vec![channel(0, HALF); channels as usize];
        })
    };
    assert_eq!(weights(16_512), LayerProblem::SectionMissing);
    assert_eq!(weights(16_513), LayerProblem::TooLarge);
    assert_eq!(problem(|parts| _ = parts.weights.pop()), LayerProblem::SectionMissing);
}

#[test]
fn numbers() {
    for multiplier in [0, -1, i32::MIN] {
        let found = problem(|parts| parts.channels[2].multiplier = multiplier);
        assert_eq!(found, LayerProblem::Multiplier { channel: 2 });
    }
    // Channel 3 has the weights at 3, 7, 11 and so on: 128 * 6 + |bias| may reach 2^31 - 1.
    let mut parts = Parts::default();
    for limit in [i32::MAX - 768, -(i32::MAX - 768)] {
        parts.channels[3].bias = limit;
        assert!(loads(&parts));
        let beyond = limit + limit.signum();
        let found = problem(|parts| parts.channels[3].bias = beyond);
        assert_eq!(found, LayerProblem::AccumulatorRange { channel: 3 });
    }
    parts.weights[3 + 4] = -2i8 as u8;
    let range = LayerProblem::AccumulatorRange { channel: 3 };
    assert_eq!(parts.graph().problem(), range, "a weight more of that channel");
    parts.weights[3 + 4] = 1;
    parts.weights[2 + 4] = -128i8 as u8;
    assert!(loads(&parts), "another channel's weight");
}

#[test]
fn left_out() {
    check_left_out(&Parts::default().graph().file(), &[Feature::Depthwise]);
}
