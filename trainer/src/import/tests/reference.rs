//! The interpreter against TensorFlow Lite's reference kernels, byte for byte.

use std::path::Path;
use std::{env, fs};

use super::builder::{Parts, Value, int8, operator, set};
use super::{fixture, numpy};
use crate::import::tflite::reference::{Interpreter, Values};
use crate::import::tflite::{ElementType, Kind, Network, read};

/// Runs a network on the inputs of a file of answers and compares every map; how many operators
/// were compared, for each run.
fn agree(name: &str, file: &[u8], mut answers: &[u8]) -> Vec<usize> {
    let network = read(file).unwrap();
    let interpreter = Interpreter::new(&network).unwrap();
    let mut compared = Vec::new();
    while !answers.is_empty() {
        let inputs: Vec<_> =
            network.inputs.iter().map(|tensor| take(&network, *tensor, &mut answers)).collect();
        let maps = interpreter.run(&inputs);
        let mut count = 0;
        for (index, operator) in network.operators.iter().enumerate() {
            let expected = take(&network, operator.outputs[0], &mut answers);
            if !operator.constant {
                let found = maps[operator.outputs[0]].as_ref();
                let what = operator.kind.name();
                assert_eq!(found, Some(&expected), "{name}: operator {index}, {what}");
                count += 1;
            }
        }
        compared.push(count);
    }
    compared
}

/// The next values of a file of answers.
pub fn take(network: &Network<'_>, tensor: usize, answers: &mut &[u8]) -> Values {
    let tensor = &network.tensors[tensor];
    let bytes = tensor.elements() * tensor.element.bits().unwrap() as usize / 8;
    let (values, rest) = answers.split_at(bytes);
    *answers = rest;
    match tensor.element {
        // The same values less 128.
        ElementType::UInt8 => Values::Int8(values.iter().map(|byte| (byte ^ 0x80) as i8).collect()),
        ElementType::Float32 => {
            let (reals, _) = values.as_chunks();
            Values::Float32(reals.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
        }
        _ => Values::Int8(values.iter().map(|byte| *byte as i8).collect()),
    }
}

#[test]
fn networks_of_the_converter() {
    let compared = agree("chain", fixture!("chain.tflite"), fixture!("chain.answers"));
    assert_eq!(compared, [10, 10]);
    let compared = agree("branches", fixture!("branches.tflite"), fixture!("branches.answers"));
    assert_eq!(compared, [20, 20]);
    let compared = agree("series", fixture!("series.tflite"), fixture!("series.answers"));
    assert_eq!(compared, [14, 14]);
    let compared = agree("scores", fixture!("scores.tflite"), fixture!("scores.answers"));
    assert_eq!(compared, [6, 6]);
    let compared = agree("extremes", fixture!("extremes.tflite"), fixture!("extremes.answers"));
    assert_eq!(compared, [13, 13]);
    let compared = agree("parts", fixture!("parts.tflite"), fixture!("parts.answers"));
    assert_eq!(compared, [13, 13]);
    let edges =
        agree("float_edges", fixture!("float_edges.tflite"), fixture!("float_edges.answers"));
    assert_eq!(edges, [6, 6]);
}

/// Single operators with random shapes, options, scales and weights; those of one input for each
/// value see all 256. The last 16 are at scales where floats of 32 and of 64 bits differ.
#[test]
fn random_operators() {
    let compared = agree("operators", fixture!("operators.tflite"), fixture!("operators.answers"));
    assert_eq!(compared, [88, 88]);
    let [more, answers] = [fixture!("more_operators.tflite"), fixture!("more_operators.answers")];
    assert_eq!(agree("more operators", more, answers), [48, 48]);
    let [newer, answers] =
        [fixture!("newer_operators.tflite"), fixture!("newer_operators.answers")];
    assert_eq!(agree("newer operators", newer, answers), [100, 100]);
}

/// The number that counts is the larger one: old files have it in a field of one byte, which cannot
/// hold numbers from 127 on.
#[test]
fn operator_codes_above_127() {
    let gelu = vec![(0, Value::I8(127)), (3, Value::U32(150))];
    let parts = Parts { codes: vec![gelu, super::builder::code(19)], ..Parts::default() };
    let file = parts.file();
    let names = read(&file).unwrap().operators.into_iter().map(|operator| operator.kind);
    assert_eq!(names.collect::<Vec<_>>(), [Kind::Gelu { is_tanh: false }, Kind::Relu]);
}

/// `KINDLING_MODELS` names a folder of MLPerf Tiny's five networks with inputs and answers.
#[test]
fn public_networks() {
    let Some(folder) = env::var_os("KINDLING_MODELS") else {
        println!("skipped: KINDLING_MODELS names no folder of networks");
        return;
    };
    let folder = Path::new(&folder);
    for name in ["kws", "vww", "ic", "ad", "sww"] {
        public_network(folder, name);
    }
}

fn public_network(folder: &Path, name: &str) {
    let read_file = |path: String| fs::read(folder.join(path)).unwrap();
    let file = read_file(format!("{name}.tflite"));
    let network = read(&file).unwrap();
    let interpreter = Interpreter::new(&network).unwrap();
    let (count, inputs) = numpy::array(&read_file(format!("vectors/{name}_in.npy")));
    let (_, outputs) = numpy::array(&read_file(format!("vectors/{name}_out.npy")));
    let first = numpy::archive(&read_file(format!("vectors/{name}_maps0.npz")));
    let inputs = inputs.chunks(inputs.len() / count);
    let outputs = outputs.chunks(outputs.len() / count);
    for (number, (input, output)) in inputs.zip(outputs).enumerate() {
        let maps = interpreter.run(&[Values::Int8(input.to_vec())]);
        let found = |tensor: usize| match &maps[tensor] {
            Some(Values::Int8(values)) => values,
            other => panic!("{name}: tensor {tensor} is {other:?}"),
        };
        if number == 0 {
            assert_eq!(first.len(), network.operators.len());
            for operator in &network.operators {
                let tensor = operator.outputs[0];
                assert_eq!(*found(tensor), first[&format!("t{tensor}")], "{name}: tensor {tensor}");
            }
        }
        assert_eq!(found(network.outputs[0]), output, "{name}: input {number}");
    }
    println!("{name}: {count} inputs, all maps of the first: TensorFlow Lite's bytes");
}

fn refusal(file: &[u8]) -> String {
    let network = read(file).unwrap();
    Interpreter::new(&network).err().expect("a refusal").to_string()
}

#[test]
fn all_that_cannot_be_run_is_said_at_once() {
    assert_eq!(
        refusal(fixture!("unknown.tflite")),
        "operator 0 (TRANSPOSE_CONV): not supported; operator 1 (RESIZE_BILINEAR): not supported"
    );
    let int16 = refusal(fixture!("int16.tflite"));
    let expected = "a tensor of int16, only int8 is supported: quantise to int8";
    assert!(int16.contains(&format!("operator 1 (CONV_2D): {expected}; operator 5")), "{int16}");
    assert!(refusal(fixture!("float.tflite")).contains("a tensor of float32"));
}

/// An operator with a name of its own, which may be any text.
#[test]
fn names_that_a_terminal_would_obey_are_spelt_out() {
    let own = vec![(0, Value::I8(32)), (1, Value::Text("a\x1b[2J\nb"))];
    let parts = Parts { codes: vec![own; 2], ..Parts::default() };
    let refused = refusal(&parts.file());
    assert!(refused.starts_with("operators 0, 1 (a\\u{1b}[2J\\nb): not supported"), "{refused}");
}

#[test]
fn quantisation_that_no_kernel_has() {
    let mut parts = Parts::default();
    let quantisation =
        |scale: f32| Value::Table(vec![(2, Value::F32s(vec![scale])), (3, Value::I64s(vec![3]))]);
    set(&mut parts.tensors[1], 4, quantisation(0.0));
    assert!(refusal(&parts.file()).contains("operator 0 (RELU): a map without one positive"));
    set(&mut parts.tensors[1], 4, quantisation(1e-30));
    assert!(refusal(&parts.file()).contains("do not fit 32 bits"));
    assert!(refusal(&Parts::default().file()).contains("operator 1 (LOGISTIC): another output"));
}

/// Maps of 2^23 values.
#[test]
fn maps_that_no_small_core_holds() {
    let mut parts = Parts::default();
    for tensor in &mut parts.tensors {
        *tensor = int8(&[1, 1 << 23]);
    }
    parts.operators = vec![operator(0, &[0], &[1]), operator(0, &[1], &[2])];
    let refused = refusal(&parts.file());
    assert!(refused.contains("(RELU): a map that is too large"), "{refused}");
}
