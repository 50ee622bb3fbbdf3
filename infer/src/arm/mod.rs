//! What the kernels for Cortex-M cores share.
//!
//! An operator's kernels for these cores are in its folder, under `arm`: the only places with
//! `unsafe`. There, Rust checks sizes and addresses of what a loop is given, so that it is sound
//! whatever safe code calls it with; what the model guarantees makes these checks pass. The loops
//! are in assembly, one file for each class of cores, because they need all 14 registers: inline
//! assembly keeps two of them back, and compiled loops spill.

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
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/requantise.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/twice.s")),
            $(include_str!($file),)+
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
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/requantise.s")),
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/twice.s")),
            $(include_str!($file),)+
            options(raw)
        );
    };
}

/// As above.
#[cfg(kindling_backend = "armv6m")]
macro_rules! assembly {
    () => {
        core::arch::global_asm!(
            include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/arm/armv6m.s")),
            include_str!("armv6m.s"),
            options(raw)
        );
    };
}

pub(crate) use assembly;

/// Whether the bytes, if there are any, begin at a whole word.
pub(crate) fn is_at_word<Byte>(bytes: &[Byte]) -> bool {
    bytes.is_empty() || bytes.as_ptr().addr().is_multiple_of(4)
}
