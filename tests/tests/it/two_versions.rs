//! A program with two versions of `infer` is refused by cargo, with a message that names both.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

#[test]
fn two_versions_of_infer_in_a_program_are_refused() {
    let (one, message) = resolved("");
    assert!(one, "{message}");
    let (both, message) = resolved("older = { package = \"infer\", path = \"older\" }\n");
    assert!(!both, "cargo takes two versions");
    for part in ["infer v0.0.1", "links to the native library `kindling-infer`", "Only one"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

/// Whether cargo finds the versions of a program with `infer` and another dependency, and what
/// it says.
fn resolved(other: &str) -> (bool, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let infer = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infer");
    let head = "[package]\nname = \"program\"\nedition = \"2024\"\n\n[workspace]\n";
    let dependency = format!("infer = {{ path = {infer:?} }}\n");
    package(folder.path(), &format!("{head}\n[dependencies]\n{dependency}{other}"));
    package(
        &folder.path().join("older"),
        "[package]\nname = \"infer\"\nversion = \"0.0.1\"\nlinks = \"kindling-infer\"\n",
    );
    let said = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(folder.path())
        .args(["tree", "--offline"])
        .output()
        .expect("cargo runs");
    (said.status.success(), String::from_utf8_lossy(&said.stderr).into_owned())
}

fn package(folder: &Path, manifest: &str) {
    fs::create_dir_all(folder.join("src")).expect("a folder");
    fs::write(folder.join("Cargo.toml"), manifest).expect("a file");
    fs::write(folder.join("src/lib.rs"), "").expect("a file");
    fs::write(folder.join("build.rs"), "fn main() {}\n").expect("a file");
}
