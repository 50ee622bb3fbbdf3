//! Training: Burn holds the parameters and steps the optimiser; the gradients are ours.
//!
//! ```text
//! for each epoch, for each batch of shuffled images:
//!     weights   = the module's parameters, packed for the kernels
//!     gradients = sum over the batch's shards, each taken forward and backward by one thread
//!     module    = optimiser.step(module, gradients)
//! ```
//!
//! A batch is cut into shards of a fixed size, and their gradients are added in a fixed order. So
//! the number of threads does not change a single bit of the result.

mod augment;
mod average;
mod batch;
mod batch_norm;
pub mod checkpoint;
mod decay;
mod early_stopping;
mod error;
mod held_out;
mod initial;
mod loss;
mod observer;
mod optimizer;
pub mod parameters;
mod portion;
mod random;
mod run;
mod schedule;
mod shards;
mod state;
mod workers;

use crate::data::Dataset;
use crate::network::Network;
use crate::recipe::Recipe;
use run::Run;

pub use crate::float_model::FloatModel;
pub use error::TrainError;
pub use held_out::Split;
pub use initial::initial;
pub use observer::{BatchReport, EpochReport, Observer};
pub use state::{Place, State};

/// What a run is given beside network, recipe and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// Seed of weights and order.
    pub seed: u64,
    /// Threads, 1 or more; the result does not depend on it.
    pub threads: usize,
}

/// What a run leaves.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The network with its parameters.
    pub model: FloatModel,
    /// All epochs that were finished.
    pub epochs: Vec<EpochReport>,
    /// Whether the observer ended the run before its last epoch.
    pub stopped_early: bool,
    /// The epoch whose weights the model has, where the recipe may end a run early.
    pub kept_epoch: Option<usize>,
}

/// Trains a network from scratch on all images but `recipe.held_out` of them, chosen by [`Split`].
///
/// # Errors
/// See [`TrainError`].
pub fn train(
    network: &Network,
    recipe: &Recipe,
    data: &Dataset,
    options: &TrainOptions,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    Run::new(network, recipe, data, options)?.finish(observer)
}

/// Goes on with a run of the same network, recipe, data and seed from where it was saved; it ends
/// with the bytes it would have ended with.
///
/// # Errors
/// As [`train`]; a state that is not one of such a run.
pub fn resume(
    network: &Network,
    recipe: &Recipe,
    data: &Dataset,
    options: &TrainOptions,
    state: State,
    observer: &mut dyn Observer,
) -> Result<Trained, TrainError> {
    Run::new(network, recipe, data, options)?.with_state(state)?.finish(observer)
}

#[cfg(test)]
pub(crate) mod tests;
