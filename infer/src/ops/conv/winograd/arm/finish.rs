//! Winograd's output transform with 2x2 pooling: checks and addresses; the loops are in
//! `finish.s`.
#![allow(unsafe_code)]

use crate::arm::is_at_word;
use crate::ops::conv::winograd::Finish;
use crate::ops::conv::winograd::transform::Tile;
use crate::quant::ChannelParameters;

crate::arm::assembly!("finish.s", "finish_twice.s");

/// A tile and a channel to finish: see `finish.s`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Slot {
    output: *mut i8,
    bias: i32,
    multiplier: i32,
}

/// What all slots share: see `finish.s`.
#[repr(C)]
struct Steps {
    row: usize,
    column: usize,
    zero_point: i32,
}

/// Finishes the slots from `slots` to `end`.
type FinishSlots =
    unsafe extern "C" fn(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);

unsafe extern "C" {
    fn kindling_f2_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f2_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f4_finish_two(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
    fn kindling_f4_finish_one(sums: *const i8, slots: *const Slot, end: *const Slot, steps: &Steps);
}

/// Finishing of F(2x2) groups of one and of two tiles.
static FINISH_TWO: [FinishSlots; 2] = [kindling_f2_finish_one, kindling_f2_finish_two];

/// The same of F(4x4).
static FINISH_FOUR: [FinishSlots; 2] = [kindling_f4_finish_one, kindling_f4_finish_two];

/// Finishes a group that is whole; `false` when the slices do not have its sizes.
#[inline(always)]
pub(super) fn run(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) -> bool {
    if !sizes_fit(finish, sums, output) {
        return false;
    }
    let functions = match finish.tile {
        Tile::Two => &FINISH_TWO,
        Tile::Four => &FINISH_FOUR,
    };
    let finish_slots = functions[usize::from(finish.group.tiles == 2)];
    finish_whole(finish, sums, output, finish_slots);
    true
}

/// Whether all slices have the sizes that follow from the group, the last output's included.
fn sizes_fit(finish: &Finish<'_>, sums: &[i8], output: &[i8]) -> bool {
    let group = finish.group;
    let rows_below = finish.tile.outputs() / 2 - 1;
    let last = rows_below * (finish.steps[0] + finish.steps[1]) + finish.channel + 1;
    let outputs_fit =
        group.at[0] + last < output.len() && (group.tiles < 2 || group.at[1] + last < output.len());
    let sums_fit = sums.len() >= finish.tile.sums() * group.tiles * 8 && is_at_word(sums);
    outputs_fit && sums_fit
}

/// Finishes a group whose [`sizes_fit`], with the function for its tile and number of tiles.
fn finish_whole(finish: &Finish<'_>, sums: &[i8], output: &mut [i8], finish_slots: FinishSlots) {
    let (group, first) = (finish.group, output.as_mut_ptr());
    let [a, b] = finish.parameters;
    let slot = |tile: usize, channel: usize, parameters: ChannelParameters| Slot {
        output: first.wrapping_add(group.at[tile] + finish.channel + channel),
        bias: parameters.bias,
        multiplier: parameters.multiplier,
    };
    let steps = Steps {
        row: finish.steps[0],
        column: finish.steps[1],
        zero_point: finish.zero_point as i32,
    };
    let finish_slots = |slots: &[Slot]| {
        let range = slots.as_ptr_range();
        // SAFETY: `sums` holds a word per line and slot. The outputs of every slot lie in `output`:
        // the farthest is as many rows below and columns to the right of the first as `sizes_fit`
        // checked, in the second channel.
        unsafe { finish_slots(sums.as_ptr(), range.start, range.end, &steps) }
    };
    if group.tiles == 1 {
        finish_slots(&[slot(0, 0, a), slot(0, 1, b)]);
    } else {
        finish_slots(&[slot(0, 0, a), slot(1, 0, a), slot(0, 1, b), slot(1, 1, b)]);
    }
}
