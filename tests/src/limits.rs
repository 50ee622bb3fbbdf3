//! What chips may have, and the plans for them.

use trainer::plan::{Budget, Core, Loading, Plan};

use crate::firmware::{self, Board};

/// Name, board and cost class of each core.
pub const CORES: [(&str, Board, Core); 6] = [
    ("m0", firmware::M0, Core::M0),
    ("m3", firmware::M3, Core::M3),
    ("m4", firmware::M4, Core::M4),
    ("m7", firmware::M7, Core::M4),
    ("m33", firmware::M33, Core::M33),
    ("m55", firmware::M55, Core::M55),
];

/// Stack that a whole machine needs beside its working memory: loading takes most, up to 3,940
/// bytes (docs/limits.md, measured), and an interrupt a little.
const STACK_BYTES: usize = 4096;

/// The same where the model is built in, so that nothing is loaded: running takes up to 2,368 bytes
/// (docs/benchmarks.md, measured).
const RUN_STACK_BYTES: usize = 2560;

/// The caller's image.
const IMAGE_BYTES: usize = 784;

/// Limits: name, flash and working memory in bytes, and the cores it is asked of; all when there
/// are none.
type Limit = (&'static str, usize, usize, &'static [&'static str]);

/// For models that the chip loads.
const LIMITS: [Limit; 6] = [
    ("512K flash, 16K RAM", 512 << 10, 16 << 10, &["m0", "m3", "m4", "m7", "m33"]),
    ("512K flash, 32K RAM", 512 << 10, 32 << 10, &["m55"]),
    ("256K flash, 16K RAM", 256 << 10, 16 << 10, &[]),
    ("128K flash, 16K RAM", 128 << 10, 16 << 10, &[]),
    (
        "256K flash, 16K RAM with stack and image",
        256 << 10,
        (16 << 10) - STACK_BYTES - IMAGE_BYTES,
        &["m0"],
    ),
    (
        "128K flash, 8K RAM with stack and image",
        128 << 10,
        (8 << 10) - STACK_BYTES - IMAGE_BYTES,
        &["m3"],
    ),
];

/// For models that are built in.
const BUILT_IN_LIMITS: [Limit; 2] = [
    ("128K flash, 16K RAM", 128 << 10, 16 << 10, &[]),
    (
        "128K flash, 8K RAM with stack and image",
        128 << 10,
        (8 << 10) - RUN_STACK_BYTES - IMAGE_BYTES,
        &["m3"],
    ),
];

/// Bytes of flash that the limit of this name allows; any number for what is no limit.
pub fn flash_bytes(name: &str) -> usize {
    let mut limits = LIMITS.iter().chain(&BUILT_IN_LIMITS);
    limits.find(|limit| limit.0 == name).map_or(usize::MAX, |limit| limit.1)
}

/// The plans for the limits that a core is asked for, as far as there are such plans, and the ends
/// of the front, whose plans have this loading.
pub fn plans<'p>(core: &str, front: &'p [Plan], loading: Loading) -> Vec<(&'static str, &'p Plan)> {
    let limits = match loading {
        Loading::OnChip => &LIMITS[..],
        Loading::BuiltIn => &BUILT_IN_LIMITS,
    };
    let asked = limits.iter().filter(|(.., cores)| cores.is_empty() || cores.contains(&core));
    let limited = asked.filter_map(|(name, flash, ram, _)| {
        let budget = Budget { flash: Some(*flash), ram: Some(*ram) };
        Some((*name, &front[budget.choose(front).ok()?]))
    });
    let least_ram = front.iter().min_by_key(|plan| (plan.ram, plan.instructions as u64));
    let ends = [("smallest RAM", least_ram), ("smallest flash", smallest_flash(front))];
    limited.chain(ends.into_iter().filter_map(|(name, plan)| Some((name, plan?)))).collect()
}

/// Code is predicted no closer than this, bytes.
const FLASH_ACCURACY_BYTES: usize = 160;

/// The fastest of the plans that take no more flash than another, as far as can be told.
pub fn smallest_flash(front: &[Plan]) -> Option<&Plan> {
    let least = front.iter().map(|plan| plan.flash).min()?;
    let as_small = front.iter().filter(|plan| plan.flash <= least + FLASH_ACCURACY_BYTES);
    as_small.min_by(|a, b| a.instructions.total_cmp(&b.instructions))
}
