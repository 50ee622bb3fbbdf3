//! What goes wrong in practice: each ends with one line that says what to do, and leaves nothing
//! half-made.

use std::fs;

use crate::common::{self, Workshop, error, idx, run};

/// The message of a training run in a workshop that `break_it` has changed; nothing may be left in
/// `out`.
fn training_error(break_it: impl FnOnce(&Workshop)) -> String {
    let workshop = Workshop::new();
    break_it(&workshop);
    let message = error(&mut workshop.trainer(["train", "small.toml", "--data", "data"]));
    assert!(
        !workshop.path("out/model.kndl").exists() && !workshop.path("out/metrics.json").exists()
    );
    message
}

fn with_file(name: &str, bytes: &[u8]) -> String {
    training_error(|workshop| fs::write(workshop.path(name), bytes).unwrap())
}

fn with_preset(old: &str, new: &str) -> String {
    assert!(common::PRESET.contains(old));
    with_file("small.toml", common::PRESET.replacen(old, new, 1).as_bytes())
}

/// A command line that is refused as such, and what the message must contain.
fn usage_error<const COUNT: usize>(arguments: [&str; COUNT], expected: &str) {
    let (stdout, stderr) = run(&mut Workshop::new().trainer(arguments), 2);
    assert_eq!(stdout, "");
    assert!(stderr.starts_with("error: ") && stderr.contains(expected), "{stderr}");
}

#[test]
fn values_out_of_range() {
    usage_error(["--threads", "0"], "'0' for '--threads <N>': 0 is not in 1..=256");
    usage_error(["--epochs", "0"], "'0' for '--epochs <N>': 0 is not in 1..=10000");
    usage_error(["train", "--batch", "0"], "'0' for '--batch <N>': 0 is not in 1..=65536");
    for rate in ["0", "-1", "1e-50", "nan", "inf", "fast"] {
        usage_error(["train", "--lr", rate], "a learning rate is a number from 1e-6 to 100");
    }
    usage_error(["--seed", "-1"], "'-1' for '--seed <N>'");
}

#[test]
fn commands_that_do_not_exist() {
    usage_error(["evl", "out/model.kndl"], "similar subcommand");
    usage_error(["--sed", "3"], "'--seed'");
}

/// How a line is talked over, without a line.
#[test]
fn options_of_a_line_without_one() {
    let check = ["check", "model.kndl", "--inputs", "x.npy", "--expected", "y.npy"];
    let with = |options: &[&str]| error(Workshop::new().trainer(check).args(options));
    let of =
        |option| format!("{option} would change nothing: it is for a chip, which --port names");
    assert_eq!(with(&["--baud", "9600"]), of("--baud"));
    assert_eq!(with(&["--core", "m4", "--baud", "9600"]), of("--baud"));
    assert_eq!(with(&["--timeout", "5"]), of("--timeout"));
    usage_error(["predict", "out/model.kndl"], "<PICTURE>");
}

#[test]
fn an_unknown_preset_lists_the_known() {
    let message = error(&mut Workshop::new().trainer(["--preset", "nope"]));
    assert_eq!(
        message,
        "no preset 'nope'; known are 'tutorial', 'standard', 'best', 'compact', 'tiny'; or \
            give the path of a .toml file"
    );
}

#[test]
fn presets_that_are_wrong() {
    assert!(
        with_preset("filters = 4", "filter = 4")
            .starts_with("small.toml:9: unknown field `filter`")
    );
    assert!(
        with_preset("rho = 0.9", "rho = 1.5").contains("it must be a number from 0 to 0.99999")
    );
    assert!(
        with_preset("kernel = 3", "kernel = 9")
            .contains("a 9x9 window does not fit its input of 8x8x1")
    );
    assert!(with_file("small.toml", &[0xff, 0xfe]).starts_with("small.toml: cannot be read: "));
}

#[test]
fn networks_that_do_not_fit_the_images() {
    let colour = with_preset("channels = 1", "channels = 3");
    assert!(colour.contains("the images have 1 values per pixel, the network takes 3"), "{colour}");
    let classes = with_preset("units = 3", "units = 2");
    assert!(
        classes.contains("the labels go up to 2, but the network ends with 2 values"),
        "{classes}"
    );
    let beside = with_preset("channels = 1", "channels = 1\noffset = [8, 0]");
    assert!(beside.contains("lies outside of the 8x8x1 images"), "{beside}");
}

#[test]
fn a_run_that_diverges_says_where() {
    let (network, _) = common::PRESET.split_once("[training.optimizer]").unwrap();
    // Without a ReLU nothing keeps huge weights from growing further.
    let network = network.replace("activation = \"relu\"\n", "");
    let optimizer = "[training.optimizer]\ntype = \"sgd\"\nlearning_rate = 100.0\nmomentum = 0.9\n";
    let message = with_file("small.toml", format!("{network}{optimizer}").as_bytes());
    assert!(message.starts_with("training diverged in epoch 1, batch "), "{message}");
}

#[test]
fn an_instruction_set_that_is_not_there() {
    let workshop = Workshop::new();
    let mut trainer = workshop.trainer(["train", "small.toml", "--data", "data"]);
    let message = error(trainer.env("KINDLING_INSTRUCTION_SET", "avx3"));
    assert!(
        message.starts_with("KINDLING_INSTRUCTION_SET is 'avx3'; this machine has "),
        "{message}"
    );
    assert!(message.trim_end().ends_with("plain"), "{message}");
}

#[test]
fn data_that_is_not_there() {
    let workshop = Workshop::new();
    let message = error(&mut workshop.trainer(["train", "small.toml", "--data", "elsewhere"]));
    assert!(message.starts_with("elsewhere: no such file or folder: "), "{message}");
    let message = training_error(|workshop| {
        fs::remove_file(workshop.path("data/t10k-labels-idx1-ubyte")).unwrap()
    });
    assert!(message.starts_with("data: no file of t10k-labels: a data set is "), "{message}");
}

#[test]
fn data_that_is_damaged() {
    let name = "data/train-images-idx3-ubyte";
    let cases = [
        (idx(&[240, 8, 8], &[0; 100]), "239 of 240 images missing (file ends at byte 116)"),
        (
            idx(&[240, 8, 8], &[0; 240 * 64 + 1]),
            "goes on after byte 15376, where the last of its 240 images ends",
        ),
        (idx(&[0, 8, 8], &[]), "holds no image"),
        (idx(&[2, 8, 8], &[0; 128]), "2 images, but data/train-labels-idx1-ubyte has 240 labels"),
        (b"<html>404</html>".to_vec(), "begins with 3c 68 74 6d"),
        (vec![0x1f, 0x8b, 8, 0, 0, 0], "no IDX header"),
        (vec![0x1f, 0x8b, 77, 0, 0, 0, 0, 0, 0, 0, 1], "damaged gzip data"),
        (Vec::new(), "no IDX header (file ends at byte 0)"),
    ];
    for (bytes, expected) in cases {
        let message = with_file(name, &bytes);
        assert!(message.starts_with(&format!("{name}: {expected}")), "{expected} in {message}");
    }
}

#[test]
fn a_place_that_cannot_be_written_is_found_before_training() {
    let workshop = Workshop::new();
    fs::write(workshop.path("taken"), "").unwrap();
    fs::create_dir_all(workshop.path("out/model.kndl")).unwrap();
    for (out, expected) in [
        ("taken", "taken: cannot be written: "),
        ("taken/below", "taken/below: cannot be written: "),
        ("out", "out/model.kndl: cannot be written: "),
    ] {
        let (stdout, stderr) =
            run(&mut workshop.trainer(["train", "small.toml", "--data", "data", "--out", out]), 1);
        assert_eq!(stdout, "");
        assert!(stderr.starts_with(&format!("error: {expected}")), "{stderr}");
    }
}

#[test]
fn models_that_are_none() {
    let workshop = Workshop::with_model();
    let model = fs::read(workshop.path("out/model.kndl")).unwrap();
    let mut flipped = model.clone();
    flipped[100] ^= 1;
    let cases: [(&[u8], &str); 4] = [
        (b"", "no model: 0 bytes, a header takes 28"),
        (&model[..model.len() - 1], "the header says"),
        (&flipped, "the file is damaged"),
        (b"GIF89a and so on and on and on", "no model: begins with"),
    ];
    for (bytes, expected) in cases {
        fs::write(workshop.path("broken.kndl"), bytes).unwrap();
        for arguments in [
            ["inspect", "broken.kndl"].as_slice(),
            &["eval", "broken.kndl"],
            &["predict", "broken.kndl", "x.png"],
        ] {
            let message = error(workshop.trainer([]).args(arguments));
            assert!(
                message.starts_with("broken.kndl: ") && message.contains(expected),
                "{message}"
            );
        }
    }
}

#[test]
fn a_model_that_is_not_there_says_how_to_get_one() {
    let message = error(&mut Workshop::new().trainer(["inspect", "out/model.kndl"]));
    assert!(
        message.starts_with("out/model.kndl: cannot be read: ")
            && message.contains("trains a model"),
        "{message}"
    );
}
