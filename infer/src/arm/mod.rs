//! What the kernels for Cortex-M cores share.
//!
//! An operator's kernels for these cores are in its folder, under `arm`: the only places with
//! `unsafe`. There, Rust checks sizes and addresses of what a loop is given, so that it is sound
//! whatever safe code calls it with; what the model guarantees makes these checks pass. The loops
//! are in assembly, one file for each class of cores, because they need all 14 registers: inline
//! assembly keeps two of them back, and compiled loops spill.
//!
//! The contract at the head of each file says what its functions take and leave, beyond what Arm's
//! procedure call standard (AAPCS) has for all of them:
//!
//! - arguments are in `r0` to `r3`, an answer is in `r0`; r4-r11, `lr` and d8-d15 are restored;
//! - alignment is that of the addresses given: where none is named, any will do;
//! - clobbers are all registers that may hold something else afterwards;
//! - stack bytes are the most that a function takes; it calls none but those of its folder, of
//!   which the head says so;
//! - flags are those that may be others afterwards;
//! - `CCR.UNALIGN_TRP` says whether a core may be set up to fault where a word is not at a multiple
//!   of four. Firmware that sets that bit cannot run kernels that need it clear, as it is after a
//!   reset. What they read must be Normal memory, as flash and RAM are.
//!
//! Call frame information says where each function has what it saves: see `frame.s`.
//!
//! With optimisation at link time the assembly of all crates becomes one file. So names begin with
//! `kindling_`, and afterwards the assembler is told of the build's own target and section again.

pub(crate) mod instructions;

/// The assembly beside the file that says this: `dsp.s`, `armv7m.s` or `armv6m.s`, whichever is for
/// this build's core, or the files that are named; after what all assembly for such cores shares.
#[cfg(kindling_dsp)]
macro_rules! assembly {
    () => {
        $crate::arm::assembly!("dsp.s");
    };
    ($($file:literal),+) => {
        core::arch::global_asm!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/dsp.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/frame.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/requantise.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/twice.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/jump.s")),
            $(include_str!($file),)+
            env!("KINDLING_ASSEMBLER"),
            options(raw)
        );
    };
}

/// As above.
#[cfg(kindling_backend = "armv7m")]
macro_rules! assembly {
    () => {
        $crate::arm::assembly!("armv7m.s");
    };
    ($($file:literal),+) => {
        core::arch::global_asm!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/armv7m.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/frame.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/requantise.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/twice.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/jump.s")),
            $(include_str!($file),)+
            env!("KINDLING_ASSEMBLER"),
            options(raw)
        );
    };
}

/// As above.
#[cfg(kindling_backend = "armv6m")]
macro_rules! assembly {
    () => {
        $crate::arm::assembly!("armv6m.s");
    };
    ($($file:literal),+) => {
        core::arch::global_asm!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/armv6m.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/frame.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/jump.s")),
            $(include_str!($file),)+
            env!("KINDLING_ASSEMBLER"),
            options(raw)
        );
    };
}

/// The files that are named, for the vector extension.
#[cfg(kindling_backend = "mve")]
macro_rules! vector_assembly {
    ($($file:literal),+) => {
        core::arch::global_asm!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/mve.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/frame.s")),
            $(include_str!($file),)+
            env!("KINDLING_ASSEMBLER"),
            options(raw)
        );
    };
}

pub(crate) use assembly;
#[cfg(kindling_backend = "mve")]
pub(crate) use vector_assembly;

/// Whether the bytes, if there are any, begin at a whole word.
pub(crate) fn is_at_word<Byte>(bytes: &[Byte]) -> bool {
    bytes.is_empty() || bytes.as_ptr().addr().is_multiple_of(4)
}
