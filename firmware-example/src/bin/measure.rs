//! Measures many models: `measure MODELS COUNTS [IMAGES SCORES]`.
//!
//! MODELS holds model files one after the other, each filled up with zeros to a multiple of 16 bytes. For each of them COUNTS gets the
//! instructions of a whole run on a made-up image, its bytes of stack, those of loading, then the instructions of each layer, as 32 bits, little endian. IMAGES holds raw images; for each
//! model SCORES gets the scores of each of them.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than measuring asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;
#[path = "../board/stack.rs"]
mod stack;

use core::ops::Range;
use core::panic::PanicInfo;

use board::host::{CommandLine, File, HostError};
use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::format::{Header, LAYERS_MAX};
use infer::{Aligned, Arena, Layer, Model, Native, Observer, Session};

const MODELS_BYTES: usize = 1024 * 1024;
const ARENA_BYTES: usize = 512 * 1024;
const IMAGE_BYTES: usize = 64 * 1024;
const IMAGES_BYTES: usize = 256 * 1024;
const CLASSES_MAX: usize = 1024;

/// Instructions of each layer of a run.
struct Layers<'c> {
    counter: &'c mut Counter,
    begun: u32,
    instructions: [u32; LAYERS_MAX],
}

impl Observer for Layers<'_> {
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
    let mut counter = Counter::start(peripherals.SYST);
    let (counter_is_right, _) = counter.check();
    let line = CommandLine::read();
    let mut words = line.words().skip(1);
    let done = match (words.next(), words.next()) {
        (Some(models), Some(counts)) => {
            measure(&mut counter, models, counts, words.next().zip(words.next())).is_ok()
        }
        _ => false,
    };
    hprintln!("{}, kernels {}: {}", board::NAME, infer::BACKEND, if done { "measured" } else { "failed" });
    host::exit(done && counter_is_right)
}

fn measure(
    counter: &mut Counter,
    models: &str,
    counts: &str,
    images_and_scores: Option<(&str, &str)>,
) -> Result<(), HostError> {
    let buffer = cortex_m::singleton!(: Aligned<[u8; MODELS_BYTES]> = Aligned([0; MODELS_BYTES])).unwrap();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let image = cortex_m::singleton!(: [u8; IMAGE_BYTES] = [0; IMAGE_BYTES]).unwrap();
    fill_with_noise(image);
    let bytes = File::open(models)?.read(&mut buffer.0);
    let (mut rest, mut counts) = (&buffer.0[..bytes], File::create(counts)?);
    let images = cortex_m::singleton!(: [u8; IMAGES_BYTES] = [0; IMAGES_BYTES]).unwrap();
    let mut images_and_scores = match images_and_scores {
        Some((from, to)) => {
            let bytes = File::open(from)?.read(images);
            Some((&images[..bytes], File::create(to)?))
        }
        None => None,
    };
    while !rest.is_empty() {
        let model_bytes = Header::read(rest).map_err(|_| HostError)?.file_bytes as usize;
        let model = Model::from_bytes(&rest[..model_bytes]).map_err(|_| HostError)?;
        count(counter, &rest[..model_bytes], arena, image, &mut counts)?;
        if let Some((images, scores)) = &mut images_and_scores {
            answer(&model, arena, images, scores)?;
        }
        rest = &rest[model_bytes.next_multiple_of(16).min(rest.len())..];
    }
    Ok(())
}

/// One run for the whole, one for the layers.
fn count(
    counter: &mut Counter,
    file: &[u8],
    arena: &mut [i8],
    image: &[u8],
    to: &mut File,
) -> Result<(), HostError> {
    let load_stack_bytes = stack::used_by(|| _ = core::hint::black_box(Model::from_bytes(file).is_ok()));
    let model = Model::from_bytes(file).map_err(|_| HostError)?;
    let image = image.get(..model.image_shape().len()).ok_or(HostError)?;
    let mut session = Session::new(&model, arena).map_err(|_| HostError)?;
    let (result, total) = counter.count(|| session.run(image).map(|_| ()));
    result.map_err(|_| HostError)?;
    to.write(&total.to_le_bytes())?;
    let stack_bytes = stack::used_by(|| _ = core::hint::black_box(session.run(image).is_ok()));
    to.write(&(stack_bytes as u32).to_le_bytes())?;
    to.write(&(load_stack_bytes as u32).to_le_bytes())?;
    let mut layers = Layers { counter, begun: 0, instructions: [0; LAYERS_MAX] };
    session.run_with::<Native>(image, &mut layers).map_err(|_| HostError)?;
    for instructions in &layers.instructions[..model.layers().len()] {
        to.write(&instructions.to_le_bytes())?;
    }
    Ok(())
}

/// The scores of all images.
fn answer(model: &Model, arena: &mut [i8], images: &[u8], to: &mut File) -> Result<(), HostError> {
    let mut session = Session::new(model, arena).map_err(|_| HostError)?;
    for image in images.chunks(model.image_shape().len()) {
        let scores = session.run(image).map_err(|_| HostError)?;
        let mut bytes = [0; CLASSES_MAX];
        let bytes = bytes.get_mut(..scores.values().len()).ok_or(HostError)?;
        bytes.iter_mut().zip(scores.values()).for_each(|(byte, score)| *byte = *score as u8);
        to.write(bytes)?;
    }
    Ok(())
}

fn fill_with_noise(image: &mut [u8]) {
    let mut state = 1u32;
    for pixel in image {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *pixel = (state >> 24) as u8;
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
