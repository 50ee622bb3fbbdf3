//! A model in an Embassy program: inference in the executor of the main thread, and a task with a
//! deadline every millisecond in an executor that interrupts it.
//!
//! `cargo run --release --example embassy`

#![no_std]
#![no_main]

#[path = "support/systick_driver.rs"]
mod systick_driver;

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m_semihosting::{debug, hprintln};
use embassy_executor::{Executor, InterruptExecutor};
use embassy_time::{Duration, Instant, Timer};
use infer::{Arena, Model, Session, Table};
use panic_halt as _;
use static_cell::{ConstStaticCell, StaticCell};
use systick_driver::Urgent;

infer::embedded_model!();

static ARENA: ConstStaticCell<Arena<ARENA_BYTES>> = ConstStaticCell::new(Arena::new());
static THREAD: StaticCell<Executor> = StaticCell::new();
static URGENT: InterruptExecutor = InterruptExecutor::new();
static ON_TIME: AtomicU32 = AtomicU32::new(0);
static LATE: AtomicU32 = AtomicU32::new(0);
const IMAGES: &[u8] = include_bytes!("../digits/images.bin");
/// Runs of the model, long enough for some turns.
const RUNS: usize = 50;

/// The task with a deadline: each turn must begin in the millisecond it was planned for.
#[embassy_executor::task]
async fn deadline() {
    let mut planned = Instant::now();
    loop {
        planned += Duration::from_millis(1);
        Timer::at(planned).await;
        let counter = if Instant::now() == planned { &ON_TIME } else { &LATE };
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }
}

#[embassy_executor::task]
async fn classify() {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(MODEL, &mut table).expect("checked when this was built");
    let mut session = Session::new(&model, ARENA.take()).expect("the arena has the model's size");
    let mut images = 0;
    for image in IMAGES.chunks_exact(IMAGE_BYTES).cycle().take(RUNS) {
        // A layer or some rows at a time, so that other tasks of this executor get their turn too.
        let mut run = session.begin(image).expect("an image of the right size");
        while run.step() {
            embassy_futures::yield_now().await;
        }
        images += 1;
    }
    let (on_time, late) = (ON_TIME.load(Ordering::Relaxed), LATE.load(Ordering::Relaxed));
    hprintln!("{} images, {} turns on time, {} late", images, on_time, late);
    debug::exit(if on_time > 10 && late == 0 { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
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
    URGENT.start(Urgent).spawn(deadline().expect("the only one"));
    THREAD.init(Executor::new()).run(|spawner| spawner.spawn(classify().expect("the only one")))
}
