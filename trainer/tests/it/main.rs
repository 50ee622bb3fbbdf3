//! The program as it is typed, one test program for all: `tests/README.md` of the repository says
//! what each file is about and what it needs.

mod bad_input;
#[path = "../common/browser.rs"]
mod browser;
#[path = "../common/chip.rs"]
mod chip;
mod commands;
#[path = "../common/mod.rs"]
mod common;
mod device;
mod device_update;
mod full_disk;
mod hostile_networks;
mod import_options;
mod live;
mod report;
mod resume;
mod signing;
mod tasks;
mod training;
