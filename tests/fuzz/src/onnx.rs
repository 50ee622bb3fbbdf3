//! ONNX files: what is read holds together, and shapes and costs can be worked out or refused.

use super::import::onnx::{cost, infer, read};

/// Reads a file; whether it is a network.
///
/// # Panics
/// When a refusal is not one line.
pub fn onnx(file: &[u8]) -> bool {
    let network = match read(file) {
        Ok(network) => network,
        Err(error) => {
            is_a_line(&error.to_string());
            return false;
        }
    };
    match infer(&network) {
        Ok(shapes) => {
            let costs = network.nodes.iter().map(|node| cost(node, &shapes).macs);
            let _ = costs.fold(0, u64::saturating_add);
        }
        Err(error) => is_a_line(&error.to_string()),
    }
    true
}

fn is_a_line(text: &str) {
    assert!(!text.contains('\n') && text.len() < 2000, "{text}");
}
