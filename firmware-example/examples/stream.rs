//! A network over time in a program for plain `cortex-m-rt`: a timer's interrupt takes samples, the
//! main loop makes an output of each between two interrupts.
//!
//! `cargo run --release --example stream`

#![no_std]
#![no_main]

use core::cell::Cell;

use cortex_m::interrupt::{self, Mutex};
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_semihosting::{debug, hprintln};
use infer::{Arena, Model, Session, Stream, Table};
use panic_halt as _;
use static_cell::ConstStaticCell;

/// Temporal convolutions over six values of a sensor, planned by `trainer plan --stream`.
const MODEL: &[u8] = infer::include_model!("../model/stream.kndl");
const LAYERS: usize = infer::layers!(MODEL);
const ARENA_BYTES: usize = infer::arena_bytes!(MODEL);

/// Ticks of the core clock from one sample to the next.
const PERIOD: u32 = 25_000;

/// Samples that the window of a run has, and samples that are taken.
const WINDOW: usize = 128;
const SAMPLES: u32 = 300;

static ARENA: ConstStaticCell<Arena<ARENA_BYTES>> = ConstStaticCell::new(Arena::new());

/// The newest sample, with its number, until the main loop takes it.
static NEWEST: Mutex<Cell<Option<(u32, Sample)>>> = Mutex::new(Cell::new(None));

type Sample = [u8; 6];

/// In a product: read from the sensor.
fn sample(number: u32) -> Sample {
    core::array::from_fn(|axis| ((number * (7 + 5 * axis as u32)) >> 1) as u8)
}

#[cortex_m_rt::exception]
fn SysTick() {
    static mut NUMBER: u32 = 0;
    let new = (*NUMBER, sample(*NUMBER));
    interrupt::free(|section| NEWEST.borrow(section).set(Some(new)));
    *NUMBER += 1;
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut timer = cortex_m::Peripherals::take().expect("the first time").SYST;
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(MODEL, &mut table).expect("a model of the repository");
    let expected = class_of_window(&model);
    let mut stream = Stream::<LAYERS>::new(&model, ARENA.take()).expect("planned for streams");
    timer.set_clock_source(SystClkSource::Core);
    timer.set_reload(PERIOD - 1);
    timer.clear_current();
    timer.enable_counter();
    timer.enable_interrupt();
    let (mut taken, mut outputs, mut is_right) = (0, 0, true);
    while taken < SAMPLES {
        let Some((number, sample)) = interrupt::free(|section| NEWEST.borrow(section).take())
        else {
            cortex_m::asm::wfi();
            continue;
        };
        is_right &= number == taken;
        taken += 1;
        // `None` until the window is full for the first time.
        if let Ok(Some(scores)) = stream.push(&sample) {
            outputs += 1;
            is_right &= outputs > 1 || Some(scores.class()) == expected;
        }
    }
    is_right &= outputs == SAMPLES - (WINDOW as u32 - 1);
    hprintln!(
        "{} samples, {} outputs: {}",
        taken,
        outputs,
        if is_right { "right" } else { "WRONG" }
    );
    debug::exit(if is_right { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {
        cortex_m::asm::wfi();
    }
}

/// What a run on the first window says: the stream's first output must say the same.
fn class_of_window(model: &Model<'_>) -> Option<usize> {
    let (mut arena, mut window) = (Arena::<ARENA_BYTES>::new(), [[0; 6]; WINDOW]);
    (0..).zip(&mut window).for_each(|(number, row)| *row = sample(number));
    let mut session = Session::new(model, &mut arena).ok()?;
    session.run(window.as_flattened()).ok().map(|scores| scores.class())
}
