//! What training holds in memory does not grow with its steps.
#![cfg(target_os = "linux")]

use infer::Shape;
use trainer::data::Dataset;
use trainer::preset::Preset;
use trainer::recipe::Recipe;
use trainer::train::{BatchReport, EpochReport, Observer, TrainOptions, train};

const IMAGES: usize = 64;

/// Peaks after few and after many steps may lie this far apart.
const SLACK_KIB: usize = 16 << 10;

/// Most that `standard` takes for this little data set: weights, their averages and the maps of one
/// batch.
const MOST_KIB: usize = 128 << 10;

/// Burn kept some 46 KB for each step: 91 MB more after 2,000 steps.
#[test]
fn memory_does_not_grow_with_the_steps() {
    let few = peak_after(20);
    let many = peak_after(2_000);
    assert!(few > 0 && many < few + SLACK_KIB, "{few} KiB after few steps, {many} KiB after many");
    assert!(many < MOST_KIB, "{many} KiB");
}

/// The process's highest memory so far, KiB, after a run of this many steps.
fn peak_after(steps: usize) -> usize {
    let preset = Preset::load("standard").unwrap();
    let recipe = Recipe { batch: 4, held_out: 0, epochs: steps * 4 / IMAGES, ..preset.recipe };
    let pixels = (0..IMAGES * 28 * 28).map(|index| (index * 7 % 256) as u8).collect();
    let labels = (0..IMAGES).map(|index| (index % 10) as u8).collect();
    let data =
        Dataset { shape: Shape::new(28, 28, 1), pixels, labels, classes: 10, targets: vec![] };
    train(&preset.network, &recipe, &data, &TrainOptions { seed: 1, threads: 2 }, &mut Nobody)
        .unwrap();
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line =
        status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux tells the peak");
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Is told nothing.
struct Nobody;

impl Observer for Nobody {
    fn batch(&mut self, _: &BatchReport) {}

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        false
    }
}
