//! The loops over maps. [`Reference`] is the specification; every other set gives the same bytes.

mod portable;
mod reference;
mod unpacked;
pub(crate) mod window;
pub(crate) mod winograd;

pub use portable::Portable;
pub use reference::Reference;

use crate::model::{Conv, Dense, MaxPool};

/// The kernel set [`Session::run`](crate::Session::run) uses in this build.
pub type Native = Portable;

/// A set of kernels: everything a [`Session`](crate::Session) runs layers with.
///
/// Slices have exactly the sizes that the layer states: maps in memory order (row, column, channel).
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
