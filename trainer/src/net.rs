//! The network as a Burn module: its parameters, its optimiser's view of them, and Burn's own
//! forward pass, which is the reference that our kernels are tested against.

use std::collections::BTreeMap;

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

use crate::float_model::{FloatModel, StageWeights};
use crate::graph::Stage;
use crate::ops::{BurnParameters, Operator};
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

    /// Shape of each parameter, by its number.
    pub fn shapes(&self) -> BTreeMap<u64, Vec<usize>> {
        let weights = self.weights.iter().map(|weight| (weight.id.val(), weight.dims().to_vec()));
        let vectors = self.biases.iter().chain(&self.gammas);
        weights.chain(vectors.map(|vector| (vector.id.val(), vector.dims().to_vec()))).collect()
    }

    /// The parameters of each stage, empty for those without weights: weights `[output
    /// channel][tap]` and biases.
    pub fn output_rows(&self, stages: &[Stage]) -> Vec<(Vec<f32>, Vec<f32>)> {
        let mut parameters = self.weights.iter().zip(&self.biases);
        let mut next = |stage: &Stage| match stage.kind.weights() {
            None => (Vec::new(), Vec::new()),
            Some(_) => {
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

    /// Burn's forward pass: images `[image, row, column, channel]` to values before the
    /// softmax, `[image, class]`.
    pub fn forward(&self, stages: &[Stage], images: Tensor<4>) -> Tensor<2> {
        let mut parameters = self.weights.iter().zip(&self.biases);
        let mut next = || {
            let (weight, bias) =
                parameters.next().expect("a parameter for each stage with weights");
            BurnParameters { weight: weight.val(), bias: bias.val() }
        };
        let mut maps = vec![images.permute([0, 3, 1, 2])];
        for stage in stages {
            let inputs: Vec<_> = stage.inputs.iter().map(|input| maps[*input].clone()).collect();
            maps.push(stage.kind.oracle(&inputs, &mut next));
        }
        maps.swap_remove(stages.len()).permute([0, 2, 3, 1]).flatten(1, 3)
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
    // If something else holds the tensor too, ndarray hands out its values one by one, by an
    // iterator over indices: fifty times as slow as copying. A product has memory of its own, and
    // a product by 1 has the same bits.
    let own = tensor.detach().mul_scalar(1.0);
    own.into_data().try_to_vec().expect("tensors of this program hold f32")
}
