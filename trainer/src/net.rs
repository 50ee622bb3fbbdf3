//! The network as a Burn module: its parameters, its optimiser's view of them, and Burn's own
//! forward pass, which is the reference that our kernels are tested against.

use burn::module::{Module, Param, ParamId};
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};

use crate::float_model::{FloatModel, StageWeights};
use crate::network::{ConvStage, DenseStage, PoolStage, Pooling, Stage};
use crate::train::parameters::StageParameters;

/// Parameters of all stages that have any, in the stages' order.
#[derive(Module, Debug)]
pub struct Net {
    /// `[output channel, tap]`, taps in the order kernel row, kernel column, input channel.
    pub weights: Vec<Param<Tensor<2>>>,
    /// `[output channel]`.
    pub biases: Vec<Param<Tensor<1>>>,
    /// `[output channel]` of each batch-normalised stage, whose bias is the normalisation's beta.
    pub gammas: Vec<Param<Tensor<1>>>,
}

impl Net {
    /// The module with the model's parameters.
    pub fn new(model: &FloatModel, device: &Device) -> Self {
        let trained = || model.stages.iter().filter(|stage| !stage.bias.is_empty());
        Self {
            weights: trained()
                .map(|stage| rows(stage.output_rows(), stage.bias.len(), device))
                .collect(),
            biases: trained().map(|stage| vector(&stage.bias, device)).collect(),
            gammas: Vec::new(),
        }
        .numbered()
    }

    /// The module with the parameters of a training run.
    pub fn of_parameters(parameters: &[StageParameters], device: &Device) -> Self {
        let trained = || parameters.iter().filter(|stage| !stage.bias.is_empty());
        let norms = parameters.iter().filter_map(|stage| stage.norm.as_ref());
        Self {
            weights: trained()
                .map(|stage| rows(stage.rows.clone(), stage.bias.len(), device))
                .collect(),
            biases: trained().map(|stage| vector(&stage.bias, device)).collect(),
            gammas: norms.map(|norm| vector(&norm.gamma, device)).collect(),
        }
        .numbered()
    }

    /// Numbers in place of Burn's random identifiers: records of equal modules are equal bytes, and
    /// an optimiser's record finds its parameters in a module that was made anew.
    fn numbered(mut self) -> Self {
        let ids = |kind: u64| (0..).map(move |place: u64| ParamId::from(3 * place + kind));
        self.weights.iter_mut().zip(ids(0)).for_each(|(weight, id)| weight.id = id);
        self.biases.iter_mut().zip(ids(1)).for_each(|(bias, id)| bias.id = id);
        self.gammas.iter_mut().zip(ids(2)).for_each(|(gamma, id)| gamma.id = id);
        self
    }

    /// The module with no gamma below `least`.
    pub fn with_gammas_of_at_least(mut self, least: f64) -> Self {
        // A fresh leaf, so that automatic differentiation keeps no history of the limit.
        let limit =
            |gamma: Tensor<1>| Tensor::from_inner(gamma.inner().clamp_min(least)).require_grad();
        self.gammas = self.gammas.into_iter().map(|gamma| gamma.map(limit)).collect();
        self
    }

    /// The parameters of each stage, empty for poolings: weights `[output channel][tap]` and
    /// biases.
    pub fn output_rows(&self, stages: &[Stage]) -> Vec<(Vec<f32>, Vec<f32>)> {
        let mut parameters = self.weights.iter().zip(&self.biases);
        let mut next = |stage: &Stage| match stage {
            Stage::Pool(_) => (Vec::new(), Vec::new()),
            _ => {
                let (weight, bias) =
                    parameters.next().expect("a parameter for each stage with weights");
                (values(weight.val()), values(bias.val()))
            }
        };
        stages.iter().map(&mut next).collect()
    }

    /// The parameters as stage weights: one entry per stage, empty for poolings.
    pub fn stage_weights(&self, stages: &[Stage]) -> Vec<StageWeights> {
        let rows = self.output_rows(stages).into_iter();
        rows.map(|(weights, bias)| StageWeights::from_output_rows(&weights, bias)).collect()
    }

    /// Reads the module's parameters into `parameters`, one entry per stage.
    pub fn read(&self, stages: &[Stage], parameters: &mut [StageParameters]) {
        let mut gammas = self.gammas.iter();
        for (stage, (rows, bias)) in parameters.iter_mut().zip(self.output_rows(stages)) {
            (stage.rows, stage.bias) = (rows, bias);
            if let Some(norm) = &mut stage.norm {
                norm.gamma =
                    values(gammas.next().expect("a gamma for each normalised stage").val());
            }
        }
    }

    /// Burn's forward pass: images `[image, row, column, channel]` to values in front of the
    /// softmax, `[image, class]`.
    pub fn forward(&self, stages: &[Stage], images: Tensor<4>) -> Tensor<2> {
        let mut parameters = self.weights.iter().zip(&self.biases);
        let mut map = images.permute([0, 3, 1, 2]);
        for stage in stages {
            map = match stage {
                Stage::Pool(pool) => pooled(map, pool),
                Stage::Conv(conv) => {
                    let (weight, bias) = parameters.next().expect("parameters of a convolution");
                    convolved(map, conv, weight.val(), bias.val())
                }
                Stage::Dense(dense) => {
                    let (weight, bias) = parameters.next().expect("parameters of a dense layer");
                    fully_connected(map, dense, weight.val(), bias.val())
                }
            };
        }
        map.permute([0, 2, 3, 1]).flatten(1, 3)
    }
}

fn rows(rows: Vec<f32>, outputs: usize, device: &Device) -> Param<Tensor<2>> {
    let taps = rows.len() / outputs;
    Param::from_tensor(Tensor::from_data(TensorData::new(rows, [outputs, taps]), device))
}

fn vector(values: &[f32], device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device))
}

/// A tensor's values in memory order.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    // Of a tensor that something else holds too, ndarray hands the values out one by one through an
    // iterator over indices, fifty times as slow as copying. A product has memory of its own, and
    // one by 1 has the same bits.
    let own = tensor.detach().mul_scalar(1.0);
    own.into_data().try_to_vec().expect("tensors of this program hold f32")
}

fn convolved(map: Tensor<4>, conv: &ConvStage, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<4> {
    let [rows, columns] = conv.kernel.map(usize::from);
    let (outputs, channels) = (conv.output.channels as usize, conv.input.channels as usize);
    let kernel = weight.reshape([outputs, rows, columns, channels]).permute([0, 3, 1, 2]);
    let padding = [padding(conv, 0), padding(conv, 1)];
    let options = ConvOptions::new_with_padding(conv.stride.map(usize::from), padding, [1, 1], 1);
    let mut out = conv2d(map, kernel, Some(bias), options);
    if conv.relu {
        out = relu(out);
    }
    match conv.pool {
        Some(pool) => largest(out, pool),
        None => out,
    }
}

/// Zeros in front of and behind the input along one axis.
fn padding(conv: &ConvStage, axis: usize) -> (usize, usize) {
    let input = [conv.input.height, conv.input.width][axis] as usize;
    let outputs = [conv.convolved.height, conv.convolved.width][axis] as usize;
    let before = conv.padding[axis] as usize;
    let reach = (outputs - 1) * conv.stride[axis] as usize + conv.kernel[axis] as usize;
    (before, reach.saturating_sub(input + before))
}

fn pooled(map: Tensor<4>, stage: &PoolStage) -> Tensor<4> {
    largest(map, stage.pool)
}

fn largest(map: Tensor<4>, pool: Pooling) -> Tensor<4> {
    let options = MaxPoolOptions::new(pool.size.map(usize::from));
    max_pool2d(map, options.with_stride(pool.stride.map(usize::from)))
}

fn fully_connected(
    map: Tensor<4>,
    dense: &DenseStage,
    weight: Tensor<2>,
    bias: Tensor<1>,
) -> Tensor<4> {
    let flat: Tensor<2> = map.permute([0, 2, 3, 1]).flatten(1, 3);
    let mut out = flat.matmul(weight.transpose()) + bias.unsqueeze();
    if dense.relu {
        out = relu(out);
    }
    let [images, units] = out.dims();
    out.reshape([images, units, 1, 1])
}
