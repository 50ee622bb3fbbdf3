//! The optimiser: Burn's, fed with our gradients. Where Burn's rule is not that of Keras, the rule
//! is ours.

mod adam;
mod root;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use burn::optim::momentum::MomentumConfig;
use burn::optim::{GradientsParams, ModuleOptimizer, RmsPropConfig, SgdConfig};
use burn::tensor::{Bytes, DType, Tensor, TensorData};
use burn_pack::Reader;

use self::adam::Adam;
use self::root::Root;
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
        let rule = rule(recipe);
        Self { rule, learning_rate: recipe.learning_rate() }
    }

    /// The optimiser's state as Burn's record.
    pub fn record(&self) -> Result<Vec<u8>, TrainError> {
        Ok(self.rule.into_bytes().map_err(refused)?.to_vec())
    }

    /// The optimiser with a recorded state, which must be one of the parameters of `net`.
    pub fn with_record(self, record: Vec<u8>, net: &Net) -> Result<Self, TrainError> {
        let record = Bytes::from_bytes_vec(record);
        check(record.clone(), net)?;
        let rule = self.rule.from_bytes(record).map_err(refused)?;
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

/// What one step does.
fn rule(recipe: &recipe::Optimizer) -> ModuleOptimizer {
    match *recipe {
        // Burn adds epsilon to the root.
        recipe::Optimizer::Rmsprop { rho, epsilon, epsilon_in_root: false, .. } => {
            RmsPropConfig::new()
                .with_alpha(rho as f32)
                .with_momentum(0.0)
                .with_epsilon(epsilon as f32)
                .init()
        }
        recipe::Optimizer::Rmsprop { rho, epsilon, epsilon_in_root: true, .. } => {
            Root { kept: rho, taken: 1.0 - rho, initial: 0.0, epsilon }.into()
        }
        recipe::Optimizer::Adagrad { initial_accumulator, epsilon, .. } => {
            Root { kept: 1.0, taken: 1.0, initial: initial_accumulator, epsilon }.into()
        }
        recipe::Optimizer::Adam { beta_1, beta_2, epsilon, .. } => {
            Adam { beta_1, beta_2, epsilon, weight_decay: 0.0 }.into()
        }
        recipe::Optimizer::Adamw { beta_1, beta_2, epsilon, weight_decay, .. } => {
            Adam { beta_1, beta_2, epsilon, weight_decay }.into()
        }
        recipe::Optimizer::Sgd { momentum, nesterov, .. } => {
            let momentum = MomentumConfig::new()
                .with_momentum(momentum)
                .with_dampening(0.0)
                .with_nesterov(nesterov);
            SgdConfig::new().with_momentum(Some(momentum)).init()
        }
    }
}

/// Burn takes whatever lies in a record, and adds it to gradients of the same parameter.
fn check(record: Bytes, net: &Net) -> Result<(), TrainError> {
    let shapes = net.shapes();
    let tensors = Reader::from_bytes(record).and_then(Reader::into_tensors).map_err(refused)?;
    let fits = |tensor: &burn_pack::Tensor| {
        let shape = tensor.param_id.and_then(|id| shapes.get(&id));
        tensor.dtype == DType::F32 && shape.is_some_and(|shape| tensor.shape[..] == shape[..])
    };
    match tensors.iter().all(fits) {
        true => Ok(()),
        false => Err(TrainError::State("its optimiser's state has other shapes")),
    }
}

fn refused(error: impl Display) -> TrainError {
    TrainError::Optimizer(error.to_string())
}
