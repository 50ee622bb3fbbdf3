//! What one core can do at most: fused multiply-adds on registers alone, enough of them independent
//! to hide their latency.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::time::Instant;

use trainer::kernels::{Extension, InstructionSet};

/// Sums under way at once: latency 4 on two units needs eight, and all of them and their factor fit
/// sixteen registers.
const CHAINS: usize = 12;

/// Multiply-adds of each chain in one measurement.
const ROUNDS: usize = 4_000_000;

/// Measurements, of which the fastest counts.
const TRIES: usize = 10;

/// Floating-point operations per second, a multiply-add being two.
pub fn flops_per_second(set: InstructionSet) -> f64 {
    let seconds = (0..TRIES).map(|_| {
        let begun = Instant::now();
        // SAFETY: an `InstructionSet` is there only where the machine has it.
        black_box(unsafe { multiply_adds(set) });
        begun.elapsed().as_secs_f64()
    });
    let fastest = seconds.fold(f64::INFINITY, f64::min);
    (2 * CHAINS * ROUNDS * lanes(set)) as f64 / fastest
}

/// Floats of a register.
fn lanes(set: InstructionSet) -> usize {
    match set.extension() {
        Extension::Avx512 => 16,
        Extension::Avx2 => 8,
        Extension::Neon => 4,
        Extension::Plain => 1,
    }
}

/// # Safety
/// The machine has the instruction set.
unsafe fn multiply_adds(set: InstructionSet) -> f32 {
    // SAFETY: passed on from the caller.
    unsafe {
        match set.extension() {
            #[cfg(target_arch = "x86_64")]
            Extension::Avx512 => avx512(),
            #[cfg(target_arch = "x86_64")]
            Extension::Avx2 => avx2(),
            #[cfg(target_arch = "aarch64")]
            Extension::Neon => neon(),
            _ => panic!("no peak is known for {}", set.name()),
        }
    }
}

/// A function of [`CHAINS`] independent chains of multiply-adds on one type of register.
macro_rules! chains {
    ($name:ident, $feature:literal, $register:ty, $splat:expr, $multiply_add:expr, $first:expr) => {
        #[target_feature(enable = $feature)]
        unsafe fn $name() -> f32 {
            let mut sums: [$register; CHAINS] = core::array::from_fn(|chain| $splat(chain as f32));
            // Values that stay finite, and that the compiler cannot know.
            let (factor, addend) = ($splat(black_box(0.999)), $splat(black_box(1e-3)));
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = $multiply_add(*sum, factor, addend);
                }
            }
            sums.into_iter().map(|sum| $first(sum)).sum()
        }
    };
}

#[cfg(target_arch = "x86_64")]
use core::arch::x86_64::*;
#[cfg(target_arch = "x86_64")]
chains!(avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps, _mm512_cvtss_f32);
#[cfg(target_arch = "x86_64")]
chains!(avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps, _mm256_cvtss_f32);

#[cfg(target_arch = "aarch64")]
use core::arch::aarch64::*;
#[cfg(target_arch = "aarch64")]
chains!(
    neon,
    "neon",
    float32x4_t,
    vdupq_n_f32,
    |sum, factor, addend| vfmaq_f32(addend, sum, factor),
    vaddvq_f32
);
