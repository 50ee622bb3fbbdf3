//! `cargo bench -p trainer --bench linear`: the cost of an epoch over the number of images and over
//! the multiply-accumulates of an image. The data set is MNIST, cut or repeated; the last columns
//! are constant where the cost is linear.

use std::fs;
use std::time::Instant;

use trainer::data::{DataDir, Dataset};
use trainer::graph::{Stage, StageDemand, demand};
use trainer::network::{LayerKind, Network};
use trainer::ops::StageKind;
use trainer::preset::Preset;
use trainer::recipe::Recipe;
use trainer::train::{BatchReport, EpochReport, Observer, TrainOptions, train};

const IMAGES: [usize; 5] = [15_000, 30_000, 60_000, 120_000, 240_000];

/// Filters of the tutorial's second convolution, which does most of the work.
const FILTERS: [u16; 4] = [32, 64, 128, 256];

fn main() {
    // `cargo test --benches` only wants to see it start.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let preset = Preset::load("tutorial").expect("a built-in preset");
    let recipe = Recipe { epochs: 1, held_out: 0, ..preset.recipe };
    let data =
        DataDir::load(&DataDir::default_path()).expect("MNIST is part of the repository").train;
    println!(
        "{:>10} {:>12} {:>9} {:>9} {:>16}",
        "images", "MACs/image", "wall", "CPU", "CPU ns/image"
    );
    for images in IMAGES {
        let Cost { macs, wall, cpu } = epoch(&preset.network, &recipe, &repeated(&data, images));
        let per_image = 1e9 * cpu / images as f64;
        println!("{images:>10} {macs:>12} {wall:>7.2} s {cpu:>7.2} s {per_image:>16.0}");
    }
    println!(
        "{:>10} {:>12} {:>9} {:>9} {:>16}",
        "images", "MACs/image", "wall", "CPU", "CPU ps/MAC"
    );
    for filters in FILTERS {
        let Cost { macs, wall, cpu } =
            epoch(&widened(&preset.network, filters), &recipe, &repeated(&data, 15_000));
        let per_mac = 1e12 * cpu / 15_000.0 / macs as f64;
        println!("{:>10} {macs:>12} {wall:>7.2} s {cpu:>7.2} s {per_mac:>16.0}", 15_000);
    }
}

struct Cost {
    /// Of one image forward, what nobody reads left out.
    macs: u64,
    /// Seconds.
    wall: f64,
    /// Seconds of all threads; not a number where the system does not tell.
    cpu: f64,
}

fn epoch(network: &Network, recipe: &Recipe, data: &Dataset) -> Cost {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let (begun, before) = (Instant::now(), cpu_seconds());
    train(network, recipe, data, &TrainOptions { seed: 0, threads }, &mut Nobody).expect("a run");
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - before);
    Cost { macs: macs(network), wall, cpu }
}

/// As many images as asked for: the set's first, all of them again and again.
fn repeated(data: &Dataset, images: usize) -> Dataset {
    let pixels = data.pixels.iter().copied().cycle().take(images * data.shape.len()).collect();
    let labels = data.labels.iter().copied().cycle().take(images).collect();
    Dataset { pixels, labels, targets: vec![], ..*data }
}

fn widened(network: &Network, width: u16) -> Network {
    let mut network = network.clone();
    let mut convolutions = network.layers.iter_mut().filter_map(|layer| match &mut layer.kind {
        LayerKind::Conv(layer) => Some(&mut layer.filters),
        _ => None,
    });
    *convolutions.nth(1).expect("three convolutions") = width;
    network
}

fn macs(network: &Network) -> u64 {
    let stages = network.stages().expect("a network that can be built");
    let demand = demand(network).expect("windows in the range of the format");
    stages.iter().zip(&demand.stages).map(|(stage, demand)| stage_macs(stage, demand)).sum()
}

/// Multiply-accumulates of the outputs that are read.
fn stage_macs(stage: &Stage, demand: &StageDemand) -> u64 {
    let StageKind::Conv(conv) = &stage.kind else { return stage.macs() };
    let taps = stage.weight_count() / stage.bias_count();
    let window: usize = conv.pool_size().map(usize::from).iter().product();
    (demand.part.output.len() * window * taps) as u64
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    /// What Linux shows to programs, whatever the kernel counts in.
    const TICKS_PER_SECOND: f64 = 100.0;
    let text = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: Vec<f64> = fields.filter_map(|field| field.parse().ok()).collect();
    if ticks.len() == 2 { ticks.iter().sum::<f64>() / TICKS_PER_SECOND } else { f64::NAN }
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
