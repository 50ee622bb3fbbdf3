//! A network over time in an Embassy program: a task with a timer takes samples, in an executor
//! that interrupts the one of the main thread, whose task makes an output of each.
//!
//! `cargo run --release --example stream_embassy`

#![no_std]
#![no_main]

#[path = "support/systick_driver.rs"]
mod systick_driver;

use cortex_m_semihosting::{debug, hprintln};
use embassy_executor::{Executor, InterruptExecutor};
use embassy_sync::blocking_mutex::raw::CriticalSectionRawMutex;
use embassy_sync::channel::Channel;
use embassy_time::{Duration, Ticker};
use infer::{Arena, Model, Stream, Table};
use panic_halt as _;
use static_cell::{ConstStaticCell, StaticCell};
use systick_driver::Urgent;

/// Temporal convolutions over six values of a sensor, planned by `trainer plan --stream`.
const MODEL: &[u8] = infer::include_model!("../model/stream.kndl");
const LAYERS: usize = infer::layers!(MODEL);

/// Samples that the window of a run has, and samples that are taken.
const WINDOW: u32 = 128;
const SAMPLES: u32 = 300;

/// Samples that may wait: the row that takes longest must not take longer than these.
const WAITING: usize = 4;

static ARENA: ConstStaticCell<Arena<{ infer::arena_bytes!(MODEL) }>> =
    ConstStaticCell::new(Arena::new());
static THREAD: StaticCell<Executor> = StaticCell::new();
static URGENT: InterruptExecutor = InterruptExecutor::new();
static TAKEN: Channel<CriticalSectionRawMutex, Taken, WAITING> = Channel::new();

type Sample = [u8; 6];

/// What the task with the timer says.
enum Taken {
    Sample(Sample),
    /// Samples were lost: what comes next does not follow what came before.
    Overrun,
}

/// In a product: read from the sensor.
fn sample(number: u32) -> Sample {
    core::array::from_fn(|axis| ((number * (7 + 5 * axis as u32)) >> 1) as u8)
}

#[embassy_executor::task]
async fn take_samples() {
    let mut ticker = Ticker::every(Duration::from_millis(1));
    let mut is_lost = false;
    for number in 0.. {
        ticker.next().await;
        // A sample that finds no room is lost, and so are those after it until that has been said.
        is_lost = is_lost && TAKEN.try_send(Taken::Overrun).is_err();
        is_lost = is_lost || TAKEN.try_send(Taken::Sample(sample(number))).is_err();
    }
}

#[embassy_executor::task]
async fn follow() {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(MODEL, &mut table).expect("a model of the repository");
    let mut stream = Stream::<LAYERS>::new(&model, ARENA.take()).expect("planned for streams");
    let (mut samples, mut outputs, mut overruns) = (0, 0, 0);
    while samples < SAMPLES {
        match TAKEN.receive().await {
            Taken::Sample(sample) => {
                samples += 1;
                // `None` until the window is full for the first time.
                outputs += u32::from(matches!(stream.push(&sample), Ok(Some(_))));
            }
            Taken::Overrun => {
                overruns += 1;
                stream.reset();
            }
        }
    }
    hprintln!("{} samples, {} outputs, {} overruns", samples, outputs, overruns);
    let is_right = outputs == SAMPLES - (WINDOW - 1) && overruns == 0;
    debug::exit(if is_right { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
}

#[cortex_m_rt::exception]
#[allow(unsafe_code)]
// SAFETY: a handler of interrupts, called by the core and by nothing else.
unsafe fn DefaultHandler(_: i16) {
    // SAFETY:
    // - this is a handler of interrupts, and nothing else calls it;
    // - of the interrupts without a handler of their own one is enabled: that which `URGENT.start`
    //   got, so the executor was started before.
    unsafe { URGENT.on_interrupt() }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    systick_driver::start();
    URGENT.start(Urgent).spawn(take_samples().expect("the only one"));
    THREAD.init(Executor::new()).run(|spawner| spawner.spawn(follow().expect("the only one")))
}
