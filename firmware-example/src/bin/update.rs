//! Updates the model of a running program: `update NEW`. The compiled-in model was programmed in
//! the factory; the file NEW arrives in pieces, is written to the other slot, checked, tested and
//! switched to, runs on trial and is confirmed. A file that must not run is refused, and the old
//! model runs on; then the program fails.
//!
//! The boards of the emulator cannot write their flash, so the slots lie in RAM. Everything else is
//! as on a chip.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than updating asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;

use core::panic::PanicInfo;

use board::host::{self, CommandLine, File};
use board::ram_flash::{RamFlash, SECTOR_BYTES};
use cortex_m_semihosting::hprintln;
use infer::update::{Running, Store, UpdateError};
use infer::{Arena, Model, Session, Table, Trust};

const FACTORY_MODEL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const IMAGES: &[u8] = include_bytes!("../../digits/images.bin");
const SLOT_BYTES: usize = 128 * SECTOR_BYTES;
const ARENA_BYTES: usize = 64 * 1024;

/// Bytes that arrive at a time.
const CHUNK_BYTES: usize = 1000;

type Chip<'f> = Store<&'f mut RamFlash<{ 2 * SECTOR_BYTES }>, &'f mut RamFlash<SLOT_BYTES>>;

#[cortex_m_rt::entry]
fn main() -> ! {
    let journal = cortex_m::singleton!(: RamFlash<{ 2 * SECTOR_BYTES }> = RamFlash::new()).unwrap();
    let slot_0 = cortex_m::singleton!(: RamFlash<SLOT_BYTES> = RamFlash::new()).unwrap();
    let slot_1 = cortex_m::singleton!(: RamFlash<SLOT_BYTES> = RamFlash::new()).unwrap();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    slot_0.program(FACTORY_MODEL);
    let mut store = Store::open(journal, [slot_0, slot_1]).unwrap();
    let line = CommandLine::read();
    let updated = line.words().nth(1).is_some_and(|new| update(&mut store, new, arena));
    host::exit(updated)
}

/// Installs the file `new` and runs it; whether it runs and is confirmed.
fn update(store: &mut Chip, new: &str, arena: &mut [i8]) -> bool {
    let installed = install(store, new, arena);
    // What would be a reset.
    let mut table = Table::<16>::new();
    let Running { model, mut updater, .. } = store.boot(&Trust::ANY, &mut table).unwrap();
    show("after", &model, arena);
    match installed {
        Ok(version) => {
            hprintln!(
                "version {} is installed, boots left on trial: {:?}",
                version,
                updater.trial_boots_left()
            );
            updater.confirm().is_ok() && updater.trial_boots_left().is_none()
        }
        Err(error) => {
            hprintln!("{}", error);
            false
        }
    }
}

/// Writes the file `new` to the slot that does not run, piece by piece, and switches to it.
fn install(store: &mut Chip, new: &str, arena: &mut [i8]) -> Result<u32, UpdateError> {
    let mut table = Table::<16>::new();
    let Running { model, mut updater, .. } = store.boot(&Trust::ANY, &mut table).unwrap();
    show("before", &model, arena);
    let mut file = File::open(new).map_err(|_| UpdateError::NotBegun)?;
    updater.begin(file.bytes().unwrap_or(0))?;
    let mut chunk = [0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            0 => return updater.finish::<16>(&Trust::ANY, arena),
            bytes => updater.write(&chunk[..bytes])?,
        }
    }
}

/// Runs the model on the first stored digit.
fn show(when: &str, model: &Model, arena: &mut [i8]) {
    let image = IMAGES.get(..model.image_shape().len()).unwrap();
    let mut session = Session::new(model, arena).unwrap();
    let scores = session.run(image).unwrap();
    hprintln!("{}: version {}, scores {:?}", when, model.version(), scores.values());
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
