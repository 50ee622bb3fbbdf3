//! Follows a stream: `follow MODEL ROWS OUTPUTS`.
//!
//! ROWS holds rows as messages hold them, one after the other. OUTPUTS gets numbers of 32 bits,
//! little endian: bytes of stack that a row takes and instructions of loading, with the proof that
//! the model is a stream. Then for each row its instructions, a byte that says whether it completes
//! an output, and the scores, which are 0 where it does not.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than measuring asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;
#[path = "../board/stack.rs"]
mod stack;

use core::panic::PanicInfo;

use board::host::{CommandLine, File, HostError};
use board::{Counter, host};
use cortex_m_semihosting::hprintln;
use infer::{Aligned, Arena, Model, Stream, Table};

const MODEL_BYTES: usize = 512 * 1024;
const ARENA_BYTES: usize = 128 * 1024;
const ROWS_BYTES: usize = 64 * 1024;
const CLASSES_MAX: usize = 64;
const LAYERS: usize = 64;

/// Most of the rows that are pushed before the others, to see how much stack one takes.
const WARM_UP: usize = 200;

#[cortex_m_rt::entry]
fn main() -> ! {
    let peripherals = cortex_m::Peripherals::take().unwrap();
    let mut counter = Counter::start(peripherals.SYST);
    let line = CommandLine::read();
    let mut words = line.words().skip(1);
    let done = match (words.next(), words.next(), words.next()) {
        (Some(model), Some(rows), Some(outputs)) => {
            follow(&mut counter, model, rows, outputs).is_ok()
        }
        _ => false,
    };
    let said = if done { "followed" } else { "failed" };
    hprintln!("{}, kernels {}: {}", board::NAME, infer::BACKEND, said);
    host::exit(done)
}

fn follow(counter: &mut Counter, model: &str, rows: &str, to: &str) -> Result<(), HostError> {
    let file =
        cortex_m::singleton!(: Aligned<[u8; MODEL_BYTES]> = Aligned([0; MODEL_BYTES])).unwrap();
    let bytes = File::open(model)?.read(&mut file.0);
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let mut table = Table::<LAYERS>::new();
    let (model, loading) = counter.count(|| Model::from_bytes(&file.0[..bytes], &mut table));
    let model = model.map_err(|_| HostError)?;
    let (row_len, classes) = (model.image_shape().row_len(), model.classes());
    let (stream, proof) = counter.count(|| Stream::<LAYERS>::new(&model, arena));
    let mut stream = stream.map_err(|_| HostError)?;
    let buffer = cortex_m::singleton!(: [u8; ROWS_BYTES] = [0; ROWS_BYTES]).unwrap();
    let mut to = File::create(to)?;
    let read = File::open(rows)?.read(buffer);
    let warm_up = buffer[..read].chunks_exact(row_len).take(WARM_UP);
    let stack = stack::used_by(|| warm_up.for_each(|row| _ = stream.push_stored(row)));
    stream.reset();
    to.write(&(stack as u32).to_le_bytes())?;
    to.write(&(loading + proof).to_le_bytes())?;
    let mut from = File::open(rows)?;
    let mut left = from.bytes()?;
    while left > 0 {
        let batch = ROWS_BYTES - ROWS_BYTES % row_len;
        let read = from.read(&mut buffer[..batch.min(left)]);
        if read == 0 || read % row_len > 0 {
            return Err(HostError);
        }
        for row in buffer[..read].chunks_exact(row_len) {
            push(counter, &mut stream, row, classes, &mut to)?;
        }
        left -= read;
    }
    Ok(())
}

fn push(
    counter: &mut Counter,
    stream: &mut Stream<'_, '_, LAYERS>,
    row: &[u8],
    classes: usize,
    to: &mut File,
) -> Result<(), HostError> {
    let (output, instructions) = counter.count(|| stream.push_stored(row));
    let output = output.map_err(|_| HostError)?;
    let mut bytes = [0; 5 + CLASSES_MAX];
    bytes[..4].copy_from_slice(&instructions.to_le_bytes());
    if let Some(scores) = output {
        bytes[4] = 1;
        bytes[5..].iter_mut().zip(scores.values()).for_each(|(to, score)| *to = *score as u8);
    }
    to.write(bytes.get(..5 + classes).ok_or(HostError)?)
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
