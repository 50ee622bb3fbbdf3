//! The quick start as written: what `train` prints works when it is pasted, for the data it was
//! trained on, and the chip runs the plan for its core.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use assert_cmd::Command;

use crate::chip;
use crate::common::{Workshop, run};
use trainer::device::board::firmware_folder;

/// What a command begins with that is printed to be pasted.
const TRAINER: &str = "cargo run --release -p trainer -- ";

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a printed command in the workshop, by a shell.
fn paste(workshop: &Workshop, command: &str) -> (String, String) {
    let program = assert_cmd::cargo::cargo_bin("trainer");
    let line = command.replace(TRAINER, &format!("{} ", program.display()));
    assert_ne!(line, command);
    let mut shell = Command::new("sh");
    run(shell.arg("-c").arg(line).current_dir(workshop.path("")), 0)
}

#[test]
fn what_train_prints_works_when_pasted() {
    let workshop = Workshop::new();
    let train = ["train", "small.toml", "--data", "data", "--samples", "3"];
    let (said, _) = run(&mut workshop.trainer(train), 0);
    let commands: Vec<&str> =
        said.lines().map(str::trim).filter(|line| line.starts_with(TRAINER)).collect();
    let [first, second] = &commands[..] else { panic!("{said}") };
    let (shown, _) = paste(&workshop, first);
    let same = "a 0: answer 0, as on the host, ";
    assert!(shown.contains("kernels dsp") && shown.contains(same), "{shown}");
    assert!(shown.contains("3 of 3 as on the host\n"), "{shown}");
    let (measured, _) = paste(&workshop, second);
    assert!(measured.contains("of 60 images right"), "{measured}");
}

/// The firmware's own model, with digits that it knows, by the plan for the default board.
#[test]
fn without_a_model_the_digits_are_shown() {
    let mut command = Command::cargo_bin("trainer").unwrap();
    let (shown, _) = run(command.args(["device", "run"]), 0);
    assert!(shown.contains("10 of 10 right, 10 as on the host, "), "{shown}");
    assert!(instructions(&shown) < 600_000, "{shown}");
}

/// What is built in by default is the plan that `plan` makes today, in today's format.
#[test]
fn the_firmwares_plan_is_what_plan_writes() {
    let (workshop, folder) = (Workshop::new(), firmware_folder().join("model"));
    let readme = fs::read_to_string(folder.join("README.md")).unwrap();
    let command = readme.split('`').find(|text| text.starts_with("trainer plan ")).unwrap();
    fs::write(workshop.path("tutorial.kndl"), chip::tutorial()).unwrap();
    let arguments = command.split(' ').skip(2);
    run(workshop.trainer(["plan"]).args(arguments), 0);
    for name in ["tutorial-m4.kndl", "tutorial-m4.plan.toml"] {
        let is_it = fs::read(folder.join(name)).unwrap() == fs::read(workshop.path(name)).unwrap();
        assert!(is_it, "{name} is not what is written today: in {folder:?} run `{command}`");
    }
}

/// The number before "instructions for one image".
fn instructions(shown: &str) -> u32 {
    let (before, _) = shown.split_once(" instructions for one image").unwrap();
    before.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Cargo in the firmware's folder, as a person types it.
fn cargo(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let cargo = std::env::var_os("KINDLING_FIRMWARE_CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = std::process::Command::new(cargo);
    command.current_dir(firmware_folder()).args(arguments);
    command.env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("RUSTFLAGS");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// The command that plans, as the firmware's build prints it.
fn printed(said: &str) -> String {
    let (_, command) = said.split_once("`cd .. && ").unwrap();
    command.split('`').next().unwrap().to_owned()
}

#[test]
fn plain_cargo_takes_the_plan_for_the_boards_core() {
    let output = cargo(&["run", "--release"], &[]);
    let shown = text(&output.stdout);
    assert!(output.status.success() && instructions(&shown) < 600_000, "{shown}");

    let workshop = Workshop::new();
    fs::write(workshop.path("model.kndl"), chip::another(1)).unwrap();
    let [model, planned] =
        ["model.kndl", "model-m4.kndl"].map(|name| workshop.path(name).display().to_string());
    let named = [("KINDLING_MODEL", &*model)];
    let output = cargo(&["run", "--release"], &named);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && instructions(&shown) > 5_000_000, "{said}{shown}");
    let command = printed(&said);
    paste(&workshop, &command);
    let output = cargo(&["run", "--release"], &named);
    let (shown, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && instructions(&shown) < 600_000, "{said}{shown}");
    let check = ["check", "--release", "--bin", "firmware-example"];

    // Another model of the same name, which the plan beside it is none of.
    fs::write(workshop.path("model.kndl"), chip::another(2)).unwrap();
    let output = cargo(&check, &named);
    assert!(text(&output.stderr).contains("does not say which core it is planned for"));

    // A plan of another format.
    fs::write(workshop.path("model-m4.kndl"), "KNDL of another format").unwrap();
    let refused = cargo(&check, &named);
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("model.kndl anew, or delete it"), "{said}");
    paste(&workshop, &command);

    let board = [("KINDLING_MODEL", &*planned), ("KINDLING_BOARD", "mps2-an385")];
    let refused = cargo(&[&check[..], &["--target", "thumbv7m-none-eabi"]].concat(), &board);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("is planned for m4, and mps2-an385 has a m3: ")
    );
    paste(&workshop, &printed(&said));
    assert!(workshop.path("model-m3.kndl").exists(), "{said}");
}

/// A rustc without the target: `ci.sh`, which finds or installs it, is asked for a cargo.
#[test]
fn a_target_that_is_missing_is_set_up() {
    if std::env::var_os("KINDLING_FIRMWARE_CARGO").is_some() {
        println!("not tested: a cargo for the firmware is named already");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let rustc = folder.path().join("rustc");
    // It lacks the target when it is asked first: then it is installed.
    let script = "#!/bin/sh\nif [ \"$2\" = target-libdir ] && mkdir \"${0%/*}/asked\" 2>/dev/null\n\
                  then echo /no/such/folder\nelse PATH=${PATH#*:} exec rustc \"$@\"\nfi\n";
    fs::write(&rustc, script).unwrap();
    fs::set_permissions(&rustc, Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap());
    let mut command = Command::cargo_bin("trainer").unwrap();
    command.args(["device", "flash", "mps2-an386", "--build-only"]).env("PATH", path);
    let (said, complained) = run(&mut command, 0);
    let expected = "the compiler's target thumbv7em-none-eabihf is missing: ";
    assert!(
        complained.contains(expected) && complained.contains("ci.sh setup finds"),
        "{complained}"
    );
    assert!(complained.contains("firmware is built by "), "{complained}");
    assert!(said.contains("server.elf"), "{said}");
}

/// Plain cargo, by the script that it calls in rustc's place.
#[test]
fn plain_cargo_says_which_target_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let rustc = folder.path().join("rustc");
    let script =
        "#!/bin/sh\nif [ \"$1\" = --print ]; then echo /no/such/folder; else echo \"$@\"; fi\n";
    fs::write(&rustc, script).unwrap();
    fs::set_permissions(&rustc, Permissions::from_mode(0o755)).unwrap();
    let called = |arguments: &str| {
        let mut command = std::process::Command::new(firmware_folder().join("rustc.sh"));
        let output = command.arg(&rustc).args(arguments.split(' ')).output().unwrap();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    for target in ["--target thumbv6m-none-eabi", "--target=thumbv6m-none-eabi"] {
        let (done, _, said) = called(&format!("--crate-name infer {target} src/lib.rs"));
        assert!(!done && said.contains("Run: rustup target add thumbv6m-none-eabi;"), "{said}");
    }
    for compiled in [
        "--crate-name build_script_build build.rs",
        "--crate-name infer --target x86_64-unknown-linux-gnu",
        "-vV",
        "--crate-name core --target thumbv6m-none-eabi -Zforce-unstable-if-unmarked",
        "--crate-name infer --target thumbv6m-none-eabi --extern noprelude:core=libcore.rmeta",
    ] {
        assert_eq!(called(compiled), (true, format!("{compiled}\n"), String::new()));
    }
}
