//! The networks of `trainer/networks`, as people draw them up: trained for some steps, quantised,
//! planned for every class of cores, and run on the host and on every emulated core with the bytes
//! of the reference.

use std::fs;
use std::path::{Path, PathBuf};

use infer::{Kernels, Model, Portable, Reference, Session};
use tests::firmware::{Board, M0, M3, M4, M7, M33, M55};
use tests::measure::counts;
use trainer::data::Dataset;
use trainer::data::metadata::About;
use trainer::export::{ExportOptions, Target, export_with};
use trainer::model_file::{ModelTable, write};
use trainer::plain_model::{PlainInterface, PlainModel};
use trainer::plan::{Core, Loading, Plan, front_of};
use trainer::preset::Preset;
use trainer::recipe::{Recipe, Task};
use trainer::train::{BatchReport, EpochReport, Observer, TrainOptions, train};

/// Files that other tests train to the end.
const TRAINED_ELSEWHERE: [&str; 3] = ["tutorial", "standard", "best"];

/// Images that a network is trained on, in two batches.
const IMAGES: usize = 32;

/// Images that each core answers.
const ANSWERED: usize = 2;

/// Most classes that labels tell apart here.
const CLASSES_MAX: usize = 256;

const CORES: [(Board, Core); 6] = [
    (M0, Core::M0),
    (M3, Core::M3),
    (M4, Core::M4),
    (M7, Core::M4),
    (M33, Core::M33),
    (M55, Core::M55),
];

struct Quiet;

impl Observer for Quiet {
    fn batch(&mut self, _: &BatchReport) {}

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        false
    }
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/networks");
    let files = fs::read_dir(folder).expect("the networks of the repository");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| !TRAINED_ELSEWHERE.iter().any(|name| path.file_stem().unwrap() == *name));
    files.sort();
    files
}

/// Noise that is brighter for later classes.
fn noise(preset: &Preset) -> Dataset {
    let shape = preset.network.input.shape();
    let classes = preset.network.classes().expect("a network").min(CLASSES_MAX);
    let mut state = 1u32;
    let mut pixel = |label: u8| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 25) as u8 + (label as usize * 128 / classes) as u8
    };
    let labels: Vec<u8> = (0..IMAGES).map(|image| (image % classes) as u8).collect();
    let mut pixels = Vec::new();
    for label in &labels {
        pixels.extend((0..shape.len()).map(|_| pixel(*label)));
    }
    let outputs = preset.network.classes().expect("a network");
    let is_classified = preset.recipe.task.is_classify();
    let targets = match preset.recipe.task {
        Task::Regress => labels.iter().flat_map(|label| vec![*label as f32; outputs]).collect(),
        Task::Classify | Task::Reconstruct => vec![],
    };
    let classes = if is_classified { outputs } else { CLASSES_MAX };
    Dataset { shape, pixels, labels, classes, targets }
}

/// What the model file says of what it answers.
fn about(preset: &Preset) -> About {
    let gives = preset.recipe.task.gives();
    About { interface: PlainInterface { gives, ..PlainInterface::default() }, ..About::default() }
}

/// The network after two steps of its recipe, in integers.
fn trained(preset: &Preset, data: &Dataset) -> PlainModel {
    let held_out = preset.recipe.held_out.min(IMAGES / 2);
    let recipe = Recipe { epochs: 1, batch: IMAGES / 4, held_out, ..preset.recipe.clone() };
    let options = TrainOptions { seed: 0, threads: 2 };
    let model = train(&preset.network, &recipe, data, &options, &mut Quiet).expect("it trains");
    let options = ExportOptions::from(Target::Portable);
    let file = export_with(&model.model, data, options, &about(preset)).expect("it exports").bytes;
    PlainModel::of(&Model::from_bytes(&file, &mut ModelTable::new()).expect("a model"))
}

/// The scores of all images, one after the other.
fn scores<Set: Kernels>(file: &[u8], images: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut run =
        |image| session.run_with::<Set>(image, &mut ()).expect("an image").values().to_vec();
    images.chunks_exact(model.image_shape().len()).flat_map(&mut run).collect()
}

/// The fastest plan, and that with the least working memory.
fn planned(model: &PlainModel, core: Core) -> [Vec<u8>; 2] {
    let plans = front_of(model, core, Loading::OnChip).expect("plans");
    let fastest = plans.iter().min_by(|a, b| a.instructions.total_cmp(&b.instructions));
    let smallest = plans.iter().min_by_key(|plan| plan.ram);
    [fastest, smallest]
        .map(|plan: Option<&Plan>| write(model, &plan.expect("a plan").choices).expect("a model"))
}

#[test]
fn networks_of_the_repository_run_on_every_core() {
    for path in files() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let preset = Preset::load(path.to_str().unwrap()).unwrap_or_else(|error| panic!("{error}"));
        let data = noise(&preset);
        let model = trained(&preset, &data);
        let images = &data.pixels[..ANSWERED * data.shape.len()];
        let direct = write(&model, &model.direct()).expect("a model");
        let reference = scores::<Reference>(&direct, images);
        assert_eq!(scores::<Portable>(&direct, images), reference, "{name}");
        for (board, core) in CORES {
            let files = planned(&model, core);
            for file in &files {
                assert_eq!(scores::<Portable>(file, images), reference, "{name} for {core:?}");
            }
            let found = counts(board, &files, images);
            for (file, found) in files.iter().zip(&found) {
                assert_eq!(found.scores, reference, "{name} on {}", board.name);
                let arena = infer::arena_bytes(file).expect("a model");
                println!("{name} on {core:?}: {} instructions, {arena} bytes", found.total);
            }
        }
    }
}
