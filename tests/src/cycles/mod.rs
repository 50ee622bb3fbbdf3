//! Cycles, estimated: the emulator counts how often each instruction is executed, and Arm's manuals
//! say how long an instruction of its kind takes without wait states.

mod thumb;
mod timing;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub use thumb::{Instruction, Kind, decode};
pub use timing::cycles;
use trainer::model_file::write;
use trainer::plain_model::{Choices, PlainModel};
use trainer::plan::Core;
use trainer::plan::cycles::{Estimates, Processor};

use crate::firmware::cargo::{emulator, output};
use crate::firmware::{self, Board, Variant};

/// An instruction that was executed between two reads of the counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Where it lies.
    pub address: u32,
    /// As it lies in memory, two or four bytes.
    pub bytes: Vec<u8>,
    /// How often.
    pub executed: u64,
    /// How often another instruction than the next one followed: a branch was taken.
    pub taken: u64,
    /// Accesses to memory more, since they were not aligned.
    pub unaligned: u64,
}

impl Executed {
    /// Where the next instruction lies.
    const fn end(&self) -> u32 {
        self.address + self.bytes.len() as u32
    }
}

/// Instructions that ran, and how many cycles they are estimated to take.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// All that were executed.
    pub instructions: u64,
    /// By each processor of the core's class.
    pub cycles: Estimates,
}

/// What a run of a model takes.
#[derive(Clone, Debug, PartialEq)]
pub struct RunEstimate {
    /// The whole run.
    pub whole: Estimate,
    /// Each layer.
    pub layers: Vec<Estimate>,
}

/// Most bytes of models that the firmware takes at once, and what each begins at a multiple of.
const BATCH_BYTES: usize = 1024 * 1024;
const ALIGNMENT_BYTES: usize = 16;

/// Runs each of the models once, planned so, and estimates its cycles; of a core whose timings are
/// published.
///
/// # Panics
/// As [`firmware::answers`]; without a C compiler, and where the emulator takes no plugins.
pub fn estimates(
    board: Board,
    core: Core,
    variant: Variant,
    models: &[(&PlainModel, &Choices)],
) -> Vec<RunEstimate> {
    let program = firmware::measuring_program(board, variant);
    let mut found = Vec::new();
    let mut rest = models;
    while !rest.is_empty() {
        let (mut file, mut count) = (Vec::new(), 0);
        for (model, choices) in rest {
            let mut next = write(model, choices).expect("a plan of the model");
            next.resize(next.len().next_multiple_of(ALIGNMENT_BYTES), 0);
            if file.len() + next.len() > BATCH_BYTES {
                break;
            }
            file.extend(next);
            count += 1;
        }
        assert!(count > 0, "a model of more than {BATCH_BYTES} bytes");
        let (batch, after) = rest.split_at(count);
        found.extend(of_batch(&intervals(board, &program, &file), core, batch));
        rest = after;
    }
    found
}

/// What the intervals say of the models that the program ran: see
/// `firmware-example/src/bin/measure.rs` for their order. Of each two, one is counted and one runs
/// from its end to the begin of the next.
fn of_batch(
    intervals: &[Vec<Executed>],
    core: Core,
    models: &[(&PlainModel, &Choices)],
) -> Vec<RunEstimate> {
    let mut counted = intervals.iter().skip(1).step_by(2);
    let mut next = || estimate(counted.next().expect("the firmware measured all"), core);
    let _checked = next();
    let of = |(model, choices): &(&PlainModel, &Choices)| {
        let _load = next();
        let whole = next();
        let mut layers = vec![Estimate::default(); model.layers.len()];
        let made = 1..model.layers.len() + 1;
        let slices =
            model.flow(&choices.held_rows).walk_of(made).expect("a plan of the model").slices;
        slices.iter().for_each(|slice| layers[slice.tensor - 1].add(next()));
        RunEstimate { whole, layers }
    };
    models.iter().map(of).collect()
}

/// What ran in an interval takes on each processor of the class.
pub fn estimate(executed: &[Executed], core: Core) -> Estimate {
    let of_class = Processor::ALL.into_iter().filter(|processor| processor.core() == core);
    Estimate {
        instructions: executed.iter().map(|of| of.executed).sum(),
        cycles: of_class.map(|processor| (processor, cycles(executed, processor))).collect(),
    }
}

impl Estimate {
    /// Adds what ran too.
    pub fn add(&mut self, other: Self) {
        self.instructions += other.instructions;
        for (processor, cycles) in other.cycles {
            let sum = self.cycles.entry(processor).or_default();
            *sum = *sum + cycles;
        }
    }
}

/// What ran between the reads of the counter while the program measured `models`, in the order of
/// the addresses.
///
/// # Panics
/// As [`estimates`].
pub fn intervals(board: Board, program: &Path, models: &[u8]) -> Vec<Vec<Executed>> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [models_file, counts, written] =
        ["models", "counts", "executed"].map(|name| folder.path().join(name));
    fs::write(&models_file, models).expect("the temporary folder can be written");
    let plugin = format!("{},out={}", plugin(folder.path()).display(), written.display());
    let mut command = emulator(board, program);
    command.args([&models_file, &counts]).env("KINDLING_EMULATOR_PLUGIN", plugin);
    let (succeeded, stdout, stderr) = output(&mut command);
    assert!(
        succeeded,
        "the emulator failed; it must be QEMU 4.2 to 8.2, built with --enable-plugins\n\
         {stdout}{stderr}"
    );
    let text = fs::read_to_string(&written).expect("the plugin wrote what was executed");
    text.split("cut\n").skip(1).map(interval).collect()
}

fn interval(lines: &str) -> Vec<Executed> {
    let mut all: Vec<Executed> = lines.lines().map(line).collect();
    all.sort_by_key(|of| of.address);
    all
}

/// A line of the plugin's file.
fn line(line: &str) -> Executed {
    let words: Vec<&str> = line.split(' ').collect();
    let [address, bytes, executed, taken, unaligned] = words[..] else {
        panic!("the plugin wrote: {line}")
    };
    let number = |word: &str| word.parse().expect("a number");
    let hexadecimal = |word: &str| u32::from_str_radix(word, 16).expect("a hexadecimal number");
    let pairs = bytes.as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("digits"));
    Executed {
        address: hexadecimal(address),
        bytes: pairs.map(|pair| hexadecimal(pair) as u8).collect(),
        executed: number(executed),
        taken: number(taken),
        unaligned: number(unaligned),
    }
}

/// Compiles the plugin into a folder.
fn plugin(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cycles/plugin.c");
    let library = folder.join("plugin.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"]);
    let done = compiler.arg(&library).arg(source).status();
    let done = done.expect("a C compiler called cc: install gcc or clang");
    assert!(done.success(), "the emulator's plugin does not compile");
    library
}
