//! Random acyclic graphs: whole and by rows, in memory of their own and in memory that is used
//! again, every layer gives what the reference makes of whole tensors one after the other.

#[path = "support/random_graph.rs"]
mod random_graph;
#[allow(dead_code)]
#[path = "support/random_layer/mod.rs"]
mod random_layer;
mod support;

use infer::features::Feature;
use infer::format::{AddRecord, Algorithm, ConvRecord, OperatorRecord, Scaling, Tensor};
use infer::kernels::Kernels;
use infer::ops::Buffers;
use infer::quant::quantise_pixel;
use infer::{LayerProblem, Model, ModelError, Native, Portable, Reference, Session, Shape, Table};
use random_graph::{graph, hold_some};
use random_layer::Random;
use random_layer::made::quant;
use support::channel;
use support::graph::{Graph, LAYERS};

const GRAPHS: u64 = if cfg!(miri) { 3 } else { 2500 };

/// Ways in which the rows of a graph are held, and in which its tensors lie.
const VARIANTS: u64 = 12;

#[test]
fn random_graphs_equal_the_reference() {
    let (mut by_rows, mut stuck, mut shared, mut overlaps) = (0, 0, 0, 0);
    for seed in 0..GRAPHS {
        let random = &mut Random::new(seed);
        let graph = graph(random);
        let image: Vec<u8> = (0..graph.image.shape.len()).map(|_| random.int8() as u8).collect();
        let expected = expected(&graph, &image);
        assert_eq!(outputs::<Reference>(&graph, &image).as_ref(), Ok(&expected), "seed {seed}");
        assert_eq!(outputs::<Native>(&graph, &image).as_ref(), Ok(&expected), "seed {seed}");
        for variant in 0..VARIANTS {
            let mut graph = hold_some(random, graph.clone());
            if variant % 2 == 1 {
                share_memory(random, &mut graph);
            }
            match outputs::<Portable>(&graph, &image) {
                Ok(found) => {
                    assert_eq!(found, expected, "seed {seed}, variant {variant}");
                    let is_shared =
                        bytes(&graph) < bytes(&Graph { places: Vec::new(), ..graph.clone() });
                    *(if is_shared { &mut shared } else { &mut by_rows }) += 1;
                }
                Err(LayerProblem::Stuck) => stuck += 1,
                Err(LayerProblem::ArenaOverlap) => overlaps += 1,
                Err(LayerProblem::HeldRows) => (),
                Err(other) => panic!("seed {seed}, variant {variant}: {other:?}"),
            }
        }
    }
    println!("{by_rows} by rows, {shared} in shared memory, {stuck} stuck, {overlaps} overlap");
    if !cfg!(miri) {
        assert!(by_rows > 1000 && stuck > 100 && shared > 200 && overlaps > 1000);
    }
}

/// Bytes of working memory.
fn bytes(graph: &Graph) -> usize {
    infer::arena_bytes(&graph.file()).unwrap()
}

/// The network's outputs by a kernel set, in an arena full of noise.
fn outputs<Set: Kernels>(graph: &Graph, image: &[u8]) -> Result<Vec<Vec<i8>>, LayerProblem> {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = match Model::from_bytes(&file, &mut table) {
        Ok(model) => model,
        Err(ModelError::Layer { problem, .. } | ModelError::Input(problem)) => return Err(problem),
        Err(other) => panic!("{other:?}"),
    };
    let mut arena = infer::Aligned([0; 1 << 16]);
    let mut random = Random::new(7);
    let arena = &mut arena.0[..model.arena_bytes()];
    arena.fill_with(|| random.int8());
    let mut session = Session::new(&model, arena).unwrap();
    session.run_with::<Set>(image, &mut ()).unwrap();
    let output = |index| Some(session.output(index)?.values().to_vec());
    Ok((0..).map_while(output).collect())
}

/// The network's outputs, layer by layer: each tensor is whole and in memory of its own.
fn expected(graph: &Graph, image: &[u8]) -> Vec<Vec<i8>> {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = Model::from_bytes(&file, &mut table).expect("whole tensors, apart");
    let mut tensors = vec![image.iter().map(|pixel| quantise_pixel(*pixel)).collect::<Vec<i8>>()];
    for layer in model.layers() {
        // An operator of two inputs is part of no chain.
        assert!(layer.inputs.count() == 1 || layer.kind.needs(Feature::Branches));
        let mut output = vec![0; layer.output().len()];
        let mut inputs = layer.inputs.iter().map(|tensor| &tensors[tensor][..]);
        let (input, second) = (inputs.next().unwrap(), inputs.next().unwrap_or_default());
        let buffers = Buffers { input, second, scratch: &mut [], output: &mut output };
        layer.kind.run::<Reference>(buffers);
        tensors.push(output);
    }
    graph.outputs.iter().map(|tensor| tensors[*tensor as usize].clone()).collect()
}

/// Puts each tensor where another one begins, or anywhere.
fn share_memory(random: &mut Random, graph: &mut Graph) {
    let mut ends = vec![0];
    for bytes in graph.held_bytes() {
        let place = random.pick(&ends[ends.len().saturating_sub(3)..]);
        let place = if random.below(4) == 0 { ends[0] } else { place };
        graph.places.push(place);
        ends.push(place + bytes.div_ceil(16) as u32);
    }
}

/// Three 3x3 convolutions one after the other, and the sum of the last with the input: 1 and 2 rows
/// of the tensors between suffice for no row of the next, and 3 rows of the image for no row of the
/// sum, which lags the first convolution by two.
#[test]
fn a_residual_block_that_holds_too_few_rows_gets_stuck() {
    let image: Vec<u8> = (0..64).map(|pixel| (pixel * 37 % 256) as u8).collect();
    let block = |held: u16, between: u16| {
        let mut graph = Graph::new(Tensor { shape: Shape::new(16, 4, 1), quant: quant(-128) });
        for input in 0..3 {
            let (kernel, stride, origin, pool) = ([3, 3], [1, 1], [-1, -1], [1, 1]);
            let algorithm = Algorithm::Direct;
            let record = ConvRecord { input, kernel, stride, origin, pool, algorithm };
            let numbers = (vec![channel(0, 1 << 28)], vec![1, 2, 3, 4, 5, 6, 7, 8, 9]);
            graph = graph.clone().with_numbers(
                OperatorRecord::Conv(record),
                graph.image,
                numbers.0,
                numbers.1,
            );
        }
        let (inputs, origins) = ([0, 3], [[0, 0]; 2]);
        let scaling = Scaling::Once { multipliers: [8192; 2], shift: 14 };
        let record = AddRecord { inputs, origins, scaling };
        graph = graph.clone().with(OperatorRecord::Add(record), graph.image);
        graph.held_rows = held;
        graph.layers[0].held_rows = between;
        graph.layers[1].held_rows = between;
        graph.layers[2].held_rows = 1;
        graph
    };
    let expected = expected(&whole(block(1, 1)), &image);
    for (held, between) in [(4, 3), (5, 3), (4, 4), (16, 3)] {
        assert_eq!(outputs::<Native>(&block(held, between), &image).as_ref(), Ok(&expected));
    }
    assert_eq!(outputs::<Native>(&block(3, 3), &image), Err(LayerProblem::Stuck));
    assert_eq!(outputs::<Native>(&block(3, 5), &image), Err(LayerProblem::Stuck));
    assert_eq!(outputs::<Native>(&block(4, 2), &image), Err(LayerProblem::HeldRows));
    let mut graph = block(3, 3);
    graph.held_rows = 3;
    let stuck = ModelError::Layer { index: 3, problem: LayerProblem::Stuck };
    assert_eq!(support::refused(&graph.file()), stuck, "the last of those that wait");
}

/// The graph with all tensors whole.
fn whole(mut graph: Graph) -> Graph {
    graph.held_rows = graph.image.shape.height;
    for layer in &mut graph.layers {
        layer.held_rows = layer.output.shape.height;
    }
    graph
}
