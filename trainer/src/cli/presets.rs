//! `presets`: what can be trained by name.

use clap::Args;

use super::CliError;
use crate::preset::{BUILT_IN, BuiltIn, DEFAULT, PresetError, page};
use crate::terminal::print;
use crate::terminal::table::Table;

/// List the presets, or print one
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer presets                          the list
  trainer presets tutorial > my.toml       a copy to change
  trainer presets --keys                   every key, with its range and default")]
pub(super) struct PresetsArgs {
    /// Print this preset's file
    #[arg(value_name = "PRESET")]
    preset: Option<String>,
    /// Print every key of a preset, with its range and default, as docs/preset.md has them
    #[arg(long, conflicts_with = "preset")]
    keys: bool,
}

pub(super) fn run(args: &PresetsArgs) -> Result<(), CliError> {
    if args.keys {
        return Ok(print(&page::markdown())?);
    }
    match &args.preset {
        Some(name) => Ok(print(find(name)?.toml)?),
        None => Ok(print(&list())?),
    }
}

fn find(name: &str) -> Result<&'static BuiltIn, PresetError> {
    let unknown = || PresetError::Unknown { name: name.to_owned() };
    BUILT_IN.iter().find(|preset| preset.name == name).ok_or_else(unknown)
}

fn list() -> String {
    let mut table = Table::new(["preset", "what it is"]);
    for preset in &BUILT_IN {
        let default = if preset.name == DEFAULT { " (default)" } else { "" };
        table.row([format!("{}{default}", preset.name), preset.summary().to_owned()]);
    }
    format!(
        "{table}\nPrint one with `trainer presets {DEFAULT}`; train a changed copy with `trainer \
            train my.toml`.\n"
    )
}
