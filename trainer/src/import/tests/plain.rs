//! Models of imported networks: the bytes that TensorFlow Lite answered, or all that is missing.

use std::collections::BTreeMap;
use std::path::Path;
use std::slice::from_ref;
use std::{env, fs};

use infer::kernels::{Kernels, Native, Reference};
use infer::{Model, OutputType, SelfTestError, Session, Table};

use super::reference::take;
use super::{fixture, numpy};
use crate::export::Target;
use crate::import::model::{FileOptions, ImportError, begins_with_channels, model, plain_model};
use crate::import::tflite::reference::{Interpreter, Values};
use crate::import::tflite::{ElementType, Kind, Masks, Network, Operator, read};
use crate::plan::{Budget, Core, Loading};

const OPTIONS: FileOptions = FileOptions {
    gives: OutputType::Scores,
    version: 3,
    self_test: true,
    target: Target::Portable,
    keep_all: false,
    stream: false,
};

/// What a model answers to an input.
fn answer<Set: Kernels>(file: &[u8], input: &[i8]) -> Vec<i8> {
    let mut table = Table::<254>::new();
    let model = Model::from_bytes(file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    session.run_with::<Set>(input, &mut ()).unwrap().values().to_vec()
}

fn agree(file: &[u8], input: &[i8], expected: &[i8], what: &str) {
    assert_eq!(answer::<Reference>(file, input), expected, "{what}: reference");
    assert_eq!(answer::<Native>(file, input), expected, "{what}: native");
}

/// All values of a network's runs, as its file of answers has them.
fn runs(network: &Network<'_>, mut answers: &[u8]) -> Vec<BTreeMap<usize, Values>> {
    let mut runs = vec![];
    while !answers.is_empty() {
        let made = network.operators.iter().map(|operator| operator.outputs[0]);
        let tensors: Vec<usize> = network.inputs.iter().copied().chain(made).collect();
        let values = |tensor| (tensor, take(network, tensor, &mut answers));
        runs.push(tensors.into_iter().map(values).collect());
    }
    runs
}

fn int8_of(values: &BTreeMap<usize, Values>, tensor: usize) -> &[i8] {
    match &values[&tensor] {
        Values::Int8(values) => values,
        Values::Float32(_) => panic!("tensor {tensor} is real"),
    }
}

/// A part of a network that reads `input` and makes what its last operator does.
fn part<'a>(network: &Network<'a>, input: usize, operators: &[Operator]) -> Network<'a> {
    let outputs = operators.last().unwrap().outputs.clone();
    Network { inputs: vec![input], outputs, operators: operators.to_vec(), ..network.clone() }
}

/// Whether a model of the part gives `expected`, or why there is none.
fn outcome(part: &Network<'_>, input: &[i8], expected: &[i8]) -> String {
    match model(part, OPTIONS) {
        Ok(file) => {
            agree(&file, input, expected, part.operators[0].kind.name());
            "same bytes".to_owned()
        }
        Err(ImportError::Operators(unsupported)) => {
            format!("{:?}", unsupported.operators().next().unwrap().1)
        }
        Err(ImportError::Input(misfit)) => format!("{misfit:?}"),
        Err(ImportError::Transposed { .. }) => "Transposed".to_owned(),
        // No layer is needed.
        Err(ImportError::OutputNotMade { .. }) => {
            assert_eq!(input, expected, "{}", part.operators[0].kind.name());
            "nothing".to_owned()
        }
        Err(other) => panic!("{other}"),
    }
}

/// The tensor that an operator reads, where there is one of int8 that is no constant.
fn only_map(network: &Network<'_>, operator: &Operator) -> Option<usize> {
    let is_map = |tensor: &usize| network.tensors[*tensor].data.is_none();
    let maps: Vec<usize> = operator.inputs.iter().flatten().copied().filter(is_map).collect();
    let is_int8 = |tensor: usize| network.tensors[tensor].element == ElementType::Int8;
    match maps[..] {
        [map] if is_int8(map) && is_int8(operator.outputs[0]) => Some(map),
        _ => None,
    }
}

/// Single operators with random shapes, options, scales and weights: those that a model holds give
/// TensorFlow Lite's bytes, whatever the activation.
#[test]
fn random_operators() {
    let files = [
        (fixture!("operators.tflite"), fixture!("operators.answers")),
        (fixture!("more_operators.tflite"), fixture!("more_operators.answers")),
        (fixture!("newer_operators.tflite"), fixture!("newer_operators.answers")),
    ];
    let [first, more, newer] = files.map(|(file, answers)| outcomes(file, answers));
    let same = |outcomes: &Outcomes, name: &str| {
        outcomes.get(&(name.to_owned(), "same bytes".to_owned())).copied().unwrap_or(0)
    };
    for (name, count) in [
        ("CONV_2D", 8),
        ("DEPTHWISE_CONV_2D", 8),
        ("FULLY_CONNECTED", 32),
        ("AVERAGE_POOL_2D", 6),
        ("MAX_POOL_2D", 2),
        // Others are over channels, with multipliers that no convolution has.
        ("MEAN", 4),
        ("MUL", 4),
        ("SOFTMAX", 2),
        ("RELU", 8),
        ("RELU6", 4),
        ("LEAKY_RELU", 12),
        ("HARD_SWISH", 8),
        ("LOGISTIC", 8),
        ("TANH", 8),
        ("QUANTIZE", 4),
    ] {
        assert_eq!(same(&first, name), count, "{name}");
    }
    let outcome = |name: &str, outcome: &str| (name.to_owned(), outcome.to_owned());
    // Means have another scale than their input.
    let expected = [
        (outcome("MEAN", "same bytes"), 16),
        (outcome("MEAN", "MeanOfChannels"), 8),
        (outcome("REDUCE_MAX", "same bytes"), 16),
        (outcome("REDUCE_MAX", "LargestChannel"), 8),
    ];
    assert_eq!(more, Outcomes::from(expected));
    let expected = [
        (outcome("GELU", "same bytes"), 40),
        (outcome("PRELU", "same bytes"), 40),
        (outcome("SLICE", "same bytes"), 38),
        (outcome("SLICE", "nothing"), 2),
        (outcome("STRIDED_SLICE", "same bytes"), 28),
        (outcome("STRIDED_SLICE", "nothing"), 12),
        // Others move values; two turn the input of their network.
        (outcome("TRANSPOSE", "nothing"), 28),
        (outcome("TRANSPOSE", "Transposed"), 8),
    ];
    assert_eq!(newer, Outcomes::from(expected));
}

/// How often a model of an operator gives the same bytes, or why there is none.
type Outcomes = BTreeMap<(String, String), usize>;

/// Those of all operators that read one map.
fn outcomes(file: &[u8], answers: &[u8]) -> Outcomes {
    let network = read(file).unwrap();
    let runs = runs(&network, answers);
    let mut outcomes = Outcomes::new();
    for operator in &network.operators {
        let Some(input) = only_map(&network, operator) else { continue };
        for run in &runs {
            let answer = int8_of(run, operator.outputs[0]);
            let part = part(&network, input, from_ref(operator));
            if begins_with_channels(&part, input) {
                continue;
            }
            let outcome = outcome(&part, int8_of(run, input), answer);
            *outcomes.entry((operator.kind.name().to_owned(), outcome)).or_default() += 1;
        }
    }
    println!("{outcomes:#?}");
    outcomes
}

/// Convolutions, a pooling and dense layers, between them a reshape and what computes its shape.
#[test]
fn a_network_of_the_converter() {
    let network = read(fixture!("scores.tflite")).unwrap();
    let plain = plain_model(&network).unwrap();
    let names: Vec<_> = plain.layers.iter().map(|layer| &layer.name[..]).collect();
    assert_eq!(
        names,
        [
            "functional_1/conv2d_1/Relu",
            "onal_1/max_pooling2d_1/MaxPool2d",
            "functional_1/conv2d_1_2/Relu",
            "functional_1/dense_1/MatMul",
            "StatefulPartitionedCall_1:0"
        ]
    );
    let file = model(&network, OPTIONS).unwrap();
    for run in runs(&network, fixture!("scores.answers")) {
        let [input, output] = [network.inputs[0], network.outputs[0]];
        agree(&file, int8_of(&run, input), int8_of(&run, output), "scores");
    }
}

#[test]
fn the_file_holds_what_was_asked_for() {
    let network = read(fixture!("chain.tflite")).unwrap();
    let part = part(&network, network.inputs[0], &network.operators[..1]);
    let holds = |self_test| {
        let file = model(&part, FileOptions { self_test, ..OPTIONS }).unwrap();
        let mut table = Table::<254>::new();
        let model = Model::from_bytes(&file, &mut table).unwrap();
        let tested = infer::self_test(&model, &mut vec![0; model.arena_bytes()]);
        (model.version(), tested)
    };
    assert_eq!(holds(true), (3, Ok(())));
    assert_eq!(holds(false), (3, Err(SelfTestError::Absent)));
}

fn refusal(network: &Network<'_>) -> String {
    plain_model(network).expect_err("a refusal").to_string()
}

/// Whole networks, also without what no answer depends on, and planned for a chip.
#[test]
fn networks_of_the_converter_give_its_bytes() {
    let networks = [
        ("chain", fixture!("chain.tflite"), fixture!("chain.answers")),
        ("branches", fixture!("branches.tflite"), fixture!("branches.answers")),
        ("series", fixture!("series.tflite"), fixture!("series.answers")),
        ("gates", fixture!("gates.tflite"), fixture!("gates.answers")),
        ("waves", fixture!("waves.tflite"), fixture!("waves.answers")),
        ("extremes", fixture!("extremes.tflite"), fixture!("extremes.answers")),
        ("flat", fixture!("flat.tflite"), fixture!("flat.answers")),
        ("parts", fixture!("parts.tflite"), fixture!("parts.answers")),
    ];
    for (name, file, answers) in networks {
        let network = read(file).unwrap();
        let [input, output] = [network.inputs[0], network.outputs[0]];
        let fastest = Target::Chip(Core::M4, Loading::OnChip, Budget::default());
        for (target, keep_all) in
            [(Target::Portable, true), (Target::Portable, false), (fastest, false)]
        {
            let file = model(&network, FileOptions { target, keep_all, ..OPTIONS }).unwrap();
            for run in runs(&network, answers) {
                agree(&file, int8_of(&run, input), int8_of(&run, output), name);
            }
        }
    }
}

/// Where the file takes float32 or uint8, the model takes the int8 values that become of it.
#[test]
fn edges_of_other_types() {
    let networks = [
        ("float32", fixture!("float_edges.tflite"), fixture!("float_edges.answers")),
        ("uint8", fixture!("uint8_edges.tflite"), fixture!("uint8_edges.answers")),
    ];
    for (name, file, answers) in networks {
        let network = read(file).unwrap();
        let (first, last) = (&network.operators[0], network.operators.last().unwrap());
        let (input, output) = (first.outputs[0], last.inputs[0].unwrap());
        let file = model(&network, OPTIONS).unwrap();
        for run in runs(&network, answers) {
            agree(&file, int8_of(&run, input), int8_of(&run, output), name);
        }
    }
}

/// Two maps are made of one input, by a mean where a side is 1; or the second is a constant. The
/// reference has been compared with TensorFlow Lite's kernels.
#[test]
fn pairs_of_maps_and_of_constants() {
    // A mean over channels is refused where its multiplier is none of a convolution.
    let expected =
        [("constant same bytes", 12), ("maps MeanOfChannels", 4), ("maps same bytes", 8)];
    assert_eq!(pair_outcomes(fixture!("operators.tflite")), counted(&expected));
    let expected =
        [("constant same bytes", 24), ("maps MeanOfChannels", 7), ("maps same bytes", 17)];
    assert_eq!(pair_outcomes(fixture!("more_operators.tflite")), counted(&expected));
}

fn counted(outcomes: &[(&str, usize)]) -> BTreeMap<String, usize> {
    outcomes.iter().map(|(outcome, count)| ((*outcome).to_owned(), *count)).collect()
}

/// How often a model of a pair of maps, or of a map and constants, gives the same bytes.
fn pair_outcomes(file: &[u8]) -> BTreeMap<String, usize> {
    let whole = read(file).unwrap();
    let mut outcomes = BTreeMap::<String, usize>::new();
    for operator in &whole.operators {
        let is_pair = matches!(
            operator.kind,
            Kind::Add(_) | Kind::Sub(_) | Kind::Mul(_) | Kind::Maximum | Kind::Minimum
        );
        let &[Some(a), Some(b)] = &operator.inputs[..] else { continue };
        if !is_pair || whole.tensors[a].data.is_some() || whole.tensors[b].data.is_some() {
            continue;
        }
        let with_both = made_of_one(&whole, operator, [a, b]);
        let with_constant = with_constant(&whole, operator, [a, b]);
        for (what, network) in [("maps", with_both), ("constant", with_constant)] {
            let input = network.inputs[0];
            let each = network.tensors[input].elements();
            let values: Vec<i8> = (0..each).map(|place| (place * 91 % 256) as u8 as i8).collect();
            let maps = Interpreter::new(&network).unwrap().run(&[Values::Int8(values.clone())]);
            let Some(Values::Int8(expected)) = &maps[network.outputs[0]] else { panic!("int8") };
            let outcome = outcome(&network, &values, expected);
            *outcomes.entry(format!("{what} {outcome}")).or_default() += 1;
        }
    }
    outcomes
}

/// A network whose one input is the larger map; the other is made of it.
fn made_of_one<'a>(whole: &Network<'a>, operator: &Operator, pair: [usize; 2]) -> Network<'a> {
    let mut network = whole.clone();
    let shape = network.tensors[operator.outputs[0]].shape.clone();
    let input = network.tensors.len();
    let mut given = network.tensors[pair[0]].clone();
    given.shape = shape.clone();
    network.tensors.push(given);
    network.operators = vec![];
    for tensor in pair {
        let sides = &network.tensors[tensor].shape;
        let axes = (0..shape.len()).filter(|side| sides[*side] != shape[*side]);
        let axes: Vec<u8> = axes.flat_map(|axis| (axis as i32).to_le_bytes()).collect();
        let mut constant = network.tensors[input].clone();
        (constant.shape, constant.element) = (vec![axes.len() / 4], ElementType::Int32);
        (constant.quantisation, constant.data) = (None, Some(&*Vec::leak(axes)));
        network.tensors.push(constant);
        network.operators.push(Operator {
            kind: Kind::Mean { keep_dimensions: true },
            inputs: vec![Some(input), Some(network.tensors.len() - 1)],
            outputs: vec![tensor],
            constant: false,
        });
    }
    network.operators.push(operator.clone());
    (network.inputs, network.outputs) = (vec![input], operator.outputs.clone());
    network
}

/// A network that reads the first of a pair; the other is a number for each channel.
fn with_constant<'a>(whole: &Network<'a>, operator: &Operator, [a, b]: [usize; 2]) -> Network<'a> {
    let mut network = whole.clone();
    let shape = network.tensors[operator.outputs[0]].shape.clone();
    let channels = shape[shape.len() - 1];
    network.tensors[a].shape = shape;
    network.tensors[b].shape = vec![channels];
    let values: Vec<u8> = (0..channels).map(|channel| (channel * 77 + 5) as u8).collect();
    network.tensors[b].data = Some(&*Vec::leak(values));
    network.operators = vec![operator.clone()];
    (network.inputs, network.outputs) = (vec![a], operator.outputs.clone());
    network
}

#[test]
fn all_that_is_missing_is_said_at_once() {
    let refused = refusal(&read(fixture!("unknown.tflite")).unwrap());
    assert!(refused.contains("(TRANSPOSE_CONV): not supported"), "{refused}");
    assert!(refused.contains("(RESIZE_BILINEAR): not supported"), "{refused}");
}

/// What reads a map of a refused operator is not at fault.
#[test]
fn what_only_follows_is_not_listed() {
    let mut network = read(fixture!("scores.tflite")).unwrap();
    network.operators[1].kind = Kind::Other("ELU".to_owned());
    let made = network.operators[1].outputs[0];
    network.tensors[made].element = ElementType::Float32;
    assert_eq!(refusal(&network), "operator 1 (ELU): not supported");
}

/// The same network, of an input with its channels first, which is turned at once.
pub fn with_channels_first<'a>(network: &Network<'a>) -> Network<'a> {
    let mut network = network.clone();
    let [input] = network.inputs[..] else { panic!("one input") };
    let mut given = network.tensors[input].clone();
    let [_, rows, columns, channels] = given.shape[..] else { panic!("a map") };
    given.shape = vec![1, channels, rows, columns];
    let order: Vec<u8> = [0, 2, 3, 1_i32].iter().flat_map(|at| at.to_le_bytes()).collect();
    let mut constant = given.clone();
    (constant.shape, constant.element) = (vec![4], ElementType::Int32);
    (constant.quantisation, constant.data) = (None, Some(&*Vec::leak(order)));
    let first = network.tensors.len();
    network.tensors.extend([given, constant]);
    let turn = Operator {
        kind: Kind::Transpose,
        inputs: vec![Some(first), Some(first + 1)],
        outputs: vec![input],
        constant: false,
    };
    network.operators.insert(0, turn);
    network.inputs = vec![first];
    network
}

#[test]
fn channels_first_become_channels_last() {
    let network = read(fixture!("scores.tflite")).unwrap();
    let turned = with_channels_first(&network);
    assert!(begins_with_channels(&turned, turned.inputs[0]));
    assert!(!begins_with_channels(&network, network.inputs[0]));
    assert_eq!(model(&turned, OPTIONS).unwrap(), model(&network, OPTIONS).unwrap());
}

/// What is neither a dense layer of all values nor a function of one.
#[test]
fn moved_values_are_read_by_few() {
    let mut network = read(fixture!("parts.tflite")).unwrap();
    let kind = |network: &Network<'_>, kind: &Kind| {
        network.operators.iter().position(|operator| operator.kind == *kind).unwrap()
    };
    let turn = kind(&network, &Kind::Transpose);
    let made = network.operators[turn].outputs[0];
    network.outputs = vec![made];
    network.operators.truncate(turn + 1);
    let said = refusal(&network);
    assert!(said.starts_with("output 0 is a map whose values were moved by TRANSPOSE"), "{said}");
    let axes: Vec<u8> = [2, 3_i32].iter().flat_map(|at| at.to_le_bytes()).collect();
    let mut constant = network.tensors[made].clone();
    (constant.shape, constant.element) = (vec![2], ElementType::Int32);
    (constant.quantisation, constant.data) = (None, Some(&*axes));
    let mut output = network.tensors[made].clone();
    output.shape = vec![1, 8];
    let first = network.tensors.len();
    network.tensors.extend([constant, output]);
    network.operators.push(Operator {
        kind: Kind::Mean { keep_dimensions: false },
        inputs: vec![Some(made), Some(first)],
        outputs: vec![first + 1],
        constant: false,
    });
    network.outputs = vec![first + 1];
    let said = refusal(&network);
    assert!(said.contains("(MEAN): a map whose values were moved by TRANSPOSE: only"), "{said}");
}

/// Only rows and columns are taken, forwards.
#[test]
fn parts_that_no_kernel_takes() {
    let whole = read(fixture!("parts.tflite")).unwrap();
    let is_slice = |operator: &Operator| matches!(operator.kind, Kind::StridedSlice(_));
    let slice = whole.operators.iter().position(is_slice).unwrap();
    let said = |begin: [i32; 4], end: [i32; 4], step: [i32; 4]| {
        let mut network = whole.clone();
        network.operators[slice].kind = Kind::StridedSlice(Masks::default());
        for (number, values) in [begin, end, step].into_iter().enumerate() {
            let constant = network.operators[slice].inputs[number + 1].unwrap();
            let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            network.tensors[constant].data = Some(&*Vec::leak(bytes));
        }
        network.outputs = network.operators[slice].outputs.clone();
        network.operators.truncate(slice + 1);
        plain_model(&network).map(|_| ()).map_err(|error| error.to_string())
    };
    let (begin, end, step) = ([0, 2, 0, 0], [1, 9, 7, 6], [1; 4]);
    assert_eq!(said(begin, end, step), Ok(()));
    let expected = "operator 2 (STRIDED_SLICE): a part of the channels or of batches, or one that";
    for (begin, end, step) in [
        ([0, 2, 0, 1], end, step),
        (begin, [1, 9, 7, 5], step),
        (begin, end, [1, 1, 1, 2]),
        (begin, end, [1, -1, 1, 1]),
        ([0, 9, 0, 0], end, step),
    ] {
        let said = said(begin, end, step).unwrap_err();
        assert!(said.starts_with(expected), "{begin:?} {end:?} {step:?}: {said}");
    }
}

/// A mean over `axes` of values whose scale is that of the output times a power of two.
fn mean_of_scale(power: i32, axes: &[i32]) -> Result<(), String> {
    let whole = read(fixture!("more_operators.tflite")).unwrap();
    let is_mean = |operator: &&Operator| operator.kind.name() == "MEAN";
    let mean = whole.operators.iter().find(is_mean).unwrap();
    let input = mean.inputs[0].unwrap();
    let mut network = part(&whole, input, from_ref(mean));
    let [over, output] = [mean.inputs[1].unwrap(), mean.outputs[0]];
    network.operators[0].kind = Kind::Mean { keep_dimensions: true };
    let bytes: Vec<u8> = axes.iter().flat_map(|axis| axis.to_le_bytes()).collect();
    network.tensors[over].shape = vec![axes.len()];
    network.tensors[over].data = Some(&*Vec::leak(bytes));
    network.tensors[input].shape = vec![1, 4, 4, 4];
    network.tensors[output].shape =
        (0..4).map(|side| if side == 0 || axes.contains(&side) { 1 } else { 4 }).collect();
    let scale = |network: &mut Network<'_>, tensor: usize, scale: f32| {
        network.tensors[tensor].quantisation.as_mut().unwrap().scales = vec![scale];
    };
    scale(&mut network, output, 0.5);
    scale(&mut network, input, 0.5 * 2.0_f32.powi(power));
    model(&network, OPTIONS).map(|_| ()).map_err(|error| error.to_string())
}

/// Of a mean that is scaled by next to nothing the zero point is left, also over channels: its
/// multiplier is below that of any convolution.
#[test]
fn means_of_next_to_nothing() {
    for axes in [&[1, 2][..], &[3], &[1, 2, 3]] {
        for power in [-20, -28, -30, -31, -40] {
            assert_eq!(mean_of_scale(power, axes), Ok(()), "{axes:?} {power}");
        }
    }
}

/// TensorFlow Lite compares values as they are, whatever they stand for.
#[test]
fn extremes_of_maps_of_other_scales_are_refused() {
    let mut network = read(fixture!("extremes.tflite")).unwrap();
    let place = network.operators.iter().position(|operator| operator.kind == Kind::Maximum);
    let read = network.operators[place.unwrap()].inputs[1].unwrap();
    network.tensors[read].quantisation.as_mut().unwrap().scales[0] *= 2.0;
    let refused = refusal(&network);
    let expected = "operator 2 (MAXIMUM): maps of different scale or zero point, which must be";
    assert!(refused.starts_with(expected), "{refused}");
}

#[test]
fn inputs_and_outputs_that_no_model_has() {
    let chain = read(fixture!("chain.tflite")).unwrap();
    let [input, made] = [chain.inputs[0], chain.operators[0].outputs[0]];
    let with = |inputs: &[usize], outputs: &[usize]| {
        let operators = chain.operators[..1].to_vec();
        let (inputs, outputs) = (inputs.to_vec(), outputs.to_vec());
        Network { inputs, outputs, operators, ..chain.clone() }
    };
    assert!(plain_model(&with(&[input], &[made])).is_ok());
    let refused = refusal(&with(&[input, made], &[made]));
    assert!(refused.contains("the network has 2 inputs"), "{refused}");
    let refused = refusal(&with(&[input], &[]));
    assert!(refused.contains("the network has 0 outputs"), "{refused}");
    assert_eq!(refusal(&with(&[input], &[made, input])), "output 1 is made by no layer");
    let float = refusal(&read(fixture!("float.tflite")).unwrap());
    assert!(float.starts_with("the input: a tensor of float32, only int8"), "{float}");
}

/// The end of a long name is kept, of whole characters; a terminal obeys none.
#[test]
fn names_fit_the_file() {
    let mut network = read(fixture!("chain.tflite")).unwrap();
    let output = network.operators[0].outputs[0];
    let mut named = |name| {
        network.tensors[output].name = name;
        let part = part(&network, network.inputs[0], &network.operators[..1]);
        plain_model(&part).unwrap().layers[0].name.clone()
    };
    assert_eq!(named("model/relu;model/conv"), "model/relu");
    assert_eq!(named("a\x1bb"), "a\\u{1b}b");
    assert_eq!(named("0123456789/0123456789/0123456789/x"), "23456789/0123456789/0123456789/x");
    assert_eq!(named("ääääääääääääääääax"), "äääääääääääääääax");
}

/// `KINDLING_MODELS` names a folder of MLPerf Tiny's networks: a model of those whose operators all
/// have kernels answers as TensorFlow Lite does.
#[test]
fn public_networks() {
    let Some(folder) = env::var_os("KINDLING_MODELS") else {
        println!("skipped: KINDLING_MODELS names no folder of networks");
        return;
    };
    let read_file = |path: String| fs::read(Path::new(&folder).join(path)).unwrap();
    for name in ["ad", "ic", "kws", "sww", "vww"] {
        let file = read_file(format!("{name}.tflite"));
        let network = read(&file).unwrap();
        let fastest = Target::Chip(Core::M4, Loading::OnChip, Budget::default());
        let portable = Target::Portable;
        let models = [(portable, false), (fastest, false), (portable, true)].map(|made| {
            let (target, keep_all) = made;
            model(&network, FileOptions { target, keep_all, ..OPTIONS }).unwrap()
        });
        let (count, inputs) = numpy::array(&read_file(format!("vectors/{name}_in.npy")));
        let (_, outputs) = numpy::array(&read_file(format!("vectors/{name}_out.npy")));
        let outputs = outputs.chunks(outputs.len() / count);
        for (input, output) in inputs.chunks(inputs.len() / count).zip(outputs) {
            models.iter().for_each(|model| agree(model, input, output, name));
        }
        assert_eq!(count, 20);
    }
}

/// Converters can leave out all names: layers are called as their operators are.
#[test]
fn layers_without_names_are_called_by_their_operators() {
    let mut network = read(fixture!("chain.tflite")).unwrap();
    for nothing in ["", "  ", "; ;"] {
        network.tensors.iter_mut().for_each(|tensor| tensor.name = nothing);
        assert!(plain_model(&network).unwrap().layers[0].name == "CONV_2D.16", "{nothing:?}");
    }
    let layers = plain_model(&network).unwrap().layers;
    let names: Vec<_> = layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names[..3], ["CONV_2D.16", "DEPTHWISE_CONV_2D.17", "CONV_2D.18"]);
    assert_eq!(names[3..5], ["MAX_POOL_2D.19/relabelled", "MAX_POOL_2D.19/border"]);
}
