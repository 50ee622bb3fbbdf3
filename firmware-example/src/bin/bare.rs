//! The smallest program around `infer`: it loads the model, classifies one image, and says whether that worked.
//!
//! It proves two things by being linked. Nothing in it can panic: its panic handler calls a function that does not exist, so
//! a way to a panic is the link error `undefined symbol: inference_can_panic`. And nothing allocates: there is no global
//! allocator. Its size is what inference costs in flash.
//!
//! To find a panic, link with `RUSTFLAGS="-C link-arg=-Tlink.x -C link-arg=--defsym=inference_can_panic=0"` and look in the
//! disassembly for calls of `core::panicking`.

#![no_std]
#![no_main]

use core::hint::black_box;
use core::panic::PanicInfo;

use cortex_m_semihosting::debug;
use infer::{Arena, Model, Session};

const MODEL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const ARENA_BYTES: usize = infer::arena_bytes(MODEL).unwrap();
const IMAGE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/image.bin"));

#[cortex_m_rt::entry]
fn main() -> ! {
    let worked = classify().is_some();
    loop {
        debug::exit(if worked { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

/// The class of one image. Model, memory and image are hidden from the optimiser, which could prove checks away that are
/// needed for other models.
fn classify() -> Option<usize> {
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new())?;
    let model = Model::from_bytes(black_box(MODEL)).ok()?;
    let mut session = Session::new(&model, black_box(&mut arena[..])).ok()?;
    let scores = session.run(black_box(IMAGE)).ok()?;
    let probability = scores.probabilities().nth(scores.class())?;
    (probability > 0.0).then_some(scores.class())
}

/// Does not exist.
#[cfg(not(debug_assertions))]
#[allow(unsafe_code)]
mod missing {
    unsafe extern "C" {
        pub safe fn inference_can_panic() -> !;
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    // Without optimisation checks remain that cannot fail: only the release build proves something.
    #[cfg(not(debug_assertions))]
    missing::inference_can_panic();
    #[cfg(debug_assertions)]
    loop {
        debug::exit(debug::EXIT_FAILURE);
    }
}
