//! Batch normalisation against Burn's automatic differentiation, its folding, and the whole of the
//! recipe on threads and instruction sets.

use burn::module::Param;
use burn::tensor::Device;

use super::*;
use crate::ops::conv::Conv;
use crate::ops::depthwise::Depthwise;
use crate::ops::{BurnParameters, Operator, Rectifier, StageKind};
use crate::recipe::{Augment, Average as AverageRecipe, BatchNorm, Schedule};

/// Networks of which every pooled value is read, so that Burn's whole maps are what we normalise.
const NETWORKS: [(&str, [u16; 3], &str); 8] = [
    (
        "pooled twice",
        [18, 18, 1],
        "conv 20 3 1 valid relu; pool 2 2; conv 17 3 1 valid relu; pool 2 2; dense 9 relu; dense 4",
    ),
    (
        "without pooling, three channels",
        [7, 6, 3],
        "conv 5 3 1 valid relu; conv 18 2 1 same relu; dense 4",
    ),
    (
        "one of two has no ReLU",
        [9, 9, 1],
        "conv 5 3 1 valid relu; pool 2 2; conv 6 2 1 valid; dense 4",
    ),
    ("at the end", [6, 6, 2], "conv 4 3 1 valid relu; pool 4 4"),
    ("at the end, without ReLU: not that", [6, 6, 2], "conv 4 3 1 valid relu; conv 3 4 1 valid"),
    (
        "before other functions",
        [7, 6, 2],
        "conv 5 3 1 same; sigmoid; depthwise 3 1 same 1; hard_swish; dense 3",
    ),
    (
        "a residual block",
        [8, 7, 2],
        "a=conv 4 3 1 same relu; conv 5 3 1 same relu; b=conv 4 3 1 same; add @a,b relu; \
            c=conv 3 3 1 same relu; d=conv 3 1 1 same relu @b; add @c,d; dense 3",
    ),
    (
        "depthwise, past which two maps go",
        [7, 7, 3],
        "a=conv 6 1 1 same relu; b=depthwise 3 1 same 1 relu; c=depthwise 3 1 same 1 relu; \
            s=add @a,c; add @s,b relu; dense 4",
    ),
];

const EPSILON: f64 = 1e-3;

const NORM: BatchNorm = BatchNorm { momentum: 0.8, epsilon: EPSILON, min_gamma: 0.02 };

fn normalised_layout(network: &Network) -> Layout {
    Layout::new(network).unwrap().normalised()
}

/// Parameters with gammas other than 1.
fn parameters(model: &FloatModel) -> Vec<StageParameters> {
    let mut stages = beginning(model, &normalised_layout(&model.network));
    let mut random = Random::new(11, Purpose::Weights);
    for norm in stages.iter_mut().filter_map(|stage| stage.norm.as_mut()) {
        norm.gamma.iter_mut().for_each(|gamma| *gamma = 0.5 + random.unit());
        norm.mean.iter_mut().for_each(|mean| *mean = random.unit() - 0.5);
        norm.variance.iter_mut().for_each(|variance| *variance = 0.1 + random.unit());
    }
    stages
}

fn our_gradients(
    model: &FloatModel,
    data: &Dataset,
    set: InstructionSet,
    threads: usize,
) -> (Tally, Vec<StageGradient>, Vec<batch_norm::BatchScale>) {
    let layout = normalised_layout(&model.network);
    let mut batch = BatchGradients::new(
        set,
        Workers::new(threads),
        &model.network,
        layout,
        data.len(),
        EPSILON,
    );
    let chosen: Vec<usize> = (0..data.len()).collect();
    let chosen = Batch {
        data,
        chosen: &chosen,
        distortion: None,
        loss: Loss::CrossEntropy { smoothing: 0.0 },
        class_weights: &[],
        dropout: Dropout::default(),
    };
    let mut parameters = parameters(model);
    batch.set_parameters(&parameters);
    batch.place(&chosen);
    let tally = batch.compute(&chosen);
    let sums = added_up(&mut batch, &chosen, &mut parameters);
    (tally, sums, batch.scales)
}

/// Mean and variance by which Burn normalises `[image, row, column, channel]`.
type Moments = Option<(Tensor<1>, Tensor<1>)>;

fn normalised(map: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, moments: &Moments) -> Tensor<4> {
    let [images, rows, columns, channels] = map.dims();
    let flat = map.reshape([images * rows * columns, channels]);
    let (mean, variance) = match moments {
        Some((mean, variance)) => (mean.clone().unsqueeze(), variance.clone().unsqueeze()),
        None => {
            let mean: Tensor<2> = flat.clone().mean_dim(0);
            let from_mean = flat.clone() - mean.clone();
            (mean, (from_mean.clone() * from_mean).mean_dim(0))
        }
    };
    let normal = (flat - mean) / (variance + EPSILON).sqrt();
    let out = normal * gamma.unsqueeze() + beta.unsqueeze();
    out.reshape([images, rows, columns, channels])
}

fn rectified(map: Tensor<4>, rectifier: Rectifier) -> Tensor<4> {
    match rectifier.is_some() {
        true => burn::tensor::activation::relu(map).clamp_max(rectifier.most()),
        false => map,
    }
}

/// One stage by itself in Burn: maps `[image, row, column, channel]` to such a map. `parameters`
/// are the weights and the bias, of a stage that has some.
fn one_stage(
    kind: &StageKind,
    maps: &[Tensor<4>],
    parameters: Option<BurnParameters>,
) -> Tensor<4> {
    let maps: Vec<_> = maps.iter().map(|map| map.clone().permute([0, 3, 1, 2])).collect();
    let mut parameters = || parameters.clone().expect("a stage with weights");
    kind.oracle(&maps, &mut parameters).permute([0, 2, 3, 1])
}

fn without_relu(kind: &StageKind) -> StageKind {
    match kind.clone() {
        StageKind::Conv(conv) => StageKind::Conv(Conv { rectifier: Rectifier::None, ..conv }),
        StageKind::Depthwise(depthwise) => {
            StageKind::Depthwise(Depthwise { rectifier: Rectifier::None, ..depthwise })
        }
        other => panic!("{other:?} is not normalised"),
    }
}

/// Burn's forward pass with normalisation, by the batch's own statistics or by the running ones.
fn burn_forward(
    net: &Net,
    model: &FloatModel,
    data: &Dataset,
    running: bool,
    device: &Device,
) -> Tensor<2> {
    let stages = model.network.stages().unwrap();
    let parameters = parameters(model);
    let mut maps = vec![images_tensor(model, data, device)];
    let (mut weights, mut biases) = (net.weights.iter(), net.biases.iter());
    let mut gammas = net.gammas.iter();
    for (index, stage) in stages.iter().enumerate() {
        let inputs: Vec<_> = stage.inputs.iter().map(|input| maps[*input].clone()).collect();
        let own = stage.kind.weights().map(|_| BurnParameters {
            weight: weights.next().unwrap().val(),
            bias: biases.next().unwrap().val(),
        });
        let map = match (&own, &parameters[index].norm) {
            (Some(own), Some(norm)) => {
                let BurnParameters { weight, bias } = own.clone();
                let without_bias = BurnParameters { weight, bias: bias.zeros_like() };
                let map = one_stage(&without_relu(&stage.kind), &inputs, Some(without_bias));
                let vector = |values: &[f32]| Tensor::<1>::from_floats(values, device);
                let moments = running.then(|| (vector(&norm.mean), vector(&norm.variance)));
                let out = normalised(map, gammas.next().unwrap().val(), bias, &moments);
                rectified(out, stage.kind.rectifier())
            }
            _ => one_stage(&stage.kind, &inputs, own),
        };
        maps.push(map);
    }
    maps.swap_remove(stages.len()).flatten(1, 3)
}

fn burn_net(model: &FloatModel, device: &Device) -> Net {
    let gammas = parameters(model).into_iter().filter_map(|stage| Some(stage.norm?.gamma));
    let param = |gamma: Vec<f32>| Param::from_tensor(Tensor::from_floats(gamma.as_slice(), device));
    Net { gammas: gammas.map(param).collect(), ..Net::new(model, device) }
}

#[test]
fn gradients_are_those_of_automatic_differentiation() {
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 37));
        let (tally, ours, _) = our_gradients(&model, &data, InstructionSet::detect(), 2);
        let device = backend::device().autodiff();
        let net = burn_net(&model, &device);
        let logits = burn_forward(&net, &model, &data, false, &device);
        let labels: Vec<i64> = data.labels.iter().map(|label| *label as i64).collect();
        let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [data.len()]), &device);
        let picked =
            burn::tensor::activation::log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1));
        let loss = picked.mean().neg();
        let gradients = loss.backward();
        let loss = values(loss)[0];
        assert!(
            (tally.loss as f32 / 37.0 - loss).abs() < 1e-5,
            "{name}: {} {loss}",
            tally.loss / 37.0
        );
        let mut gammas = net.gammas.iter();
        for (stage, ours) in ours.iter().enumerate() {
            let rows = values(net.weights[stage].val().grad(&gradients).unwrap());
            let bias = values(net.biases[stage].val().grad(&gradients).unwrap());
            assert_near(&format!("{name}, weights {stage}"), &ours.rows, &rows);
            assert_near(&format!("{name}, bias {stage}"), &ours.bias, &bias);
            if let Some(gamma) = &ours.gamma {
                let theirs = values(gammas.next().unwrap().val().grad(&gradients).unwrap());
                assert_near(&format!("{name}, gamma {stage}"), gamma, &theirs);
            }
        }
        assert!(gammas.next().is_none(), "{name}");
    }
}

/// As `assert_close`, with room for the cancellation in the normalisation's gradient: Burn adds up
/// its means in single precision.
fn assert_near(name: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    let largest = theirs.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let difference = (ours - theirs).abs();
        assert!(
            difference <= 5e-5 * largest,
            "{name}[{index}]: {ours} and {theirs}, largest {largest}"
        );
    }
}

#[test]
fn the_folded_model_is_the_unfolded_one_with_running_statistics() {
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 5));
        let stages = parameters(&model).iter().map(|stage| stage.folded(EPSILON as f32)).collect();
        let folded = FloatModel { network: network.clone(), stages };
        let chosen: Vec<usize> = (0..5).collect();
        let ours = folded.forward(&network_inputs(&network.input, &data, &chosen), &mut |_, _| ());
        let device = backend::device();
        let theirs = burn_forward(&burn_net(&model, &device), &model, &data, true, &device);
        assert_near(name, &ours, &values(theirs));
    }
}

#[test]
fn neither_threads_nor_instruction_sets_change_a_bit() {
    let fused = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::PLAIN);
    let sets: Vec<_> = fused.collect();
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 100));
        let one = our_gradients(&model, &data, sets[0], 1);
        for set in &sets {
            for threads in [1, 2, 5] {
                assert!(
                    our_gradients(&model, &data, *set, threads) == one,
                    "{name}: {set:?}, {threads} threads"
                );
            }
        }
    }
}

/// Everything at once.
fn full_recipe() -> Recipe {
    Recipe {
        optimizer: recipe::Optimizer::Sgd { learning_rate: 0.05, momentum: 0.9, nesterov: true },
        schedule: Schedule::Cosine { warmup: 0.2 },
        weight_decay: 5e-4,
        batch_norm: Some(NORM),
        augment: Some(Augment {
            rotation_degrees: 8.0,
            log_scale: 0.07,
            shear: 0.1,
            shift_pixels: 1.0,
            elastic_pixels: 0.5,
            elastic_grid: 4,
            calm_part: 0.3,
            calm_strength: 0.4,
            ..Augment::default()
        }),
        average: Some(AverageRecipe { decay: 0.9 }),
        ..recipe(0.1)
    }
}

#[test]
fn the_full_recipe_learns_and_does_not_depend_on_threads() {
    let network = network([10, 10, 1], "conv 8 3 1 valid relu; pool 2 2; dense 2");
    let mut data = data(&network, 410);
    // Class 1 is bright on the left, class 0 on the right.
    for (image, label) in data.pixels.chunks_exact_mut(100).zip(&data.labels) {
        for (place, pixel) in image.iter_mut().enumerate() {
            *pixel = *pixel / 2 + if (place % 10 < 5) == (*label == 1) { 100 } else { 0 };
        }
    }
    let run = |threads| {
        let options = TrainOptions { threads, ..ONE_THREAD };
        train(
            &network,
            &full_recipe(),
            &data,
            &options,
            &mut Quiet { stop_after: NEVER, batches: 0 },
        )
        .unwrap()
    };
    let (one, three) = (run(1), run(3));
    assert_eq!(one.model, three.model);
    assert!(one.epochs[2].loss < 0.5 * one.epochs[0].loss, "{:?}", one.epochs);
    assert_eq!(one.epochs[2].held_out_accuracy, Some(1.0));
}

#[test]
fn gamma_is_kept_above_its_limit_and_running_statistics_follow() {
    let network = network([6, 6, 1], "conv 4 3 1 valid relu; pool 2 2; dense 2");
    let data = data(&network, 40);
    // A limit above where gammas begin: every one must come up to it.
    let limit = BatchNorm { min_gamma: 1.5, ..NORM };
    let recipe = Recipe { batch_norm: Some(limit), average: None, held_out: 0, ..full_recipe() };
    let mut run = Run::new(&network, &recipe, &data, &ONE_THREAD).unwrap();
    let chosen: Vec<usize> = (0..16).collect();
    run.step(&chosen, None);
    let norm = run.parameters[0].norm.as_ref().unwrap();
    assert_eq!(norm.gamma, [1.5; 4]);
    let scale = &run.gradients.scales[0];
    let unbias = 64.0 / 63.0;
    for channel in 0..4 {
        assert!((norm.mean[channel] - 0.2 * scale.mean[channel]).abs() < 1e-6);
        let variance = 0.8 + 0.2 * scale.variance[channel] * unbias;
        assert!((norm.variance[channel] - variance).abs() < 1e-6);
    }
}
