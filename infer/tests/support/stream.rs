//! Graphs as streams.

use infer::flow::Flow;
use infer::{Aligned, Model, Network, Stream, StreamError, Table};

use super::graph::{Graph, LAYERS};

/// Rows after which a stream does the same again and again.
const ROWS: usize = 280;

/// The graph with as many rows held as the stream needs.
///
/// # Errors
/// One that cannot stream.
pub fn planned(graph: &Graph) -> Result<Graph, StreamError> {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = Model::from_bytes(&file, &mut table).expect("whole tensors, apart");
    let network = Network::from(&model);
    let mut flow = Flow::<LAYERS>::new(&network)?;
    let mut held = vec![1; graph.layers.len() + 1];
    for _ in 0..ROWS {
        flow.push(&network, &mut |slice| {
            held[slice.tensor] = held[slice.tensor].max(slice.kept + 1);
            Some(())
        })
        .ok_or(StreamError::Stuck)?;
    }
    let mut planned = Graph { held_rows: held[0], ..graph.clone() };
    for ((made, layer), held) in (1..).zip(&mut planned.layers).zip(&held[1..]) {
        let is_output = planned.outputs.contains(&made);
        layer.held_rows = if is_output { layer.output.shape.height } else { *held };
    }
    check(&planned).map(|()| planned)
}

fn check(graph: &Graph) -> Result<(), StreamError> {
    let (file, mut table) = (graph.file(), Table::<LAYERS>::new());
    let model = Model::from_bytes(&file, &mut table).expect("a plan for streams");
    let mut arena = Aligned([0; 1 << 16]);
    Stream::<LAYERS>::new(&model, &mut arena.0[..model.arena_bytes()]).map(|_| ())
}
