//! The kernel sets. Each operator's folder implements its kernels for every one of them.

use crate::sealed::Sealed;

/// What a kernel set is beside its kernels. Sealed: the sets are those of this crate.
pub trait KernelSet: Sealed {
    /// Name of the set, for people.
    const NAME: &'static str;

    /// Addresses of model and arena must be multiples of this.
    const ALIGNMENT_BYTES: usize;
}

/// The specification: one loop per index, nothing fused, nothing clever. Slow on purpose; every
/// other kernel set is tested against it byte by byte. It reads plain int8 weights back from
/// whatever form the algorithm stores.
pub struct Reference;

/// Kernels in plain safe Rust for every core, written so that compilers vectorise them on hosts; no
/// panics.
pub struct Portable;

/// Kernels for this build's core.
#[cfg(not(kindling_backend = "portable"))]
pub struct CortexM;

/// The kernel set [`Session::run`](crate::Session::run) uses in this build: `build.rs` chooses by
/// target and core.
#[cfg(kindling_backend = "portable")]
pub type Native = Portable;

/// The kernel set [`Session::run`](crate::Session::run) uses in this build: `build.rs` chooses by
/// target and core.
#[cfg(not(kindling_backend = "portable"))]
pub type Native = CortexM;

impl Sealed for Reference {}
impl Sealed for Portable {}
#[cfg(not(kindling_backend = "portable"))]
impl Sealed for CortexM {}

impl KernelSet for Reference {
    const NAME: &'static str = "reference";
    const ALIGNMENT_BYTES: usize = 1;
}

impl KernelSet for Portable {
    const NAME: &'static str = "portable";
    const ALIGNMENT_BYTES: usize = 1;
}

#[cfg(not(kindling_backend = "portable"))]
impl KernelSet for CortexM {
    const NAME: &'static str = if cfg!(kindling_backend = "dsp") {
        "dsp"
    } else if cfg!(kindling_backend = "armv7m") {
        "armv7m"
    } else if cfg!(kindling_backend = "armv6m") {
        "armv6m"
    } else {
        "mve"
    };
    const ALIGNMENT_BYTES: usize = 4;
}
