//! The plan of a run: which part of each feature map is read at all, and where each map lies in the arena.
//!
//! *Demand*: pooling drops incomplete windows, and what it drops need not be computed, nor what only that would have
//! read. From the last stage backwards, [`demand`] finds the rows and columns of each map that are read; the exported
//! layers compute just those. The result is exact by construction: values nobody reads are left out.
//!
//! *Arena*: while stage `i` runs, its input, its scratch memory and its output must lie apart. Maps take turns at the
//! two ends of the arena with scratch memory between them, so the arena is no larger than the most demanding stage.

use infer::Shape;
use thiserror::Error;

use crate::network::{Network, NetworkError, Stage};

/// Buffers start at multiples of this many bytes.
const ALIGNMENT_BYTES: usize = 16;

/// Rows `rows[0]..rows[1]` and columns `columns[0]..columns[1]` of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First row, and the row behind the last.
    pub rows: [u16; 2],
    /// First column, and the column behind the last.
    pub columns: [u16; 2],
}

impl Region {
    /// A whole map.
    pub const fn whole(shape: Shape) -> Self {
        Self { rows: [0, shape.height], columns: [0, shape.width] }
    }

    /// The region as a map of its own.
    pub const fn shape(self, channels: u16) -> Shape {
        Shape::new(self.rows[1] - self.rows[0], self.columns[1] - self.columns[0], channels)
    }
}

/// What one stage of a planned network does, in the coordinates of the maps as they are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagePlan {
    /// The part of the stage's output that is read, and so computed.
    pub region: Region,
    /// The output as it is stored.
    pub output: Shape,
    /// Row and column of the stored input under the first tap of the first output; negative where padding is read.
    pub origin: [i16; 2],
}

/// Why a network cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The network cannot be built at all.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A window begins too far outside of its map.
    #[error(
        "stage '{stage}': its window begins {distance} pixels outside of the map; the format holds up to 32767"
    )]
    Origin {
        /// The stage's name.
        stage: String,
        /// How far.
        distance: i64,
    },
}

/// The demanded region of the network's input, and each stage's plan.
///
/// # Errors
/// A network that cannot be built, or whose windows lie out of the format's range.
pub fn demand(network: &Network) -> Result<(Region, Vec<StagePlan>), PlanError> {
    let stages = network.stages()?;
    let mut regions = vec![Region::whole(stages.last().map_or(network.input.shape(), Stage::output))];
    for stage in stages.iter().rev() {
        let read = read_by(stage, regions[regions.len() - 1]);
        regions.push(read);
    }
    regions.reverse();
    let plans =
        stages.iter().zip(regions.windows(2)).map(|(stage, pair)| plan_stage(stage, pair[0], pair[1]));
    Ok((regions[0], plans.collect::<Result<_, _>>()?))
}

/// The part of its input that a stage reads to compute `output`.
fn read_by(stage: &Stage, output: Region) -> Region {
    match stage {
        Stage::Dense(dense) => Region::whole(dense.input),
        _ => {
            let [rows, columns] = windows(stage);
            let input = stage.input();
            Region {
                rows: rows.read(output.rows, input.height),
                columns: columns.read(output.columns, input.width),
            }
        }
    }
}

fn plan_stage(stage: &Stage, input: Region, region: Region) -> Result<StagePlan, PlanError> {
    let output = region.shape(stage.output().channels);
    if let Stage::Dense(_) = stage {
        return Ok(StagePlan { region, output, origin: [0, 0] });
    }
    let [rows, columns] = windows(stage);
    let origin = [
        rows.first(region.rows[0]) - input.rows[0] as i64,
        columns.first(region.columns[0]) - input.columns[0] as i64,
    ];
    let fits = |distance: i64| {
        i16::try_from(distance).map_err(|_| PlanError::Origin { stage: stage.name().to_owned(), distance })
    };
    Ok(StagePlan { region, output, origin: [fits(origin[0])?, fits(origin[1])?] })
}

/// Along one side: output `o` reads input `o * step - padding .. o * step - padding + reach`.
struct Window {
    step: i64,
    reach: i64,
    padding: i64,
}

impl Window {
    fn first(&self, output: u16) -> i64 {
        output as i64 * self.step - self.padding
    }

    /// Range of the input that the outputs `range` read, inside of the map's `length`; never empty.
    fn read(&self, range: [u16; 2], length: u16) -> [u16; 2] {
        let end = (self.first(range[1] - 1) + self.reach).clamp(1, length as i64);
        let start = self.first(range[0]).clamp(0, end - 1);
        [start as u16, end as u16]
    }
}

/// The windows of a convolution (with its pooling) or a pooling, along rows and along columns.
fn windows(stage: &Stage) -> [Window; 2] {
    let along = |axis: usize| match stage {
        Stage::Conv(conv) => {
            let pool = conv.pool.map_or(1, |pool| pool.size[axis]) as i64;
            let stride = conv.stride[axis] as i64;
            Window {
                step: pool * stride,
                reach: (pool - 1) * stride + conv.kernel[axis] as i64,
                padding: conv.padding[axis] as i64,
            }
        }
        Stage::Pool(stage) => {
            Window { step: stage.pool.stride[axis] as i64, reach: stage.pool.size[axis] as i64, padding: 0 }
        }
        Stage::Dense(_) => Window { step: 1, reach: 1, padding: 0 },
    };
    [along(0), along(1)]
}

/// Byte offsets of the maps and scratch buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArenaPlan {
    /// Offset of the network's input, then of each stage's output.
    pub maps_at: Vec<u32>,
    /// Offset of each stage's scratch memory.
    pub scratch_at: Vec<u32>,
    /// Bytes of the whole arena.
    pub bytes: u32,
}

/// Places maps and scratch buffers. `map_bytes` holds the input and each stage's output, `scratch_bytes` each stage's
/// scratch memory (one fewer).
pub fn place(map_bytes: &[usize], scratch_bytes: &[usize]) -> ArenaPlan {
    let aligned = |bytes: usize| bytes.next_multiple_of(ALIGNMENT_BYTES);
    let busiest = map_bytes
        .windows(2)
        .zip(scratch_bytes)
        .map(|(pair, scratch)| aligned(pair[0]) + aligned(*scratch) + aligned(pair[1]));
    let span = busiest.max().unwrap_or(0);
    let bottom = |index: usize| index.is_multiple_of(2);
    let map_at = |index: usize| if bottom(index) { 0 } else { span - aligned(map_bytes[index]) };
    let maps_at: Vec<usize> = (0..map_bytes.len()).map(map_at).collect();
    // Scratch lies on top of whichever of the stage's two maps is at the bottom.
    let scratch_at = |stage: usize| aligned(map_bytes[if bottom(stage) { stage } else { stage + 1 }]);
    let scratch_at: Vec<usize> = (0..scratch_bytes.len()).map(scratch_at).collect();
    let ends = |at: &[usize], bytes: &[usize]| {
        at.iter().zip(bytes).filter(|(_, bytes)| **bytes > 0).map(|(at, bytes)| at + bytes).max().unwrap_or(0)
    };
    let bytes = ends(&maps_at, map_bytes).max(ends(&scratch_at, scratch_bytes));
    let narrow = |offsets: Vec<usize>| offsets.into_iter().map(|offset| offset as u32).collect();
    ArenaPlan { maps_at: narrow(maps_at), scratch_at: narrow(scratch_at), bytes: bytes as u32 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Extent, Input, Layer, LayerKind, Padding};

    fn network(side: u16, kinds: Vec<LayerKind>) -> Network {
        let layers = kinds.into_iter().map(|kind| Layer { name: String::new(), kind }).collect();
        Network { input: Input { height: side, width: side, channels: 1, offset: [0, 0] }, layers }
    }

    fn conv(filters: u16, kernel: u8, stride: u8, padding: Padding) -> LayerKind {
        let (kernel, stride) = (Extent::Square(kernel), Extent::Square(stride));
        LayerKind::Conv { filters, kernel, stride, padding, activation: None }
    }

    fn pool(size: u8) -> LayerKind {
        LayerKind::MaxPool { size: Extent::Square(size), stride: None }
    }

    #[test]
    fn the_tutorial_reads_22_by_22_pixels() {
        let valid = Padding::Valid;
        let kinds = vec![
            conv(32, 3, 1, valid),
            pool(2),
            conv(64, 3, 1, valid),
            pool(2),
            conv(64, 3, 1, valid),
            pool(2),
            LayerKind::Dense { units: 10, activation: None },
        ];
        let (input, plans) = demand(&network(28, kinds)).unwrap();
        assert_eq!(input, Region { rows: [0, 22], columns: [0, 22] });
        let shapes: Vec<_> = plans.iter().map(|plan| plan.output).collect();
        let expected =
            [Shape::new(10, 10, 32), Shape::new(4, 4, 64), Shape::new(1, 1, 64), Shape::vector(10)];
        assert_eq!(shapes, expected);
    }

    #[test]
    fn padding_is_an_origin_outside_of_the_map() {
        let (input, plans) = demand(&network(8, vec![conv(4, 3, 1, Padding::Same)])).unwrap();
        assert_eq!(input, Region::whole(Shape::new(8, 8, 1)));
        assert_eq!(plans[0].origin, [-1, -1]);
    }

    #[test]
    fn buffers_of_a_stage_lie_apart() {
        let (maps, scratch) = ([484, 3200, 1024, 64, 10], [36, 1152, 2304, 0]);
        let plan = place(&maps, &scratch);
        for stage in 0..scratch.len() {
            let mut used = [
                (plan.maps_at[stage] as usize, maps[stage]),
                (plan.maps_at[stage + 1] as usize, maps[stage + 1]),
                (plan.scratch_at[stage] as usize, scratch[stage]),
            ];
            used.sort();
            let apart = |pair: &[(usize, usize)]| pair[0].0 + pair[0].1 <= pair[1].0 || pair[0].1 == 0;
            assert!(used.windows(2).all(apart), "stage {stage}: {used:?}");
            assert!(used.iter().all(|(at, bytes)| at + bytes <= plan.bytes as usize || *bytes == 0));
        }
        assert_eq!(plan.bytes, 3200 + 1152 + 1024);
    }
}
