//! The proof that inference cannot panic: this program loads a model and runs it, and its panic handler calls a function that does not
//! exist. If the compiler could not show that no panic is reachable, the program would not link.
//!
//! There is no allocator either, so nothing in it can use a heap. `./ci.sh no-panic` builds it for every core class. To check your own
//! firmware, use the same panic handler and build with optimisation and link-time optimisation.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use infer::{Model, Session};

/// Bytes of the model as it may arrive: unknown to the compiler.
static FILE: infer::Aligned<[u8; 4]> = infer::Aligned(*b"KNDL");

#[cortex_m_rt::entry]
fn main() -> ! {
    loop {
        black_box(answer(black_box(&FILE.0), black_box(&[])));
    }
}

/// Everything that firmware asks of `infer`.
fn answer(file: &[u8], image: &[u8]) -> Option<(usize, f32)> {
    let mut arena = infer::Arena::<1024>::new();
    let model = Model::from_bytes(file).ok()?;
    let mut session = Session::new(&model, black_box(&mut arena)).ok()?;
    let scores = session.run(image).ok()?;
    Some((scores.class(), scores.probabilities().nth(scores.class())?))
}

#[panic_handler]
#[allow(unsafe_code)]
fn panic(_: &PanicInfo) -> ! {
    unsafe extern "C" {
        fn a_panic_is_reachable() -> !;
    }
    // SAFETY: the function does not exist, so a program that could get here does not link.
    unsafe { a_panic_is_reachable() }
}
