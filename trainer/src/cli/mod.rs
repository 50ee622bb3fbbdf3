//! The command line: what can be asked for. Each command has a file of its own that does it.

mod answer;
mod appearance;
mod browser;
mod check;
mod checkpoint;
mod compare;
mod completions;
mod convert;
mod device;
mod error;
mod estimate;
mod eval;
mod export;
mod how_to_build;
mod import;
mod import_file;
mod import_float;
mod import_options;
mod inspect;
mod int4;
mod interrupt;
mod keygen;
mod left_out;
mod man;
mod model_file;
mod new;
mod options;
mod place;
mod plan;
mod plan_json;
mod planned;
mod predict;
mod presets;
mod sign;
mod size;
mod summary;
mod train;
mod try_model;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::preset::DEFAULT;
use crate::terminal::complain;
pub use error::CliError;

/// Trains small convolutional networks and quantises them for microcontrollers.
///
/// Without a command it trains: reads the images, trains, quantises to int8, writes the model and
/// measures it.
#[derive(Parser)]
#[command(name = "trainer", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples, with `trainer` for `cargo run --release -p trainer --`:
  trainer                                  train the default preset on MNIST, write out/model.kndl
  trainer --seed 1 --out out/seed-1        the same with other random numbers
  trainer train my.toml                    train your own network
  trainer predict out/model.kndl digit.png what is on this picture?
  trainer try out/model.kndl               draw a digit in a browser
  trainer help predict                     more about a command")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    train: train::TrainOptions,
}

#[derive(Subcommand)]
enum Command {
    Train(train::TrainArgs),
    Eval(eval::EvalArgs),
    Compare(compare::CompareArgs),
    Export(export::ExportArgs),
    Estimate(estimate::EstimateArgs),
    New(new::NewArgs),
    Plan(plan::PlanArgs),
    Predict(predict::PredictArgs),
    Import(import::ImportArgs),
    Check(check::CheckArgs),
    Try(try_model::TryArgs),
    Inspect(inspect::InspectArgs),
    Keygen(keygen::KeygenArgs),
    Sign(sign::SignArgs),
    Convert(convert::ConvertArgs),
    Presets(presets::PresetsArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    Device(device::DeviceArgs),
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
        Some(Command::Estimate(args)) => estimate::run(&args),
        Some(Command::New(args)) => new::run(&args),
        Some(Command::Plan(args)) => plan::run(&args),
        Some(Command::Predict(args)) => predict::run(&args),
        Some(Command::Import(args)) => import::run(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::Try(args)) => try_model::run(&args),
        Some(Command::Inspect(args)) => inspect::run(&args),
        Some(Command::Keygen(args)) => keygen::run(&args),
        Some(Command::Sign(args)) => sign::run(&args),
        Some(Command::Convert(args)) => convert::run(&args),
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
}
