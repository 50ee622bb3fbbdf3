//! The kernels of this core against the reference, on the core itself: random layers of every
//! algorithm, then some layers of known networks with the instructions each algorithm takes, and
//! the firmware's own model on ten digits. Ends with an error when one byte differs, or when a
//! model or a buffer from which the kernels cannot load words is let through.
//!
//! `kernel_suite LAYERS` takes that number of random layers of each algorithm, and counts nothing.

#![no_std]
#![no_main]

#[allow(dead_code)]
#[path = "../board/mod.rs"]
mod board;
#[path = "../digits.rs"]
mod digits;
#[path = "../board/fault.rs"]
mod fault;
#[allow(dead_code)]
#[path = "../../../infer/tests/support/random_layer/mod.rs"]
mod random_layer;

use core::panic::PanicInfo;

use board::Counter;
use board::host::{self, CommandLine};
use cortex_m_semihosting::hprintln;
use infer::features::Feature;
use infer::kernels::KernelSet;
use infer::{
    Aligned, Arena, LayerKind, Model, ModelError, Native, Session, SessionError, Table, self_test,
};
use random_layer::{
    Choice, Maps, Numbers, Random, agrees, each_choice, equals_reference, measured,
};
use static_cell::ConstStaticCell;

/// Random layers of each algorithm, unless the command line has another number.
const LAYERS: u64 = 32;

/// A small model.
const MODEL: &[u8] = infer::include_model!("../../../tests/fuzz/corpus/model/seed-8-0.kndl");

/// The model that the firmware is built with.
const TUTORIAL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const ARENA_BYTES: usize = infer::arena_bytes!(TUTORIAL);

static ARENA: ConstStaticCell<Arena<ARENA_BYTES>> = ConstStaticCell::new(Arena::new());

/// What random layers read and write.
static MAPS: ConstStaticCell<Maps> = ConstStaticCell::new(Maps::new());
static NUMBERS: ConstStaticCell<Numbers> = ConstStaticCell::new(Numbers::new());

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let (counter_is_right, counted) = counter.check();
    let checks = if cfg!(debug_assertions) { "with" } else { "without" };
    hprintln!(
        "{}, kernels {}, {} overflow checks; 2,000,000 counts {}",
        board::NAME,
        infer::BACKEND,
        checks,
        counted
    );
    let (maps, numbers) = (MAPS.take(), NUMBERS.take());
    let asked = CommandLine::read().words().nth(1).and_then(|word| word.parse().ok());
    let mut right = counter_is_right & odd_addresses_are_refused();
    right &= random_layers(asked.unwrap_or(LAYERS), maps, numbers);
    if asked.is_none() {
        each_choice(|choice| right &= count(&mut counter, choice, maps, numbers));
    }
    right &= whole_network(&mut counter);
    hprintln!("{}", if right { "all right" } else { "WRONG" });
    host::exit(right)
}

/// Whether a model and a buffer are refused at each address from which this core cannot load what
/// its kernels load, and at no other.
fn odd_addresses_are_refused() -> bool {
    let needed = Native::ALIGNMENT_BYTES;
    let mut table = Table::<16>::new();
    let Ok(model) = Model::from_bytes(MODEL, &mut table) else { return false };
    let (mut file, mut arena) = (Aligned([0; 256]), Arena::<256>::new());
    let right = (0..16).all(|at| {
        let (at_file, at_arena) =
            (&mut file.0[at..at + MODEL.len()], &mut arena[at..at + model.arena_bytes()]);
        at_file.copy_from_slice(MODEL);
        let (loaded, session) = (load_error(at_file), Session::new(&model, at_arena).err());
        if at.is_multiple_of(needed) {
            loaded.is_none() && session.is_none()
        } else {
            loaded == Some(ModelError::Misaligned { needed })
                && session == Some(SessionError::BufferMisaligned { needed })
        }
    });
    hprintln!(
        "addresses that are no multiple of {}: {}",
        needed,
        if right { "refused" } else { "WRONG" }
    );
    right
}

fn load_error(file: &[u8]) -> Option<ModelError> {
    Model::from_bytes(file, &mut Table::<16>::new()).err()
}

fn random_layers(layers: u64, maps: &mut Maps, numbers: &mut Numbers) -> bool {
    let mut wrong = 0;
    for seed in 0..layers {
        each_choice(|choice| {
            if !agrees::<Native>(&mut Random::new(seed), choice, maps, numbers) {
                hprintln!("{:?}, seed {}: differs from the reference", choice, seed);
                wrong += 1;
            }
        });
    }
    hprintln!("{} random layers of each algorithm, {} wrong", layers, wrong);
    wrong == 0
}

/// Loads the firmware's model, tests it and runs it on ten digits, if it knows them.
fn whole_network(counter: &mut Counter) -> bool {
    let arena = ARENA.take();
    let mut table = Table::<{ infer::layers!(TUTORIAL) }>::new();
    let Ok(model) = Model::from_bytes(TUTORIAL, &mut table) else { return false };
    if !digits::are_known(&model) {
        hprintln!("the model knows no digits: it is not run");
        return true;
    }
    let tested = self_test(&model, arena).is_ok();
    Session::new(&model, arena).is_ok_and(|mut session| digits::show(&mut session, &model, counter))
        && tested
}

/// Counts the layers that an algorithm computes of those that are measured; whether the results are
/// right.
fn count(counter: &mut Counter, choice: Choice, maps: &mut Maps, numbers: &mut Numbers) -> bool {
    let (mut right, mut index) = (true, 0);
    while let Some((name, layer)) = measured(choice, index, maps, numbers) {
        if let Some(kind) = layer {
            let mut instructions = 0;
            right &= equals_reference::<Native>(&kind, maps, |run| {
                ((), instructions) = counter.count(run);
            });
            print_count(name, choice, &kind, instructions);
        }
        index += 1;
    }
    right
}

fn print_count(name: &str, choice: Choice, kind: &LayerKind<'_>, instructions: u32) {
    let [_, weights] = kind.numbers().map(|numbers| numbers.len());
    let (values, macs) = (kind.output().shape.len(), kind.work().macs);
    let twice = kind.needs(Feature::TwoRoundings);
    hprintln!(
        "{}{} {:?}: {} instructions for {} values and {} multiply-accumulates, scratch {} B, \
            weights {} B",
        name,
        if twice { ", two roundings" } else { "" },
        choice,
        instructions,
        values,
        macs,
        kind.scratch_bytes(),
        weights
    );
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
