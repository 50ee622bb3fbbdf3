//! Sums on this build's core; the loop is in assembly, for each class of cores.
//!
//! ```text
//! for each value: output = saturate((a * multiplier of a + b * multiplier of b + offset) >> shift)
//! ```
//!
//! Nothing leaves 32 bits: see [`Sum`].
#![allow(unsafe_code)]

#[cfg_attr(kindling_backend = "mve", path = "twice_mve.rs")]
#[cfg_attr(any(kindling_backend = "dsp", kindling_backend = "armv7m"), path = "twice_armv7.rs")]
#[cfg_attr(kindling_backend = "armv6m", path = "twice_armv6m.rs")]
mod twice;

use super::portable::{Sum, each_run};
use super::{Add, Kernels};
use crate::features::Feature;
use crate::ops::operator::Buffers;
use crate::ops::sets::CortexM;

#[cfg(kindling_backend = "mve")]
crate::arm::vector_assembly!("mve.s");
#[cfg(kindling_backend = "dsp")]
crate::arm::assembly!("dsp.s", "armv7_twice.s");
#[cfg(kindling_backend = "armv7m")]
crate::arm::assembly!("armv7m.s", "armv7_twice.s");
#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!();

/// Values that the loop takes at once.
const AT_ONCE: usize =
    if cfg!(any(kindling_backend = "dsp", kindling_backend = "armv7m")) { 4 } else { 1 };

/// Arguments of the loop.
#[repr(C)]
struct Values {
    count: usize,
    sum: Sum,
}

unsafe extern "C" {
    fn kindling_add(a: *const i8, b: *const i8, out: *mut i8, values: &Values);
}

impl Kernels for CortexM {
    fn run(add: &Add, Buffers { input, second, output, .. }: Buffers<'_>) {
        if Feature::Add.is_built() {
            match Sum::new(add) {
                Some(sum) => {
                    each_run(add, [input, second], output, |a, b, out| add_run(sum, a, b, out));
                }
                None => twice::add(add, [input, second], output),
            }
        }
    }
}

/// Values that lie side by side in both inputs.
fn add_run(sum: Sum, a: &[i8], b: &[i8], out: &mut [i8]) {
    let count = out.len() / AT_ONCE * AT_ONCE;
    let parts = (a.split_at_checked(count), b.split_at_checked(count));
    let ((Some(a), Some(b)), Some(out)) = (parts, out.split_at_mut_checked(count)) else { return };
    if count > 0 {
        let values = Values { count, sum };
        // SAFETY:
        // - `a`, `b` and `out` have `count` values each: they were just split there.
        // - `count` is a multiple of what the loop takes at once, and not 0.
        // - The loop reads bytes, or words where this core loads them from any address.
        // - `out` is borrowed mutably, so it shares no byte with the inputs.
        unsafe { kindling_add(a.0.as_ptr(), b.0.as_ptr(), out.0.as_mut_ptr(), &values) }
    }
    sum.of(a.1, b.1, out.1);
}
