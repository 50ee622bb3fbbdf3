//! `infer` for C: load a model into memory of the caller, where it is checked once, and run it many
//! times.
//!
//! | file | what C calls |
//! | --- | --- |
//! | `load.rs` | load, and what a model needs |
//! | `run.rs` | a run, at once or step by step |
//! | `rows.rs` | an image that comes row by row |
//! | `stream.rs` | rows without end |
//! | `outputs.rs` | scores, probabilities, real values and errors of what ran last |
//! | `status.rs` | how a call ended |
//!
//! `handle.rs` is how a loaded model lies in memory, `memory.rs` makes slices of C's pointers.

#![cfg_attr(not(test), no_std)]
#![deny(missing_docs, unsafe_op_in_unsafe_fn)]

mod built_in;
mod handle;
mod load;
mod memory;
mod outputs;
mod rows;
mod run;
mod status;
mod stream;
#[cfg(test)]
mod tests;

#[cfg(not(test))]
use core::panic::PanicInfo;

pub use handle::*;
pub use load::*;
pub use outputs::*;
pub use rows::*;
pub use run::*;
pub use status::*;
pub use stream::*;

/// Nothing here can panic: with the feature `prove-no-panic` a program in which something could
/// does not link.
#[cfg(not(test))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    #[cfg(feature = "prove-no-panic")]
    {
        unsafe extern "C" {
            safe fn a_panic_is_reachable() -> !;
        }
        a_panic_is_reachable()
    }
    #[cfg(not(feature = "prove-no-panic"))]
    loop {}
}
