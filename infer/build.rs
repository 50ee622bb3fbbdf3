//! Chooses the kernel set: `kindling_backend` is "dsp", "armv7m", "armv6m", "mve" or "portable",
//! and `kindling_dsp` is set where the DSP extension is there too.
//!
//! Stable Rust has no `cfg(target_feature = "dsp")`, and the target alone does not say which
//! Armv8-M core it is. For those, name the core with a feature of this crate (`cortex-m33`,
//! `cortex-m55`) or with the environment variable `KINDLING_CPU`, which wins.

use std::env;

fn main() {
    println!(
        "cargo::rustc-check-cfg=cfg(kindling_backend, values(\"dsp\", \"armv7m\", \"armv6m\", \
            \"mve\", \"portable\"))"
    );
    println!("cargo::rerun-if-env-changed=KINDLING_CPU");
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-check-cfg=cfg(kindling_dsp)");
    let backend = backend(&target, &cpu());
    println!("cargo::rustc-cfg=kindling_backend=\"{backend}\"");
    if matches!(backend, "dsp" | "mve") {
        println!("cargo::rustc-cfg=kindling_dsp");
    }
}

/// The core's name, empty when nobody says.
fn cpu() -> String {
    let feature = |name: &&str| {
        env::var_os(format!("CARGO_FEATURE_{}", name.to_uppercase().replace('-', "_"))).is_some()
    };
    env::var("KINDLING_CPU").unwrap_or_else(|_| {
        ["cortex-m55", "cortex-m33"].iter().find(|name| feature(name)).unwrap_or(&"").to_string()
    })
}

/// `KINDLING_CPU=portable` asks for plain Rust on any core.
fn backend(target: &str, cpu: &str) -> &'static str {
    let architecture = target.split('-').next().unwrap_or_default();
    match (architecture, cpu) {
        (_, "portable") => "portable",
        ("thumbv7em", _) => "dsp",
        ("thumbv8m.main", "cortex-m33" | "cortex-m35p") => "dsp",
        ("thumbv8m.main", "cortex-m55" | "cortex-m85") => "mve",
        ("thumbv7m" | "thumbv8m.main", _) => "armv7m",
        ("thumbv6m" | "thumbv8m.base", _) => "armv6m",
        _ => "portable",
    }
}
