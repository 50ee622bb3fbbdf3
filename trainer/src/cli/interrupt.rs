//! Ctrl-C: the first asks the run to end, the second ends the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// Catches Ctrl-C, and where there is one the polite request to end (SIGTERM, SIGHUP).
pub(super) fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if REQUESTED.swap(true, Ordering::Relaxed) {
            process::exit(130);
        }
    })
}

/// Whether the run should end.
pub(super) fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
