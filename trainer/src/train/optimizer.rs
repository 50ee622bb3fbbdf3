//! The optimiser: Burn's, fed with our gradients.

use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::store::RecordError;
use burn::tensor::{Bytes, Tensor, TensorData};

use super::error::TrainError;
use super::parameters::StageGradient;
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

    /// The optimiser's state as Burn's record.
    pub fn record(&self) -> Result<Vec<u8>, TrainError> {
        Ok(self.rule.into_bytes().map_err(refused)?.to_vec())
    }

    /// The optimiser with a recorded state.
    pub fn with_record(self, record: Vec<u8>) -> Result<Self, TrainError> {
        let rule = self.rule.from_bytes(Bytes::from_bytes_vec(record)).map_err(refused)?;
        Ok(Self { rule, ..self })
    }

    /// Steps the parameters against `gradients`, one entry per stage that has parameters, in the
    /// module's order, with `factor` times the recipe's learning rate.
    pub fn step<'g>(
        &mut self,
        net: Net,
        gradients: impl Iterator<Item = &'g StageGradient>,
        factor: f64,
    ) -> Net {
        let device = backend::device();
        let mut all = GradientsParams::new();
        let mut gammas = net.gammas.iter();
        for ((weight, bias), gradient) in net.weights.iter().zip(&net.biases).zip(gradients) {
            let outputs = gradient.bias.len();
            let rows =
                TensorData::new(gradient.rows.clone(), [outputs, gradient.rows.len() / outputs]);
            all.register(weight.id, Tensor::<2>::from_data(rows, &device));
            let vector = |values: &[f32]| {
                Tensor::<1>::from_data(TensorData::new(values.to_vec(), [outputs]), &device)
            };
            all.register(bias.id, vector(&gradient.bias));
            if let Some(values) = &gradient.gamma {
                let gamma = gammas.next().expect("a gamma for each normalised stage");
                all.register(gamma.id, vector(values));
            }
        }
        self.rule.step(self.learning_rate * factor, net, all)
    }
}

fn refused(error: RecordError) -> TrainError {
    TrainError::Optimizer(error.to_string())
}
