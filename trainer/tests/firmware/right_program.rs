//! What is built, run or flashed holds the model and is for the board that were asked for, whatever
//! cargo's settings, the environment and the files' times; or the command says that it does not.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, SystemTime};

use crate::chip::{another, tutorial};
use crate::common::run;
use assert_cmd::Command;
use tempfile::TempDir;
use trainer::device::board::firmware_folder;
use trainer::device::firmware::built_program;
use trainer::model_file::ModelTable;

/// Two boards of one target.
const BOARDS: [&str; 2] = ["nucleo-f411", "nrf52840-dk"];

fn flash(board: &str, model: &Path) -> Command {
    let mut command = Command::cargo_bin("trainer").unwrap();
    command.args(["device", "flash", board, "--build-only", "--model"]).arg(model);
    command
}

/// What `flash` leaves for a board: the program and the model in it.
fn left(board: &str) -> [Vec<u8>; 2] {
    let folder = firmware_folder().join("target/device").join(board);
    ["server.elf", "model.kndl"].map(|name| fs::read(folder.join(name)).unwrap())
}

fn holds(program: &[u8], bytes: &[u8]) -> bool {
    program.windows(bytes.len()).any(|window| window == bytes)
}

/// A folder with a file.
fn with_file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

#[test]
fn cargo_may_build_elsewhere() {
    let elsewhere = firmware_folder().join("target/elsewhere");
    for (version, (board, setting)) in
        BOARDS.into_iter().zip(["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"]).enumerate()
    {
        let (_folder, path) = with_file("model.kndl", &another(version as u32));
        run(flash(board, &path).env(setting, &elsewhere), 0);
        let [program, model] = left(board);
        assert!(holds(&program, &model), "{board}, {setting}");
        let name = format!("board={board} ");
        assert!(holds(&program, name.as_bytes()), "{board}, {setting}");
        assert_eq!(
            infer::Model::from_bytes(&model, &mut ModelTable::new()).unwrap().version(),
            version as u32
        );
    }
}

/// A stand-in for cargo that says it has built the file `elf`.
fn cargo_that_leaves(folder: &TempDir, elf: &Path) -> PathBuf {
    let message = format!(
        r#"{{"reason":"compiler-artifact","target":{{"name":"server"}},"executable":"{}"}}"#,
        elf.display()
    );
    let script = folder.path().join("cargo");
    fs::write(&script, format!("#!/bin/sh\necho '{message}'\n")).unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    script
}

#[test]
fn another_program_is_not_called_built() {
    let board = "netduinoplus2";
    let (folder, model) = with_file("model.kndl", &tutorial());
    run(&mut flash(board, &model), 0);
    let [program, planned] = left(board);
    let refused = |board: &str, model: &Path, program: &[u8]| {
        let elf = folder.path().join("server");
        fs::write(&elf, program).unwrap();
        let cargo = cargo_that_leaves(&folder, &elf);
        let (_, said) = run(flash(board, model).env("KINDLING_FIRMWARE_CARGO", cargo), 1);
        let line = said.lines().last().unwrap().to_owned();
        assert!(line.contains(" is not the program that was asked for: "), "{said}");
        line
    };
    let changed = |from: &[u8], to: &[u8]| {
        let at = program.windows(from.len()).position(|window| window == from).unwrap();
        let mut program = program.clone();
        program[at..at + to.len()].copy_from_slice(to);
        program
    };
    let (_other_folder, other) = with_file("other.kndl", &another(3));
    let id = format!("model {:08x}, not ", infer::wire::model_id(&planned));
    let damaged = changed(&planned[planned.len() / 2..], &[!planned[planned.len() / 2]]);
    for (said, expected) in [
        (refused("mps2-an386", &model, &program), "board netduinoplus2, not mps2-an386"),
        (refused(board, &other, &program), &*id),
        (refused(board, &model, &changed(b"opt-level=3", b"opt-level=1")), "opt-level 1, not 3"),
        (refused(board, &model, &changed(b"=thumbv7em", b"=thumbv7xx")), "target thumbv7xx-none"),
        (refused(board, &model, &damaged), "bytes are not in it"),
        (refused(board, &model, b"no ELF file"), "does not say what it was built from"),
        (refused(board, &model, &fs::read("/bin/sh").unwrap()), "does not say what it was built"),
    ] {
        assert!(said.contains(expected), "{said}");
    }
    run(&mut flash(board, &model), 0);
}

#[test]
fn a_cargo_that_says_nothing_has_built_nothing() {
    let (_folder, model) = with_file("model.kndl", &tutorial());
    let mut command = flash(BOARDS[0], &model);
    let (_, said) = run(command.env("KINDLING_FIRMWARE_CARGO", "/bin/true"), 1);
    assert!(said.contains("cargo has not said where it built server"), "{said}");
}

/// Cargo in the firmware's folder, as a person types it.
fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let cargo = std::env::var_os("KINDLING_FIRMWARE_CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.current_dir(firmware_folder()).args(arguments).args(["--bin", "firmware-example"]);
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    command.envs(variables.iter().copied()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file that is replaced by one with an older time is a change that cargo does not see by itself.
#[test]
fn an_older_file_is_another_model() {
    let (_folder, path) = with_file("model.kndl", &another(1));
    let build = || {
        let messages = "--message-format=json-render-diagnostics";
        let model = ("KINDLING_MODEL", path.to_str().unwrap());
        let output = cargo(&["build", "--quiet", "--release", messages], &[model]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        fs::read(built_program(&text(&output.stdout), "firmware-example").unwrap()).unwrap()
    };
    assert!(holds(&build(), &another(1)));
    let hours_ago = SystemTime::now() - Duration::from_secs(6 * 3600);
    fs::write(&path, another(2)).unwrap();
    File::options().write(true).open(&path).unwrap().set_modified(hours_ago).unwrap();
    assert!(holds(&build(), &another(2)));
}

#[test]
fn a_build_for_another_core_than_the_boards_is_refused() {
    let v8 = ["--target", "thumbv8m.main-none-eabi"];
    let features = |features| [&v8[..], &["--features", features]].concat();
    let model = firmware_folder().join("model/tutorial.kndl");
    let model = [("KINDLING_MODEL", model.to_str().unwrap()), ("KINDLING_MODEL_ID", "12345678")];
    for (arguments, variables, expected) in [
        (
            vec![],
            vec![("KINDLING_BOARD", "microbit")],
            "cargo run --release --target thumbv6m-none-eabi",
        ),
        (
            vec![],
            vec![("CARGO_BUILD_TARGET", "thumbv7m-none-eabi")],
            "mps2-an386 is a board for thumbv7em",
        ),
        (vec![], vec![("KINDLING_CPU", "cortex-m33")], "unset KINDLING_CPU"),
        (vec![], vec![("RUSTFLAGS", "-Copt-level=3")], "without RUSTFLAGS"),
        (vec![], model.to_vec(), "; KINDLING_MODEL_ID asks for 12345678"),
        (
            features("cortex-m55"),
            vec![("KINDLING_BOARD", "mps2-an505")],
            "mps2-an505 has a cortex-m33: add --features cortex-m33",
        ),
    ] {
        let output = cargo(&[&["check", "--release"], &arguments[..]].concat(), &variables);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "{variables:?}: {said}");
    }
}

#[test]
fn the_emulator_is_not_given_another_program() {
    let (_folder, other) = with_file("model.kndl", &another(4));
    let program = firmware_folder().join("target/device/mps2-an386/server.elf");
    run(&mut flash("mps2-an386", &other), 0);
    let refused = |variable: &str, value: &str| {
        let mut command = Command::new("sh");
        command.current_dir(firmware_folder()).arg("qemu.sh").arg(&program);
        let output = command.env(variable, value).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let said = refused("KINDLING_BOARD", "mps2-an385");
    assert!(said.contains(" is built for mps2-an386, not for mps2-an385"), "{said}");
    let said = refused("KINDLING_MODEL", "model/tutorial.kndl");
    assert!(said.contains(", and model/tutorial.kndl is "), "{said}");
}
