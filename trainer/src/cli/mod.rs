//! The command line: what can be asked for. Each command has a file of its own that does it.

mod checkpoint;
mod compare;
mod completions;
mod device;
mod error;
mod eval;
mod export;
mod inspect;
mod interrupt;
mod keygen;
mod man;
mod model_file;
mod plan;
mod predict;
mod presets;
mod sign;
mod size;
mod summary;
mod train;

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use clap::builder::RangedI64ValueParser;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

use crate::data::picture::Invert;
use crate::export::{ExportOptions, Target};
use crate::plan::{Budget, Core, Loading};
use crate::preset::{BATCH, DEFAULT, EPOCHS, LEARNING_RATE};
use crate::terminal::complain;
pub use error::CliError;

/// Most threads that can be asked for.
const THREADS_MAX: i64 = 256;

/// Trains small convolutional networks and quantises them for microcontrollers.
///
/// Without a command it trains: reads the images, trains, quantises to int8, writes the model and measures it.
#[derive(Parser)]
#[command(name = "trainer", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples, with `trainer` for `cargo run --release -p trainer --`:
  trainer                                  train the default preset on MNIST, write out/model.kndl
  trainer --seed 1 --out out/seed-1        the same with other random numbers
  trainer train my.toml                    train your own network
  trainer predict out/model.kndl digit.png what is on this picture?
  trainer help predict                     more about a command")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: TrainOptions,
}

#[derive(Subcommand)]
enum Command {
    Train(TrainArgs),
    Eval(EvalArgs),
    Compare(CompareArgs),
    Export(ExportArgs),
    Plan(PlanArgs),
    Predict(PredictArgs),
    Inspect(InspectArgs),
    Keygen(KeygenArgs),
    Sign(SignArgs),
    Presets(PresetsArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
    Device(device::DeviceArgs),
}

/// Train a network, quantise it, write it and measure it (also what runs without a command)
///
/// Leaves OUT/model.kndl, the quantised model, OUT/float.burnpack, the float parameters, OUT/metrics.json, and OUT/report.html to look at. Accuracy is followed on images held out of the
/// training set; the test set is looked at once, at the end.
///
/// Ctrl-C ends the run after the batch. OUT/checkpoint.kindling, written anew after each epoch, holds what `--resume` needs to go on: the same command with
/// --resume added ends with the same bytes as a run that was never interrupted. A finished run keeps it only where --epochs can be raised later, that is
/// with a constant learning rate.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer train                            the default preset
  trainer train tutorial --epochs 20
  trainer presets tutorial > my.toml       copy a preset, change a line …
  trainer train my.toml --out out/mine     … and train it
  trainer train best --resume              go on after Ctrl-C, a crash or a power cut
  trainer train --core m4 --flash 256K --ram 16K
                                           a model planned for a chip (see `plan`)
  trainer train --data path/to/fashion     another set of IDX files")]
struct TrainArgs {
    /// Preset by name, or a .toml file of your own
    #[arg(value_name = "PRESET", conflicts_with = "preset")]
    preset_argument: Option<String>,
    #[command(flatten)]
    options: TrainOptions,
}

#[derive(Args)]
#[command(next_help_heading = "Training")]
struct TrainOptions {
    #[arg(long, value_name = "PRESET", help = format!("Preset by name (see `presets`), or a .toml file of your own [default: {DEFAULT}]"))]
    preset: Option<String>,
    /// Seed of every random number: the same seed gives the same model
    #[arg(long, value_name = "N", allow_negative_numbers = true, default_value_t = 0)]
    seed: u64,
    /// Passes over the training images [default: the preset's]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedI64ValueParser::<u32>::new().range(EPOCHS))]
    epochs: Option<u32>,
    /// Images per step [default: the preset's]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedI64ValueParser::<u32>::new().range(BATCH))]
    batch: Option<u32>,
    /// (Peak) learning rate [default: the preset's]
    #[arg(long, value_name = "RATE", value_parser = learning_rate, allow_negative_numbers = true)]
    lr: Option<f64>,
    #[command(flatten)]
    threads: Threads,
    /// Go on with the run that was interrupted in OUT; give the same command as then
    #[arg(long)]
    resume: bool,
    /// Folder for the model and its metrics
    #[arg(long, value_name = "DIR", default_value = "out")]
    out: PathBuf,
    #[command(flatten)]
    chip: ChipOption,
    #[command(flatten)]
    file: FileOption,
    #[command(flatten)]
    data: DataOption,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Print one line of JSON per epoch and one at the end, and nothing else, on standard output
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
}

#[derive(Args)]
struct Threads {
    /// Threads; the model does not depend on it [default: the cores there are]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = RangedI64ValueParser::<u16>::new().range(1..=THREADS_MAX))]
    threads: Option<u16>,
}

#[derive(Args)]
#[command(next_help_heading = "Chip")]
struct ChipOption {
    #[arg(long, value_name = "CORE", value_parser = Core::from_str, help = format!("Plan for this core: {} [default: a model for any core]", Core::NAMES))]
    core: Option<Core>,
    /// Flash for model and code, such as 256K [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "core")]
    flash: Option<usize>,
    /// Working memory, such as 16K; image and stack come on top [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse, requires = "core")]
    ram: Option<usize>,
    /// The model is built into the firmware and checked there: no loader takes flash
    #[arg(long, requires = "core")]
    built_in: bool,
}

impl ChipOption {
    /// What to plan for.
    fn target(&self) -> Target {
        let Self { core, flash, ram, built_in } = *self;
        core.map_or(Target::Portable, |core| Target::Chip(core, loading(built_in), Budget { flash, ram }))
    }
}

const fn loading(built_in: bool) -> Loading {
    if built_in { Loading::BuiltIn } else { Loading::OnChip }
}

#[derive(Args)]
#[command(next_help_heading = "Model file")]
struct FileOption {
    /// Your count of versions of this model: a chip that updates never goes back to a smaller one
    #[arg(long, value_name = "N", default_value_t = 0)]
    model_version: u32,
    /// Leave out the image with its scores by which a chip tests a new model
    #[arg(long)]
    no_self_test: bool,
}

impl FileOption {
    /// What the file is to hold.
    fn options(&self, chip: &ChipOption) -> ExportOptions {
        let Self { model_version: version, no_self_test } = *self;
        ExportOptions { target: chip.target(), version, self_test: !no_self_test }
    }
}

#[derive(Args)]
struct DataOption {
    /// Folder with the IDX files of a data set, gzip or plain [default: MNIST, trainer/data/mnist]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Measure a model on the test images
///
/// Runs the int8 model as a microcontroller would; prints its accuracy and which class it takes for which.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer eval out/model.kndl
  trainer eval out/model.kndl --data path/to/other/digits")]
struct EvalArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

/// Compare models on the same test images
///
/// Accuracy with its 95 % interval (Wilson), size, memory and work side by side; whether differences are more than chance (McNemar's test);
/// the images on which the models disagree.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer compare out/seed-0/model.kndl out/seed-1/model.kndl
  trainer compare a.kndl b.kndl c.kndl --html comparison.html")]
struct CompareArgs {
    /// Model files, two or more
    #[arg(value_name = "MODEL", num_args = 2..=26, required = true)]
    models: Vec<PathBuf>,
    /// Page to write, with a picture of each image on which the models disagree [default: none]
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

/// Quantise a trained float model and write it, without training
///
/// `train` leaves the float parameters beside the model as a Burn record that carries its network. This calibrates, quantises, plans and measures them again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer export out/float.burnpack --out out/again.kndl
  trainer export out/float.burnpack --core m4 --flash 256K --ram 16K --out out/m4.kndl")]
struct ExportArgs {
    /// The record: float.burnpack
    #[arg(value_name = "RECORD")]
    record: PathBuf,
    /// Preset whose network is taken in place of the record's, by name or path: for records that Burn wrote, which carry none
    #[arg(long, value_name = "PRESET")]
    preset: Option<String>,
    /// Model file to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    chip: ChipOption,
    #[command(flatten)]
    file: FileOption,
    #[command(flatten)]
    data: DataOption,
    #[command(flatten)]
    threads: Threads,
}

/// Choose how each layer is computed, for a chip's core, flash and RAM
///
/// Shows the plans of a model that are worth having, the fastest first, and marks the fastest that fits. Every plan gives
/// the same answers, bit for bit. Any model file will do, however it was planned before.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer plan out/model.kndl --core m4
  trainer plan out/model.kndl --core m4 --flash 256K --ram 16K --out out/m4.kndl
  trainer plan out/model.kndl --core m4 --flash 128K --built-in --out out/m4.kndl")]
struct PlanArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[arg(long, value_name = "CORE", value_parser = Core::from_str, help = format!("The chip's core: {}", Core::NAMES))]
    core: Core,
    /// Flash for model and code, such as 256K [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    flash: Option<usize>,
    /// Working memory, such as 16K; image and stack come on top [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    ram: Option<usize>,
    /// The model is built into the firmware and checked there: no loader takes flash
    #[arg(long)]
    built_in: bool,
    /// Model file to write with the fastest plan that fits [default: none]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Show every plan
    #[arg(long)]
    all: bool,
}

/// Classify PNG pictures
///
/// Any PNG will do: it is made grey (or RGB), scaled to the model's image with its proportions kept, and inverted if
/// the model is for grey images and the picture is dark on light. What is shown is what the model sees.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer predict out/model.kndl trainer/data/samples/digit-7.png
  trainer predict out/model.kndl --invert yes photo-1.png photo-2.png")]
struct PredictArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Pictures
    #[arg(value_name = "IMAGE.png", required = true)]
    images: Vec<PathBuf>,
    /// Turn dark into light; auto does it for grey pictures with a light border
    #[arg(long, value_enum, default_value_t)]
    invert: Invert,
}

/// Show the layers of a model: shapes, bytes, work, quantisation, memory
///
/// Runs its self-test, and tells whether it is signed; with --key whether by the owner of that key, and fails if not.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer inspect out/model.kndl
  trainer inspect out/model.kndl --key maker.pub")]
struct InspectArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Public key that must have signed the model: the .pub file of `keygen`
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Make a key pair for signing models
///
/// Writes NAME.pem, the private key, readable by its owner alone, and NAME.pub, the 32 bytes of the public key that go into the
/// firmware. Neither replaces a file that is there. Whoever has NAME.pem can sign models for your devices: keep it
/// off the build machines that need not sign, and keep a copy, since devices know no other key.
#[derive(Args)]
#[command(after_help = "\
Example:
  trainer keygen maker                     maker.pem and maker.pub")]
struct KeygenArgs {
    /// The files' name, without .pem and .pub
    #[arg(value_name = "NAME")]
    name: PathBuf,
}

/// Sign a model
///
/// Puts an Ed25519 signature behind the model file, in place of one that is there. A chip that is given the public key
/// loads no other model: see `Model::from_signed_bytes` of the crate `infer`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer sign out/model.kndl --key maker.pem
  trainer sign out/model.kndl --key maker.pem --out out/signed.kndl")]
struct SignArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Private key: the .pem file of `keygen`
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where to write the signed file [default: in place of MODEL]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// List the presets, or print one
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer presets                          the list
  trainer presets tutorial > my.toml       a copy to change")]
struct PresetsArgs {
    /// Print this preset's file
    #[arg(value_name = "PRESET")]
    preset: Option<String>,
}

/// Print a script that completes this program's words in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer completions bash > ~/.local/share/bash-completion/completions/trainer
  trainer completions fish > ~/.config/fish/completions/trainer.fish")]
struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Print a manual page
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer man > ~/.local/share/man/man1/trainer.1
  trainer man train | man -l -")]
struct ManArgs {
    /// The page of this command [default: of the program]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

impl Threads {
    fn count(&self) -> usize {
        let available = || std::thread::available_parallelism().map_or(1, usize::from);
        self.threads.map_or_else(available, usize::from)
    }
}

fn learning_rate(text: &str) -> Result<f64, String> {
    let (lowest, highest) = (*LEARNING_RATE.start(), *LEARNING_RATE.end());
    match text.parse() {
        Ok(rate) if rate > lowest && rate <= highest => Ok(rate),
        _ => Err(format!("a learning rate is a number above {lowest}, at most {highest}")),
    }
}

/// Reads the command line, does what it says and reports an error as one line.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.command {
        None => train::run(DEFAULT, &cli.train),
        Some(Command::Train(args)) => {
            train::run(args.preset_argument.as_deref().unwrap_or(DEFAULT), &args.options)
        }
        Some(Command::Eval(args)) => eval::run(&args),
        Some(Command::Compare(args)) => compare::run(&args),
        Some(Command::Export(args)) => export::run(&args),
        Some(Command::Plan(args)) => plan::run(&args),
        Some(Command::Predict(args)) => predict::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Keygen(args)) => keygen::run(&args),
        Some(Command::Sign(args)) => sign::run(&args),
        Some(Command::Presets(args)) => presets::run(&args),
        Some(Command::Completions(args)) => completions::run(&args),
        Some(Command::Man(args)) => man::run(&args),
        Some(Command::Device(args)) => device::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.line());
            error.exit_code()
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn learning_rates_are_positive_numbers() {
        assert_eq!(learning_rate("0.01"), Ok(0.01));
        for refused in ["0", "-1", "nan", "inf", "101", "fast", ""] {
            assert!(learning_rate(refused).is_err(), "{refused}");
        }
    }
}
