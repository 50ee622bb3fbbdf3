//! Tries the flash driver of Nordic's chips on a micro:bit v1, real or emulated: erases, writes and
//! reads pages, then installs the compiled-in model in a slot, resets the chip, and expects it to
//! run from there.

#![no_std]
#![no_main]

#[path = "../board/mod.rs"]
#[allow(dead_code, reason = "the board offers more than this asks for")]
mod board;
#[path = "../board/fault.rs"]
mod fault;

use core::panic::PanicInfo;

use board::host;
use board::nvmc::Nvmc;
use cortex_m::peripheral::SCB;
use cortex_m_semihosting::hprintln;
use infer::update::nor_flash::{NorFlash, NorFlashErrorKind, ReadNorFlash};
use infer::update::{BootError, MappedFlash, Running, Store};
use infer::{Arena, Table, Trust};

const MODEL: &[u8] = infer::include_model!(concat!(env!("OUT_DIR"), "/model.kndl"));
const ARENA_BYTES: usize = 4 * 1024;
const LAYERS: usize = infer::layers!(MODEL);

/// Of an nRF51.
const PAGE_BYTES: usize = 1024;

/// The last pages of 256 KB: those that are tried, the journal, the slots.
const START: usize = 0x0003_0000;
const TRIED_PAGES: usize = 4;
const JOURNAL_PAGES: usize = 2;
const SLOT_PAGES: usize = 24;

type Pages = Nvmc<PAGE_BYTES>;

#[cortex_m_rt::entry]
fn main() -> ! {
    let [tried, journal, slot_0, slot_1] = parts();
    let arena = cortex_m::singleton!(: Arena<ARENA_BYTES> = Arena::new()).unwrap();
    let mut store = Store::open(journal, [slot_0, slot_1]).unwrap();
    match confirm(&mut store) {
        Ok(is_right) => host::exit(is_right),
        Err(BootError::NoModel) => try_pages(tried),
        Err(error) => {
            hprintln!("{}", error);
            host::exit(false)
        }
    }
    hprintln!("pages: erased, written and read");
    let mut updater = store.updater();
    updater.begin(MODEL.len()).unwrap();
    MODEL.chunks(1000).for_each(|chunk| updater.write(chunk).unwrap());
    hprintln!("installed: version {}", updater.finish::<LAYERS>(&Trust::ANY, arena).unwrap());
    SCB::sys_reset()
}

/// Confirms the model that runs after the reset; whether it is the one that was installed.
fn confirm(store: &mut Store<impl NorFlash, impl MappedFlash>) -> Result<bool, BootError> {
    let mut table = Table::<LAYERS>::new();
    let Running { model, mut updater, file } = store.boot(&Trust::ANY, &mut table)?;
    let left = updater.trial_boots_left();
    hprintln!(
        "after the reset: version {}, {} bytes, boots left {:?}",
        model.version(),
        file.len(),
        left
    );
    updater.confirm().unwrap();
    Ok(file == MODEL && updater.trial_boots_left().is_none())
}

#[allow(unsafe_code)]
fn parts() -> [Pages; 4] {
    let mut start = START;
    [TRIED_PAGES, JOURNAL_PAGES, SLOT_PAGES, SLOT_PAGES].map(|pages| {
        let (from, bytes) = (start, pages * PAGE_BYTES);
        start += bytes;
        // SAFETY: the chip is an nRF51 with 256 KB of flash, and the program is far smaller than
        // its first 192 KB; this is called once.
        unsafe { Nvmc::at(from, bytes) }
    })
}

/// Everything that `embedded-storage` promises of flash.
fn try_pages(mut pages: Pages) {
    let all = TRIED_PAGES * PAGE_BYTES;
    assert_eq!(pages.capacity(), all);
    pages.erase(0, all as u32).unwrap();
    assert!(pages.memory().iter().all(|byte| *byte == 0xFF), "erased flash is all ones");

    // On both sides of the border of two pages.
    let words: [u8; 16] = core::array::from_fn(|place| place as u8 * 7 + 1);
    let at = 2 * PAGE_BYTES - 8;
    pages.write(at as u32, &words).unwrap();
    let mut read = [0; 16];
    pages.read(at as u32, &mut read).unwrap();
    assert_eq!(read, words);
    assert_eq!(&pages.memory()[at..at + 16], &words);
    assert!(
        pages.memory()[..at].iter().chain(&pages.memory()[at + 16..]).all(|byte| *byte == 0xFF)
    );

    // A page is erased, its neighbour is not.
    pages.erase(PAGE_BYTES as u32, 2 * PAGE_BYTES as u32).unwrap();
    assert!(pages.memory()[PAGE_BYTES..2 * PAGE_BYTES].iter().all(|byte| *byte == 0xFF));
    assert_eq!(&pages.memory()[2 * PAGE_BYTES..2 * PAGE_BYTES + 8], &words[8..]);

    assert_eq!(pages.write(2, &words[..4]), Err(NorFlashErrorKind::NotAligned));
    assert_eq!(pages.write(0, &words[..3]), Err(NorFlashErrorKind::NotAligned));
    assert_eq!(pages.erase(0, 512), Err(NorFlashErrorKind::NotAligned));
    assert_eq!(pages.erase(1024, 0), Err(NorFlashErrorKind::OutOfBounds));
    assert_eq!(pages.write(all as u32, &words), Err(NorFlashErrorKind::OutOfBounds));
    assert_eq!(pages.read(all as u32 - 8, &mut read), Err(NorFlashErrorKind::OutOfBounds));
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    hprintln!("{}", info);
    host::exit(false)
}
