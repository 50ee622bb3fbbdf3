//! Measures the networks of MLPerf Tiny on every core class in the emulator: `cargo run --release
//! -p tools --bin mlperf FOLDER [CORE]...`; `mlperf page` writes the page anew from what was
//! measured last. `mlperf FOLDER PLAN [NETWORK]... [CORE]...` measures one plan, of all networks or
//! of these, on every core or on these, and puts it in the place of what was measured last.
//!
//! FOLDER holds `NAME.tflite` of each network, and in `vectors` inputs and what TensorFlow Lite's
//! reference kernels answer. Writes `target/bench/mlperf.json` and, when all cores were asked for,
//! `docs/mlperf-tiny.json` and from it `docs/mlperf-tiny.md`.
//!
//! `mlperf FOLDER cycles [NETWORK]...` estimates the cycles of the fastest plans again, and leaves
//! all else as it was measured last.

mod aims;
mod cmsis_nn;
#[path = "../code_size.rs"]
mod code_size;
mod followed;
mod page;
mod published;
mod row;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

use code_size::code_bytes;
use infer::Model;
use row::{PLANS, Row, STREAM};
use tests::cycles::{Estimate, estimates};
use tests::firmware::{self, Board, Variant};
use tests::imported::{Imported, PUBLIC, random_inputs, reference};
use tests::limits::{CORES, smallest_flash};
use tests::measure::{Counts, built_in_counts, counts_of};
use trainer::model_file::{ModelTable, write};
use trainer::plain_model::PlainModel;
use trainer::plan::cycles::{Cycles, Estimates, Processor};
use trainer::plan::{Core, Loading, Plan, front_of};

/// Random inputs beside those of the folder, for the fastest plans; all plans with
/// `KINDLING_MLPERF=all`, which takes hours.
const RANDOM_INPUTS: usize = 100;

/// Asks for estimates of cycles alone.
const CYCLES: &str = "cycles";

/// By how much the instructions of a plan may differ from those that were measured last, which are
/// of another input.
const SAME: f64 = 0.01;

/// Asks for the page alone.
const PAGE: &str = "page";

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    if words == [PAGE] {
        return write_page(&last_measured());
    }
    let (folder, asked) = words.split_first().unwrap_or_else(|| {
        refuse(
            "no folder: give the one with kws.tflite, vww.tflite, ic.tflite, ad.tflite, sww.tflite",
        )
    });
    let cores = classes();
    let networks: Vec<Case> = PUBLIC.iter().map(|name| Case::of(Path::new(folder), name)).collect();
    if let [CYCLES, names @ ..] = &asked.iter().map(|word| &**word).collect::<Vec<_>>()[..] {
        let is_asked = |case: &&Case| names.is_empty() || names.contains(&&*case.imported.name);
        return estimate_again(networks.iter().filter(is_asked));
    }
    if let [plan, names @ ..] = asked
        && (PLANS.contains(&&**plan) || plan == STREAM)
    {
        let is_core = |name: &&String| cores.iter().any(|core| core.0 == **name);
        let (of_cores, names): (Vec<&String>, Vec<&String>) = names.iter().partition(is_core);
        let is_asked = |case: &&Case| names.is_empty() || names.contains(&&case.imported.name);
        let asked: Vec<&Case> = networks.iter().filter(is_asked).collect();
        let has = |name: &str| of_cores.is_empty() || of_cores.iter().any(|core| *core == name);
        let cores: Vec<_> = cores.iter().copied().filter(|core| has(core.0)).collect();
        let mut rows = last_measured();
        cores.into_iter().for_each(|core| merge(&mut rows, rows_of(&asked, core, plan)));
        write_file("docs", "mlperf-tiny.json", &row::to_json(&rows));
        return write_page(&rows);
    }
    if let Some(unknown) = asked.iter().find(|asked| cores.iter().all(|core| core.0 != *asked)) {
        let names: Vec<&str> = cores.iter().map(|core| core.0).collect();
        refuse(&format!("{unknown}: no such core; there are {}", names.join(", ")));
    }
    let is_wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    let mut rows = vec![];
    for core in cores.into_iter().filter(|core| is_wanted(core.0)) {
        for case in &networks {
            let plans = PLANS.iter().chain([&STREAM]);
            rows.extend(plans.filter_map(|plan| case.row_of(core, plan)));
        }
    }
    let json = row::to_json(&rows);
    write_file("target/bench", "mlperf.json", &json);
    if asked.is_empty() {
        write_file("docs", "mlperf-tiny.json", &json);
        write_page(&rows);
    }
}

/// Estimates the cycles of the fastest plans that were measured last.
fn estimate_again<'c>(networks: impl Iterator<Item = &'c Case>) {
    let mut rows = last_measured();
    for Case { imported, .. } in networks {
        for (name, board, class) in classes() {
            let front = front_of(&imported.model, class, Loading::OnChip).expect("plans");
            let plan = chosen(&front, PLANS[0]);
            let is_it = |row: &&mut Row| {
                row.network == imported.name && row.core == name && row.plan == PLANS[0]
            };
            let row = rows.iter_mut().find(is_it).expect("it was measured");
            let Some(of) = estimate(&imported.model, plan, board, class) else { continue };
            let off = of.instructions as f64 / f64::from(row.instructions) - 1.0;
            if off.abs() > SAME {
                refuse(&format!(
                    "{} on {name} takes {} instructions now: measure the row, mlperf FOLDER {}",
                    row.network, of.instructions, row.plan
                ));
            }
            row.estimated_cycles = rounded(of.cycles);
            row.predicted_cycles = rounded(plan.cycles.clone());
            tell(row);
        }
    }
    write_file("docs", "mlperf-tiny.json", &row::to_json(&rows));
    write_page(&rows);
}

fn rows_of(networks: &[&Case], core: (&str, Board, Core), plan: &str) -> Vec<Row> {
    networks.iter().filter_map(|case| case.row_of(core, plan)).collect()
}

/// Puts rows in the place of those of the same plan; a new one after the others of its network and
/// core.
fn merge(rows: &mut Vec<Row>, new: Vec<Row>) {
    for row in new {
        let is_beside = |other: &Row| (&other.network, &other.core) == (&row.network, &row.core);
        let same = rows.iter().position(|other| is_beside(other) && other.plan == row.plan);
        let last = rows.iter().rposition(is_beside);
        match (same, last) {
            (Some(place), _) => rows[place] = row,
            (None, Some(place)) => rows.insert(place + 1, row),
            (None, None) => rows.push(row),
        }
    }
}

fn refuse(problem: &str) -> ! {
    eprintln!("error: {problem}");
    process::exit(2)
}

/// The cores; an M7 runs what an M4 runs.
fn classes() -> Vec<(&'static str, Board, Core)> {
    CORES.into_iter().filter(|(name, ..)| *name != "m7").collect()
}

/// A network with random inputs beside its own.
struct Case {
    imported: Imported,
    random: Vec<u8>,
    answers: Vec<i8>,
}

impl Case {
    fn of(folder: &Path, name: &str) -> Self {
        let imported = Imported::public(folder, name);
        let random = random_inputs(&imported.model, RANDOM_INPUTS);
        let answers = reference(&imported.model, &random);
        Self { imported, random, answers }
    }

    /// What a plan answers, with what it must answer.
    fn inputs(&self, wanted: &str) -> (Vec<u8>, Vec<i8>) {
        let Imported { inputs, answers, .. } = &self.imported;
        let all = env::var("KINDLING_MLPERF").is_ok_and(|value| value == "all");
        if all || wanted == PLANS[0] {
            return ([&inputs[..], &self.random].concat(), [&answers[..], &self.answers].concat());
        }
        (inputs.clone(), answers.clone())
    }

    /// What is measured of a plan; `None` of a stream where the network is none.
    fn row_of(&self, (name, board, core): (&str, Board, Core), plan: &str) -> Option<Row> {
        match plan {
            STREAM => followed::row(&self.imported, name, board, core),
            plan => Some(self.row((name, plan), board, core)),
        }
    }

    fn row(&self, (core, wanted): (&str, &str), board: Board, class: Core) -> Row {
        let model = &self.imported.model;
        let loading = if wanted == PLANS[2] { Loading::BuiltIn } else { Loading::OnChip };
        let front = front_of(model, class, loading).expect("plans");
        let plan = chosen(&front, wanted);
        let file = write(model, &plan.choices).expect("a plan of the front");
        let (inputs, answers) = self.inputs(wanted);
        let counts = counts(board, plan, &file, &inputs);
        let mut table = ModelTable::new();
        let parsed = Model::from_bytes(&file, &mut table).expect("a model");
        let layer_bytes = plan.loading.layer_bytes(plan.choices.layers.len());
        let kinds = parsed.layers().iter().map(|layer| format!("{:?}", layer.kind.kind()));
        let [estimated_cycles, predicted_cycles] = match wanted == PLANS[0] {
            true => {
                let of = estimate(model, plan, board, class).unwrap_or_default();
                [rounded(of.cycles), rounded(plan.cycles.clone())]
            }
            false => [Estimates::new(), Estimates::new()],
        };
        let row = Row {
            network: self.imported.name.clone(),
            core: core.to_owned(),
            plan: wanted.to_owned(),
            built_in: loading == Loading::BuiltIn,
            instructions: counts.total,
            predicted_instructions: plan.instructions.round() as u64,
            estimated_cycles,
            predicted_cycles,
            load_instructions: counts.load,
            macs: parsed.macs(),
            operators: row::by_operator(kinds, &counts.layers),
            code_bytes: code(board, plan) + layer_bytes,
            model_bytes: file.len(),
            arena_bytes: plan.ram,
            image_bytes: model.image.len(),
            stack_bytes: counts.stack_bytes.max(counts.load_stack_bytes),
            opt_level: plan.build.opt_level().trim_matches('"').to_owned(),
            inputs: inputs.len() / model.image.len(),
            exact: counts.scores == answers,
        };
        tell(&row);
        row
    }
}

/// Prints a row as soon as it is measured.
fn tell(row: &Row) {
    println!("{}", serde_json::to_string(row).expect("numbers and names"));
}

/// What a plan that the chip loads executes, and its estimated cycles; `None` of a class without
/// published timings.
fn estimate(model: &PlainModel, plan: &Plan, board: Board, class: Core) -> Option<Estimate> {
    Processor::ALL.iter().find(|processor| processor.core() == class)?;
    let models = [(model, &plan.choices)];
    Some(estimates(board, class, Variant::complete(plan.build), &models).remove(0).whole)
}

/// Of whole cycles.
fn rounded(cycles: Estimates) -> Estimates {
    let whole = |of: Cycles| Cycles::from(<[f64; 3]>::from(of).map(f64::round));
    cycles.into_iter().map(|(processor, of)| (processor, whole(of))).collect()
}

/// Loaded models run in firmware with all parts, so that one program serves all networks.
fn counts(board: Board, plan: &Plan, file: &[u8], inputs: &[u8]) -> Counts {
    match plan.loading {
        Loading::OnChip => {
            let files = [file.to_vec()];
            counts_of(board, Variant::complete(plan.build), &files, inputs).remove(0)
        }
        Loading::BuiltIn => built_in_counts(board, variant(plan), file, inputs),
    }
}

fn chosen<'p>(front: &'p [Plan], wanted: &str) -> &'p Plan {
    let fastest = || front.iter().min_by(|a, b| a.instructions.total_cmp(&b.instructions));
    let found = match wanted {
        "smallest-ram" => front.iter().min_by_key(|plan| (plan.ram, plan.instructions as u64)),
        "smallest-flash" => smallest_flash(front),
        _ => fastest(),
    };
    found.expect("a plan")
}

const fn variant(plan: &Plan) -> Variant {
    Variant { build: plan.build, features: plan.features }
}

/// Bytes of code of firmware with just the parts that the plan needs.
fn code(board: Board, plan: &Plan) -> usize {
    let program = firmware::bare_program(board, variant(plan), plan.loading);
    code_bytes(&fs::read(program).expect("the program that was built")).expect("an ELF file")
}

fn last_measured() -> Vec<Row> {
    let json = fs::read_to_string(of_repository("docs").join("mlperf-tiny.json"));
    serde_json::from_str(&json.expect("docs/mlperf-tiny.json")).expect("as mlperf writes it")
}

fn write_page(rows: &[Row]) {
    write_file("docs", "mlperf-tiny.md", &page::text(rows));
}

/// Writes into a folder of the repository.
fn write_file(folder: &str, name: &str, text: &str) {
    let folder = of_repository(folder);
    fs::create_dir_all(&folder).expect("the repository can be written");
    fs::write(folder.join(name), text).expect("the repository can be written");
}

fn of_repository(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder)
}
