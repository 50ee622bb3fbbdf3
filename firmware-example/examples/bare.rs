//! A model in a program for plain `cortex-m-rt`: one static arena, one loop.
//!
//! `cargo run --release --example bare`

#![no_std]
#![no_main]

use cortex_m_semihosting::{debug, hprintln};
use infer::{Arena, Session};
use panic_halt as _;
use static_cell::ConstStaticCell;

// NETWORK, ARENA_BYTES, IMAGE_BYTES and CLASSES: read and checked by build.rs when this is built,
// so that there is no loader here.
infer::embedded_model!();

// A constant from the start. `StaticCell::init(Arena::new())` would build it on the stack first.
static ARENA: ConstStaticCell<Arena<ARENA_BYTES>> = ConstStaticCell::new(Arena::new());
const IMAGES: &[u8] = include_bytes!("../digits/images.bin");
const LABELS: &[u8] = include_bytes!("../digits/labels.bin");

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut session = Session::new(NETWORK, ARENA.take()).expect("the arena has the model's size");
    let mut right = 0;
    for (image, label) in IMAGES.chunks_exact(IMAGE_BYTES).zip(LABELS) {
        // In a product: a camera's frame. Only an image of the wrong size is an error.
        if let Ok(scores) = session.run(image) {
            right += usize::from(scores.class() == *label as usize);
        }
    }
    hprintln!("{} of {} right", right, LABELS.len());
    debug::exit(if right == LABELS.len() { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {
        cortex_m::asm::wfi();
    }
}
