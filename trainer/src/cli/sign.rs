//! `sign`: a signature after a model file.

use std::path::PathBuf;

use clap::Args;

use super::{CliError, model_file};
use crate::model_file::ModelTable;
use crate::signing;
use crate::terminal::number::grouped;
use crate::terminal::print;

/// Sign a model
///
/// Puts an Ed25519 signature after the model file, in place of one that is there. A chip that is
/// given the public key loads no other model: see `Model::from_signed_bytes` of the crate `infer`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer sign out/model.kndl --key maker.pem
  trainer sign out/model.kndl --key maker.pem --out out/signed.kndl")]
pub(super) struct SignArgs {
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

pub(super) fn run(args: &SignArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let version = model_file::parse(&args.model, &bytes, &mut ModelTable::new())?.version();
    let signed = signing::sign(&bytes, &signing::read_private_key(&args.key)?)?;
    let out = args.out.as_ref().unwrap_or(&args.model);
    model_file::MadeOf::write(&args.model, out, &signed)?.commit()?;
    Ok(print(&format!(
        "signed: {}, version {version}, {} bytes\n",
        out.display(),
        grouped(signed.len() as u64)
    ))?)
}
