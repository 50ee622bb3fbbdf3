//! `completions`: what a shell needs to complete this program's words.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::{Cli, CliError};
use crate::terminal::print;

/// Print a script that completes this program's words in a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer completions bash > ~/.local/share/bash-completion/completions/trainer
  trainer completions fish > ~/.config/fish/completions/trainer.fish")]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

pub(super) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "trainer", &mut script);
    Ok(print(&String::from_utf8_lossy(&script))?)
}
