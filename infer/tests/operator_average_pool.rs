//! Average poolings: the worked example of `docs/arithmetic.md`, every check of the record, and
//! windows that are taken row by row.

mod support;

use infer::features::Feature;
use infer::format::{AveragePoolRecord, MaxPoolRecord, OperatorRecord, OutputQuant, Tensor};
use infer::{
    AveragePool, Layer, LayerKind, LayerProblem, Model, Observer, Portable, Reference, Session,
    Shape, Table, ops::Buffers,
};
use support::check_left_out;
use support::graph::Graph;

const QUANT: OutputQuant = OutputQuant { scale: 1.0, zero_point: -128 };

const fn tensor(height: u16, width: u16, channels: u16) -> Tensor {
    Tensor { shape: Shape::new(height, width, channels), quant: QUANT }
}

#[test]
fn worked_example_of_the_document() {
    let (size, stride, origin) = ([1, 2], [1, 2], [0, -1]);
    let record = AveragePoolRecord { input: 0, size, stride, origin };
    let pool = AveragePool::of(&record, &[tensor(1, 5, 1); 2], tensor(1, 3, 1));
    // The first window has one pixel; (-4 - 9) / 2 is -6.5, and (6 + 9) / 2 is 7.5.
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (input, mut output) = ([-7, -4, -9, 6, 9], [0; 3]);
        let buffers = Buffers { input: &input, second: &[], scratch: &mut [], output: &mut output };
        run(&LayerKind::AveragePool(pool), buffers);
        assert_eq!(output, [-7, -7, 8]);
    }
}

/// The 2x2 averages of a 4x4x2 map, the first of them one row and column outside, after `change`.
fn averages(change: impl FnOnce(&mut AveragePoolRecord, &mut Tensor)) -> Graph {
    let (size, stride, origin) = ([2, 2], [2, 2], [-1, -1]);
    let mut record = AveragePoolRecord { input: 0, size, stride, origin };
    let mut output = tensor(3, 3, 2);
    change(&mut record, &mut output);
    Graph::new(tensor(4, 4, 2)).with(OperatorRecord::AveragePool(record), output)
}

#[test]
fn records() {
    let loads = |graph: Graph| {
        let file = graph.file();
        Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
    };
    loads(averages(|_, _| ()));
    loads(averages(|record, _| record.size = [4096, 2048]));
    let problem = |change: fn(&mut AveragePoolRecord, &mut Tensor)| averages(change).problem();
    for axis in 0..2 {
        for (origin, loads) in [(-1, true), (-2, false), (-1 - 4, false), (0, false)] {
            let graph = averages(|record, output| {
                record.origin[axis] = origin;
                // The last window begins at 4 where the first begins at 0.
                *[&mut output.shape.height, &mut output.shape.width][axis] = 3;
            });
            let found = Model::from_bytes(&graph.file(), &mut Table::<2>::new()).is_ok();
            assert_eq!(found, loads, "axis {axis}, origin {origin}");
            if !loads {
                assert_eq!(graph.problem(), LayerProblem::OutsideMap);
            }
        }
        let zero = averages(|record, _| record.size[axis] = 0).problem();
        assert_eq!(zero, LayerProblem::ZeroSize);
        let zero = averages(|record, _| record.stride[axis] = 0).problem();
        assert_eq!(zero, LayerProblem::ZeroSize);
    }
    assert_eq!(problem(|record, _| record.size = [4096, 2049]), LayerProblem::TooLarge);
    assert_eq!(problem(|_, output| output.shape.height = 4), LayerProblem::OutsideMap);
    assert_eq!(problem(|_, output| output.shape.channels = 4), LayerProblem::OutputShape);
    assert_eq!(problem(|_, output| output.quant.scale = 2.0), LayerProblem::OutputQuant);
    assert_eq!(problem(|_, output| output.quant.zero_point = 0), LayerProblem::OutputQuant);
    assert_eq!(problem(|record, _| record.input = 1), LayerProblem::UnknownInput);
}

/// What an observer is told of the second layer.
#[derive(Default)]
struct Seen(Vec<(u16, usize)>);

impl Observer for Seen {
    fn after(&mut self, index: usize, _: &Layer<'_>, rows: std::ops::Range<u16>, values: &[i8]) {
        if index == 1 {
            self.0.push((rows.end, values.len()));
        }
    }
}

/// A global average never needs more than a row of what it reads: it keeps sums.
#[test]
fn a_global_average_takes_its_input_row_by_row() {
    let pool = MaxPoolRecord { input: 0, size: [1, 1], stride: [1, 1], origin: [0, 0] };
    let (size, stride, origin) = ([11, 3], [1, 1], [-1, 0]);
    let average = AveragePoolRecord { input: 1, size, stride, origin };
    let model = |held| {
        let mut graph = Graph::new(tensor(9, 3, 17))
            .with(OperatorRecord::MaxPool(pool), tensor(9, 3, 17))
            .with(OperatorRecord::AveragePool(average), tensor(1, 1, 17));
        graph.layers[0].held_rows = held;
        graph.file()
    };
    let image: Vec<u8> = (0..9 * 3 * 17).map(|at| (at * 97 % 256) as u8).collect();
    let run = |held, seen: &mut Seen| {
        let (file, mut table) = (model(held), Table::<2>::new());
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let mut arena = vec![99; model.arena_bytes()];
        let mut session = Session::new(&model, &mut arena).unwrap();
        let run = session.run_with::<Portable>(&image, seen);
        (run.unwrap().values().to_vec(), model.arena_bytes())
    };
    let mean = |channel: usize| {
        let values = image.iter().skip(channel).step_by(17).map(|pixel| *pixel as f64 - 128.0);
        // f64::round takes halves away from zero.
        (values.sum::<f64>() / 27.0).round() as i8
    };
    let expected: Vec<i8> = (0..17).map(mean).collect();
    for held in [1, 2, 4, 9] {
        let mut seen = Seen::default();
        let (found, bytes) = run(held, &mut seen);
        assert_eq!(found, expected, "{held} rows held");
        let slices = 9usize.div_ceil(held as usize);
        let expected = (1..=slices).map(|at| if at < slices { (0, 0) } else { (1, 17) });
        assert_eq!(seen.0, expected.collect::<Vec<_>>(), "{held} rows held");
        // The image, the rows that are held, and 32 bits for each sum, each from a multiple of 16.
        let held_bytes = (held as usize * 51).next_multiple_of(16);
        assert_eq!(bytes, 464 + held_bytes + 68);
    }
}

#[test]
fn left_out() {
    check_left_out(&averages(|_, _| ()).file(), &[Feature::AveragePool]);
}
