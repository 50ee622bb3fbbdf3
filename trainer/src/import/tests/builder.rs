//! Writes FlatBuffers: tables as lists of fields, each with its number in the schema.

/// What a field holds.
#[derive(Clone)]
pub enum Value {
    I8(i8),
    U32(u32),
    Text(&'static str),
    Bytes(Vec<u8>),
    I32s(Vec<i32>),
    F32s(Vec<f32>),
    I64s(Vec<i64>),
    Table(Fields),
    Tables(Vec<Fields>),
}

pub type Fields = Vec<(usize, Value)>;

/// A file with this root table and the identifier of `.tflite`.
pub fn file(root: &Fields) -> Vec<u8> {
    let mut bytes = b"\0\0\0\0TFL3".to_vec();
    let at = table(&mut bytes, root);
    bytes[..4].copy_from_slice(&(at as u32).to_le_bytes());
    bytes
}

/// Writes vtable, table and then all that its fields name; where the table begins.
fn table(bytes: &mut Vec<u8>, fields: &Fields) -> usize {
    let slots = fields.iter().map(|(slot, _)| slot + 1).max().unwrap_or_default();
    let vtable_bytes = 4 + 2 * slots;
    let vtable = bytes.len();
    bytes.resize(vtable + vtable_bytes, 0);
    let at = bytes.len();
    bytes.extend((vtable_bytes as i32).to_le_bytes());
    let mut named = Vec::new();
    for (slot, value) in fields {
        let entry = vtable + 4 + 2 * slot;
        let offset = (bytes.len() - at) as u16;
        bytes[entry..entry + 2].copy_from_slice(&offset.to_le_bytes());
        match value {
            Value::I8(number) => bytes.extend(number.to_le_bytes()),
            Value::U32(number) => bytes.extend(number.to_le_bytes()),
            _ => {
                named.push((bytes.len(), value));
                bytes.extend([0; 4]);
            }
        }
    }
    let table_bytes = (bytes.len() - at) as u16;
    bytes[vtable..vtable + 2].copy_from_slice(&(vtable_bytes as u16).to_le_bytes());
    bytes[vtable + 2..vtable + 4].copy_from_slice(&table_bytes.to_le_bytes());
    for (place, value) in named {
        let target = what_is_named(bytes, value);
        set_offset(bytes, place, target);
    }
    at
}

fn what_is_named(bytes: &mut Vec<u8>, value: &Value) -> usize {
    match value {
        Value::Text(text) => vector(bytes, text.as_bytes(), 1),
        Value::Bytes(values) => vector(bytes, values, 1),
        Value::I32s(values) => {
            vector(bytes, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(), 4)
        }
        Value::F32s(values) => {
            vector(bytes, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(), 4)
        }
        Value::I64s(values) => {
            vector(bytes, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>(), 8)
        }
        Value::Table(fields) => table(bytes, fields),
        Value::Tables(tables) => {
            let at = vector(bytes, &vec![0; 4 * tables.len()], 4);
            for (index, fields) in tables.iter().enumerate() {
                let target = table(bytes, fields);
                set_offset(bytes, at + 4 + 4 * index, target);
            }
            at
        }
        Value::I8(_) | Value::U32(_) => unreachable!("these lie in the table"),
    }
}

fn vector(bytes: &mut Vec<u8>, elements: &[u8], element_bytes: usize) -> usize {
    let at = bytes.len();
    bytes.extend(((elements.len() / element_bytes) as u32).to_le_bytes());
    bytes.extend(elements);
    at
}

fn set_offset(bytes: &mut [u8], place: usize, target: usize) {
    bytes[place..place + 4].copy_from_slice(&((target - place) as u32).to_le_bytes());
}

/// A network of the parts that tests change, written by [`Parts::file`].
#[derive(Clone)]
pub struct Parts {
    pub version: u32,
    pub codes: Vec<Fields>,
    pub buffers: Vec<Fields>,
    pub tensors: Vec<Fields>,
    pub operators: Vec<Fields>,
    pub inputs: Vec<i32>,
    pub outputs: Vec<i32>,
    pub subgraphs: usize,
}

impl Default for Parts {
    /// A map of four values that two operators pass on: `RELU`, then `LOGISTIC`.
    fn default() -> Self {
        Self {
            version: 3,
            codes: vec![code(19), code(14)],
            buffers: vec![Vec::new()],
            tensors: vec![int8(&[1, 4]), int8(&[1, 4]), int8(&[1, 4])],
            operators: vec![operator(0, &[0], &[1]), operator(1, &[1], &[2])],
            inputs: vec![0],
            outputs: vec![2],
            subgraphs: 1,
        }
    }
}

impl Parts {
    pub fn file(&self) -> Vec<u8> {
        let subgraph = vec![
            (0, Value::Tables(self.tensors.clone())),
            (1, Value::I32s(self.inputs.clone())),
            (2, Value::I32s(self.outputs.clone())),
            (3, Value::Tables(self.operators.clone())),
        ];
        file(&vec![
            (0, Value::U32(self.version)),
            (1, Value::Tables(self.codes.clone())),
            (2, Value::Tables(vec![subgraph; self.subgraphs])),
            (3, Value::Text("by hand")),
            (4, Value::Tables(self.buffers.clone())),
        ])
    }
}

/// An operator code below 128.
pub fn code(number: i8) -> Fields {
    vec![(0, Value::I8(number)), (3, Value::U32(number as u32))]
}

/// A map of int8 with scale 0.5 and zero point 3.
pub fn int8(shape: &[i32]) -> Fields {
    let quantisation = vec![(2, Value::F32s(vec![0.5])), (3, Value::I64s(vec![3]))];
    vec![
        (0, Value::I32s(shape.to_vec())),
        (1, Value::I8(9)),
        (2, Value::U32(0)),
        (3, Value::Text("map")),
        (4, Value::Table(quantisation)),
    ]
}

/// A constant of int32 with its bytes in a buffer.
pub fn int32(shape: &[i32], buffer: u32) -> Fields {
    vec![(0, Value::I32s(shape.to_vec())), (1, Value::I8(2)), (2, Value::U32(buffer))]
}

/// A buffer of int32.
pub fn buffer(values: &[i32]) -> Fields {
    vec![(0, Value::Bytes(values.iter().flat_map(|value| value.to_le_bytes()).collect()))]
}

pub fn operator(code: u32, inputs: &[i32], outputs: &[i32]) -> Fields {
    vec![
        (0, Value::U32(code)),
        (1, Value::I32s(inputs.to_vec())),
        (2, Value::I32s(outputs.to_vec())),
    ]
}

/// Sets a field, in place of what it held.
pub fn set(fields: &mut Fields, slot: usize, value: Value) {
    fields.retain(|(other, _)| *other != slot);
    fields.push((slot, value));
}
