//! Cargo in the firmware's workspace, and where it put what it built.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::FirmwareError;
use crate::device::board::{Board, firmware_folder};
use crate::device::setup;

/// Names another cargo for the firmware, where rustup's Rust cannot build for Cortex-M: see
/// `ci.sh`.
const CARGO_VARIABLE: &str = "KINDLING_FIRMWARE_CARGO";

/// What the environment says of host crates or of other firmware, and is not meant for this one:
/// flags that would take the place of the firmware's own, and a core that is not the board's.
const FOREIGN: [&str; 4] =
    ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET", "KINDLING_CPU"];

/// Cargo's command `subcommand` for the firmware, quiet. Where its Rust lacks the target, that is
/// installed first, or another cargo found.
pub(super) fn command(subcommand: &str, target: &str) -> Command {
    let mut command = Command::new(program(target));
    command.current_dir(firmware_folder()).args([subcommand, "--quiet"]);
    for name in FOREIGN {
        command.env_remove(name);
    }
    command
}

fn program(target: &str) -> String {
    let missing = || format!("the compiler's target {target}");
    let found = || if setup::has_target(target) { None } else { setup::run(&missing()) };
    env::var(CARGO_VARIABLE).ok().or_else(found).unwrap_or_else(|| "cargo".to_owned())
}

/// Runs a command that builds `program` for `board`; the program's file.
pub(super) fn run(
    command: &mut Command,
    program: &str,
    board: &Board,
    target: &str,
) -> Result<PathBuf, FirmwareError> {
    let cargo = command.get_program().to_string_lossy().into_owned();
    let output =
        command.arg(MESSAGES).output().map_err(|cause| FirmwareError::NoCargo { cargo, cause })?;
    if !output.status.success() {
        let (board, target) = (board.id.clone(), target.to_owned());
        let said = last_lines(&String::from_utf8_lossy(&output.stderr));
        return Err(FirmwareError::Build { board, target, said });
    }
    let built = built_program(&String::from_utf8_lossy(&output.stdout), program);
    built.ok_or_else(|| FirmwareError::NotReported { program: program.to_owned() })
}

/// Has cargo tell on standard output, as JSON, what it builds, and where.
const MESSAGES: &str = "--message-format=json-render-diagnostics";

/// Where cargo put `program`, by its `messages`. Cargo's settings have a word in that:
/// `CARGO_TARGET_DIR`, `build.target-dir`.
pub fn built_program(messages: &str, program: &str) -> Option<PathBuf> {
    let path = |line: &str| {
        let message: Value = serde_json::from_str(line).ok()?;
        let is_built =
            message["reason"] == "compiler-artifact" && message["target"]["name"] == program;
        is_built.then(|| message["executable"].as_str().map(PathBuf::from)).flatten()
    };
    messages.lines().filter_map(path).next_back()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"infer"},"executable":null}
{"reason":"build-script-executed"}
no JSON
{"reason":"compiler-artifact","target":{"name":"server"},"executable":"/elsewhere/server"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(built_program(messages, "server"), Some(PathBuf::from("/elsewhere/server")));
        assert_eq!(built_program(messages, "infer"), None);
        assert_eq!(built_program("", "server"), None);
    }
}
