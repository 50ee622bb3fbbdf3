//! `.tflite` files: what is read holds together, and what it would cost can be counted.

use super::import::tflite::{Network, ReadError, cost, placed, read, total};

/// Reads a file; whether it is a network.
///
/// # Panics
/// When the network that was read is not whole, or the refusal is not one line.
pub fn tflite(file: &[u8]) -> bool {
    match read(file) {
        Ok(network) => {
            check(&network, file.len());
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
