//! `.tflite` files: what is read holds together, what it would cost can be counted, and what the
//! interpreter accepts runs.

use super::import::tflite::reference::{Interpreter, Values};
use super::import::tflite::{ElementType, Network, ReadError, cost, placed, read, total};

/// Largest network that is run, so that an execution stays short.
const MACS_MAX: u64 = 1 << 15;
const ELEMENTS_MAX: usize = 1 << 13;

/// Reads a file; whether it is a network.
///
/// # Panics
/// When the network that was read is not whole, or the refusal is not one line.
pub fn tflite(file: &[u8]) -> bool {
    match read(file) {
        Ok(network) => {
            check(&network, file.len());
            run(&network);
            true
        }
        Err(error) => {
            assert!(is_a_line(&error), "{error}");
            false
        }
    }
}

fn is_a_line(error: &ReadError) -> bool {
    let line = error.to_string();
    !line.contains('\n') && line.len() < 2000
}

fn check(network: &Network<'_>, file_bytes: usize) {
    let known = |tensor: &usize| *tensor < network.tensors.len();
    assert!(network.inputs.iter().chain(&network.outputs).all(known));
    let mut numbers = network.tensors.len();
    for operator in &network.operators {
        assert!(operator.inputs.iter().flatten().chain(&operator.outputs).all(known));
        numbers += operator.inputs.len() + operator.outputs.len();
        let _ = (cost(network, operator), placed(network, operator));
    }
    assert!(numbers <= 2 * file_bytes, "{numbers} numbers from {file_bytes} bytes");
    for tensor in &network.tensors {
        assert!(tensor.elements() <= 1 << 28 && tensor.shape.len() <= 8);
    }
    let _ = total(network);
}

/// Runs a small network on some values.
fn run(network: &Network<'_>) {
    let elements = network.tensors.iter().map(|tensor| tensor.elements());
    if total(network).macs > MACS_MAX || elements.fold(0, usize::saturating_add) > ELEMENTS_MAX {
        return;
    }
    match Interpreter::new(network) {
        Ok(interpreter) => {
            let inputs: Vec<_> =
                network.inputs.iter().map(|tensor| values(network, *tensor)).collect();
            let maps = interpreter.run(&inputs);
            for operator in network.operators.iter().filter(|operator| !operator.constant) {
                let tensor = operator.outputs[0];
                let made = maps[tensor].as_ref().expect("what an operator makes");
                assert_eq!(made.len(), network.tensors[tensor].elements());
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
}

fn values(network: &Network<'_>, tensor: usize) -> Values {
    let tensor = &network.tensors[tensor];
    let places = 0..tensor.elements();
    match tensor.element {
        ElementType::Float32 => Values::Float32(places.map(|at| at as f32 - 3.5).collect()),
        _ => Values::Int8(places.map(|at| (at * 31 + 7) as i8).collect()),
    }
}
