//! A model that needs a part of the crate which a build leaves out is refused, and no other is:
//! `./ci.sh test` runs this with all parts, with none, and without those that depend on the shape
//! of a layer.

mod support;

use infer::features::Feature;
use infer::format::{
    Algorithm, Content, DenseAlgorithm, DenseRecord, LayerRecord, OperatorRecord, Section,
};
use infer::packing::{Filters, Matrix};
use infer::quant::ChannelParameters;
use infer::{Interface, LayerProblem, Metadata, Model, ModelError, Shape, Table};
use support::{HALF, Parts, channel, check_left_out as check, whole, written};

/// A model of one layer whose weights are 0.
fn model(map: Shape, layer: LayerRecord<'_>, channels: u16, weight_bytes: u64) -> Vec<u8> {
    let channels: Vec<ChannelParameters> = (0..channels).map(|_| channel(0, HALF)).collect();
    let weights = vec![0; weight_bytes as usize];
    model_of(map, &[layer], &[Section { channels: &channels, weights: &weights }], &[1])
}

fn model_of(
    map: Shape,
    layers: &[LayerRecord<'_>],
    sections: &[Section<'_>],
    outputs: &[u8],
) -> Vec<u8> {
    let mut input = Parts::default().input;
    input.image = map;
    input.tensor = whole(map, input.tensor.tensor.quant, 0);
    let file = |arena_bytes| {
        written(&Content {
            input,
            interface: Interface::default(),
            metadata: Metadata::default(),
            layers,
            sections,
            outputs,
            arena_bytes,
            model_version: 1,
            self_test: None,
        })
    };
    match Model::from_bytes(&file(0), &mut Table::<16>::new()).err() {
        Some(ModelError::ArenaBytes { needed, .. }) => file(needed),
        _ => file(0),
    }
}

fn convolution(algorithm: Algorithm, map: Shape, output: [u16; 2], first: i16) -> Vec<u8> {
    let mut conv = Parts::default().conv;
    conv.operator.algorithm = algorithm;
    conv.operator.kernel = [3, 3];
    conv.operator.origin = [first, first];
    let output = Shape::new(output[0], output[1], 2);
    conv.output = whole(output, conv.output.tensor.quant, 1024);
    conv.scratch_at = 2048;
    let filters = Filters {
        algorithm,
        kernel: conv.operator.kernel,
        input_channels: map.channels,
        output_channels: 2,
    };
    model(map, conv.record(OperatorRecord::Conv), 2, filters.packed_bytes())
}

fn dense(algorithm: DenseAlgorithm) -> Vec<u8> {
    let mut dense = Parts::default().dense;
    dense.operator = DenseRecord::new(0, algorithm);
    let units = dense.output.tensor.shape.channels;
    let matrix = Matrix { algorithm, inputs: 4, units: units as usize };
    let record = dense.record(OperatorRecord::Dense);
    model(Shape::vector(4), record, units, matrix.packed_bytes())
}

fn pooling() -> Vec<u8> {
    let mut pool = Parts::default().pool;
    pool.operator.input = 0;
    pool.output.at = 16;
    pool.output.tensor.quant = Parts::default().input.tensor.tensor.quant;
    model(Shape::new(2, 2, 2), pool.record(OperatorRecord::MaxPool), 0, 0)
}

#[test]
fn convolutions_left_out() {
    let plain = [
        (Algorithm::Direct, Feature::Direct),
        (Algorithm::DirectInPlace, Feature::DirectInPlace),
        (Algorithm::DirectPaired, Feature::DirectPaired),
        (Algorithm::DirectVector, Feature::DirectVector),
    ];
    for (algorithm, part) in plain {
        check(&convolution(algorithm, Shape::new(4, 6, 8), [1, 2], -1), &[part]);
    }
    let int4 = [
        (Algorithm::DirectPairedInt4, Feature::DirectPaired),
        (Algorithm::DirectVectorInt4, Feature::DirectVector),
    ];
    for (algorithm, part) in int4 {
        check(&convolution(algorithm, Shape::new(4, 6, 8), [1, 2], -1), &[part, Feature::Int4]);
    }
    let parts = [Feature::DirectPaired, Feature::PairedWide];
    check(&convolution(Algorithm::DirectPairedWide, Shape::new(4, 6, 8), [1, 2], -1), &parts);
    let single = Shape::new(4, 6, 1);
    let parts = [Feature::SingleChannel, Feature::Int4];
    check(&convolution(Algorithm::SingleChannelInt4, single, [1, 2], 0), &parts);
    check(&convolution(Algorithm::SingleChannel, single, [1, 2], 0), &[Feature::SingleChannel]);
    let parts = [Feature::SingleChannel, Feature::Edges];
    check(&convolution(Algorithm::SingleChannel, single, [1, 2], -1), &parts);
}

#[test]
fn winograd_left_out() {
    // Two tiles side by side, then one alone, then two that reach over the map's edge.
    for (algorithms, part, side) in [
        ([Algorithm::WinogradF2, Algorithm::WinogradF2OnTheFly], Feature::WinogradF2, 1),
        ([Algorithm::WinogradF4, Algorithm::WinogradF4OnTheFly], Feature::WinogradF4, 2),
    ] {
        for (algorithm, other) in
            algorithms.into_iter().zip([Feature::WinogradStored, Feature::WinogradOnTheFly])
        {
            let pair = Shape::new(2 * side + 2, 4 * side + 2, 8);
            let alone = Shape::new(2 * side + 2, 2 * side + 2, 8);
            check(&convolution(algorithm, pair, [side, 2 * side], 0), &[part, other]);
            let parts = [part, other, Feature::WinogradSingleTile];
            check(&convolution(algorithm, alone, [side, side], 0), &parts);
            let parts = [part, other, Feature::Edges];
            check(&convolution(algorithm, pair, [side, 2 * side], -1), &parts);
        }
    }
}

#[test]
fn two_roundings_left_out() {
    let file = Parts::rounded_twice().file();
    let found = Model::from_bytes(&file, &mut Table::<16>::new()).err();
    let refused = ModelError::Input(LayerProblem::NotBuilt(Feature::TwoRoundings));
    assert_eq!(found == Some(refused), !Feature::TwoRoundings.is_built(), "{found:?}");
}

#[test]
fn dense_layers_and_poolings_left_out() {
    check(&dense(DenseAlgorithm::Rows), &[Feature::DenseRows]);
    check(&dense(DenseAlgorithm::Quads), &[Feature::DenseQuads]);
    check(&dense(DenseAlgorithm::QuadsWide), &[Feature::DenseQuadsWide]);
    check(&dense(DenseAlgorithm::QuadsPaired), &[Feature::DenseQuadsPaired]);
    check(&dense(DenseAlgorithm::RowsInt4), &[Feature::DenseRows, Feature::Int4]);
    check(&dense(DenseAlgorithm::QuadsInt4), &[Feature::DenseQuads, Feature::Int4]);
    check(&pooling(), &[Feature::MaxPool]);
}

/// Two poolings of 2x1, each of a tensor of `reads`; of the first one's 4 rows `held` are held.
fn two_poolings(reads: [u8; 2], held: u16, outputs: &[u8]) -> Vec<u8> {
    let quant = Parts::default().input.tensor.tensor.quant;
    let mut layers = [1, 2].map(|made| {
        let mut pool = Parts::default().pool;
        pool.operator.input = reads[made - 1];
        let height = if pool.operator.input == 0 { 4 } else { 2 };
        pool.output = whole(Shape::new(height, 2, 2), quant, 64 * made as u32);
        pool.record(OperatorRecord::MaxPool)
    });
    layers[0].output.held_rows = held;
    let none = Section { channels: &[], weights: &[] };
    model_of(Shape::new(8, 2, 2), &layers, &[none, none], outputs)
}

#[test]
fn what_the_graph_needs_left_out() {
    check(&two_poolings([0, 1], 4, &[2]), &[Feature::MaxPool]);
    check(&two_poolings([0, 1], 2, &[2]), &[Feature::MaxPool, Feature::HeldRows]);
    check(&two_poolings([0, 0], 4, &[1, 2]), &[Feature::MaxPool, Feature::Branches]);
}

#[test]
fn what_a_part_brings_is_not_left_out() {
    for part in Feature::ALL.into_iter().filter(|part| part.is_built()) {
        assert!(part.brings().is_none_or(Feature::is_built), "{part:?}");
    }
}
