//! The plan of a run: by which algorithm each layer is computed, and how many rows of each map are
//! held.
//!
//! - [`core`]: the cores there are plans for; [`cost`]: what a layer costs there, from formulas
//!   over its [terms](crate::ops::Running::terms), and what else runs: [`frame`];
//! - [`cycles`]: how many cycles that is, estimated;
//! - [`code`]: how much flash the parts of `infer` take that a plan needs;
//! - [`groups`]: interleaved layers, so that not all rows of the maps between them are held;
//! - [`stream`]: the same where rows come one by one and never end;
//! - [`mod@front`]: all plans that are worth having; [`budget`]: the fastest of them that fits.

pub mod budget;
pub mod code;
pub mod core;
pub mod cost;
pub mod cycles;
pub mod frame;
pub mod front;
pub mod groups;
pub mod stream;

pub use budget::{Budget, Miss};
pub use code::{Build, Features, Loading};
pub use core::Core;
pub use cost::Costs;
pub use front::{Plan, front, front_of};

pub use stream::NoStream;
use thiserror::Error;

use crate::model_file::WriteModelError;
use crate::plain_model::PlainModel;

/// Why there is no plan for a chip.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum FastestError {
    /// No model file can hold the network.
    #[error(transparent)]
    Write(#[from] WriteModelError),
    /// The chip is too small.
    #[error(transparent)]
    Miss(#[from] Miss),
    /// It cannot be a stream.
    #[error(transparent)]
    Stream(#[from] NoStream),
}

/// The plan with the fewest instructions on `core` within `budget`.
///
/// # Errors
/// A network that no model file can hold, or a chip that is too small.
pub fn fastest(
    model: &PlainModel,
    core: Core,
    loading: Loading,
    budget: Budget,
) -> Result<Plan, FastestError> {
    let mut front = front_of(model, core, loading)?;
    let chosen = budget.choose(&front)?;
    Ok(front.swap_remove(chosen))
}
