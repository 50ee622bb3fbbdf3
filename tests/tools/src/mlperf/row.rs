//! What was measured, as `docs/mlperf-tiny.json` keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use trainer::plan::cycles::Estimates;

/// The plans of each network and core.
pub const PLANS: [&str; 3] = ["fastest", "smallest-ram", "smallest-flash"];

/// The plan of a stream: instructions and the like are for a new row.
pub const STREAM: &str = "stream";

/// What was measured of a plan of a network on a core.
#[derive(Clone, Serialize, Deserialize)]
pub struct Row {
    /// The network's name.
    pub network: String,
    /// Name of the core.
    pub core: String,
    /// One of [`PLANS`], or [`STREAM`].
    pub plan: String,
    /// Whether the model is built in, so that nothing is loaded on the chip.
    pub built_in: bool,
    /// Of one run.
    pub instructions: u32,
    /// Of one run, by the planner's formulas.
    pub predicted_instructions: u64,
    /// Of one run on each processor of the core's class: estimates, from the instructions that it
    /// executes. Absent where they were not counted by kind, or no timings are published.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub estimated_cycles: Estimates,
    /// The same by the planner's formulas.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub predicted_cycles: Estimates,
    /// Of loading; 0 where the model is built in.
    pub load_instructions: u32,
    /// Multiply-accumulates that are computed, taps on padding included.
    pub macs: u64,
    /// Instructions of the layers of each operator.
    pub operators: BTreeMap<String, u64>,
    /// With the constant layers of a model that is built in.
    pub code_bytes: usize,
    /// Size of the model file.
    pub model_bytes: usize,
    /// Working memory without the image.
    pub arena_bytes: usize,
    /// The caller's image; of a stream a row.
    pub image_bytes: usize,
    /// The most that loading or running takes.
    pub stack_bytes: u32,
    /// As `Cargo.toml` has it.
    pub opt_level: String,
    /// Inputs that were answered; of a stream rows.
    pub inputs: usize,
    /// Whether all answers were the expected ones, byte for byte.
    pub exact: bool,
}

/// A list with a line for each row.
pub fn to_json(rows: &[Row]) -> String {
    let line = |row| serde_json::to_string(row).expect("numbers and names");
    format!("[\n{}\n]\n", rows.iter().map(line).collect::<Vec<_>>().join(",\n"))
}

/// Adds up the instructions of the layers of each operator.
pub fn by_operator(
    operators: impl Iterator<Item = String>,
    layers: &[u32],
) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (operator, instructions) in operators.zip(layers) {
        *sums.entry(operator).or_default() += u64::from(*instructions);
    }
    sums
}
