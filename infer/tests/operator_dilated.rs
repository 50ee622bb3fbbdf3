//! Convolutions whose taps lie apart: the worked example of `docs/arithmetic.md`, and every check
//! of the record that a convolution has not.

mod support;

use infer::features::Feature;
use infer::format::{Algorithm, ConvRecord, DilatedRecord, OperatorRecord, OutputQuant, Tensor};
use infer::ops::Buffers;
use infer::quant::ChannelParameters;
use infer::{Dilated, LayerKind, LayerProblem, Model, Portable, Reference, Shape, Table};
use support::graph::Graph;
use support::{channel, check_left_out};

const fn tensor(shape: Shape, zero_point: i8) -> Tensor {
    Tensor { shape, quant: OutputQuant { scale: 1.0, zero_point } }
}

/// Causal, over a series: three taps, four moments apart.
const RECORD: DilatedRecord = DilatedRecord {
    conv: ConvRecord {
        input: 0,
        kernel: [3, 1],
        stride: [1, 1],
        origin: [-8, 0],
        pool: [1, 1],
        algorithm: Algorithm::Direct,
    },
    dilation: [4, 1],
};

#[test]
fn worked_example_of_the_document() {
    let shape = Shape::new(9, 1, 1);
    let bare = Dilated::of(&RECORD, &[tensor(shape, 0); 2], tensor(shape, 0));
    let parameters: [u8; 8] = channel(0, 1 << 30).to_le_bytes();
    let weights = [1i8, 2, 4].map(|weight| weight as u8);
    let kind = LayerKind::Dilated(bare.with_numbers(&parameters, &weights).unwrap());
    let input = [4, 8, 0, 0, 12, 0, 0, 0, 16];
    // The last reads 4, 12 and 16: (4 + 24 + 64) / 4 = 23.
    let expected = [4, 8, 0, 0, 14, 4, 0, 0, 23];
    for run in [LayerKind::run::<Reference>, LayerKind::run::<Portable>] {
        let (mut scratch, mut output) = ([0; 3], [0; 9]);
        let (scratch, output) = (&mut scratch, &mut output);
        run(&kind, Buffers { input: &input, second: &[], scratch, output });
        assert_eq!(*output, expected);
    }
}

/// The layer of the example, after `change`.
fn series(change: impl FnOnce(&mut DilatedRecord)) -> Graph {
    let (tensor, mut record) = (tensor(Shape::new(9, 1, 1), -128), RECORD);
    change(&mut record);
    let channels: Vec<ChannelParameters> = vec![channel(0, 1 << 30)];
    Graph::new(tensor).with_numbers(
        OperatorRecord::Dilated(record),
        tensor,
        channels,
        vec![1, 2, 4],
    )
}

#[test]
fn records() {
    let loads = |graph: Graph| {
        let file = graph.file();
        Model::from_bytes(&file, &mut Table::<2>::new()).map(|_| ()).expect("valid");
    };
    loads(series(|_| ()));
    loads(series(|record| record.dilation = [255, 255]));
    loads(series(|record| record.dilation = [1, 1]));
    loads(series(|record| record.conv.algorithm = Algorithm::DirectInPlace));
    for axis in 0..2 {
        let zero = series(|record| record.dilation[axis] = 0).problem();
        assert_eq!(zero, LayerProblem::ZeroSize);
    }
    let kernel = series(|record| record.conv.kernel = [0, 1]).problem();
    assert_eq!(kernel, LayerProblem::ZeroSize);
    let mut graph = series(|record| record.conv.algorithm = Algorithm::DirectVector);
    graph.layers[0].output.shape.channels = 2;
    assert_eq!(graph.problem(), LayerProblem::Algorithm);
}

#[test]
fn left_out() {
    check_left_out(&series(|_| ()).file(), &[Feature::Direct, Feature::Dilation]);
}
