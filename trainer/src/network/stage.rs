//! Stages: what runs in one pass, every shape worked out.

use infer::Shape;

/// What runs in one pass.
#[derive(Clone, Debug, PartialEq)]
pub enum Stage {
    /// Convolution, then ReLU if `relu`, then pooling if `pool`.
    Conv(ConvStage),
    /// Pooling with no convolution in front of it.
    Pool(PoolStage),
    /// Dense, then ReLU if `relu`.
    Dense(DenseStage),
}

/// A convolution with what follows it. The order of ReLU and pooling does not matter: both are
/// monotone.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvStage {
    /// Name of the convolution's layer.
    pub name: String,
    /// What it reads.
    pub input: Shape,
    /// The convolution's output before pooling.
    pub convolved: Shape,
    /// What it leaves after pooling; `convolved` without pooling.
    pub output: Shape,
    /// Kernel rows and columns.
    pub kernel: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
    /// Zeros above and left of the input (those below and right follow from the shapes).
    pub padding: [u8; 2],
    /// Whether a ReLU follows.
    pub relu: bool,
    /// The pooling that follows.
    pub pool: Option<Pooling>,
}

/// Window and step of a pooling, rows before columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Window rows and columns.
    pub size: [u8; 2],
    /// Step in rows and columns.
    pub stride: [u8; 2],
}

/// A pooling on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolStage {
    /// Name of the layer.
    pub name: String,
    /// What it reads.
    pub input: Shape,
    /// What it leaves.
    pub output: Shape,
    /// Window and step.
    pub pool: Pooling,
}

/// A dense layer with its ReLU.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseStage {
    /// Name of the layer.
    pub name: String,
    /// The map it flattens.
    pub input: Shape,
    /// Outputs.
    pub units: u16,
    /// Whether a ReLU follows.
    pub relu: bool,
}

impl Stage {
    /// Name of the stage's main layer.
    pub fn name(&self) -> &str {
        match self {
            Stage::Conv(conv) => &conv.name,
            Stage::Pool(pool) => &pool.name,
            Stage::Dense(dense) => &dense.name,
        }
    }

    /// What it reads.
    pub fn input(&self) -> Shape {
        match self {
            Stage::Conv(conv) => conv.input,
            Stage::Pool(pool) => pool.input,
            Stage::Dense(dense) => dense.input,
        }
    }

    /// What it leaves.
    pub fn output(&self) -> Shape {
        match self {
            Stage::Conv(conv) => conv.output,
            Stage::Pool(pool) => pool.output,
            Stage::Dense(dense) => Shape::vector(dense.units),
        }
    }

    /// Number of weights: `[kernel rows][kernel columns][input channels][output channels]` of a
    /// convolution, `[inputs][units]` of a dense layer, none of a pooling.
    pub fn weight_count(&self) -> usize {
        match self {
            Stage::Conv(conv) => {
                conv.kernel[0] as usize
                    * conv.kernel[1] as usize
                    * conv.input.channels as usize
                    * conv.output.channels as usize
            }
            Stage::Pool(_) => 0,
            Stage::Dense(dense) => dense.input.len() * dense.units as usize,
        }
    }

    /// Number of biases: one per output channel of a convolution or dense layer.
    pub fn bias_count(&self) -> usize {
        match self {
            Stage::Pool(_) => 0,
            other => other.output().channels as usize,
        }
    }

    /// Multiply-accumulates of the stage as described, every output computed.
    pub fn macs(&self) -> u64 {
        match self {
            Stage::Conv(conv) => {
                let taps =
                    conv.kernel[0] as u64 * conv.kernel[1] as u64 * conv.input.channels as u64;
                conv.convolved.len() as u64 * taps
            }
            Stage::Pool(_) => 0,
            Stage::Dense(dense) => dense.input.len() as u64 * dense.units as u64,
        }
    }
}
