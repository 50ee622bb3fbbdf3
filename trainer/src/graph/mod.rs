//! The graph of a network: its operators with every shape worked out, and what of each map is read.
//! Training, quantising and planning all stand on it.

mod demand;
mod lowering;
mod sources;
mod stage;

pub use demand::{Demand, DemandError, Region, StageDemand, demand};
pub use stage::Stage;

use crate::network::{Network, NetworkError};

impl Network {
    /// The stages of the network, each after those that it reads, with every shape worked out;
    /// the last one leaves what the network is run for.
    ///
    /// # Errors
    /// A description that cannot be built is refused with the layer's number, name and shapes.
    pub fn stages(&self) -> Result<Vec<Stage>, NetworkError> {
        lowering::stages(self).map(|(stages, _)| stages)
    }

    /// For each layer the tensor that it makes: 0 is the input, `n` what stage `n - 1` leaves.
    ///
    /// # Errors
    /// As [`Network::stages`].
    pub fn made(&self) -> Result<Vec<usize>, NetworkError> {
        lowering::stages(self).map(|(_, made)| made)
    }

    /// Values the network ends with: the number of classes.
    ///
    /// # Errors
    /// As [`Network::stages`].
    pub fn classes(&self) -> Result<usize, NetworkError> {
        Ok(self.stages()?.last().map_or(0, |stage| stage.output().len()))
    }
}

#[cfg(test)]
mod tests;
