//! `presets`: what can be trained by name.

use super::{CliError, PresetsArgs};
use crate::preset::{BUILT_IN, BuiltIn, DEFAULT, PresetError};
use crate::terminal::print;
use crate::terminal::table::Table;

pub(super) fn run(args: &PresetsArgs) -> Result<(), CliError> {
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
        "{table}\nPrint one with `trainer presets {DEFAULT}`; train a changed copy with `trainer train my.toml`.\n"
    )
}
