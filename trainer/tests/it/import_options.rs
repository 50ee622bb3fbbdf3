//! Every option of `import` with every kind of file: it changes what comes out, or it is refused.

use std::collections::BTreeSet;
use std::fs;

use assert_cmd::Command;

use crate::common::{Workshop, error, run};

/// Every option but those of the table below.
const OTHERS: [&str; 9] = [
    // Every file has a use for these; other tests look at them.
    "--out",
    "--board",
    "--core",
    "--flash",
    "--ram",
    "--built-in",
    "--no-self-test",
    "--model-version",
    "--keep-all",
];

/// Options with a value each, and what becomes of them: with an int8 file and with one in floating
/// point.
const TABLE: [(&[&str], Use, Use); 17] = [
    (&["--task", "regress"], Use::Yes, Use::Yes),
    (&["--stream"], Use::Yes, Use::No),
    (&["--labels", "names.txt"], Use::Yes, Use::Yes),
    (&["--threads", "1"], Use::No, Use::Silent),
    (&["--mean", "0.5"], Use::No, Use::Yes),
    (&["--std", "0.25"], Use::No, Use::Yes),
    (&["--data", "pictures"], Use::No, Use::Silent),
    (&["--size", "nearest"], Use::No, Use::Yes),
    (&["--test-share", "0.5"], Use::No, Use::Yes),
    (&["--transpose"], Use::No, Use::Yes),
    (&["--columns", "a", "--window", "2"], Use::No, CSV),
    (&["--window", "2", "--columns", "a"], Use::No, CSV),
    (&["--label-column", "c", "--columns", "a", "--window", "2"], Use::No, CSV),
    (&["--target-columns", "c", "--columns", "a", "--window", "2"], Use::No, CSV),
    (&["--group-column", "c", "--columns", "a", "--window", "2"], Use::No, CSV),
    (&["--step", "1", "--columns", "a", "--window", "2"], Use::No, CSV),
    (&["--help"], Use::Silent, Use::Silent),
];

const CSV: Use = Use::Said("--columns and --window are for CSV files");

/// What becomes of an option.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    /// It changes the model or what is said.
    Yes,
    /// It is refused by its name.
    No,
    /// It is refused with these words.
    Said(&'static str),
    /// It is needed, or cannot be seen.
    Silent,
}

fn fixture(name: &str) -> String {
    format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A picture with stripes of its own.
fn write_picture(workshop: &Workshop, name: &str, [height, width]: [u32; 2], seed: u32) {
    let mut encoder =
        png::Encoder::new(fs::File::create(workshop.path(name)).unwrap(), width, height);
    encoder.set_color(png::ColorType::Rgb);
    let value = |at: u32| (at.wrapping_mul(0x9E37_79B9).wrapping_add(seed * 77) >> 13) as u8;
    let pixels: Vec<u8> = (0..3 * height * width).map(value).collect();
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
}

/// A workshop with a flat folder of pictures, and names for five classes.
fn workshop(names: usize) -> Workshop {
    let workshop = Workshop::new();
    fs::create_dir(workshop.path("pictures")).unwrap();
    for index in 0..8 {
        write_picture(&workshop, &format!("pictures/{index}.png"), [19, 17], index);
    }
    let names: String = (0..names).map(|name| format!("name {name}\n")).collect();
    fs::write(workshop.path("names.txt"), names).unwrap();
    workshop
}

#[test]
fn the_table_has_every_option() {
    let workshop = workshop(1);
    let (help, _) = run(&mut workshop.trainer(["import", "--help"]), 0);
    let lines = help.lines().map(str::trim_start).filter(|line| line.starts_with('-'));
    let long =
        |line: &str| line.split([' ', ',']).find(|word| word.starts_with("--")).map(str::to_owned);
    let shown: BTreeSet<String> = lines.filter_map(long).collect();
    let table = TABLE.iter().map(|(options, ..)| options[0]);
    let known: BTreeSet<String> = table.chain(OTHERS).map(str::to_owned).collect();
    assert_eq!(shown, known);
}

/// What a run leaves: code, what it says, the model.
type Outcome = (Option<i32>, String, String, Option<Vec<u8>>);

fn outcome(workshop: &Workshop, command: &mut Command) -> Outcome {
    let _ = fs::remove_file(workshop.path("model.kndl"));
    let output = command.output().unwrap();
    let [said, complained] =
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    (output.status.code(), said, complained, fs::read(workshop.path("model.kndl")).ok())
}

/// Each option of the table with a file that is imported with these options anyway.
fn each_option(file: &str, always: &[&str], uses: impl Fn(&(&[&str], Use, Use)) -> Use) {
    let workshop = workshop(4);
    let file = fixture(file);
    let run = |options: &[&str]| {
        let mut command = workshop.trainer(["import", &file, "--out", "model.kndl"]);
        outcome(&workshop, command.args(always).args(options))
    };
    let plain = run(&[]);
    assert_eq!(plain.0, Some(0), "{plain:?}");
    for row in &TABLE {
        let options = row.0;
        let is_there = |option: &&&str| always.contains(*option);
        if options[0] == "--help" || options.iter().any(|option| is_there(&option)) {
            continue;
        }
        let (code, said, complained, model) = run(options);
        let what = format!("{file} {options:?}: {said}{complained}");
        match uses(row) {
            Use::Yes => assert_ne!(
                (said, complained, model),
                (plain.1.clone(), plain.2.clone(), plain.3.clone()),
                "{what}"
            ),
            Use::No => {
                let refused = format!("{}: ", file);
                assert!(complained.starts_with(&format!("error: {refused}")), "{what}");
                assert!(complained.contains(options[0]), "{what}");
                assert!(complained.contains(" would change nothing: "), "{what}");
                assert_eq!((code, model), (Some(1), None), "{what}");
            }
            Use::Said(words) => {
                assert!(complained.contains(words), "{what}");
                assert_eq!((code, model), (Some(1), None), "{what}");
            }
            Use::Silent => assert_eq!((code, model), (Some(0), plain.3.clone()), "{what}"),
        }
    }
}

#[test]
fn an_int8_file() {
    each_option("scores.tflite", &[], |row| row.1);
}

#[test]
fn a_float_tflite_file() {
    each_option("extremes_float.tflite", &["--data", "pictures"], |row| row.2);
}

#[test]
fn a_float_onnx_file() {
    each_option("torch_images.onnx", &["--data", "pictures"], |row| row.2);
}

#[test]
fn a_quantised_onnx_file() {
    each_option("pictures_qdq.onnx", &["--data", "pictures"], |row| row.2);
}

/// What a model was trained on is not said of another one that takes its place.
#[test]
fn the_record_of_a_model_that_was_here_before() {
    let workshop = workshop(4);
    let record = workshop.path("model.data.toml");
    fs::write(&record, "of another model").unwrap();
    let file = fixture("scores.tflite");
    let import = ["import", &file, "--out", "model.kndl"];
    let (_, complained) = run(&mut workshop.trainer(import), 0);
    let note = "note: model.data.toml told of the model that was here before, and is removed";
    assert!(complained.contains(note), "{complained}");
    assert!(!record.exists());
    let (_, complained) = run(&mut workshop.trainer(import), 0);
    assert!(!complained.contains("note"), "{complained}");
}

/// An int8 file does not name its answers.
#[test]
fn names_of_an_int8_file() {
    let workshop = workshop(4);
    let file = fixture("scores.tflite");
    let labels = ["import", &file, "--labels", "names.txt", "--out", "model.kndl"];
    run(&mut workshop.trainer(labels), 0);
    let (said, _) = run(&mut workshop.trainer(["inspect", "model.kndl"]), 0);
    assert!(said.contains("name 0, name 1, name 2"), "{said}");
    fs::write(workshop.path("names.txt"), "a\nb\n").unwrap();
    let message = error(&mut workshop.trainer(labels));
    assert_eq!(
        message,
        "names.txt: the number of names is 2, 4 are needed: a line for each class or value"
    );
    let autoencoder = fixture("autoencoder.tflite");
    let reconstructs = ["--task", "reconstruct", "--labels", "names.txt", "--out", "other.kndl"];
    let message = error(workshop.trainer(["import", &autoencoder]).args(reconstructs));
    assert!(message.contains(": --labels would change nothing: it names classes"), "{message}");
    assert!(!workshop.path("other.kndl").exists());
}

/// Names of values that the data does not have, and sizes of what is no picture.
#[test]
fn options_that_the_data_has_no_use_for() {
    let workshop = workshop(5);
    let file = fixture("torch_images.onnx");
    let with = |options: &[&str]| {
        let mut command = workshop.trainer(["import", &file, "--out", "model.kndl"]);
        error(command.args(options))
    };
    let unnamed = ["--data", "pictures", "--task", "regress", "--labels", "names.txt"];
    let message = with(&unnamed);
    assert!(message.contains(": --labels would change nothing: it names classes"), "{message}");
    let message = with(&["--data", "data", "--size", "area"]);
    let why = "data: --size would change nothing: it is for folders";
    assert!(message.contains(why), "{message}");
    let sized = ["train", "small.toml", "--data", "data", "--size", "area"];
    let message = error(&mut workshop.trainer(sized));
    assert!(message.contains(why), "{message}");
    assert!(!workshop.path("model.kndl").exists());
}

/// A model answers scores, no probabilities.
#[test]
fn a_softmax_is_for_classes() {
    let workshop = workshop(5);
    let file = fixture("ends_qdq.onnx");
    let import = ["import", &file, "--data", "pictures", "--out", "model.kndl", "--size", "area"];
    let message = error(workshop.trainer(import).args(["--task", "regress"]));
    assert!(message.contains("the network ends in a softmax"), "{message}");
    assert!(!workshop.path("model.kndl").exists());
    run(&mut workshop.trainer(import), 0);
}

/// A command that would lose what it reads, or leave half of what it writes, writes nothing.
#[test]
fn names_that_nothing_is_written_to() {
    let workshop = workshop(5);
    let network = workshop.path("network.tflite");
    let whole = fs::read(fixture("float.tflite")).unwrap();
    fs::write(&network, &whole).unwrap();
    fs::create_dir(workshop.path("folder")).unwrap();
    let with = |out: &str| {
        let import = ["import", "network.tflite", "--data", "pictures", "--out", out];
        error(&mut workshop.trainer(import))
    };
    let own = with("network.tflite");
    assert!(own.contains("network.tflite: the command reads it: give --out another"), "{own}");
    assert_eq!(fs::read(&network).unwrap(), whole);
    let record = with("model.burnpack");
    assert!(record.contains("would have this name: end it in .kndl"), "{record}");
    assert!(with("folder").contains("folder: cannot be written: it is a folder: name a file"));
    assert!(with("no/model.kndl").contains("there is no folder no: make it first"));
    for name in ["model.burnpack", "folder.burnpack", "folder.report.html", "folder.data.toml"] {
        assert!(!workshop.path(name).exists(), "{name}");
    }
}

/// Pictures without classes are enough to calibrate on.
#[test]
fn a_flat_folder_of_pictures() {
    let workshop = workshop(5);
    let file = fixture("torch_images.onnx");
    let import = ["import", &file, "--data", "pictures", "--out", "model.kndl"];
    let (said, complained) = run(&mut workshop.trainer(import), 0);
    assert!(complained.contains("the 8 inputs have no labels: the model is calibrated on all"));
    assert!(said.contains(" of 8 inputs the same class"), "{said}");
    assert!(said.contains("\n      trainer predict model.kndl pictures/0.png\n"), "{said}");
    run(&mut workshop.trainer(["predict", "model.kndl", "pictures/0.png"]), 0);
    run(&mut workshop.trainer(["export", "model.burnpack", "--out", "again.kndl"]), 0);
    let bytes = |name: &str| fs::read(workshop.path(name)).unwrap();
    assert_eq!(bytes("again.kndl"), bytes("model.kndl"));
    let message = error(&mut workshop.trainer(["eval", "model.kndl"]));
    assert!(message.starts_with("pictures: pictures without classes, which"), "{message}");
}
