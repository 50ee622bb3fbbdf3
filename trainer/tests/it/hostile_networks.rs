//! Files of networks that lie, or hold what no model does: one line each, nothing written, within
//! memory that the shell bounds.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

use crate::common::{Workshop, error};

#[path = "../../src/import/tests/builder.rs"]
#[allow(dead_code, reason = "the unit tests use all of it")]
mod builder;

use builder::{Fields, Parts, Value, code, int8, operator, set};

/// Address space of the program, units of 1,024 bytes: what it takes for a small network, and what
/// hostile files of this page may have on top.
const MEMORY_KIB: &str = "1000000";

/// What `import` says of a file of this name.
fn refusal(name: &str, bytes: &[u8]) -> String {
    let workshop = Workshop::new();
    fs::write(workshop.path(name), bytes).unwrap();
    let script = format!("ulimit -v {MEMORY_KIB} && exec \"$0\" \"$@\"");
    let mut command = Command::new("sh");
    command.current_dir(workshop.path(".")).args(["-c", &script, env!("CARGO_BIN_EXE_trainer")]);
    let said = error(command.args(["import", name, "--out", "model.kndl"]));
    assert!(!workshop.path("model.kndl").exists(), "{said}");
    let said = said.strip_prefix(&format!("{name}: ")).map(str::to_owned);
    said.expect("a message that names the file")
}

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)).unwrap()
}

/// Bytes of no kind.
fn garbage() -> Vec<u8> {
    (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn tflite(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::default();
    parts.operators.truncate(1);
    parts.outputs = vec![1];
    change(&mut parts);
    refusal("network.tflite", &parts.file())
}

#[test]
fn tflite_files() {
    let is = |said: String, expected: &str| assert!(said.contains(expected), "{said}");
    is(refusal("network.tflite", &garbage()), "this is another kind of file");
    let half = fixture("chain.tflite");
    is(refusal("network.tflite", &half[..half.len() / 2]), "of the file");
    let mut moved = Parts::default().file();
    moved[..4].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    is(refusal("network.tflite", &moved), "offset 0x70000000 lies outside of the file");
    is(refusal("network.tflite", &fixture("int16.tflite")), "a tensor of int16, only int8 is");
    is(tflite(|parts| parts.subgraphs = 2), "there are 2, only networks of one subgraph");
    let cycle = |parts: &mut Parts| parts.operators = vec![operator(0, &[1], &[1])];
    is(tflite(cycle), "tensor 1 is read before an operator makes it");
    let large = |parts: &mut Parts| parts.tensors[0] = int8(&[1, i32::MAX]);
    is(tflite(large), "is a tensor of more than 268435456 elements");
    let open = |parts: &mut Parts| set(&mut parts.tensors[1], 7, Value::I32s(vec![1, -1]));
    is(tflite(open), "only the first dimension, the batch, may be open");
    let many = |parts: &mut Parts| {
        parts.tensors = vec![int8(&[1, 4]); 5001];
        parts.operators = (0..5000).map(|at| operator(0, &[at], &[at + 1])).collect();
        parts.outputs = vec![5000];
    };
    is(tflite(many), "the network has 5000 operators, at most 4096 are imported");
    let maps = |parts: &mut Parts| {
        parts.tensors = vec![int8(&[1, 1 << 22]); 41];
        parts.operators = (0..40).map(|at| operator(0, &[at], &[at + 1])).collect();
        parts.outputs = vec![40];
    };
    is(tflite(maps), "the network has 167772160 values in maps and constants, at most 67108864");
}

/// A dense layer of four values, whose map has the type `map`, with weights of int8.
fn dense(map: i8, zero_points: [i64; 4]) -> String {
    tflite(|parts| {
        parts.codes[0] = code(9);
        parts.buffers.push(vec![(0, Value::Bytes((1..=16).collect()))]);
        let mut weights: Fields = int8(&[4, 4]);
        set(&mut weights, 2, Value::U32(1));
        let scales = (2, Value::F32s(vec![0.5; 4]));
        let zeros = (3, Value::I64s(zero_points.to_vec()));
        set(&mut weights, 4, Value::Table(vec![scales, zeros]));
        parts.tensors[2] = weights;
        for tensor in &mut parts.tensors[..2] {
            set(tensor, 1, Value::I8(map));
            if map == 0 {
                tensor.retain(|(slot, _)| *slot != 4);
            }
        }
        parts.operators = vec![operator(0, &[0, 2, -1], &[1])];
    })
}

/// Weights of int8 with maps in floating point stand for numbers, so that data is asked for.
#[test]
fn quantisations_of_tflite_files() {
    let said = dense(9, [0, 0, 1, 0]);
    assert!(said.contains("weights with a zero point that is not 0"), "{said}");
    let said = dense(0, [0; 4]);
    assert!(said.contains("the network is in floating point: name inputs like those"), "{said}");
}

/// A field of protobuf with a length and its bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2][..], &varint(bytes.len()), bytes].concat()
}

/// A field of protobuf that is a number.
fn number(field: u8, value: usize) -> Vec<u8> {
    [&[field << 3][..], &varint(value)].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = vec![];
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A model of this version of the operators.
fn model(opset: usize, graph: &[Vec<u8>]) -> Vec<u8> {
    [field(8, &number(2, opset)), field(7, &graph.concat())].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs = inputs.iter().flat_map(|input| field(1, input.as_bytes()));
    let rest = [field(2, output.as_bytes()), field(4, operator.as_bytes())].concat();
    field(1, &inputs.chain(rest).collect::<Vec<u8>>())
}

/// An input (field 11) or output (12) of float32; a side of 0 is open.
fn value(place: u8, name: &str, sides: &[usize]) -> Vec<u8> {
    let side = |side: &usize| match side {
        0 => field(1, &field(2, b"n")),
        side => field(1, &number(1, *side)),
    };
    let shape: Vec<u8> = sides.iter().flat_map(side).collect();
    let tensor = [number(1, 1), field(2, &shape)].concat();
    field(place, &[field(1, name.as_bytes()), field(2, &field(1, &tensor))].concat())
}

/// A constant of float32 with these further fields.
fn constant(name: &str, sides: &[usize], rest: &[u8]) -> Vec<u8> {
    let sides = sides.iter().flat_map(|side| number(1, *side));
    let fields = sides.chain(number(2, 1)).chain(field(8, name.as_bytes()));
    field(5, &fields.chain(rest.to_vec()).collect::<Vec<u8>>())
}

fn onnx(opset: usize, graph: &[Vec<u8>]) -> String {
    refusal("network.onnx", &model(opset, graph))
}

#[test]
fn onnx_files() {
    let is = |said: String, expected: &str| assert!(said.contains(expected), "{said}");
    is(refusal("network.onnx", &garbage()), "Model at byte 0x");
    let half = fixture("layers.onnx");
    is(refusal("network.onnx", &half[..half.len() / 2]), "at byte 0x");
    let [x, y] = [value(11, "x", &[1, 4]), value(12, "y", &[1, 4])];
    let relu = node("Relu", &["x"], "y");
    is(onnx(99, &[x.clone(), relu.clone(), y.clone()]), "has version 99 of the operators, known");
    let cycle = [x.clone(), node("Add", &["x", "y"], "a"), node("Relu", &["a"], "y"), y.clone()];
    is(onnx(13, &cycle), "reads 'y' before anything makes it");
    let open = [value(11, "x", &[1, 0]), relu, y.clone()];
    is(onnx(13, &open), "its shape is open: export with fixed sides");
    let product = node("Mul", &["x", "w"], "y");
    let elsewhere = |file: &str| {
        let entry = field(13, &[field(1, b"location"), field(2, file.as_bytes())].concat());
        let weights = constant("w", &[1, 4], &[number(14, 1), entry].concat());
        onnx(13, &[x.clone(), weights, product.clone(), y.clone()])
    };
    is(elsewhere("w.bin"), "has its values in the file 'w.bin': put that beside this one");
    is(elsewhere("/dev/zero"), "which is no file of the same folder");
    is(elsewhere("network.onnx"), "bytes, its shape needs 16");
    let large = [x, constant("w", &[1 << 31, 1], &[]), product, y];
    is(onnx(13, &large), "has dimensions [2147483648, 1]: 8 at most");
}

/// 300 names for a constant of 16 MB, each of which has numbers of its own; and 300 constants in
/// floating point of one in int8.
#[test]
fn constants_that_are_made_again_and_again() {
    const SIDES: [usize; 2] = [1024, 4096];
    let values = SIDES[0] * SIDES[1];
    let names: Vec<String> = (0..300).map(|number| format!("w{number}")).collect();
    let ends = [value(11, "x", &[1, 4096]), value(12, "y", &SIDES)];
    let products = |constants: &[Vec<u8>], makes: &dyn Fn(&str) -> Vec<u8>| {
        let mut graph = [&ends[..], constants].concat();
        let mut last = "x".to_owned();
        for (number, name) in names.iter().enumerate() {
            let made = if number + 1 == names.len() { "y".into() } else { format!("m{number}") };
            graph.extend([makes(name), node("Mul", &[&last, name], &made)]);
            last = made;
        }
        onnx(13, &graph)
    };
    let floats = constant("w", &SIDES, &field(9, &vec![0; 4 * values]));
    let said = products(&[floats], &|name| node("Identity", &["w"], name));
    assert!(said.contains("it reads a constant where a map is expected"), "{said:.300}");
    let integers = [
        SIDES.iter().flat_map(|side| number(1, *side)).collect(),
        number(2, 3),
        field(8, b"w"),
        field(9, &vec![1; values]),
    ];
    let integers = field(5, &integers.concat());
    let scale = constant("s", &[1], &field(9, &1.0_f32.to_le_bytes()));
    let said = products(&[integers, scale], &|name| node("DequantizeLinear", &["w", "s"], name));
    assert!(said.contains("have more than 67108864 values"), "{said:.300}");
}

/// Tensors of a `.tflite` file that share 16 MB.
#[test]
fn constants_that_share_their_bytes() {
    let said = tflite(|parts| {
        parts.buffers.push(vec![(0, Value::Bytes(vec![0; 4 << 22]))]);
        let float = |shape: &[i32], buffer| -> Fields {
            vec![(0, Value::I32s(shape.to_vec())), (1, Value::I8(0)), (2, Value::U32(buffer))]
        };
        let shared = float(&[1, 1 << 22], 1);
        parts.tensors = vec![float(&[1, 4], 0); 2];
        parts.tensors.extend(vec![shared; 300]);
    });
    assert!(said.contains("have more than 67108864 values"), "{said:.300}");
}
