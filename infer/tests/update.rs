//! An update from begin to end on flash that is memory: small enough for Miri.
//! `tests/tests/it/power_cut.rs` has the flash of real chips, and lets the power go.
#![cfg(feature = "update")]

mod support;

use infer::update::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use infer::update::{BootError, MappedFlash, Running, Store, TRIAL_BOOTS, UpdateError};
use infer::{Aligned, Model, Table, Trust, TrustError};
use support::Parts;

const SECTOR_BYTES: usize = 256;
const UNIT_BYTES: usize = 4;

/// Sectors of 256 bytes, units of 4; bits are only cleared by writing.
struct Flash<const BYTES: usize>(Aligned<[u8; BYTES]>);

impl<const BYTES: usize> Flash<BYTES> {
    fn programmed(file: &[u8]) -> Self {
        let mut cells = [0xFF; BYTES];
        cells[..file.len()].copy_from_slice(file);
        Self(Aligned(cells))
    }

    fn part(
        &mut self,
        from: u32,
        bytes: usize,
        unit: usize,
    ) -> Result<&mut [u8], NorFlashErrorKind> {
        if !(from as usize).is_multiple_of(unit) || !bytes.is_multiple_of(unit) {
            return Err(NorFlashErrorKind::NotAligned);
        }
        self.0.0.get_mut(from as usize..from as usize + bytes).ok_or(NorFlashErrorKind::OutOfBounds)
    }
}

impl<const BYTES: usize> ErrorType for Flash<BYTES> {
    type Error = NorFlashErrorKind;
}

impl<const BYTES: usize> ReadNorFlash for Flash<BYTES> {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), NorFlashErrorKind> {
        let part = self.part(offset, bytes.len(), 1)?;
        bytes.copy_from_slice(part);
        Ok(())
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl<const BYTES: usize> NorFlash for Flash<BYTES> {
    const WRITE_SIZE: usize = UNIT_BYTES;
    const ERASE_SIZE: usize = SECTOR_BYTES;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), NorFlashErrorKind> {
        self.part(from, (to - from) as usize, SECTOR_BYTES)?.fill(0xFF);
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), NorFlashErrorKind> {
        let part = self.part(offset, bytes.len(), UNIT_BYTES)?;
        assert!(part.iter().all(|cell| *cell == 0xFF), "the unit at {offset} is written twice");
        part.copy_from_slice(bytes);
        Ok(())
    }
}

impl<const BYTES: usize> MappedFlash for Flash<BYTES> {
    fn memory(&self) -> &[u8] {
        &self.0.0
    }
}

type SmallStore = Store<Flash<512>, Flash<1024>>;

fn file(version: u32) -> Vec<u8> {
    Parts { model_version: version, ..Parts::default() }.file()
}

fn factory() -> SmallStore {
    Store::open(Flash::programmed(&[]), [Flash::programmed(&file(1)), Flash::programmed(&[])])
        .unwrap()
}

/// The version that runs after a reset, and the boots its trial has left.
fn reset(store: SmallStore) -> (SmallStore, u32, Option<u8>) {
    let (journal, slots) = store.into_parts();
    let mut store = Store::open(journal, slots).unwrap();
    let (version, left) = {
        let mut table = Table::<3>::new();
        let running = store.boot(&Trust::ANY, &mut table).unwrap_or_else(|error| panic!("{error}"));
        (running.model.version(), running.updater.trial_boots_left())
    };
    (store, version, left)
}

fn install(store: &mut SmallStore, file: &[u8]) -> Result<u32, UpdateError> {
    let mut table = Table::<3>::new();
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) else {
        panic!("a model runs")
    };
    updater.begin(file.len())?;
    file.chunks(37).try_for_each(|chunk| updater.write(chunk))?;
    updater.finish::<3>(&Trust::ANY, &mut [0; 72])
}

fn confirm(store: &mut SmallStore) {
    let mut table = Table::<3>::new();
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) else {
        panic!("a model runs")
    };
    updater.confirm().unwrap();
}

#[test]
fn a_model_that_is_confirmed_stays() {
    let mut store = factory();
    assert_eq!(install(&mut store, &file(2)), Ok(2));
    let (mut store, version, left) = reset(store);
    assert_eq!((version, left), (2, Some(TRIAL_BOOTS - 1)));
    confirm(&mut store);
    let (_, version, left) = reset(store);
    assert_eq!((version, left), (2, None));
}

#[test]
fn a_model_that_is_never_confirmed_gives_way() {
    let mut store = factory();
    assert_eq!(install(&mut store, &file(2)), Ok(2));
    for boot in 1..=TRIAL_BOOTS {
        let (next, version, left) = reset(store);
        assert_eq!((version, left), (2, Some(TRIAL_BOOTS - boot)));
        store = next;
    }
    let (_, version, left) = reset(store);
    assert_eq!((version, left), (1, None));
}

#[test]
fn what_is_no_model_or_fails_its_test_is_not_installed() {
    let mut store = factory();
    let mut damaged = file(2);
    *damaged.last_mut().unwrap() ^= 1;
    assert!(matches!(install(&mut store, &damaged), Err(UpdateError::Refused(_))));
    let mut wrong = Parts { model_version: 2, ..Parts::default() };
    wrong.dense_channels[0].bias += 10;
    assert!(matches!(install(&mut store, &wrong.file()), Err(UpdateError::SelfTest(_))));
    let older = Parts { model_version: 0, ..Parts::default() };
    assert!(matches!(install(&mut store, &older.file()), Err(UpdateError::Refused(_))));
    let (_, version, left) = reset(store);
    assert_eq!((version, left), (1, None));
}

/// A firmware that allows less work than either model takes, or has a table for fewer layers, gives
/// up neither: the firmware before it runs the one that ran.
#[test]
fn a_firmware_that_lets_in_neither_model_loses_neither() {
    let mut store = factory();
    assert_eq!(install(&mut store, &file(2)), Ok(2));
    confirm(&mut store);
    for _ in 0..3 {
        let refused = store.boot(&Trust::ANY.at_most_operations(1), &mut Table::<3>::new()).err();
        let cause = TrustError::TooSlow { found: operations(), limit: 1 };
        assert_eq!(refused, Some(BootError::Refused { cause, fallback: false }));
        let refused = store.boot(&Trust::ANY, &mut Table::<1>::new()).err();
        assert!(matches!(refused, Some(BootError::Refused { fallback: false, .. })), "{refused:?}");
    }
    let (_, version, left) = reset(store);
    assert_eq!((version, left), (2, None));
}

/// Operations of a run of either model.
fn operations() -> u64 {
    let file = file(1);
    let slot = Flash::<1024>::programmed(&file);
    let mut table = Table::<3>::new();
    let model = Model::from_bytes(&slot.memory()[..file.len()], &mut table).unwrap();
    model.operations()
}

#[test]
fn two_damaged_slots_are_no_model() {
    let mut damaged = file(1);
    *damaged.last_mut().unwrap() ^= 1;
    let slots = [Flash::programmed(&damaged), Flash::programmed(&[])];
    let mut store: SmallStore = Store::open(Flash::programmed(&[]), slots).unwrap();
    for _ in 0..2 {
        let mut table = Table::<3>::new();
        assert!(matches!(
            store.boot(&Trust::ANY, &mut table),
            Err(BootError::Refused { .. } | BootError::NoModel)
        ));
    }
    assert!(Model::from_bytes(&damaged, &mut Table::<16>::new()).is_err());
}
