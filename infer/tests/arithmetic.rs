//! The worked example of `docs/arithmetic.md`, number by number, and the hand-made model from image
//! to scores.

mod support;

use infer::format::OutputQuant;
use infer::quant::{quantise_pixel, requantise, requantise_twice};
use infer::{Model, Reference, Scores, Session, Table};
use support::Parts;

/// The numbers of the worked example.
mod example {
    pub const PIXELS: [u8; 4] = [0, 51, 102, 255];
    pub const WEIGHTS: [i8; 4] = [10, -20, 127, 3];
    pub const BIAS_REAL: f64 = 0.25;
    pub const WEIGHT_SCALE: f64 = 0.01;
    pub const OUTPUT_SCALE: f64 = 0.02;
}

#[test]
fn worked_example_of_the_document() {
    use example::*;
    let input_scale = 1.0 / 255.0;
    let values = PIXELS.map(quantise_pixel);
    assert_eq!(values, [-128, -77, -26, 127]);
    let bias_steps = (BIAS_REAL / (input_scale * WEIGHT_SCALE)).round() as i32;
    assert_eq!(bias_steps, 6375);
    let weight_sum: i32 = WEIGHTS.iter().map(|weight| *weight as i32).sum();
    let bias = bias_steps + 128 * weight_sum;
    assert_eq!(bias, 21735);
    let products: i32 =
        values.iter().zip(WEIGHTS).map(|(value, weight)| *value as i32 * weight as i32).sum();
    assert_eq!(products, -2661);
    let accumulator = bias + products;
    assert_eq!(accumulator, 19074);
    let multiplier = (input_scale * WEIGHT_SCALE / OUTPUT_SCALE * 4_294_967_296.0).round() as i32;
    assert_eq!(multiplier, 8_421_505);
    assert_eq!(requantise(accumulator, multiplier, -128), -91);
    let real = OUTPUT_SCALE * (-91.0 + 128.0);
    assert!((real - 0.74).abs() < 1e-12);
    // In real numbers: 0.25 + 0.2 * -0.2 + 0.4 * 1.27 + 1.0 * 0.03 = 0.748, within half a step of
    // 0.02.
    assert!((0.748f64 - real).abs() <= OUTPUT_SCALE / 2.0);
}

#[test]
fn rounding_and_saturation() {
    let quarter = 1 << 30;
    // 1.5 rounds up to 2, -1.5 up to -1, 0.25 down to 0.
    assert_eq!([6, -6, 1].map(|accumulator| requantise(accumulator, quarter, 0)), [2, -1, 0]);
    assert_eq!(requantise(i32::MAX, i32::MAX, 127), 127);
    assert_eq!(requantise(i32::MIN, i32::MAX, -128), -128);
    assert_eq!(requantise(-1000, quarter, -128), -128, "saturation is the ReLU");
}

/// As gemmlowp, whose functions TensorFlow Lite calls, has it: a nudge and a division that cuts
/// off, then what a shift leaves over against a half.
fn gemmlowp(accumulator: i32, multiplier: i32, shift: i8) -> i64 {
    let shifted = i64::from(accumulator) << shift.max(0);
    let product = shifted * i64::from(multiplier);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    let product = (product + nudge) / (1 << 31);
    let mask = (1i64 << (-shift).max(0)) - 1;
    let threshold = (mask >> 1) + i64::from(product < 0);
    (product >> (-shift).max(0)) + i64::from(product & mask > threshold)
}

#[test]
fn two_roundings_are_those_of_gemmlowp() {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 32) as i32
    };
    for shift in -31..=7 {
        for _ in 0..if cfg!(miri) { 100 } else { 20_000 } {
            let accumulator = next() >> (8 + next().rem_euclid(16));
            let multiplier = (next() >> 1).wrapping_abs() | 1 << 30;
            let expected = gemmlowp(accumulator, multiplier, shift).clamp(-128, 127);
            let found = requantise_twice(accumulator, multiplier, shift, 0);
            assert_eq!(found as i64, expected, "{accumulator} * {multiplier} << {shift}");
        }
    }
    // Halves go up in the first rounding, and away from zero in the second.
    let half = 1 << 30;
    assert_eq!([5, -5, 3, -3].map(|sum| requantise_twice(sum, half, 0, 0)), [3, -2, 2, -1]);
    assert_eq!([6, -6].map(|sum| requantise_twice(sum, half, -1, 0)), [2, -2]);
    assert_eq!(requantise_twice(i32::MAX, i32::MAX, 0, 127), 127);
    assert_eq!(requantise_twice(-i32::MAX, i32::MAX, 0, -128), -128);
    assert_eq!(requantise_twice(i32::MAX, 0, 0, 5), 5, "a channel whose factor is 0");
}

#[test]
fn requantisation_never_decreases() {
    for multiplier in [1, 1 << 14, 123_456_789, i32::MAX] {
        let mut last = i8::MIN;
        for accumulator in (-1_000_000..1_000_000).step_by(997) {
            let value = requantise(accumulator, multiplier, 5);
            assert!(value >= last);
            last = value;
        }
    }
}

/// As above, but for the factor, which is exactly a half here: 36.5 becomes 37.
#[test]
fn a_hand_made_model_with_two_roundings_by_hand() {
    let file = Parts::rounded_twice().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let expected = [-61, -33, 40];
    assert_eq!(session.run(&[138u8; 25]).unwrap().values(), expected);
    let scores = session.run_with::<Reference>(&[138u8; 25], &mut ()).unwrap();
    assert_eq!(scores.values(), expected);
}

#[test]
fn a_hand_made_model_by_hand() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    // All pixels 138, so all inputs 10. Convolution: channel 0 -200 + 10 * (1 + 2 - 3 + 4) = -160,
    // half of it -80, from the zero point -128: -208, saturates to -128. Channel 1: 100 + 10 * 0 =
    // 100, half of it 50: -78. Dense with zero point 3: [-128, -78 + 5, 78 - 5] times a hair less
    // than 1/2, plus 3: [-61, -33.4.., 39.4..].
    let expected = [-61, -33, 39];
    assert_eq!(session.run(&[138u8; 25]).unwrap().values(), expected);
    let scores = session.run_with::<Reference>(&[138u8; 25], &mut ()).unwrap();
    assert_eq!(scores.values(), expected);
    assert_eq!(scores.class(), 2);
}

#[test]
fn probabilities_are_a_softmax() {
    let file = Parts::default().file();
    let mut table = Table::<16>::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let scores = session.run(&[138u8; 25]).unwrap();
    let exact: Vec<f64> =
        scores.values().iter().map(|value| (0.25 * *value as f64).exp()).collect();
    let sum: f64 = exact.iter().sum();
    let found: Vec<f32> = scores.probabilities().collect();
    assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    // micromath's exp is good to about 0.1 %.
    for (found, exact) in found.iter().zip(&exact) {
        assert!((*found as f64 - exact / sum).abs() < 2e-3, "{found} {}", exact / sum);
    }
}

/// What a softmax of the network's own gives is taken as it is, not made a softmax of again.
#[test]
fn probabilities_of_the_network_stay_as_they_are() {
    let probabilities = |scale, zero_point| {
        let scores = Scores::new(&[120, -128, -120], OutputQuant { scale, zero_point });
        scores.probabilities().collect::<Vec<f32>>()
    };
    assert_eq!(probabilities(1.0 / 256.0, -128), [0.96875, 0.0, 0.03125]);
    for (scale, zero_point) in [(1.0 / 256.0, -127), (1.0 / 255.0, -128)] {
        assert!(probabilities(scale, zero_point)[0] < 0.6);
    }
}
