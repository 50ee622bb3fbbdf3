//! The board that is built for: its folder, and whether the rest of the build is for it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use crate::{read, variable, write};

/// Each board has a folder here.
const BOARDS: &str = "boards";

/// The board when `KINDLING_BOARD` is not set.
const DEFAULT: &str = "mps2-an386";

/// The features that name an Armv8-M core.
const CORES: [&str; 2] = ["cortex-m33", "cortex-m55"];

/// Which core `infer` is built for, where target and features do not say; it wins over both.
const CPU: &str = "KINDLING_CPU";

/// A board with a folder.
pub struct Board {
    /// The folder's name.
    pub name: String,
    folder: PathBuf,
    /// What `board.toml` says.
    description: String,
}

impl Board {
    /// The one that `KINDLING_BOARD` names.
    pub fn selected() -> Result<Self, String> {
        let name = variable("KINDLING_BOARD").unwrap_or_else(|| DEFAULT.to_owned());
        let known = names()?;
        if !known.contains(&name) {
            let known = known.join(", ");
            return Err(format!("KINDLING_BOARD is \"{name}\", which is none of {known}"));
        }
        let folder = Path::new(BOARDS).join(&name);
        println!("cargo::rerun-if-changed={}", folder.display());
        let description = String::from_utf8_lossy(&read(&folder.join("board.toml"))?).into_owned();
        Ok(Self { name, folder, description })
    }

    /// Whether target, features and flags are the board's: a program for another core is linked
    /// without a word, and does not run.
    pub fn check(&self) -> Result<(), String> {
        self.check_target()?;
        self.check_core()?;
        self.check_flags()
    }

    fn check_target(&self) -> Result<(), String> {
        let (name, target) = (&self.name, env::var("TARGET").unwrap_or_default());
        let (board, usb) = self.description.split_once("[usb]").unwrap_or((&self.description, ""));
        let of_usb = if is_set("usb") { value(usb, "target") } else { None };
        let right = of_usb.or(value(board, "target")).unwrap_or_default();
        if target == right || value(board, "also_runs") == Some(&*target) {
            return Ok(());
        }
        Err(format!(
            "{name} is a board for {right}, and this build is for {target}: \
             KINDLING_BOARD={name} cargo run --release --target {right}{}",
            value(board, "feature").map_or(String::new(), |name| format!(" --features {name}"))
        ))
    }

    fn check_core(&self) -> Result<(), String> {
        let (name, feature) = (&self.name, value(&self.description, "feature"));
        let feature = feature.filter(|feature| CORES.contains(feature));
        if let Some(missing) = feature.filter(|feature| !is_set(feature)) {
            return Err(format!("{name} has a {missing}: add --features {missing}"));
        }
        if let Some(other) = CORES.iter().find(|core| is_set(core) && Some(**core) != feature) {
            return Err(format!("{name} has no {other}: leave the feature {other} out"));
        }
        match variable(CPU) {
            Some(cpu) if cpu != "portable" && Some(&*cpu) != feature => Err(format!(
                "{CPU} is \"{cpu}\", and {name} says by itself which core it has: unset {CPU}"
            )),
            _ => Ok(()),
        }
    }

    /// `.cargo/config.toml` says how programs are linked. RUSTFLAGS and a configuration of another
    /// folder take its place; the program is then linked without the board's memory map.
    fn check_flags(&self) -> Result<(), String> {
        let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
        if flags.contains("link-arg=-Tlink.x") {
            return Ok(());
        }
        Err("the flags of firmware-example/.cargo/config.toml are missing: \
             run cargo in firmware-example, without RUSTFLAGS"
            .to_owned())
    }

    /// The core, as plans name it: those of a class run the same code.
    pub fn core(&self) -> &str {
        match value(&self.description, "core").unwrap_or_default() {
            "m0+" => "m0",
            "m7" => "m4",
            core => core,
        }
    }

    /// What a plan may take of flash and RAM, bytes.
    pub fn plan_bytes(&self) -> [u32; 2] {
        ["flash_kib", "ram_kib"].map(|key| {
            let kib: f64 = number(&self.description, key).unwrap_or_default();
            (kib * 1024.0) as u32
        })
    }

    /// The board's memory map.
    pub fn memory(&self) -> Result<String, String> {
        Ok(String::from_utf8_lossy(&read(&self.folder.join("memory.x"))?).into_owned())
    }

    /// Puts the board's module where `src/board/mod.rs` finds it.
    pub fn write_source(&self, out: &Path) -> Result<(), String> {
        // Which memory protection unit there is: the compiler does not say.
        println!("cargo::rustc-check-cfg=cfg(armv8m)");
        if env::var("TARGET").is_ok_and(|target| target.starts_with("thumbv8m")) {
            println!("cargo::rustc-cfg=armv8m");
        }
        let mut selected = included(&self.folder.join("board.rs"), "selected")?;
        // A board with flash that models can be written to.
        println!("cargo::rustc-check-cfg=cfg(slots)");
        let flash = self.folder.join("flash.rs");
        if flash.exists() {
            println!("cargo::rustc-cfg=slots");
            selected += &included(&flash, "selected_flash")?;
        }
        if is_set("usb") {
            selected += &self.usb()?;
        }
        write(&out.join("selected.rs"), selected.as_bytes())
    }

    /// The board's own USB port.
    fn usb(&self) -> Result<String, String> {
        let (name, module) = (&self.name, self.folder.join("usb.rs"));
        match module.exists() {
            true => included(&module, "selected_usb"),
            false => {
                Err(format!("{name} has no USB port of its own: {} is not there", module.display()))
            }
        }
    }
}

/// Whether the firmware's feature is on.
fn is_set(feature: &str) -> bool {
    env::var_os(format!("CARGO_FEATURE_{}", feature.to_uppercase().replace('-', "_"))).is_some()
}

/// The text after `key = ` in a description, which `trainer` reads and writes as TOML.
pub fn value<'d>(description: &'d str, key: &str) -> Option<&'d str> {
    written(description, key)?.strip_prefix('"')?.split('"').next()
}

fn number(description: &str, key: &str) -> Option<f64> {
    written(description, key)?.split(' ').next()?.parse().ok()
}

fn written<'d>(description: &'d str, key: &str) -> Option<&'d str> {
    let of_key = |line: &'d str| line.strip_prefix(key)?.trim_start().strip_prefix('=');
    Some(description.lines().find_map(of_key)?.trim())
}

/// The source that makes the file at `path` the module `name`.
fn included(path: &Path, name: &str) -> Result<String, String> {
    let module = fs::canonicalize(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(format!("#[path = {module:?}]\n#[allow(dead_code)]\nmod {name};\n"))
}

/// The names of all boards, sorted.
fn names() -> Result<Vec<String>, String> {
    let problem = |error| format!("{BOARDS}: {error}");
    let entries = fs::read_dir(BOARDS).map_err(problem)?;
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>, _>>().map_err(problem)?;
    names.sort();
    Ok(names)
}
