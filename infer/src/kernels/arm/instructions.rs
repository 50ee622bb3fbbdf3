//! What one or two instructions do, as functions: the DSP extension's, or the same in plain Rust.
#![allow(unsafe_code)]

#[cfg(kindling_backend = "dsp")]
pub(super) use dsp::*;
#[cfg(not(kindling_backend = "dsp"))]
pub(super) use plain::*;

#[cfg(kindling_backend = "dsp")]
mod dsp {
    use core::arch::asm;

    /// Defines a function of one instruction without side effects.
    macro_rules! instruction {
        ($(#[$doc:meta])* $name:ident($($operand:ident),+), $text:literal) => {
            $(#[$doc])*
            #[inline(always)]
            pub(in super::super) fn $name($($operand: u32),+) -> u32 {
                let result;
                // SAFETY: the instruction reads and writes registers only; flags that it may set (GE, Q) are not used
                // by compiled code.
                unsafe {
                    asm!($text, result = out(reg) result, $($operand = in(reg) $operand),+,
                         options(pure, nomem, nostack, preserves_flags));
                }
                result
            }
        };
    }

    instruction!(
        /// Bytes 0 and 2 as an int16 pair.
        widen_even(bytes), "sxtb16 {result}, {bytes}"
    );
    instruction!(
        /// Bytes 1 and 3 as an int16 pair.
        widen_odd(bytes), "sxtb16 {result}, {bytes}, ror #8"
    );
    instruction!(
        /// Low halves of two pairs.
        low_halves(low, high), "pkhbt {result}, {low}, {high}, lsl #16"
    );
    instruction!(
        /// High halves of two pairs.
        high_halves(low, high), "pkhtb {result}, {high}, {low}, asr #16"
    );
    instruction!(
        /// Low half of the first pair, high half of the second.
        low_and_high(low, high), "pkhbt {result}, {low}, {high}"
    );
    instruction!(
        /// `addend + (a * b + 2^31 >> 32)`.
        scale(a, b, addend), "smmlar {result}, {a}, {b}, {addend}"
    );
    instruction!(
        /// The nearest int8.
        saturate(value), "ssat {result}, #8, {value}"
    );

    /// [`crate::quant::requantise`] in two instructions: SMMLAR computes `(accumulator * multiplier + 2^31) >> 32` in 64
    /// bits and adds the zero point modulo 2^32; the sum is below 2^31 in size, see there.
    #[inline(always)]
    pub(in super::super) fn requantise(accumulator: i32, multiplier: i32, zero_point: i8) -> i8 {
        let scaled = scale(accumulator as u32, multiplier as u32, zero_point as i32 as u32);
        saturate(scaled) as i8
    }
}

#[cfg(not(kindling_backend = "dsp"))]
mod plain {
    pub(in super::super) use crate::quant::requantise;

    /// Bytes 0 and 2 as an int16 pair.
    #[inline(always)]
    pub(in super::super) fn widen_even(bytes: u32) -> u32 {
        let low = bytes as i8 as u16;
        let high = (bytes >> 16) as i8 as u16;
        low as u32 | (high as u32) << 16
    }

    /// Bytes 1 and 3 as an int16 pair.
    #[inline(always)]
    pub(in super::super) fn widen_odd(bytes: u32) -> u32 {
        widen_even(bytes >> 8)
    }
}
