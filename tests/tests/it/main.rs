//! The suites of host and chip, one program for all: `tests/README.md` says what each is about and
//! what it needs.

#![allow(
    clippy::duplicate_mod,
    reason = "the mutations and the random graphs have the same file for their random numbers"
)]

mod accuracy;
mod assembly;
mod bad_model;
mod built_in;
mod chip_parity;
mod cycles;
mod faulty_line;
mod fenced_models;
#[path = "../../fuzz/src/lib.rs"]
#[allow(
    missing_docs,
    dead_code,
    reason = "documented as a crate of its own, all of which fuzz/targets use"
)]
mod fuzz;
#[path = "../../fuzz/src/imports.rs"]
mod fuzz_imports;
mod fuzz_targets;
mod held_rows;
mod hostile_models;
mod imported;
mod limits;
mod mlperf_page;
mod model_slots;
mod networks;
mod nvmc;
mod odd_networks;
mod plan_parity;
mod plans;
mod power_cut;
#[path = "../../../infer/tests/support/random_graph.rs"]
mod random_graph;
#[path = "../../../infer/tests/support/random_layer/mod.rs"]
#[allow(missing_docs, dead_code, reason = "a file of the tests of infer, which use all of it")]
mod random_layer;
mod repository;
mod rtt;
mod server_memory;
mod signature_panics;
mod streams;
#[path = "../../../infer/tests/support/mod.rs"]
mod support;
mod tools;
mod two_versions;
mod update_on_chip;
mod usb_line;
mod work;

/// Where the firmware's files look for the line.
mod board {
    pub(crate) use crate::usb_line::line;
}
