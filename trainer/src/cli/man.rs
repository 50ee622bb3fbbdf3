//! `man`: the manual page of this program or of one of its commands.

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::{Cli, CliError};
use crate::terminal::print;

/// Print a manual page
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer man > ~/.local/share/man/man1/trainer.1
  trainer man train | man -l -")]
pub(super) struct ManArgs {
    /// The page of this command [default: of the program]
    #[arg(value_name = "COMMAND")]
    command: Option<String>,
}

pub(super) fn run(args: &ManArgs) -> Result<(), CliError> {
    let mut program = Cli::command();
    // Gives each command its full name.
    program.build();
    let command = match &args.command {
        None => program,
        Some(name) => program
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| CliError::NoCommand { name: name.clone() })?,
    };
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(print(&String::from_utf8_lossy(&page))?)
}
