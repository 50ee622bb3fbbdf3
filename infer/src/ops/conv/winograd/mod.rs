//! Winograd convolution, written once; a core supplies its [`Primitives`].
//!
//! ```text
//! for each pass over a few tiles:
//!     V = transformed inputs of each tile
//!     for each pair of output channels:
//!         U = their transformed weights: stored, or transformed now, for all tiles of the pass
//!         for each group of up to two tiles:
//!             sums = U . V over all input channels, point by point
//!             outputs = requantise(bias + max over each pooling window of (transform of sums))
//! ```
//!
//! Two tiles by two channels is what fits the registers of a 32-bit core. `V`, `sums` and `U` lie
//! in scratch memory; a tile that reaches outside of the map is first copied there, with the zero
//! point around it.

#[cfg(not(kindling_backend = "portable"))]
pub(crate) mod arm;
pub(crate) mod portable;
pub(crate) mod transform;

use heapless::Vec;

use super::Conv;
use crate::features::Feature;
use crate::ops::window;
use crate::quant::{ChannelParameters, Once, Requantise, Rounding, Twice};
use transform::Tile;

/// Tiles that are multiplied at once.
pub(crate) const GROUP: usize = 2;

/// Memory that the transformed inputs of a pass may take when weights are transformed on the fly,
/// bytes: more tiles in a pass means fewer transforms of the weights. One group may take more.
const ON_THE_FLY_INPUTS_MAX_BYTES: usize = 8192;

/// Most groups of a pass.
const GROUPS_MAX: usize = 16;

/// How a map is cut into tiles, and what lies where in scratch memory.
#[derive(Clone, Copy)]
pub(crate) struct TileGrid {
    pub tile: Tile,
    /// Tiles in a column and in a row of the grid.
    pub tiles: [usize; 2],
    /// Tiles whose transformed inputs are held at once.
    pub tiles_per_pass: usize,
    /// Pairs of input channels.
    pub pairs: usize,
    /// Pooled outputs on a tile's side.
    pub outputs: usize,
    on_the_fly: bool,
    /// Bytes of a tile's inputs when one of them lies outside of the map, else 0.
    staging_bytes: usize,
}

/// Up to [`GROUP`] tiles that are multiplied at once.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    pub tiles: usize,
    /// Offset in the output of each tile's first value in channel 0.
    pub at: [usize; GROUP],
    /// Rows and columns of pooled outputs of each tile that lie inside of the map.
    pub inside: [[usize; 2]; GROUP],
    /// Whether all outputs of all tiles do.
    pub is_whole: bool,
}

/// What the primitives need to know to finish a group in a pair of channels.
pub(crate) struct Finish<'g> {
    pub tile: Tile,
    /// Side of the pooling window: 1 or 2.
    pub pool: usize,
    pub group: &'g Group,
    /// First channel of the pair.
    pub channel: usize,
    /// Bytes from an output to the one below, and to the one on its right.
    pub steps: [usize; 2],
    pub parameters: [ChannelParameters; 2],
    pub zero_point: i8,
}

/// Where the inputs of a tile lie.
pub(crate) struct Source<'s> {
    /// From the tile's first value on.
    pub values: &'s [i8],
    /// Bytes from a row to the next.
    pub row_bytes: usize,
    /// Input channels: bytes from a pixel to the next.
    pub channels: usize,
}

/// Transformed weights of a pair of channels.
#[derive(Clone, Copy)]
pub(crate) enum Weights<'w> {
    Stored(&'w [u8]),
    Transformed(&'w [i8]),
}

/// The inner loops, which a core has its own instructions for. All sizes are those of a
/// [`TileGrid`].
pub(crate) trait Primitives {
    /// Transforms one tile's inputs into `v`: `[point][input pair][tile of the group]`, two int16
    /// each.
    fn transform_inputs(tile: Tile, source: &Source<'_>, slot: usize, of: usize, v: &mut [i8]);

    /// Transforms the int8 weights of a pair of channels, `[channel][input quad][tap][input of the
    /// quad]`, into `u`: `[point][input pair][channel]`, two int16 each.
    fn transform_weights(tile: Tile, weights: &[u8], u: &mut [i8]);

    /// Multiplies point by point and sums over input channels: `[sum][channel][tile]`, int32 each;
    /// see [`Tile::sums`]. For F(2x2), the sums `2 * row` and `2 * row + 1` are `m1+m2+m0` and
    /// `m1-m2+m3` of the row.
    fn multiply(tile: Tile, tiles: usize, pairs: usize, v: &[i8], u: Weights<'_>, sums: &mut [i8]);

    /// Transforms the sums of all tiles and both channels of a group into outputs; a core's own
    /// primitive sees only groups that are [`Group::is_whole`].
    fn finish<Rounded: Requantise>(finish: &Finish<'_>, sums: &[i8], output: &mut [i8]);
}

impl TileGrid {
    /// `None` when the layer's algorithm has no tiles.
    pub fn new(conv: &Conv<'_>) -> Option<Self> {
        let tile = conv.algorithm.tile()?;
        let outputs = if conv.pool[0] == 2 { tile.outputs() / 2 } else { tile.outputs() };
        let tiles =
            [conv.output.height, conv.output.width].map(|side| (side as usize).div_ceil(outputs));
        let mut grid = Self {
            tile,
            tiles,
            tiles_per_pass: GROUP,
            pairs: conv.input.channels as usize / 2,
            outputs,
            on_the_fly: conv.algorithm.is_on_the_fly(),
            staging_bytes: 0,
        };
        if grid.transforms_weights() {
            let groups = ON_THE_FLY_INPUTS_MAX_BYTES / grid.inputs_bytes(GROUP).max(1);
            grid.tiles_per_pass = GROUP * groups.clamp(1, GROUPS_MAX);
        }
        grid.tiles_per_pass = grid.tiles_per_pass.min(tiles[0].saturating_mul(tiles[1]));
        let last = [tiles[0].max(1) - 1, tiles[1].max(1) - 1];
        if !(grid.is_inside(conv, [0, 0]) && grid.is_inside(conv, last)) {
            grid.staging_bytes = tile.points() * conv.input.channels as usize;
        }
        Some(grid)
    }

    /// Whether the weights are transformed when the layer runs: settled when this is compiled,
    /// where only one way is in the build.
    const fn transforms_weights(&self) -> bool {
        Feature::WinogradOnTheFly.is_built()
            && (self.on_the_fly || !Feature::WinogradStored.is_built())
    }

    /// Bytes of scratch memory, a multiple of 4.
    pub fn scratch_bytes(&self) -> usize {
        let weights = if self.transforms_weights() { self.weights_bytes() } else { 0 };
        self.pass_bytes() + self.sums_bytes() + weights + self.staging_bytes
    }

    /// Transformed inputs of `tiles` tiles.
    fn inputs_bytes(&self, tiles: usize) -> usize {
        self.tile.points() * self.pairs * 4 * tiles
    }

    fn pass_bytes(&self) -> usize {
        self.inputs_bytes(self.tiles_per_pass)
    }

    /// Sums of a group.
    fn sums_bytes(&self) -> usize {
        self.tile.sums() * 2 * 4 * GROUP.min(self.tiles_per_pass)
    }

    /// Transformed weights of a pair of channels.
    fn weights_bytes(&self) -> usize {
        self.tile.points() * self.pairs * 2 * 4
    }

    /// Input row and column at which a tile begins.
    fn origin(&self, conv: &Conv<'_>, tile: [usize; 2]) -> [i32; 2] {
        let outputs = self.tile.outputs();
        core::array::from_fn(|axis| conv.origin[axis] as i32 + (tile[axis] * outputs) as i32)
    }

    /// Whether all inputs of a tile lie inside of the map.
    fn is_inside(&self, conv: &Conv<'_>, tile: [usize; 2]) -> bool {
        let (origin, side) = (self.origin(conv, tile), self.tile.side() as i32);
        let sides = [conv.input.height as i32, conv.input.width as i32];
        (0..2).all(|axis| origin[axis] >= 0 && origin[axis] + side <= sides[axis])
    }

    /// Whether all inputs of all tiles lie inside of the map and all their outputs too.
    pub fn is_whole(&self, conv: &Conv<'_>) -> bool {
        let sides = [conv.output.height, conv.output.width];
        self.staging_bytes == 0
            && (0..2).all(|axis| self.tiles[axis] * self.outputs == sides[axis] as usize)
    }

    /// Row and column in the grid of tile number `index`, row by row.
    fn place(&self, index: usize) -> [usize; 2] {
        let width = self.tiles[1].max(1);
        [index / width, index % width]
    }
}

/// Runs a convolution; does nothing unless the layer's algorithm is Winograd's and `scratch` is of
/// its size.
pub(crate) fn conv<Core: Primitives>(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    output: &mut [i8],
) {
    match conv.algorithm.tile() {
        Some(Tile::Two) if Feature::WinogradF2.is_built() => {
            run::<Core, false>(conv, input, scratch, output)
        }
        Some(Tile::Four) if Feature::WinogradF4.is_built() => {
            run::<Core, true>(conv, input, scratch, output)
        }
        _ => (),
    }
}

/// The tile that a function is compiled for, so that what depends on it is settled outside of its
/// loops.
const fn tile<const FOUR: bool>() -> Tile {
    if FOUR { Tile::Four } else { Tile::Two }
}

fn run<Core: Primitives, const FOUR: bool>(
    conv: &Conv<'_>,
    input: &[i8],
    scratch: &mut [i8],
    output: &mut [i8],
) {
    let Some(grid) = TileGrid::new(conv) else { return };
    let Some((v, rest)) = scratch.split_at_mut_checked(grid.pass_bytes()) else { return };
    let Some((sums, rest)) = rest.split_at_mut_checked(grid.sums_bytes()) else { return };
    let weights_bytes = if grid.transforms_weights() { grid.weights_bytes() } else { 0 };
    let Some((u, staging)) = rest.split_at_mut_checked(weights_bytes) else { return };
    let pass = grid.tiles_per_pass.max(1);
    let all = grid.tiles[0] * grid.tiles[1];
    for first in (0..all).step_by(pass) {
        let tiles = first..all.min(first + pass);
        transform_tiles::<Core, FOUR>(conv, &grid, tiles.clone(), input, staging, v);
        let groups = groups(conv, &grid, tiles);
        multiply_channels::<Core, FOUR>(conv, &grid, &groups, v, u, sums, output);
    }
}

/// Transforms the inputs of the tiles of a pass, group after group.
fn transform_tiles<Core: Primitives, const FOUR: bool>(
    conv: &Conv<'_>,
    grid: &TileGrid,
    tiles: core::ops::Range<usize>,
    input: &[i8],
    staging: &mut [i8],
    v: &mut [i8],
) {
    let group_bytes = grid.inputs_bytes(GROUP).max(1);
    for (first, v) in tiles.clone().step_by(GROUP).zip(v.chunks_mut(group_bytes)) {
        let of = GROUP.min(tiles.end - first);
        for slot in 0..of {
            let source = source(conv, grid, grid.place(first + slot), input, staging);
            Core::transform_inputs(tile::<FOUR>(), &source, slot, of, v);
        }
    }
}

/// The inputs of a tile: in place, or copied with the zero point around them.
fn source<'s>(
    conv: &Conv<'_>,
    grid: &TileGrid,
    tile: [usize; 2],
    input: &'s [i8],
    staging: &'s mut [i8],
) -> Source<'s> {
    let channels = conv.input.channels as usize;
    let [row, column] = grid.origin(conv, tile);
    if grid.is_inside(conv, tile) || !Feature::Edges.is_built() {
        let row_bytes = conv.input.row_len();
        // Outside of the map, where only a network that was made by hand gets here, it wraps to
        // where there is nothing.
        let (above, left) = (row as usize, column as usize);
        let start = above.wrapping_mul(row_bytes).wrapping_add(left.wrapping_mul(channels));
        return Source { values: input.get(start..).unwrap_or_default(), row_bytes, channels };
    }
    let row_bytes = grid.tile.side() * channels;
    let mut rest = &mut *staging;
    for i in 0..grid.tile.side() as i32 {
        let Some((out, after)) = rest.split_at_mut_checked(row_bytes) else { break };
        rest = after;
        let source = window::row(input, conv.input, row + i);
        window::copy(source, column * channels as i32, out, conv.input_zero_point, |value| value);
    }
    Source { values: staging, row_bytes, channels }
}

/// The groups of a pass.
fn groups(
    conv: &Conv<'_>,
    grid: &TileGrid,
    tiles: core::ops::Range<usize>,
) -> Vec<Group, GROUPS_MAX> {
    let sides = [conv.output.height as usize, conv.output.width as usize];
    let mut groups = Vec::new();
    for first in tiles.clone().step_by(GROUP) {
        let count = GROUP.min(tiles.end - first);
        let place = |slot: usize| grid.place(first + slot).map(|place| place * grid.outputs);
        let at = |slot: usize| {
            (place(slot)[0] * sides[1] + place(slot)[1]) * conv.output.channels as usize
        };
        let left = |slot: usize| {
            core::array::from_fn(|axis| {
                sides[axis].saturating_sub(place(slot)[axis]).min(grid.outputs)
            })
        };
        let inside: [[usize; 2]; GROUP] = core::array::from_fn(left);
        let is_whole = inside.iter().take(count).all(|inside| *inside == [grid.outputs; 2]);
        let group = Group { tiles: count, at: core::array::from_fn(at), inside, is_whole };
        if groups.push(group).is_err() {
            break;
        }
    }
    groups
}

/// Multiplies the tiles of a pass with the weights of all channels, pair by pair.
#[inline(never)]
fn multiply_channels<Core: Primitives, const FOUR: bool>(
    conv: &Conv<'_>,
    grid: &TileGrid,
    groups: &[Group],
    v: &[i8],
    u: &mut [i8],
    sums: &mut [i8],
    output: &mut [i8],
) {
    let tile = tile::<FOUR>();
    let pair_bytes = if grid.transforms_weights() { 2 * conv.taps() } else { grid.weights_bytes() };
    let group_bytes = grid.inputs_bytes(GROUP).max(1);
    let channel_pairs =
        conv.channels.as_chunks().0.iter().zip(conv.weights.chunks_exact(pair_bytes.max(1)));
    for (pair, (parameters, weights)) in channel_pairs.enumerate() {
        let u = if grid.transforms_weights() {
            Core::transform_weights(tile, weights, u);
            Weights::Transformed(u)
        } else {
            Weights::Stored(weights)
        };
        for (group, v) in groups.iter().zip(v.chunks(group_bytes)) {
            Core::multiply(tile, group.tiles, grid.pairs, v, u, sums);
            let finish = Finish {
                tile,
                pool: conv.pool[0] as usize,
                group,
                channel: 2 * pair,
                steps: [conv.output.row_len(), conv.output.channels as usize],
                parameters: ChannelParameters::pair_from_le_bytes(parameters),
                zero_point: conv.output_zero_point,
            };
            match conv.rounding() {
                Rounding::Once => finish_rounded::<Core, Once>(&finish, sums, output),
                Rounding::Twice => finish_twice::<Core>(conv, finish, sums, output),
            }
        }
    }
}

/// With a stack frame of its own: within the caller's it would take as much while others run.
#[inline(never)]
fn finish_twice<Core: Primitives>(
    conv: &Conv<'_>,
    finish: Finish<'_>,
    sums: &[i8],
    output: &mut [i8],
) {
    let channels = conv.output.channels;
    let Some(parameters) = Twice::some_parameters(conv.channels, channels, finish.channel) else {
        return;
    };
    finish_rounded::<Core, Twice>(&Finish { parameters, ..finish }, sums, output);
}

#[inline(always)]
fn finish_rounded<Core: Primitives, Rounded: Requantise>(
    finish: &Finish<'_>,
    sums: &[i8],
    output: &mut [i8],
) {
    if finish.group.is_whole || !Feature::Edges.is_built() {
        Core::finish::<Rounded>(finish, sums, output);
    } else {
        portable::Plain::finish::<Rounded>(finish, sums, output);
    }
}
