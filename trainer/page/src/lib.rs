//! A model in a browser: loads it, makes pictures into its images, runs it, and compares the bytes
//! with those of the reference.
//!
//! - [`engine`]: what is computed; the same on a host, where it is tested;
//! - `exports`: the functions that JavaScript calls, in WebAssembly only.
//!
//! `./ci.sh engine` makes `trainer/page/page.wasm` of it, which `trainer` puts into its pages.

pub mod engine;
#[cfg(target_arch = "wasm32")]
mod exports;
