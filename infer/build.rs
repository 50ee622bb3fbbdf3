//! Chooses the kernel set: `kindling_backend` is "dsp", "armv7m", "armv6m", "mve" or "portable",
//! and `kindling_dsp` is set where the DSP extension is there too.
//!
//! Stable Rust has no `cfg(target_feature = "dsp")`, and the target alone does not say which
//! Armv8-M core it is. For those, one feature of this crate names the core (`cortex-m33`,
//! `cortex-m33-nodsp`, `cortex-m55`), or the environment variable `KINDLING_CPU`, which wins.

use std::env;

/// A core with kernels of its own.
#[derive(Clone, Copy)]
struct Core {
    name: &'static str,
    /// How the names of its targets begin.
    architecture: &'static str,
    kernels: &'static str,
}

const CORES: [Core; 12] = [
    core("cortex-m0", "thumbv6m", "armv6m"),
    core("cortex-m0plus", "thumbv6m", "armv6m"),
    core("cortex-m1", "thumbv6m", "armv6m"),
    core("cortex-m3", "thumbv7m", "armv7m"),
    core("cortex-m4", "thumbv7em", "dsp"),
    core("cortex-m7", "thumbv7em", "dsp"),
    core("cortex-m23", "thumbv8m.base", "armv6m"),
    core("cortex-m33", SEVERAL, "dsp"),
    core("cortex-m33-nodsp", SEVERAL, "armv7m"),
    core("cortex-m35p", SEVERAL, "dsp"),
    core("cortex-m55", SEVERAL, "mve"),
    core("cortex-m85", SEVERAL, "mve"),
];

/// The architecture whose cores differ.
const SEVERAL: &str = "thumbv8m.main";

/// The cores that features name.
const FEATURES: [&str; 3] = ["cortex-m33", "cortex-m33-nodsp", "cortex-m55"];

/// Asks for plain Rust on any core.
const PORTABLE: &str = "portable";

fn main() {
    println!(
        "cargo::rustc-check-cfg=cfg(kindling_backend, \
         values(\"dsp\", \"armv7m\", \"armv6m\", \"mve\", \"portable\"))"
    );
    println!("cargo::rustc-check-cfg=cfg(kindling_dsp)");
    println!("cargo::rerun-if-env-changed=KINDLING_CPU");
    let target = env::var("TARGET").unwrap_or_default();
    let architecture = target.split('-').next().unwrap_or_default();
    println!("cargo::rustc-env=KINDLING_ASSEMBLER={}", assembler(&target, architecture));
    match backend(architecture, env::var("KINDLING_CPU").ok().as_deref()) {
        Ok(backend) => choose(backend),
        Err(problem) => println!("cargo::error={problem}"),
    }
}

fn choose(backend: &str) {
    println!("cargo::rustc-cfg=kindling_backend=\"{backend}\"");
    if matches!(backend, "dsp" | "mve") {
        println!("cargo::rustc-cfg=kindling_dsp");
    }
}

/// Directives, in one line, that come after assembly with sections of its own: for Armv7E-M and
/// Armv8-M it names a core, which the build's own target takes the place of again.
fn assembler(target: &str, architecture: &str) -> String {
    let has_fpu = target.ends_with("hf");
    let (name, fpu) = match architecture {
        "thumbv7em" => ("armv7e-m", "fpv4-sp-d16"),
        SEVERAL => ("armv8-m.main", "fpv5-sp-d16"),
        _ => return ".text".into(),
    };
    let target = match cpu_of_flags(&env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default()) {
        Some(cpu) => format!(".cpu {cpu}"),
        None if has_fpu => format!(".arch {name}; .fpu {fpu}"),
        None => format!(".arch {name}"),
    };
    format!("{target}; .text")
}

/// The core that the compiler is told of, if it is one: `-C target-cpu=NAME`.
fn cpu_of_flags(flags: &str) -> Option<&str> {
    let flags = flags.split('\x1f');
    let mut cpu =
        flags.filter_map(|flag| flag.trim_start_matches("-C").strip_prefix("target-cpu="));
    cpu.next_back().filter(|cpu| *cpu != "generic")
}

const fn core(name: &'static str, architecture: &'static str, kernels: &'static str) -> Core {
    Core { name, architecture, kernels }
}

/// The kernel set for an architecture, by the core that `KINDLING_CPU` or else a feature names.
fn backend(architecture: &str, cpu: Option<&str>) -> Result<&'static str, String> {
    let named = cpu.map(named).transpose()?;
    let Some(first) = CORES.iter().find(|core| core.architecture == architecture) else {
        return Ok(PORTABLE); // no Cortex-M, such as the host, where a build script runs
    };
    match named {
        Some(None) => Ok(PORTABLE),
        Some(Some(core)) if core.architecture == architecture => Ok(core.kernels),
        Some(Some(core)) => Err(format!(
            "KINDLING_CPU is {}, whose targets begin with {}, and this build is for \
             {architecture}: unset KINDLING_CPU, or name another target",
            core.name, core.architecture
        )),
        None if architecture == SEVERAL => by_feature(),
        None => Ok(first.kernels),
    }
}

/// The core that `KINDLING_CPU` names; `None` for plain Rust.
fn named(name: &str) -> Result<Option<Core>, String> {
    if name == PORTABLE {
        return Ok(None);
    }
    CORES.into_iter().find(|core| core.name == name).map(Some).ok_or_else(|| {
        let names = CORES.map(|core| core.name).join(", ");
        format!("KINDLING_CPU is {name:?}; it may be {names} or {PORTABLE}")
    })
}

fn by_feature() -> Result<&'static str, String> {
    let is_set = |core: &Core| {
        let variable = format!("CARGO_FEATURE_{}", core.name.to_uppercase().replace('-', "_"));
        FEATURES.contains(&core.name) && env::var_os(variable).is_some()
    };
    let set: Vec<Core> = CORES.into_iter().filter(is_set).collect();
    let names: Vec<&str> = set.iter().map(|core| core.name).collect();
    match &set[..] {
        [core] => Ok(core.kernels),
        [] => Err(format!(
            "{SEVERAL} alone does not say which core it is: turn on one feature of infer, {}, or \
             set KINDLING_CPU",
            FEATURES.join(", ")
        )),
        _ => Err(format!("a chip has one core; these features are on: {}", names.join(", "))),
    }
}
