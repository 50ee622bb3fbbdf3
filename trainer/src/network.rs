//! What a network is: a list of layers read from a description, and the stages that training, quantising,
//! planning and inference work on.
//!
//! A *layer* is what a person writes (`conv`, `max_pool`, `dense`, `relu`, `softmax`). A *stage* is what runs in
//! one pass: a convolution with its ReLU and the pooling behind it, a dense layer with its ReLU, or a pooling that
//! has no convolution in front of it.

use infer::Shape;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A network as described: its input and its layers in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The image the first layer sees.
    pub input: Input,
    /// The layers, first to last.
    #[serde(rename = "layer")]
    pub layers: Vec<Layer>,
}

/// Size of the network's input and where it lies on the image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Rows.
    pub height: u16,
    /// Columns.
    pub width: u16,
    /// Values per pixel.
    pub channels: u16,
    /// `[rows, columns]` by which the network's top left corner lies below and right of the image's; what then lies
    /// outside of the image reads as black.
    #[serde(default)]
    pub offset: [i16; 2],
}

impl Input {
    /// Height, width and channels as a [`Shape`].
    pub fn shape(&self) -> Shape {
        Shape::new(self.height, self.width, self.channels)
    }
}

/// One layer of the description.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// A name of the user's; `conv1`, `pool1`, `dense1`, … when empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub kind: LayerKind,
}

/// What a layer does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum LayerKind {
    /// Two-dimensional convolution with bias.
    Conv {
        /// Output channels.
        filters: u16,
        /// Kernel `n` or `[height, width]`.
        kernel: Extent,
        /// Step `n` or `[rows, columns]`; 1 when left out.
        #[serde(default)]
        stride: Extent,
        /// `"valid"` (default) or `"same"`.
        #[serde(default)]
        padding: Padding,
        /// `"relu"` or nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activation: Option<Activation>,
    },
    /// Maximum over a window; incomplete windows at the right and bottom are dropped.
    MaxPool {
        /// Window `n` or `[height, width]`.
        size: Extent,
        /// Step; the window's size when left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stride: Option<Extent>,
    },
    /// Fully connected layer with bias; flattens its input row by row, pixel by pixel.
    Dense {
        /// Outputs.
        units: u16,
        /// `"relu"` or nothing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        activation: Option<Activation>,
    },
    /// `max(x, 0)`.
    Relu,
    /// Turns the last layer's values into probabilities; only as the last layer.
    Softmax,
}

/// A size or step in both directions: written as one number or as `[rows, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Extent {
    /// The same in both directions.
    Square(u8),
    /// Rows, then columns.
    Each([u8; 2]),
}

impl Extent {
    /// Rows.
    pub fn rows(self) -> u8 {
        match self {
            Extent::Square(n) => n,
            Extent::Each([rows, _]) => rows,
        }
    }

    /// Columns.
    pub fn columns(self) -> u8 {
        match self {
            Extent::Square(n) => n,
            Extent::Each([_, columns]) => columns,
        }
    }
}

impl Default for Extent {
    fn default() -> Self {
        Extent::Square(1)
    }
}

/// What a convolution reads beyond the edge of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Padding {
    /// Nothing: the output shrinks.
    #[default]
    Valid,
    /// Zeros, so that the output has `ceil(input / stride)` rows and columns; an odd zero goes to the bottom and right.
    Same,
}

/// An activation written inside a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
}

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

/// A convolution with what follows it. The order of ReLU and pooling does not matter: both are monotone.
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

    /// Number of weights: `[kernel rows][kernel columns][input channels][output channels]` of a convolution,
    /// `[inputs][units]` of a dense layer, none of a pooling.
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
                let taps = conv.kernel[0] as u64 * conv.kernel[1] as u64 * conv.input.channels as u64;
                conv.convolved.len() as u64 * taps
            }
            Stage::Pool(_) => 0,
            Stage::Dense(dense) => dense.input.len() as u64 * dense.units as u64,
        }
    }
}

/// Why a description is not a network that can be built.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NetworkError {
    /// No layer that computes anything.
    #[error("the network has no conv, dense or max_pool layer: add one")]
    Empty,
    /// A size that must be positive is zero.
    #[error("layer {number} '{name}': {what} is 0; it must be 1 or more")]
    Zero {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Which size.
        what: &'static str,
    },
    /// A window that does not fit what it reads.
    #[error(
        "layer {number} '{name}': a {rows}x{columns} window does not fit its input of {input}: use a smaller window, 'same' padding or fewer layers in front of it"
    )]
    DoesNotFit {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Window rows.
        rows: u8,
        /// Window columns.
        columns: u8,
        /// What the layer reads.
        input: Shape,
    },
    /// A layer in a place where it has no meaning.
    #[error("layer {number} '{name}': {why}")]
    Misplaced {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// What is wrong and what to do.
        why: &'static str,
    },
    /// A feature map or weight tensor too large for the model format.
    #[error("layer {number} '{name}': {what} would have {values} values; the limit is {limit}")]
    TooLarge {
        /// Place in the list, from 1.
        number: usize,
        /// The layer's name.
        name: String,
        /// Which tensor.
        what: &'static str,
        /// Its size.
        values: u64,
        /// The largest allowed size.
        limit: u64,
    },
}

/// Most values a feature map or weight tensor may have: 16 Mi, far above any microcontroller.
pub const TENSOR_LIMIT: u64 = 1 << 24;

impl Network {
    /// The stages of the network in order, with every shape worked out.
    ///
    /// # Errors
    /// A description that cannot be built is refused with the layer's number, name and shapes.
    pub fn stages(&self) -> Result<Vec<Stage>, NetworkError> {
        let mut lowering = Lowering::new(self);
        if self.input.shape().is_empty() {
            return Err(NetworkError::Zero { number: 0, name: "input".into(), what: "a side of the input" });
        }
        for (index, layer) in self.layers.iter().enumerate() {
            lowering.layer(index, layer)?;
        }
        lowering.finish()
    }

    /// Values the network ends with: the number of classes.
    ///
    /// # Errors
    /// As [`Network::stages`].
    pub fn classes(&self) -> Result<usize, NetworkError> {
        Ok(self.stages()?.last().map_or(0, |stage| stage.output().len()))
    }
}

/// Builds stages layer by layer.
struct Lowering<'n> {
    network: &'n Network,
    shape: Shape,
    stages: Vec<Stage>,
    counts: [usize; 3],
}

impl<'n> Lowering<'n> {
    fn new(network: &'n Network) -> Self {
        Self { network, shape: network.input.shape(), stages: Vec::new(), counts: [0; 3] }
    }

    fn layer(&mut self, index: usize, layer: &Layer) -> Result<(), NetworkError> {
        let place = Place { number: index + 1, name: self.name_of(layer) };
        let last = index + 1 == self.network.layers.len();
        match &layer.kind {
            LayerKind::Conv { filters, kernel, stride, padding, activation } => {
                self.conv(&place, *filters, *kernel, *stride, *padding)?;
                self.activation(&place, *activation)
            }
            LayerKind::MaxPool { size, stride } => self.pool(&place, *size, stride.unwrap_or(*size)),
            LayerKind::Dense { units, activation } => {
                self.dense(&place, *units)?;
                self.activation(&place, *activation)
            }
            LayerKind::Relu => self.relu(&place),
            LayerKind::Softmax if !last => {
                Err(place.misplaced("softmax must be the last layer: move it to the end"))
            }
            LayerKind::Softmax => Ok(()),
        }
    }

    fn name_of(&mut self, layer: &Layer) -> String {
        let (slot, prefix) = match layer.kind {
            LayerKind::Conv { .. } => (0, "conv"),
            LayerKind::MaxPool { .. } => (1, "pool"),
            LayerKind::Dense { .. } => (2, "dense"),
            LayerKind::Relu => return named_or(&layer.name, "relu"),
            LayerKind::Softmax => return named_or(&layer.name, "softmax"),
        };
        self.counts[slot] += 1;
        named_or(&layer.name, &format!("{prefix}{}", self.counts[slot]))
    }

    fn conv(
        &mut self,
        place: &Place,
        filters: u16,
        kernel: Extent,
        stride: Extent,
        padding: Padding,
    ) -> Result<(), NetworkError> {
        place.positive(filters as usize, "filters")?;
        place.positive_extent(kernel, "kernel")?;
        place.positive_extent(stride, "stride")?;
        let input = self.shape;
        let (height, top) = convolved_side(input.height, kernel.rows(), stride.rows(), padding)
            .ok_or_else(|| place.does_not_fit(kernel, input))?;
        let (width, left) = convolved_side(input.width, kernel.columns(), stride.columns(), padding)
            .ok_or_else(|| place.does_not_fit(kernel, input))?;
        let convolved = Shape::new(height, width, filters);
        let stage = Stage::Conv(ConvStage {
            name: place.name.clone(),
            input,
            convolved,
            output: convolved,
            kernel: [kernel.rows(), kernel.columns()],
            stride: [stride.rows(), stride.columns()],
            padding: [top, left],
            relu: false,
            pool: None,
        });
        self.push(place, stage)
    }

    fn pool(&mut self, place: &Place, size: Extent, stride: Extent) -> Result<(), NetworkError> {
        place.positive_extent(size, "size")?;
        place.positive_extent(stride, "stride")?;
        let input = self.shape;
        let side = |length, window, step| convolved_side(length, window, step, Padding::Valid);
        let fits = |result: Option<(u16, u8)>| result.ok_or_else(|| place.does_not_fit(size, input));
        let (height, _) = fits(side(input.height, size.rows(), stride.rows()))?;
        let (width, _) = fits(side(input.width, size.columns(), stride.columns()))?;
        let output = Shape::new(height, width, input.channels);
        let pool = Pooling { size: [size.rows(), size.columns()], stride: [stride.rows(), stride.columns()] };
        if let Some(Stage::Conv(conv)) = self.stages.last_mut()
            && conv.pool.is_none()
            && pool.size == pool.stride
        {
            conv.pool = Some(pool);
            conv.output = output;
            self.shape = output;
            return Ok(());
        }
        self.push(place, Stage::Pool(PoolStage { name: place.name.clone(), input, output, pool }))
    }

    fn dense(&mut self, place: &Place, units: u16) -> Result<(), NetworkError> {
        place.positive(units as usize, "units")?;
        let stage = DenseStage { name: place.name.clone(), input: self.shape, units, relu: false };
        self.push(place, Stage::Dense(stage))
    }

    fn activation(&mut self, place: &Place, activation: Option<Activation>) -> Result<(), NetworkError> {
        match activation {
            Some(Activation::Relu) => self.relu(place),
            None => Ok(()),
        }
    }

    /// A ReLU joins the nearest convolution or dense layer in front of it: it commutes with pooling.
    fn relu(&mut self, place: &Place) -> Result<(), NetworkError> {
        for stage in self.stages.iter_mut().rev() {
            match stage {
                Stage::Conv(conv) => conv.relu = true,
                Stage::Dense(dense) => dense.relu = true,
                Stage::Pool(_) => continue,
            }
            return Ok(());
        }
        Err(place.misplaced("nothing in front of this relu can be negative: remove it"))
    }

    fn push(&mut self, place: &Place, stage: Stage) -> Result<(), NetworkError> {
        place.within_limit("the output", stage.output())?;
        if let Stage::Conv(conv) = &stage {
            place.within_limit("the convolved map", conv.convolved)?;
        }
        let weights = weight_count_u64(&stage);
        if weights > TENSOR_LIMIT {
            return Err(place.too_large("the weights", weights));
        }
        self.shape = stage.output();
        self.stages.push(stage);
        Ok(())
    }

    fn finish(self) -> Result<Vec<Stage>, NetworkError> {
        if self.stages.is_empty() { Err(NetworkError::Empty) } else { Ok(self.stages) }
    }
}

/// A layer's place in the description, for messages.
struct Place {
    number: usize,
    name: String,
}

impl Place {
    fn positive(&self, value: usize, what: &'static str) -> Result<(), NetworkError> {
        match value {
            0 => Err(NetworkError::Zero { number: self.number, name: self.name.clone(), what }),
            _ => Ok(()),
        }
    }

    fn positive_extent(&self, extent: Extent, what: &'static str) -> Result<(), NetworkError> {
        self.positive(extent.rows() as usize * extent.columns() as usize, what)
    }

    fn misplaced(&self, why: &'static str) -> NetworkError {
        NetworkError::Misplaced { number: self.number, name: self.name.clone(), why }
    }

    fn does_not_fit(&self, window: Extent, input: Shape) -> NetworkError {
        NetworkError::DoesNotFit {
            number: self.number,
            name: self.name.clone(),
            rows: window.rows(),
            columns: window.columns(),
            input,
        }
    }

    fn too_large(&self, what: &'static str, values: u64) -> NetworkError {
        NetworkError::TooLarge {
            number: self.number,
            name: self.name.clone(),
            what,
            values,
            limit: TENSOR_LIMIT,
        }
    }

    fn within_limit(&self, what: &'static str, shape: Shape) -> Result<(), NetworkError> {
        let values = shape.height as u64 * shape.width as u64 * shape.channels as u64;
        if values > TENSOR_LIMIT { Err(self.too_large(what, values)) } else { Ok(()) }
    }
}

/// Weights of a stage without overflow, for the limit check.
fn weight_count_u64(stage: &Stage) -> u64 {
    let input = stage.input();
    match stage {
        Stage::Conv(conv) => {
            conv.kernel[0] as u64
                * conv.kernel[1] as u64
                * input.channels as u64
                * conv.output.channels as u64
        }
        Stage::Pool(_) => 0,
        Stage::Dense(dense) => input.len() as u64 * dense.units as u64,
    }
}

/// Output length along one side and the zeros in front of it, or `None` when the window does not fit.
///
/// `valid`: `(input - kernel) / stride + 1`. `same`: `ceil(input / stride)`, total padding
/// `(output - 1) * stride + kernel - input`, its smaller half in front (as Keras and PyTorch-export do).
fn convolved_side(input: u16, kernel: u8, stride: u8, padding: Padding) -> Option<(u16, u8)> {
    let (kernel, stride) = (kernel as u16, stride as u16);
    match padding {
        Padding::Valid => Some((input.checked_sub(kernel)? / stride + 1, 0)),
        Padding::Same => {
            let output = input.div_ceil(stride);
            let needed = (output as u32 - 1) * stride as u32 + kernel as u32;
            let total = needed.saturating_sub(input as u32);
            Some((output, (total / 2) as u8))
        }
    }
}

fn named_or(name: &str, default: &str) -> String {
    if name.is_empty() { default.to_owned() } else { name.to_owned() }
}
