//! The power goes at every flash operation of an update; whatever is left, a whole and valid model
//! runs: the old or the new one.
//!
//! The geometries are those of nine families of chips and a journal in an EEPROM.
//! `KINDLING_POWER_CUTS=all` cuts the tutorial's update at every operation too, not at a spread of
//! them.

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use infer::update::{Running, TRIAL_BOOTS};
use infer::{Table, Trust};
use tests::flash_geometry::{
    Eeprom, Geometry, Nrf51, Nrf52, Rp2040, Samd21, Stm32f1, Stm32f4, Stm32h5, Stm32h7, Stm32l4,
};
use tests::networks::GRAPH;
use tests::nor_flash::Power;
use tests::plans::{tutorial, untrained};
use tests::updated_chip::{
    Chip, LAYERS, StoreOf, Versions, boot, factory, install, power_down, power_up, update,
};

/// Cuts of a story whose operations are fewer.
const CUTS: u64 = 4_000;

/// What a product does, until it is done or the power goes.
type Story<'s, G> = &'s (dyn Fn(&mut StoreOf<G>, &Versions) -> Result<(), String> + Sync);

/// Installs version 2, which never gets as far as to be confirmed.
fn update_that_fails<G: Geometry>(
    store: &mut StoreOf<G>,
    versions: &Versions,
) -> Result<(), String> {
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

/// Lets the power go at operation `cut` of the story, then at each operation of the boot that
/// follows, and boots for good. Then the update is done again, which must work.
fn cut_at<G: Geometry>(
    chip: &Chip,
    story: Story<G>,
    versions: &Versions,
    cut: u64,
    seed: u64,
) -> u64 {
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
    {
        let mut table = Table::<LAYERS>::new();
        if let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) {
            updater.confirm().expect("flash with power");
        }
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
                let sum: u64 =
                    seeded.map(|(cut, seed)| cut_at::<G>(chip, story, versions, cut, seed)).sum();
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

/// A graph with branches.
#[test]
fn a_graph() {
    let versions = Versions::of(untrained(&GRAPH.network()));
    cut_everywhere::<Nrf52>(&update::<Nrf52>, &versions, 1);
}

/// A model as large as real ones.
#[test]
fn the_tutorials_network() {
    let all = env::var("KINDLING_POWER_CUTS").is_ok_and(|value| value == "all");
    let versions = Versions::of(tutorial());
    cut_everywhere::<Rp2040>(&update::<Rp2040>, &versions, 1);
    cut_everywhere::<Nrf52>(&update::<Nrf52>, &versions, if all { 1 } else { 997 });
}
