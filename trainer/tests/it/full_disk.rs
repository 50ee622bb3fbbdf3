//! No room, no permission: a clear line, and what was there stays as it was.
#![cfg(target_os = "linux")]

use std::fs;
use std::process::{Command, Output};

use crate::common::{Workshop, error};

/// Runs the program by a shell, after `setup`.
fn by_shell(workshop: &Workshop, setup: &str, arguments: &str) -> Output {
    let program = assert_cmd::cargo::cargo_bin("trainer");
    let script = format!("{setup}; exec '{}' {arguments}", program.display());
    Command::new("sh")
        .current_dir(workshop.path("."))
        .args(["-c", &script])
        .output()
        .expect("a shell")
}

/// A limit on the size of files, which ends a write as a full disk does: in its middle.
const LITTLE_ROOM: &str = "trap '' XFSZ; ulimit -f 0";

#[test]
fn a_disk_that_is_full_leaves_the_model_of_the_run_before() {
    let workshop = Workshop::with_model();
    let names = [
        "checkpoint.kindling",
        "float.burnpack",
        "metrics.json",
        "model-m4.data.toml",
        "model-m4.kndl",
        "model-m4.plan.toml",
        "model.data.toml",
        "model.kndl",
        "report.html",
    ];
    let content = || {
        names.map(|name| fs::read(workshop.path("out").join(name)).expect("the earlier run's file"))
    };
    let before = content();
    for arguments in [
        "train small.toml --data data --quiet --seed 1",
        "export out/float.burnpack --preset small.toml --data data --out out/model.kndl",
        "plan out/model.kndl --core m4 --out out/model.kndl",
        "keygen maker",
    ] {
        let output = by_shell(&workshop, LITTLE_ROOM, arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{arguments}: {said}");
        assert!(
            said.contains("cannot be written: ") && said.contains("File too large"),
            "{arguments}: {said}"
        );
        assert!(content() == before, "{arguments} changed files");
        assert_eq!(workshop.names_in("out"), names, "{arguments} left something");
        assert_eq!(
            workshop.names_in("."),
            ["data", "out", "small.toml"],
            "{arguments} left something"
        );
    }
}

#[test]
fn output_that_nobody_can_store_is_an_error() {
    let workshop = Workshop::with_model();
    for arguments in ["presets", "inspect out/model.kndl", "eval out/model.kndl --data data"] {
        let output = by_shell(&workshop, "exec >/dev/full", arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments}: {said}");
        assert!(
            said.starts_with("error: the output cannot be written: No space left"),
            "{arguments}: {said}"
        );
    }
}

/// `/proc` takes no files, not even from root, whom permissions do not stop.
#[test]
fn a_folder_that_cannot_be_written_to_is_named_before_anything_is_done() {
    let workshop = Workshop::with_model();
    let message = error(&mut workshop.trainer([
        "train",
        "small.toml",
        "--data",
        "data",
        "--out",
        "/proc/new",
    ]));
    assert!(message.starts_with("/proc/new: cannot be written: "), "{message}");
    let message = error(
        workshop
            .trainer(["plan", "out/model.kndl", "--core", "m0", "--out", "/proc/m.kndl"])
            .env("COLUMNS", "80")
            .arg("--all")
            .env("TERM", "dumb"),
    );
    assert!(message.starts_with("/proc/m.kndl: cannot be written: "), "{message}");
}
