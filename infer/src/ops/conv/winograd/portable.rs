//! Winograd's primitives in plain safe Rust, for cores without their own.

use super::transform::{
    INVERSE_OF_NINE, Line, OUTPUT_SHIFTS, OUTPUTS_MAX, SIDE_MAX, Tile, output_line,
};
use super::{Finish, Primitives, Source, Weights};
use crate::quant::Requantise;

/// The primitives of every core.
pub(crate) struct Plain;

impl Primitives for Plain {
    fn transform_inputs(tile: Tile, source: &Source<'_>, slot: usize, of: usize, v: &mut [i8]) {
        for channel in 0..source.channels {
            let at = |row: usize, column: usize| {
                let place = row * source.row_bytes + column * source.channels + channel;
                source.values.get(place).copied().unwrap_or_default() as i32
            };
            let side = tile.side();
            let value = |row, column| if row < side && column < side { at(row, column) } else { 0 };
            let inputs =
                core::array::from_fn(|row| core::array::from_fn(|column| value(row, column)));
            let place = |point: usize| pair_place(point, channel, source.channels / 2, slot, of);
            store(tile, &tile.transform_inputs(inputs), place, v);
        }
    }

    fn transform_weights(tile: Tile, weights: &[u8], u: &mut [i8]) {
        let inputs = weights.len() / 18;
        for (channel, weights) in weights.chunks_exact((9 * inputs).max(1)).enumerate() {
            for input in 0..inputs {
                let at = |row: usize, column: usize| {
                    let place = (input / 4 * 9 + row * 3 + column) * 4 + input % 4;
                    weights.get(place).copied().unwrap_or_default() as i8 as i32
                };
                let kernel =
                    core::array::from_fn(|row| core::array::from_fn(|column| at(row, column)));
                let place = |point: usize| pair_place(point, input, inputs / 2, channel, 2);
                store(tile, &tile.transform_weights(kernel), place, u);
            }
        }
    }

    fn multiply(tile: Tile, tiles: usize, pairs: usize, v: &[i8], u: Weights<'_>, sums: &mut [i8]) {
        match u {
            Weights::Stored(u) => multiply(tile, tiles, pairs, v, u, |byte| byte, sums),
            Weights::Transformed(u) => multiply(tile, tiles, pairs, v, u, |byte| byte as u8, sums),
        }
    }

    fn finish<Rounded: Requantise>(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]) {
        for channel in 0..2 {
            for slot in 0..finish.group.tiles {
                let values = outputs::<Rounded>(finish, sums, channel, slot);
                scatter(finish, &values, channel, slot, output);
            }
        }
    }
}

/// Byte offset of an int16 in `[point][input pair][slot]`, two inputs of a quad each.
fn pair_place(point: usize, input: usize, pairs: usize, slot: usize, of: usize) -> usize {
    let pair = input / 4 * 2 + input % 2;
    ((point * pairs + pair) * of + slot) * 4 + input % 4 / 2 * 2
}

/// Stores all points as int16; they fit, see [`super::transform`].
fn store(tile: Tile, points: &[Line; SIDE_MAX], place: impl Fn(usize) -> usize, out: &mut [i8]) {
    for (row, line) in points.iter().enumerate().take(tile.side()) {
        for (column, value) in line.iter().enumerate().take(tile.side()) {
            let bytes = (*value as i16).to_le_bytes().map(|byte| byte as i8);
            let place = place(tile.point(row, column));
            if let Some(out) = out.get_mut(place..place + 2) {
                out.copy_from_slice(&bytes);
            }
        }
    }
}

/// Products of the four int16 pairs of two tiles and two channels, wrapping.
fn multiply<Byte: Copy>(
    tile: Tile,
    tiles: usize,
    pairs: usize,
    v: &[i8],
    u: &[Byte],
    byte: impl Fn(Byte) -> u8 + Copy,
    sums: &mut [i8],
) {
    let lines = v.chunks_exact((pairs * tiles * 4).max(1)).zip(u.chunks_exact((pairs * 8).max(1)));
    let mut folded = [[0; 4]; 2];
    for (point, (v, u)) in lines.enumerate().take(tile.points()) {
        let products = if tiles == 2 {
            products::<2, Byte>(v, u, byte)
        } else {
            products::<1, Byte>(v, u, byte)
        };
        let Tile::Two = tile else {
            write_sums(sums, point, tiles, products);
            continue;
        };
        let [first, second] = &mut folded;
        for (slot, product) in products.into_iter().enumerate() {
            match point % 4 {
                0 => (first[slot], second[slot]) = (product, product),
                1 => {
                    first[slot] = first[slot].wrapping_add(product);
                    second[slot] = second[slot].wrapping_sub(product);
                }
                2 => first[slot] = first[slot].wrapping_add(product),
                _ => second[slot] = second[slot].wrapping_add(product),
            }
        }
        if point % 4 == 3 {
            write_sums(sums, point / 4 * 2, tiles, folded[0]);
            write_sums(sums, point / 4 * 2 + 1, tiles, folded[1]);
        }
    }
}

/// One point: `[channel][tile]`, the first `2 * TILES` of the result.
#[inline(always)]
fn products<const TILES: usize, Byte: Copy>(
    v: &[i8],
    u: &[Byte],
    byte: impl Fn(Byte) -> u8,
) -> [i32; 4] {
    let mut sums = [0i32; 4];
    for (v, u) in v.chunks_exact(4 * TILES).zip(u.as_chunks::<8>().0) {
        let u = u.map(&byte);
        for channel in 0..2 {
            for slot in 0..TILES {
                for half in 0..2 {
                    let (x, w) = (4 * slot + 2 * half, 4 * channel + 2 * half);
                    let value = i16::from_le_bytes([v[x] as u8, v[x + 1] as u8]) as i32;
                    let weight = i16::from_le_bytes([u[w], u[w + 1]]) as i32;
                    let sum = &mut sums[channel * TILES + slot];
                    *sum = sum.wrapping_add(value.wrapping_mul(weight));
                }
            }
        }
    }
    sums
}

fn write_sums(sums: &mut [i8], line: usize, tiles: usize, values: [i32; 4]) {
    let start = line * tiles * 8;
    let line = sums.get_mut(start..start + tiles * 8).unwrap_or_default();
    for (out, value) in line.as_chunks_mut::<4>().0.iter_mut().zip(values) {
        *out = value.to_le_bytes().map(|byte| byte as i8);
    }
}

/// All outputs of one tile in one channel, requantised; the first `outputs / pool` rows and
/// columns.
pub(crate) fn outputs<Rounded: Requantise>(
    finish: &Finish<'_>,
    sums: &[i8],
    channel: usize,
    slot: usize,
) -> [[i8; OUTPUTS_MAX]; OUTPUTS_MAX] {
    let at = |line: usize| {
        let place = ((line * 2 + channel) * finish.group.tiles + slot) * 4;
        let bytes =
            sums.get(place..).and_then(|rest| rest.first_chunk::<4>()).copied().unwrap_or_default();
        i32::from_le_bytes(bytes.map(|byte| byte as u8))
    };
    let (values, shift) = match finish.tile {
        Tile::Two => (convolved_two(at), 2),
        Tile::Four => (convolved_four(at), 6),
    };
    let parameters = finish.parameters[channel];
    let pooled = |row: usize, column: usize| {
        let mut largest = i32::MIN;
        for line in values.iter().skip(row * finish.pool).take(finish.pool) {
            largest = line
                .iter()
                .skip(column * finish.pool)
                .take(finish.pool)
                .fold(largest, |a, b| a.max(*b));
        }
        let accumulator = parameters.bias.wrapping_add(largest >> shift);
        Rounded::output(accumulator, parameters, finish.zero_point)
    };
    let count = finish.tile.outputs() / finish.pool.max(1);
    let value = |row, column| if row < count && column < count { pooled(row, column) } else { 0 };
    core::array::from_fn(|row| core::array::from_fn(|column| value(row, column)))
}

/// Four times the convolved pixels of an F(2x2) tile, from sums that are folded along the rows.
fn convolved_two(at: impl Fn(usize) -> i32) -> [[i32; OUTPUTS_MAX]; OUTPUTS_MAX] {
    let folded = |row: usize, column: usize| {
        let [m0, m1, m2, m3] = [0, 1, 2, 3].map(|row| at(2 * row + column));
        match row {
            0 => m0.wrapping_add(m1).wrapping_add(m2),
            _ => m1.wrapping_sub(m2).wrapping_add(m3),
        }
    };
    let value = |row, column| if row < 2 && column < 2 { folded(row, column) } else { 0 };
    core::array::from_fn(|row| core::array::from_fn(|column| value(row, column)))
}

/// 64 times the convolved pixels of an F(4x4) tile.
fn convolved_four(at: impl Fn(usize) -> i32) -> [[i32; OUTPUTS_MAX]; OUTPUTS_MAX] {
    let columns: [_; SIDE_MAX] = core::array::from_fn(|column| {
        output_line(core::array::from_fn(|row| at(6 * row + column)))
    });
    core::array::from_fn(|row| {
        let line = output_line(columns.map(|column| column[row]));
        core::array::from_fn(|column| {
            let ninth = line[column].wrapping_mul(INVERSE_OF_NINE);
            ninth.wrapping_shl(OUTPUT_SHIFTS[row] + OUTPUT_SHIFTS[column])
        })
    })
}

/// Stores the outputs of a tile that lie inside of the map.
pub(crate) fn scatter(
    finish: &Finish<'_>,
    values: &[[i8; OUTPUTS_MAX]; OUTPUTS_MAX],
    channel: usize,
    slot: usize,
    output: &mut [i8],
) {
    let (Some(at), Some([rows, columns])) =
        (finish.group.at.get(slot), finish.group.inside.get(slot))
    else {
        return;
    };
    for (row, line) in values.iter().enumerate().take(*rows) {
        for (column, value) in line.iter().enumerate().take(*columns) {
            let place =
                at + finish.channel + channel + row * finish.steps[0] + column * finish.steps[1];
            if let Some(out) = output.get_mut(place) {
                *out = *value;
            }
        }
    }
}
