//! The same kernels on a network with nothing to leave out: padding `same` and even sizes, so that
//! every output is read.

use tests::firmware::{Board, Variant};
use tests::measure::counts_of;
use tests::plans::{reference_scores, untrained};
use tests::random_layer::Random;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::network::Network;
use trainer::plain_model::PlainModel;
use trainer::plan::{Build, Core, Costs, Loading, Plan, front};

use super::measured::PaddedRow;

/// Images that each plan answers.
const IMAGES: usize = 4;

/// The network: 16, 32 and 64 channels.
const NETWORK: &str = r#"
    input = { height = 32, width = 32, channels = 1 }
    layer = [
        { type = "conv", filters = 16, kernel = 3, padding = "same", activation = "relu" },
        { type = "max_pool", size = 2 },
        { type = "conv", filters = 32, kernel = 3, padding = "same", activation = "relu" },
        { type = "max_pool", size = 2 },
        { type = "conv", filters = 64, kernel = 3, padding = "same", activation = "relu" },
        { type = "max_pool", size = 2 },
        { type = "dense", units = 64, activation = "relu" },
        { type = "dense", units = 10 },
    ]"#;

/// Measures it on each core.
pub fn rows(cores: &[(&'static str, Board, Core)]) -> Vec<PaddedRow> {
    let network: Network = toml::from_str(NETWORK).expect("a network");
    let model = untrained(&network);
    cores.iter().map(|(name, board, core)| row(name, *board, *core, &model)).collect()
}

fn row(core: &'static str, board: Board, class: Core, model: &PlainModel) -> PaddedRow {
    let mut random = Random::new(11);
    let images: Vec<u8> =
        (0..IMAGES * model.image.len()).map(|_| random.within(0, 255) as u8).collect();
    let front =
        front(model, &Costs::of(class, Build::Fast), Build::Fast, Loading::OnChip).expect("plans");
    let fastest = |is_wanted: fn(&Plan) -> bool| {
        let wanted = front.iter().filter(|plan| is_wanted(plan));
        wanted.min_by(|a, b| a.instructions.total_cmp(&b.instructions)).expect("a plan")
    };
    let plans = [fastest(|_| true), fastest(|plan| !has_winograd(plan))];
    let files = plans.map(|plan| write(model, &plan.choices).expect("a plan of the front"));
    let counts = counts_of(board, Variant::complete(Build::Fast), &files, &images);
    let reference = reference_scores(&files[0], &images);
    PaddedRow {
        core: core.to_owned(),
        macs: infer::Model::from_bytes(&files[0], &mut ModelTable::new()).expect("a model").macs(),
        instructions: [counts[0].total, counts[1].total],
        arena_bytes: plans.map(|plan| plan.ram),
        exact: counts.iter().all(|counts| counts.scores == reference),
    }
}

fn has_winograd(plan: &Plan) -> bool {
    plan.choices.layers.iter().any(|choice| choice.name().starts_with("Winograd"))
}
