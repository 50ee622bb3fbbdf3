//! Files that lie: each refused in one line that names table and field.

use super::builder::{Fields, Parts, Value, buffer, code, int8, int32, operator, set};
use super::fixture;
use crate::import::tflite::read;

fn refusal(file: &[u8]) -> String {
    read(file).expect_err("a file that is refused").to_string()
}

/// What is said of the small network after a change.
fn after(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = Parts::default();
    change(&mut parts);
    refusal(&parts.file())
}

/// What is said after a field of the second tensor was set.
fn tensor(slot: usize, value: Value) -> String {
    after(|parts| set(&mut parts.tensors[1], slot, value))
}

#[test]
fn the_network_by_hand_is_one() {
    let file = Parts::default().file();
    let network = read(&file).unwrap();
    assert_eq!(network.description, "by hand");
    assert_eq!(network.tensors[1].scale_and_zero_point(), Some((0.5, 3)));
}

#[test]
fn other_files_are_refused() {
    let kind = "a .tflite file has \"TFL3\" at byte 4: this is another kind of file";
    assert_eq!(refusal(b""), format!("Model, identifier: is [], {kind}"));
    assert_eq!(refusal(b"\x89PNG\r\n"), format!("Model, identifier: is [0d, 0a], {kind}"));
    let file = Parts { version: 4, ..Parts::default() }.file();
    assert_eq!(refusal(&file), "Model, version: is 4, only version 3 can be read");
    let file = Parts { subgraphs: 2, ..Parts::default() }.file();
    assert_eq!(
        refusal(&file),
        "Model, subgraphs: there are 2, only networks of one subgraph can be read"
    );
}

#[test]
fn the_root_lies_inside() {
    let mut bytes = Parts::default().file();
    let length = bytes.len();
    bytes[..4].copy_from_slice(&0x1234_u32.to_le_bytes());
    assert_eq!(
        refusal(&bytes),
        format!(
            "Model, root: offset 0x1234 lies outside of the file ({length} bytes), which is cut \
             off or damaged: copy it again"
        )
    );
}

/// The last place of an offset that leads to these bytes, and where they are.
fn last_offset_to(bytes: &[u8], target: &[u8]) -> (usize, usize) {
    let leads = |place: usize| {
        let offset = u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap()) as usize;
        bytes.get(place + offset..)?.starts_with(target).then_some((place, place + offset))
    };
    (8..bytes.len() - 4).rev().find_map(leads).unwrap()
}

/// The vector of inputs of operator 1 is moved far away.
#[test]
fn offsets_lie_inside() {
    let bytes = Parts::default().file();
    let (place, at) = last_offset_to(&bytes, &[1_i32, 1].map(i32::to_le_bytes).concat());
    let mut moved = bytes.clone();
    moved[place..place + 4].copy_from_slice(&0x7000_0000_u32.to_le_bytes());
    let (target, length) = (place + 0x7000_0000, bytes.len());
    assert_eq!(
        refusal(&moved),
        format!(
            "Operator 1, inputs: offset 0x{target:x} lies outside of the file ({length} bytes), \
             which is cut off or damaged: copy it again"
        )
    );
    let mut long = bytes.clone();
    long[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(
        refusal(&long),
        format!(
            "Operator 1, inputs: 4294967295 elements of 4 bytes at 0x{at:x} do not fit the file \
             ({length} bytes)"
        )
    );
}

#[test]
fn vtables_and_fields_lie_inside() {
    let root = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
    let bytes = Parts::default().file();
    let table = root(&bytes);
    let mut before = bytes.clone();
    before[table..table + 4].copy_from_slice(&1000_i32.to_le_bytes());
    assert_eq!(
        refusal(&before),
        format!(
            "Model, root: the vtable would lie 1000 bytes before the table at 0x{table:x}, outside \
             of the file"
        )
    );
    let mut odd = bytes.clone();
    odd[8] = 5;
    assert!(refusal(&odd).starts_with("Model, root: the vtable at 0x8 has 5 bytes"));
    let mut far = bytes;
    far[12..14].copy_from_slice(&500_u16.to_le_bytes());
    assert_eq!(
        refusal(&far),
        "Model, version: lies at byte 500 of a table of 24 bytes, outside of it"
    );
}

#[test]
fn numbers_name_what_is_there() {
    assert_eq!(
        after(|parts| parts.inputs = vec![7]),
        "SubGraph 0, inputs: names number 7, there are 3"
    );
    assert_eq!(
        after(|parts| parts.operators[1] = operator(1, &[1], &[-1])),
        "Operator 1, outputs: names number -1, there are 3"
    );
    assert_eq!(
        after(|parts| parts.operators[1] = operator(2, &[1], &[2])),
        "Operator 1, opcode_index: names number 2, there are 2"
    );
    assert_eq!(tensor(2, Value::U32(1)), "Tensor 1, buffer: names number 1, there are 1");
    assert_eq!(
        tensor(1, Value::I8(77)),
        "Tensor 1, type: is 77, which stands for nothing that is known: convert with a stable \
         release"
    );
    assert_eq!(tensor(3, Value::Bytes(vec![0xFF])), "Tensor 1, name: is not UTF-8");
}

#[test]
fn a_cycle_is_refused() {
    let refused = after(|parts| parts.operators.swap(0, 1));
    assert_eq!(refused, "Operator 0, inputs: tensor 1 is read before an operator makes it");
    let refused = after(|parts| parts.operators[0] = operator(0, &[2], &[1]));
    assert_eq!(refused, "Operator 0, inputs: tensor 2 is read before an operator makes it");
    let refused = after(|parts| parts.operators[1] = operator(1, &[1], &[1]));
    assert_eq!(
        refused,
        "Operator 1, outputs: tensor 1 is made here, but is a constant, an input or made before"
    );
    let refused = after(|parts| _ = parts.operators.pop());
    assert_eq!(refused, "SubGraph 0, outputs: tensor 2 is read before an operator makes it");
}

#[test]
fn shapes_and_sizes() {
    let shape = |sides: &[i32]| tensor(0, Value::I32s(sides.to_vec()));
    assert_eq!(
        shape(&[1, -4]),
        "Tensor 1, shape: [1, -4]: a dimension must be 0 or more, and there can be 8 of them"
    );
    assert!(shape(&[1; 9]).contains("there can be 8"));
    assert_eq!(
        shape(&[0, 1 << 30, 1 << 30, 1 << 30]),
        "Tensor 1, shape: [0, 1073741824, 1073741824, 1073741824] is a tensor of more than \
         268435456 elements"
    );
    assert_eq!(shape(&[1, 5]), "Operator 0, outputs: tensor 1 is [1, 5], the inputs make [1, 4]");
    assert_eq!(
        tensor(7, Value::I32s(vec![-1, -1])),
        "Tensor 1, shape_signature: [-1, -1]: only the first dimension, the batch, may be open: \
         convert with fixed sizes, in Keras with batch_size=1 of keras.Input"
    );
    let refused = after(|parts| {
        parts.buffers.push(buffer(&[1, 2]));
        parts.tensors.push(int32(&[3], 1));
    });
    assert_eq!(refused, "Tensor 3, buffer: holds 8 bytes, the shape needs 12");
}

#[test]
fn quantisation_that_is_none() {
    let quantisation = |scales: &[f32], zero_points: &[i64]| {
        let fields = vec![
            (2, Value::F32s(scales.to_vec())),
            (3, Value::I64s(zero_points.to_vec())),
            (6, Value::U32(1)),
        ];
        tensor(4, Value::Table(fields))
    };
    assert_eq!(
        quantisation(&[f32::NAN], &[0]),
        "quantization of Tensor 1, scale: is NaN, a scale must be finite and not negative"
    );
    assert_eq!(
        quantisation(&[1.0; 3], &[0]),
        "quantization of Tensor 1, quantized_dimension: 3 values for 4 channels: one, or one per \
         channel is needed"
    );
    assert_eq!(
        quantisation(&[1.0; 4], &[0; 2]),
        "quantization of Tensor 1, zero_point: 2 values for 4 channels: one, or one per channel is \
         needed"
    );
    assert_eq!(
        quantisation(&[1.0], &[1 << 40]),
        "quantization of Tensor 1, zero_point: is 1099511627776, out of the range of int8"
    );
    assert!(tensor(5, Value::I8(1)).contains("is_variable: the tensor keeps state"));
    assert!(tensor(6, Value::Table(Vec::new())).contains("sparsity: sparse tensors are not"));
}

/// A max pooling whose options say something else.
fn pooling(options_type: i8, options: Fields) -> String {
    after(|parts| {
        parts.codes[0] = code(17);
        parts.tensors[0] = int8(&[1, 4, 4, 1]);
        parts.tensors[1] = int8(&[1, 2, 2, 1]);
        parts.operators.truncate(1);
        parts.outputs = vec![1];
        set(&mut parts.operators[0], 3, Value::I8(options_type));
        set(&mut parts.operators[0], 4, Value::Table(options));
    })
}

#[test]
fn options_belong_to_their_operator() {
    let options = |stride: u32, size: u32| {
        vec![
            (0, Value::I8(1)),
            (1, Value::U32(stride)),
            (2, Value::U32(2)),
            (3, Value::U32(size)),
            (4, Value::U32(2)),
        ]
    };
    assert_eq!(
        pooling(8, options(2, 2)),
        "Operator 0, builtin_options_type: is 8, MAX_POOL_2D has options of type 5"
    );
    assert_eq!(
        pooling(5, options(0, 2)),
        "options of Operator 0, stride_w: is 0, must be 1 or more"
    );
    assert_eq!(
        pooling(5, options(2, 5)),
        "Operator 0, inputs: [[1, 4, 4, 1]] do not fit MAX_POOL_2D: the window has no place on the \
         map"
    );
    let mut activation = options(2, 2);
    activation.push((5, Value::I8(9)));
    assert!(
        pooling(5, activation)
            .starts_with("options of Operator 0, fused_activation_function: is 9")
    );
}

/// 3,000 operators that are all the same one, which reads 3,000 tensors: 9 million numbers in a
/// file of a tenth of a megabyte.
#[test]
fn what_is_named_over_and_over_is_refused() {
    const COUNT: usize = 3000;
    let mut operators = vec![operator(0, &[], &[]); COUNT];
    operators[COUNT - 1] = operator(0, &[0; COUNT], &[]);
    let mut bytes = Parts { operators, ..Parts::default() }.file();
    let count = (COUNT as u32).to_le_bytes();
    let vector = bytes.windows(4).position(|window| window == count).unwrap();
    let place = |index: usize| vector + 4 + 4 * index;
    let offset = |bytes: &[u8], place: usize| {
        u32::from_le_bytes(bytes[place..place + 4].try_into().unwrap()) as usize
    };
    let last = place(COUNT - 1) + offset(&bytes, place(COUNT - 1));
    for index in 0..COUNT {
        let to_last = (last - place(index)) as u32;
        bytes[place(index)..place(index) + 4].copy_from_slice(&to_last.to_le_bytes());
    }
    let refused = refusal(&bytes);
    assert!(refused.starts_with("Operator ") && refused.contains("over and over"), "{refused}");
}

/// Whatever is cut off or changed: a network or one line, and no panic.
#[test]
fn damaged_networks_of_a_converter() {
    for bytes in [fixture!("chain.tflite"), fixture!("unknown.tflite")] {
        for length in 0..bytes.len() {
            one_line(&bytes[..length]);
        }
        let mut damaged = bytes.to_vec();
        for at in 0..bytes.len() {
            for value in [0, 0x7F, 0xFF, bytes[at] ^ 4] {
                damaged[at] = value;
                one_line(&damaged);
            }
            damaged[at] = bytes[at];
        }
    }
}

fn one_line(bytes: &[u8]) {
    if let Err(error) = read(bytes) {
        let line = error.to_string();
        assert!(!line.contains('\n') && line.len() < 400, "{line}");
    }
}
