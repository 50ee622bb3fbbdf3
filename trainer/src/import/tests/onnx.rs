//! ONNX files: what ONNX's own tools wrote, and files that lie.

use std::slice;

use super::fixture;
use crate::import::onnx::{Attribute, Beside, Cost, ElementType, cost, infer, read, read_with};

/// Compares our shapes with those of ONNX's own inference; how many of its there are.
fn compare_shapes(file: &[u8], expected: &str) -> usize {
    let network = read(file).unwrap();
    let shapes = infer(&network).unwrap();
    for line in expected.lines() {
        let mut words = line.split(' ');
        let name = words.next().unwrap();
        let sides: Vec<usize> = words.map(|side| side.parse().unwrap()).collect();
        assert_eq!(shapes.get(name), Some(&sides), "{name}");
    }
    expected.lines().count()
}

#[test]
fn shapes_are_those_of_onnx() {
    let text = |bytes: &'static [u8]| str::from_utf8(bytes).unwrap();
    let floats = compare_shapes(fixture!("layers.onnx"), text(fixture!("layers.shapes")));
    let qdq = compare_shapes(fixture!("qdq.onnx"), text(fixture!("qdq.shapes")));
    let operators = compare_shapes(fixture!("qoperator.onnx"), text(fixture!("qoperator.shapes")));
    assert!(floats > 15 && qdq > 50 && operators > 5, "{floats}, {qdq}, {operators}");
}

#[test]
fn layers() {
    let network = read(fixture!("layers.onnx")).unwrap();
    assert_eq!((network.producer, network.opset), ("fixtures", 17));
    assert_eq!(network.inputs[0].shape, [None, Some(3), Some(11), Some(9)]);
    assert_eq!(network.inputs[0].element, Some(ElementType::Float32));
    let conv = &network.nodes[0];
    assert_eq!((conv.name, conv.operator), ("conv1", "Conv"));
    assert_eq!(conv.ints("strides"), Some(&[2, 2][..]));
    let leaky = network.nodes.iter().find(|node| node.operator == "LeakyRelu").unwrap();
    assert_eq!(leaky.attribute("alpha"), Some(&Attribute::Float(0.1)));
    assert!(network.nodes.iter().all(|node| node.operator != "Constant"));
    let zero = network.constant("zero").unwrap();
    assert_eq!((&zero.shape[..], &zero.data[..]), (&[1][..], &[0; 4][..]));
    assert_eq!(network.constant("shape").unwrap().integers(), Some(vec![1, -1]));
}

/// 30 * 6 * 27, 30 * 6 * 9, 30 * 8 * 6 and 48 * 5 products, in every form of the network.
#[test]
fn costs() {
    for file in [fixture!("layers.onnx"), fixture!("qdq.onnx"), fixture!("qoperator.onnx")] {
        let network = read(file).unwrap();
        let shapes = infer(&network).unwrap();
        let costs = network.nodes.iter().map(|node| cost(node, &shapes));
        let all = costs.fold(Cost::default(), |all, cost| Cost {
            macs: all.macs + cost.macs,
            parameters: all.parameters + cost.parameters,
        });
        assert_eq!(all.macs, 4860 + 1620 + 1440 + 240);
        assert!(all.parameters >= 162 + 6 + 54 + 48 + 8 + 240 + 5, "{}", all.parameters);
    }
}

fn refusal(file: &[u8]) -> String {
    read(file).expect_err("a file that is refused").to_string()
}

/// A field with a length and its bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8][..], bytes].concat()
}

/// A model of opset 13 with these fields of its graph.
fn model(graph: &[u8]) -> Vec<u8> {
    [field(8, &[0x10, 13]), field(7, graph)].concat()
}

#[test]
fn files_that_lie() {
    assert_eq!(refusal(b""), "Model at byte 0x0: holds no graph");
    assert!(refusal(b"\x89PNG\r\n\x1A\n").starts_with("Model at byte 0x"));
    assert_eq!(
        refusal(&[0x3A, 0x7F, 1]),
        "Model at byte 0x0: a field of 127 bytes does not fit the 1 that are left: the file is cut \
         off (copy it again), or no ONNX file"
    );
    assert_eq!(
        refusal(&[0x08, 0xFF]),
        "Model at byte 0x0: ends within a field: the file is cut off (copy it again), or no ONNX \
         file"
    );
    assert!(refusal(&[0xFF; 12]).contains("a number has more than ten bytes"));
    assert!(refusal(&[0x0B]).contains("no known wire type"));
    assert_eq!(
        refusal(&field(7, &[])),
        "Model at byte 0x0: has version 0 of the operators, known are 7 to 25: export with one"
    );
    assert!(refusal(&[0x38, 1]).contains("field 7 has another type than in the schema"));
}

#[test]
fn nodes_and_tensors_that_lie() {
    let relu = |input: &[u8], output: &[u8]| {
        field(1, &[field(1, input), field(2, output), field(4, b"Relu")].concat())
    };
    let cycle = model(&[relu(b"b", b"a"), relu(b"a", b"b")].concat());
    assert_eq!(
        refusal(&cycle),
        "Model at byte 0x0: node 0 (Relu) reads 'b' before anything makes it"
    );
    let given = field(11, &field(1, b"x"));
    let twice = model(&[given.clone(), relu(b"x", b"a"), relu(b"x", b"a")].concat());
    assert_eq!(refusal(&twice), "Model at byte 0x0: 'a' is made twice");
    let tensor = |fields: &[u8]| refusal(&model(&field(5, &[&field(8, b"w"), fields].concat())));
    assert!(tensor(&[0x08, 3, 0x10, 3]).contains("tensor 'w' holds 0 bytes, its shape needs 3"));
    assert!(tensor(&[0x10, 8]).contains("tensor 'w' has element type 8, which is not supported"));
    let large = [0x10, 3, 0x08, 0x80, 0x80, 0x80, 0x80, 0x08, 0x08, 0];
    assert!(tensor(&large).contains("has dimensions [2147483648, 0]: 8 at most"));
    assert!(refusal(&model(&field(15, &[]))).contains("sparse tensors are not supported"));
}

/// Weights of 8 outputs, 3 channels and 3 moments, in a file beside the network's.
#[test]
fn values_in_another_file() {
    let (file, values) = (fixture!("dynamo.onnx"), fixture!("dynamo.onnx.data"));
    let missing = refusal(file);
    assert!(
        missing.ends_with(
            "tensor 'first.conv.weight' has its values in the file 'dynamo.onnx.data': put that \
             beside this one, or save the model as one file"
        ),
        "{missing}"
    );
    let with = |values| read_with(file, Beside::from([("dynamo.onnx.data", values)]));
    let network = with(values).unwrap();
    let weights = network.constant("first.conv.weight").unwrap();
    assert_eq!((&weights.shape[..], weights.data.len()), (&[8, 3, 3][..], 288));
    assert!(values.windows(288).any(|bytes| bytes == &weights.data[..]));
    for length in 0..values.len() {
        let error = with(&values[..length]).expect_err("a file that is cut off").to_string();
        assert!(error.contains("beyond the end of 'dynamo.onnx.data'"), "{length}: {error}");
    }
}

#[test]
fn other_files_that_lie() {
    let entry = |key: &[u8], value: &[u8]| field(13, &[field(1, key), field(2, value)].concat());
    let tensor = |entries: &[Vec<u8>]| {
        let fields =
            [&[0x10, 3, 0x08, 2, 0x70, 1][..], &field(8, b"w"), &entries.concat()].concat();
        model(&field(5, &fields))
    };
    let found = |entries: &[Vec<u8>]| {
        read_with(&tensor(entries), Beside::from([("w.bin", &[1, 2, 3, 4][..])]))
            .map(|network| network.constants[0].data.to_vec())
            .map_err(|error| error.to_string())
    };
    let file = entry(b"location", b"w.bin");
    let (offset, length) = (|n: &[u8]| entry(b"offset", n), |n: &[u8]| entry(b"length", n));
    assert_eq!(found(&[file.clone(), offset(b"1"), length(b"2")]), Ok(vec![2, 3]));
    assert_eq!(found(&[file.clone(), offset(b"2")]), Ok(vec![3, 4]));
    let refused = |entries: &[Vec<u8>]| found(entries).expect_err("refused");
    for place in ["", ".", "..", "/etc/passwd", "../w.bin", "a/w.bin", "a\\w.bin", "C:w.bin"] {
        let error = refused(&[entry(b"location", place.as_bytes())]);
        assert!(error.contains("which is no file of the same folder"), "{place}: {error}");
    }
    for numbers in [
        [offset(b"3"), length(b"2")],
        [offset(b"5"), length(b"0")],
        [offset(b"-1"), length(b"2")],
        [offset(b"18446744073709551615"), length(b"2")],
        [offset(b"x"), length(b"2")],
        [offset(b"0"), length(b"-2")],
    ] {
        let error = refused(&[slice::from_ref(&file), &numbers[..]].concat());
        assert!(error.contains("beyond the end of 'w.bin'"), "{error}");
    }
    assert!(refused(slice::from_ref(&file)).contains("holds 4 bytes, its shape needs 2"));
    let other = refused(&[entry(b"location", b"v\n.bin")]);
    assert!(other.contains("in the file 'v\\n.bin'"), "{other}");
}

/// Graphs in graphs are not looked into, however deep they are.
#[test]
fn graphs_in_graphs() {
    let mut graph = Vec::new();
    for _ in 0..10 {
        let attribute = field(5, &field(6, &graph));
        graph = field(1, &[field(4, b"If"), attribute].concat());
    }
    let file = model(&graph);
    let network = read(&file).unwrap();
    assert_eq!(network.nodes[0].attributes, [("", Attribute::Other)]);
}

#[test]
fn more_messages_than_any_network_has() {
    let bytes = vec![[0x0A, 0]; 70_000].concat();
    let mut file = field(8, &[0x10, 13]);
    file.extend([0x3A, 0xE0, 0xC5, 0x08]);
    file.extend(bytes);
    assert!(refusal(&file).contains("more than 65536 nodes, attributes, tensors and values"));
}

#[test]
fn damaged_files() {
    let bytes = fixture!("layers.onnx");
    let one_line = |bytes: &[u8]| match read(bytes) {
        Ok(network) => drop(infer(&network).map(|shapes| {
            network.nodes.iter().for_each(|node| _ = cost(node, &shapes));
        })),
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    };
    (0..bytes.len()).for_each(|length| one_line(&bytes[..length]));
    let mut damaged = bytes.to_vec();
    for at in 0..bytes.len() {
        for value in [0, 0x7F, 0xFF, bytes[at] ^ 4, bytes[at].wrapping_add(1)] {
            damaged[at] = value;
            one_line(&damaged);
        }
        damaged[at] = bytes[at];
    }
}
