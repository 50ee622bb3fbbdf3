//! `keygen`: a key pair for signing models.

use std::path::PathBuf;

use super::{CliError, KeygenArgs};
use crate::signing;
use crate::terminal::print;

pub(super) fn run(args: &KeygenArgs) -> Result<(), CliError> {
    let [private, public] = [".pem", ".pub"].map(|ending| {
        let mut name = args.name.clone().into_os_string();
        name.push(ending);
        PathBuf::from(name)
    });
    signing::generate(&private, &public)?;
    let (private, public) = (private.display(), public.display());
    Ok(print(&format!(
        "private key {private}: keep it secret, keep a copy\npublic key {public}: goes into the firmware\n"
    ))?)
}
