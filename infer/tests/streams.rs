//! Streams: at every step that has an output, the bytes of a run on the whole sequence; and what
//! cannot stream.

#[path = "support/random_graph.rs"]
mod random_graph;
#[allow(dead_code)]
#[path = "support/random_layer/mod.rs"]
mod random_layer;
mod support;

use infer::format::{
    AddRecord, Algorithm, AveragePoolRecord, ConcatRecord, ConvRecord, MulRecord, OperatorRecord,
    OutputQuant, PartRecord, Scaling, Tensor,
};
use infer::kernels::Kernels;
use infer::ops::Buffers;
use infer::quant::quantise_pixel;
use infer::schedule::{InputRows, RowWindow, Slice};
use infer::{
    LayerKind, Model, Native, Portable, PushError, Reference, SessionError, Shape, Stream,
    StreamError, StreamProblem, Table, ValueType,
};
use random_layer::Random;
use support::channel;
use support::graph::{Graph, LAYERS};
use support::stream::planned;

const GRAPHS: u64 = if cfg!(miri) { 3 } else { 1000 };

/// Rows of a sequence, and of a long one.
const ROWS: usize = 70;
const LONG: usize = if cfg!(miri) { 100 } else { 10_000 };

#[test]
fn random_streams_equal_the_whole_sequence() {
    let (mut streamed, mut outputs, mut refused) = (0, 0, [0; 6]);
    for seed in 0..GRAPHS {
        let random = &mut Random::new(seed);
        let graph = random_graph::stream(random);
        match planned(&graph) {
            Ok(planned) => {
                let run = random.pick(&[check::<Native>, check::<Portable>, check::<Reference>]);
                outputs += run(random, &planned, ROWS);
                streamed += 1;
            }
            Err(StreamError::Layer { problem: StreamProblem::Rates, .. }) => refused[0] += 1,
            Err(StreamError::Layer { problem: StreamProblem::WholeMap, .. }) => refused[1] += 1,
            Err(StreamError::Layer { problem: StreamProblem::PaddingAfter, .. }) => refused[2] += 1,
            Err(StreamError::Burst) => refused[3] += 1,
            Err(StreamError::TooLong) => refused[4] += 1,
            Err(StreamError::Stuck) => refused[5] += 1,
            Err(other) => panic!("seed {seed}: {other:?}"),
        }
    }
    println!("{streamed} streams with {outputs} outputs, refused {refused:?}");
    assert!(cfg!(miri) || streamed > 500 && outputs > 10_000);
}

#[test]
fn ten_thousand_steps_equal_the_whole_sequence() {
    let mut left = if cfg!(miri) { 1 } else { 12 };
    for seed in 0.. {
        let random = &mut Random::new(1 << 40 | seed);
        let graph = random_graph::stream(random);
        let Ok(planned) = planned(&graph) else { continue };
        if graph.layers.len() > 3 && check::<Native>(random, &planned, LONG) > LONG / 8 {
            left -= 1;
        }
        if left == 0 {
            return;
        }
    }
}

fn with_model<Answer>(graph: &Graph, then: impl FnOnce(&Model<'_>, &mut [i8]) -> Answer) -> Answer {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = Model::from_bytes(&file, &mut table).expect("a plan for streams");
    let (mut arena, mut random) = (infer::Aligned([0; 1 << 16]), Random::new(7));
    let arena = &mut arena.0[..model.arena_bytes()];
    arena.fill_with(|| random.int8());
    then(&model, arena)
}

/// Pushes some rows, and a whole sequence after a reset; how many outputs came.
fn check<Set: Kernels>(random: &mut Random, graph: &Graph, rows: usize) -> usize {
    let row_len = graph.image.shape.row_len();
    let sequence: Vec<u8> = (0..rows * row_len).map(|_| random.int8() as u8).collect();
    with_model(graph, |model, arena| {
        let whole = whole_sequence(model, &sequence);
        let mut stream = Stream::<LAYERS, Set>::with_kernels(model, arena).unwrap();
        for row in sequence.chunks(row_len).take(random.below(40) as usize) {
            stream.push(row).unwrap();
        }
        stream.reset();
        let outputs = graph.outputs.len();
        let mut made = vec![0; outputs];
        for (step, row) in (1..).zip(sequence.chunks(row_len)) {
            let first = stream.push(row).unwrap().map(|scores| scores.values().to_vec());
            let there = rows_after(model, step);
            for (index, tensor) in graph.outputs.iter().enumerate() {
                let count = there[*tensor as usize];
                let new = count - made[index];
                made[index] = count;
                let newest = count.checked_sub(1).map(|row| {
                    let len = graph.layers[*tensor as usize - 1].output.shape.row_len();
                    &whole[*tensor as usize][row * len..][..len]
                });
                let found = stream.output(index);
                assert_eq!(
                    found.as_ref().map(|scores| scores.values()),
                    newest,
                    "{graph:?} row {step}, output {index}"
                );
                if index == 0 {
                    assert_eq!(
                        first.as_deref(),
                        newest.filter(|_| new == 1),
                        "row {step}, output {index}"
                    );
                    assert!(new <= 1);
                }
            }
        }
        made[0]
    })
}

/// Rows of each tensor that exist when this number of rows has come.
fn rows_after(model: &Model<'_>, rows: usize) -> Vec<usize> {
    let mut counts = vec![rows];
    for layer in model.layers() {
        let reads = layer.inputs.iter().enumerate();
        let rows = reads.map(|(input, tensor)| {
            let RowWindow { origin, step, reach } = layer.kind.stream_window(input).unwrap();
            let more = counts[tensor] as i64 - origin as i64 - reach as i64;
            if more < 0 { 0 } else { (more / step as i64) as usize + 1 }
        });
        let rows = rows.min().unwrap();
        counts.push(rows);
    }
    counts
}

/// All rows of each tensor by the reference, each made of whole sequences.
fn whole_sequence(model: &Model<'_>, sequence: &[u8]) -> Vec<Vec<i8>> {
    let mut tensors =
        vec![sequence.iter().map(|pixel| quantise_pixel(*pixel)).collect::<Vec<i8>>()];
    let counts = rows_after(model, sequence.len() / model.image_shape().row_len());
    for (layer, rows) in model.layers().iter().zip(&counts[1..]) {
        let inputs: Vec<&[i8]> = layer.inputs.iter().map(|tensor| &tensors[tensor][..]).collect();
        let slides = matches!(layer.kind, LayerKind::Dense(_))
            || layer.kind.reduces().is_some()
            || layer.kind.row_window(inputs.len() - 1).step == 0;
        let made = match slides {
            true => sliding(&layer.kind, &inputs, *rows),
            false => at_once(&layer.kind, &inputs, *rows),
        };
        tensors.push(made);
    }
    tensors
}

/// The operator, which makes a single row, of each place of its windows.
fn sliding(kind: &LayerKind<'_>, inputs: &[&[i8]], rows: usize) -> Vec<i8> {
    let of_row = |row: usize| {
        let windows = [0, 1].map(|number| {
            let Some(values) = inputs.get(number) else { return vec![] };
            let shape = kind.input(number);
            // Rows that an average does not read need not be there.
            let mut window = values[row * shape.row_len()..].to_vec();
            window.resize(shape.len(), 77);
            window
        });
        let mut output = vec![0; kind.output().shape.len()];
        let [input, second] = windows.each_ref().map(|window| &window[..]);
        kind.run::<Reference>(Buffers { input, second, scratch: &mut [], output: &mut output });
        output
    };
    (0..rows).flat_map(of_row).collect()
}

/// The operator of all rows of its inputs.
fn at_once(kind: &LayerKind<'_>, inputs: &[&[i8]], rows: usize) -> Vec<i8> {
    let mut slice = Slice { rows: 0..rows as u16, ..Slice::default() };
    let mut read = [&[][..]; 2];
    for (number, values) in inputs.iter().enumerate() {
        let (origin, row_len) =
            (kind.stream_window(number).unwrap().origin, kind.input(number).row_len());
        let first = (origin.max(0) as usize).min(values.len() / row_len);
        let end = (values.len() / row_len) as u16;
        let rows = InputRows { rows: first as u16..end, skipped: 0, origin: origin.min(0) as i16 };
        slice.inputs[number] = rows;
        read[number] = &values[first * row_len..];
    }
    let kind = kind.slice(&slice);
    let mut output = vec![0; kind.output().shape.row_len() * rows];
    let buffers =
        Buffers { input: read[0], second: read[1], scratch: &mut [], output: &mut output };
    if rows > 0 {
        kind.run::<Reference>(buffers);
    }
    output
}

fn quant(zero_point: i8) -> OutputQuant {
    OutputQuant { scale: 1.0, zero_point }
}

/// 12 rows of 2 values.
fn image() -> Graph {
    Graph::new(Tensor { shape: Shape::new(12, 1, 2), quant: quant(-128) })
}

/// With a convolution more of 3 rows, from row `origin` on.
fn with_conv(graph: Graph, input: u8, origin: i16, [rows, stride]: [u16; 2]) -> Graph {
    let (kernel, stride, origin, pool) = ([3, 1], [stride as u8, 1], [origin, 0], [1, 1]);
    let algorithm = Algorithm::Direct;
    let record = ConvRecord { input, kernel, stride, origin, pool, algorithm };
    let output = Tensor { shape: Shape::new(rows, 1, 2), quant: quant(3) };
    let channels = vec![channel(0, 1 << 28), channel(9, 1 << 28)];
    let weights = (1..13).map(|weight| weight * 9).collect();
    graph.with_numbers(OperatorRecord::Conv(record), output, channels, weights)
}

fn with_average(graph: Graph, input: u8, rows: u16) -> Graph {
    let record = AveragePoolRecord { input, size: [rows, 1], stride: [1, 1], origin: [0, 0] };
    let output = Tensor { shape: Shape::new(1, 1, 2), quant: quant(3) };
    graph.with(OperatorRecord::AveragePool(record), output)
}

fn refused(graph: &Graph) -> Option<StreamError> {
    with_model(graph, |model, arena| Stream::<LAYERS>::new(model, arena).err())
}

fn at(index: u8, problem: StreamProblem) -> Option<StreamError> {
    Some(StreamError::Layer { index, problem })
}

#[test]
fn causal_padding_streams_and_padding_after_the_last_row_does_not() {
    let causal = with_conv(with_conv(image(), 0, -2, [12, 1]), 1, -2, [12, 1]);
    assert_eq!(refused(&causal), None);
    let strided = with_conv(with_conv(image(), 0, -2, [6, 2]), 1, -2, [6, 1]);
    assert_eq!(refused(&strided), None);
    let same = with_conv(with_conv(image(), 0, -2, [12, 1]), 1, -1, [12, 1]);
    assert_eq!(refused(&same), at(1, StreamProblem::PaddingAfter));
}

#[test]
fn what_needs_a_whole_map_or_comes_at_another_rate_is_refused_by_its_layer() {
    let graph = with_average(with_conv(image(), 0, 0, [10, 1]), 1, 10);
    let (inputs, origins) = ([1, 2], [[0, 0]; 2]);
    let record = MulRecord { inputs, origins, multiplier: 1 << 25, shift: None };
    let output = Tensor { shape: Shape::new(10, 1, 2), quant: quant(3) };
    let gated = graph.with(OperatorRecord::Mul(record), output);
    assert_eq!(refused(&gated), at(2, StreamProblem::WholeMap));

    let halved = with_conv(with_conv(image(), 0, 0, [10, 1]), 0, 0, [5, 2]);
    let (inputs, scaling) = ([1, 2], Scaling::Once { multipliers: [9000; 2], shift: 14 });
    let record = AddRecord { inputs, origins, scaling };
    let output = Tensor { shape: Shape::new(5, 1, 2), quant: quant(3) };
    let sum = halved.with(OperatorRecord::Add(record), output);
    assert_eq!(refused(&sum), at(2, StreamProblem::Rates));
}

#[test]
fn a_plan_that_is_not_for_streams_is_refused() {
    let graph = with_average(with_conv(image(), 0, 0, [10, 1]), 1, 10);
    assert_eq!(refused(&graph), None);
    let mut taken_as_they_come = graph.clone();
    taken_as_they_come.layers[0].held_rows = 3;
    assert_eq!(refused(&taken_as_they_come), Some(StreamError::Stuck));
    let mut shared = graph.clone();
    // The image's memory once more, for the average, which a run makes after all rows are read.
    shared.places = vec![0, 2, 0];
    assert_eq!(refused(&shared), at(1, StreamProblem::Plan));
    let few = with_model(&graph, |model, arena| Stream::<1>::new(model, arena).err());
    assert_eq!(few, Some(StreamError::LayerCount { found: 2, limit: 1 }));
    let short = with_model(&graph, |model, arena| {
        let found = arena.len() - 1;
        let needed = SessionError::BufferTooSmall { needed: arena.len(), found };
        (Stream::<2>::new(model, &mut arena[..found]).err(), Some(StreamError::Session(needed)))
    });
    assert_eq!(short.0, short.1);
}

#[test]
fn rows_outside_of_the_image_and_bursts_of_outputs_are_refused() {
    let mut graph = with_conv(image(), 0, 0, [10, 1]);
    for (rows, origin) in [(14, -1), (12, 1)] {
        graph.shown = (Shape::new(rows, 1, 2), [origin, 0]);
        assert_eq!(refused(&graph), Some(StreamError::Input));
    }
    graph.shown = (Shape::new(14, 1, 2), [2, 0]);
    assert_eq!(refused(&graph), None);
    let first = PartRecord { input: 0, origin: [-2, 0], multiplier: 1 << 14 };
    let record = ConcatRecord { first, second: None, shift: 14 };
    let output = Tensor { shape: Shape::new(14, 1, 2), quant: quant(-128) };
    let padded = image().with(OperatorRecord::Concat(record), output);
    assert_eq!(refused(&padded), Some(StreamError::Burst));
}

#[test]
fn rows_of_another_length_or_type_change_nothing_and_rows_before_the_first_are_dropped() {
    let mut graph = with_conv(image(), 0, -2, [12, 1]);
    let rows: [[u8; 2]; 5] = [[3, 250], [128, 9], [77, 200], [1, 2], [255, 0]];
    let feed = |graph: &Graph, dropped: usize| {
        with_model(graph, |model, arena| {
            let mut stream = Stream::<1>::new(model, arena).unwrap();
            let length = PushError::Length { expected: 2, found: 3 };
            let takes = ValueType::Pixels;
            let other = PushError::Type { takes, given: ValueType::Reals };
            let mut outputs = vec![];
            for row in [[99; 2]].iter().cycle().take(dropped).chain(&rows) {
                assert_eq!(stream.push(&[1u8, 2, 3]).err(), Some(length));
                assert_eq!(stream.push(&[1.0, 2.0]).err(), Some(other));
                outputs.extend(stream.push(row).unwrap().map(|scores| scores.values().to_vec()));
            }
            stream.reset();
            let mut again = vec![];
            for row in [[98; 2]].iter().cycle().take(dropped).chain(&rows) {
                again.extend(stream.push_stored(row).unwrap().map(|o| o.values().to_vec()));
            }
            assert_eq!(again, outputs);
            outputs
        })
    };
    let expected = feed(&graph, 0);
    assert_eq!(expected.len(), rows.len());
    graph.shown = (Shape::new(14, 1, 2), [2, 0]);
    assert_eq!(feed(&graph, 2), expected);
}
