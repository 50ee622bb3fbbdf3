//! Where each stage's kernels read and write: shapes of the maps that are really computed, their
//! padding, and the positions of every output pixel. Worked out once per network.
//!
//! Training computes what inference computes: only the part of each map that later stages read (see
//! `plan::demand`).

use infer::Shape;

use super::kernels::{Positions, Reach};
use crate::network::{Network, Stage};
use crate::plan::{self, PlanError, StagePlan};

/// How a network's stages lie in memory.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The part of the network's input that is read, and its first row and column.
    pub input: Shape,
    /// First row and column of that part in the network's input.
    pub input_origin: [usize; 2],
    /// One entry per stage.
    pub stages: Vec<StageLayout>,
}

/// How one stage lies in memory.
#[derive(Clone, Debug)]
pub struct StageLayout {
    /// The map in front of it.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// What it does.
    pub kind: Kind,
}

/// What a stage does.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Multiplies weights, image by image.
    Conv(ConvLayout),
    /// Multiplies weights, all images of a shard at once.
    Dense {
        /// Whether a ReLU follows.
        relu: bool,
    },
    /// Takes the largest of each window.
    Pool(PoolLayout),
}

/// Positions of a convolution.
#[derive(Clone, Debug)]
pub struct ConvLayout {
    /// The input with its padding.
    pub padded: Shape,
    /// Row and column of the input in the padded map.
    pub inset: [usize; 2],
    /// How a position reads its taps.
    pub reach: Reach,
    /// Place of each output pixel's first position in the padded map.
    pub pixels: Vec<usize>,
    /// The window's positions, relative to the first.
    pub window: Vec<usize>,
    /// Whether a ReLU follows.
    pub relu: bool,
    /// Whether batch normalisation comes in between, which then does the ReLU too.
    pub normalised: bool,
}

/// Windows of a pooling.
#[derive(Clone, Debug)]
pub struct PoolLayout {
    /// Place of each output pixel's first input pixel.
    pub pixels: Vec<usize>,
    /// The window's pixels, relative to the first.
    pub window: Vec<usize>,
}

impl ConvLayout {
    /// The positions, for the kernels.
    pub fn positions(&self) -> Positions<'_> {
        Positions {
            reach: self.reach,
            pixels: &self.pixels,
            window: &self.window,
            relu: self.relu && !self.normalised,
        }
    }

    /// Whether the input must be copied into a larger map of zeros.
    pub fn pads(&self, input: Shape) -> bool {
        self.padded != input
    }
}

impl Layout {
    /// Works out the layout of a network.
    ///
    /// # Errors
    /// A network that cannot be built or planned.
    pub fn new(network: &Network) -> Result<Self, PlanError> {
        let stages = network.stages()?;
        let (region, plans) = plan::demand(network)?;
        let mut input = region.shape(network.input.channels);
        let layout = |(stage, plan): (&Stage, &StagePlan)| {
            let laid_out =
                StageLayout { input, output: plan.output, kind: kind(stage, plan, input) };
            input = plan.output;
            laid_out
        };
        let input_shape = region.shape(network.input.channels);
        let stages = stages.iter().zip(&plans).map(layout).collect();
        let input_origin = [region.rows[0] as usize, region.columns[0] as usize];
        Ok(Self { input: input_shape, input_origin, stages })
    }

    /// The same with batch normalisation between each convolution (its pooling included) and its
    /// ReLU. A convolution without ReLU keeps its bias and is not normalised.
    pub fn normalised(mut self) -> Self {
        for stage in &mut self.stages {
            if let Kind::Conv(conv) = &mut stage.kind {
                conv.normalised = conv.relu;
            }
        }
        self
    }
}

impl StageLayout {
    /// Outputs and taps per output of the stage's weights; `None` for a pooling.
    pub fn weights(&self) -> Option<(usize, usize)> {
        match &self.kind {
            Kind::Conv(conv) => Some((self.output.channels as usize, conv.reach.taps())),
            Kind::Dense { .. } => Some((self.output.len(), self.input.len())),
            Kind::Pool(_) => None,
        }
    }

    /// Whether the stage's values are normalised over the batch.
    pub fn normalised(&self) -> bool {
        matches!(&self.kind, Kind::Conv(conv) if conv.normalised)
    }

    /// Whether a ReLU ends the stage.
    pub fn relu(&self) -> bool {
        match &self.kind {
            Kind::Conv(conv) => conv.relu,
            Kind::Dense { relu } => *relu,
            Kind::Pool(_) => false,
        }
    }
}

fn kind(stage: &Stage, plan: &StagePlan, input: Shape) -> Kind {
    match stage {
        Stage::Dense(dense) => Kind::Dense { relu: dense.relu },
        Stage::Conv(conv) => {
            let pool = conv.pool.map_or([1, 1], |pool| pool.size);
            Kind::Conv(conv_layout(conv.kernel, conv.stride, pool, conv.relu, plan, input))
        }
        Stage::Pool(stage) => {
            let step = stage.pool.stride.map(usize::from);
            let origin = plan.origin.map(|origin| origin as usize);
            Kind::Pool(PoolLayout {
                pixels: places(
                    input,
                    origin,
                    [plan.output.height, plan.output.width].map(usize::from),
                    step,
                ),
                window: places(input, [0, 0], stage.pool.size.map(usize::from), [1, 1]),
            })
        }
    }
}

fn conv_layout(
    kernel: [u8; 2],
    stride: [u8; 2],
    pool: [u8; 2],
    relu: bool,
    plan: &StagePlan,
    input: Shape,
) -> ConvLayout {
    let [kernel, stride, pool] = [kernel, stride, pool].map(|sides| sides.map(usize::from));
    let outputs = [plan.output.height, plan.output.width].map(usize::from);
    let sides = [input.height, input.width].map(usize::from);
    let inset: [usize; 2] = plan.origin.map(|origin| origin.min(0).unsigned_abs() as usize);
    let first: [usize; 2] = plan.origin.map(|origin| origin.max(0) as usize);
    let padded = [0, 1].map(|axis| {
        let reach = first[axis] + (outputs[axis] * pool[axis] - 1) * stride[axis] + kernel[axis];
        reach.max(inset[axis] + sides[axis])
    });
    let padded = Shape::new(padded[0] as u16, padded[1] as u16, input.channels);
    let step = [stride[0] * pool[0], stride[1] * pool[1]];
    ConvLayout {
        padded,
        inset,
        reach: Reach {
            rows: kernel[0],
            row_step: padded.row_len(),
            run: kernel[1] * input.channels as usize,
            channels: input.channels as usize,
        },
        pixels: places(padded, first, outputs, step),
        window: places(padded, [0, 0], pool, stride),
        relu,
        normalised: false,
    }
}

/// Places in a map of `count` rows and columns of pixels, `step` apart, from `first` on.
fn places(map: Shape, first: [usize; 2], count: [usize; 2], step: [usize; 2]) -> Vec<usize> {
    let place = |row: usize, column: usize| {
        let (y, x) = (first[0] + row * step[0], first[1] + column * step[1]);
        y * map.row_len() + x * map.channels as usize
    };
    (0..count[0]).flat_map(|row| (0..count[1]).map(move |column| place(row, column))).collect()
}
