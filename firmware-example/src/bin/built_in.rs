//! Measures the model that is built in, without a loader: `built_in COUNTS IMAGES SCORES`.
//!
//! COUNTS, which may be `-`, and SCORES get what `measure` writes for a model; loading takes no
//! stack, because nothing is loaded.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than measuring asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;
#[path = "../measuring.rs"]
mod measuring;
#[path = "../board/stack.rs"]
mod stack;

use core::panic::PanicInfo;

use board::host::{CommandLine, File, HostError};
use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::Arena;
use measuring::{IMAGES_BYTES, Loading, NO_COUNTS, answer, count, noise};

infer::embedded_model!();

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let line = CommandLine::read();
    let mut words = line.words().skip(1);
    let counter_is_right = line.words().nth(1) == Some(NO_COUNTS) || counter.check().0;
    let done = match (words.next(), words.next(), words.next()) {
        (Some(counts), Some(images), Some(scores)) => {
            measure(&mut counter, counts, images, scores).is_ok()
        }
        _ => false,
    };
    hprintln!(
        "{}, kernels {}: {}",
        board::NAME,
        infer::BACKEND,
        if done { "measured" } else { "failed" }
    );
    host::exit(done && counter_is_right)
}

fn measure(
    counter: &mut Counter,
    counts: &str,
    images: &str,
    scores: &str,
) -> Result<(), HostError> {
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let image = cortex_m::singleton!(: [u8; IMAGE_BYTES] = [0; IMAGE_BYTES]).unwrap();
    noise(image);
    if counts != NO_COUNTS {
        count(counter, NETWORK, arena, image, Loading::default(), &mut File::create(counts)?)?;
    }
    let buffer = cortex_m::singleton!(: [u8; IMAGES_BYTES] = [0; IMAGES_BYTES]).unwrap();
    answer(counter, NETWORK, arena, buffer, images, &mut File::create(scores)?)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
