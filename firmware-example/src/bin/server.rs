//! Serves a model over the board's serial line, or with the feature `rtt` through a debug probe:
//! answers images, profiles, takes another model. `trainer device` is the other end.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than a server asks for")]
mod board;
#[path = "../server/clock.rs"]
mod clock;
#[cfg_attr(slots, path = "../server/slots.rs")]
#[cfg_attr(not(slots), path = "../server/ram.rs")]
mod place;
#[path = "../server/station.rs"]
mod station;

use core::panic::PanicInfo;

use board::server_memory::ServerMemory;
use clock::SysTickClock;
use infer::Arena;
#[cfg(streams)]
use infer::wire::Follower;
use infer::wire::{
    Incoming, Known, PART_BYTES_MAX, Receiver, Server, Streams, frame_bytes, model_id,
};
use station::{Served, Station};

infer::embedded_model!();

const MEMORY: ServerMemory = board::SERVER;
/// The built-in model, which needs no loader.
const BUILT_IN: Served<'static> = Served { network: NETWORK, self_test: SELF_TEST, file: MODEL };
/// Layers of the largest model that may come.
const TABLE_LAYERS: usize = larger(LAYERS, 16);
const ARENA_BUFFER_BYTES: usize = larger(ARENA_BYTES, MEMORY.arena_bytes);
const ROW_BYTES: usize = NETWORK.image_shape().row_len();
const PART_BYTES: usize = larger(MEMORY.part_bytes, smaller(ROW_BYTES, PART_BYTES_MAX));
/// A row that no part holds comes in several.
const ROW_BUFFER_BYTES: usize = match larger(ROW_BYTES, MEMORY.row_bytes) {
    longest if longest > PART_BYTES => longest,
    _ => 0,
};
const REQUEST_BYTES: usize = frame_bytes(PART_BYTES);
const ANSWER_BYTES: usize = frame_bytes(MEMORY.answer_bytes);

/// The stored digits and the host's score vectors for them; none for a model of other images.
const DIGITS: [&[u8]; 2] = [
    include_bytes!("../../digits/images.bin"),
    include_bytes!(concat!(env!("OUT_DIR"), "/expected.bin")),
];

const fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

const fn smaller(one: usize, other: usize) -> usize {
    if one < other { one } else { other }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let line = board::start_line();
    let clock = SysTickClock::start(peripherals.SYST);
    let [images, scores] = if MEMORY.digits { DIGITS } else { [&[][..]; 2] };
    let row = cortex_m::singleton!(: [u8; ROW_BUFFER_BYTES] = [0; ROW_BUFFER_BYTES]).unwrap();
    let ticks = cortex_m::singleton!(: [u32; MEMORY.timed_layers] = [0; MEMORY.timed_layers]);
    let server = Server {
        firmware: env!("CARGO_PKG_VERSION"),
        board: board::NAME,
        ticks_per_second: if clock.is_there() { board::CORE_HERTZ as u32 } else { 0 },
        part_bytes: PART_BYTES as u16,
        clock,
        incoming: Incoming::new(row, ticks.unwrap()),
        streams: streams(),
        known: Known { model: model_id(MODEL), images, scores },
    };
    let receiver = cortex_m::singleton!(: [u8; REQUEST_BYTES] = [0; REQUEST_BYTES]).unwrap();
    let mut station = Station {
        server,
        receiver: Receiver::new(receiver),
        out: cortex_m::singleton!(: [u8; ANSWER_BYTES] = [0; ANSWER_BYTES]).unwrap(),
        line,
        arena: cortex_m::singleton!(: Arena<ARENA_BUFFER_BYTES> = Arena::new()).unwrap(),
    };
    loop {
        place::serve_models(&mut station);
    }
}

/// The built-in model is planned for a stream.
#[cfg(streams)]
fn streams() -> Streams<'static> {
    let follower = cortex_m::singleton!(: Follower<TABLE_LAYERS> = Follower::new());
    Streams::of(follower.unwrap())
}

#[cfg(not(streams))]
const fn streams() -> Streams<'static> {
    Streams::NONE
}

/// Nobody is there to be told: the host sees a chip that is silent.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
