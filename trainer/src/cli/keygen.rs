//! `keygen`: a key pair for signing models.

use std::path::PathBuf;

use clap::Args;

use super::CliError;
use crate::signing;
use crate::terminal::print;

/// Make a key pair for signing models
///
/// Writes NAME.pem, the private key, readable by its owner alone, and NAME.pub, the 32 bytes of the
/// public key that go into the firmware. Neither replaces a file that is there. Anyone who has
/// NAME.pem can sign models for your devices: keep it off the build machines that need not sign,
/// and keep a copy, since devices know no other key.
#[derive(Args)]
#[command(after_help = "\
Example:
  trainer keygen maker                     maker.pem and maker.pub")]
pub(super) struct KeygenArgs {
    /// The files' name, without .pem and .pub
    #[arg(value_name = "NAME")]
    name: PathBuf,
}

pub(super) fn run(args: &KeygenArgs) -> Result<(), CliError> {
    let [private, public] = [".pem", ".pub"].map(|ending| {
        let mut name = args.name.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    });
    signing::generate(&private, &public)?;
    let (private, public) = (private.display(), public.display());
    Ok(print(&format!(
        "private key {private}: keep it secret, keep a copy\npublic key {public}: goes into the \
            firmware\n"
    ))?)
}
