//! Why training cannot begin or go on.

use thiserror::Error;

use crate::atomic_file::WriteError;
use crate::graph::DemandError;
use crate::kernels::INSTRUCTION_SET_VARIABLE;

/// Why training cannot begin or go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] DemandError),
    /// The images have other channels than the network.
    #[error(
        "the images have {images} values per pixel, the network takes {network}: change its \
            'channels'"
    )]
    Channels {
        /// Of the data set.
        images: u16,
        /// Of the network.
        network: u16,
    },
    /// There are more classes than the network has outputs.
    #[error("the labels go up to {highest}, but the network ends with {outputs} values: give its \
        last layer {} units", highest + 1)]
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
