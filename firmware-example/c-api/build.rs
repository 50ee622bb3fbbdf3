//! Writes the header, and checks the model that is built in.

fn main() {
    println!("cargo::rerun-if-changed=src");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    match cbindgen::generate(".") {
        Ok(header) => drop(header.write_to_file("include/kindling.h")),
        Err(error) => println!("cargo::error=include/kindling.h: {error}"),
    }
    println!("cargo::rerun-if-env-changed=KINDLING_MODEL");
    println!("cargo::rustc-check-cfg=cfg(built_in)");
    if let Some(path) = std::env::var_os("KINDLING_MODEL") {
        println!("cargo::rustc-cfg=built_in");
        infer::build::embed_as("model", path);
    }
}
