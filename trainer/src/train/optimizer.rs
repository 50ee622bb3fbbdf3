//! The optimiser: Burn's, fed with our gradients.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::tensor::{Tensor, TensorData};

use super::batch::StageGradient;
use crate::backend;
use crate::net::Net;
use crate::recipe;

/// An optimiser with its state.
pub struct Optimizer {
    rule: ModuleOptimizer,
    learning_rate: f64,
}

impl Optimizer {
    /// The optimiser of a recipe, before its first step.
    pub fn new(recipe: &recipe::Optimizer) -> Self {
        let rule = match recipe {
            // Burn adds epsilon outside of the root, as Keras does.
            recipe::Optimizer::Rmsprop { rho, epsilon, .. } => RmsPropConfig::new()
                .with_alpha(*rho as f32)
                .with_momentum(0.0)
                .with_epsilon(*epsilon as f32)
                .init(),
            recipe::Optimizer::Sgd { momentum, nesterov, .. } => {
                let momentum = MomentumConfig::new()
                    .with_momentum(*momentum)
                    .with_dampening(0.0)
                    .with_nesterov(*nesterov);
                SgdConfig::new().with_momentum(Some(momentum)).init()
            }
        };
        Self { rule, learning_rate: recipe.learning_rate() }
    }

    /// Steps the parameters against `gradients`: one entry per parameter pair, in the module's order.
    pub fn step<'g>(&mut self, net: Net, gradients: impl Iterator<Item = &'g StageGradient>) -> Net {
        let device = backend::device();
        let mut all = GradientsParams::new();
        for ((weight, bias), gradient) in net.weights.iter().zip(&net.biases).zip(gradients) {
            let outputs = gradient.bias.len();
            let rows = TensorData::new(gradient.rows.clone(), [outputs, gradient.rows.len() / outputs]);
            all.register(weight.id, Tensor::<2>::from_data(rows, &device));
            let values = TensorData::new(gradient.bias.clone(), [outputs]);
            all.register(bias.id, Tensor::<1>::from_data(values, &device));
        }
        self.rule.step(self.learning_rate, net, all)
    }
}
