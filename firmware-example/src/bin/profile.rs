//! Where the instructions go: the model's layers, each with its instructions for one image.
//!
//! `cargo run --release --bin profile`, with `KINDLING_BOARD` and `KINDLING_MODEL` as for the
//! example.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than a profile asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;

use core::ops::Range;
use core::panic::PanicInfo;

use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::format::LAYERS_MAX;
use infer::{Arena, Layer, Model, Native, Observer, Session, Table};

const MODEL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const ARENA_BYTES: usize = infer::arena_bytes!(MODEL);
const IMAGES: &[u8] = include_bytes!("../../digits/images.bin");

/// Counts what each layer takes.
struct Profile {
    counter: Counter,
    /// The counter when the slice began.
    begun: u32,
    instructions: [u32; LAYERS_MAX],
}

impl Observer for Profile {
    fn before(&mut self, _: usize, _: &Layer<'_>, _: Range<u16>) {
        self.begun = self.counter.now();
    }

    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, _: &[i8]) {
        self.instructions[index] += self.counter.since(self.begun);
    }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let counter = Counter::start(peripherals.SYST);
    let mut table = Table::<{ infer::layers!(MODEL) }>::new();
    let model = Model::from_bytes(MODEL, &mut table).unwrap();
    let mut session = Session::new(&model, arena).unwrap();
    hprintln!("{}, kernels {}; instructions of each layer:", board::NAME, infer::BACKEND);
    let mut profile = Profile { counter, begun: 0, instructions: [0; LAYERS_MAX] };
    let image = IMAGES.get(..model.image_shape().len()).unwrap();
    session.run_with::<Native>(image, &mut profile).unwrap();
    for (layer, instructions) in model.layers().iter().zip(profile.instructions) {
        hprintln!("{:<12} {:>10}   {:>10} multiplications", layer.name, instructions, layer.macs());
    }
    hprintln!("{:<12} {:>10}", "all layers", profile.instructions.iter().sum::<u32>());
    host::exit(true)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
