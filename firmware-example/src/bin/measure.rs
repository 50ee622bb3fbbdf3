//! Measures many models: `measure MODELS COUNTS [IMAGES SCORES]`.
//!
//! MODELS holds model files one after the other, each filled up with zeros to a multiple of 16
//! bytes. For each of them COUNTS gets numbers of 32 bits, little endian:
//!
//! - instructions and bytes of stack of a whole run on a made-up image;
//! - instructions and bytes of stack of loading;
//! - the instructions of the longest step, and of each layer.
//!
//! IMAGES holds raw images. For each model SCORES gets the scores of each of them and the
//! instructions of its run. `-` for COUNTS counts nothing: emulators without `-icount` are faster.
//! The instructions after the scores mean nothing then.

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
use infer::format::Header;
use infer::{Aligned, Arena, Model, Table};
use measuring::{IMAGES_BYTES, Loading, NO_COUNTS, answer, count, noise};

const MODELS_BYTES: usize = 1024 * 1024;
const ARENA_BYTES: usize = 512 * 1024;
const IMAGE_BYTES: usize = 64 * 1024;
const LAYERS: usize = 128;

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let line = CommandLine::read();
    let mut words = line.words().skip(1);
    let counter_is_right = line.words().nth(2) == Some(NO_COUNTS) || counter.check().0;
    let done = match (words.next(), words.next()) {
        (Some(models), Some(counts)) => {
            measure(&mut counter, models, counts, words.next().zip(words.next())).is_ok()
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
    models: &str,
    counts: &str,
    images_and_scores: Option<(&str, &str)>,
) -> Result<(), HostError> {
    let buffer =
        cortex_m::singleton!(: Aligned<[u8; MODELS_BYTES]> = Aligned([0; MODELS_BYTES])).unwrap();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let image = cortex_m::singleton!(: [u8; IMAGE_BYTES] = [0; IMAGE_BYTES]).unwrap();
    noise(image);
    let bytes = File::open(models)?.read(&mut buffer.0);
    let mut rest = &buffer.0[..bytes];
    let mut counts = if counts == NO_COUNTS { None } else { Some(File::create(counts)?) };
    let images_buffer = cortex_m::singleton!(: [u8; IMAGES_BYTES] = [0; IMAGES_BYTES]).unwrap();
    let mut images_and_scores = match images_and_scores {
        Some((images, scores)) => Some((images, File::create(scores)?)),
        None => None,
    };
    while !rest.is_empty() {
        let model_bytes = Header::read(rest).map_err(|_| HostError)?.file_bytes as usize;
        let file = &rest[..model_bytes];
        let mut table = Table::<LAYERS>::new();
        if let Some(counts) = &mut counts {
            let mut load =
                || _ = core::hint::black_box(Model::from_bytes(file, &mut table).is_ok());
            let ((), instructions) = counter.count(&mut load);
            let loading = Loading { instructions, stack_bytes: stack::used_by(load) as u32 };
            let model = Model::from_bytes(file, &mut table).map_err(|_| HostError)?;
            count(counter, &model, arena, image, loading, counts)?;
        }
        let model = Model::from_bytes(file, &mut table).map_err(|_| HostError)?;
        if let Some((images, scores)) = &mut images_and_scores {
            answer(counter, &model, arena, images_buffer, images, scores)?;
        }
        rest = &rest[model_bytes.next_multiple_of(16).min(rest.len())..];
    }
    Ok(())
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
