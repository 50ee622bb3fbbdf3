//! From layers to stages: works out the shapes and joins what runs in one pass.

use infer::Shape;

use super::{
    Activation, ConvStage, DenseStage, Extent, Layer, LayerKind, Network, NetworkError, Padding,
    PoolStage, Pooling, Stage, TENSOR_LIMIT,
};

/// The stages of a network.
pub(super) fn stages(network: &Network) -> Result<Vec<Stage>, NetworkError> {
    let mut lowering = Lowering::new(network);
    if network.input.shape().is_empty() {
        return Err(NetworkError::Zero {
            number: 0,
            name: "input".into(),
            what: "a side of the input",
        });
    }
    for (index, layer) in network.layers.iter().enumerate() {
        lowering.layer(index, layer)?;
    }
    lowering.finish()
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
            LayerKind::MaxPool { size, stride } => {
                self.pool(&place, *size, stride.unwrap_or(*size))
            }
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
        let (width, left) =
            convolved_side(input.width, kernel.columns(), stride.columns(), padding)
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
        let fits =
            |result: Option<(u16, u8)>| result.ok_or_else(|| place.does_not_fit(size, input));
        let (height, _) = fits(side(input.height, size.rows(), stride.rows()))?;
        let (width, _) = fits(side(input.width, size.columns(), stride.columns()))?;
        let output = Shape::new(height, width, input.channels);
        let pool = Pooling {
            size: [size.rows(), size.columns()],
            stride: [stride.rows(), stride.columns()],
        };
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

    fn activation(
        &mut self,
        place: &Place,
        activation: Option<Activation>,
    ) -> Result<(), NetworkError> {
        match activation {
            Some(Activation::Relu) => self.relu(place),
            None => Ok(()),
        }
    }

    /// A ReLU joins the nearest convolution or dense layer in front of it: it commutes with
    /// pooling.
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

/// Output length along one side and the zeros in front of it, or `None` when the window does not
/// fit.
///
/// `valid`: `(input - kernel) / stride + 1`. `same`: `ceil(input / stride)`, total padding `(output
/// - 1) * stride + kernel - input`, its smaller half in front (as Keras and PyTorch-export do).
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
