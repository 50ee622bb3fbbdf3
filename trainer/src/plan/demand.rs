//! Demand: which part of each feature map is read at all.
//!
//! Pooling drops incomplete windows, and what it drops need not be computed, nor what only that
//! would have read. From the last stage backwards, [`demand`] finds the rows and columns of each
//! map that are read; the exported layers compute just those. The result is exact by construction:
//! values nobody reads are left out.

use infer::Shape;
use thiserror::Error;

use crate::network::{Network, NetworkError, Stage};

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
    /// Row and column of the stored input under the first tap of the first output; negative where
    /// padding is read.
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
        "stage '{stage}': its window begins {distance} pixels outside of the map; the format holds \
            up to 32767"
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
    let mut regions =
        vec![Region::whole(stages.last().map_or(network.input.shape(), Stage::output))];
    for stage in stages.iter().rev() {
        let read = read_by(stage, regions[regions.len() - 1]);
        regions.push(read);
    }
    regions.reverse();
    let plans = stages
        .iter()
        .zip(regions.windows(2))
        .map(|(stage, pair)| plan_stage(stage, pair[0], pair[1]));
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
        i16::try_from(distance)
            .map_err(|_| PlanError::Origin { stage: stage.name().to_owned(), distance })
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
        Stage::Pool(stage) => Window {
            step: stage.pool.stride[axis] as i64,
            reach: stage.pool.size[axis] as i64,
            padding: 0,
        },
        Stage::Dense(_) => Window { step: 1, reach: 1, padding: 0 },
    };
    [along(0), along(1)]
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
}
