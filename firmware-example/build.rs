//! Chooses the board, checks the model, and works out on the host what the chip must answer.

use std::fs;
use std::path::{Path, PathBuf};

use infer::{Model, Session};

/// Each board has a folder here.
const BOARDS: &str = "boards";

/// The board when `KINDLING_BOARD` is not set.
const DEFAULT_BOARD: &str = "mps2-an386";

/// Stored digits.
const DIGITS: usize = 10;

/// The model when `KINDLING_MODEL` is not set.
const DEFAULT_MODEL: &str = "model/tutorial.kndl";

fn main() {
    if let Err(problem) = build() {
        println!("cargo::error={problem}");
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(|error| error.to_string())?);
    board(&out)?;
    let file = model(&out)?;
    expected_scores(&file, &out)
}

/// Puts the board's memory map where the linker finds it, and its module where `src/board/mod.rs`
/// does.
fn board(out: &Path) -> Result<(), String> {
    let board = variable("KINDLING_BOARD").unwrap_or_else(|| DEFAULT_BOARD.to_owned());
    let folder = Path::new(BOARDS).join(&board);
    let known = boards()?;
    if !known.contains(&board) {
        return Err(format!(
            "KINDLING_BOARD is \"{board}\", which is none of {}",
            known.join(", ")
        ));
    }
    println!("cargo::rerun-if-changed={}", folder.display());
    println!("cargo::rustc-link-search={}", out.display());
    write(&out.join("memory.x"), &read(&folder.join("memory.x"))?)?;
    // Which memory protection unit there is: the compiler does not say.
    println!("cargo::rustc-check-cfg=cfg(armv8m)");
    if variable("TARGET").is_some_and(|target| target.starts_with("thumbv8m")) {
        println!("cargo::rustc-cfg=armv8m");
    }
    let mut selected = included(&folder.join("board.rs"), "selected")?;
    // A board with flash that models can be written to.
    println!("cargo::rustc-check-cfg=cfg(slots)");
    let flash = folder.join("flash.rs");
    if flash.exists() {
        println!("cargo::rustc-cfg=slots");
        selected += &included(&flash, "selected_flash")?;
    }
    if std::env::var_os("CARGO_FEATURE_USB").is_some() {
        selected += &usb(&folder, &board)?;
    }
    write(&out.join("selected.rs"), selected.as_bytes())
}

/// The board's own USB port.
fn usb(folder: &Path, board: &str) -> Result<String, String> {
    let module = folder.join("usb.rs");
    match module.exists() {
        true => included(&module, "selected_usb"),
        false => {
            Err(format!("{board} has no USB port of its own: {} is not there", module.display()))
        }
    }
}

/// The source that makes the file at `path` the module `name`.
fn included(path: &Path, name: &str) -> Result<String, String> {
    let module = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(format!("#[path = {module:?}]\n#[allow(dead_code)]\nmod {name};\n"))
}

/// The names of all boards, sorted.
fn boards() -> Result<Vec<String>, String> {
    let problem = |error| format!("{BOARDS}: {error}");
    let entries = fs::read_dir(BOARDS).map_err(problem)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>, _>>().map_err(problem)?;
    names.sort();
    Ok(names)
}

/// Copies the model, once it is known to be one.
fn model(out: &Path) -> Result<Vec<u8>, String> {
    let path = variable("KINDLING_MODEL").unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    println!("cargo::rerun-if-changed={path}");
    let file = read(Path::new(&path))?;
    Model::from_bytes(&file).map_err(|error| format!("{path}: {error}"))?;
    infer::build::embed(&path);
    write(&out.join("model.kndl"), &file)?;
    Ok(file)
}

/// The host's score vectors for the stored digits, one after the other; none when the model's
/// images are of another size.
fn expected_scores(file: &[u8], out: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed=digits");
    let digits = read(Path::new("digits/images.bin"))?;
    let model = Model::from_bytes(file).map_err(|error| error.to_string())?;
    let image_bytes = model.image_shape().len();
    let fits = digits.len() == DIGITS * image_bytes;
    let scores = if fits { host_scores(&model, &digits)? } else { Vec::new() };
    write(&out.join("expected.bin"), &scores)
}

fn host_scores(model: &Model, images: &[u8]) -> Result<Vec<u8>, String> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).map_err(|error| error.to_string())?;
    let mut scores = Vec::new();
    for image in images.chunks_exact(model.image_shape().len()) {
        let answer = session.run(image).map_err(|error| format!("digits/images.bin: {error}"))?;
        scores.extend(answer.values().iter().map(|score| *score as u8));
    }
    Ok(scores)
}

fn variable(name: &str) -> Option<String> {
    println!("cargo::rerun-if-env-changed={name}");
    std::env::var(name).ok()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
