//! For build scripts: a model that is checked while the firmware is built, so that a bad one is a
//! build error.
//!
//! ```no_run
//! // build.rs, in main()
//! infer::build::embed("model.kndl");
//! ```
//!
//! The firmware then says [`embedded_model!`](crate::embedded_model), which defines what [`source`]
//! lists. The dependency with the feature `build` stands under `[build-dependencies]`: the
//! project's `docs/integrate.md` has the lines.

extern crate std;

mod network_source;

use std::borrow::ToOwned;
use std::format;
use std::fs;
use std::path::{Path, PathBuf};
use std::println;
use std::string::String;
use std::sync::{Mutex, PoisonError};
use std::vec::Vec;

use crate::graph::format::LAYERS_MAX;
use crate::graph::model::Model;
use crate::graph::table::Table;

/// What the build script has embedded so far: names and the files they stand for.
static EMBEDDED: Mutex<Vec<(String, PathBuf)>> = Mutex::new(Vec::new());

/// Checks the model file at `path`, seen from the package's folder, and makes it what
/// `embedded_model!()` embeds. A file that is no model ends the build with the reason.
///
/// The build script runs in every build. Cargo would run it again only for a file with a newer
/// time, and miss one that is replaced by an older file, such as by `cp -p`: the firmware would
/// silently hold the model before. So the package is compiled in every build too.
///
/// A package with several models embeds each, and names the one it means by the name of its file:
/// after `embed("three.kndl")` and `embed("five.kndl")` that is `embedded_model!("three")` and
/// `embedded_model!("five")`, and `embedded_model!()` is a build error.
pub fn embed(path: impl AsRef<Path>) {
    let path = path.as_ref();
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    embed_as(&name, path);
}

/// [`embed`] under a name that is not the file's: for files of the same name in several folders.
pub fn embed_as(name: &str, path: impl AsRef<Path>) {
    embed_unwatched(name, path);
    // A file that never exists makes cargo run the script each time.
    println!("cargo::rerun-if-changed={FOLDER}/no such file");
}

/// [`embed_as`] for a build script that itself tells cargo when it must run again.
pub fn embed_unwatched(name: &str, path: impl AsRef<Path>) {
    let path = path.as_ref();
    if let Err(problem) = write(name, path) {
        println!("cargo::error={}: {problem}", path.display());
    }
}

/// Writes the model's file and source, and tells the macro where they are: only what this run of
/// the build script has embedded is found, whatever an earlier one has left.
fn write(name: &str, path: &Path) -> Result<(), String> {
    let out =
        std::env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: call this from a build script")?;
    let folder = Path::new(&out).join(FOLDER);
    check_name(name)?;
    let is_only = register(name, path)?;
    let file = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    let (model, module) = (format!("{name}.kndl"), format!("{name}.rs"));
    let source =
        source(&file, &format!("concat!(env!(\"OUT_DIR\"), {:?})", format!("/{FOLDER}/{model}")))?;
    fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    put(&folder.join(model), &file)?;
    put(&folder.join(&module), source.as_bytes())?;
    println!("cargo::rustc-env={VARIABLE}_{name}={}", folder.join(&module).display());
    let unnamed = if is_only { module } else { several(&folder)? };
    println!("cargo::rustc-env={VARIABLE}={}", folder.join(unnamed).display());
    Ok(())
}

/// The folder in `OUT_DIR` for what is embedded.
const FOLDER: &str = "embedded_models";

/// The variable that tells `embedded_model!()` its source; with `_NAME` after it
/// `embedded_model!("NAME")`.
const VARIABLE: &str = "KINDLING_EMBEDDED_MODEL";

/// A name is a part of a variable's name, and of a file's.
fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |character: char| !character.is_control() && !"=/\\".contains(character);
    match !name.is_empty() && name.chars().all(is_allowed) {
        true => Ok(()),
        false => Err(format!("{name:?} is no name for a model: call embed_as(\"model\", ...)")),
    }
}

/// Notes the name; whether it is the only one.
fn register(name: &str, path: &Path) -> Result<bool, String> {
    let mut embedded = EMBEDDED.lock().unwrap_or_else(PoisonError::into_inner);
    match embedded.iter().find(|(known, _)| known == name) {
        Some((_, first)) if first != path => Err(format!(
            "{} is embedded as \"{name}\" already: give one of them another name with \
             embed_as(name, path)",
            first.display()
        )),
        Some(_) => Ok(embedded.len() == 1),
        None => {
            embedded.push((name.to_owned(), path.to_owned()));
            Ok(embedded.len() == 1)
        }
    }
}

/// The source of an `embedded_model!()` that does not say which of several.
fn several(folder: &Path) -> Result<String, String> {
    let embedded = EMBEDDED.lock().unwrap_or_else(PoisonError::into_inner);
    let names: Vec<String> =
        embedded.iter().map(|(name, _)| format!("embedded_model!({name:?})")).collect();
    let message = format!("build.rs embeds several models: say {}", names.join(" or "));
    // All other files in the folder have an ending.
    let module = "several";
    put(&folder.join(module), format!("compile_error!({message:?});\n").as_bytes())?;
    Ok(module.to_owned())
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{} cannot be written: {error}", path.display()))
}

/// The Rust source that `embedded_model!` includes: `MODEL`, the file; `ARENA_BYTES`, `IMAGE_BYTES`
/// and `CLASSES`, its sizes; `NETWORK`, its layers, for a session without loading; `SELF_TEST`,
/// what [`Model::self_test`] gives. `path` is the expression that names the file where the source
/// is compiled.
///
/// # Errors
/// Why `file` is no model.
pub fn source(file: &[u8], path: &str) -> Result<String, String> {
    let mut table = Table::<LAYERS_MAX>::new();
    let model = Model::from_bytes(file, &mut table).map_err(|error| format!("{error}"))?;
    let (arena, image, classes) = (model.arena_bytes(), model.image_shape().len(), model.classes());
    let layers = model.layers().len();
    let network = network_source::of(&model, file);
    let self_test = network_source::self_test(&model, file);
    Ok(format!(
        "/// The model file, checked when this was built, aligned as every backend needs it.\n\
         pub const MODEL: &[u8] = infer::include_model!({path});\n\
         /// Bytes of working memory: the size of the `Arena`.\n\
         pub const ARENA_BYTES: usize = {arena};\n\
         /// Bytes of an image.\n\
         pub const IMAGE_BYTES: usize = {image};\n\
         /// Number of scores.\n\
         pub const CLASSES: usize = {classes};\n\
         /// Number of layers: the capacity of the `Table` that `MODEL` is loaded into.\n\
         #[allow(dead_code)]\n\
         pub const LAYERS: usize = {layers};\n\
         {network}{self_test}"
    ))
}
