//! A firmware of one's own: a package in a temporary folder, outside of the workspace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;
use trainer::device::board::{Machine, firmware_folder};
use trainer::device::firmware::built_program;

/// The crates that every such firmware has, apart from what is tested.
pub const CRATES: &str = r#"
[dependencies.cortex-m]
version = "0.7"
features = ["critical-section-single-core"]
[dependencies.cortex-m-rt]
version = "0.7"
[dependencies.cortex-m-semihosting]
version = "0.6"
[dependencies.panic-halt]
version = "1"
[dependencies.static_cell]
version = "2"
[dependencies.portable-atomic]
version = "1"
features = ["critical-section"]
"#;

/// How its programs are linked.
const LINKED: &str = r#"[target.'cfg(target_os = "none")']
rustflags = ["-C", "link-arg=-Tlink.x", "-C", "link-arg=--nmagic"]
"#;

/// The package.
pub struct Own(TempDir);

impl Own {
    /// A package of an edition, with what its manifest says beside the package's name.
    pub fn new(edition: u32, manifest: &str) -> Self {
        let own = Self(tempfile::tempdir().unwrap());
        let package = format!(
            "[package]\nname = \"own-firmware\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\n"
        );
        own.write("Cargo.toml", format!("{package}\n{manifest}"));
        own.write(".cargo/config.toml", LINKED);
        // Versions that are there already.
        fs::copy(firmware_folder().join("Cargo.lock"), own.path("Cargo.lock")).unwrap();
        own
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Adds to cargo's configuration.
    pub fn configure(&self, lines: &str) -> &Self {
        self.write(".cargo/config.toml", format!("{LINKED}\n{lines}"))
    }

    /// Cargo with these arguments. All such packages are built into one folder, so that what they
    /// share is compiled once.
    pub fn cargo(&self, arguments: &[&str]) -> Output {
        let cargo = std::env::var_os("KINDLING_FIRMWARE_CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(self.0.path()).args(arguments);
        command.env("CARGO_TARGET_DIR", firmware_folder().join("target/own"));
        for name in ["CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS", "KINDLING_CPU", "CARGO_BUILD_TARGET"] {
            command.env_remove(name);
        }
        command.output().unwrap()
    }

    /// What cargo says when it refuses.
    pub fn refused(&self, arguments: &[&str]) -> String {
        let output = self.cargo(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{arguments:?} succeeded:\n{said}");
        said
    }

    /// Builds the program.
    pub fn build(&self, arguments: &[&str]) -> PathBuf {
        let messages = "--message-format=json-render-diagnostics";
        let output = self.cargo(&[&["build", "--quiet", messages], arguments].concat());
        let said = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
        assert!(output.status.success(), "{arguments:?}:\n{}", said[1]);
        // Other packages of this name take its place.
        let program = self.path("program.elf");
        fs::copy(built_program(&said[0], "own-firmware").unwrap(), &program).unwrap();
        program
    }

    /// Builds the program and runs it; what it prints before it ends by itself.
    pub fn run(&self, machine: &Machine, arguments: &[&str]) -> String {
        let output = emulate(machine, &self.build(arguments));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{arguments:?} ended with {}: {said}", output.status);
        said
    }
}

/// Runs a program for at most half a minute.
fn emulate(machine: &Machine, elf: &Path) -> Output {
    let mut command = Command::new("timeout");
    command.args(["30", "qemu-system-arm", "-M", &machine.machine, "-icount", "shift=0"]);
    command.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
    command.args(["-semihosting-config", "enable=on,target=native", "-kernel"]).arg(elf);
    command.output().expect("qemu-system-arm: see ./ci.sh setup")
}

/// `infer` as a dependency, as a manifest has it.
pub fn infer(features: &str) -> String {
    let folder = firmware_folder().with_file_name("infer");
    format!("infer = {{ path = {:?}, features = [{features}] }}", folder.to_str().unwrap())
}
