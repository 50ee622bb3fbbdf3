//! Parameters before training: Glorot-uniform weights, zero biases, as Keras begins.

use super::random::{Purpose, Random};
use crate::float_model::{FloatModel, StageWeights};
use crate::graph::Stage;
use crate::network::{Network, NetworkError};
use crate::ops::Operator;

/// A network with fresh parameters.
///
/// Weights are uniform in `-limit..limit` with `limit = sqrt(6 / (fan_in + fan_out))`; the fans of
/// a convolution are its kernel's area times its input or output channels (Glorot and Bengio,
/// 2010).
///
/// # Errors
/// A network that cannot be built.
pub fn initial(network: &Network, seed: u64) -> Result<FloatModel, NetworkError> {
    let mut random = Random::new(seed, Purpose::Weights);
    let stages = network.stages()?.iter().map(|stage| stage_weights(stage, &mut random)).collect();
    Ok(FloatModel { network: network.clone(), stages })
}

fn stage_weights(stage: &Stage, random: &mut Random) -> StageWeights {
    let Some(shape) = stage.kind.weights() else { return StageWeights::default() };
    let limit = (6.0 / (shape.taps + shape.fan_out) as f32).sqrt();
    let weights = (0..shape.values()).map(|_| (2.0 * random.unit() - 1.0) * limit).collect();
    StageWeights { weights, bias: vec![0.0; shape.outputs] }
}
