//! `check`: a model's answers compared with those of whatever it came from.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, model_file};
use crate::check::{check, check_maps};
use crate::model_file::ModelTable;
use crate::terminal::print;

/// Compare a model's answers with expected ones, byte by byte
///
/// Runs the model on every input, on this computer: chips give the same bytes. The first byte that
/// differs is shown, and the exit code is not 0. Both files are arrays of NumPy with the inputs
/// along the first dimension: int8, or uint8 for a model that takes pixels.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer check model.kndl --inputs x.npy --expected y.npy
  trainer check model.kndl --inputs x.npy --expected y.npy --maps maps.npz")]
pub(super) struct CheckArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The inputs, .npy
    #[arg(long, value_name = "FILE")]
    inputs: PathBuf,
    /// What the first output must be for each, .npy of int8
    #[arg(long, value_name = "FILE")]
    expected: PathBuf,
    /// What layers must leave for the first input, .npz: int8 arrays by the layers' names. The
    /// first layer that differs is named
    #[arg(long, value_name = "FILE")]
    maps: Option<PathBuf>,
}

pub(super) fn run(args: &CheckArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = model_file::parse(&args.model, &bytes, &mut table)?;
    if let Some(maps) = &args.maps {
        let same = check_maps(&model, &args.inputs, maps)?;
        print(&format!("{same} maps of the first input are as expected, byte for byte\n"))?;
    }
    let same = check(&model, &args.inputs, &args.expected)?;
    Ok(print(&format!("{same} of {same} answers are as expected, byte for byte\n"))?)
}
