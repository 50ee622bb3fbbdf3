//! What chips may have, and the plans for them.

use trainer::plan::{Budget, Core, Plan};

use crate::firmware::{self, Board};

/// Name, board and cost class of each core.
pub const CORES: [(&str, Board, Core); 6] = [
    ("m0", firmware::M0, Core::M0),
    ("m3", firmware::M3, Core::M3),
    ("m4", firmware::M4, Core::M4),
    ("m7", firmware::M7, Core::M4),
    ("m33", firmware::M33, Core::M4),
    ("m55", firmware::M55, Core::M55),
];

/// Stack that a whole machine needs beside its working memory: loading takes most, up to 3,940 bytes (docs/limits.md, measured), and an
/// interrupt a little.
const STACK_BYTES: usize = 4096;

/// The caller's image.
const IMAGE_BYTES: usize = 784;

/// Name, flash and working memory in bytes, and the cores it is asked of; all when there are none.
const LIMITS: [(&str, usize, usize, &[&str]); 6] = [
    ("512K flash, 16K RAM", 512 << 10, 16 << 10, &["m0", "m3", "m4", "m7", "m33"]),
    ("512K flash, 32K RAM", 512 << 10, 32 << 10, &["m55"]),
    ("256K flash, 16K RAM", 256 << 10, 16 << 10, &[]),
    ("128K flash, 16K RAM", 128 << 10, 16 << 10, &[]),
    ("256K flash, 16K RAM with stack and image", 256 << 10, (16 << 10) - STACK_BYTES - IMAGE_BYTES, &["m0"]),
    ("128K flash, 8K RAM with stack and image", 128 << 10, (8 << 10) - STACK_BYTES - IMAGE_BYTES, &["m3"]),
];

/// The plans for the limits that a core is asked for, as far as there are such plans, and the ends of the front.
pub fn plans<'p>(core: &str, front: &'p [Plan]) -> Vec<(&'static str, &'p Plan)> {
    let asked = LIMITS.iter().filter(|(.., cores)| cores.is_empty() || cores.contains(&core));
    let limited = asked.filter_map(|(name, flash, ram, _)| {
        let budget = Budget { flash: Some(*flash), ram: Some(*ram) };
        Some((*name, &front[budget.choose(front).ok()?]))
    });
    let least_ram = front.iter().min_by_key(|plan| (plan.ram, plan.instructions as u64));
    let least_flash = front.iter().min_by_key(|plan| (plan.flash, plan.instructions as u64));
    let ends = [("smallest RAM", least_ram), ("smallest flash", least_flash)];
    limited.chain(ends.into_iter().filter_map(|(name, plan)| Some((name, plan?)))).collect()
}
