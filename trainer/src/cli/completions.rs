//! `completions`: what a shell needs to complete this program's words.

use clap::CommandFactory;
use clap_complete::generate;

use super::{Cli, CliError, CompletionsArgs};
use crate::terminal::print;

pub(super) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "trainer", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}
