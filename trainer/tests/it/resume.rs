//! `trainer train --resume`: after Ctrl-C, after a kill at any moment, and when it cannot be done.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::common::{self, Workshop, error, run};

/// Everything a recipe can have; epochs and batch come from the command line.
const EVERYTHING: &str = r#"
[training.optimizer]
type = "sgd"
learning_rate = 0.05
momentum = 0.9
nesterov = true

[training.schedule]
type = "cosine"
warmup = 0.2

[training.batch_norm]
momentum = 0.9
epsilon = 1e-5
min_gamma = 0.02

[training.augment]
rotation_degrees = 8.0
log_scale = 0.07
shear = 0.1
shift_pixels = 1.0
elastic_pixels = 0.5
elastic_grid = 6
calm_part = 0.1
calm_strength = 0.4

[training.average]
decay = 0.99
"#;

/// What else a recipe can have, as a file's end; held-out images come with the network.
const OTHERS: [&str; 4] = [
    "[training.optimizer]\ntype = \"rmsprop\"\n[training.schedule]\ntype = \"step\"\nevery = 9\n\
     [training.augment_series]\njitter = 0.01\nscale = 0.1\ntime_shift = 1\n",
    "[training.optimizer]\ntype = \"adam\"\n[training.schedule]\ntype = \"plateau\"\npatience = 3\n\
     [training.augment]\nflip = \"both\"\ncrop = 0.1\nbrightness = 0.1\nnoise = 0.01\n\
     cutout_pixels = 2\n",
    "[training.optimizer]\ntype = \"adamw\"\n[training.early_stopping]\npatience = 30\n",
    "[training.optimizer]\ntype = \"adagrad\"\nlearning_rate = 0.01\n\
     [training.average]\ndecay = 0.9\n",
];

/// What a run is judged by.
const RESULTS: [&str; 2] = ["model.kndl", "float.burnpack"];

/// What a finished run leaves in its folder, beside the checkpoint of one that can be lengthened.
const LEFT: [&str; 8] = [
    "float.burnpack",
    "metrics.json",
    "model-m4.data.toml",
    "model-m4.kndl",
    "model-m4.plan.toml",
    "model.data.toml",
    "model.kndl",
    "report.html",
];

const SMALL: [&str; 4] = ["train", "small.toml", "--data", "data"];

/// A workshop whose `full.toml` trains with everything there is.
fn workshop() -> Workshop {
    let workshop = Workshop::new();
    let (network, _) = common::PRESET.split_once("[training.optimizer]").unwrap();
    fs::write(workshop.path("full.toml"), format!("{network}{EVERYTHING}")).unwrap();
    workshop
}

/// The bytes a run left in `folder`.
fn results(workshop: &Workshop, folder: &str) -> [Vec<u8>; 2] {
    RESULTS.map(|name| fs::read(workshop.path(folder).join(name)).unwrap())
}

fn start(workshop: &Workshop, arguments: &[&str]) -> Child {
    Command::new(assert_cmd::cargo::cargo_bin("trainer"))
        .current_dir(workshop.path(""))
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the line that begins with `beginning`, then sends SIGINT.
fn interrupt_at(child: &mut Child, beginning: &str) {
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with(beginning)).unwrap().unwrap();
    // The shell's own kill: /bin/kill is not on every machine.
    Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    lines.for_each(drop);
}

/// A run in `out` that is interrupted in its second epoch of many.
fn interrupted(workshop: &Workshop, preset: &str, more: &[&str]) -> String {
    let arguments = [&["train", preset, "--data", "data", "--epochs", "10000"], more].concat();
    let mut child = start(workshop, &arguments);
    interrupt_at(&mut child, "epoch     1/10000");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    String::from_utf8(output.stderr).unwrap()
}

#[cfg(unix)]
#[test]
fn killed_at_ten_moments_a_run_ends_with_the_same_bytes() {
    let workshop = workshop();
    killed(&workshop, "full.toml", "150", 10);
    assert_eq!(workshop.names_in("out"), LEFT);
}

#[cfg(unix)]
#[test]
fn killed_with_any_recipe_a_run_ends_with_the_same_bytes() {
    let workshop = workshop();
    let (network, _) = common::PRESET.split_once("[training.optimizer]").unwrap();
    for other in OTHERS {
        fs::write(workshop.path("other.toml"), format!("{network}{other}")).unwrap();
        killed(&workshop, "other.toml", "40", 2);
        for folder in ["out", "whole"] {
            fs::remove_dir_all(workshop.path(folder)).unwrap();
        }
    }
}

/// Kills a run of `preset` `most` times; what it leaves in `out` in the end is what one that was
/// never killed leaves in `whole`.
#[cfg(unix)]
fn killed(workshop: &Workshop, preset: &str, epochs: &str, most: usize) {
    let whole = ["train", preset, "--data", "data", "--epochs", epochs, "--batch", "8"];
    let begun = Instant::now();
    workshop.trainer(whole).args(["--out", "whole"]).assert().success();
    let duration = begun.elapsed();
    let expected = results(workshop, "whole");

    let (mut random, mut kills) = (common::noise(17), 0);
    let mut arguments = whole.to_vec();
    loop {
        let mut child = start(workshop, &arguments);
        if kills == most {
            assert!(child.wait_with_output().unwrap().status.success());
            break;
        }
        std::thread::sleep(duration.mul_f64(0.25 * random()));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if output.status.success() {
            // The run was over before its time: the kills that are left hit runs begun anew.
            assert_eq!(results(workshop, "out"), expected);
            fs::remove_dir_all(workshop.path("out")).unwrap();
            arguments.retain(|argument| *argument != "--resume");
            continue;
        }
        kills += 1;
        let begins = !workshop.path("out/checkpoint.kindling").exists();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "kill {kills}");
        // Results are there when the kill hit between the first one's name and the run's end.
        for (name, whole) in RESULTS.iter().zip(&expected) {
            let path = workshop.path("out").join(name);
            assert!(!path.exists() || fs::read(path).unwrap() == *whole, "kill {kills}: {name}");
        }
        arguments.retain(|argument| *argument != "--resume");
        arguments.extend((!begins).then_some("--resume"));
    }
    assert_eq!(results(workshop, "out"), expected);
}

#[cfg(unix)]
#[test]
fn a_kill_leaves_what_was_there_and_nothing_half() {
    let workshop = workshop();
    let arguments = ["train", "full.toml", "--data", "data", "--epochs", "40"];
    workshop.trainer(arguments).assert().success();
    let before = results(&workshop, "out");
    let other = [&arguments[..], &["--seed", "1"]].concat();
    for moment in 0..10 {
        let mut child = start(&workshop, &other);
        std::thread::sleep(Duration::from_millis(3 + 9 * moment));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            // It was over before the kill: the other seed's files, whole.
            let after = results(&workshop, "out");
            assert!(after.iter().zip(&before).all(|(after, before)| after != before));
            break;
        }
        let after = results(&workshop, "out");
        assert!(workshop.trainer(["inspect", "out/model.kndl"]).ok().is_ok());
        assert!(
            after
                .iter()
                .zip(&before)
                .all(|(after, before)| after.len().abs_diff(before.len()) < 600)
        );
    }
    workshop.trainer(arguments).assert().success();
    assert_eq!(results(&workshop, "out"), before);
    assert_eq!(workshop.names_in("out"), LEFT);
}

#[cfg(unix)]
#[test]
fn after_ctrl_c_a_run_goes_on() {
    let workshop = workshop();
    let stderr = interrupted(&workshop, "small.toml", &[]);
    assert!(
        stderr.ends_with(
            " of 10000 epochs: no model written; the same command with --resume goes on\n"
        ),
        "{stderr}"
    );
    assert_eq!(workshop.names_in("out"), ["checkpoint.kindling"]);
    // The learning rate is constant: any length that is not yet past will do.
    let epochs: u32 = stderr
        .strip_prefix("interrupted after ")
        .unwrap()
        .split(' ')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    let epochs = (epochs + 2).to_string();
    let arguments = ["--epochs", &epochs];
    let (stdout, _) = run(workshop.trainer(SMALL).args(arguments).arg("--resume"), 0);
    assert!(stdout.contains("\ngoes on after "), "{stdout}");
    assert!(stdout.lines().filter(|line| line.starts_with("epoch ")).count() <= 3, "{stdout}");
    workshop.trainer(SMALL).args(arguments).args(["--out", "whole"]).assert().success();
    assert_eq!(results(&workshop, "out"), results(&workshop, "whole"));
}

#[test]
fn a_finished_run_of_a_constant_rate_can_be_lengthened() {
    let workshop = workshop();
    workshop.trainer(SMALL).assert().success();
    let (stdout, _) = run(workshop.trainer(SMALL).args(["--resume", "--epochs", "5"]), 0);
    assert!(
        stdout.contains("goes on after 3 of 5 epochs") && stdout.contains("epoch 4/5 "),
        "{stdout}"
    );
    workshop.trainer(SMALL).args(["--epochs", "5", "--out", "whole"]).assert().success();
    assert_eq!(results(&workshop, "out"), results(&workshop, "whole"));
    let history = fs::read(workshop.path("out/metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&history).unwrap();
    assert_eq!(metrics["history"].as_array().unwrap().len(), 5);
}

/// The held-out loss of a run with a high learning rate stops falling.
#[test]
fn a_run_that_ends_early_says_so_and_stays_so() {
    let workshop = Workshop::new();
    let preset = common::PRESET.replace("learning_rate = 0.01", "learning_rate = 0.05");
    let stop = "[training.early_stopping]\npatience = 2\n";
    fs::write(workshop.path("stop.toml"), format!("{preset}{stop}")).unwrap();
    let train = ["train", "stop.toml", "--data", "data", "--epochs", "400"];
    let (stdout, _) = run(&mut workshop.trainer(train), 0);
    assert!(stdout.contains(" of 400 epochs: the held-out loss fell no more\n"), "{stdout}");
    let bytes = fs::read(workshop.path("out/metrics.json")).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let (kept, done) =
        (metrics["kept_epoch"].as_u64().unwrap(), metrics["epochs"].as_u64().unwrap());
    assert!(stdout.contains(&format!("the weights of epoch {kept} are kept")), "{stdout}");
    assert_eq!(kept + 2, done);
    let model = fs::read(workshop.path("out/model.kndl")).unwrap();
    let (stdout, _) = run(workshop.trainer(train).arg("--resume"), 0);
    assert!(!stdout.contains("\nepoch "), "{stdout}");
    assert_eq!(fs::read(workshop.path("out/model.kndl")).unwrap(), model);
}

#[cfg(unix)]
#[test]
fn other_runs_and_other_lengths_are_refused() {
    let workshop = workshop();
    interrupted(&workshop, "full.toml", &["--seed", "2"]);
    let refused = |arguments: &[&str]| {
        let full = ["train", "full.toml", "--data", "data", "--resume"];
        let message = error(workshop.trainer(full).args(arguments));
        message
            .strip_prefix("out/checkpoint.kindling: the checkpoint is of another run: ")
            .unwrap()
            .to_owned()
    };
    assert_eq!(refused(&["--epochs", "10000"]), "its seed is 2, not 0: give --seed 2");
    let length = refused(&["--seed", "2", "--epochs", "9999"]);
    assert!(
        length.starts_with("it was laid out for 10000 epochs, not 9999, and its learning rate"),
        "{length}"
    );
    let rate = refused(&["--seed", "2", "--epochs", "10000", "--lr", "0.01"]);
    assert!(rate.starts_with("its training.optimizer.learning_rate is 0.05, not 0.01"), "{rate}");
    let mut labels = fs::read(workshop.path("data/train-labels-idx1-ubyte")).unwrap();
    *labels.last_mut().unwrap() = 0;
    fs::write(workshop.path("data/train-labels-idx1-ubyte"), labels).unwrap();
    let data = refused(&["--seed", "2", "--epochs", "10000"]);
    assert_eq!(data, "it was trained on other images or labels: give the same --data");
}

#[test]
fn a_missing_or_damaged_checkpoint_is_named() {
    let workshop = workshop();
    let refused = || error(workshop.trainer(SMALL).arg("--resume"));
    assert_eq!(
        refused(),
        "out/checkpoint.kindling: no such file, so no run to go on with: leave --resume out to \
            begin one, or name its folder with --out"
    );
    workshop.trainer(SMALL).assert().success();
    let mut bytes = fs::read(workshop.path("out/checkpoint.kindling")).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(workshop.path("out/checkpoint.kindling"), &bytes).unwrap();
    let before = results(&workshop, "out");
    assert_eq!(
        refused(),
        "out/checkpoint.kindling: the checkpoint is damaged (its checksum is wrong): leave \
            --resume out to begin the run anew"
    );
    assert_eq!(results(&workshop, "out"), before);
}

#[cfg(unix)]
#[test]
fn a_run_begun_anew_says_that_it_replaces_another() {
    let workshop = workshop();
    interrupted(&workshop, "small.toml", &[]);
    let (_, stderr) = run(&mut workshop.trainer(SMALL), 0);
    assert!(
        stderr.starts_with("note: out/checkpoint.kindling: an unfinished run, stopped in epoch ")
            && stderr.ends_with(" is replaced; --resume would have gone on with it\n"),
        "{stderr}"
    );
    // A finished run is nothing to lose.
    assert_eq!(run(&mut workshop.trainer(SMALL), 0).1, "");
}

/// A full disk ends the run with a message, and the checkpoint from before stays whole.
#[cfg(target_os = "linux")]
#[test]
fn a_checkpoint_that_cannot_be_written_is_an_error() {
    let workshop = workshop();
    workshop.trainer(SMALL).assert().success();
    let before = fs::read(workshop.path("out/checkpoint.kindling")).unwrap();
    // One block of 512 bytes is the largest file that this shell's children may write.
    let program = assert_cmd::cargo::cargo_bin("trainer");
    let command = format!(
        "trap '' XFSZ; ulimit -f 1; exec {} train small.toml --data data",
        program.display()
    );
    let output =
        Command::new("sh").current_dir(workshop.path("")).args(["-c", &command]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: out/checkpoint.kindling: cannot be written: "), "{stderr}");
    assert_eq!(fs::read(workshop.path("out/checkpoint.kindling")).unwrap(), before);
    assert_eq!(workshop.names_in("out"), [&["checkpoint.kindling"][..], &LEFT].concat());
}
