//! A workshop for the command line's tests: a small data set, a small network, and the program.

// Each test file uses its part of it.
#![allow(dead_code)]

use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use tempfile::TempDir;

/// Side of the small data set's images.
pub const SIDE: usize = 8;

/// Training images of the small data set.
pub const TRAINING_IMAGES: usize = 240;

/// Test images of the small data set.
pub const TEST_IMAGES: usize = 60;

/// A network for the small data set that trains in a moment.
pub const PRESET: &str = r#"# A small network for tests.
[network.input]
height = 8
width = 8
channels = 1

[[network.layer]]
type = "conv"
filters = 4
kernel = 3
activation = "relu"

[[network.layer]]
type = "max_pool"
size = 2

[[network.layer]]
type = "dense"
units = 3

[[network.layer]]
type = "softmax"

[training]
epochs = 3
batch = 16
held_out = 30

[training.optimizer]
type = "rmsprop"
learning_rate = 0.01
rho = 0.9
epsilon = 1e-7
epsilon_in_root = false
"#;

/// A folder with `data/` and `small.toml`.
pub struct Workshop(TempDir);

impl Workshop {
    pub fn new() -> Self {
        let workshop = Self(TempDir::new().unwrap());
        fs::create_dir(workshop.path("data")).unwrap();
        write_part(&workshop.path("data"), "train", TRAINING_IMAGES);
        write_part(&workshop.path("data"), "t10k", TEST_IMAGES);
        fs::write(workshop.path("small.toml"), PRESET).unwrap();
        workshop
    }

    /// A workshop with a trained model at `out/model.kndl`.
    pub fn with_model() -> Self {
        let workshop = Self::new();
        workshop.trainer(["train", "small.toml", "--data", "data", "--quiet"]).assert().success();
        workshop
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, started in the folder, as if no terminal and no settings were there.
    pub fn trainer<const COUNT: usize>(&self, arguments: [&str; COUNT]) -> Command {
        let mut command = Command::cargo_bin("trainer").unwrap();
        command.current_dir(self.0.path()).env_remove("NO_COLOR").args(arguments);
        command
    }

    /// Names in a folder, sorted.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(folder)).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Standard output and standard error of a run that ends with `code`.
pub fn run(command: &mut Command, code: i32) -> (String, String) {
    let output = command.assert().code(code).get_output().clone();
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

/// The message of a run that fails: exit code 1 and nothing but one line on standard error.
pub fn error(command: &mut Command) -> String {
    let (_, stderr) = run(command, 1);
    let line = stderr.strip_suffix('\n').unwrap();
    assert!(line.starts_with("error: ") && !line.contains('\n'), "{stderr}");
    line.strip_prefix("error: ").unwrap().to_owned()
}

/// An IDX file of unsigned bytes.
pub fn idx(dimensions: &[usize], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|side| (*side as u32).to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// Images of the labels 0 to 2 in this order, and their labels, as one part of a data set.
pub fn write_labelled(folder: &Path, part: &str, labels: &[u8]) {
    fs::create_dir_all(folder).unwrap();
    let pixel =
        |(index, label): (usize, &u8)| image(first_of(part) + 3 * index + *label as usize % 3);
    let pixels: Vec<u8> = labels.iter().enumerate().flat_map(pixel).collect();
    write_files(folder, part, &pixels, labels);
}

fn write_part(folder: &Path, part: &str, images: usize) {
    let pixels: Vec<u8> = (0..images).flat_map(|index| image(first_of(part) + index)).collect();
    let labels: Vec<u8> = (0..images).map(|index| (index % 3) as u8).collect();
    write_files(folder, part, &pixels, &labels);
}

/// Number of the first image of a part, a multiple of 3: test images are not training images.
fn first_of(part: &str) -> usize {
    if part == "train" { 0 } else { 30_000 }
}

fn write_files(folder: &Path, part: &str, pixels: &[u8], labels: &[u8]) {
    let images = labels.len();
    let write =
        |name: &str, bytes| fs::write(folder.join(format!("{part}-{name}-ubyte")), bytes).unwrap();
    write("images-idx3", idx(&[images, SIDE, SIDE], pixels));
    write("labels-idx1", idx(&[images], labels));
}

/// Class 0 is bright at the top, class 1 in the middle, class 2 at the bottom, all with some noise.
fn image(index: usize) -> Vec<u8> {
    let mut noise = index as u32 * 2_654_435_761 % 1_000_003;
    let mut pixel = |row: usize| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let bright = row * 3 / SIDE == index % 3;
        (noise >> 26) as u8 + if bright { 180 } else { 0 }
    };
    (0..SIDE * SIDE).map(|place| pixel(place / SIDE)).collect()
}

/// Numbers from 0 to 1 that look random and are the same each time.
pub fn noise(seed: u32) -> impl FnMut() -> f64 {
    let mut state = seed;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f64 / (1 << 24) as f64
    }
}
