//! Programs for chips, built as a person would: this repository's firmware, and firmware of one's
//! own. `tests/README.md` of the repository says what each file is about and what it needs.

#[path = "../common/chip.rs"]
mod chip;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/own.rs"]
mod own;
mod own_firmware;
mod quick_start;
mod right_program;
mod snippets;
