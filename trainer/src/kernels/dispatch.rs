//! Plain loops compiled for the machine's instruction set: the same source, wider vectors.
//!
//! The compiler neither fuses multiplications with additions nor changes the order of a sum of its
//! own accord, so the results are the same bits whatever it compiles for.
#![allow(unsafe_code)]

use super::{Extension, InstructionSet};

/// Loops to be compiled for each instruction set.
pub trait Loops {
    /// What they result in.
    type Output;

    /// Does the work. To be marked `#[inline(always)]`, as all that it calls: what is not inlined
    /// is compiled for the oldest machine. A trait rather than a closure, because a closure cannot
    /// be marked.
    fn run(self) -> Self::Output;
}

impl InstructionSet {
    /// Runs loops that were compiled for this instruction set.
    pub fn run<L: Loops>(self, loops: L) -> L::Output {
        // SAFETY: an `InstructionSet` is there only where the machine has it.
        unsafe {
            match self.extension() {
                #[cfg(target_arch = "x86_64")]
                Extension::Avx512 => avx512(loops),
                #[cfg(target_arch = "x86_64")]
                Extension::Avx2 => avx2(loops),
                // NEON is part of every aarch64; the fallback is what any machine runs.
                _ => loops.run(),
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
unsafe fn avx512<L: Loops>(loops: L) -> L::Output {
    loops.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<L: Loops>(loops: L) -> L::Output {
    loops.run()
}
