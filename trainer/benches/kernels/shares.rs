//! The fastest call of each kernel, in GFLOP/s and as a share of the core's peak.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use trainer::kernels::InstructionSet;

use super::peak;

/// What was measured, in the order it was.
pub struct Shares(Mutex<Vec<Fastest>>);

struct Fastest {
    set: InstructionSet,
    name: String,
    flops: u64,
    seconds: f64,
}

/// One kernel on one layer.
pub struct Call<'s> {
    shares: &'s Shares,
    index: usize,
}

impl Shares {
    /// Nothing measured.
    pub const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// A call of `flops` floating-point operations that will be timed.
    pub fn call(&self, set: InstructionSet, name: String, flops: u64) -> Call<'_> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(Fastest { set, name, flops, seconds: f64::INFINITY });
        Call { shares: self, index: all.len() - 1 }
    }

    /// What was timed, one table per instruction set.
    pub fn table(&self) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        for set in InstructionSet::available() {
            let timed: Vec<_> =
                all.iter().filter(|call| call.set == set && call.seconds.is_finite()).collect();
            if !timed.is_empty() {
                append(&mut text, set, &timed);
            }
        }
        text
    }
}

fn append(text: &mut String, set: InstructionSet, calls: &[&Fastest]) {
    let peak = peak::flops_per_second(set) / 1e9;
    let _ =
        writeln!(text, "\n{}: a loop of fused multiply-adds reaches {peak:.1} GFLOP/s", set.name());
    for Fastest { name, flops, seconds, .. } in calls {
        let speed = *flops as f64 / seconds / 1e9;
        let _ = writeln!(text, "  {name:<40} {speed:7.1} GFLOP/s  {:3.0} %", 100.0 * speed / peak);
    }
}

impl Call<'_> {
    /// Does `work` and keeps its time if it is the shortest.
    pub fn timed(&self, work: impl FnOnce()) {
        let begun = Instant::now();
        work();
        let seconds = begun.elapsed().as_secs_f64();
        let mut all = self.shares.0.lock().unwrap_or_else(PoisonError::into_inner);
        all[self.index].seconds = all[self.index].seconds.min(seconds);
    }
}
