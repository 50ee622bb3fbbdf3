//! The model that is built in: the file that is asked for, or its plan for the board's core.
//!
//! Beside a planned file `NAME.kndl` lies `NAME.plan.toml`, which `trainer` wrote: the core, the
//! checksum of the planned file, and that of the file it was planned from. A plan of `NAME.kndl`
//! for a core is `NAME-CORE.kndl`.

use std::fs;
use std::path::{Path, PathBuf};

use infer::format::{Header, LAYERS_MAX};
use infer::{Model, Table};

use crate::board::{Board, value};
use crate::{read, variable};

/// The model when `KINDLING_MODEL` is not set.
const DEFAULT: &str = "model/tutorial.kndl";

/// The model that is built in.
pub struct Chosen {
    pub path: PathBuf,
    pub file: Vec<u8>,
    /// Checksum of the file that was asked for: this one's, or that of the file it was planned
    /// from.
    pub asked: String,
}

/// What lies beside a planned file.
struct Plan {
    core: String,
    /// Checksum of the file it was planned from.
    of: String,
}

/// The model for the board.
pub fn chosen(board: &Board, out: &Path) -> Result<Chosen, String> {
    let named = variable("KINDLING_MODEL");
    let asked = Chosen::read(Path::new(named.as_deref().unwrap_or(DEFAULT)))?;
    let path = asked.path.display();
    // `trainer` and the tests name the very bytes that they have planned.
    if let Some(id) = variable("KINDLING_MODEL_ID") {
        return match id == asked.asked {
            true => Ok(asked),
            false => {
                Err(format!("{path} is model {}; KINDLING_MODEL_ID asks for {id}", asked.asked))
            }
        };
    }
    if named.is_some() {
        // Cargo sees by its time that a file has changed, and misses a file that was replaced by an
        // older one. A file that never exists makes it run this script each time.
        println!("cargo::rerun-if-changed={}", out.join("no such file").display());
    }
    let core = board.core();
    match Plan::of(&asked) {
        Some(plan) if plan.core == core => Ok(asked),
        Some(plan) => Err(format!(
            "{path} is planned for {}, and {} has a {core}: {} plans it for that",
            plan.core,
            board.name,
            command(board, &asked.path)
        )),
        None => match planned(&asked, core)? {
            Some(planned) => Ok(planned),
            None => {
                // The firmware's own model has a plan for the default board only.
                if named.is_some() {
                    warn(board, &asked.path);
                }
                Ok(asked)
            }
        },
    }
}

fn warn(board: &Board, path: &Path) {
    println!(
        "cargo::warning={} does not say which core it is planned for; {} plans it, and this build \
         then takes that file",
        path.display(),
        command(board, path)
    );
}

impl Chosen {
    fn read(path: &Path) -> Result<Self, String> {
        println!("cargo::rerun-if-changed={}", path.display());
        let file = read(path)?;
        Model::from_bytes(&file, &mut Table::<LAYERS_MAX>::new())
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { path: path.to_owned(), asked: id(&file), file })
    }
}

impl Plan {
    /// What is said of the file; `None` when that is of other bytes, or there is nothing.
    fn of(model: &Chosen) -> Option<Self> {
        let path = model.path.with_extension("plan.toml");
        println!("cargo::rerun-if-changed={}", path.display());
        let text = fs::read_to_string(path).ok()?;
        let value = |key| value(&text, key).map(str::to_owned);
        let plan = Self { core: value("core")?, of: value("of")? };
        (value("model")? == id(&model.file)).then_some(plan)
    }
}

/// The plan of a file for a core, where there is one of just that file.
fn planned(asked: &Chosen, core: &str) -> Result<Option<Chosen>, String> {
    let path = beside(&asked.path, core);
    if !path.exists() {
        let folder = path.parent().unwrap_or(&path);
        println!("cargo::rerun-if-changed={}", folder.display());
        return Ok(None);
    }
    let model = Chosen::read(&path)
        .map_err(|error| format!("{error}: plan {} anew, or delete it", asked.path.display()))?;
    let is_it = Plan::of(&model).is_some_and(|plan| plan.core == core && plan.of == asked.asked);
    Ok(is_it.then(|| Chosen { asked: asked.asked.clone(), ..model }))
}

/// Where the plan of a file for a core lies. `NAME-m4.kndl` is a plan of `NAME.kndl` itself.
fn beside(path: &Path, core: &str) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let of_core = ["-m0", "-m3", "-m4", "-m33", "-m55"].into_iter();
    let name = of_core.fold(&*stem, |stem, core| stem.strip_suffix(core).unwrap_or(stem));
    path.with_file_name(format!("{name}-{core}.kndl"))
}

/// The command that plans a file for the board.
fn command(board: &Board, path: &Path) -> String {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (core, [flash, ram]) = (board.core(), board.plan_bytes());
    format!(
        "`cd .. && cargo run --release -p trainer -- plan '{}' --core {core} --flash {flash} \
         --ram {ram} --out '{}'`",
        path.display(),
        beside(&path, core).display()
    )
}

/// A model's checksum, by which chips and the host name it.
pub fn id(file: &[u8]) -> String {
    Header::read(file).map_or(String::new(), |header| format!("{:08x}", header.checksum))
}
