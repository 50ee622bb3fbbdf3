//! `eval`, `predict`, `inspect` and `presets` on a small model.

use std::fs;
use std::path::Path;

use crate::common::{self, TEST_IMAGES, Workshop, error, run};

/// A PNG file of grey pixels, bright in its upper third: class 0 of the small data set.
fn write_png(path: &Path, side: u32) {
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), side, side);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels: Vec<u8> =
        (0..side * side).map(|place| if place / side < side * 3 / 8 { 210 } else { 30 }).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

#[test]
fn eval_counts_the_test_images() {
    let workshop = Workshop::with_model();
    let (stdout, stderr) =
        run(&mut workshop.trainer(["eval", "out/model.kndl", "--data", "data"]), 0);
    assert_eq!(stderr, "");
    assert!(stdout.contains(&format!("of {TEST_IMAGES} images right")), "{stdout}");
    let metrics: serde_json::Value =
        serde_json::from_slice(&fs::read(workshop.path("out/metrics.json")).unwrap()).unwrap();
    let accuracy =
        format!("int8 accuracy {:.2} %:", 100.0 * metrics["int8_test_accuracy"].as_f64().unwrap());
    assert!(stdout.starts_with(&accuracy), "{accuracy} in\n{stdout}");
}

#[test]
fn eval_needs_only_the_test_files() {
    let workshop = Workshop::with_model();
    fs::remove_file(workshop.path("data/train-images-idx3-ubyte")).unwrap();
    workshop.trainer(["eval", "out/model.kndl", "--data", "data"]).assert().success();
}

#[test]
fn eval_refuses_images_of_another_size() {
    let workshop = Workshop::with_model();
    // Without --data it is the data that the model was trained on, and without a record MNIST.
    workshop.trainer(["eval", "out/model.kndl"]).assert().success();
    fs::remove_file(workshop.path("out/model.data.toml")).unwrap();
    let message = error(&mut workshop.trainer(["eval", "out/model.kndl"]));
    assert_eq!(
        message,
        "out/model.kndl: the model takes 8x8x1 images, those of the data set are 28x28x1: use \
            --data"
    );
}

/// An array file of bytes.
fn write_npy(path: &Path, sides: &str, values: &[u8]) {
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({sides}), }}\n");
    let length = (header.len() as u16).to_le_bytes();
    let file = [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), values].concat();
    fs::write(path, file).unwrap();
}

/// A network in floating point is calibrated on data; it is exported again from its parameters.
#[test]
fn import_of_an_onnx_file_needs_data() {
    let workshop = Workshop::new();
    let file = format!("{}/fixtures/torch_images.onnx", env!("CARGO_MANIFEST_DIR"));
    let message = error(&mut workshop.trainer(["import", &file, "--out", "model.kndl"]));
    assert!(message.contains("name inputs like those it was trained on with --data"), "{message}");
    fs::create_dir(workshop.path("arrays")).unwrap();
    for (part, count) in [("train", 20_usize), ("test", 10)] {
        let array = |name: &str| workshop.path(&format!("arrays/{name}_{part}.npy"));
        let pixels: Vec<u8> = (0..count * 324).map(|at| (at * 37 % 251) as u8).collect();
        write_npy(&array("x"), &format!("{count}, 12, 9, 3"), &pixels);
        let labels: Vec<u8> = (0..count).map(|at| (at % 5) as u8).collect();
        write_npy(&array("y"), &format!("{count},"), &labels);
    }
    let with = |option, value| {
        let out = "model.kndl";
        workshop.trainer(["import", &file, "--data", "arrays", "--out", out, option, value])
    };
    let message = error(&mut with("--mean", "1,2"));
    assert_eq!(
        message,
        "--mean has 2 numbers, the inputs have 3 channels: give one, or one for each"
    );
    assert!(!workshop.path("model.kndl").exists());
    let (stdout, _) = run(&mut with("--core", "m4"), 0);
    assert!(stdout.contains("22 operators became"), "{stdout}");
    assert!(stdout.contains("signal to noise") && stdout.contains("same answer"), "{stdout}");
    assert!(stdout.starts_with("in the file ") && stdout.contains("\nConv + "), "{stdout}");
    assert!(stdout.contains("\n      trainer eval model.kndl\n"), "{stdout}");
    let report = fs::read_to_string(workshop.path("model.report.html")).unwrap();
    assert!(report.contains("What became of the file") && report.contains("<td>Conv + "));
    assert!(report.contains("<h1>torch_images.onnx</h1>") && report.ends_with("</html>"));
    assert!(workshop.path("model.plan.toml").exists());
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "model.kndl"]), 0);
    assert!(stdout.contains("self-test passed"), "{stdout}");
    let again = ["export", "model.burnpack", "--core", "m4", "--out", "again.kndl"];
    run(&mut workshop.trainer(again), 0);
    let file = |name: &str| fs::read(workshop.path(name)).unwrap();
    assert_eq!(file("again.kndl"), file("model.kndl"));
}

/// Inputs alone are enough to calibrate on: then the two networks' answers are compared.
#[test]
fn import_needs_no_labels() {
    let workshop = Workshop::new();
    let file = format!("{}/fixtures/torch_images.onnx", env!("CARGO_MANIFEST_DIR"));
    let pixels: Vec<u8> = (0..30 * 324).map(|at| (at * 37 % 251) as u8).collect();
    write_npy(&workshop.path("x.npy"), "30, 12, 9, 3", &pixels);
    let with = |more: &[&str]| {
        let mut command =
            workshop.trainer(["import", &file, "--data", "x.npy", "--out", "model.kndl"]);
        command.args(more);
        command
    };
    let (stdout, stderr) = run(&mut with(&[]), 0);
    let expected = "note: the 30 inputs have no labels: the model is calibrated on all of them, \
                    and compared with the float network on the same; --test-share 0.2 keeps some \
                    apart";
    assert!(stderr.contains(expected), "{stderr}");
    assert!(!stderr.contains("training images too"), "{stderr}");
    assert!(stdout.contains(" of 30 inputs the same class\noutputs of "), "{stdout}");
    assert!(stdout.contains("\n      trainer predict model.kndl x.npy\n"), "{stdout}");
    let report = fs::read_to_string(workshop.path("model.report.html")).unwrap();
    assert!(report.contains("compared with the float network on the same: they have no labels"));
    assert!(report.contains("<dt>same answer</dt>") && !report.contains("int8 accuracy"));
    run(&mut workshop.trainer(["predict", "model.kndl", "x.npy"]), 0);
    run(&mut workshop.trainer(["export", "model.burnpack", "--out", "again.kndl"]), 0);
    let bytes = |name: &str| fs::read(workshop.path(name)).unwrap();
    assert_eq!(bytes("again.kndl"), bytes("model.kndl"));
    let message = error(&mut workshop.trainer(["eval", "model.kndl"]));
    assert!(message.contains("x.npy: inputs without labels, which `import`"), "{message}");
    // Real values, and some inputs kept apart.
    let (stdout, stderr) = run(&mut with(&["--task", "regress", "--test-share", "0.3"]), 0);
    assert!(stderr.contains("and compared with the float network on "), "{stderr}");
    assert!(stdout.contains("\noutputs of ") && !stdout.contains("same class"), "{stdout}");
    write_npy(&workshop.path("x.npy"), "36, 9, 10, 3", &pixels);
    let message = error(&mut with(&[]));
    assert!(message.contains("its inputs are 9x10x3, the network reads 12x9x3"), "{message}");
}

#[test]
fn import_writes_a_model_or_nothing() {
    let workshop = Workshop::new();
    let fixture = |name: &str| format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let message =
        error(&mut workshop.trainer(["import", &fixture("unknown.tflite"), "--out", "model.kndl"]));
    assert!(message.contains("(TRANSPOSE_CONV): not supported"), "{message}");
    assert!(!workshop.path("model.kndl").exists());
    let scores = fixture("scores.tflite");
    let (stdout, stderr) =
        run(&mut workshop.trainer(["import", &scores, "--out", "model.kndl"]), 0);
    assert_eq!(stderr, "");
    assert!(stdout.contains("next: trainer inspect model.kndl"), "{stdout}");
    assert!(stdout.starts_with("in the file ") && stdout.contains("\nCONV_2D "), "{stdout}");
    assert!(stdout.contains("became no layer of their own: "), "{stdout}");
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "model.kndl"]), 0);
    assert!(stdout.contains("self-test passed"), "{stdout}");
    let (stdout, _) = run(&mut workshop.trainer(["plan", "model.kndl", "--core", "m4"]), 0);
    assert!(stdout.contains("two-roundings"), "{stdout}");
    let planned = ["import", &scores, "--core", "m4", "--ram", "64K", "--out", "m4.kndl"];
    run(&mut workshop.trainer(planned), 0);
    assert!(workshop.path("m4.plan.toml").exists());
    let message = error(&mut workshop.trainer([
        "import",
        &scores,
        "--core",
        "m4",
        "--ram",
        "10",
        "--out",
        "none.kndl",
    ]));
    assert!(message.contains("RAM") || message.contains("memory"), "{message}");
    assert!(!workshop.path("none.kndl").exists());
}

#[test]
fn ram_is_stated_with_and_without_the_image() {
    let workshop = Workshop::with_model();
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    let number = |after: &str| {
        let (_, rest) = stdout.split_once(after).unwrap_or_else(|| panic!("{after} in {stdout}"));
        let digits = rest.chars().take_while(|c| c.is_ascii_digit() || *c == ',');
        digits.filter(char::is_ascii_digit).collect::<String>().parse::<usize>().unwrap()
    };
    let arena = fs::read(workshop.path("out/model.kndl")).unwrap();
    let arena = infer::arena_bytes(&arena).unwrap();
    assert_eq!(number("working RAM "), arena, "{stdout}");
    assert_eq!(number("with the image's 64 bytes "), arena + 64, "{stdout}");
    let (stdout, _) = run(&mut workshop.trainer(["plan", "out/model.kndl", "--core", "m0"]), 0);
    assert!(stdout.lines().any(|line| line.contains("RAM  with image ")), "{stdout}");
    let (plan, cells) =
        (stdout.lines().find(|line| line.starts_with('*')).unwrap(), |at: usize| {
            move |line: &str| {
                let cell = line.split_whitespace().nth(at).unwrap().replace(',', "");
                cell.parse::<usize>().unwrap()
            }
        });
    assert_eq!(cells(4)(plan), cells(3)(plan) + 64, "{stdout}");
}

/// Cycles are estimated where Arm publishes timings, and the time where the clock is known.
#[test]
fn plan_estimates_cycles_and_time() {
    let workshop = Workshop::with_model();
    let plan = ["plan", "out/model.kndl", "--board", "nrf52840-dk"];
    let (board, _) = run(&mut workshop.trainer(plan), 0);
    let estimate = board.lines().find(|line| line.starts_with("About ")).expect("an estimate");
    assert!(
        estimate.contains(" ms at 64 MHz, the board's clock: by Arm's timings of the Cortex-M4")
    );
    let of = |[option, chip]: [&str; 2]| {
        let words = ["plan", "out/model.kndl", option, chip, "--json"];
        let (json, _) = run(&mut workshop.trainer(words), 0);
        serde_json::from_str::<serde_json::Value>(&json).expect("one JSON object")
    };
    let json = of(["--board", "nrf52840-dk"]);
    let chosen = &json["plans"][json["chosen"].as_u64().unwrap() as usize];
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    let cycles = &chosen["estimated_cycles"];
    let [least, about, most] = ["least", "about", "most"].map(|name| number(&cycles[name]));
    let instructions = number(&chosen["instructions"]);
    assert!(0.9 * instructions < least && least <= about && about <= most, "{chosen}");
    let milliseconds = number(&chosen["estimated_milliseconds"]);
    assert!((milliseconds * 64e3 - about).abs() < 1.0, "{chosen}");
    // The M0+ needs fewer cycles for a branch than the M0; of the M7 nothing is published.
    let first = |core: &str| of(["--core", core])["plans"][0]["estimated_cycles"]["about"].clone();
    assert!(number(&first("m0+")) < number(&first("m0")));
    assert!(first("m7").is_null() && first("m55").is_null());
    let (without, _) = run(&mut workshop.trainer(["plan", "out/model.kndl", "--core", "m33"]), 0);
    assert!(!without.contains("About "), "{without}");
}

#[test]
fn predict_draws_and_answers() {
    let workshop = Workshop::with_model();
    write_png(&workshop.path("top.png"), 8);
    let (stdout, stderr) = run(&mut workshop.trainer(["predict", "out/model.kndl", "top.png"]), 0);
    assert_eq!(stderr, "");
    assert!(!stdout.contains('\x1b'), "{stdout}");
    assert!(stdout.starts_with("████████\n▀▀▀▀▀▀▀▀\n"), "{stdout}");
    assert!(stdout.contains("top.png: 0 ("), "{stdout}");
    // "   2    7.27 %  ██": class, probability, percent sign, bar.
    let cells = |line: &str| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
    let lines: Vec<_> = stdout
        .lines()
        .map(cells)
        .filter(|cells| cells.get(2).is_some_and(|cell| cell == "%"))
        .collect();
    assert_eq!(lines.len(), 3, "{stdout}");
    let sum: f64 = lines.iter().map(|cells| cells[1].parse::<f64>().unwrap()).sum();
    assert!((sum - 100.0).abs() < 0.1, "{sum} in\n{stdout}");
}

#[test]
fn predict_resizes_with_a_note() {
    let workshop = Workshop::with_model();
    write_png(&workshop.path("large.png"), 40);
    let (stdout, _) = run(&mut workshop.trainer(["predict", "out/model.kndl", "large.png"]), 0);
    assert!(stdout.starts_with("note: large.png: 40x40 pixels, scaled to 8x8\n"), "{stdout}");
    assert!(stdout.contains("large.png: 0 ("), "{stdout}");
}

#[test]
fn predict_goes_on_after_a_broken_picture() {
    let workshop = Workshop::with_model();
    write_png(&workshop.path("good.png"), 8);
    fs::write(workshop.path("broken.png"), "not a picture").unwrap();
    let arguments = ["predict", "out/model.kndl", "missing.png", "broken.png", "good.png"];
    let (stdout, stderr) = run(&mut workshop.trainer(arguments), 1);
    assert!(stdout.contains("good.png: 0 ("), "{stdout}");
    let lines: Vec<_> = stderr.lines().collect();
    assert!(lines[0].starts_with("error: missing.png: cannot be read: "), "{stderr}");
    assert!(lines[1].starts_with("error: broken.png: neither a picture (PNG, JPEG)"), "{stderr}");
    assert_eq!(lines[2..], ["error: 2 of 3 pictures could not be read"]);
}

#[test]
fn the_samples_in_the_tree_can_be_read() {
    let workshop = Workshop::with_model();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/samples");
    let [seven, four] = ["digit-7.png", "digit-4-ink-on-paper.png"].map(|name| samples.join(name));
    let arguments = ["predict", "out/model.kndl", seven.to_str().unwrap(), four.to_str().unwrap()];
    let (stdout, _) = run(&mut workshop.trainer(arguments), 0);
    assert!(stdout.contains("digit-7.png: 28x28 pixels, scaled to 8x8"), "{stdout}");
}

#[test]
fn inspect_shows_layers_and_memory() {
    let workshop = Workshop::with_model();
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    for expected in ["conv1", "conv 3x3, pool 2x2", "8x8x1", "3x3x4", "dense1", "its peak at conv1"]
    {
        assert!(stdout.contains(expected), "{expected} in\n{stdout}");
    }
}

/// A small network of TensorFlow's converter: see `fixtures/README.md`.
fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn inspect_shows_the_operators_of_a_tflite_file() {
    let chain = fixture("chain.tflite");
    let (stdout, _) = run(&mut Workshop::new().trainer(["inspect", &chain]), 0);
    let row = |number: &str| -> Vec<String> {
        let mut lines = stdout.lines().map(|line| line.split_whitespace().map(str::to_owned));
        lines.find_map(|mut cells| (cells.next()? == number).then(|| cells.collect())).unwrap()
    };
    assert!(
        stdout.contains("chain.tflite: 8,848 bytes, TensorFlow Lite, 13 operators\n"),
        "{stdout}"
    );
    assert!(stdout.contains(": 1x12x9x3 int8, scale 0.029099, zero point -9\n"), "{stdout}");
    let cells = "CONV_2D 3x3 stride 2x2, RELU input 1x12x9x3 1x6x5x6 int8 0.008368 -128 0,1 x 1,1";
    assert_eq!(row("0")[..15].join(" "), format!("{cells} 4,860"));
    assert_eq!(row("7")[..2], ["STRIDED_SLICE", "(constant)"]);
    assert_eq!(row("9")[1..3], ["5,", "8"], "the map and the shape that it takes");
    assert_eq!(row("all"), ["operators", "15,448", "1,424"]);
}

#[test]
fn inspect_shows_the_nodes_of_an_onnx_file() {
    let (stdout, _) = run(&mut Workshop::new().trainer(["inspect", &fixture("layers.onnx")]), 0);
    let expected =
        "ONNX by fixtures, version 17 of the operators, 19 nodes\ninput x: ?x3x11x9 float32";
    assert!(stdout.contains(expected), "{stdout}");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines: Vec<_> = stdout.lines().map(words).collect();
    let conv = "0 Conv kernel 3x3 stride 2x2 pad 1x1x1x1 input 1x3x11x9 1x6x6x5 4,860 168 conv1";
    assert!(lines.iter().any(|line| line == conv), "{stdout}");
    assert!(lines.iter().any(|line| line.starts_with("all nodes 8,160 ")), "{stdout}");
}

/// As PyTorch's exporter writes them.
#[test]
fn an_onnx_file_may_have_its_values_in_another_one() {
    let workshop = Workshop::new();
    fs::copy(fixture("dynamo.onnx"), workshop.path("dynamo.onnx")).unwrap();
    let message = error(&mut workshop.trainer(["inspect", "dynamo.onnx"]));
    assert!(message.contains("has its values in the file 'dynamo.onnx.data'"), "{message}");
    fs::copy(fixture("dynamo.onnx.data"), workshop.path("dynamo.onnx.data")).unwrap();
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "dynamo.onnx"]), 0);
    assert!(stdout.contains("Conv kernel 3 pad 4x4"), "{stdout}");
}

#[test]
fn inspect_refuses_other_files_in_one_line() {
    let workshop = Workshop::new();
    fs::write(workshop.path("broken.tflite"), "not a network").unwrap();
    let message = error(&mut workshop.trainer(["inspect", "broken.tflite"]));
    assert!(
        message.starts_with("broken.tflite: Model, identifier: is [61, 20, 6e, 65]"),
        "{message}"
    );
    fs::write(workshop.path("broken.onnx"), "not a network").unwrap();
    let message = error(&mut workshop.trainer(["inspect", "broken.onnx"]));
    assert!(message.starts_with("broken.onnx: Model at byte 0x"), "{message}");
    let message = error(&mut workshop.trainer(["inspect", "none.tflite"]));
    assert!(message.starts_with("none.tflite: cannot be read: "), "{message}");
    let message = error(&mut workshop.trainer(["inspect", "broken.tflite", "--key", "a.pub"]));
    assert!(message.contains("--key is for"), "{message}");
}

/// Names come from the model file, which anyone can make.
#[test]
fn inspect_spells_out_what_a_terminal_would_obey() {
    let workshop = Workshop::new();
    let preset = common::PRESET.replace("filters = 4", "filters = 4\nname = \"a\\u001b[2Jb\"");
    fs::write(workshop.path("small.toml"), preset).unwrap();
    workshop.trainer(["train", "small.toml", "--data", "data", "--quiet"]).assert().success();
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    assert!(stdout.contains("\na\\u{1b}[2Jb "), "{stdout}");
    assert!(!stdout.contains('\u{1b}'), "{stdout}");
}

#[test]
fn the_model_carries_its_version_and_a_self_test() {
    let workshop = Workshop::with_model();
    let first_line = |path| {
        run(&mut workshop.trainer(["inspect", path]), 0).0.lines().next().unwrap().to_owned()
    };
    assert!(first_line("out/model.kndl").ends_with("version 0, self-test passed, not signed"));
    let export = |extra: &[&str]| {
        let mut command =
            workshop.trainer(["export", "out/float.burnpack", "--preset", "small.toml"]);
        run(command.args(["--data", "data", "--out", "again.kndl"]).args(extra), 0);
    };
    export(&["--model-version", "41"]);
    assert!(first_line("again.kndl").ends_with("version 41, self-test passed, not signed"));
    run(&mut workshop.trainer(["plan", "again.kndl", "--core", "m4", "--out", "planned.kndl"]), 0);
    assert!(first_line("planned.kndl").ends_with("version 41, self-test passed, not signed"));
    export(&["--no-self-test"]);
    assert!(first_line("again.kndl").ends_with("version 0, no self-test, not signed"));

    // A self-test that expects another score, with the CRC of the changed bytes.
    let mut file = fs::read(workshop.path("planned.kndl")).unwrap();
    *file.last_mut().unwrap() ^= 1;
    let checksum = infer::format::checksum(&file[infer::format::Header::CHECKED_FROM..]);
    file[12..16].copy_from_slice(&checksum.to_le_bytes());
    fs::write(workshop.path("lying.kndl"), file).unwrap();
    assert!(first_line("lying.kndl").ends_with("self-test FAILED, not signed"));
}

#[test]
fn presets_are_listed_and_printed() {
    let workshop = Workshop::new();
    let (list, _) = run(&mut workshop.trainer(["presets"]), 0);
    assert!(list.contains("tutorial") && list.contains("standard (default)"), "{list}");
    let (toml, _) = run(&mut workshop.trainer(["presets", "tutorial"]), 0);
    assert_eq!(toml, include_str!("../../networks/tutorial.toml"));
    assert!(
        error(&mut workshop.trainer(["presets", "other"]))
            .contains("no preset 'other'; known are 'tutorial', 'standard', 'best'")
    );
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("trainer"))
        .arg("presets")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

/// Two models of the small network with other seeds.
fn two_models() -> Workshop {
    let workshop = Workshop::new();
    for (seed, out) in [("0", "a"), ("1", "b")] {
        let arguments = [
            "train",
            "small.toml",
            "--data",
            "data",
            "-q",
            "--epochs",
            "1",
            "--lr",
            "0.0005",
            "--seed",
            seed,
            "--out",
            out,
        ];
        workshop.trainer(arguments).assert().success();
    }
    workshop
}

#[test]
fn compare_shows_models_side_by_side() {
    let workshop = two_models();
    let arguments =
        ["compare", "a/model.kndl", "b/model.kndl", "--data", "data", "--html", "page.html"];
    let (stdout, stderr) = run(&mut workshop.trainer(arguments), 0);
    assert_eq!(stderr, "");
    for name in ["a", "b"] {
        let json = fs::read(workshop.path(&format!("{name}/metrics.json"))).unwrap();
        let metrics: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let accuracy = format!("{:.2} %", 100.0 * metrics["int8_test_accuracy"].as_f64().unwrap());
        let line =
            stdout.lines().find(|line| line.contains(&format!("{name}/model.kndl"))).unwrap();
        assert!(line.contains(&accuracy), "{accuracy} in {line}");
    }
    let disagreeing =
        stdout.lines().find_map(|line| line.strip_prefix("images on which they disagree: "));
    let count: usize = disagreeing.unwrap().parse().unwrap();
    let page = fs::read_to_string(workshop.path("page.html")).unwrap();
    assert_eq!(page.matches("class=\"exhibit\"").count(), count);
    assert!(!page.contains("http:") && !page.contains("https:") && page.len() < 2_000_000);
}

#[test]
fn a_model_agrees_with_itself() {
    let workshop = Workshop::with_model();
    let arguments = ["compare", "out/model.kndl", "out/model.kndl", "--data", "data"];
    let (stdout, _) = run(&mut workshop.trainer(arguments), 0);
    assert!(stdout.contains("All models answer every image alike."), "{stdout}");
    assert!(stdout.contains("1.000") && stdout.contains("no difference shown"), "{stdout}");
}

#[test]
fn what_cannot_be_compared_is_refused_by_name() {
    let workshop = Workshop::with_model();
    // The same classes of larger images: the network looks at a part of them.
    let images = |count: usize| common::idx(&[count, 9, 9], &vec![7; count * 81]);
    fs::create_dir(workshop.path("large")).unwrap();
    for part in ["train", "t10k"] {
        let labels = fs::read(workshop.path(&format!("data/{part}-labels-idx1-ubyte"))).unwrap();
        fs::write(
            workshop.path(&format!("large/{part}-images-idx3-ubyte")),
            images(labels.len() - 8),
        )
        .unwrap();
        fs::write(workshop.path(&format!("large/{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    let train = |preset: &str, data: &str, out: &str| {
        workshop.trainer(["train", preset, "--data", data, "-q", "--out", out]).assert().success();
    };
    train("small.toml", "large", "large-out");
    fs::write(workshop.path("four.toml"), common::PRESET.replace("units = 3", "units = 4"))
        .unwrap();
    train("four.toml", "data", "four-out");
    for (model, expected) in [
        (
            "large-out/model.kndl",
            "has 9x9x1 images, out/model.kndl has 8x8x1 images: only models of",
        ),
        ("four-out/model.kndl", "has 4 classes, out/model.kndl has 3 classes: only models of"),
    ] {
        let message =
            error(&mut workshop.trainer(["compare", "out/model.kndl", model, "--data", "data"]));
        assert!(message.starts_with(&format!("{model} {expected}")), "{message}");
    }
    fs::remove_file(workshop.path("out/model.data.toml")).unwrap();
    let message = error(&mut workshop.trainer(["compare", "out/model.kndl", "out/model.kndl"]));
    assert!(message.contains("takes 8x8x1 images, those of the data set are 28x28x1"), "{message}");
    fs::create_dir(workshop.path("taken")).unwrap();
    let arguments =
        ["compare", "out/model.kndl", "out/model.kndl", "--data", "data", "--html", "taken"];
    let message = error(&mut workshop.trainer(arguments));
    assert!(message.starts_with("taken: cannot be written: "), "{message}");
}

#[test]
fn shells_and_manuals_know_the_commands() {
    let workshop = Workshop::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let (script, _) = run(&mut workshop.trainer(["completions", shell]), 0);
        assert!(script.contains("predict") && script.contains("epochs"), "{shell}");
    }
    let (page, _) = run(&mut workshop.trainer(["man"]), 0);
    assert!(page.contains(".TH trainer 1") && page.contains("compare"), "{page}");
    let (page, _) = run(&mut workshop.trainer(["man", "train"]), 0);
    assert!(page.contains(".TH trainer") && page.contains("\\-\\-epochs"), "{page}");
    let message = error(&mut workshop.trainer(["man", "fly"]));
    assert_eq!(message, "no command 'fly': `trainer help` lists them");
}

#[test]
fn a_network_is_estimated_before_it_is_trained() {
    let workshop = Workshop::new();
    let (all, _) = run(&mut workshop.trainer(["estimate", "small.toml"]), 0);
    for expected in
        ["microbit-v2", "pico2", "stm32vldiscovery", "Most flash: the weights of dense1"]
    {
        assert!(all.contains(expected), "{expected} in\n{all}");
    }
    let lines = all.lines().filter(|line| line.ends_with("  yes")).count();
    assert!(lines >= 10, "{all}");
    let two = ["estimate", "standard", "--board", "microbit", "--board", "pico2"];
    let (boards, _) = run(&mut workshop.trainer(two), 0);
    assert!(!boards.contains("nucleo") && boards.contains("microbit  m0"), "{boards}");
    let (core, _) = run(&mut workshop.trainer(["estimate", "standard", "--core", "m55"]), 0);
    assert!(core.lines().any(|line| line.starts_with("m55 ") && line.ends_with(" yes")), "{core}");
    let unknown = error(&mut workshop.trainer(["estimate", "small.toml", "--board", "nope"]));
    assert!(unknown.starts_with("no board 'nope'; there are "), "{unknown}");
}

#[test]
fn a_starting_preset_fits_the_data_and_trains() {
    let workshop = Workshop::new();
    let new = ["new", "mine.toml", "--data", "data"];
    let (stdout, _) = run(&mut workshop.trainer(new), 0);
    assert!(stdout.starts_with("written: mine.toml, for 8x8x1 images and 3 classes\n"), "{stdout}");
    let message = error(&mut workshop.trainer(new));
    assert!(message.starts_with("mine.toml: cannot be written: "), "{message}");
    let train = ["train", "mine.toml", "--data", "data", "--epochs", "4"];
    let (stdout, stderr) = run(&mut workshop.trainer(train), 0);
    assert_eq!(stderr, "");
    assert!(stdout.contains("240 training images, the last 40 of them held out"), "{stdout}");
    let message =
        error(&mut workshop.trainer(["new", "no.toml", "--data", "data", "--side", "20"]));
    assert!(message.starts_with("data: --side is for folders of pictures"), "{message}");
}

#[test]
fn int4_weights_are_asked_for_by_option() {
    let workshop = Workshop::with_model();
    let export = |extra: &[&str]| {
        let mut command = workshop.trainer(["export", "out/float.burnpack", "--out", "again.kndl"]);
        command.args(["--data", "data"]).args(extra);
        command
    };
    let words = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let (stdout, _) = run(&mut export(&["--int4", "all"]), 0);
    let rows: Vec<Vec<String>> = stdout.lines().map(words).collect();
    assert_eq!(rows[0], words("int4 weights bytes saved change of the answers, steps"), "{stdout}");
    // Nine taps of four filters are filled up to twelve; 3 * 36 weights are halved.
    assert_eq!(rows[1][..2], ["conv1", "12"], "{stdout}");
    assert_eq!(rows[2][..2], ["dense1", "54"], "{stdout}");
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "again.kndl"]), 0);
    assert!(stdout.contains("(DirectPairedInt4)") && stdout.contains("self-test passed"));
    let bits = |stdout: &str| -> Vec<String> {
        let mut lines = stdout.lines().skip_while(|line| !line.starts_with("layer "));
        let at = lines.next().unwrap().find("  bits").unwrap() + "  ".len();
        lines.take(2).map(|line| line[at..at + 4].trim().to_owned()).collect()
    };
    assert_eq!(bits(&stdout), ["4", "4"], "{stdout}");
    let (stdout, _) = run(&mut workshop.trainer(["inspect", "out/model.kndl"]), 0);
    assert_eq!(bits(&stdout), ["8", "8"], "{stdout}");

    let (stdout, _) = run(&mut export(&["--int4", "none"]), 0);
    assert!(!stdout.contains("int4 weights"), "{stdout}");
    let large = ["--int4", "auto", "--core", "m4", "--flash", "1M"];
    let (stdout, _) = run(&mut export(&large), 0);
    assert!(!stdout.contains("int4 weights"), "{stdout}");
    let message = error(&mut export(&["--int4", "auto", "--core", "m4"]));
    assert_eq!(
        message,
        "--int4 auto needs the flash that the model is to fit: name it with --flash, or a board \
         with --board"
    );
    let message = error(&mut export(&["--int4", "auto", "--core", "m4", "--flash", "2K"]));
    assert!(message.starts_with("no plan fits"), "{message}");
}

/// What a preset says of the bits is trained, exported, and told by the run.
#[test]
fn int4_weights_of_a_preset() {
    let workshop = Workshop::new();
    let preset = fs::read_to_string(workshop.path("small.toml")).unwrap();
    let preset = preset.replacen("units = 3", "units = 3\nweights = \"int4\"", 1);
    fs::write(workshop.path("small.toml"), &preset).unwrap();
    let train = ["train", "small.toml", "--data", "data"];
    let (stdout, _) = run(&mut workshop.trainer(train), 0);
    assert!(stdout.contains("int4 weights") && stdout.contains("\ndense1 "), "{stdout}");
    let export = ["export", "out/float.burnpack", "--out", "again.kndl"];
    run(&mut workshop.trainer(export), 0);
    let file = |name: &str| fs::read(workshop.path(name)).unwrap();
    assert_eq!(file("again.kndl"), file("out/model.kndl"));
    let preset =
        preset.replacen("type = \"max_pool\"", "type = \"max_pool\"\nweights = \"int4\"", 1);
    fs::write(workshop.path("small.toml"), preset).unwrap();
    let message = error(&mut workshop.trainer(train));
    assert!(message.contains("unknown field `weights`"), "{message}");
}
