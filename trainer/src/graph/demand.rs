//! Demand: which part of each feature map is read at all.
//!
//! Pooling drops incomplete windows, and what it drops need not be computed, nor what only that
//! would have read. From the last stage backwards, [`demand`] finds the rows and columns of each
//! map that are read; the exported layers compute just those. The result is exact by construction:
//! values nobody reads are left out.

use infer::Shape;
use infer::schedule::INPUTS_MAX;
use thiserror::Error;

use super::Stage;
use crate::network::{Network, NetworkError};
use crate::ops::{Operator, Part, Source, Window};

/// Rows `rows[0]..rows[1]` and columns `columns[0]..columns[1]` of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// First row, and the row after the last.
    pub rows: [u16; 2],
    /// First column, and the column after the last.
    pub columns: [u16; 2],
}

impl Region {
    /// A whole map.
    pub const fn whole(shape: Shape) -> Self {
        Self { rows: [0, shape.height], columns: [0, shape.width] }
    }

    /// The smallest region that holds both.
    fn and(self, other: Self) -> Self {
        let both = |a: [u16; 2], b: [u16; 2]| [a[0].min(b[0]), a[1].max(b[1])];
        Self { rows: both(self.rows, other.rows), columns: both(self.columns, other.columns) }
    }

    /// The region as a map of its own.
    pub const fn shape(self, channels: u16) -> Shape {
        Shape::new(self.rows[1] - self.rows[0], self.columns[1] - self.columns[0], channels)
    }
}

/// What of a network is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The part of the network's input that is read.
    pub input: Region,
    /// Row and column of the image at which that part begins.
    pub origin: [i16; 2],
    /// One entry per stage.
    pub stages: Vec<StageDemand>,
}

/// What of a stage is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageDemand {
    /// The part of the stage's output that is read, and so computed.
    pub region: Region,
    /// The parts that are read and computed, as maps of their own.
    pub part: Part,
}

/// Why it cannot be said what of a network is computed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DemandError {
    /// The network cannot be built at all.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A window begins too far outside of its map.
    #[error(
        "stage '{stage}': its window begins {distance} pixels outside of the map; the format \
         holds up to 32767"
    )]
    Origin {
        /// The stage's name.
        stage: String,
        /// How far.
        distance: i64,
    },
    /// What is read of the image begins too far from its corner.
    #[error(
        "the network's input at offset [{}, {}] is read from row {row}, column {column} of the \
         image on; the format holds up to 32767: use a smaller offset", offset[0], offset[1]
    )]
    Image {
        /// Offset of the input.
        offset: [i16; 2],
        /// First row of the image that is read.
        row: i64,
        /// First column of the image that is read.
        column: i64,
    },
}

/// The part of each map that is read.
///
/// # Errors
/// A network that cannot be built, or whose windows lie out of the format's range.
pub fn demand(network: &Network) -> Result<Demand, DemandError> {
    let stages = network.stages()?;
    let regions = regions(network, &stages);
    let demanded = stages.iter().zip(&regions[1..]);
    let demanded = demanded.map(|(stage, region)| stage_demand(stage, &regions, *region));
    Ok(Demand {
        input: regions[0],
        origin: origin_on_image(network.input.offset, regions[0])?,
        stages: demanded.collect::<Result<_, _>>()?,
    })
}

/// The part of each tensor that is read: the smallest rectangle that holds what each of its readers
/// reads. The last tensor is the answer and read whole.
fn regions(network: &Network, stages: &[Stage]) -> Vec<Region> {
    let outputs = stages.iter().map(Stage::output);
    let shapes: Vec<Shape> = std::iter::once(network.input.shape()).chain(outputs).collect();
    let mut regions: Vec<Option<Region>> = vec![None; shapes.len()];
    let mut region_of = |tensor: usize, read: Option<Region>| {
        let region = &mut regions[tensor];
        *region = read.map(|read| region.map_or(read, |region| region.and(read))).or(*region);
        region.unwrap_or(Region::whole(shapes[tensor]))
    };
    for (index, stage) in stages.iter().enumerate().rev() {
        let output = region_of(index + 1, None);
        for (input, tensor) in stage.inputs.iter().enumerate() {
            region_of(*tensor, Some(read_by(stage, input, output)));
        }
    }
    (0..shapes.len()).map(|tensor| region_of(tensor, None)).collect()
}

fn origin_on_image(offset: [i16; 2], input: Region) -> Result<[i16; 2], DemandError> {
    let row = offset[0] as i64 + input.rows[0] as i64;
    let column = offset[1] as i64 + input.columns[0] as i64;
    match (i16::try_from(row), i16::try_from(column)) {
        (Ok(row), Ok(column)) => Ok([row, column]),
        _ => Err(DemandError::Image { offset, row, column }),
    }
}

/// The part of an input that a stage reads to compute `output`.
fn read_by(stage: &Stage, input: usize, output: Region) -> Region {
    let map = stage.kind.input(input);
    match stage.kind.windows(input) {
        None => Region::whole(map),
        Some([rows, columns]) => Region {
            rows: rows.read(output.rows, map.height),
            columns: columns.read(output.columns, map.width),
        },
    }
}

/// What of a stage is computed; `regions` are those of all tensors.
fn stage_demand(
    stage: &Stage,
    regions: &[Region],
    region: Region,
) -> Result<StageDemand, DemandError> {
    let mut inputs = [source(stage, 0, regions, region)?; INPUTS_MAX];
    for (index, input) in inputs.iter_mut().enumerate().take(stage.inputs.len()) {
        *input = source(stage, index, regions, region)?;
    }
    let output = region.shape(stage.output().channels);
    Ok(StageDemand { region, part: Part { inputs, output } })
}

/// What a stage reads of an input to compute `output`.
fn source(
    stage: &Stage,
    input: usize,
    regions: &[Region],
    output: Region,
) -> Result<Source, DemandError> {
    let read = regions[stage.inputs[input]];
    let origin = match stage.kind.windows(input) {
        None => [0, 0],
        Some([rows, columns]) => [
            rows.first(output.rows[0]) - read.rows[0] as i64,
            columns.first(output.columns[0]) - read.columns[0] as i64,
        ],
    };
    let fits = |distance: i64| {
        i16::try_from(distance)
            .map_err(|_| DemandError::Origin { stage: stage.name.clone(), distance })
    };
    let shape = read.shape(stage.kind.input(input).channels);
    Ok(Source { shape, origin: [fits(origin[0])?, fits(origin[1])?] })
}

impl Window {
    /// The first input of an output.
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

#[cfg(test)]
mod tests {
    use infer::packing::WeightBits;

    use super::*;
    use crate::network::{Extent, Input, Layer, LayerKind, Padding};
    use crate::ops::{conv, dense, max_pool};

    fn network(side: u16, kinds: Vec<LayerKind>) -> Network {
        let layers = kinds.into_iter().map(Layer::from).collect();
        Network { input: Input { height: side, width: side, channels: 1, offset: [0, 0] }, layers }
    }

    fn conv(filters: u16, kernel: u8, stride: u8, padding: Padding) -> LayerKind {
        let (kernel, stride) = (Extent::Square(kernel), Extent::Square(stride));
        let dilation = Extent::Square(1);
        let (activation, weights) = (None, WeightBits::Eight);
        LayerKind::Conv(conv::Layer {
            filters,
            kernel,
            stride,
            dilation,
            padding,
            activation,
            weights,
        })
    }

    fn pool(size: u8) -> LayerKind {
        LayerKind::MaxPool(max_pool::Layer { size: Extent::Square(size), stride: None })
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
            LayerKind::Dense(dense::Layer::of(10)),
        ];
        let Demand { input, stages, .. } = demand(&network(28, kinds)).unwrap();
        assert_eq!(input, Region { rows: [0, 22], columns: [0, 22] });
        let shapes: Vec<_> = stages.iter().map(|stage| stage.part.output).collect();
        let expected =
            [Shape::new(10, 10, 32), Shape::new(4, 4, 64), Shape::new(1, 1, 64), Shape::vector(10)];
        assert_eq!(shapes, expected);
    }

    /// A pooling reads 10 of the 11 rows and columns, a convolution with stride 3 nine of them from
    /// the first on: both read ten.
    #[test]
    fn a_map_is_computed_as_far_as_any_reader_needs_it() {
        let text = "input = { height = 13, width = 13, channels = 1 }
            layer = [
                { type = 'conv', filters = 2, kernel = 3, name = 'a' },
                { type = 'max_pool', size = 5, name = 'b' },
                { type = 'conv', filters = 2, kernel = 6, stride = 3, from = ['a'], name = 'c' },
                { type = 'add', from = ['b', 'c'] },
            ]";
        let Demand { input, stages, .. } = demand(&toml::from_str(text).unwrap()).unwrap();
        assert_eq!(input, Region { rows: [0, 12], columns: [0, 12] });
        assert_eq!(stages[0].part.output, Shape::new(10, 10, 2));
        let [pool, conv] = [1, 2].map(|stage| stages[stage].part.inputs[0].shape);
        assert_eq!([pool, conv], [Shape::new(10, 10, 2); 2]);
    }

    /// A sum of which only the middle is read: each input is read from its own row and column on.
    #[test]
    fn inputs_are_read_from_different_places() {
        let text = "input = { height = 9, width = 9, channels = 1 }
            layer = [
                { type = 'conv', filters = 1, kernel = 1, name = 'a' },
                { type = 'add', from = ['a', 'input'], name = 'sum' },
                { type = 'conv', filters = 1, kernel = 2, stride = 5, padding = 'same' },
            ]";
        let network: Network = toml::from_str(text).unwrap();
        let Demand { stages, .. } = demand(&network).unwrap();
        // Two windows of 2 at rows 0 and 5 of 9: rows 0 to 6.
        assert_eq!(stages[1].part.output, Shape::new(7, 7, 1));
        assert_eq!(stages[1].part.inputs.map(|input| input.origin), [[0, 0]; 2]);
    }

    #[test]
    fn padding_is_an_origin_outside_of_the_map() {
        let Demand { input, stages, .. } =
            demand(&network(8, vec![conv(4, 3, 1, Padding::Same)])).unwrap();
        assert_eq!(input, Region::whole(Shape::new(8, 8, 1)));
        assert_eq!(stages[0].part.inputs[0].origin, [-1, -1]);
    }

    #[test]
    fn an_origin_beyond_the_format_s_range_is_refused() {
        let input = Region { rows: [5, 9], columns: [0, 9] };
        assert_eq!(origin_on_image([32_762, -32_768], input).unwrap(), [32_767, -32_768]);
        let refused = origin_on_image([32_763, 0], input).unwrap_err().to_string();
        assert!(refused.contains("read from row 32768, column 0 of the image on"), "{refused}");
    }
}
