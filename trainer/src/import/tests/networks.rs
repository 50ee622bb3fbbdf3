//! Networks that TensorFlow's converter wrote: what is read is what it was asked to write.

use super::fixture;
use crate::import::tflite::{
    Activation, Axis, Cost, ElementType, Kind, Network, Padding, Window, cost, placed, read, total,
};

fn kinds(network: &Network<'_>) -> Vec<String> {
    network.operators.iter().map(|operator| operator.kind.name().to_owned()).collect()
}

#[test]
fn a_chain_of_layers() {
    let network = read(fixture!("chain.tflite")).unwrap();
    assert_eq!(
        kinds(&network),
        [
            "CONV_2D",
            "DEPTHWISE_CONV_2D",
            "CONV_2D",
            "MAX_POOL_2D",
            "CONV_2D",
            "AVERAGE_POOL_2D",
            "SHAPE",
            "STRIDED_SLICE",
            "PACK",
            "RESHAPE",
            "FULLY_CONNECTED",
            "FULLY_CONNECTED",
            "SOFTMAX"
        ]
    );
    let constant: Vec<_> = (0..13).filter(|index| network.operators[*index].constant).collect();
    assert_eq!(constant, [6, 7, 8], "the shape of the flattened map is no work");
    let input = &network.tensors[network.inputs[0]];
    assert_eq!((&input.shape[..], input.element), (&[1, 12, 9, 3][..], ElementType::Int8));
    assert!(input.open_batch && input.data.is_none());
    // 30 * 6 * 27, 30 * 12 * 9, 30 * 8 * 12, 9 * 6 * 72, 54 * 10 and 10 * 4 products.
    let parameters = 27 * 6 + 6 + 9 * 12 + 12 + 12 * 8 + 8 + 72 * 6 + 6 + 540 + 10 + 40 + 4;
    assert_eq!(total(&network), Cost { macs: 4860 + 3240 + 2880 + 3888 + 540 + 40, parameters });
}

/// 12 rows and 9 columns, windows of 3x3 with stride 2: nothing before the first row, one after the
/// last.
#[test]
fn padding_is_asymmetric_where_it_must_be() {
    let network = read(fixture!("chain.tflite")).unwrap();
    let first = &network.operators[0];
    let window = Window { stride: [2, 2], dilation: [1, 1], padding: Padding::Same };
    assert_eq!(first.kind, Kind::Conv(window, Activation::Relu));
    let rows = Axis { places: 6, before: 0, after: 1 };
    let columns = Axis { places: 5, before: 1, after: 1 };
    assert_eq!(placed(&network, first), Some([rows, columns]));
    assert_eq!(cost(&network, first), Cost { macs: 30 * 6 * 27, parameters: 27 * 6 + 6 });
}

#[test]
fn scales_per_channel() {
    let network = read(fixture!("chain.tflite")).unwrap();
    for (operator, channels, axis) in [(0, 6, 0), (1, 12, 3), (10, 10, 0)] {
        let weights = network.operators[operator].inputs[1].unwrap();
        let quantisation = network.tensors[weights].quantisation.as_ref().unwrap();
        assert_eq!(quantisation.scales.len(), channels);
        assert_eq!(quantisation.axis, axis);
        assert!(quantisation.zero_points.iter().all(|zero_point| *zero_point == 0));
    }
}

#[test]
fn branches_of_a_network() {
    let network = read(fixture!("branches.tflite")).unwrap();
    let names = kinds(&network);
    for expected in [
        "ADD",
        "LEAKY_RELU",
        "PAD",
        "TANH",
        "HARD_SWISH",
        "CONCATENATION",
        "MEAN",
        "LOGISTIC",
        "MUL",
    ] {
        assert!(names.iter().any(|name| name == expected), "{expected} in {names:?}");
    }
    let leaky = network.operators.iter().find_map(|operator| match operator.kind {
        Kind::LeakyRelu { alpha } => Some(alpha),
        _ => None,
    });
    assert_eq!(leaky, Some(0.2));
    let means = network.operators.iter().filter_map(|operator| match operator.kind {
        Kind::Mean { keep_dimensions } => Some(keep_dimensions),
        _ => None,
    });
    assert_eq!(means.collect::<Vec<_>>(), [true, false]);
}

/// The converter leaves the batch open, so that the file has shapes of one batch where the map was
/// cut into two.
#[test]
fn batches_that_a_dilated_convolution_makes() {
    let network = read(fixture!("series.tflite")).unwrap();
    let shapes = |name: &str| -> Vec<_> {
        let named = network.operators.iter().filter(|operator| operator.kind.name() == name);
        named.map(|operator| network.tensors[operator.outputs[0]].shape.clone()).collect()
    };
    assert_eq!(shapes("SPACE_TO_BATCH_ND"), [vec![2, 8, 6]]);
    assert_eq!(shapes("CONV_2D"), [vec![1, 1, 16, 6], vec![2, 1, 6, 6]]);
    assert_eq!(shapes("BATCH_TO_SPACE_ND"), [vec![1, 12, 6]]);
}

#[test]
fn operators_that_are_not_known_have_their_names() {
    let network = read(fixture!("unknown.tflite")).unwrap();
    let others: Vec<_> = network
        .operators
        .iter()
        .filter_map(|operator| match &operator.kind {
            Kind::Other(name) => Some(&name[..]),
            _ => None,
        })
        .collect();
    assert_eq!(others, ["TRANSPOSE_CONV", "RESIZE_BILINEAR"]);
}

#[test]
fn floats() {
    let network = read(fixture!("float.tflite")).unwrap();
    assert!(network.tensors.iter().all(|tensor| tensor.quantisation.is_none()));
    assert_eq!(network.tensors[network.inputs[0]].element, ElementType::Float32);
    assert_eq!(total(&network), Cost { macs: 9 * 3 * 9 + 27 * 2, parameters: 27 + 3 + 54 + 2 });
}
