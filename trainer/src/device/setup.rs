//! Finds or installs what builds and runs the firmware, where it is missing: by `ci.sh`, which
//! knows how.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::board::firmware_folder;
use crate::terminal::complain;

/// The part of `ci.sh` that does it, tells on standard error what it does, and on standard output
/// which cargo builds the firmware.
const PART: &str = "firmware-cargo";

/// Has everything installed, because `missing` is not there; the cargo that builds the firmware, or
/// `None` when that failed: what to do has been said then.
pub fn run(missing: &str) -> Option<String> {
    let script = firmware_folder().with_file_name("ci.sh");
    complain(&format!("{missing} is missing: {} setup finds or installs it", script.display()));
    let mut command = Command::new("bash");
    command.arg(&script).arg(PART).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().ok().filter(|output| output.status.success())?;
    let said = String::from_utf8(output.stdout).ok()?;
    Some(said.lines().last()?.to_owned())
}

/// Whether the Rust of the firmware's folder has the compiler's target; yes where that cannot be
/// asked, for cargo then says why.
pub fn has_target(target: &str) -> bool {
    let mut command = Command::new("rustc");
    command.current_dir(firmware_folder()).args(["--print", "target-libdir", "--target", target]);
    match command.output() {
        Ok(output) if output.status.success() => {
            PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
        }
        _ => true,
    }
}
