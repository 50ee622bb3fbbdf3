//! Classifies images on a Cortex-M. Stand-alone it shows the images that the model carries, or ten
//! stored digits; with two files on the command line it answers all images of the first into the
//! second.

#![no_std]
#![no_main]

mod answers;
mod board;
mod digits;
#[path = "board/fault.rs"]
mod fault;
mod samples;

use core::panic::PanicInfo;

use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::{Arena, Model, Session, Table};

const MODEL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const ARENA_BYTES: usize = infer::arena_bytes!(MODEL);
const LAYERS: usize = infer::layers!(MODEL);

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let (counter_is_right, counted) = counter.check();
    hprintln!(
        "{}, kernels {}; a loop of 2,000,000 instructions counts {}",
        board::NAME,
        infer::BACKEND,
        counted
    );

    let mut table = Table::<LAYERS>::new();
    let (model, loading) = counter.count(|| Model::from_bytes(MODEL, &mut table));
    let model = model.unwrap();
    let mut session = Session::new(&model, arena).unwrap();
    hprintln!(
        "model {} bytes, arena {} bytes, loaded in {} instructions",
        MODEL.len(),
        ARENA_BYTES,
        loading
    );

    let line = host::CommandLine::read();
    let mut words = line.words().skip(1);
    let right = match (words.next(), words.next()) {
        (Some(images), Some(to)) => answers::write(&mut session, &model, &mut counter, images, to),
        (Some(_), None) => {
            hprintln!("name two files: the images to read and the answers to write");
            false
        }
        _ if !samples::are_there(&model) && digits::are_known(&model) => {
            digits::show(&mut session, &model, &mut counter)
        }
        _ => samples::show(&mut session, &model, &mut counter),
    };
    host::exit(right && counter_is_right)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
