//! Writes the header.

fn main() {
    println!("cargo::rerun-if-changed=src/lib.rs");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    match cbindgen::generate(".") {
        Ok(header) => drop(header.write_to_file("include/kindling.h")),
        Err(error) => println!("cargo::error=include/kindling.h: {error}"),
    }
}
