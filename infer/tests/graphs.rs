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

/// Whether tensors of one group share memory.
fn shares_within_a_group(graph: &Graph) -> bool {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = Model::from_bytes(&file, &mut table).expect("a model");
    let network = infer::Network::from(&model);
    let place = |tensor: usize| network.tensor_use(tensor).unwrap();
    network.groups().any(|group| {
        group.clone().any(|tensor| {
            let ((at, bytes), others) = (place(tensor), group.start..tensor);
            others.map(place).any(|(start, other)| at < start + other && start < at + bytes)
        })
    })
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

/// Puts each tensor after the one before, but one where another begins.
fn share_one(random: &mut Random, graph: &mut Graph) {
    let (mut end, bytes) = (0, graph.held_bytes());
    let one = 1 + random.below(bytes.len() as u32 - 1) as usize;
    let other = random.below(one as u32) as usize;
    for (tensor, bytes) in bytes.into_iter().enumerate() {
        let place = if tensor == one { graph.places[other] } else { end };
        graph.places.push(place);
        end = end.max(place + bytes.div_ceil(16) as u32);
    }
}

/// A point, a window of three rows and two points more by turns: what the first and the third make
/// is read at once by the next.
#[test]
fn tensors_that_are_passed_on_share_memory() {
    let image: Vec<u8> = (0..64).map(|pixel| (pixel * 37 % 256) as u8).collect();
    let mut passing = Graph::new(Tensor { shape: Shape::new(16, 4, 1), quant: quant(-128) });
    for (input, rows) in [1, 3, 1, 3, 1, 1].into_iter().enumerate() {
        passing = with_conv(passing, input as u8, rows);
    }
    let expected = expected(&passing, &image);
    passing.held_rows = 3;
    for (layer, held_rows) in passing.layers.iter_mut().zip([3, 1, 3, 1, 1]) {
        layer.held_rows = held_rows;
    }
    let at = |places: [u32; 7]| {
        outputs::<Native>(&Graph { places: places.into(), ..passing.clone() }, &image)
    };
    // In places of 16 bytes: the input, the first and the third tensor hold three rows of four
    // bytes, the second, the fourth and the fifth one, the output all of its sixteen.
    assert_eq!(at([0, 1, 2, 3, 2, 4, 5]).as_ref(), Ok(&expected), "the second and the fourth");
    assert_eq!(at([0, 1, 2, 3, 4, 2, 5]).as_ref(), Ok(&expected), "the second and the fifth");
    let overlap = Err(LayerProblem::ArenaOverlap);
    assert_eq!(at([0, 1, 2, 3, 4, 4, 5]), overlap, "the fifth is made of the fourth");
    assert_eq!(at([0, 1, 2, 2, 4, 5, 6]), overlap, "the third holds rows that are read again");
    assert_eq!(at([0, 1, 2, 3, 4, 5, 5]), overlap, "the output stays");
    (passing.layers[0].held_rows, passing.layers[1].held_rows) = (4, 2);
    let two_at_once = Graph { places: vec![0, 1, 2, 3, 2, 4, 5], ..passing };
    assert_eq!(outputs::<Native>(&two_at_once, &image), overlap, "its reader has room for one row");
}

/// Chains of windows of 1 to 3 rows, in memory that some of their tensors share.
#[test]
fn random_chains_that_share_memory_equal_the_reference() {
    let (mut passed_on, mut overlaps) = (0, 0);
    for seed in 0..GRAPHS {
        let random = &mut Random::new(seed);
        let image: Vec<u8> = (0..64).map(|_| random.int8() as u8).collect();
        let mut chain = Graph::new(Tensor { shape: Shape::new(16, 4, 1), quant: quant(-128) });
        let rows: Vec<u8> = (0..4 + random.below(4)).map(|_| random.pick(&[1, 1, 2, 3])).collect();
        for (input, rows) in (0..).zip(&rows) {
            chain = with_conv(chain, input, *rows);
        }
        let expected = expected(&chain, &image);
        for (layer, rows) in chain.layers.iter_mut().zip(&rows[1..]) {
            layer.held_rows = *rows as u16 + random.pick(&[0, 0, 0, 1, 2]);
        }
        share_one(random, &mut chain);
        match outputs::<Portable>(&chain, &image) {
            Ok(found) => {
                assert_eq!(found, expected, "seed {seed}");
                passed_on += shares_within_a_group(&chain) as u32;
            }
            Err(LayerProblem::ArenaOverlap) => overlaps += 1,
            Err(LayerProblem::HeldRows) => (),
            Err(other) => panic!("seed {seed}: {other:?}"),
        }
    }
    println!("{passed_on} share memory within a group, {overlaps} overlap");
    assert!(cfg!(miri) || passed_on > 50 && overlaps > 500);
}

/// With a convolution of a kernel of some rows by one column, at all places of its input.
fn with_conv(graph: Graph, input: u8, rows: u8) -> Graph {
    let (kernel, stride, origin, pool) = ([rows, 1], [1, 1], [-(rows as i16 / 2), 0], [1, 1]);
    let algorithm = Algorithm::Direct;
    let record = ConvRecord { input, kernel, stride, origin, pool, algorithm };
    let (channels, weights) = (vec![channel(0, 1 << 30)], (1..=rows).collect());
    let output = graph.image;
    graph.with_numbers(OperatorRecord::Conv(record), output, channels, weights)
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
