//! Chooses the board, checks the model, works out on the host what the chip must answer, and has
//! the linker write into the program what it was built from.

#[path = "build/board.rs"]
mod board;
#[path = "build/identity.rs"]
mod identity;
#[path = "build/model.rs"]
mod model;

use std::fs;
use std::path::{Path, PathBuf};

use board::Board;
use infer::format::LAYERS_MAX;
use infer::{Model, Session, Stream, Table};

/// Stored digits.
const DIGITS: usize = 10;

fn main() {
    if let Err(problem) = build() {
        println!("cargo::error={problem}");
    }
}

fn build() -> Result<(), String> {
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(|error| error.to_string())?);
    let board = Board::selected()?;
    board.check()?;
    board.write_source(&out)?;
    let model = model::chosen(&board, &out)?;
    infer::build::embed_unwatched("model", &model.path);
    write(&out.join("model.kndl"), &model.file)?;
    let memory = board.memory()? + &identity::section(&identity::text(&board.name, &model));
    println!("cargo::rustc-link-search={}", out.display());
    write(&out.join("memory.x"), memory.as_bytes())?;
    let mut table = Table::<LAYERS_MAX>::new();
    let model = Model::from_bytes(&model.file, &mut table).map_err(|error| error.to_string())?;
    println!("cargo::rustc-check-cfg=cfg(streams)");
    if is_stream(&model) {
        println!("cargo::rustc-cfg=streams");
    }
    expected_scores(&model, &out)
}

/// Whether the model is planned for a stream.
fn is_stream(model: &Model) -> bool {
    let mut arena = vec![0; model.arena_bytes()];
    Stream::<LAYERS_MAX>::new(model, &mut arena).is_ok()
}

/// The host's score vectors for the stored digits, one after the other; none when the model's
/// images are of another size.
fn expected_scores(model: &Model, out: &Path) -> Result<(), String> {
    println!("cargo::rerun-if-changed=digits");
    let digits = read(Path::new("digits/images.bin"))?;
    let image_bytes = model.image_shape().len();
    let fits = digits.len() == DIGITS * image_bytes;
    let scores = if fits { host_scores(model, &digits)? } else { Vec::new() };
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

/// An environment variable whose change makes this script run again.
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
