//! Why training cannot begin or go on.

use thiserror::Error;

use crate::atomic_file::WriteError;
use crate::data::fit::FitError;
use crate::graph::DemandError;
use crate::kernels::INSTRUCTION_SET_VARIABLE;
use crate::network::OUTPUTS_MAX;
use crate::quantize::QuantizeError;
use crate::recipe::STATISTICS_MIN;

/// Why training cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] DemandError),
    /// Images and network do not go together.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// More outputs than answers are counted for.
    #[error(
        "the network ends with {found} values; at most {OUTPUTS_MAX} classes are told apart: end \
            it with a dense layer of one unit per class"
    )]
    Outputs {
        /// Values the network ends with.
        found: usize,
    },
    /// The last batch of an epoch is too small to be normalised.
    #[error(
        "the last batch of an epoch has {images} of {batch} images, {values} values per channel \
            to take mean and variance of; {STATISTICS_MIN} are needed: choose another --batch"
    )]
    LastBatch {
        /// Images of the last batch.
        images: usize,
        /// Images of the others.
        batch: usize,
        /// Values of a channel, of the smallest map.
        values: usize,
    },
    /// Nothing would be left to train on.
    #[error("{held_out} of {images} training images are held out: hold out fewer")]
    NothingToTrainOn {
        /// Images held out.
        held_out: usize,
        /// Images there are.
        images: usize,
    },
    /// The recipe goes by held-out images.
    #[error(
        "training.{key} goes by the loss of held-out images, and there are none: hold some out \
            (training.held_out), of six training images or more"
    )]
    NothingHeldOut {
        /// The key that needs them.
        key: String,
    },
    /// The environment forces an instruction set that this machine does not have.
    #[error("{INSTRUCTION_SET_VARIABLE} is '{asked}'; this machine has {}", available.join(", "))]
    InstructionSet {
        /// What is forced.
        asked: String,
        /// What there is.
        available: Vec<&'static str>,
    },
    /// The loss is no longer a number.
    #[error(
        "training diverged in epoch {epoch}, batch {batch}: the loss is not a finite number; no \
            model was written; try a lower learning rate (--lr)"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
        /// The batch, from 1.
        batch: usize,
    },
    /// Quantisation is to be minded, and the network cannot be quantised.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// The state to go on from is not one of this network and recipe.
    #[error("the saved state is not one of this run: {0}")]
    State(&'static str),
    /// Burn cannot write or read the optimiser's state.
    #[error("the optimiser's state: {0}")]
    Optimizer(String),
    /// The observer could not save the state.
    #[error(transparent)]
    Save(#[from] WriteError),
}
