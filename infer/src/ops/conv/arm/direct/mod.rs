//! Direct convolution on Armv6-M, which has eight registers for nearly all instructions: the loop
//! over the taps of four patches is in assembly, since a compiler keeps its sums on the stack.
#![allow(unsafe_code)]

crate::arm::assembly!();

unsafe extern "C" {
    fn kindling_direct_four(patches: *const i8, weights: *const u8, taps: usize) -> i32;
}

/// Largest sum of products of the weights with one of four patches that lie one after the other; 0
/// unless there are four.
pub(super) fn largest_of_four(patches: &[i8], weights: &[u8]) -> i32 {
    let taps = weights.len();
    if taps == 0 || patches.len() as u64 != 4 * taps as u64 {
        return 0;
    }
    // SAFETY:
    // - there is a tap;
    // - `patches` holds four times as many values as there are weights.
    // Only bytes are read, so any address will do.
    unsafe { kindling_direct_four(patches.as_ptr(), weights.as_ptr(), taps) }
}
