//! How a network's operators lie on float maps: shapes of the parts that are really computed, their
//! padding, and the positions of every output pixel. Worked out once per network.
//!
//! Training computes what inference computes: only the part of each map that later stages read (see
//! [`graph::demand`](crate::graph::demand())).

use infer::Shape;
use infer::packing::WeightBits;

use super::Grid;
use crate::graph::{Demand, DemandError, Stage, StageDemand, demand};
use crate::network::Network;
use crate::ops::{FloatKind, FloatOperator, Operator};

/// How a network's stages lie on float maps.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The part of the network's input that is read, and its first row and column.
    pub input: Shape,
    /// First row and column of that part in the network's input.
    pub input_origin: [usize; 2],
    /// One entry per stage.
    pub stages: Vec<FloatKind>,
    /// The largest value that each stage leaves, where something cuts off what is above it.
    pub most: Vec<f32>,
    /// The int8 values that each stage leaves, while training minds them; else empty.
    pub grids: Vec<Grid>,
    /// How many bits the weights of each stage have, while training minds that.
    pub bits: Vec<WeightBits>,
    /// Probability that a value of each stage is left out while training.
    pub dropout: Vec<f32>,
    /// The tensors that each stage reads: 0 is the input, `n` what stage `n - 1` leaves.
    pub reads: Vec<Vec<usize>>,
}

impl Layout {
    /// Works out the layout of a network.
    ///
    /// # Errors
    /// A network that cannot be built, or whose windows lie too far outside of their maps.
    pub fn new(network: &Network) -> Result<Self, DemandError> {
        let stages = network.stages()?;
        let Demand { input, stages: demanded, .. } = demand(network)?;
        let float = |(stage, demanded): (&Stage, &StageDemand)| stage.kind.float(&demanded.part);
        Ok(Self {
            input: input.shape(network.input.channels),
            input_origin: [input.rows[0] as usize, input.columns[0] as usize],
            stages: stages.iter().zip(&demanded).map(float).collect(),
            most: stages.iter().map(|stage| stage.kind.rectifier().most()).collect(),
            grids: vec![],
            bits: stages.iter().map(|stage| stage.bits).collect(),
            dropout: stages.iter().map(|stage| stage.dropout).collect(),
            reads: stages.iter().map(|stage| stage.inputs.clone()).collect(),
        })
    }

    /// The same with batch normalisation after each convolution (its pooling included), before its
    /// ReLU where it has one. A convolution whose values are the network's answer keeps its bias.
    pub fn normalised(mut self) -> Self {
        let answer = self.stages.len() - 1;
        for (index, stage) in self.stages.iter_mut().enumerate() {
            if index < answer || stage.relu() {
                stage.normalise();
            }
        }
        self
    }

    /// The part of a tensor that is read.
    pub fn tensor(&self, tensor: usize) -> Shape {
        tensor.checked_sub(1).map_or(self.input, |stage| self.stages[stage].output())
    }

    /// Whether the backward pass goes beyond a stage; nobody asks for the gradient of the image.
    pub fn asks_for_gradient(&self, stage: usize) -> bool {
        self.reads[stage].iter().any(|tensor| *tensor > 0)
    }

    /// Values of all maps of an image, padded ones included.
    pub fn values(&self) -> usize {
        let of_stage = |stage: &FloatKind| stage.output().len() + stage.buffers(1).padded.len();
        self.input.len() + self.stages.iter().map(of_stage).sum::<usize>()
    }
}
