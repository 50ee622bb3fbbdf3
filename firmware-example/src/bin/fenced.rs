//! Models of any origin between guards: `fenced MODELS ANSWERS`, or `fenced touch GUARD
//! first|last`.
//!
//! MODELS holds files one after the other, a length of 32 bits, little endian, before each. Each is
//! loaded and run twice: file, working memory and image once directly after a stretch of memory
//! that nobody may touch and once directly before one, with other bytes around them; there the
//! image is fed row by row. Then it is run as a stream, the image's rows over and over. ANSWERS
//! gets a line for each: why it was refused, that it is too large, or what it answered. An access
//! beside a buffer is a fault, which ends the program, as does `touch`, which reads a byte of a
//! guard.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than this asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;
#[path = "../fence.rs"]
mod fence;

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use board::host::{self, CommandLine, File, HostError};
use cortex_m_semihosting::hprintln;
use fence::{ARENA_BYTES, Fenced, GUARDS, IMAGE_BYTES};
use infer::kernels::KernelSet;
use infer::{Model, Native, Session, Stream, Table, Trust, self_test};
use static_cell::ConstStaticCell;

/// Layers of the largest model.
const LAYERS: usize = 32;

/// Largest run, so that a damaged file does not take hours. The direct plan of the tutorial's
/// network takes a fourteenth of it.
const OPERATIONS_MAX: u64 = 1 << 26;

/// Bytes before and after a buffer that are looked at, where no guard is.
const NEAR_BYTES: usize = 32;

/// How often a stream gets the image's rows.
const STREAM_IMAGES: usize = 3;

/// Of FNV-1a, by which outputs are summed up.
const PRIME: u32 = 16_777_619;

/// Longest answer, bytes: a longer one is cut off.
const LINE_BYTES: usize = 64 * 1024;

/// All that lies between guards, and the two answers.
static MEMORY: ConstStaticCell<Fenced> = ConstStaticCell::new(Fenced::new());
static LINES: ConstStaticCell<[Line; 2]> = ConstStaticCell::new([const { Line::new() }; 2]);

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut peripherals = cortex_m::Peripherals::take().unwrap();
    let memory = MEMORY.take().close(&mut peripherals.MPU);
    let line = CommandLine::read();
    let mut words = line.words().skip(1);
    let done = match (words.next(), words.next(), words.next()) {
        (Some("touch"), Some(guard), Some(end)) => touch(memory, guard, end == "last"),
        (Some(models), Some(answers), None) => answer_all(memory, models, answers),
        _ => Err(HostError),
    };
    hprintln!(
        "{}, kernels {}: {}",
        board::NAME,
        infer::BACKEND,
        if done.is_ok() { "done" } else { "failed" }
    );
    host::exit(done.is_ok())
}

fn touch(memory: &Fenced, guard: &str, last: bool) -> Result<(), HostError> {
    let guard = guard.parse().ok().filter(|guard| *guard < GUARDS).ok_or(HostError)?;
    hprintln!("guard {} was read: {}", guard, memory.touch(guard, last));
    Ok(())
}

fn answer_all(memory: &mut Fenced, models: &str, answers: &str) -> Result<(), HostError> {
    let lines = LINES.take();
    let (mut from, mut to) = (File::open(models)?, File::create(answers)?);
    let mut left = from.bytes()?;
    while left > 0 {
        let mut length = [0; 4];
        read_exact(&mut from, &mut length)?;
        let bytes = u32::from_le_bytes(length) as usize;
        let file = memory.file.get_mut(..bytes).ok_or(HostError)?;
        read_exact(&mut from, file)?;
        for (line, place) in lines.iter_mut().zip([Place::BehindGuard, Place::BeforeGuard]) {
            line.clear();
            answer(memory, bytes, place, line).map_err(|_| HostError)?;
        }
        let [line, elsewhere] = &lines;
        to.write(line.text())?;
        if line.text() != elsewhere.text() {
            to.write(b"; elsewhere, between other bytes, ")?;
            to.write(elsewhere.text())?;
        }
        to.write(b"\n")?;
        left -= length.len() + bytes;
    }
    Ok(())
}

fn read_exact(from: &mut File, buffer: &mut [u8]) -> Result<(), HostError> {
    if from.read(buffer) == buffer.len() { Ok(()) } else { Err(HostError) }
}

/// Where a buffer lies in the memory between its guards.
#[derive(Clone, Copy)]
enum Place {
    BehindGuard,
    BeforeGuard,
}

/// A buffer and what is near it, which nobody has to read and nobody may write.
struct Placed<'m, Byte> {
    before: &'m mut [Byte],
    buffer: &'m mut [Byte],
    after: &'m mut [Byte],
}

impl Place {
    /// Moves the first `bytes` bytes of `memory` here: as near to the guard as kernels that load
    /// words of `alignment` bytes can take them.
    fn put<Byte: Copy>(
        self,
        memory: &mut [Byte],
        bytes: usize,
        alignment: usize,
        filling: Byte,
    ) -> Placed<'_, Byte> {
        let start = match self {
            Self::BehindGuard => 0,
            Self::BeforeGuard => (memory.len() - bytes) / alignment * alignment,
        };
        memory.copy_within(..bytes, start);
        let (before, rest) = memory.split_at_mut(start);
        let (buffer, after) = rest.split_at_mut(bytes);
        let near = before.len().saturating_sub(NEAR_BYTES);
        let before = &mut before[near..];
        let near = after.len().min(NEAR_BYTES);
        let after = &mut after[..near];
        before.fill(filling);
        after.fill(filling);
        Placed { before, buffer, after }
    }

    /// What lies near a buffer, and in the working memory before a run.
    fn filling(self) -> u8 {
        match self {
            Self::BehindGuard => 0x5A,
            Self::BeforeGuard => 0x80,
        }
    }
}

/// Writes what becomes of the file at the beginning of the memory for files.
fn answer(memory: &mut Fenced, file_bytes: usize, place: Place, line: &mut Line) -> fmt::Result {
    let (alignment, filling) = (Native::ALIGNMENT_BYTES, place.filling());
    let file = place.put(&mut memory.file, file_bytes, alignment, filling).buffer;
    let mut table = Table::<LAYERS>::new();
    let model = match Trust::ANY.at_most_operations(OPERATIONS_MAX).load(file, &mut table) {
        Ok(model) => model,
        Err(error) => return write!(line, "{error:?}"),
    };
    let (arena_bytes, image_bytes) = (model.arena_bytes(), model.image_shape().len());
    if arena_bytes > ARENA_BYTES || image_bytes > IMAGE_BYTES {
        return write!(line, "too large");
    }
    let arena = place.put(&mut memory.arena, arena_bytes, alignment, filling as i8);
    arena.buffer.fill(filling as i8);
    let image = place.put(&mut memory.image, image_bytes, 1, filling).buffer;
    image.iter_mut().zip(0u32..).for_each(|(pixel, at)| *pixel = (at * 31 + 7) as u8);
    match place {
        Place::BehindGuard => run(&model, arena.buffer, image, line)?,
        Place::BeforeGuard => run_by_rows(&model, arena.buffer, image, line)?,
    }
    write!(line, ", self-test {:?}", self_test(&model, arena.buffer))?;
    stream(&model, arena.buffer, image, line)?;
    if arena.before.iter().chain(&*arena.after).any(|byte| *byte != filling as i8) {
        write!(line, "; written beside the working memory")?;
    }
    Ok(())
}

fn run(model: &Model<'_>, arena: &mut [i8], image: &[u8], line: &mut Line) -> fmt::Result {
    match Session::new(model, arena) {
        Err(error) => write!(line, "{error:?}"),
        Ok(mut session) => match session.run_stored::<Native>(image, &mut ()) {
            Err(error) => write!(line, "{error:?}"),
            Ok(scores) => write!(line, "{} of {:?}", scores.class(), scores.values()),
        },
    }
}

fn run_by_rows(model: &Model<'_>, arena: &mut [i8], image: &[u8], line: &mut Line) -> fmt::Result {
    let mut session = match Session::new(model, arena) {
        Err(error) => return write!(line, "{error:?}"),
        Ok(session) => session,
    };
    let mut rows = session.begin_stored_rows::<Native>();
    let pushed = image.chunks(model.image_shape().row_len()).try_for_each(|row| rows.push(row));
    match pushed.and_then(|()| rows.finish()) {
        Err(error) => write!(line, "{error:?}"),
        Ok(scores) => write!(line, "{} of {:?}", scores.class(), scores.values()),
    }
}

/// Runs the model as a stream, once more after a reset: the checksum of all outputs.
fn stream(model: &Model<'_>, arena: &mut [i8], image: &[u8], line: &mut Line) -> fmt::Result {
    let mut stream = match Stream::<LAYERS>::new(model, arena) {
        Err(error) => return write!(line, ", stream {error:?}"),
        Ok(stream) => stream,
    };
    let rows = image.chunks(model.image_shape().row_len()).cycle();
    let height = model.image_shape().height as usize;
    for rows in [rows.clone().take(height + 5), rows.take(STREAM_IMAGES * height)] {
        stream.reset();
        let (mut outputs, mut sum) = (0, 0u32);
        for row in rows {
            match stream.push_stored(row) {
                Err(error) => return write!(line, ", stream {error:?}"),
                Ok(None) => continue,
                Ok(Some(scores)) => {
                    let add = |sum: u32, score: &i8| (sum ^ *score as u32).wrapping_mul(PRIME);
                    (outputs, sum) = (outputs + 1, scores.values().iter().fold(sum, add));
                }
            }
        }
        write!(line, ", stream of {outputs} outputs {sum:08x}")?;
    }
    Ok(())
}

/// An answer as text.
struct Line {
    bytes: [u8; LINE_BYTES],
    length: usize,
}

impl Line {
    const fn new() -> Self {
        Self { bytes: [0; LINE_BYTES], length: 0 }
    }

    fn clear(&mut self) {
        self.length = 0;
    }

    fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for (to, byte) in self.bytes[self.length..].iter_mut().zip(text.bytes()) {
            *to = byte;
            self.length += 1;
        }
        Ok(())
    }
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
