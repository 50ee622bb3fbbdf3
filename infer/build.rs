//! Chooses the kernel set: `kindling_backend` is "dsp", "armv7m" or "portable".
//!
//! Stable Rust has no `cfg(target_feature = "dsp")`, and the target alone does not say which Armv8-M core it is. For
//! those, name the core with a feature of this crate (`cortex-m33`, `cortex-m55`) or with the environment variable
//! `KINDLING_CPU`, which wins.

use std::env;

fn main() {
    println!("cargo::rustc-check-cfg=cfg(kindling_backend, values(\"dsp\", \"armv7m\", \"portable\"))");
    println!("cargo::rerun-if-env-changed=KINDLING_CPU");
    let target = env::var("TARGET").unwrap_or_default();
    println!("cargo::rustc-cfg=kindling_backend=\"{}\"", backend(&target, &cpu()));
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
        ("thumbv7m" | "thumbv8m.main", _) => "armv7m",
        _ => "portable",
    }
}
