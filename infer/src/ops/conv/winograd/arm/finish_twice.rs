//! Winograd's output transform of F(4x4) without pooling, with two roundings: checks and addresses;
//! the loops are in `finish_twice.s`, and in `armv6m_finish.s`.
#![allow(unsafe_code)]

use crate::arm::is_at_word;
use crate::features::Feature;
use crate::ops::conv::winograd::Finish;
use crate::ops::conv::winograd::transform::Tile;
use crate::quant::ChannelParameters;

#[cfg(kindling_backend = "armv6m")]
crate::arm::assembly!("armv6m_finish.s");

/// A tile and a channel to finish: see `finish_twice.s`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    output: *mut i8,
    factor: Factor,
}

/// Finishes the slots from `slots` to `end`; `steps` are the bytes to the output below and to the
/// next one.
type FinishSlots =
    unsafe extern "C" fn(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &[usize; 2]);

unsafe extern "C" {
    #[cfg_attr(kindling_backend = "armv6m", link_name = "kindling_f4_finish_twice")]
    fn kindling_f4_finish_twice_two(
        sums: *const i8,
        slots: *const Slot,
        end: *const Slot,
        steps: &[usize; 2],
    );
    #[cfg_attr(kindling_backend = "armv6m", link_name = "kindling_f4_finish_twice")]
    fn kindling_f4_finish_twice_one(
        sums: *const i8,
        slots: *const Slot,
        end: *const Slot,
        steps: &[usize; 2],
    );
}

/// Finishes a group that is whole; `false` where the loop does not: for another tile, with pooling,
/// with rare factors, or when the slices do not have the sizes of the group.
pub(super) fn run(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) -> bool {
    if !Feature::WinogradF4.is_built() {
        return false;
    }
    let [a, b] = &finish.parameters;
    let (Some(a), Some(b)) = (Factor::of(a, finish.zero_point), Factor::of(b, finish.zero_point))
    else {
        return false;
    };
    if finish.tile != Tile::Four || finish.pool != 1 || !sizes_fit(finish, sums, output) {
        return false;
    }
    let (group, first) = (finish.group, output.as_mut_ptr());
    let slot = |tile: usize, channel: usize, factor: &Factor| Slot {
        output: first.wrapping_add(group.at[tile] + finish.channel + channel),
        factor: *factor,
    };
    let finish_slots = |slots: &[Slot], finish_slots: FinishSlots| {
        let range = slots.as_ptr_range();
        // SAFETY: `sums` holds a word per line and slot. The outputs of every slot lie in `output`:
        // the farthest is as many rows below and columns to the right of the first as `sizes_fit`
        // checked, in the second channel.
        unsafe { finish_slots(sums.as_ptr(), range.start, range.end, &finish.steps) }
    };
    if group.tiles == 1 {
        finish_slots(&[slot(0, 0, &a), slot(0, 1, &b)], kindling_f4_finish_twice_one);
    } else {
        let slots = [slot(0, 0, &a), slot(1, 0, &a), slot(0, 1, &b), slot(1, 1, &b)];
        finish_slots(&slots, kindling_f4_finish_twice_two);
    }
    true
}

/// Whether all slices have the sizes that follow from the group, the last output's included.
fn sizes_fit(finish: &Finish<'_>, sums: &[i8], output: &[i8]) -> bool {
    let group = finish.group;
    let last_row = finish.tile.outputs() - 1;
    let last = last_row * (finish.steps[0] + finish.steps[1]) + finish.channel + 1;
    let outputs_fit =
        group.at[0] + last < output.len() && (group.tiles < 2 || group.at[1] + last < output.len());
    let sums_fit = sums.len() >= finish.tile.sums() * group.tiles * 8 && is_at_word(sums);
    outputs_fit && sums_fit
}

/// A channel's numbers as `arm/twice.s` takes them.
#[cfg(not(kindling_backend = "armv6m"))]
#[repr(C)]
#[derive(Clone, Copy)]
struct Factor {
    bias: i32,
    doubled: i32,
    constant: i32,
    last_shift: i32,
}

#[cfg(not(kindling_backend = "armv6m"))]
impl Factor {
    /// `None` where the channel's factor is rare: see `infer/src/arm/twice.s`.
    fn of(parameters: &ChannelParameters, zero_point: i8) -> Option<Self> {
        let shift = parameters.shift.filter(|shift| (-23..=-2).contains(shift))?;
        if parameters.multiplier == 0 {
            return None;
        }
        let odd = 2 * zero_point as i32 + 1;
        Some(Self {
            bias: parameters.bias,
            doubled: parameters.multiplier << 1,
            constant: odd.wrapping_shl((-2 - shift as i32) as u32),
            last_shift: -1 - shift as i32,
        })
    }
}

/// A channel's numbers as `arm/armv6m.s` takes them.
#[cfg(kindling_backend = "armv6m")]
#[repr(C)]
#[derive(Clone, Copy)]
struct Factor {
    half: i32,
    bias: i32,
    multiplier_high: i32,
    multiplier_low: i32,
    right: i32,
    zero_point: i32,
}

#[cfg(kindling_backend = "armv6m")]
impl Factor {
    /// `None` where the channel's numbers are rare: a shift to the left, or a bias with which a sum
    /// may not stay below 2^30 in size. Those of an F(4x4) tile are below 2^25.
    fn of(parameters: &ChannelParameters, zero_point: i8) -> Option<Self> {
        const BIAS_LIMIT: u32 = 1 << 29;
        let shift = parameters.shift.filter(|shift| (-31..=0).contains(shift))?;
        if parameters.bias.unsigned_abs() >= BIAS_LIMIT {
            return None;
        }
        Some(Self {
            half: 1 << 15,
            bias: parameters.bias,
            multiplier_high: parameters.multiplier >> 16,
            multiplier_low: parameters.multiplier & 0xffff,
            right: -shift as i32,
            zero_point: zero_point as i32,
        })
    }
}
