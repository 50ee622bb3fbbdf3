//! `trainer` as it is typed: what a run prints and leaves.

use std::fs;
use std::path::Path;

use crate::common::{self, TEST_IMAGES, Workshop, run};
use infer::{Model, Reference, Session};
use serde_json::Value;
use trainer::model_file::ModelTable;

fn metrics(workshop: &Workshop) -> Value {
    serde_json::from_slice(&fs::read(workshop.path("out/metrics.json")).unwrap()).unwrap()
}

/// What a run with a constant learning rate leaves in its folder.
const LEFT_BY_TRAIN: [&str; 9] = [
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

#[test]
fn a_run_leaves_a_model_and_its_metrics() {
    let workshop = Workshop::new();
    let (stdout, stderr) =
        run(&mut workshop.trainer(["train", "small.toml", "--data", "data", "--seed", "5"]), 0);
    assert_eq!(stderr, "");
    assert_eq!(workshop.names_in("out"), LEFT_BY_TRAIN);

    let metrics = metrics(&workshop);
    assert_eq!(metrics["preset"], "small.toml");
    assert_eq!((&metrics["seed"], &metrics["epochs"]), (&Value::from(5), &Value::from(3)));
    assert_eq!(
        metrics["model_bytes"],
        fs::metadata(workshop.path("out/model.kndl")).unwrap().len()
    );
    assert_eq!(metrics["test_images"], TEST_IMAGES);
    for share in ["float_test_accuracy", "int8_test_accuracy", "agreement"] {
        assert!((0.0..=1.0).contains(&metrics[share].as_f64().unwrap()), "{share}");
    }
    for positive in ["seconds_per_epoch", "threads", "arena_bytes", "macs"] {
        assert!(metrics[positive].as_f64().unwrap() > 0.0, "{positive}");
    }
    assert_eq!(metrics["history"].as_array().unwrap().len(), 3);

    for expected in [
        "test accuracy",
        "same answer",
        "working RAM",
        "MACs per image",
        "truth \\ answer",
        "next:",
    ] {
        assert!(stdout.contains(expected), "{expected} in\n{stdout}");
    }
}

#[test]
fn the_float_record_quantises_to_the_same_model() {
    let workshop = Workshop::with_model();
    let export = ["export", "out/float.burnpack", "--data", "data", "--out", "again.kndl"];
    for preset in [&[][..], &["--preset", "small.toml"]] {
        let (stdout, _) = run(workshop.trainer(export).args(preset), 0);
        assert!(stdout.contains("written: again.kndl"), "{stdout}");
        let [again, first] =
            ["again.kndl", "out/model.kndl"].map(|path| fs::read(workshop.path(path)).unwrap());
        assert_eq!(again, first);
    }
    let message = common::error(workshop.trainer(export).args(["--preset", "tutorial"]));
    assert!(
        message.starts_with("out/float.burnpack: the parameters are not those of the network"),
        "{message}"
    );
}

#[test]
fn the_small_set_is_learnt() {
    let workshop = Workshop::with_model();
    let accuracy = metrics(&workshop)["int8_test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
}

#[test]
fn piped_progress_is_one_plain_line_per_epoch() {
    let workshop = Workshop::new();
    let (stdout, _) = run(&mut workshop.trainer(["train", "small.toml", "--data", "data"]), 0);
    assert!(!stdout.contains('\x1b') && !stdout.contains('\r'), "{stdout}");
    let epochs: Vec<_> = stdout.lines().filter(|line| line.starts_with("epoch ")).collect();
    assert_eq!(epochs.len(), 3, "{stdout}");
    assert!(
        epochs[0].starts_with("epoch 1/3  loss ") && epochs[0].contains("held-out"),
        "{}",
        epochs[0]
    );
}

#[test]
fn json_is_one_line_per_epoch_and_one_at_the_end() {
    let workshop = Workshop::new();
    let preset = common::PRESET.replace("held_out = 30", "held_out = 5000");
    fs::write(workshop.path("small.toml"), preset).unwrap();
    let (stdout, stderr) =
        run(&mut workshop.trainer(["train", "small.toml", "--data", "data", "--json"]), 0);
    assert!(stderr.starts_with("note: "), "{stderr}");
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (finished, epochs) = lines.split_last().unwrap();
    assert_eq!(epochs.len(), 3);
    for (number, epoch) in epochs.iter().enumerate() {
        assert_eq!(
            (&epoch["event"], &epoch["epoch"]),
            (&Value::from("epoch"), &Value::from(number + 1))
        );
        assert!(
            epoch["loss"].as_f64().unwrap() > 0.0 && epoch["held_out_accuracy"].is_number(),
            "{epoch}"
        );
    }
    assert_eq!(
        (&finished["event"], &finished["model"]),
        (&"finished".into(), &"out/model.kndl".into())
    );
    assert_eq!(finished["int8_test_accuracy"], metrics(&workshop)["int8_test_accuracy"]);
    assert_eq!(finished["history"].as_array().unwrap().len(), 3);
}

/// Names with quotes, a line break and a terminal's escape: JSON has them as text, and its lines
/// stay lines.
#[cfg(unix)]
#[test]
fn hostile_names_are_text_in_json() {
    let workshop = Workshop::new();
    let hostile = "a\"}\\,\n\u{1b}[31m\u{7f}.toml";
    let preset = common::PRESET.replace("filters = 4", "filters = 4\nname = \"\\\"}\\n\\u001b\"");
    fs::write(workshop.path(hostile), preset).unwrap();
    let out = "out\"\n\u{1b}]0;x";
    let (stdout, _) =
        run(&mut workshop.trainer(["train", hostile, "--data", "data", "--json", "--out", out]), 0);
    let lines: Vec<Value> =
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 4, "three epochs and the end");
    assert_eq!(lines[3]["preset"], hostile);
    assert_eq!(lines[3]["model"], format!("{out}/model.kndl"));
    let json = fs::read_to_string(workshop.path(out).join("metrics.json")).unwrap();
    assert!(
        !json
            .chars()
            .any(|character| character.is_control() && character != '\n' && character != '\u{7f}')
    );
    let metrics: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(metrics["preset"], hostile);
}

#[test]
fn without_a_command_it_trains() {
    let workshop = Workshop::new();
    let arguments = ["--preset", "small.toml", "--data", "data", "--epochs", "1", "--out", "a/b"];
    let (stdout, _) = run(&mut workshop.trainer(arguments), 0);
    assert!(stdout.contains("epoch 1/1 "), "{stdout}");
    assert_eq!(workshop.names_in("a/b"), LEFT_BY_TRAIN);
}

#[test]
fn quiet_says_nothing() {
    let workshop = Workshop::new();
    let arguments = ["train", "small.toml", "--data", "data", "--quiet"];
    assert_eq!(run(&mut workshop.trainer(arguments), 0), (String::new(), String::new()));
}

#[test]
fn options_go_before_the_preset() {
    let workshop = Workshop::new();
    let arguments = [
        "train",
        "small.toml",
        "--data",
        "data",
        "-q",
        "--epochs",
        "2",
        "--batch",
        "30",
        "--lr",
        "0.002",
    ];
    workshop.trainer(arguments).assert().success();
    let metrics = metrics(&workshop);
    assert_eq!((&metrics["epochs"], &metrics["batch"]), (&Value::from(2), &Value::from(30)));
    assert_eq!(metrics["learning_rate"], 0.002);
}

#[test]
fn one_seed_is_one_model_whatever_the_threads() {
    let workshop = Workshop::new();
    let model = |seed: &str, threads: &str| {
        let arguments = [
            "train",
            "small.toml",
            "--data",
            "data",
            "-q",
            "--seed",
            seed,
            "--threads",
            threads,
            "--out",
            "out",
        ];
        workshop.trainer(arguments).assert().success();
        fs::read(workshop.path("out/model.kndl")).unwrap()
    };
    assert_eq!(model("1", "1"), model("1", "2"));
    assert_ne!(model("1", "1"), model("2", "1"));
}

#[test]
fn a_small_set_holds_out_fewer_images_with_a_note() {
    let workshop = Workshop::new();
    let preset = common::PRESET.replace("held_out = 30", "held_out = 5000");
    fs::write(workshop.path("small.toml"), preset).unwrap();
    let (_, stderr) = run(&mut workshop.trainer(["train", "small.toml", "--data", "data"]), 0);
    assert_eq!(stderr, "note: 40 instead of 5000 of the 240 training images are held out\n");
}

/// Ctrl-C in the middle of a long run: what was there before stays, and the exit code says so.
#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_what_was_there() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};

    let workshop = Workshop::with_model();
    let before = fs::read(workshop.path("out/model.kndl")).unwrap();
    let mut child = Command::new(assert_cmd::cargo::cargo_bin("trainer"))
        .current_dir(workshop.path(""))
        .args(["train", "small.toml", "--data", "data", "--seed", "9", "--epochs", "10000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().starts_with("epoch ")).unwrap().unwrap();
    // The shell's own kill: /bin/kill is not on every machine.
    Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).status().unwrap();
    lines.for_each(drop);
    let output = child.wait_with_output().unwrap();

    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let rest = stderr.strip_prefix("interrupted after ").unwrap();
    let epochs: u32 = rest
        .strip_suffix(
            " of 10000 epochs: no model written; the same command with --resume goes on\n",
        )
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..10_000).contains(&epochs), "{stderr}");
    assert_eq!(fs::read(workshop.path("out/model.kndl")).unwrap(), before);
    assert_eq!(workshop.names_in("out"), LEFT_BY_TRAIN);
}

/// Standard error of a run on training and test images of these labels.
fn notes_with(train: &[u8], test: &[u8]) -> String {
    let workshop = Workshop::new();
    common::write_labelled(&workshop.path("own"), "train", train);
    common::write_labelled(&workshop.path("own"), "t10k", test);
    run(&mut workshop.trainer(["train", "small.toml", "--data", "own"]), 0).1
}

#[test]
fn sorted_images_are_held_out_from_every_class() {
    let sorted: Vec<u8> = (0..3).flat_map(|label| [label; 60]).collect();
    let workshop = Workshop::new();
    common::write_labelled(&workshop.path("own"), "train", &sorted);
    common::write_labelled(&workshop.path("own"), "t10k", &[0, 1, 2, 0, 1, 2]);
    let (stdout, _) = run(&mut workshop.trainer(["train", "small.toml", "--data", "own"]), 0);
    assert!(stdout.contains("30 of them held out, drawn from every class, "), "{stdout}");
    let (accuracy, confusion) = {
        let metrics = metrics(&workshop);
        (metrics["int8_test_accuracy"].as_f64().unwrap(), metrics["confusion"].clone())
    };
    assert_eq!(accuracy, 1.0, "{confusion}");
}

#[test]
fn what_the_data_lacks_is_said() {
    let mixed: Vec<u8> = (0..120).map(|image| image % 2).collect();
    let missing = notes_with(&mixed, &[0, 1, 2, 2]);
    assert!(missing.contains("no training image has label 2, 2 test images have"), "{missing}");
    let one = notes_with(&[1; 120], &[0, 1, 2]);
    assert!(one.contains("all training images have label 1"), "{one}");
    let unused = notes_with(&mixed, &[0, 1]);
    assert!(
        unused.contains("the network ends with 3 values, but the labels are 0 to 1"),
        "{unused}"
    );
}

#[test]
fn one_run_at_a_time_writes_to_a_folder() {
    let workshop = Workshop::new();
    let long = common::PRESET.replace("epochs = 3", "epochs = 10000");
    fs::write(workshop.path("long.toml"), long).unwrap();
    let mut first = std::process::Command::new(assert_cmd::cargo::cargo_bin("trainer"))
        .current_dir(workshop.path("."))
        .args(["train", "long.toml", "--data", "data", "--quiet"])
        .spawn()
        .unwrap();
    while !workshop.path("out/checkpoint.kindling").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let second = ["train", "small.toml", "--data", "data"];
    let message = common::error(&mut workshop.trainer(second));
    first.kill().unwrap();
    first.wait().unwrap();
    assert!(message.starts_with("out: another run is under way there"), "{message}");
    workshop.trainer(second).arg("--quiet").assert().success();
    assert_eq!(workshop.names_in("out"), LEFT_BY_TRAIN);
}

#[test]
fn a_model_carries_samples_with_its_answers() {
    let workshop = Workshop::with_model();
    let exported = ["export", "out/float.burnpack", "--out", "again.kndl", "--samples", "4"];
    run(&mut workshop.trainer(exported), 0);
    let file = fs::read(workshop.path("again.kndl")).unwrap();
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).unwrap();
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).unwrap();
    let mut classes = vec![];
    for sample in model.metadata().samples() {
        let scores = session.run_stored::<Reference>(sample.image, &mut ()).unwrap();
        assert!(scores.values().iter().map(|score| *score as u8).eq(sample.answer.iter().copied()));
        classes.push(sample.class);
    }
    assert_eq!(classes.len(), 4);
    assert_ne!(classes[0], classes[1], "class by class in turn");
    let (shown, _) = run(&mut workshop.trainer(["inspect", "again.kndl"]), 0);
    assert!(shown.contains("self-test passed, 4 samples, not signed"), "{shown}");
}

#[test]
fn export_calibrates_on_what_was_trained_on_or_refuses() {
    let workshop = Workshop::with_model();
    let export = |extra: &[&str]| {
        let mut command = workshop.trainer(["export", "out/float.burnpack", "--out", "again.kndl"]);
        command.args(extra);
        command
    };
    let files = |name: &str| fs::read(workshop.path(name)).unwrap();
    run(&mut export(&[]), 0);
    assert_eq!(files("again.kndl"), files("out/model.kndl"));
    assert_eq!(files("again.data.toml"), files("out/model.data.toml"));

    // Other images of the same shape: asked for by name, with a note.
    let labels: Vec<u8> = (0..60).map(|image| image % 3).collect();
    for part in ["train", "t10k"] {
        common::write_labelled(&workshop.path("other"), part, &labels);
    }
    let (_, stderr) = run(&mut export(&["--data", "other"]), 0);
    assert!(stderr.contains("in other are not those the record was trained on"), "{stderr}");

    // Colour images, which the record's network cannot take.
    let mut colour = common::idx(&[2, 8, 8, 3], &[7; 384]);
    for part in ["train", "t10k"] {
        fs::remove_file(workshop.path(&format!("other/{part}-images-idx3-ubyte"))).unwrap();
        fs::write(workshop.path(&format!("other/{part}-images-idx4-ubyte")), &colour).unwrap();
        let labels = common::idx(&[2], &[0, 1]);
        fs::write(workshop.path(&format!("other/{part}-labels-idx1-ubyte")), labels).unwrap();
    }
    let message = common::error(&mut export(&["--data", "other"]));
    assert_eq!(
        message,
        "out/float.burnpack: trained on 8x8x1 images, those in other are 8x8x3: name the data it \
            was trained on with --data"
    );

    // What the record names has changed, or is gone.
    colour.clear();
    common::write_labelled(&workshop.path("data"), "train", &labels);
    let message = common::error(&mut export(&[]));
    assert!(message.contains("in data are no longer those it was trained on"), "{message}");
    fs::remove_dir_all(workshop.path("data")).unwrap();
    assert!(common::error(&mut export(&[])).starts_with("data: no such file or folder"));
}

/// A model of dark strokes on light paper: its own images as pictures are left as they are.
#[test]
fn predict_follows_the_ground_of_the_training_images() {
    let workshop = Workshop::new();
    for part in ["train", "t10k"] {
        let path = workshop.path(&format!("data/{part}-images-idx3-ubyte"));
        let mut file = fs::read(&path).unwrap();
        for (place, pixel) in file[16..].iter_mut().enumerate() {
            // A dark bar on light paper that does not reach the border.
            let (row, column) = (place / 8 % 8, place % 8);
            let bar = *pixel > 128 && (1..7).contains(&row) && (1..7).contains(&column);
            *pixel = if bar { 40 } else { 235 + *pixel % 16 };
        }
        fs::write(&path, file).unwrap();
    }
    workshop.trainer(["train", "small.toml", "--data", "data", "--quiet"]).assert().success();
    let file = fs::read(workshop.path("data/t10k-images-idx3-ubyte")).unwrap();
    let names: Vec<String> = (0..30).map(|index| format!("{index}.png")).collect();
    for (name, pixels) in names.iter().zip(file[16..].chunks(64)) {
        let writer = fs::File::create(workshop.path(name)).unwrap();
        let mut encoder = png::Encoder::new(writer, 8, 8);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    }
    let right = |extra: &[&str]| {
        let mut command = workshop.trainer(["predict", "out/model.kndl"]);
        let (stdout, _) = run(command.args(extra).args(&names), 0);
        let is_right = |index: &usize| stdout.contains(&format!("\n{index}.png: {} (", index % 3));
        (0..30).filter(is_right).count()
    };
    assert_eq!((right(&[]), right(&["--invert", "no"])), (30, 30));
    // Without the record beside it the model's own test image says the same.
    fs::remove_file(workshop.path("out/model.data.toml")).unwrap();
    assert_eq!(right(&[]), 30);
    assert!(right(&["--invert", "yes"]) < 30);
}

/// The small data set as a folder of pictures for each class.
fn write_pictures(workshop: &Workshop) {
    for (part, file) in [("train", "train"), ("test", "t10k")] {
        let path = workshop.path(&format!("data/{file}-images-idx3-ubyte"));
        let pixels = fs::read(path).unwrap();
        for (index, image) in pixels[16..].chunks(64).enumerate() {
            let class = ["top", "middle", "bottom"][index % 3];
            let folder = workshop.path(&format!("pictures/{part}/{class}"));
            fs::create_dir_all(&folder).unwrap();
            let writer = fs::File::create(folder.join(format!("{index}.png"))).unwrap();
            let mut encoder = png::Encoder::new(writer, 8, 8);
            encoder.set_color(png::ColorType::Grayscale);
            encoder.write_header().unwrap().write_image_data(image).unwrap();
        }
    }
}

#[test]
fn folders_of_pictures_are_trained_on_and_keep_their_names() {
    let workshop = Workshop::new();
    write_pictures(&workshop);
    let train = ["train", "small.toml", "--data", "pictures", "--size", "exact"];
    let (stdout, stderr) = run(&mut workshop.trainer(train), 0);
    assert_eq!(stderr, "");
    let data = "data: 240 training images, 30 of them held out, drawn from every class, 60 test \
        images, 8x8x1, pixels 0 to ";
    assert!(stdout.contains(data), "{stdout}");
    // By letter: bottom, middle, top.
    assert!(stdout.contains("\nmiddle        80    20\n"), "{stdout}");
    let accuracy = metrics(&workshop)["int8_test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let (evaluated, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(evaluated.starts_with(&format!("int8 accuracy {:.2} %", 100.0 * accuracy)));
    assert!(evaluated.lines().any(|line| line.ends_with(" %  middle")), "{evaluated}");
    let picture = "pictures/test/top/0.png";
    let (predicted, _) = run(&mut workshop.trainer(["predict", "out/model.kndl", picture]), 0);
    assert!(predicted.contains(&format!("\n{picture}: top (")), "{predicted}");
    // What is made of the model keeps the names, by the run or by hand.
    let by_run = ["predict", "out/model-m4.kndl", picture];
    assert!(run(&mut workshop.trainer(by_run), 0).0.contains(": top ("));
    let plan = ["plan", "out/model.kndl", "--core", "m4", "--out", "m4.kndl"];
    run(&mut workshop.trainer(plan), 0);
    let (planned, _) = run(&mut workshop.trainer(["predict", "m4.kndl", picture]), 0);
    assert!(planned.contains(": top ("), "{planned}");
    let page = fs::read_to_string(workshop.path("out/report.html")).unwrap();
    assert!(page.contains("<td>middle</td>") && page.contains("resized by exact"));
    assert!(page.contains("<th class=\"name\" scope=\"row\">1 middle</th>"));
    // What is said to be next works, and shows one of the data's own pictures.
    assert!(stdout.contains("predict out/model.kndl pictures/test/top/9.png"), "{stdout}");
    run(&mut workshop.trainer(["export", "out/float.burnpack", "--out", "again.kndl"]), 0);
    let files = ["again.kndl", "out/model.kndl"].map(|name| fs::read(workshop.path(name)).unwrap());
    assert!(files[0] == files[1]);
}

#[test]
fn a_starting_preset_brings_pictures_to_one_size() {
    let workshop = Workshop::new();
    write_pictures(&workshop);
    let new = |file: &str, more: &[&str]| {
        run(workshop.trainer(["new", file, "--data", "pictures"]).args(more), 0).0
    };
    assert!(new("same.toml", &[]).contains("for 8x8x1 images and 3 classes\n"));
    assert!(new("side.toml", &["--side", "12"]).contains("for 12x12x1 images"));
    // Of another size, and in colour.
    let other = fs::File::create(workshop.path("pictures/train/top/other.png")).unwrap();
    let mut encoder = png::Encoder::new(other, 5, 9);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header().unwrap().write_image_data(&[7; 135]).unwrap();
    assert!(new("mixed.toml", &[]).contains("for 48x48x3 images"));
    // Without test images the next command makes some.
    fs::rename(workshop.path("pictures/train"), workshop.path("one")).unwrap();
    let arguments = ["new", "one.toml", "--data", "one"];
    let (stdout, _) = run(&mut workshop.trainer(arguments), 0);
    assert!(stdout.ends_with("trainer train one.toml --data one --test-share 0.2\n"), "{stdout}");
}

/// Series of three movements by ten people, as sensors give them: 60 moments of each.
fn write_series(path: &Path) {
    let mut table = "time,ax,ay,activity,person\n".to_owned();
    for person in 0..10 {
        for (activity, speed) in [("rest", 0.0), ("walk", 0.4), ("run", 1.2)] {
            for time in 0..60 {
                let phase = f64::from(time) * speed + f64::from(person);
                let (ax, ay) = (2.0 * phase.sin(), 9.8 + speed * phase.cos());
                table += &format!("{time},{ax:.3},{ay:.3},{activity},p{person}\n");
            }
        }
    }
    fs::write(path, table).unwrap();
}

#[test]
fn series_are_trained_on_and_a_model_keeps_their_scales() {
    let workshop = Workshop::new();
    write_series(&workshop.path("motion.csv"));
    let message = common::error(&mut workshop.trainer(["new", "m.toml", "--data", "motion.csv"]));
    assert!(message.ends_with("there are time, ax, ay, activity, person"), "{message}");
    let options = "--data motion.csv --test-share 0.3 --columns ax,ay --label-column activity \
        --group-column person --window 20 --step 10";
    let with_options = |start: &[&str]| {
        let mut command = workshop.trainer([]);
        command.args(start).args(options.split_whitespace());
        command
    };
    let (stdout, _) = run(&mut with_options(&["new", "m.toml"]), 0);
    assert!(stdout.contains("for 20x1x2 images and 3 classes\n"), "{stdout}");
    assert!(stdout.ends_with(&format!("trainer train m.toml {options}\n")), "{stdout}");
    let (_, notes) = run(&mut with_options(&["train", "m.toml", "--epochs", "40"]), 0);
    assert!(notes.contains("scales each channel from ax -2 to 2, ay "), "{notes}");
    let accuracy = metrics(&workshop)["int8_test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.9, "{accuracy}");
    let page = fs::read_to_string(workshop.path("out/report.html")).unwrap();
    assert!(page.contains("<td>ax</td><td>-2 to 2</td>") && page.contains("<td>walk</td>"));
    // The record knows how the file was read.
    let (evaluated, _) = run(&mut workshop.trainer(["eval", "out/model.kndl"]), 0);
    assert!(evaluated.starts_with(&format!("int8 accuracy {:.2} %", 100.0 * accuracy)));
    let (predicted, _) = run(&mut workshop.trainer(["predict", "out/model.kndl", "motion.csv"]), 0);
    // 1,800 rows without a cut: a window of 20 begins at every tenth.
    assert_eq!(predicted.lines().count(), 179, "{predicted}");
    assert!(predicted.starts_with("motion.csv rows 1 to 20: rest ("), "{predicted}");
    // Other people of another folder, whose values the model's scales cut off.
    fs::create_dir(workshop.path("others")).unwrap();
    let table = fs::read_to_string(workshop.path("motion.csv")).unwrap().replace(",9.", ",900.");
    for part in ["train", "test"] {
        fs::write(workshop.path(&format!("others/{part}.csv")), &table).unwrap();
    }
    let other = ["eval", "out/model.kndl", "--data", "others"];
    let (other, _) = run(&mut workshop.trainer(other), 0);
    assert!(!other.starts_with(&format!("int8 accuracy {:.2} %", 100.0 * accuracy)), "{other}");
}

#[test]
fn a_board_shows_its_row_and_one_that_is_too_small_is_refused_before_training() {
    let workshop = Workshop::new();
    let train = ["train", "small.toml", "--data", "data", "--board", "microbit"];
    let (stdout, _) = run(&mut workshop.trainer(train), 0);
    let row = stdout.lines().find(|line| line.starts_with("microbit  m0")).unwrap();
    assert!(row.ends_with("  yes"), "{row}");
    let large = common::PRESET.replace("filters = 4", "filters = 4000");
    fs::write(workshop.path("large.toml"), large).unwrap();
    let train = ["train", "large.toml", "--data", "data", "--board", "microbit", "--quiet"];
    let message = common::error(&mut workshop.trainer(train));
    assert!(message.contains("more than there are"), "{message}");
    let core = ["train", "small.toml", "--data", "data", "--core", "m4", "--ram", "16", "-q"];
    let message = common::error(&mut workshop.trainer(core));
    assert!(message.contains("bytes of RAM, "), "{message}");
}
