//! Training that minds quantisation.

use infer::packing::WeightBits;

use super::*;
use crate::calibrate::calibrate;
use crate::evaluate::int8_outputs;
use crate::export::export;
use crate::forward::{Grid, Layout, Maps, weights_on_grid};
use crate::inputs::network_inputs;
use crate::kernels::{InstructionSet, Weights};
use crate::quantize::quantize;
use crate::recipe::BatchNorm;

/// All of the image is read.
fn small() -> Network {
    network([8, 8, 1], "conv 5 3 1 valid relu; pool 2 2; dense 6 relu; dense 3")
}

/// Images whose class is their brightest third.
fn thirds() -> Dataset {
    let mut data = data(&small(), 200);
    for (index, image) in data.pixels.chunks_exact_mut(64).enumerate() {
        let class = index % 3;
        image[class * 20..][..20].iter_mut().for_each(|pixel| *pixel |= 0x80);
        data.labels[index] = class as u8;
    }
    Dataset { classes: 3, ..data }
}

fn recipe_of(quantised_epochs: usize) -> Recipe {
    let batch_norm = Some(BatchNorm { momentum: 0.9, epsilon: 1e-5, min_gamma: 0.02 });
    Recipe { epochs: 6, quantised_epochs, batch_norm, ..recipe(0.01) }
}

fn trained(quantised_epochs: usize, threads: usize) -> FloatModel {
    let options = TrainOptions { threads, ..ONE_THREAD };
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    let recipe = recipe_of(quantised_epochs);
    train(&small(), &recipe, &thirds(), &options, &mut observer).unwrap().model
}

#[test]
fn the_model_does_not_depend_on_threads_and_is_another_one() {
    let model = trained(2, 1);
    assert_eq!(model, trained(2, 2));
    assert_ne!(model, trained(0, 1));
}

/// What the forward pass of training leaves with int8 in mind.
fn in_training(model: &FloatModel, inputs: &[f32], data: &Dataset) -> Vec<f32> {
    let quant = quantize(model, &calibrate(model, data)).unwrap();
    let mut layout = Layout::new(&model.network).unwrap();
    layout.grids = quant.stages.iter().map(|stage| Grid::from(stage.output)).collect();
    let pack = |(stage, bits): (&crate::float_model::StageWeights, &WeightBits)| {
        let rows = weights_on_grid(&stage.output_rows(), stage.bias.len(), *bits);
        Weights::new(&rows, stage.bias.clone())
    };
    let weights: Vec<Weights> = model.stages.iter().zip(&layout.bits).map(pack).collect();
    let mut maps = Maps::new(InstructionSet::detect(), &layout, data.len());
    maps.inputs(&layout, data.len()).copy_from_slice(inputs);
    maps.forward(&layout, &weights, 0..layout.stages.len());
    maps.output(&layout, layout.stages.len() - 1).to_vec()
}

/// The values that training sees are nearly always those of the chip; those of the float model are
/// several times as far off.
#[test]
fn the_forward_pass_foretells_the_integers() {
    let (model, data) = (trained(2, 1), thirds());
    let all: Vec<usize> = (0..data.len()).collect();
    let inputs = network_inputs(&model.network.input, &data, &all);
    let exported = export(&model, &data).unwrap();
    let int8 = int8_outputs(&exported.bytes, &data, 1).unwrap().reals();
    let step = exported.quant.stages.last().unwrap().output.scale;
    let distance = |values: &[f32]| {
        let differences = values.iter().zip(&int8).map(|(value, int8)| (value - int8).abs());
        differences.sum::<f32>() / int8.len() as f32 / step
    };
    let float = distance(&model.forward(&inputs, &mut |_, _| ()));
    let minded = distance(&in_training(&model, &inputs, &data));
    assert!(minded < 0.1 && minded * 3.0 < float, "{minded} and {float} steps");
}

/// The same with int4 weights of the first dense layer: training that minds them foretells the
/// integers as well, and what is exported is what was minded.
#[test]
fn int4_weights_are_minded_where_the_network_says_so() {
    let data = thirds();
    let mut network = small();
    let crate::network::LayerKind::Dense(dense) = &mut network.layers[2].kind else {
        panic!("a dense layer")
    };
    dense.weights = WeightBits::Four;
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    let minded = train(&network, &recipe_of(2), &data, &ONE_THREAD, &mut observer).unwrap().model;
    assert_ne!(minded.stages, trained(2, 1).stages);
    let all: Vec<usize> = (0..data.len()).collect();
    let inputs = network_inputs(&network.input, &data, &all);
    let exported = export(&minded, &data).unwrap();
    assert_eq!(exported.int4.len(), 1);
    let int8 = int8_outputs(&exported.bytes, &data, 1).unwrap().reals();
    let step = exported.quant.stages.last().unwrap().output.scale;
    let distance = |values: &[f32]| {
        let differences = values.iter().zip(&int8).map(|(value, int8)| (value - int8).abs());
        differences.sum::<f32>() / int8.len() as f32 / step
    };
    let float = distance(&minded.forward(&inputs, &mut |_, _| ()));
    let foretold = distance(&in_training(&minded, &inputs, &data));
    assert!(foretold < 0.1 && foretold * 3.0 < float, "{foretold} and {float} steps");
}
