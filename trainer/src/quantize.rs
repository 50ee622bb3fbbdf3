//! Post-training quantisation: int8 or int4 weights (one scale per output channel), int8
//! activations (one scale and zero point per feature map), int32 biases. The arithmetic is
//! `infer::quant`'s; `docs/arithmetic.md` derives it.

use infer::format::OutputQuant;
use infer::packing::WeightBits;
use infer::quant::{ChannelParameters, INPUT_ZERO_POINT, MULTIPLIER_MIN, RELU_ZERO_POINT};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::calibrate::Range;
use crate::float_model::{FloatModel, StageWeights};
use crate::graph::Stage;
use crate::inputs::PIXEL_MAX;
use crate::int4::{INT4_MAX, INT4_MIN, int4_scale};
use crate::network::NetworkError;
use crate::ops::{Operator, OutputScale, WEIGHTED_STEPS_MAX};

/// Largest int8 weight; -128 is not used, so that the range is symmetric.
const WEIGHT_MAX: f64 = 127.0;

/// Steps of an int8 activation from smallest to largest.
const ACTIVATION_STEPS: f64 = 255.0;

/// Scale of the multipliers: they stand for `multiplier / 2^32`.
const MULTIPLIER_ONE: f64 = 4_294_967_296.0;

/// Largest |bias| in accumulator steps: leaves the other half of the 31 bits to the products.
const BIAS_MAX: f64 = 1_073_741_824.0;

/// One stage in integers.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantStage {
    /// Quantisation of the stage's output.
    pub output: OutputQuant,
    /// Bias (with the input's zero point folded in) and multiplier of each output channel; empty
    /// where there are no weights.
    pub channels: Vec<ChannelParameters>,
    /// Weights, `[output channel][kernel row][kernel column][input channel]` or `[output][input]`.
    pub weights: Vec<i8>,
    /// Real value of one step of a weight, per output channel.
    pub weight_scales: Vec<f64>,
    /// How many bits a weight has.
    pub bits: WeightBits,
}

/// The scales of a stage that are known before calibration, since the network was quantised where
/// it comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Scale and zero point of what it leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputQuant>,
    /// Scales of its weights, one for each output channel, or none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f32>,
}

impl Kept {
    /// What a layer of the stage has more.
    pub fn take(&mut self, layer: Self) {
        self.output = layer.output.or(self.output);
        if !layer.weights.is_empty() {
            self.weights = layer.weights;
        }
    }

    /// After a factor for each output.
    pub fn follow(&mut self, scale: &[f32]) {
        self.output = None;
        self.weights.iter_mut().zip(scale).for_each(|(step, scale)| *step *= scale.abs());
    }

    /// After a factor for each channel of what is read: weights of one output keep a scale if it is
    /// the same for all of them.
    pub fn lead(&mut self, scale: &[f32], is_depthwise: bool) {
        let outputs = self.weights.len();
        match scale {
            [first, rest @ ..] if rest.iter().all(|scale| scale == first) => {
                self.weights.iter_mut().for_each(|step| *step *= first.abs());
            }
            _ if is_depthwise && !scale.is_empty() => {
                let each = (outputs / scale.len()).max(1);
                let channels = self.weights.chunks_mut(each).zip(scale);
                channels.for_each(|(steps, scale)| {
                    steps.iter_mut().for_each(|step| *step *= scale.abs());
                });
            }
            _ => self.weights.clear(),
        }
    }

    /// How a stage's output is quantised. A ReLU is the saturation at the least value, so what
    /// lies below 0 gives its steps to the rest.
    fn output(&self, relu: bool, floor: f64, calibrated: OutputQuant) -> OutputQuant {
        let Some(OutputQuant { scale, zero_point }) = self.output else { return calibrated };
        if f64::from(scale) < floor {
            return calibrated;
        }
        if !relu || zero_point == RELU_ZERO_POINT {
            return OutputQuant { scale, zero_point };
        }
        let above = f64::from(scale) * f64::from(i32::from(i8::MAX) - i32::from(zero_point));
        let scale = (above / ACTIVATION_STEPS).max(floor).max(f32::MIN_POSITIVE.into()) as f32;
        OutputQuant { scale, zero_point: RELU_ZERO_POINT }
    }
}

/// A network in integers, stage by stage.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantModel {
    /// The stages' numbers, in the stages' order.
    pub stages: Vec<QuantStage>,
}

/// Why a float model cannot be turned into integers.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantizeError {
    /// The network cannot be built at all.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A weight, bias or activation is not a number.
    #[error("stage '{stage}': {what} is not finite: training diverged; try a lower learning rate")]
    NotFinite {
        /// The stage's name.
        stage: String,
        /// What is not finite.
        what: &'static str,
    },
    /// A channel's sums could leave 32 bits.
    #[error(
        "stage '{stage}', channel {channel}: |bias| + 128 * sum|weight| = {reach} exceeds 2^31 - \
            1; use fewer inputs per output"
    )]
    AccumulatorRange {
        /// The stage's name.
        stage: String,
        /// The output channel.
        channel: usize,
        /// Largest accumulator there could be.
        reach: u64,
    },
}

/// Turns a float model into integers. `ranges` are the calibrated ranges of the stages' outputs.
///
/// # Errors
/// Values that are not finite, and channels whose accumulator could overflow.
pub fn quantize(model: &FloatModel, ranges: &[Range]) -> Result<QuantModel, QuantizeError> {
    quantize_keeping(model, ranges, &[])
}

/// [`quantize`] with the scales that are known already; of stages that `kept` does not have, none.
///
/// # Errors
/// As [`quantize`].
pub fn quantize_keeping(
    model: &FloatModel,
    ranges: &[Range],
    kept: &[Kept],
) -> Result<QuantModel, QuantizeError> {
    let stages = model.network.stages()?;
    let bits: Vec<WeightBits> = stages.iter().map(|stage| stage.bits).collect();
    quantize_to(model, ranges, kept, &bits)
}

/// [`quantize_keeping`] with other bits of the stages' weights than those that the network says.
///
/// # Errors
/// As [`quantize`].
pub fn quantize_to(
    model: &FloatModel,
    ranges: &[Range],
    kept: &[Kept],
    bits: &[WeightBits],
) -> Result<QuantModel, QuantizeError> {
    let none = Kept::default();
    let kept = kept.iter().chain(std::iter::repeat(&none));
    let input = OutputQuant { scale: 1.0 / PIXEL_MAX, zero_point: INPUT_ZERO_POINT };
    let (mut stages, mut tensors) = (Vec::new(), vec![input]);
    let stages_of_model = model.network.stages()?;
    let numbers = stages_of_model.iter().zip(&model.stages).zip(ranges).zip(kept).zip(bits);
    for ((((stage, weights), range), kept), bits) in numbers {
        check_finite(stage, weights, *range)?;
        let inputs: Vec<OutputQuant> = stage.inputs.iter().map(|input| tensors[*input]).collect();
        let quant = quantize_stage(stage, weights, *range, &inputs, kept, *bits)?;
        tensors.push(quant.output);
        stages.push(quant);
    }
    Ok(QuantModel { stages })
}

fn quantize_stage(
    stage: &Stage,
    weights: &StageWeights,
    range: Range,
    inputs: &[OutputQuant],
    kept: &Kept,
    bits: WeightBits,
) -> Result<QuantStage, QuantizeError> {
    let rows = channel_rows(&weights.weights, weights.bias.len());
    let input = inputs[0];
    let output = match stage.kind.output_scale() {
        OutputScale::OfInput => input,
        OutputScale::Fixed(quant) => quant,
        OutputScale::Product { relu } => {
            let step: f64 = inputs.iter().map(|input| input.scale as f64).product();
            let floor = step / WEIGHTED_STEPS_MAX;
            kept.output(relu, floor, output_quant(range, relu, floor))
        }
        OutputScale::Calibrated { relu, steps_max } => {
            let floor = steepest(inputs, &rows, bits) / steps_max;
            kept.output(relu, floor, output_quant(range, relu, floor))
        }
    };
    let mut quant = QuantStage::without_weights(output, bits);
    for (channel, (row, bias)) in rows.iter().zip(&weights.bias).enumerate() {
        let step = kept.weights.get(channel).copied().unwrap_or_default();
        let scale = weight_scale(filled(row, bits), step, *bias, input, output);
        let parameters = quant.push_channel(row, *bias, scale, input);
        check_accumulator(stage, channel, parameters, &quant.weights[channel * row.len()..])?;
    }
    Ok(quant)
}

impl QuantStage {
    /// A stage whose weights, if it has any, are still to come.
    pub const fn without_weights(output: OutputQuant, bits: WeightBits) -> Self {
        Self { output, channels: vec![], weights: vec![], weight_scales: vec![], bits }
    }

    /// Quantises one channel with the given weight scale and appends it.
    ///
    /// `bias_q = round(bias / (input scale * weight scale)) - input zero point * sum(weight_q)`
    fn push_channel(
        &mut self,
        row: &[f32],
        bias: f32,
        scale: f64,
        input: OutputQuant,
    ) -> ChannelParameters {
        let start = self.weights.len();
        self.weights.extend(row.iter().map(|weight| quantize_weight(*weight, scale, self.bits)));
        let sum: i64 = self.weights[start..].iter().map(|weight| *weight as i64).sum();
        let step = input.scale as f64 * scale;
        let bias = (bias as f64 / step).round() as i64 - input.zero_point as i64 * sum;
        let multiplier = (step / self.output.scale as f64 * MULTIPLIER_ONE).round();
        let parameters = ChannelParameters {
            bias: bias.clamp(i32::MIN as i64, i32::MAX as i64) as i32,
            multiplier: multiplier.clamp(MULTIPLIER_MIN as f64, i32::MAX as f64) as i32,
            shift: None,
        };
        self.weight_scales.push(scale);
        self.channels.push(parameters);
        parameters
    }
}

/// Weights regrouped by output channel: `[in..][out]` becomes `[out][in..]`.
fn channel_rows(weights: &[f32], channels: usize) -> Vec<Vec<f32>> {
    let row = |channel: usize| weights.iter().skip(channel).step_by(channels).copied().collect();
    (0..channels).map(row).collect()
}

/// Scale and zero point of a stage's output.
///
/// The scale spreads the calibrated range over 255 steps. It is never below `floor`, where there
/// would be no multiplier.
fn output_quant(range: Range, relu: bool, floor: f64) -> OutputQuant {
    let min = if relu { 0.0 } else { range.min as f64 };
    let spread = (range.max as f64 - min) / ACTIVATION_STEPS;
    let scale = spread.max(floor).max(f32::MIN_POSITIVE as f64) as f32;
    let zero_point = if relu {
        RELU_ZERO_POINT
    } else {
        (-128.0 - min / scale as f64).round().clamp(-128.0, 127.0) as i8
    };
    OutputQuant { scale, zero_point }
}

/// The most that a step of an input changes a sum, times the largest weight's step where there are
/// weights.
fn steepest(inputs: &[OutputQuant], rows: &[Vec<f32>], bits: WeightBits) -> f64 {
    let scale = inputs.iter().map(|input| input.scale as f64).fold(0.0, f64::max);
    let weights = rows.iter().map(|row| filled(row, bits)).fold(0.0, f64::max);
    if rows.is_empty() { scale } else { scale * weights }
}

/// Scale of one channel's weights that fills the steps there are: of int8 the largest is 127 steps,
/// of int4 the squared error is least.
fn filled(row: &[f32], bits: WeightBits) -> f64 {
    match bits {
        WeightBits::Four => int4_scale(row),
        WeightBits::Eight => largest(row) / WEIGHT_MAX,
    }
}

/// Scale of one channel's weights: that which fills their steps.
///
/// A channel that training left nearly dead would get a tiny scale, and with it a bias of hundreds
/// of millions and a multiplier of a few bits. Two floors prevent that: the multiplier stays at
/// [`MULTIPLIER_MIN`] or above, where its rounding is below 2^-15, and the bias at [`BIAS_MAX`] or
/// below. The weights then use fewer of their steps, and what that costs is below the output's own
/// rounding.
///
/// A `step` that is known already is kept, where it is no smaller.
fn weight_scale(filled: f64, step: f32, bias: f32, input: OutputQuant, output: OutputQuant) -> f64 {
    let multiplier_floor =
        MULTIPLIER_MIN as f64 / MULTIPLIER_ONE * output.scale as f64 / input.scale as f64;
    let bias_floor = (bias as f64).abs() / (input.scale as f64 * BIAS_MAX);
    // A step that was multiplied in 32 bits may be a little too small for its largest weight.
    let is_kept = f64::from(step) > filled * (1.0 - 1e-5);
    let own = if is_kept { step.into() } else { filled };
    own.max(multiplier_floor).max(bias_floor)
}

fn quantize_weight(weight: f32, scale: f64, bits: WeightBits) -> i8 {
    let [least, greatest] = match bits {
        WeightBits::Four => [INT4_MIN, INT4_MAX],
        WeightBits::Eight => [-WEIGHT_MAX, WEIGHT_MAX],
    };
    (weight as f64 / scale).round().clamp(least, greatest) as i8
}

fn largest(row: &[f32]) -> f64 {
    row.iter().fold(0.0, |largest, weight| largest.max((*weight as f64).abs()))
}

fn check_finite(stage: &Stage, weights: &StageWeights, range: Range) -> Result<(), QuantizeError> {
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    let checks = [
        ("a weight", finite(&weights.weights)),
        ("a bias", finite(&weights.bias)),
        ("an activation", finite(&[range.min, range.max])),
    ];
    match checks.into_iter().find(|(_, finite)| !finite) {
        Some((what, _)) => Err(QuantizeError::NotFinite { stage: stage.name.clone(), what }),
        None => Ok(()),
    }
}

/// The bound that `infer` proves again at load: no input can drive the accumulator out of 32 bits.
fn check_accumulator(
    stage: &Stage,
    channel: usize,
    parameters: ChannelParameters,
    weights: &[i8],
) -> Result<(), QuantizeError> {
    let sum: u64 = weights.iter().map(|weight| weight.unsigned_abs() as u64).sum();
    let reach = parameters.bias.unsigned_abs() as u64 + 128 * sum;
    if reach > i32::MAX as u64 {
        return Err(QuantizeError::AccumulatorRange { stage: stage.name.clone(), channel, reach });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use infer::quant::{quantise_pixel, requantise};

    use super::*;
    use crate::network::{Activation, Input, Layer, LayerKind, Network};
    use crate::ops::dense;

    fn dense(weights: Vec<f32>, bias: Vec<f32>) -> FloatModel {
        let input = Input {
            height: 1,
            width: 1,
            channels: (weights.len() / bias.len()) as u16,
            offset: [0, 0],
        };
        let kind = LayerKind::Dense(dense::Layer::of(bias.len() as u16));
        let network = Network { input, layers: vec![Layer::from(kind)] };
        FloatModel { network, stages: vec![StageWeights { weights, bias }] }
    }

    #[test]
    fn weights_fill_the_range_of_their_own_channel() {
        // [in][out]: channel 0 has weights 1 and -0.5, channel 1 has 0.01 and 0.02
        let model = dense(vec![1.0, 0.01, -0.5, 0.02], vec![0.0, 0.0]);
        let quant = quantize(&model, &[Range { min: -1.0, max: 1.0 }]).unwrap();
        assert_eq!(quant.stages[0].weights, [127, -64, 64, 127]);
    }

    /// [in][out]: channel 0 has weights that steps of 0.5 hit, channel 1 is all negative.
    #[test]
    fn int4_weights_have_sixteen_steps() {
        let model = dense(vec![0.5, -0.8, -1.0, -0.7, 3.5, -0.1, 0.0, -0.4], vec![0.2, 0.0]);
        let ranges = [Range { min: -4.0, max: 4.0 }];
        let int4 = quantize_to(&model, &ranges, &[], &[WeightBits::Four]).unwrap();
        let QuantStage { weights, weight_scales, channels, bits, .. } = &int4.stages[0];
        assert_eq!(weights[..], [1, -2, 7, 0, -8, -7, -1, -4]);
        assert_eq!(*bits, WeightBits::Four);
        assert!((weight_scales[0] - 0.5).abs() < 1e-9, "{weight_scales:?}");
        assert!((weight_scales[1] - 0.1).abs() < 2e-3, "{weight_scales:?}");
        // 0.2 in steps of 0.5 / 255, and 128 times the sum of the weights.
        assert_eq!(channels[0].bias, 102 + 128 * 6);
        let int8 = quantize_to(&model, &ranges, &[], &[WeightBits::Eight]).unwrap();
        assert_eq!(int8, quantize(&model, &ranges).unwrap());
        assert_eq!(int8.stages[0].weights[..4], [18, -36, 127, 0]);
    }

    /// A step of an int4 weight is larger, and with it the least scale of the output.
    #[test]
    fn multipliers_of_int4_weights_fit() {
        let model = dense(vec![1.0, -0.9], vec![0.0]);
        let ranges = [Range { min: 0.0, max: 1e-9 }];
        let int4 = quantize_to(&model, &ranges, &[], &[WeightBits::Four]).unwrap();
        let QuantStage { output, weight_scales, channels, .. } = &int4.stages[0];
        assert!(channels[0].multiplier < i32::MAX, "{channels:?}");
        let real = weight_scales[0] / 255.0 / output.scale as f64 * MULTIPLIER_ONE;
        assert!((real / channels[0].multiplier as f64 - 1.0).abs() < 1e-6, "{real} {channels:?}");
    }

    #[test]
    fn a_nearly_dead_channel_keeps_a_small_bias_and_a_precise_multiplier() {
        let model = dense(vec![1.0, 1e-9, -0.5, 1e-12], vec![0.0, 0.25]);
        let quant = quantize(&model, &[Range { min: -1.0, max: 1.0 }]).unwrap();
        let dead = quant.stages[0].channels[1];
        assert!(dead.multiplier >= MULTIPLIER_MIN, "{dead:?}");
        assert!(dead.bias.unsigned_abs() < 100_000_000, "{dead:?}");
        // accumulator 0 inputs: bias * multiplier / 2^32 output steps of 2/255 are 0.25
        let steps = dead.bias as f64 * dead.multiplier as f64 / MULTIPLIER_ONE;
        assert!((steps * 2.0 / 255.0 - 0.25).abs() < 0.001, "{steps}");
    }

    #[test]
    fn a_dead_stage_still_has_a_positive_scale() {
        let quant = quantize(&dense(vec![0.0; 4], vec![0.0; 2]), &[Range::default()]).unwrap();
        assert!(quant.stages[0].output.scale > 0.0);
    }

    /// Real value that a channel of a quantised dense stage leaves for these int8 inputs, as a chip
    /// computes it.
    fn run(stage: &QuantStage, channel: usize, inputs: &[i8]) -> f64 {
        let weights = &stage.weights[channel * inputs.len()..][..inputs.len()];
        let parameters = stage.channels[channel];
        let products =
            weights.iter().zip(inputs).map(|(weight, input)| *weight as i64 * *input as i64);
        let accumulator = parameters.bias as i64 + products.sum::<i64>();
        let accumulator = i32::try_from(accumulator).expect("no accumulator leaves 32 bits");
        let output = requantise(accumulator, parameters.multiplier, stage.output.zero_point);
        (output as f64 - stage.output.zero_point as f64) * stage.output.scale as f64
    }

    /// What long runs leave: channels whose weights are a million times smaller than their
    /// neighbours', with a bias or without, beside ordinary ones. Whatever comes in, every channel
    /// is right to one step of its output.
    #[test]
    fn channels_of_all_sizes_are_right_to_one_step() {
        const INPUTS: usize = 32;
        for size in [1.0, 1e-2, 1e-4, 1e-6, 1e-9, 1e-20, 0.0f32] {
            for bias in [0.0, 1e-6, -0.3, 0.7f32] {
                // Channel 0 is an ordinary one, channel 1 that of the given size; [in][out].
                let weight = |index: usize| ((index * 37 % 64) as f32 - 31.5) / 315.0;
                let row = |index: usize| [weight(index), weight(index + 11) * size];
                let model = dense((0..INPUTS).flat_map(row).collect(), vec![0.1, bias]);
                let quant = quantize(&model, &[Range { min: -2.0, max: 2.0 }]).unwrap();
                let stage = &quant.stages[0];
                for seed in 0..20usize {
                    let pixel = |index: usize| ((index + 3) * (seed * 29 + 7) % 256) as u8;
                    let inputs: Vec<i8> =
                        (0..INPUTS).map(|index| quantise_pixel(pixel(index))).collect();
                    let real = |channel: usize| -> f64 {
                        let products = (0..INPUTS)
                            .map(|index| row(index)[channel] as f64 * pixel(index) as f64 / 255.0);
                        products.sum::<f64>() + [0.1, bias][channel] as f64
                    };
                    for channel in [0, 1] {
                        let (found, expected) =
                            (run(stage, channel, &inputs), real(channel).clamp(-2.0, 2.0));
                        let step = stage.output.scale as f64;
                        assert!(
                            (found - expected).abs() <= step,
                            "size {size}, bias {bias}: {found}, not {expected}"
                        );
                    }
                }
            }
        }
    }

    /// A ReLU channel that never fires, with a bias far below what its weights can reach: its
    /// accumulator stays in 32 bits, its output at zero.
    #[test]
    fn a_channel_far_below_zero_stays_silent() {
        for bias in [-1e3, -1e9, -1e30f32] {
            let mut model = dense(vec![0.5, 1e-7, -0.5, 1e-7], vec![0.0, bias]);
            let LayerKind::Dense(layer) = &mut model.network.layers[0].kind else { unreachable!() };
            layer.activation = Some(Activation::Relu);
            let quant = quantize(&model, &[Range { min: 0.0, max: 0.5 }]).unwrap();
            let stage = &quant.stages[0];
            assert!(
                stage.channels[1].bias.unsigned_abs() <= BIAS_MAX as u32 + 128 * 127 * 2,
                "{bias}"
            );
            for inputs in [[-128, -128], [127, -128], [127, 127]] {
                assert_eq!(run(stage, 1, &inputs), 0.0, "bias {bias}");
            }
            assert!((run(stage, 0, &[127, -128]) - 0.5).abs() < 0.01, "the channel beside it");
        }
    }

    /// After a stage whose outputs are all zero, the next stage leaves its biases.
    #[test]
    fn a_stage_after_a_dead_one_leaves_its_biases() {
        let mut model = dense(vec![0.0; 4], vec![0.0; 2]);
        let kind = LayerKind::Dense(dense::Layer::of(2));
        model.network.layers.push(Layer::from(kind));
        model
            .stages
            .push(StageWeights { weights: vec![0.3, -0.2, 0.1, 0.4], bias: vec![0.5, -0.25] });
        let quant = quantize(&model, &[Range::default(), Range { min: -1.0, max: 1.0 }]).unwrap();
        let zero = quant.stages[0].output.zero_point;
        for (channel, bias) in [(0, 0.5), (1, -0.25)] {
            let found = run(&quant.stages[1], channel, &[zero, zero]);
            assert!(
                (found - bias).abs() <= quant.stages[1].output.scale as f64,
                "{found}, not {bias}"
            );
        }
    }

    #[test]
    fn what_is_not_finite_is_refused_by_name() {
        let refused = quantize(&dense(vec![f32::NAN], vec![0.0]), &[Range::default()]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "stage 'dense1': a weight is not finite: training diverged; try a lower learning rate"
        );
    }

    #[test]
    fn the_zero_point_stands_for_zero() {
        let quant = output_quant(Range { min: -1.0, max: 3.0 }, false, 0.0);
        assert_eq!(quant.zero_point, -64);
        assert_eq!(output_quant(Range { min: -1.0, max: 3.0 }, true, 0.0).zero_point, -128);
    }
}
