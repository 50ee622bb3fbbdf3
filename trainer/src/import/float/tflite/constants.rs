//! Constants in floating point: float32, float16, and int8 with scales.

use std::collections::HashMap;

use super::Array;
use crate::import::float::VALUES_MAX;
use crate::import::tflite::{ElementType, Kind, Network, Quantisation, Tensor};

/// All constants that are numbers, and those that are turned into float32 from another type; `None`
/// of too many. Tensors may share their bytes, and then have more values than the file.
pub(super) fn all(network: &Network<'_>) -> Option<HashMap<usize, Array>> {
    let (mut constants, mut left) = (HashMap::new(), VALUES_MAX);
    for (number, tensor) in network.tensors.iter().enumerate() {
        if tensor.data.is_some() {
            left = left.checked_sub(tensor.elements())?;
            constants.extend(array(tensor).map(|array| (number, array)));
        }
    }
    for operator in network.operators.iter().filter(|operator| operator.kind == Kind::Dequantize) {
        if let (Some(Some(input)), Some(output)) =
            (operator.inputs.first(), operator.outputs.first())
            && let Some(constant) = constants.get(input)
        {
            left = left.checked_sub(constant.values.len())?;
            constants.insert(*output, constant.clone());
        }
    }
    Some(constants)
}

fn array(tensor: &Tensor<'_>) -> Option<Array> {
    let data = tensor.data?;
    let values: Vec<f32> = match tensor.element {
        ElementType::Float32 => {
            data.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
        }
        ElementType::Float16 => {
            data.as_chunks().0.iter().map(|bytes| half(u16::from_le_bytes(*bytes))).collect()
        }
        ElementType::Int8 => dequantised(tensor, data)?,
        _ => return None,
    };
    Some(Array { shape: tensor.shape.clone(), values })
}

/// The real values of integers.
fn dequantised(tensor: &Tensor<'_>, data: &[u8]) -> Option<Vec<f32>> {
    let Quantisation { scales, zero_points, axis } = tensor.quantisation.as_ref()?;
    let inner: usize = tensor.shape.get(axis + 1..).unwrap_or_default().iter().product();
    let real = |(at, byte): (usize, &u8)| {
        let channel = at / inner.max(1) % scales.len();
        scales[channel] * (i32::from(*byte as i8) - zero_points[channel]) as f32
    };
    Some(data.iter().enumerate().map(real).collect())
}

/// A number of 16 bits: sign, 5 bits of exponent, 10 of fraction.
fn half(bits: u16) -> f32 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF) / 1024.0);
    let size = match exponent {
        0 => fraction * 2.0_f32.powi(-14),
        0x1F if fraction == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        _ => (1.0 + fraction) * 2.0_f32.powi(exponent - 15),
    };
    if bits >> 15 == 0 { size } else { -size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits() {
        for (bits, number) in [
            (0x3C00, 1.0),
            (0xC000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7BFF, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x0000, 0.0),
            (0x7C00, f32::INFINITY),
        ] {
            assert_eq!(half(bits), number, "{bits:x}");
        }
        assert!(half(0x7C01).is_nan());
    }
}
