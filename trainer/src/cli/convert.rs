//! `convert`: a model file of an older format in today's.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, model_file};
use crate::format2;
use crate::terminal::number::grouped;
use crate::terminal::print;

/// Write a model file of format 2 in format 3
///
/// The network, its plan and its version stay as they are, so the scores do too. A signature is
/// left out: sign the new file again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer convert old.kndl
  trainer convert old.kndl --out new.kndl")]
pub(super) struct ConvertArgs {
    /// Model file of format 2
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where to write the new file [default: in place of MODEL]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(super) fn run(args: &ConvertArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let converted = format2::convert(&bytes)
        .map_err(|cause| CliError::Convert { path: args.model.clone(), cause })?;
    let out = args.out.as_ref().unwrap_or(&args.model);
    model_file::MadeOf::write(&args.model, out, &converted)?.commit()?;
    let count = grouped(converted.len() as u64);
    Ok(print(&format!("written: {}, {count} bytes, format 3\n", out.display()))?)
}
