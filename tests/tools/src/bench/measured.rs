//! What was measured, as `docs/benchmarks.json` keeps it: `docs/benchmarks.md` is written from it.

use serde::{Deserialize, Serialize};

/// All that the page has.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// The tutorial's network: a row for each core, limit and way to load.
    pub plans: Vec<Row>,
    /// A network of which every output is read: a row for each core.
    pub padded: Vec<PaddedRow>,
    /// The host's kernels.
    pub host: Host,
}

impl Measured {
    /// The file, with a line for each row.
    pub fn to_json(&self) -> String {
        let (plans, padded) = (lines(&self.plans), lines(&self.padded));
        let host = lines(std::slice::from_ref(&self.host));
        format!(
            "{{\n\"plans\": [\n{plans}\n],\n\"padded\": [\n{padded}\n],\n\"host\":\n{host}\n}}\n"
        )
    }
}

fn lines<T: Serialize>(rows: &[T]) -> String {
    let line = |row| serde_json::to_string(row).expect("numbers and names");
    rows.iter().map(line).collect::<Vec<_>>().join(",\n")
}

/// What was measured of a plan on a core.
#[derive(Serialize, Deserialize)]
pub struct Row {
    /// Name of the core.
    pub core: String,
    /// Name of the limit of flash and RAM.
    pub plan: String,
    /// Whether the model is built in, so that nothing is loaded on the chip.
    pub built_in: bool,
    /// How each layer is computed.
    pub layers: Vec<String>,
    /// Rows that are held of each map, the image's part first.
    pub held_rows: Vec<u16>,
    /// As `Cargo.toml` has it.
    pub opt_level: String,
    /// Of one run.
    pub instructions: u32,
    /// Of loading; 0 where the model is built in.
    pub load_instructions: u32,
    /// Of one run, by the planner's formulas.
    pub predicted_instructions: u64,
    /// Of the longest step of a run.
    pub longest_step_instructions: u32,
    /// With the constant layers of a model that is built in.
    pub code_bytes: usize,
    /// By the planner's table of parts.
    pub predicted_code_bytes: usize,
    /// Size of the model file.
    pub model_bytes: usize,
    /// Working memory without the image.
    pub arena_bytes: usize,
    /// The most that loading or running takes.
    pub stack_bytes: u32,
    /// Whether all scores were the reference's.
    pub exact: bool,
}

/// What a core takes for the network with nothing to leave out.
#[derive(Serialize, Deserialize)]
pub struct PaddedRow {
    /// Name of the core.
    pub core: String,
    /// Multiply-accumulates of a run.
    pub macs: u64,
    /// Instructions of the fastest plan, and of the fastest without Winograd's algorithms.
    pub instructions: [u32; 2],
    /// Working memory of both, bytes.
    pub arena_bytes: [usize; 2],
    /// Whether all answers of both were the reference's.
    pub exact: bool,
}

/// How fast the host is.
#[derive(Serialize, Deserialize)]
pub struct Host {
    /// The processor's name, as far as the system tells.
    pub processor: String,
    /// Rounds over all images, of which the fastest counts.
    pub rounds: usize,
    /// Images in a second.
    pub images_per_second: f64,
    /// Multiply-accumulates in a second.
    pub macs_per_second: f64,
}
