//! For build scripts: a model that is checked while the firmware is built, so that a bad one is a
//! build error.
//!
//! ```toml
//! [build-dependencies]
//! infer = { version = "0.1", features = ["build"] }
//! ```
//!
//! ```no_run
//! // build.rs, in main()
//! infer::build::embed("model.kndl");
//! ```
//!
//! The firmware then says [`embedded_model!`](crate::embedded_model), which defines what [`source`]
//! lists.

extern crate std;

mod network_source;

use std::borrow::ToOwned;
use std::format;
use std::fs;
use std::path::Path;
use std::println;
use std::string::String;

use crate::model::Model;

/// Checks the model file at `path`, seen from the package's folder, and makes it what
/// `embedded_model!` embeds. A file that is no model ends the build with the reason; the build
/// script runs again when the file changes.
pub fn embed(path: impl AsRef<Path>) {
    let path = path.as_ref();
    println!("cargo::rerun-if-changed={}", path.display());
    let out = std::env::var("OUT_DIR")
        .map_err(|_| "OUT_DIR is not set: call this from a build script".to_owned());
    if let Err(problem) = out.and_then(|out| write(path, Path::new(&out))) {
        println!("cargo::error={}: {problem}", path.display());
    }
}

fn write(path: &Path, out: &Path) -> Result<(), String> {
    let file = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let source = source(&file)?;
    let copy = out.join("embedded_model.kndl");
    fs::write(&copy, &file)
        .map_err(|error| format!("cannot be copied to {}: {error}", copy.display()))?;
    let module = out.join("embedded_model.rs");
    fs::write(&module, source).map_err(|error| format!("{}: {error}", module.display()))
}

/// The Rust source that `embedded_model!` includes: `MODEL`, the file; `ARENA_BYTES`, `IMAGE_BYTES`
/// and `CLASSES`, its sizes; `NETWORK`, its layers, for a session without loading.
///
/// # Errors
/// Why `file` is no model.
pub fn source(file: &[u8]) -> Result<String, String> {
    let model = Model::from_bytes(file).map_err(|error| format!("{error}"))?;
    let (arena, image, classes) = (model.arena_bytes(), model.image_shape().len(), model.classes());
    let network = network_source::of(&model, file);
    Ok(format!(
        "/// The model file, checked when this was built, aligned as every backend needs it.\n\
         pub const MODEL: &[u8] = infer::include_model!(concat!(env!(\"OUT_DIR\"), \
         \"/embedded_model.kndl\"));\n\
         /// Bytes of working memory: the size of the `Arena`.\n\
         pub const ARENA_BYTES: usize = {arena};\n\
         /// Bytes of an image.\n\
         pub const IMAGE_BYTES: usize = {image};\n\
         /// Number of scores.\n\
         pub const CLASSES: usize = {classes};\n\
         {network}"
    ))
}
