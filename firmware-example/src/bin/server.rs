//! Serves a model over the board's serial line: answers images, profiles, takes another model. `trainer device` is the
//! other end.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than a server asks for")]
mod board;
#[path = "../server/clock.rs"]
mod clock;

use core::panic::PanicInfo;

use board::server_memory::ServerMemory;
use board::uart::Uart;
use clock::SysTickClock;
use infer::wire::{Clock, InUse, Known, Receiver, Server, Turn, UpdateRoom, frame_bytes};
use infer::{Aligned, Arena, Model};

infer::embedded_model!();

const MEMORY: ServerMemory = board::SERVER;
const ARENA_BUFFER_BYTES: usize = larger(ARENA_BYTES, MEMORY.arena_bytes);
const IMAGE_BUFFER_BYTES: usize = larger(IMAGE_BYTES, MEMORY.image_bytes);

/// The stored digits and the host's score vectors for them; none for a model of other images.
const KNOWN: Known<'_> = Known {
    images: include_bytes!("../../digits/images.bin"),
    scores: include_bytes!(concat!(env!("OUT_DIR"), "/expected.bin")),
};

const fn larger(one: usize, other: usize) -> usize {
    if one > other { one } else { other }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut uart = board::start_uart();
    let clock = SysTickClock::start(peripherals.SYST);
    let mut server = Server {
        firmware: env!("CARGO_PKG_VERSION"),
        board: board::NAME,
        ticks_per_second: if clock.is_there() { board::CORE_HERTZ as u32 } else { 0 },
        part_bytes: MEMORY.part_bytes as u16,
        clock,
        image: cortex_m::singleton!(: [u8; IMAGE_BUFFER_BYTES] = [0; IMAGE_BUFFER_BYTES]).unwrap(),
        known: KNOWN,
    };
    let arena = cortex_m::singleton!(: Arena<ARENA_BUFFER_BYTES> = Arena::new()).unwrap();
    let update =
        cortex_m::singleton!(: Aligned<[u8; MEMORY.update_bytes]> = Aligned([0; MEMORY.update_bytes]))
            .unwrap();
    let mut line = Line {
        receiver: Receiver::new(cortex_m::singleton!(: [u8; frame_bytes(MEMORY.part_bytes)] = [0; frame_bytes(MEMORY.part_bytes)]).unwrap()),
        out: cortex_m::singleton!(: [u8; frame_bytes(MEMORY.answer_bytes)] = [0; frame_bytes(MEMORY.answer_bytes)]).unwrap(),
    };
    let mut room = UpdateRoom::new(&mut update.0);
    loop {
        serve(MODEL, Some(&mut room), &mut line, &mut server, &mut uart, arena);
        let Some(model) = room.model() else { continue };
        serve(model, None, &mut line, &mut server, &mut uart, arena);
        room.clear();
    }
}

/// The buffers between line and server.
struct Line {
    receiver: Receiver<&'static mut [u8]>,
    out: &'static mut [u8],
}

/// Answers requests with the model in `file` until another model takes over. A message that waits in the receiver comes first.
fn serve(
    file: &[u8],
    mut room: Option<&mut UpdateRoom<'_>>,
    line: &mut Line,
    server: &mut Server<'_, impl Clock>,
    uart: &mut impl Uart,
    arena: &mut [i8],
) {
    let model = Model::from_bytes(file).unwrap();
    loop {
        let room = room.as_deref_mut();
        let mut used = InUse { model: &model, file, arena, room, room_bytes: MEMORY.update_bytes };
        let (bytes, switch) = match server.turn(&line.receiver, &mut used, line.out) {
            Turn::Answer(bytes) => (bytes, false),
            Turn::AnswerAndSwitch(bytes) => (bytes, true),
            Turn::FallBack => return,
        };
        bytes.iter().for_each(|byte| uart.write(*byte));
        line.receiver.clear();
        if switch {
            return;
        }
        while !line.receiver.push(uart.read()) {}
    }
}

/// Nobody is there to be told: the host sees a chip that is silent.
#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
