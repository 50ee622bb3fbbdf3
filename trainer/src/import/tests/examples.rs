//! The examples of `docs/arithmetic.md`, read from the page and computed.

use super::builder::{Fields, Parts, Value, operator};
use crate::import::tflite::read;
use crate::import::tflite::reference::{Factor, Interpreter, Values};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/arithmetic.md"));

/// Number of each operator in the schema, and of its options.
const OPERATORS: [(&str, u8, i8); 19] = [
    ("ADD", 0, 11),
    ("AVERAGE_POOL_2D", 1, 5),
    ("MAX_POOL_2D", 17, 5),
    ("SUB", 41, 28),
    ("MUL", 18, 21),
    ("MAXIMUM", 55, 39),
    ("MINIMUM", 57, 39),
    ("REDUCE_MAX", 82, 27),
    ("MEAN", 40, 27),
    ("SOFTMAX", 25, 9),
    ("LOGISTIC", 14, 0),
    ("TANH", 28, 0),
    ("HARD_SWISH", 117, 0),
    ("RELU", 19, 0),
    ("RELU6", 21, 0),
    ("LEAKY_RELU", 98, 75),
    ("QUANTIZE", 114, 0),
    ("PRELU", 54, 0),
    ("GELU", 150, 116),
];

/// A map as the page has it.
struct Map {
    scale: f32,
    zero_point: i64,
    values: Vec<i8>,
}

impl Map {
    /// `0.5, -3: 10 -20`; an output has no values.
    fn of(text: &str) -> Self {
        let (quantisation, values) = text.split_once(':').unwrap_or((text, ""));
        let (scale, zero_point) = quantisation.split_once(',').unwrap();
        let values = values.split_whitespace().map(|value| value.parse().unwrap());
        let scale = match scale.trim().split_once('/') {
            Some((one, parts)) => one.parse::<f32>().unwrap() / parts.parse::<f32>().unwrap(),
            None => scale.trim().parse().unwrap(),
        };
        Self { scale, zero_point: zero_point.trim().parse().unwrap(), values: values.collect() }
    }

    fn tensor(&self, shape: &[i32]) -> Fields {
        let quantisation =
            vec![(2, Value::F32s(vec![self.scale])), (3, Value::I64s(vec![self.zero_point]))];
        vec![(0, Value::I32s(shape.to_vec())), (1, Value::I8(9)), (4, Value::Table(quantisation))]
    }
}

/// The cells of the rows of the page's last table.
fn rows() -> Vec<[&'static str; 5]> {
    let table = PAGE.split("## Examples").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cells = |row: &'static str| row.trim_matches('|').split('|').map(str::trim);
    rows.map(|row| cells(row).collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn float(value: f32) -> Value {
    Value::U32(value.to_bits())
}

/// Options of an operator: its own, or the activation.
fn options(name: &str, text: &str, values: usize) -> Fields {
    let activation = match text {
        "RELU" => 1,
        "RELU6" => 3,
        _ => 0,
    };
    match name {
        "SOFTMAX" => vec![(0, float(1.0))],
        "LEAKY_RELU" => vec![(0, float(text.strip_prefix("alpha ").unwrap().parse().unwrap()))],
        "AVERAGE_POOL_2D" | "MAX_POOL_2D" => vec![
            (0, Value::I8(1)),
            (1, Value::U32(1)),
            (2, Value::U32(1)),
            (3, Value::U32(values as u32)),
            (4, Value::U32(1)),
        ],
        "GELU" => vec![(0, Value::I8(i8::from(text == "tanh")))],
        "MEAN" | "REDUCE_MAX" => vec![(0, Value::I8(1))],
        _ => vec![(0, Value::I8(activation))],
    }
}

/// What a network of this one operator makes.
fn made(name: &str, text: &str, inputs: &[Map], output: &Map) -> Vec<i8> {
    let (_, code, options_type) = OPERATORS.into_iter().find(|(known, ..)| *known == name).unwrap();
    let values = inputs[0].values.len();
    let has_axes = ["MEAN", "REDUCE_MAX"].contains(&name);
    let reduces = name.ends_with("POOL_2D") || has_axes;
    let code = vec![(0, Value::I8(code.min(127) as i8)), (3, Value::U32(code.into()))];
    let mut parts = Parts { codes: vec![code], ..Parts::default() };
    parts.tensors = inputs.iter().map(|map| map.tensor(&[1, 1, values as i32, 1])).collect();
    parts.inputs = (0..inputs.len() as i32).collect();
    let mut read_by = parts.inputs.clone();
    if has_axes {
        parts.buffers.push(super::builder::buffer(&[1, 2]));
        parts.tensors.push(super::builder::int32(&[2], 1));
        read_by.push(1);
    }
    let output_tensor = parts.tensors.len() as i32;
    let columns = if reduces { 1 } else { values as i32 };
    let shape = if name == "SOFTMAX" { [1, 1, 1, values as i32] } else { [1, 1, columns, 1] };
    if name == "SOFTMAX" {
        parts.tensors = vec![inputs[0].tensor(&shape)];
    }
    parts.tensors.push(output.tensor(&shape));
    let mut step = operator(0, &read_by, &[output_tensor]);
    step.push((3, Value::I8(options_type)));
    step.push((4, Value::Table(options(name, text, values))));
    (parts.operators, parts.outputs) = (vec![step], vec![output_tensor]);
    let file = parts.file();
    let network = read(&file).unwrap();
    let given: Vec<_> = inputs.iter().map(|map| Values::Int8(map.values.clone())).collect();
    match Interpreter::new(&network).unwrap().run(&given).swap_remove(output_tensor as usize) {
        Some(Values::Int8(values)) => values,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_row_of_the_page() {
    let rows = rows();
    assert!(rows.len() >= OPERATORS.len(), "{} rows", rows.len());
    for (known, ..) in OPERATORS {
        assert!(rows.iter().any(|[name, ..]| name.trim_matches('`') == known), "no {known}");
    }
    let (mut found, mut expected) = (Vec::new(), Vec::new());
    for [name, text, inputs, output, result] in rows {
        let inputs: Vec<_> = inputs.split(';').map(Map::of).collect();
        let made = made(name.trim_matches('`'), text, &inputs, &Map::of(output));
        let made: Vec<_> = made.iter().map(i8::to_string).collect();
        found.push(format!("{name} {text}: {}", made.join(" ")));
        expected.push(format!("{name} {text}: {result}"));
    }
    assert_eq!(found, expected);
}

/// The unit that the page computes step by step.
#[test]
fn a_unit_step_by_step() {
    let factor = Factor::of(f64::from(0.5_f32 * 0.01) / 0.25).unwrap();
    assert_eq!(factor, Factor { multiplier: 1_374_389_504, shift: -5 });
    let accumulator = 25 + 13 * 100 + -17 * -50;
    assert_eq!(accumulator, 2175);
    assert_eq!(Factor { shift: 0, ..factor }.scale(accumulator), 1392);
    assert_eq!(factor.scale(accumulator), 44);
    let exact = i64::from(accumulator) * i64::from(factor.multiplier);
    assert_eq!((exact + (1 << 35)) >> 36, 43, "one rounding");
    assert!(PAGE.contains("multiplier 1,374,389,504, shift -5"));
}

#[test]
fn factors() {
    let of = |real: f64| Factor::of(real).map(|factor| (factor.multiplier, factor.shift));
    assert_eq!(of(1.0), Some((1 << 30, 1)));
    assert_eq!(of(0.5), Some((1 << 30, 0)));
    assert_eq!(of(0.0), Some((0, 0)));
    assert_eq!(of(2.0_f64.powi(-33)), Some((0, 0)), "a dead channel");
    assert_eq!(of(2.0_f64.powi(-32)), Some((1 << 30, -31)));
    assert_eq!(of(1.0 - 1e-12), Some((1 << 30, 1)), "2^31 becomes 2^30");
    assert_eq!(of(2.0_f64.powi(30)), None);
    assert_eq!(of(f64::MIN_POSITIVE / 4.0), Some((0, 0)));
    assert_eq!([of(f64::NAN), of(f64::INFINITY), of(-1.0)], [None; 3]);
    let half = Factor { multiplier: 1 << 30, shift: 0 };
    assert_eq!([3, -3, 1, -1].map(|value| half.scale(value)), [2, -1, 1, 0], "halves up");
    let quarter = Factor { multiplier: 1 << 30, shift: -1 };
    assert_eq!([2, -2, 6, -6].map(|value| quarter.scale(value)), [1, -1, 2, -2], "away from 0");
    assert!(half.fits((1 << 31) - 1) && !half.fits(1 << 31));
    assert!(!Factor { multiplier: 1 << 30, shift: 4 }.fits(1 << 27));
}
