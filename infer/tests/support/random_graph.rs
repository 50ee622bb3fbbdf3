//! Random acyclic graphs of every operator.

// Each test file uses its part of it.
#![allow(dead_code)]

use infer::LayerKind;
use infer::Shape;
use infer::format::Tensor;
use infer::ops::{Kind, Record};
use infer::schedule::INPUTS_MAX;

use crate::random_layer::made::{Made, quant};
use crate::random_layer::{Random, in_graph};
use crate::support::graph::{Graph, Layer};

/// As [`graph`], of layers whose rows read no padding after the last row of what they read, and
/// which make all rows that they can.
pub fn stream(random: &mut Random) -> Graph {
    let shape = Shape::new(4 + random.below(20) as u16, 1 + random.below(4) as u16, 4);
    loop {
        let mut graph = Graph::new(Tensor { shape, quant: quant(-128) });
        let layers = 1 + random.below(9) as usize;
        while graph.layers.len() < layers {
            add_layer(random, &mut graph, &causal);
        }
        graph.outputs = with_one_that_is_read(random, &graph);
        if graph.outputs.len() <= infer::format::OUTPUTS_MAX {
            return graph;
        }
    }
}

/// The layer with as many rows as its inputs have whole windows for.
fn causal(graph: &Graph, mut made: Made) -> Option<Made> {
    let mut inputs = [graph.image; INPUTS_MAX];
    for (input, number) in inputs.iter_mut().zip(made.operator.inputs().iter()) {
        *input = tensor(graph, number as u8);
    }
    let kind = LayerKind::of_record(&made.operator, &inputs, made.output);
    let rows = (0..made.operator.inputs().count()).map(|input| {
        let window = kind.row_window(input);
        let more = inputs[input].shape.height as i32 - window.origin - window.reach as i32;
        match kind.reduces() {
            Some(_) => 1,
            None if more < 0 => 0,
            None => (more as u32).checked_div(window.step).map_or(u16::MAX, |more| more as u16 + 1),
        }
    });
    made.output.shape.height = rows.min()?;
    (made.output.shape.height > 0).then_some(made)
}

/// A random graph whose tensors are held whole: layers of every operator that read any tensor
/// before, those first that nothing reads; what is read by none is an output, and one in the middle
/// may be.
pub fn graph(random: &mut Random) -> Graph {
    let side = |random: &mut Random| 3 + random.below(14) as u16;
    let shape = Shape::new(side(random), side(random), random.pick(&[1, 2, 3, 8]));
    loop {
        let mut graph = Graph::new(Tensor { shape, quant: quant(-128) });
        for _ in 0..2 + random.below(9) {
            add_layer(random, &mut graph, &|_, made| Some(made));
        }
        if graph.layers.is_empty() {
            continue;
        }
        let outputs = with_one_that_is_read(random, &graph);
        if outputs.len() <= infer::format::OUTPUTS_MAX {
            graph.outputs = outputs;
            return graph;
        }
    }
}

/// The tensors that nothing reads, and at times one that is read too.
fn with_one_that_is_read(random: &mut Random, graph: &Graph) -> Vec<u8> {
    let mut outputs = unread(graph);
    let middle = 1 + random.below(graph.layers.len() as u32) as u8;
    if random.below(2) == 0 && !outputs.contains(&middle) {
        outputs.push(middle);
    }
    outputs
}

/// The layers' tensors that no layer reads.
fn unread(graph: &Graph) -> Vec<u8> {
    let is_read = |tensor: &u8| {
        let reads =
            |layer: &Layer| layer.operator.inputs().iter().any(|read| read == *tensor as usize);
        graph.layers.iter().any(reads)
    };
    (1..=graph.layers.len() as u8).filter(|tensor| !is_read(tensor)).collect()
}

fn tensor(graph: &Graph, number: u8) -> Tensor {
    match number.checked_sub(1) {
        None => graph.image,
        Some(layer) => graph.layers[layer as usize].output,
    }
}

/// A layer more, if it can read the tensors that come to hand, and can be adapted.
fn add_layer(random: &mut Random, graph: &mut Graph, adapt: &dyn Fn(&Graph, Made) -> Option<Made>) {
    let unread = unread(graph);
    let input = match unread.is_empty() || random.below(3) == 0 {
        true => random.below(graph.layers.len() as u32 + 1) as u8,
        false => random.pick(&unread),
    };
    let tensors: Vec<Tensor> =
        (0..=graph.layers.len() as u8).map(|number| tensor(graph, number)).collect();
    let kind = random.pick(Kind::ALL);
    let made = in_graph(random, kind, &tensors, input);
    let made = made.and_then(|made| adapt(graph, made));
    if let Some(Made { operator, output, channels, weights }) = made {
        *graph = graph.clone().with_numbers(operator, output, channels, weights);
    }
}

/// The graph with fewer rows of some tensors held.
pub fn hold_some(random: &mut Random, mut graph: Graph) -> Graph {
    let mut some = |height: u16, least: u32| match random.below(3) {
        0 => height,
        _ => height.min((least + random.below(6)) as u16),
    };
    graph.held_rows = some(graph.image.shape.height, 1);
    for (tensor, layer) in (1..).zip(&mut graph.layers) {
        let height = layer.output.shape.height;
        layer.held_rows = if graph.outputs.contains(&tensor) { height } else { some(height, 1) };
    }
    graph
}
