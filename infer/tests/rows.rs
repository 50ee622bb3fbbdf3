//! Images that come row by row: the same bytes as of a whole image, for every plan; and what is no
//! image.

#[path = "support/random_graph.rs"]
mod random_graph;
#[allow(dead_code)]
#[path = "support/random_layer/mod.rs"]
mod random_layer;
mod support;

use infer::format::OutputQuant;
use infer::kernels::Kernels;
use infer::{
    Interface, LayerProblem, Model, ModelError, Native, Portable, Reference, Rows, RowsError,
    Session, Shape, Table, ValueType,
};
use random_graph::{graph, hold_some};
use random_layer::Random;
use support::Parts;
use support::graph::{Graph, LAYERS};

const GRAPHS: u64 = if cfg!(miri) { 3 } else { 1500 };

/// Ways in which the rows of a graph are held.
const VARIANTS: u64 = 4;

#[test]
fn random_graphs_give_the_same_by_rows() {
    let (mut held, mut read) = ([0; 2], [0; 2]);
    for seed in 0..GRAPHS {
        let random = &mut Random::new(seed);
        let whole = graph(random);
        let whole = shown(random, whole);
        let image: Vec<u8> = (0..whole.shown.0.len()).map(|_| random.int8() as u8).collect();
        let expected = outputs(&whole, |session| {
            session.run_with::<Reference>(&image, &mut ()).unwrap();
        });
        for variant in 0..VARIANTS {
            let graph = if variant == 0 { whole.clone() } else { hold_some(random, whole.clone()) };
            let by_rows = [feed::<Reference>, feed::<Native>, feed::<Portable>];
            let found = outputs(&graph, |session| random.pick(&by_rows)(session, &image));
            if found.is_ok() {
                assert_eq!(found, expected, "seed {seed}, variant {variant}");
                held[usize::from(graph.held_rows < graph.image.shape.height)] += 1;
                let ((shown, [row, _]), rows) = (graph.shown, graph.image.shape.height as i32);
                let inside = row >= 0 && row as i32 + rows <= shown.height as i32;
                read[usize::from(inside)] += 1;
            }
        }
    }
    println!("{held:?} held whole and in part, {read:?} beyond the image and inside");
    assert!(cfg!(miri) || held.iter().chain(&read).all(|count| *count > 500));
}

/// The graph on an image that is larger than what is read of it, or smaller.
fn shown(random: &mut Random, mut graph: Graph) -> Graph {
    let Shape { height, width, channels } = graph.image.shape;
    let [top, left] = [(); 2].map(|()| random.below(7) as i16 - 3);
    let mut side = |side: u16, origin: i16| {
        let end = side as i32 + origin as i32 + random.below(7) as i32 - 3;
        end.max(1) as u16
    };
    graph.shown = (Shape::new(side(height, top), side(width, left), channels), [top, left]);
    graph
}

/// Pushes a whole image.
fn feed<Set: Kernels>(session: &mut Session<'_, '_>, image: &[u8]) {
    let mut rows = session.begin_rows_with::<u8, Set>().unwrap();
    push_all(&mut rows, image);
    rows.finish().unwrap();
}

fn push_all<Set: Kernels>(rows: &mut Rows<'_, '_, '_, u8, Set>, image: &[u8]) {
    let row_len = image.len() / rows.image_rows() as usize;
    for (number, row) in (1..).zip(image.chunks(row_len)) {
        rows.push(row).unwrap();
        assert_eq!(rows.come(), number);
    }
}

/// All outputs of a network after a run in an arena full of noise.
fn outputs(
    graph: &Graph,
    run: impl FnOnce(&mut Session<'_, '_>),
) -> Result<Vec<Vec<i8>>, LayerProblem> {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = match Model::from_bytes(&file, &mut table) {
        Ok(model) => model,
        Err(ModelError::Layer { problem, .. } | ModelError::Input(problem)) => return Err(problem),
        Err(other) => panic!("{other:?}"),
    };
    let (mut arena, mut random) = (infer::Aligned([0; 1 << 16]), Random::new(7));
    let arena = &mut arena.0[..model.arena_bytes()];
    arena.fill_with(|| random.int8());
    let mut session = Session::new(&model, arena).unwrap();
    run(&mut session);
    let output = |index| Some(session.output(index)?.values().to_vec());
    Ok((0..).map_while(output).collect())
}

fn image(shift: u8) -> [u8; 25] {
    std::array::from_fn(|at| (at as u8).wrapping_mul(37).wrapping_add(shift))
}

fn with_session(parts: &Parts, then: impl FnOnce(Session<'_, '_>)) {
    let (file, mut table) = (parts.file(), Table::<16>::new());
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    then(Session::new(&model, &mut arena).unwrap());
}

#[test]
fn too_many_rows_change_nothing_and_too_few_give_no_scores() {
    with_session(&Parts::default(), |mut session| {
        let expected = session.run(&image(1)).unwrap().values().to_vec();
        let mut rows = session.begin_rows::<u8>().unwrap();
        for row in image(1).chunks(5).take(4) {
            rows.push(row).unwrap();
        }
        let too_few = RowsError::TooFew { expected: 5, found: 4 };
        assert_eq!(rows.finish().err(), Some(too_few));

        let mut rows = session.begin_rows::<u8>().unwrap();
        push_all(&mut rows, &image(1));
        let too_many = RowsError::TooMany { image: 5 };
        assert_eq!(rows.push(&[0; 5]), Err(too_many));
        assert_eq!(rows.push(&[0; 5]), Err(too_many));
        assert_eq!(rows.finish().unwrap().values(), expected);
    });
}

#[test]
fn rows_of_another_length_or_type_change_nothing() {
    with_session(&Parts::default(), |mut session| {
        let expected = session.run(&image(1)).unwrap().values().to_vec();
        let takes = ValueType::Pixels;
        let other = RowsError::Type { takes, given: ValueType::Int8 };
        assert_eq!(session.begin_rows::<i8>().err(), Some(other));
        let mut rows = session.begin_rows::<u8>().unwrap();
        for row in image(1).chunks(5) {
            for found in [0, 4, 6] {
                assert_eq!(
                    rows.push(&[9; 6][..found]),
                    Err(RowsError::Length { expected: 5, found })
                );
            }
            rows.push(row).unwrap();
        }
        assert_eq!(rows.finish().unwrap().values(), expected);
    });
}

#[test]
fn an_image_can_begin_in_the_middle_of_another() {
    with_session(&Parts::default(), |mut session| {
        let expected = session.run(&image(1)).unwrap().values().to_vec();
        let mut rows = session.begin_rows::<u8>().unwrap();
        image(77).chunks(5).take(3).for_each(|row| rows.push(row).unwrap());
        rows.restart();
        push_all(&mut rows, &image(1));
        assert_eq!(rows.finish().unwrap().values(), expected);

        let mut given_up = session.begin_rows::<u8>().unwrap();
        image(77).chunks(5).take(3).for_each(|row| given_up.push(row).unwrap());
        assert_eq!(session.run(&image(1)).unwrap().values(), expected);
        feed::<Native>(&mut session, &image(1));
        assert_eq!(session.output(0).unwrap().values(), expected);
    });
}

#[test]
fn values_of_every_type_can_come_by_rows() {
    let quant = OutputQuant { scale: 0.5, zero_point: 3 };
    let mut parts = Parts { self_test: None, ..Parts::default() };
    parts.input.tensor.tensor.quant = quant;
    parts.interface = Interface { takes: ValueType::Int8, ..Interface::default() };
    let values: [i8; 25] = image(5).map(|value| value as i8);
    let mut expected = vec![];
    with_session(&parts, |mut session| {
        expected = session.run(&values).unwrap().values().to_vec();
        let mut rows = session.begin_rows::<i8>().unwrap();
        values.chunks(5).for_each(|row| rows.push(row).unwrap());
        assert_eq!(rows.finish().unwrap().values(), expected);
        let mut rows = session.begin_stored_rows::<Native>();
        let stored = values.map(|value| (value as i32 + 128) as u8);
        push_all(&mut rows, &stored);
        assert_eq!(rows.finish().unwrap().values(), expected);
    });
}
