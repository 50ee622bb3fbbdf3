//! `sign`: a signature behind a model file.

use super::{CliError, SignArgs, model_file};
use crate::atomic_file::PendingFile;
use crate::signing;
use crate::terminal::number::grouped;
use crate::terminal::print;

pub(super) fn run(args: &SignArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let version = model_file::parse(&args.model, &bytes)?.version();
    let signed = signing::sign(&bytes, &signing::read_private_key(&args.key)?)?;
    let out = args.out.as_ref().unwrap_or(&args.model);
    PendingFile::write(out, &signed)?.commit()?;
    Ok(print(&format!(
        "signed: {}, version {version}, {} bytes\n",
        out.display(),
        grouped(signed.len() as u64)
    ))?)
}
