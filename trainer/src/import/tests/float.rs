//! Networks in floating point: the layers that they become answer as PyTorch or TensorFlow Lite
//! does.

use infer::{Model, Shape};

use super::fixture;
use crate::data::Dataset;
use crate::data::metadata::About;
use crate::evaluate::{float_values, int8_outputs};
use crate::export::{ExportOptions, Target, export, export_keeping, export_with};
use crate::float_model::FloatModel;
use crate::float_record;
use crate::import::float::{FloatImport, Given};
use crate::import::{float, onnx, tflite};
use crate::model_file::ModelTable;
use crate::network::LayerKind;
use crate::plan::{Budget, Core, Loading};
use crate::quantize::Kept;
use crate::savings::Savings;

fn import(file: &[u8], given: &Given) -> FloatImport {
    if file[4..8] == tflite::IDENTIFIER {
        let network = tflite::read(file).unwrap();
        assert!(float::tflite::is_float(&network));
        return float::tflite::import(&network, given).unwrap_or_else(|error| panic!("{error}"));
    }
    let beside = onnx::Beside::from([("dynamo.onnx.data", fixture!("dynamo.onnx.data"))]);
    let network = onnx::read_with(file, beside).unwrap();
    let known = onnx::known(&network).unwrap();
    float::onnx::import(&network, &known, given).unwrap_or_else(|error| panic!("{error}"))
}

/// The inputs of a fixture as a model takes them, and what PyTorch or TensorFlow Lite answers.
fn examples(model: &FloatModel, (name, floats): (&str, &[u8])) -> (Vec<f32>, Vec<f32>) {
    let shape = model.network.input.shape();
    let floats: Vec<f32> =
        floats.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let outputs = model.network.classes().unwrap();
    let count = floats.len() / (shape.len() + outputs);
    let (inputs, answers) = floats.split_at(count * shape.len());
    let turned = |input| match name.ends_with("onnx") {
        true => channels_last(input, shape),
        false => input.to_vec(),
    };
    (inputs.chunks(shape.len()).flat_map(turned).collect(), answers.to_vec())
}

/// `[channel][row][column]` as `[row][column][channel]`.
fn channels_last(values: &[f32], shape: Shape) -> Vec<f32> {
    let pixels = shape.len() / usize::from(shape.channels);
    let pixel = |pixel: usize| values.iter().skip(pixel).step_by(pixels).copied();
    (0..pixels).flat_map(pixel).collect()
}

/// What the network answers: probabilities where it ends with a softmax.
fn answers(model: &FloatModel, inputs: &[f32]) -> Vec<f32> {
    let values = model.forward(inputs, &mut |_, _| ());
    let each = model.network.classes().unwrap();
    match model.network.layers.last().map(|layer| &layer.kind) {
        Some(LayerKind::Softmax(_)) => values.chunks(each).flat_map(softmax).collect(),
        _ => values,
    }
}

fn softmax(values: &[f32]) -> Vec<f32> {
    let sum: f32 = values.iter().map(|value| value.exp()).sum();
    values.iter().map(|value| value.exp() / sum).collect()
}

/// The largest difference to a fixture's answers.
fn difference(model: &FloatModel, floats: (&str, &[u8])) -> f32 {
    let (inputs, expected) = examples(model, floats);
    let found = answers(model, &inputs);
    assert_eq!(found.len(), expected.len());
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// Each network with its examples.
fn networks() -> [(&'static str, &'static [u8], &'static [u8]); 12] {
    [
        ("dynamo.onnx", fixture!("dynamo.onnx"), fixture!("dynamo.floats")),
        ("images.onnx", fixture!("torch_images.onnx"), fixture!("torch_images.floats")),
        ("series.onnx", fixture!("torch_series.onnx"), fixture!("torch_series.floats")),
        ("vector.onnx", fixture!("torch_vector.onnx"), fixture!("torch_vector.floats")),
        ("extremes.onnx", fixture!("extremes.onnx"), fixture!("extremes.floats")),
        ("bends.onnx", fixture!("bends.onnx"), fixture!("bends.floats")),
        ("slices.onnx", fixture!("slices.onnx"), fixture!("slices.floats")),
        // Its channels come last in the file too.
        ("mixed", fixture!("mixed.onnx"), fixture!("mixed.floats")),
        ("parts.tflite", fixture!("parts_float.tflite"), fixture!("parts_float.floats")),
        ("branches.tflite", fixture!("branches_float.tflite"), fixture!("branches_float.floats")),
        ("extremes.tflite", fixture!("extremes_float.tflite"), fixture!("extremes_float.floats")),
        ("series.tflite", fixture!("series_float.tflite"), fixture!("series_float.floats")),
    ]
}

#[test]
fn networks_answer_as_where_they_come_from() {
    for (name, file, floats) in networks() {
        let difference = difference(&import(file, &Given::default()).model, (name, floats));
        assert!(difference < 1e-4, "{name}: {difference}");
    }
}

/// Pixels that are spread over the whole range.
fn pixels(shape: Shape, images: usize) -> Dataset {
    let value = |at: usize| (at.wrapping_mul(0x9E37_79B9) >> 13) as u8;
    let pixels = (0..images * shape.len()).map(value).collect();
    Dataset { shape, pixels, labels: vec![0; images], classes: 1, targets: vec![] }
}

/// Quantised as networks trained here are, they answer nearly the same.
#[test]
fn networks_in_integers_answer_nearly_the_same() {
    for (name, file, _) in networks() {
        let import = import(file, &Given::default());
        let data = pixels(import.input(), 200);
        let file = export(&import.model, &data).unwrap().bytes;
        let float = float_values(&import.model, &data, 1);
        let int8 = int8_outputs(&file, &data, 1).unwrap().reals();
        let power = |values: &mut dyn Iterator<Item = f32>| values.map(|v| v * v).sum::<f32>();
        let noise = power(&mut float.iter().zip(&int8).map(|(a, b)| a - b));
        let ratio = power(&mut float.iter().copied()) / noise;
        // 30 dB; of a dozen functions one after the other, each of which is rounded, 20 dB.
        let least = if name == "bends.onnx" { 100.0 } else { 1_000.0 };
        assert!(ratio > least, "{name}: {ratio}");
    }
}

/// What ONNX Runtime's quantiser wrote, in its two forms.
fn quantised() -> [(&'static str, &'static [u8], &'static [u8]); 2] {
    [
        ("qdq.onnx", fixture!("pictures_qdq.onnx"), fixture!("pictures_qdq.floats")),
        (
            "qoperator.onnx",
            fixture!("pictures_qoperator.onnx"),
            fixture!("pictures_qoperator.floats"),
        ),
    ]
}

/// The pixels of a fixture.
fn pixels_of(model: &FloatModel, examples: (&str, &[u8])) -> (Dataset, Vec<f32>) {
    let (inputs, answers) = self::examples(model, examples);
    let shape = model.network.input.shape();
    let pixels: Vec<u8> = inputs.iter().map(|value| (value * 255.0).round() as u8).collect();
    let images = pixels.len() / shape.len();
    let labels = vec![0; images];
    (Dataset { shape, pixels, labels, classes: 4, targets: vec![] }, answers)
}

/// Maps and weights keep the scales of the file, and weights their integers: answers are within two
/// steps of ONNX Runtime's.
#[test]
fn quantised_networks_keep_their_scales() {
    for (name, file, floats) in quantised() {
        let import = import(file, &Given::default());
        let (data, expected) = pixels_of(&import.model, (name, floats));
        let options = Target::Portable.into();
        let exported =
            export_keeping(&import.model, &import.kept, &data, options, &About::default());
        let exported = exported.unwrap();
        let network = onnx::read(file).unwrap();
        let scale = |name: &str| {
            let data = &network.constant(name).unwrap().data;
            f32::from_le_bytes(data[..].try_into().unwrap())
        };
        let stages = import.model.network.stages().unwrap();
        let last = exported.quant.stages.last().unwrap();
        assert_eq!(last.output.scale, scale("y_scale"), "{name}");
        for weights in ["a", "d"] {
            let names = [weights.to_owned(), format!("{weights}_quant")];
            let stage = stages.iter().position(|stage| names.contains(&stage.name)).unwrap();
            let file = &network.constant(&format!("{weights}.weight_quantized")).unwrap();
            let taps = file.elements() / file.shape[0];
            let channels = file.shape[1];
            let stage = &exported.quant.stages[stage];
            for (at, weight) in stage.weights.iter().enumerate() {
                let (output, tap) = (at / taps, at % taps);
                // Channels first in the file.
                let place = tap % channels * (taps / channels) + tap / channels;
                let expected = file.data[output * taps + place] as i8;
                assert_eq!(*weight, expected, "{name} {weights}: weight {at}");
            }
        }
        let found = int8_outputs(&exported.bytes, &data, 1).unwrap().reals();
        let steps = |(a, b): (&f32, &f32)| ((a - b) / last.output.scale).abs();
        let differences: Vec<f32> = found.iter().zip(&expected).map(steps).collect();
        let most = differences.iter().fold(0.0_f32, |most, steps| most.max(*steps));
        let mean = differences.iter().sum::<f32>() / differences.len() as f32;
        println!("{name}: {} stages, {most} steps at most, {mean} on average", stages.len());
        assert!(most < 2.5, "{name}: {differences:?}");
        let float = float_values(&import.model, &data, 1);
        let worst = float.iter().zip(&expected).map(steps).fold(0.0, f32::max);
        println!("{name}: in floating point {worst} steps at most");
        assert!(worst < 3.0, "{name}: {worst}");
    }
}

/// A file's scale of probabilities says nothing of the scores before the softmax; quantisation
/// hides neither a GELU nor what makes a convolution causal.
#[test]
fn quantised_networks_that_end_in_a_softmax() {
    let floats = ("ends_qdq.onnx", fixture!("ends_qdq.floats"));
    let import = import(fixture!("ends_qdq.onnx"), &Given::default());
    assert!(import.ends_with_softmax());
    let kinds: Vec<&str> =
        import.model.network.layers.iter().map(|layer| layer.kind.name().0).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["dense", "softmax"], "{kinds:?}");
    assert!(kinds.contains(&"gelu"), "{kinds:?}");
    // Its values are below 0: none may be cut off.
    let (inputs, _) = examples(&import.model, floats);
    assert!(import.model.forward(&inputs, &mut |_, _| ()).iter().all(|score| *score < 0.0));
    let difference = difference(&import.model, floats);
    assert!(difference < 0.02, "{difference}");
}

/// The record of float parameters has the scales too: what is exported of it once more is the same.
#[test]
fn records_keep_scales() {
    let (name, file, floats) = quantised()[0];
    let import = import(file, &Given::default());
    let bytes = float_record::to_bytes_keeping(&import.model, &import.kept, None).unwrap();
    assert_eq!(float_record::kept_of(bytes.clone()), import.kept);
    let model = float_record::from_bytes(bytes, None).unwrap();
    let (data, _) = pixels_of(&model, (name, floats));
    let file = |model: &FloatModel, kept: &[Kept]| {
        let options = Target::Portable.into();
        export_keeping(model, kept, &data, options, &About::default()).unwrap().bytes
    };
    assert_eq!(file(&model, &import.kept), file(&import.model, &import.kept));
    assert_ne!(file(&model, &[]), file(&model, &import.kept));
    let plain = float_record::to_bytes(&import.model, None).unwrap();
    assert_eq!(float_record::kept_of(plain), []);
}

/// The first output of each layer is 0 or one bias, whatever the input: what is exported without
/// such channels gives the same bytes, for any core and for one.
#[test]
fn constant_channels_are_left_out_of_exports() {
    let networks = networks().into_iter().chain(quantised());
    let smaller = networks.filter(|(name, file, _)| exported_smaller(name, file)).count();
    assert!(smaller >= 3, "{smaller} networks have channels that are left out");
}

/// Whether something is left out of a network whose layers' first weights are 0.
fn exported_smaller(name: &str, file: &[u8]) -> bool {
    let mut import = import(file, &Given::default());
    for stage in &mut import.model.stages {
        let outputs = stage.bias.len().max(1);
        stage.weights.iter_mut().step_by(outputs).for_each(|weight| *weight = 0.0);
    }
    let data = pixels(import.input(), 20);
    let exported = |target: Target, keep_all| {
        let options = ExportOptions { keep_all, ..target.into() };
        export_with(&import.model, &data, options, &About::default()).unwrap()
    };
    let answers = |file: &[u8]| int8_outputs(file, &data, 1).unwrap().reals();
    let whole = exported(Target::Portable, true);
    assert!(whole.savings.is_none() && whole.whole.is_none());
    let smaller = exported(Target::Portable, false);
    let Savings { whole: before, kept } = smaller.savings;
    println!("{name}: {kept:?} of {before:?}");
    assert_eq!(smaller.macs, kept.macs);
    let on_chip = exported(Target::Chip(Core::M4, Loading::OnChip, Budget::default()), false);
    for file in [&smaller.bytes, smaller.by_stages(), &on_chip.bytes] {
        assert_eq!(answers(file), answers(&whole.bytes), "{name}");
    }
    let mut table = ModelTable::new();
    let model = Model::from_bytes(smaller.by_stages(), &mut table).unwrap();
    let names: Vec<&str> = model.layers().iter().map(|layer| layer.name).collect();
    let stages = import.model.network.stages().unwrap();
    assert_eq!(names, stages.iter().map(|stage| &stage.name[..]).collect::<Vec<_>>());
    kept.macs < before.macs && kept.weights < before.weights
}

/// Each stage knows the operators of the file that it is made of.
#[test]
fn stages_are_made_of_operators() {
    let made_of = |file| import(file, &Given::default()).made_of;
    let series = [
        "Pad + Conv",
        "LeakyRelu",
        "Conv",
        "Sigmoid",
        "Mul",
        "AveragePool",
        "MatMul + Add",
        "Tanh",
        "Gemm",
    ];
    assert_eq!(made_of(fixture!("torch_series.onnx")), series);
    // A bias is in the weights before it, one after a pooling in a layer of its own where zeros lie
    // beyond the edge of what reads it.
    let extremes = [
        "Conv + Add",
        "Conv + Add",
        "Max",
        "Min",
        "Min",
        "MaxPool",
        "Add",
        "Conv + Min",
        "Min + Max",
        "Max",
        "Sigmoid",
        "Min",
        "GlobalAveragePool",
        "MatMul + Add",
    ];
    assert_eq!(made_of(fixture!("extremes.onnx")), extremes);
    let images = made_of(fixture!("torch_images.onnx"));
    assert!(images[0].starts_with("Conv + "), "{images:?}");
}

/// Factors and summands of the input are the network's: in the layer after it, or where that reads
/// zeros beyond the edge in one before it.
#[test]
fn an_input_of_another_scale_gives_the_same_answers() {
    for (name, file, floats) in networks() {
        let plain = import(file, &Given::default()).model;
        let channels = usize::from(plain.network.input.channels);
        let [scale, shift]: [Vec<f32>; 2] = [0, 1].map(|kind| {
            let number = |channel: usize| [2.0 + channel as f32, 0.25 * channel as f32 - 0.5][kind];
            (0..channels).map(number).collect()
        });
        let given = Given { scale: scale.clone(), shift: shift.clone(), shape: None };
        let scaled = import(file, &given).model;
        let layers = |model: &FloatModel| model.network.layers.len();
        let before = usize::from(!["vector.onnx", "mixed"].contains(&name));
        assert_eq!(layers(&scaled), layers(&plain) + before, "{name}");
        let (inputs, _) = examples(&plain, (name, floats));
        let channel = |at: usize| at % channels;
        let number = |(at, value): (usize, &f32)| scale[channel(at)] * value + shift[channel(at)];
        let read: Vec<f32> = inputs.iter().enumerate().map(number).collect();
        let pairs = answers(&scaled, &inputs).into_iter().zip(answers(&plain, &read));
        assert!(pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < 1e-4, "{name}");
    }
}

/// A constant that is written out for each pixel is one number for each channel; others are refused
/// with what they are.
#[test]
fn constants_of_many_values() {
    let whole = onnx::read(fixture!("bends.onnx")).unwrap();
    let at = |output: &str| whole.nodes.iter().position(|node| node.outputs == [output]).unwrap();
    let mut uneven = whole.clone();
    let constant = uneven.constants.iter_mut().find(|tensor| tensor.name == "whole").unwrap();
    constant.data.to_mut()[..4].copy_from_slice(&9.0_f32.to_le_bytes());
    let node = format!("Add (node {} 'whole'): ", at("12"));
    let why = "a constant that is another for each pixel: only one number, or one for each \
               channel, is known";
    assert_eq!(refusal(&uneven), format!("{node}{why}"));
    let mut larger = whole.clone();
    let flatten = at("22");
    larger.nodes.truncate(flatten + 1);
    (larger.nodes[flatten].operator, larger.nodes[flatten].inputs) = ("Add", vec!["21", "whole"]);
    larger.nodes[flatten].attributes = vec![];
    larger.outputs[0].name = "22";
    let said = refusal(&larger);
    assert!(said.contains("): a constant that is larger than the map: only"), "{said}");
}

/// Only a product spreads a smaller map.
#[test]
fn maps_of_other_sizes_are_refused() {
    let mut network = onnx::read(fixture!("torch_images.onnx")).unwrap();
    let known = onnx::known(&network).unwrap();
    let shape = |name: &str| known.shapes.get(name).cloned();
    let is_gate = |node: &onnx::Node<'_>| {
        node.operator == "Mul" && shape(node.inputs[0]) != shape(node.inputs[1])
    };
    let gate = network.nodes.iter().position(is_gate).unwrap();
    for operator in ["Add", "Max", "Min"] {
        for _ in 0..2 {
            network.nodes[gate].operator = operator;
            network.nodes[gate].inputs.reverse();
            let said = refusal(&network);
            let why = "the maps are of different sizes, or turned: only a product spreads one";
            assert!(said.starts_with(&format!("{operator} (node {gate}")), "{said}");
            assert!(said.contains(why), "{said}");
        }
    }
}

/// Converters can leave out all names: layers are called as their operators are.
#[test]
fn layers_without_names_are_called_by_their_operators() {
    let mut network = tflite::read(fixture!("branches_float.tflite")).unwrap();
    network.tensors.iter_mut().for_each(|tensor| tensor.name = "");
    let import = float::tflite::import(&network, &Given::default()).unwrap();
    let stages = import.model.network.stages().unwrap();
    let named = |name: &str| stages.iter().any(|stage| stage.name == name);
    assert!(["CONV_2D", "CONV_2D.2", "CONV_2D.6"].into_iter().all(named));
}

/// An input with its channels first that is turned at once is read as the data has it.
#[test]
fn channels_first_become_channels_last() {
    let network = tflite::read(fixture!("parts_float.tflite")).unwrap();
    let turned = super::plain::with_channels_first(&network);
    let [plain, turned] = [&network, &turned].map(|network| {
        float::tflite::import(network, &Given::default()).unwrap_or_else(|error| panic!("{error}"))
    });
    assert_eq!(plain.model, turned.model);
}

/// A GELU that is spelt out is one layer.
#[test]
fn spelt_out_operators_are_joined() {
    let import = import(fixture!("bends.onnx"), &Given::default());
    let made_of = &import.made_of;
    assert_eq!(made_of.iter().filter(|name| *name == "Gelu").count(), 4, "{made_of:?}");
    assert!(!made_of.iter().any(|name| name.contains("Erf")), "{made_of:?}");
}

/// A network that reads a vector reads images of as many values as they lie in memory.
#[test]
fn vectors_are_images_where_the_data_is() {
    let shape = Shape::new(4, 2, 3);
    let given = Given { scale: vec![1.0; 3], shift: vec![0.0; 3], shape: Some(shape) };
    let found = import(fixture!("torch_vector.onnx"), &given);
    assert_eq!(found.input(), shape);
    let vector = import(fixture!("torch_vector.onnx"), &Given::default());
    assert_eq!(found.model.stages, vector.model.stages);
    let other = Given { shape: Some(Shape::new(5, 5, 1)), ..Given::default() };
    assert_eq!(import(fixture!("torch_vector.onnx"), &other).input(), Shape::vector(24));
}

/// Integers with edges in floating point are no network in floating point.
#[test]
fn what_is_in_floating_point() {
    for (file, is_float) in [
        (fixture!("float.tflite"), true),
        (fixture!("float_edges.tflite"), false),
        (fixture!("scores.tflite"), false),
    ] {
        assert_eq!(float::tflite::is_float(&tflite::read(file).unwrap()), is_float);
    }
}

/// A file with a byte that is another one becomes a network or one line.
#[test]
fn damaged_files() {
    let files = [
        fixture!("torch_series.onnx"),
        fixture!("torch_images.onnx"),
        fixture!("pictures_qdq.onnx"),
        fixture!("pictures_qoperator.onnx"),
        fixture!("branches_float.tflite"),
        fixture!("series_float.tflite"),
        fixture!("parts_float.tflite"),
        fixture!("bends.onnx"),
    ];
    for file in files {
        let mut damaged = file.to_vec();
        for at in (0..file.len()).step_by(7) {
            for value in [0, 0xFF, file[at] ^ 4] {
                damaged[at] = value;
                if let Some(error) = refused(&damaged) {
                    assert!(!error.contains('\n'), "{error}");
                }
            }
            damaged[at] = file[at];
        }
    }
}

/// What is said of a file that can be read, but not imported.
fn refused(file: &[u8]) -> Option<String> {
    let given = Given::default();
    let error = if file.get(4..8) == Some(&tflite::IDENTIFIER) {
        float::tflite::import(&tflite::read(file).ok()?, &given).err()
    } else {
        let network = onnx::read(file).ok()?;
        float::onnx::import(&network, &onnx::known(&network).ok()?, &given).err()
    };
    error.map(|error| error.to_string())
}

fn refusal(network: &onnx::Network<'_>) -> String {
    let known = onnx::known(network).unwrap();
    let error = float::onnx::import(network, &known, &Given::default()).unwrap_err().to_string();
    assert!(!error.contains('\n'), "{error}");
    error
}

/// Weights whose scale has no values stand for no numbers.
#[test]
fn a_scale_without_values() {
    let mut network = onnx::read(fixture!("pictures_qoperator.onnx")).unwrap();
    let conv = network.nodes.iter().find(|node| node.operator == "QLinearConv").unwrap();
    let scale = conv.inputs[4];
    let scale = network.constants.iter_mut().find(|tensor| tensor.name == scale).unwrap();
    (scale.shape, scale.data) = (vec![0], vec![].into());
    let said = refusal(&network);
    assert!(said.starts_with("QLinearConv (node "), "{said}");
}

/// Quantisers leave out what only cuts values off where a type does, and of 16 bits that is not
/// known.
#[test]
fn quantisation_to_sixteen_bits() {
    let mut network = onnx::read(fixture!("pictures_qdq.onnx")).unwrap();
    let first = network.nodes.iter().position(|node| node.operator == "QuantizeLinear").unwrap();
    let zero = network.nodes[first].inputs[2];
    let zero = network.constants.iter_mut().find(|tensor| tensor.name == zero).unwrap();
    (zero.element, zero.data) = (onnx::ElementType::UInt16, vec![0, 0].into());
    let said = refusal(&network);
    assert!(said.starts_with(&format!("QuantizeLinear (node {first} ")), "{said}");
    assert!(said.ends_with("or scales that are computed: quantise to 8 bits"), "{said}");
}

/// What only training leaves in a file.
#[test]
fn networks_that_are_not_trained() {
    let whole = onnx::read(fixture!("torch_images.onnx")).unwrap();
    let mut training = whole.clone();
    let node =
        training.nodes.iter().position(|node| node.operator == "BatchNormalization").unwrap();
    training.nodes[node].attributes = vec![("training_mode", onnx::Attribute::Int(1))];
    let said = refusal(&training);
    assert!(said.contains("it normalises over a batch: call eval() before"), "{said}");
    let mut diverged = whole.clone();
    let conv = diverged.nodes.iter().find(|node| node.operator == "Conv").unwrap().inputs[1];
    let weights = diverged.constants.iter_mut().find(|tensor| tensor.name == conv).unwrap();
    weights.data.to_mut()[..4].copy_from_slice(&f32::NAN.to_le_bytes());
    let said = refusal(&diverged);
    assert!(said.contains("a weight or bias is no finite number"), "{said}");
}

/// Each operator is named once, with its reason; what only reads what it makes is not.
#[test]
fn all_that_becomes_no_layer_is_said_at_once() {
    let mut network = onnx::read(fixture!("layers.onnx")).unwrap();
    let refused = "MaxPool (node 7): it reaches beyond the edge of a map whose values may be \
                   negative: use no padding, or a ReLU before it";
    assert_eq!(refusal(&network), refused);
    for (node, operator) in [(3, "Erf"), (6, "Round"), (9, "Erf")] {
        network.nodes[node].operator = operator;
    }
    let why = "no layer does this: replace it, or export without it";
    assert_eq!(
        refusal(&network),
        format!("Erf (node 3 'conv2', node 9): {why}; Round (node 6): {why}")
    );
}

#[test]
fn inputs_and_outputs_that_no_network_has() {
    let whole = onnx::read(fixture!("torch_images.onnx")).unwrap();
    let changed = |change: &dyn Fn(&mut onnx::Network<'_>)| {
        let mut network = whole.clone();
        change(&mut network);
        refusal(&network)
    };
    let open = changed(&|network| network.inputs[0].shape[3] = None);
    assert!(open.starts_with("input 'x': its shape is open: export with fixed sides"), "{open}");
    let batch = changed(&|network| network.inputs[0].shape[0] = Some(2));
    assert!(batch.starts_with("input 'x': its batch is not 1"), "{batch}");
    let bytes = changed(&|network| network.inputs[0].element = Some(onnx::ElementType::UInt8));
    assert!(bytes.starts_with("input 'x': its values are not float32"), "{bytes}");
    let two = changed(&|network| network.inputs.push(network.inputs[0].clone()));
    assert!(two.starts_with("the network has 2 inputs"), "{two}");
    let two = changed(&|network| network.outputs.push(network.outputs[0].clone()));
    assert!(two.starts_with("the network has 2 outputs"), "{two}");
}
