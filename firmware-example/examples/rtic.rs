//! A model in an RTIC 2 program: inference is the idle task, a tick of one millisecond interrupts
//! it and keeps its deadline.
//!
//! `cargo run --release --example rtic`

#![no_std]
#![no_main]

use cortex_m_rt as _; // its vector table
use panic_halt as _;

#[path = "support/device.rs"]
mod device;

#[rtic::app(device = crate::device, peripherals = false)]
mod app {
    use cortex_m::peripheral::syst::SystClkSource;
    use cortex_m_semihosting::{debug, hprintln};
    use infer::{Arena, Model, Session, Table};

    infer::embedded_model!();

    const IMAGES: &[u8] = include_bytes!("../digits/images.bin");
    const TICKS_PER_MILLISECOND: u32 = 25_000;
    /// Runs of the model, long enough for some ticks.
    const RUNS: usize = 50;

    #[shared]
    struct Shared {
        on_time: u32,
        late: u32,
    }

    #[local]
    struct Local {}

    #[init]
    fn init(context: init::Context) -> (Shared, Local) {
        let mut timer = context.core.SYST;
        timer.set_clock_source(SystClkSource::Core);
        timer.set_reload(TICKS_PER_MILLISECOND - 1);
        timer.clear_current();
        timer.enable_counter();
        timer.enable_interrupt();
        (Shared { on_time: 0, late: 0 }, Local {})
    }

    /// The task with a deadline: it must begin within a hundredth of its period.
    #[task(binds = SysTick, priority = 2, shared = [on_time, late])]
    fn tick(context: tick::Context) {
        let since = (TICKS_PER_MILLISECOND - cortex_m::peripheral::SYST::get_current())
            % TICKS_PER_MILLISECOND;
        let tick::SharedResources { on_time, late, .. } = context.shared;
        (on_time, late).lock(|on_time, late| {
            *(if since < TICKS_PER_MILLISECOND / 100 { on_time } else { late }) += 1
        });
    }

    /// Everything else: inference, interrupted again and again.
    // The arena is a static of this task: in `Local` it would be built on `init`'s stack first.
    #[idle(shared = [on_time, late], local = [arena: Arena<ARENA_BYTES> = Arena::new()])]
    fn idle(context: idle::Context) -> ! {
        let mut table = Table::<LAYERS>::new();
        let model = Model::from_bytes(MODEL, &mut table).expect("checked when this was built");
        let mut session =
            Session::new(&model, context.local.arena).expect("the arena has the model's size");
        let images = IMAGES.chunks_exact(IMAGE_BYTES).cycle().take(RUNS);
        let classes =
            images.map(|image| session.run(image).map_or(usize::MAX, |scores| scores.class()));
        hprintln!("{} images", classes.count());
        let (on_time, late) =
            (context.shared.on_time, context.shared.late).lock(|on_time, late| (*on_time, *late));
        hprintln!("{} ticks on time, {} late", on_time, late);
        debug::exit(if on_time > 10 && late == 0 {
            debug::EXIT_SUCCESS
        } else {
            debug::EXIT_FAILURE
        });
        loop {
            cortex_m::asm::wfi();
        }
    }
}
