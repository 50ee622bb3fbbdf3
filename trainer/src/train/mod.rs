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
mod average;
mod batch;
mod batch_norm;
mod decay;
pub mod forward;
mod initial;
pub mod kernels;
mod layout;
mod loss;
mod optimizer;
pub mod parameters;
mod random;
mod schedule;
mod shard;

use std::time::Instant;

use thiserror::Error;

use crate::backend;
use crate::data::Dataset;
use crate::inputs::network_inputs;
use crate::net::Net;
use crate::network::Network;
use crate::plan::PlanError;
use crate::recipe::Recipe;
use augment::Distorter;
use average::Average;
use batch::{Batch, BatchGradients, Distortion};
use kernels::InstructionSet;
use loss::Tally;
use optimizer::Optimizer;
use parameters::{Norm, StageParameters};
use random::{Purpose, Random};

use crate::float_model::StageWeights;

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
    /// The module's parameters as the kernels read them, one entry per stage, with the running statistics.
    parameters: Vec<StageParameters>,
    average: Option<Average>,
    distorter: Option<Distorter>,
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
        let mut layout = layout::Layout::new(network)?;
        check(network, recipe, data, layout.classes())?;
        let model = initial(network, options.seed).map_err(PlanError::Network)?;
        if recipe.batch_norm.is_some() {
            layout = layout.normalised();
        }
        let parameters = beginning(&model, &layout);
        let distorter = |recipe| Distorter::new(recipe, &network.input, layout.input, layout.input_origin);
        Ok(Self {
            network,
            recipe,
            data,
            options,
            images: data.len() - recipe.held_out,
            net: net(&model, &parameters),
            optimizer: Optimizer::new(&recipe.optimizer),
            average: recipe.average.map(|average| Average::new(average.decay, parameters.clone())),
            distorter: recipe.augment.map(distorter),
            steps: 0,
            parameters,
            gradients: BatchGradients::new(
                InstructionSet::detect(),
                network,
                layout,
                recipe.batch,
                recipe.batch_norm.map_or(0.0, |norm| norm.epsilon),
            ),
        })
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
        let batches = self.images.div_ceil(self.recipe.batch);
        let mut tally = Tally::default();
        for (batch, chosen) in order.chunks(self.recipe.batch).enumerate() {
            tally.add(self.step(chosen, epoch, batches * self.recipe.epochs));
            if !tally.loss.is_finite() {
                return Err(TrainError::Diverged { epoch, batch: batch + 1 });
            }
            let seconds = begun.elapsed().as_secs_f64();
            observer.batch(&BatchReport {
                epoch,
                epochs: self.recipe.epochs,
                batch: batch + 1,
                batches,
                loss: tally.loss / tally.images as f64,
                accuracy: tally.correct as f64 / tally.images as f64,
                images_per_second: tally.images as f64 / seconds,
            });
            if observer.stop() && (epoch, batch + 1) != (self.recipe.epochs, batches) {
                return Ok(None);
            }
        }
        Ok(Some(self.report(epoch, tally, begun)))
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

    /// One batch: gradients, then the optimiser's step; `steps` is the length of the run.
    fn step(&mut self, chosen: &[usize], epoch: usize, steps: usize) -> Tally {
        let distortion = self.distorter.as_ref().map(|distorter| Distortion {
            distorter,
            seed: self.options.seed,
            epoch,
            strength: distorter.strength(epoch, self.recipe.epochs),
        });
        let batch = Batch { data: self.data, chosen, distortion };
        let tally = self.gradients.compute(&self.parameters, &batch, self.options.threads);
        decay::add(self.gradients.sums_mut(), &self.parameters, self.recipe.weight_decay);
        let factor = schedule::factor(self.recipe.schedule, self.steps, steps);
        self.net = self.optimizer.step(self.net.clone(), self.gradients.sums(), factor);
        self.steps += 1;
        self.follow();
        tally
    }

    /// Brings everything that follows the module up to its new parameters.
    fn follow(&mut self) {
        if let Some(recipe) = &self.recipe.batch_norm {
            self.net = self.net.clone().with_gammas_of_at_least(recipe.min_gamma);
            for (stage, scale) in self.parameters.iter_mut().zip(self.gradients.scales()) {
                if let Some(norm) = &mut stage.norm {
                    batch_norm::follow(norm, scale, recipe);
                }
            }
        }
        self.net.read(self.gradients.stages(), &mut self.parameters);
        if let Some(average) = &mut self.average {
            average.add(&self.parameters);
        }
    }

    /// The finished model: the average where there is one, its normalisation folded.
    fn model(&self) -> FloatModel {
        let parameters = self.average.as_ref().map_or(&self.parameters, |average| &average.stages);
        let epsilon = self.recipe.batch_norm.map_or(0.0, |norm| norm.epsilon) as f32;
        let stages = parameters.iter().map(|stage| stage.folded(epsilon)).collect();
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

/// Parameters before the first step; fresh normalisations for the stages that are normalised.
fn beginning(model: &FloatModel, layout: &layout::Layout) -> Vec<StageParameters> {
    let stages = model.stages.iter().zip(&layout.stages);
    let begin = |(stage, layout): (&StageWeights, &layout::StageLayout)| StageParameters {
        rows: stage.output_rows(),
        bias: stage.bias.clone(),
        norm: layout.normalised().then(|| Norm::initial(stage.bias.len())),
    };
    stages.map(begin).collect()
}

/// The module on an autodiff device: Burn's optimisers step parameters of no other.
fn net(model: &FloatModel, parameters: &[StageParameters]) -> Net {
    let device = backend::device().autodiff();
    let gammas = parameters.iter().filter_map(|stage| Some(stage.norm.as_ref()?.gamma.len()));
    Net::new(model, &device).with_gammas(gammas, &device)
}

#[cfg(test)]
mod tests;
