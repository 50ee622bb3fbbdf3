//! The loops over maps. [`Reference`] is the specification; every other set gives the same bytes.

#[cfg(not(kindling_backend = "portable"))]
mod arm;
mod in_place;
mod portable;
mod reference;
mod unpacked;
pub(crate) mod window;
pub(crate) mod winograd;

pub use portable::Portable;
pub use reference::Reference;

use crate::layer::{Conv, Dense, MaxPool};

#[cfg(not(kindling_backend = "portable"))]
pub use arm::CortexM;

/// The kernel set [`Session::run`](crate::Session::run) uses in this build: `build.rs` chooses by
/// target and core.
#[cfg(kindling_backend = "portable")]
pub type Native = Portable;

/// The kernel set [`Session::run`](crate::Session::run) uses in this build: `build.rs` chooses by
/// target and core.
#[cfg(not(kindling_backend = "portable"))]
pub type Native = CortexM;

/// A set of kernels: everything a [`Session`](crate::Session) runs layers with.
///
/// Slices have exactly the sizes that the layer states: maps in memory order (row, column,
/// channel).
pub trait Kernels {
    /// Name of the set, for people.
    const NAME: &'static str;

    /// Addresses of model and arena must be multiples of this.
    const ALIGNMENT_BYTES: usize;

    /// Convolution, requantisation and pooling.
    fn conv(conv: &Conv<'_>, input: &[i8], scratch: &mut [i8], output: &mut [i8]);

    /// Maximum over windows.
    fn max_pool(pool: &MaxPool, input: &[i8], output: &mut [i8]);

    /// Fully connected layer.
    fn dense(dense: &Dense<'_>, input: &[i8], output: &mut [i8]);
}
