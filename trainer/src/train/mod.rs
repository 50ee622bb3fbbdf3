//! Training: Burn holds the parameters and steps the optimiser; the gradients are ours.
//!
//! ```text
//! for each epoch, for each batch of shuffled images:
//!     weights   = the module's parameters, packed for the kernels
//!     gradients = sum over the batch's shards, each taken forward and backward by one thread
//!     module    = optimiser.step(module, gradients)
//! ```
//!
//! A batch is cut into shards of a fixed size, and their gradients are added in a fixed order, so the number of threads
//! does not change a single bit of the result.

mod augment;
mod batch;
mod batch_norm;
pub mod forward;
mod initial;
pub mod kernels;
mod layout;
mod loss;
mod optimizer;
mod random;
mod schedule;
mod shard;
mod state;

use std::time::Instant;

use thiserror::Error;

use crate::backend;
use crate::data::Dataset;
use crate::float_model::StageWeights;
use crate::inputs::network_inputs;
use crate::net::{self, Net};
use crate::network::Network;
use crate::plan::PlanError;
use crate::recipe::Recipe;
use augment::Distorter;
use batch::{Batch, BatchGradients, Parameters};
use batch_norm::Scale;
use kernels::{InstructionSet, Weights};
use loss::Tally;
use optimizer::Optimizer;
use random::{Purpose, Random};
use state::{Averaged, StageState};

pub use crate::float_model::FloatModel;
pub use initial::initial;

/// Images per forward pass when accuracy is followed.
const SCORED_IMAGES: usize = 100;

/// What a run is given beside network, recipe and data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrainOptions {
    /// Seed of weights and order.
    pub seed: u64,
    /// Threads, 1 or more; the result does not depend on it.
    pub threads: usize,
}

/// Told how training goes, and asked whether to go on.
pub trait Observer {
    /// A batch is done.
    fn batch(&mut self, report: &BatchReport);

    /// An epoch is done.
    fn epoch(&mut self, report: &EpochReport);

    /// Whether to end after this batch.
    fn stop(&self) -> bool;
}

/// How an epoch goes so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// The batch, from 1.
    pub batch: usize,
    /// Batches of an epoch.
    pub batches: usize,
    /// Mean loss per image of this epoch so far.
    pub loss: f64,
    /// Part of this epoch's images answered rightly when they came, 0 to 1.
    pub accuracy: f64,
    /// Speed of this epoch so far.
    pub images_per_second: f64,
}

/// How an epoch went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochReport {
    /// The epoch, from 1.
    pub epoch: usize,
    /// Epochs of the run.
    pub epochs: usize,
    /// Mean loss per image while training.
    pub loss: f64,
    /// Part of the images answered rightly while training, 0 to 1.
    pub accuracy: f64,
    /// Part of the held-out images answered rightly at its end, 0 to 1; `None` when none are held out.
    pub held_out_accuracy: Option<f64>,
    /// Wall time, the held-out images included.
    pub seconds: f64,
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
}

/// Why training cannot begin or go on.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum TrainError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] PlanError),
    /// The images have other channels than the network.
    #[error("the images have {images} values per pixel, the network takes {network}: change its 'channels'")]
    Channels {
        /// Of the data set.
        images: u16,
        /// Of the network.
        network: u16,
    },
    /// There are more classes than the network has outputs.
    #[error("the labels go up to {highest}, but the network ends with {outputs} values: give its last layer {} units", highest + 1)]
    Classes {
        /// Highest label.
        highest: usize,
        /// Values the network ends with.
        outputs: usize,
    },
    /// Nothing would be left to train on.
    #[error("{held_out} of {images} training images are held out: hold out fewer")]
    NothingToTrainOn {
        /// Images held out.
        held_out: usize,
        /// Images there are.
        images: usize,
    },
    /// The loss is no longer a number.
    #[error(
        "training diverged in epoch {epoch}, batch {batch}: the loss is not a finite number; nothing was written; try a lower learning rate (--lr)"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch, from 1.
        batch: usize,
    },
}

/// Trains a network from scratch on all but the last `recipe.held_out` images.
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
    let mut run = Run::new(network, recipe, data, options)?;
    let mut epochs = Vec::new();
    for epoch in 1..=recipe.epochs {
        match run.epoch(epoch, observer)? {
            Some(report) => epochs.push(report),
            None => return Ok(Trained { model: run.model(), epochs, stopped_early: true }),
        }
        let last = epochs.last().expect("just pushed");
        observer.epoch(last);
    }
    Ok(Trained { model: run.model(), epochs, stopped_early: false })
}

/// A run under way.
struct Run<'r> {
    network: &'r Network,
    recipe: &'r Recipe,
    data: &'r Dataset,
    options: &'r TrainOptions,
    /// Images trained on: the first so many of the data set.
    images: usize,
    gradients: BatchGradients,
    net: Net,
    optimizer: Optimizer,
    /// Parameters as of the last step, and running statistics.
    state: Vec<StageState>,
    average: Option<Averaged>,
    /// Steps done.
    steps: usize,
}

impl<'r> Run<'r> {
    fn new(
        network: &'r Network,
        recipe: &'r Recipe,
        data: &'r Dataset,
        options: &'r TrainOptions,
    ) -> Result<Self, TrainError> {
        let layout = layout::Layout::new(network, recipe.batch_norm.is_some())?;
        check(network, recipe, data, layout.classes())?;
        let model = initial(network, options.seed).map_err(PlanError::Network)?;
        // Burn's optimisers step parameters of an autodiff device only.
        let device = backend::device().autodiff();
        let state = initial_state(&model, &layout);
        let gammas: Vec<usize> = state.iter().map(|stage| stage.gamma.len()).filter(|len| *len > 0).collect();
        Ok(Self {
            network,
            recipe,
            data,
            options,
            images: data.len() - recipe.held_out,
            gradients: BatchGradients::new(InstructionSet::detect(), network, layout, recipe.batch),
            net: Net::new(&model, &device).with_gammas(&gammas, &device),
            optimizer: Optimizer::new(&recipe.optimizer),
            average: recipe.average.map(|average| Averaged::new(average, &state)),
            state,
            steps: 0,
        })
    }

    fn batches(&self) -> usize {
        self.images.div_ceil(self.recipe.batch)
    }

    /// One pass over the images; `None` when the observer ended it.
    fn epoch(
        &mut self,
        epoch: usize,
        observer: &mut dyn Observer,
    ) -> Result<Option<EpochReport>, TrainError> {
        let begun = Instant::now();
        let mut order: Vec<usize> = (0..self.images).collect();
        Random::new(self.options.seed, Purpose::Order { epoch }).shuffle(&mut order);
        let distorter = self.distorter(epoch);
        let batches = self.batches();
        let mut tally = Tally::default();
        for (batch, chosen) in order.chunks(self.recipe.batch).enumerate() {
            tally.add(self.step(chosen, distorter.as_ref()));
            if !tally.loss.is_finite() {
                return Err(TrainError::Diverged { epoch, batch: batch + 1 });
            }
            observer.batch(&self.batch_report(epoch, batch + 1, tally, begun));
            if observer.stop() && (epoch, batch + 1) != (self.recipe.epochs, batches) {
                return Ok(None);
            }
        }
        Ok(Some(self.report(epoch, tally, begun)))
    }

    fn distorter(&self, epoch: usize) -> Option<Distorter> {
        let layout = self.gradients.layout();
        let offset = self.network.input.offset;
        let origin = [0, 1].map(|axis| offset[axis] as i32 + layout.input_origin[axis] as i32);
        let (seed, epochs) = (self.options.seed, self.recipe.epochs);
        self.recipe.augment.map(|augment| Distorter::new(augment, seed, epoch, epochs, layout.input, origin))
    }

    fn batch_report(&self, epoch: usize, batch: usize, tally: Tally, begun: Instant) -> BatchReport {
        BatchReport {
            epoch,
            epochs: self.recipe.epochs,
            batch,
            batches: self.batches(),
            loss: tally.loss / tally.images as f64,
            accuracy: tally.correct as f64 / tally.images as f64,
            images_per_second: tally.images as f64 / begun.elapsed().as_secs_f64(),
        }
    }

    fn report(&self, epoch: usize, tally: Tally, begun: Instant) -> EpochReport {
        EpochReport {
            epoch,
            epochs: self.recipe.epochs,
            loss: tally.loss / tally.images as f64,
            accuracy: tally.correct as f64 / tally.images as f64,
            held_out_accuracy: self.held_out_accuracy(),
            seconds: begun.elapsed().as_secs_f64(),
        }
    }

    /// One batch: gradients, then the optimiser's step.
    fn step(&mut self, chosen: &[usize], distorter: Option<&Distorter>) -> Tally {
        let parameters = self.parameters();
        let batch = Batch { data: self.data, chosen, distorter };
        let tally = self.gradients.compute(&parameters, &batch, self.options.threads);
        if self.recipe.weight_decay > 0.0 {
            self.gradients.add_decay(&parameters.weights, self.recipe.weight_decay as f32);
        }
        let steps = self.batches() * self.recipe.epochs;
        let factor = schedule::factor(self.recipe.schedule, self.steps, steps);
        let net = self.net.clone();
        self.net = self.optimizer.step(net, self.gradients.sums(), factor);
        self.steps += 1;
        self.follow();
        tally
    }

    /// The parameters of the next batch.
    fn parameters(&self) -> Parameters {
        let weights = self.state.iter().map(|stage| {
            let bias = if stage.gamma.is_empty() { stage.bias.clone() } else { vec![0.0; stage.bias.len()] };
            Weights::new(stage.rows.clone(), bias)
        });
        let scale = |stage: &StageState| {
            let scaled = !stage.gamma.is_empty();
            scaled.then(|| Scale { gamma: stage.gamma.clone(), beta: stage.bias.clone() })
        };
        Parameters {
            weights: weights.collect(),
            scales: self.state.iter().map(scale).collect(),
            epsilon: self.epsilon(),
        }
    }

    fn epsilon(&self) -> f64 {
        self.recipe.batch_norm.map_or(0.0, |norm| norm.epsilon)
    }

    /// Takes over what the optimiser and the batch's statistics changed.
    fn follow(&mut self) {
        if let Some(norm) = self.recipe.batch_norm {
            self.net = self.net.clone().with_gammas_at_least(norm.min_gamma);
            for (stage, statistics) in self.state.iter_mut().zip(self.gradients.statistics()) {
                if let Some(statistics) = statistics {
                    stage.follow(statistics, &norm);
                }
            }
        }
        let rows = self.net.output_rows(self.gradients.stages());
        for (stage, (rows, bias)) in self.state.iter_mut().zip(rows) {
            (stage.rows, stage.bias) = (rows, bias);
        }
        let normalised = self.state.iter_mut().filter(|stage| !stage.gamma.is_empty());
        for (stage, gamma) in normalised.zip(&self.net.gammas) {
            stage.gamma = net::values(gamma.val());
        }
        if let Some(average) = &mut self.average {
            average.follow(&self.state);
        }
    }

    /// The model as it would be exported now.
    fn model(&self) -> FloatModel {
        let state = self.average.as_ref().map_or(&self.state, |average| &average.stages);
        let stages = state.iter().map(|stage| stage.folded(self.epsilon())).collect();
        FloatModel { network: self.network.clone(), stages }
    }

    fn held_out_accuracy(&self) -> Option<f64> {
        let held_out: Vec<usize> = (self.images..self.data.len()).collect();
        if held_out.is_empty() {
            return None;
        }
        let model = self.model();
        let forward = forward::Forward::new(&model);
        let mut tally = Tally::default();
        for chosen in held_out.chunks(SCORED_IMAGES) {
            let inputs = network_inputs(&self.network.input, self.data, chosen);
            let values = forward.run(&inputs, &mut |_, _| ());
            let labels: Vec<u8> = chosen.iter().map(|index| self.data.labels[*index]).collect();
            tally.add(loss::cross_entropy(&values, &labels, 1.0).0);
        }
        Some(tally.correct as f64 / tally.images as f64)
    }
}

/// The numbers before the first step: gammas and variances of 1, means of 0.
fn initial_state(model: &FloatModel, layout: &layout::Layout) -> Vec<StageState> {
    let state = |(stage, layout): (&StageWeights, &layout::StageLayout)| {
        let normalised = if layout.normalised { stage.bias.len() } else { 0 };
        StageState {
            rows: stage.output_rows(),
            bias: stage.bias.clone(),
            gamma: vec![1.0; normalised],
            mean: vec![0.0; normalised],
            variance: vec![1.0; normalised],
        }
    };
    model.stages.iter().zip(&layout.stages).map(state).collect()
}

fn check(network: &Network, recipe: &Recipe, data: &Dataset, outputs: usize) -> Result<(), TrainError> {
    if data.shape.channels != network.input.channels {
        return Err(TrainError::Channels { images: data.shape.channels, network: network.input.channels });
    }
    let highest = data.labels.iter().copied().max().unwrap_or(0) as usize;
    if highest.max(data.classes.saturating_sub(1)) >= outputs {
        return Err(TrainError::Classes { highest: highest.max(data.classes.saturating_sub(1)), outputs });
    }
    if recipe.held_out >= data.len() {
        return Err(TrainError::NothingToTrainOn { held_out: recipe.held_out, images: data.len() });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
