//! The power goes at every flash operation of an update; whatever is left, a whole and valid model runs: the old or the new one.
//!
//! The geometries are those of nine families of chips and a journal in an EEPROM. `KINDLING_POWER_CUTS=all` cuts the tutorial's update at every operation too, not at a
//! spread of them.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use infer::update::{BootError, Running, Store, TRIAL_BOOTS, UpdateError};
use infer::{Model, SelfTestError, Session, Trust, TrustError};
use tests::networks::ODD;
use tests::nor_flash::{Cells, Flash, Power};
use tests::plans::{tutorial, untrained};
use trainer::model_file::{self_test, write};
use trainer::plain_model::PlainModel;

/// Cuts of a story whose operations are fewer.
const CUTS: u64 = 4_000;

/// What is in flash while the power is off: the journal and the slots.
#[derive(Clone)]
struct Chip {
    journal: Cells,
    slots: [Cells; 2],
}

/// The chip's geometry: units and sectors of the slots, sectors of the journal.
trait Geometry: Sync {
    const NAME: &'static str;
    type Journal: Powered;
    type Slot: Powered + infer::update::MappedFlash;
    /// Sectors of a slot that hold `bytes`.
    fn slot_sectors(bytes: usize) -> usize {
        bytes.div_ceil(<Self::Slot as infer::update::nor_flash::NorFlash>::ERASE_SIZE)
    }
}

trait Powered: infer::update::nor_flash::NorFlash {
    fn power_up(cells: Cells, power: &Power) -> Self;
    fn cells(self) -> Cells;
    fn programmed(sectors: usize, file: &[u8]) -> Cells;
}

impl<const WRITE: usize, const ERASE: usize> Powered for Flash<WRITE, ERASE> {
    fn power_up(cells: Cells, power: &Power) -> Self {
        Self::new(cells, power)
    }

    fn cells(self) -> Cells {
        self.into_cells()
    }

    fn programmed(sectors: usize, file: &[u8]) -> Cells {
        Flash::<WRITE, ERASE>::programmed(sectors, file)
    }
}

/// nRF51: pages of 1 KB, words of 4 bytes.
struct Nrf51;
impl Geometry for Nrf51 {
    const NAME: &'static str = "nRF51";
    type Journal = Flash<4, 1024>;
    type Slot = Flash<4, 1024>;
}

/// nRF52: pages of 4 KB, words of 4 bytes.
struct Nrf52;
impl Geometry for Nrf52 {
    const NAME: &'static str = "nRF52";
    type Journal = Flash<4, 4096>;
    type Slot = Flash<4, 4096>;
}

/// STM32F4: the journal in two of the 16 KB sectors, the slots in sectors of 128 KB; words of 4 bytes.
struct Stm32f4;
impl Geometry for Stm32f4 {
    const NAME: &'static str = "STM32F4";
    type Journal = Flash<4, 16384>;
    type Slot = Flash<4, 131_072>;
}

/// RP2040 with its serial flash: sectors of 4 KB, pages of 256 bytes.
struct Rp2040;
impl Geometry for Rp2040 {
    const NAME: &'static str = "RP2040";
    type Journal = Flash<256, 4096>;
    type Slot = Flash<256, 4096>;
}

/// STM32F1: pages of 1 KB, half words.
struct Stm32f1;
impl Geometry for Stm32f1 {
    const NAME: &'static str = "STM32F1";
    type Journal = Flash<2, 1024>;
    type Slot = Flash<2, 1024>;
}

/// STM32L4: pages of 2 KB, double words that carry a code against errors.
struct Stm32l4;
impl Geometry for Stm32l4 {
    const NAME: &'static str = "STM32L4";
    type Journal = Flash<8, 2048>;
    type Slot = Flash<8, 2048>;
}

/// STM32H7: sectors of 128 KB for the journal too, words of 32 bytes that carry a code against errors.
struct Stm32h7;
impl Geometry for Stm32h7 {
    const NAME: &'static str = "STM32H7";
    type Journal = Flash<32, 131_072>;
    type Slot = Flash<32, 131_072>;
}

/// SAM D21: rows of 256 bytes, pages of 64.
struct Samd21;
impl Geometry for Samd21 {
    const NAME: &'static str = "SAM D21";
    type Journal = Flash<64, 256>;
    type Slot = Flash<64, 256>;
}

/// STM32H5: the journal in its data flash, sectors of 6 KB and half words; the slots in sectors of 8 KB, words of 16 bytes.
struct Stm32h5;
impl Geometry for Stm32h5 {
    const NAME: &'static str = "STM32H5";
    type Journal = Flash<2, 6144>;
    type Slot = Flash<16, 8192>;
}

/// A serial EEPROM for the journal, pages of 64 bytes that are written byte by byte, beside a serial flash of 64 KB blocks.
struct Eeprom;
impl Geometry for Eeprom {
    const NAME: &'static str = "EEPROM";
    type Journal = Flash<1, 64>;
    type Slot = Flash<256, 65_536>;
}

/// Two versions of a model with different weights, and what each answers to the same image.
struct Versions {
    files: [Vec<u8>; 2],
    image: Vec<u8>,
    answers: [Vec<i8>; 2],
}

impl Versions {
    fn of(mut model: PlainModel) -> Self {
        let image: Vec<u8> = (0..model.image.len()).map(|at| (at * 37 % 251) as u8).collect();
        let mut file = |version: u32| {
            let biases = model.layers.iter_mut().flat_map(|layer| &mut layer.channels);
            biases.for_each(|channel| channel.bias += 900 * version as i32);
            model.version = version;
            model.self_test = Some(self_test(&model, &image).expect("the model's image"));
            write(&model, &model.direct()).expect("a model")
        };
        let files = [file(1), file(2)];
        let answers = files.each_ref().map(|file| answer(&Model::from_bytes(file).expect("a model"), &image));
        assert_ne!(answers[0], answers[1], "the versions answer alike: the test would show nothing");
        Self { files, image, answers }
    }

    fn small() -> Self {
        Self::of(untrained(&ODD[0].network()))
    }
}

fn answer(model: &Model, image: &[u8]) -> Vec<i8> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).expect("a buffer of the right size");
    session.run(image).expect("the model's image").values().to_vec()
}

/// A chip that leaves the factory with version 1 in its first slot.
fn factory<G: Geometry>(versions: &Versions) -> Chip {
    let sectors = G::slot_sectors(versions.files[0].len().max(versions.files[1].len()));
    Chip {
        journal: G::Journal::programmed(2, &[]),
        slots: [G::Slot::programmed(sectors, &versions.files[0]), G::Slot::programmed(sectors, &[])],
    }
}

type StoreOf<G> = Store<<G as Geometry>::Journal, <G as Geometry>::Slot>;

fn power_up<G: Geometry>(chip: Chip, power: &Power) -> StoreOf<G> {
    let journal = G::Journal::power_up(chip.journal, power);
    let slots = chip.slots.map(|cells| G::Slot::power_up(cells, power));
    Store::open(journal, slots).expect("reading takes no power to fail")
}

fn power_down<G: Geometry>(store: StoreOf<G>) -> Chip {
    let (journal, slots) = store.into_parts();
    Chip { journal: journal.cells(), slots: slots.map(Powered::cells) }
}

/// What a product does, until it is done or the power goes.
type Story<'s, G> = &'s (dyn Fn(&mut StoreOf<G>, &Versions) -> Result<(), String> + Sync);

/// Boots, again if a model was given up; the version that runs and the boots its trial has left. Checks that it is whole: it
/// answers as that version does.
fn boot<G: Geometry>(store: &mut StoreOf<G>, versions: &Versions) -> Result<(u32, Option<u8>), String> {
    for _ in 0..2 {
        match store.boot(&Trust::ANY) {
            Ok(Running { model, updater, .. }) => {
                let version = model.version();
                let right = answer(&model, &versions.image) == versions.answers[version as usize - 1];
                assert!(right, "version {version} runs and is not what it was");
                return Ok((version, updater.trial_boots_left()));
            }
            Err(BootError::Refused { fallback: true, .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("two models were refused".to_owned())
}

/// Installs `file` beside the model that runs.
fn install<G: Geometry>(store: &mut StoreOf<G>, file: &[u8], chunk: usize) -> Result<u32, UpdateError> {
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY) else { return Err(UpdateError::NotBegun) };
    updater.begin(file.len())?;
    file.chunks(chunk).try_for_each(|chunk| updater.write(chunk))?;
    updater.finish(&Trust::ANY, &mut vec![0; 1 << 16])
}

/// Installs version 2 and confirms it at its second boot.
fn update<G: Geometry>(store: &mut StoreOf<G>, versions: &Versions) -> Result<(), String> {
    install::<G>(store, &versions.files[1], 97).map_err(|error| error.to_string())?;
    boot::<G>(store, versions)?;
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY) else { return Err("no boot".to_owned()) };
    updater.confirm().map_err(|error| error.to_string())
}

/// Installs version 2, which never gets as far as to be confirmed.
fn update_that_fails<G: Geometry>(store: &mut StoreOf<G>, versions: &Versions) -> Result<(), String> {
    install::<G>(store, &versions.files[1], 1000).map_err(|error| error.to_string())?;
    for _ in 0..=TRIAL_BOOTS {
        boot::<G>(store, versions)?;
    }
    Ok(())
}

/// Version 2 and then version 1 with a higher number: both slots are overwritten.
fn update_twice<G: Geometry>(store: &mut StoreOf<G>, versions: &Versions) -> Result<(), String> {
    update::<G>(store, versions)?;
    install::<G>(store, &versions.files[1], 256).map(|_| ()).map_err(|error| error.to_string())
}

/// Operations of a story that nothing interrupts.
fn operations<G: Geometry>(chip: &Chip, story: Story<G>, versions: &Versions) -> u64 {
    let power = Power::new(None, 1);
    let mut store = power_up::<G>(chip.clone(), &power);
    story(&mut store, versions).expect("a story with a good end");
    power.operations()
}

/// Lets the power go at operation `cut` of the story, then at each operation of the boot that follows, and boots for good. Then
/// the update is done again, which must work.
fn cut_at<G: Geometry>(chip: &Chip, story: Story<G>, versions: &Versions, cut: u64, seed: u64) -> u64 {
    let power = Power::new(Some(cut + 1), cut * 7919 + seed * 65_537 + 1);
    let mut store = power_up::<G>(chip.clone(), &power);
    let _ = story(&mut store, versions);
    assert!(power.is_cut(), "{}: the story ended before operation {cut}", G::NAME);
    let left = power_down::<G>(store);

    let (mut second_cut, mut boots) = (0, 0);
    loop {
        let power = Power::new(Some(second_cut + 1), cut * 104_729 + second_cut);
        let mut store = power_up::<G>(left.clone(), &power);
        let _ = boot::<G>(&mut store, versions);
        let whole = !power.is_cut();
        let mut store = power_up::<G>(power_down::<G>(store), &Power::new(None, 1));
        boots += 1;
        let (version, _) = boot::<G>(&mut store, versions)
            .unwrap_or_else(|error| panic!("{}, cut at {cut} and {second_cut}: {error}", G::NAME));
        assert!(version == 1 || version == 2);
        if whole {
            recover::<G>(store, versions);
            return boots;
        }
        second_cut += 1;
    }
}

/// After any cut an update ends well.
fn recover<G: Geometry>(mut store: StoreOf<G>, versions: &Versions) {
    if let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY) {
        updater.confirm().expect("flash with power");
    }
    let installed = install::<G>(&mut store, &versions.files[1], 64);
    assert_eq!(installed, Ok(2), "{}", G::NAME);
    assert_eq!(boot::<G>(&mut store, versions), Ok((2, Some(TRIAL_BOOTS - 1))));
}

/// Cuts at every `step`th operation of the story, on two threads; the cuts.
fn cut_everywhere<G: Geometry>(story: Story<G>, versions: &Versions, step: usize) -> u64 {
    let chip = factory::<G>(versions);
    let count = operations::<G>(&chip, story, versions);
    // The fewer operations there are, the more ways to cut each of them off are tried.
    let seeds = (CUTS / count).clamp(1, 32);
    let boots = AtomicU64::new(0);
    thread::scope(|scope| {
        for first in 0..2 {
            let (chip, boots) = (&chip, &boots);
            scope.spawn(move || {
                let cuts = (0..count).skip(first * step).step_by(2 * step);
                let seeded = cuts.flat_map(|cut| (0..seeds).map(move |seed| (cut, seed)));
                let sum: u64 = seeded.map(|(cut, seed)| cut_at::<G>(chip, story, versions, cut, seed)).sum();
                boots.fetch_add(sum, Ordering::Relaxed);
            });
        }
    });
    println!(
        "{}: {count} operations, cut at every {step} in {seeds} ways: {} cuts, {} boots after them",
        G::NAME,
        count.div_ceil(step as u64) * seeds,
        boots.load(Ordering::Relaxed)
    );
    count
}

fn every_story<G: Geometry>(versions: &Versions) {
    let cuts = cut_everywhere::<G>(&update::<G>, versions, 1);
    assert!(cuts > 10);
    cut_everywhere::<G>(&update_that_fails::<G>, versions, 1);
    cut_everywhere::<G>(&update_twice::<G>, versions, 1);
}

#[test]
fn nrf51() {
    every_story::<Nrf51>(&Versions::small());
}

#[test]
fn nrf52() {
    every_story::<Nrf52>(&Versions::small());
}

#[test]
fn stm32f4() {
    every_story::<Stm32f4>(&Versions::small());
}

#[test]
fn rp2040() {
    every_story::<Rp2040>(&Versions::small());
}

#[test]
fn stm32f1() {
    every_story::<Stm32f1>(&Versions::small());
}

#[test]
fn stm32l4() {
    every_story::<Stm32l4>(&Versions::small());
}

#[test]
fn stm32h7() {
    every_story::<Stm32h7>(&Versions::small());
}

#[test]
fn samd21() {
    every_story::<Samd21>(&Versions::small());
}

#[test]
fn stm32h5() {
    every_story::<Stm32h5>(&Versions::small());
}

#[test]
fn eeprom() {
    every_story::<Eeprom>(&Versions::small());
}

/// A model as large as real ones.
#[test]
fn the_tutorials_network() {
    let all = env::var("KINDLING_POWER_CUTS").is_ok_and(|value| value == "all");
    let versions = Versions::of(tutorial());
    cut_everywhere::<Rp2040>(&update::<Rp2040>, &versions, 1);
    cut_everywhere::<Nrf52>(&update::<Nrf52>, &versions, if all { 1 } else { 997 });
}

fn powered(versions: &Versions) -> StoreOf<Nrf52> {
    power_up::<Nrf52>(factory::<Nrf52>(versions), &Power::new(None, 1))
}

#[test]
fn an_update_runs_on_trial_until_it_is_confirmed() {
    let versions = Versions::small();
    let mut store = powered(&versions);
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 13), Ok(2));
    for left in (0..TRIAL_BOOTS).rev() {
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, Some(left))));
    }
    // Never confirmed: rolled back for good.
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));

    assert_eq!(update::<Nrf52>(&mut store, &versions), Ok(()));
    for _ in 0..2 * TRIAL_BOOTS {
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, None)));
    }
    // While on trial the model to fall back on is not given up.
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 64), Ok(2));
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[1], 64), Err(UpdateError::OnTrial));
}

#[test]
fn files_that_must_not_run_never_do() {
    let versions = Versions::small();
    let good = &versions.files[1];
    let mut flipped = good.clone();
    flipped[200] ^= 4;
    let mut lying = good.clone();
    *lying.last_mut().unwrap() ^= 1;
    let checksum = infer::format::checksum(&lying[infer::format::Header::CHECKED_FROM..]);
    lying[12..16].copy_from_slice(&checksum.to_le_bytes());
    let mut store = powered(&versions);
    let mut refused = |file: &[u8]| {
        let error = install::<Nrf52>(&mut store, file, 100).expect_err("a file that must not run");
        assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
        error
    };
    assert!(matches!(refused(&flipped), UpdateError::Refused(TrustError::Model(_))));
    assert_eq!(refused(&lying), UpdateError::SelfTest(SelfTestError::Differs));
    assert!(matches!(refused(&good[..good.len() - 1]), UpdateError::Refused(TrustError::Model(_))));
    assert_eq!(refused(&[]), UpdateError::Size { file: 0, slot: 4096 * good.len().div_ceil(4096) });
    assert_eq!(
        refused(&vec![0; 1 << 20]),
        UpdateError::Size { file: 1 << 20, slot: 4096 * good.len().div_ceil(4096) }
    );

    // Back to version 1 after version 2.
    let mut store = powered(&versions);
    update::<Nrf52>(&mut store, &versions).unwrap();
    let older = UpdateError::Refused(TrustError::Older { found: 1, minimum: 2 });
    assert_eq!(install::<Nrf52>(&mut store, &versions.files[0], 100), Err(older));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((2, None)));
}

#[test]
fn misuse_is_refused() {
    let versions = Versions::small();
    let file = &versions.files[1];
    let mut store = powered(&versions);
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY) else { panic!("no model") };
    assert_eq!(updater.write(&[1]), Err(UpdateError::NotBegun));
    assert_eq!(updater.finish(&Trust::ANY, &mut []), Err(UpdateError::NotBegun));
    updater.begin(file.len()).unwrap();
    updater.write(&file[..100]).unwrap();
    assert_eq!(updater.write(file), Err(UpdateError::Overrun { expected: file.len() }));
    assert_eq!(
        updater.finish(&Trust::ANY, &mut []),
        Err(UpdateError::Incomplete { expected: file.len(), found: 100 })
    );
    updater.begin(file.len()).unwrap();
    updater.write(file).unwrap();
    assert!(matches!(
        updater.finish(&Trust::ANY, &mut [0; 7]),
        Err(UpdateError::SelfTest(SelfTestError::Session(_)))
    ));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
}

/// Cells that lose their content while a model lies in them: the other one runs.
#[test]
fn a_slot_that_decays_gives_way_to_the_other() {
    let versions = Versions::small();
    let mut store = powered(&versions);
    update::<Nrf52>(&mut store, &versions).unwrap();
    let mut chip = power_down::<Nrf52>(store);
    chip.slots[1] = Flash::<4, 4096>::programmed(chip.slots[1].sectors::<4096>(), &[0; 500]);
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    assert_eq!(boot::<Nrf52>(&mut store, &versions), Ok((1, None)));
    let mut chip = power_down::<Nrf52>(store);
    chip.slots[0] = chip.slots[1].clone();
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    for _ in 0..3 {
        assert!(matches!(store.boot(&Trust::ANY), Err(BootError::Refused { fallback: false, .. })));
    }
}

#[test]
fn a_blank_chip_gets_its_first_model() {
    let versions = Versions::small();
    let mut chip = factory::<Nrf52>(&versions);
    chip.slots[0] = chip.slots[1].clone();
    let mut store = power_up::<Nrf52>(chip, &Power::new(None, 1));
    assert!(matches!(store.boot(&Trust::ANY), Err(BootError::NoModel)));
    let mut updater = store.updater();
    updater.begin(versions.files[0].len()).unwrap();
    updater.write(&versions.files[0]).unwrap();
    assert_eq!(updater.finish(&Trust::ANY, &mut vec![0; 1 << 16]), Ok(1));
    assert_eq!(
        boot::<Nrf52>(&mut store, &versions),
        Ok((1, None)),
        "there is nothing to fall back on: no trial"
    );
}

/// With a key, only signed files are installed, and the signature is checked at every boot.
#[test]
fn signed_updates() {
    use ed25519_compact::{KeyPair, Seed};
    use infer::PublicKey;
    use infer::signature::SIGNATURE_MAGIC;
    let pair = KeyPair::from_seed(Seed::new([5; 32]));
    let trust = Trust::signed_by(PublicKey::new(*pair.pk));
    let mut versions = Versions::small();
    for file in &mut versions.files {
        *file = [&file[..], &SIGNATURE_MAGIC, &*pair.sk.sign(&file[..], None)].concat();
    }
    let mut store = powered(&versions);
    let mut install = |file: &[u8]| {
        let Ok(Running { mut updater, .. }) = store.boot(&trust) else { panic!("version 1 is signed") };
        updater.begin(file.len()).unwrap();
        updater.write(file).unwrap();
        updater.finish(&trust, &mut vec![0; 1 << 16])
    };
    let file = &versions.files[1];
    assert_eq!(install(&file[..file.len() - 72]), Err(UpdateError::Refused(TrustError::NotSigned)));
    let mut forged = file.clone();
    forged[100] ^= 1;
    assert_eq!(install(&forged), Err(UpdateError::Refused(TrustError::WrongSignature)));
    assert_eq!(install(file), Ok(2));
    assert!(store.boot(&trust).is_ok_and(|running| running.model.version() == 2));
}
