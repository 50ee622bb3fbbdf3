//! Sixteen floats at a time, on each instruction set. The lanes are independent and every set
//! multiplies and adds with one rounding, so the kernels give the same bits on all of them; only
//! the plain fallback rounds twice.
#![allow(unsafe_code)]

/// Floats in a vector.
pub const LANES: usize = 16;

/// Sixteen floats in registers.
///
/// # Safety
/// All methods need the instruction set of the implementing type; pointers must be valid for
/// [`LANES`] floats.
pub unsafe trait Vector: Copy {
    /// Whether twelve vectors and more fit the registers at once.
    const MANY: bool;

    /// Sixteen times 0.
    unsafe fn zero() -> Self;

    /// Sixteen times the same.
    unsafe fn splat(value: f32) -> Self;

    /// Reads sixteen floats from any address.
    unsafe fn load(from: *const f32) -> Self;

    /// Reads sixteen floats from any address, 0 where that of sixteen choices is not `number`.
    unsafe fn load_chosen(from: *const f32, choices: *const u16, number: u16) -> Self;

    /// Writes sixteen floats to any address.
    unsafe fn store(self, to: *mut f32);

    /// Writes sixteen choices to any address: the low halves of the lanes' bits, which must be
    /// below 2^16.
    unsafe fn store_choices(self, to: *mut u16);

    /// `self * factor + addend`, lane by lane.
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self;

    /// `yes` where `self > other`, `no` elsewhere, lane by lane, every bit as it is.
    unsafe fn where_above(self, other: Self, yes: Self, no: Self) -> Self;

    /// `a * b + c` for one float, rounded as [`Vector::mul_add`] rounds.
    fn mul_add_one(a: f32, b: f32, c: f32) -> f32;
}

/// AVX-512F: one register.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx512(core::arch::x86_64::__m512);

// SAFETY: each method is one AVX-512F instruction on unaligned memory; the trait's contract covers
// feature and pointers.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for Avx512 {
    const MANY: bool = true;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller runs on AVX-512F.
        unsafe { Self(core::arch::x86_64::_mm512_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller runs on AVX-512F.
        unsafe { Self(core::arch::x86_64::_mm512_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives sixteen readable floats and runs on AVX-512F.
        unsafe { Self(core::arch::x86_64::_mm512_loadu_ps(from)) }
    }

    #[inline(always)]
    unsafe fn load_chosen(from: *const f32, choices: *const u16, number: u16) -> Self {
        use core::arch::x86_64::*;
        // SAFETY: the caller gives sixteen readable floats and choices and runs on AVX-512F.
        unsafe {
            let choices = _mm512_cvtepu16_epi32(_mm256_loadu_si256(choices.cast()));
            let chosen = _mm512_cmpeq_epi32_mask(choices, _mm512_set1_epi32(number as i32));
            Self(_mm512_maskz_loadu_ps(chosen, from))
        }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller gives sixteen writable floats and runs on AVX-512F.
        unsafe { core::arch::x86_64::_mm512_storeu_ps(to, self.0) }
    }

    #[inline(always)]
    unsafe fn store_choices(self, to: *mut u16) {
        use core::arch::x86_64::*;
        // SAFETY: the caller gives sixteen writable choices and runs on AVX-512F.
        unsafe {
            _mm256_storeu_si256(to.cast(), _mm512_cvtepi32_epi16(_mm512_castps_si512(self.0)))
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        // SAFETY: the caller runs on AVX-512F.
        unsafe { Self(core::arch::x86_64::_mm512_fmadd_ps(self.0, factor.0, addend.0)) }
    }

    #[inline(always)]
    unsafe fn where_above(self, other: Self, yes: Self, no: Self) -> Self {
        use core::arch::x86_64::{_CMP_GT_OQ, _mm512_cmp_ps_mask, _mm512_mask_blend_ps};
        // SAFETY: the caller runs on AVX-512F.
        unsafe {
            Self(_mm512_mask_blend_ps(
                _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, other.0),
                no.0,
                yes.0,
            ))
        }
    }

    #[inline(always)]
    fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// AVX2 with FMA: two registers.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy)]
pub struct Avx2([core::arch::x86_64::__m256; 2]);

// SAFETY: each method is two AVX or FMA instructions on unaligned memory; the trait's contract
// covers feature and pointers.
#[cfg(target_arch = "x86_64")]
unsafe impl Vector for Avx2 {
    const MANY: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: the caller runs on AVX2.
        unsafe { Self([core::arch::x86_64::_mm256_setzero_ps(); 2]) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: the caller runs on AVX2.
        unsafe { Self([core::arch::x86_64::_mm256_set1_ps(value); 2]) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        use core::arch::x86_64::_mm256_loadu_ps as load;
        // SAFETY: the caller gives sixteen readable floats: two times eight.
        unsafe { Self([load(from), load(from.add(8))]) }
    }

    #[inline(always)]
    unsafe fn load_chosen(from: *const f32, choices: *const u16, number: u16) -> Self {
        use core::arch::x86_64::*;
        let half = |half: usize| {
            // SAFETY: the caller gives sixteen readable floats and choices, two times eight, and
            // runs on AVX2.
            unsafe {
                let choices = _mm256_cvtepu16_epi32(_mm_loadu_si128(choices.add(8 * half).cast()));
                let chosen = _mm256_cmpeq_epi32(choices, _mm256_set1_epi32(number as i32));
                _mm256_and_ps(_mm256_castsi256_ps(chosen), _mm256_loadu_ps(from.add(8 * half)))
            }
        };
        Self([half(0), half(1)])
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        use core::arch::x86_64::_mm256_storeu_ps as store;
        // SAFETY: the caller gives sixteen writable floats: two times eight.
        unsafe {
            store(to, self.0[0]);
            store(to.add(8), self.0[1]);
        }
    }

    #[inline(always)]
    unsafe fn store_choices(self, to: *mut u16) {
        use core::arch::x86_64::*;
        let [low, high] = self.0;
        // SAFETY: the caller gives sixteen writable choices and runs on AVX2. Packing goes by
        // halves of registers, which are put in order again.
        unsafe {
            let packed = _mm256_packus_epi32(_mm256_castps_si256(low), _mm256_castps_si256(high));
            _mm256_storeu_si256(to.cast(), _mm256_permute4x64_epi64::<0b11_01_10_00>(packed));
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        use core::arch::x86_64::_mm256_fmadd_ps as mul_add;
        // SAFETY: the caller runs on FMA.
        unsafe {
            Self([
                mul_add(self.0[0], factor.0[0], addend.0[0]),
                mul_add(self.0[1], factor.0[1], addend.0[1]),
            ])
        }
    }

    #[inline(always)]
    unsafe fn where_above(self, other: Self, yes: Self, no: Self) -> Self {
        use core::arch::x86_64::{_CMP_GT_OQ, _mm256_blendv_ps, _mm256_cmp_ps};
        let half = |half: usize| {
            // SAFETY: the caller runs on AVX2.
            unsafe {
                let above = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0[half], other.0[half]);
                _mm256_blendv_ps(no.0[half], yes.0[half], above)
            }
        };
        Self([half(0), half(1)])
    }

    #[inline(always)]
    fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// NEON: four registers.
#[cfg(target_arch = "aarch64")]
#[derive(Clone, Copy)]
pub struct Neon([core::arch::aarch64::float32x4_t; 4]);

// SAFETY: each method is four NEON instructions; NEON is part of every aarch64, the trait's
// contract covers pointers.
#[cfg(target_arch = "aarch64")]
unsafe impl Vector for Neon {
    const MANY: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        // SAFETY: NEON is always there.
        unsafe { Self([core::arch::aarch64::vdupq_n_f32(0.0); 4]) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        // SAFETY: NEON is always there.
        unsafe { Self([core::arch::aarch64::vdupq_n_f32(value); 4]) }
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        use core::arch::aarch64::vld1q_f32 as load;
        // SAFETY: the caller gives sixteen readable floats: four times four.
        unsafe { Self([load(from), load(from.add(4)), load(from.add(8)), load(from.add(12))]) }
    }

    #[inline(always)]
    unsafe fn load_chosen(from: *const f32, choices: *const u16, number: u16) -> Self {
        use core::arch::aarch64::*;
        let quarter = |quarter: usize| {
            // SAFETY: the caller gives sixteen readable floats and choices, four times four.
            unsafe {
                let choices = vmovl_u16(vld1_u16(choices.add(4 * quarter)));
                let chosen = vceqq_u32(choices, vdupq_n_u32(number as u32));
                let values = vreinterpretq_u32_f32(vld1q_f32(from.add(4 * quarter)));
                vreinterpretq_f32_u32(vandq_u32(chosen, values))
            }
        };
        Self([quarter(0), quarter(1), quarter(2), quarter(3)])
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        for (index, part) in self.0.into_iter().enumerate() {
            // SAFETY: the caller gives sixteen writable floats: four times four.
            unsafe { core::arch::aarch64::vst1q_f32(to.add(4 * index), part) }
        }
    }

    #[inline(always)]
    unsafe fn store_choices(self, to: *mut u16) {
        use core::arch::aarch64::*;
        for (index, part) in self.0.into_iter().enumerate() {
            // SAFETY: the caller gives sixteen writable choices: four times four.
            unsafe { vst1_u16(to.add(4 * index), vmovn_u32(vreinterpretq_u32_f32(part))) }
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        let mut sums = addend.0;
        for (index, sum) in sums.iter_mut().enumerate() {
            // SAFETY: NEON is always there.
            *sum = unsafe { core::arch::aarch64::vfmaq_f32(*sum, self.0[index], factor.0[index]) };
        }
        Self(sums)
    }

    #[inline(always)]
    unsafe fn where_above(self, other: Self, yes: Self, no: Self) -> Self {
        use core::arch::aarch64::{vbslq_f32, vcgtq_f32};
        let quarter = |quarter: usize| {
            // SAFETY: NEON is always there.
            unsafe {
                vbslq_f32(
                    vcgtq_f32(self.0[quarter], other.0[quarter]),
                    yes.0[quarter],
                    no.0[quarter],
                )
            }
        };
        Self([quarter(0), quarter(1), quarter(2), quarter(3)])
    }

    #[inline(always)]
    fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
        a.mul_add(b, c)
    }
}

/// Plain Rust for hosts without fused multiply-add: correct, slower, and rounded differently.
#[derive(Clone, Copy)]
pub struct Plain([f32; LANES]);

// SAFETY: no instruction set is needed; the trait's contract covers pointers.
unsafe impl Vector for Plain {
    const MANY: bool = false;

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; LANES])
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives sixteen readable floats; the read needs no alignment.
        Self(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_chosen(from: *const f32, choices: *const u16, number: u16) -> Self {
        // SAFETY: the caller gives sixteen readable floats and choices; the reads need no
        // alignment.
        let (values, choices) =
            unsafe { (Self::load(from).0, choices.cast::<[u16; LANES]>().read_unaligned()) };
        Self(core::array::from_fn(|lane| if choices[lane] == number { values[lane] } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller gives sixteen writable floats; the write needs no alignment.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_choices(self, to: *mut u16) {
        // SAFETY: the caller gives sixteen writable choices; the write needs no alignment.
        unsafe {
            to.cast::<[u16; LANES]>().write_unaligned(self.0.map(|value| value.to_bits() as u16))
        }
    }

    #[inline(always)]
    unsafe fn mul_add(self, factor: Self, addend: Self) -> Self {
        Self(core::array::from_fn(|lane| {
            Self::mul_add_one(self.0[lane], factor.0[lane], addend.0[lane])
        }))
    }

    #[inline(always)]
    unsafe fn where_above(self, other: Self, yes: Self, no: Self) -> Self {
        let lane =
            |lane: usize| if self.0[lane] > other.0[lane] { yes.0[lane] } else { no.0[lane] };
        Self(core::array::from_fn(lane))
    }

    #[inline(always)]
    fn mul_add_one(a: f32, b: f32, c: f32) -> f32 {
        a * b + c
    }
}
