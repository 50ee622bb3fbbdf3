//! Our gradients against Burn's automatic differentiation, our forward pass against Burn's, and the
//! promise that neither threads nor instruction sets change a bit.

use burn::tensor::{Int, Tensor, TensorData};

use super::batch::BatchGradients;
use super::loss::{Loss, Tally};
use super::optimizer::Optimizer;
use super::parameters::{StageGradient, StageParameters};
use super::portion::Portion;
use super::random::{Purpose, Random};
use super::run::beginning;
use super::shards::{Batch, Dropout};
use super::workers::Workers;
use super::*;
use crate::backend;
use crate::forward::Layout;
use crate::graph::Stage;
use crate::inputs::network_inputs;
use crate::kernels::{InstructionSet, Weights};
use crate::net::{Net, values};
use crate::recipe::{self, Error, Task};
use infer::Shape;

/// Networks of all kinds: name, input, and layers as `name=type numbers @from relu`; name and
/// from may be left out, or with `key:value` in place of the numbers.
const NETWORKS: [(&str, [u16; 3], &str); 25] = [
    (
        "the tutorial's kinds",
        [20, 20, 1],
        "conv 20 3 1 valid relu; pool 2 2; conv 17 3 1 valid relu; pool 2 2; dense 9 relu; dense 4",
    ),
    ("1x1 kernel", [6, 5, 3], "conv 5 1 1 valid relu; dense 3"),
    ("5x5 kernel, three channels", [11, 9, 3], "conv 18 5 1 valid relu; pool 2 2; dense 3"),
    ("stride 2", [9, 12, 2], "conv 7 3 2 valid relu; conv 6 2 2 valid; dense 5 relu; dense 3"),
    ("same padding", [7, 7, 1], "conv 6 3 1 same relu; pool 2 2; conv 5 3 1 same relu; dense 3"),
    (
        "same padding, stride 2, even kernel",
        [8, 7, 2],
        "conv 6 4 2 same; conv 5 3 2 same relu; dense 3",
    ),
    (
        "channels in sixteens, large kernels",
        [13, 12, 1],
        "conv 16 3 1 valid relu; conv 32 5 1 same relu; pool 2 2; conv 7 4 1 valid relu; dense 3",
    ),
    (
        "channels in sixteens, strides",
        [12, 13, 2],
        "conv 32 3 1 same relu; conv 16 2 2 valid relu; conv 5 3 2 same; conv 16 1 1 valid; dense \
            3",
    ),
    ("no pooling", [6, 6, 1], "conv 33 3 1 valid relu; conv 16 3 1 valid relu; dense 3"),
    ("no convolution", [5, 4, 2], "dense 21 relu; dense 4"),
    (
        "pooling alone and overlapping",
        [13, 12, 2],
        "pool 2 2; conv 6 3 1 valid relu; pool 3 1; dense 3",
    ),
    (
        "pooling of 3 and a convolution at the end",
        [14, 14, 1],
        "conv 8 3 1 valid relu; pool 3 3; conv 3 4 1 valid",
    ),
    (
        "depthwise, several outputs for each channel",
        [14, 13, 5],
        "depthwise 3 1 same 2 relu; depthwise [5,4] 2 valid 1; depthwise 2 2 same 3 relu; dense 3",
    ),
    (
        "a residual block",
        [9, 8, 3],
        "a=conv 6 3 1 same relu; conv 6 3 1 same relu; b=conv 6 3 1 same; add @a,b relu; dense 3",
    ),
    (
        "an inverted bottleneck, past which the input goes",
        [8, 9, 4],
        "conv 12 1 1 valid relu; depthwise 3 1 same 1 relu; p=conv 4 1 1 valid; add @p,input; \
            dense 3",
    ),
    (
        "branches of different depth, a map that three layers read",
        [9, 8, 3],
        "a=conv 5 3 2 same relu @input; b=depthwise 3 1 same 1 relu @input; c=conv 5 1 2 same @b; \
            s=add @c,a; t=conv 5 3 1 valid relu @s; u=pool 3 1 @s; v=add @t,u; \
            w=conv 5 3 1 valid @a; add @v,w relu; dense 4",
    ),
    (
        "averages over windows and over a map",
        [13, 12, 3],
        "conv 5 3 1 same; average_pool size:[3,2] stride:2 padding:'same'; conv 4 2 1 valid relu; \
            average_pool size:2 stride:1; average_pool; dense 3",
    ),
    (
        "functions as layers, of parts of maps and of products",
        [11, 10, 2],
        "a=conv 6 3 1 valid @input; s=sigmoid @a; b=pool 2 2 @s; c=conv 6 3 1 valid @s; \
            t=tanh @c; d=conv 6 4 1 valid @t; h=hard_swish @d; e=conv filters:6 kernel:[1,2] @b; \
            l=leaky_relu slope:0.2 @e; mul @h,l; dense 5; relu6; dense 3",
    ),
    (
        "ReLU6 of every operator that takes it in",
        [9, 8, 3],
        "a=conv filters:7 kernel:3 padding:'same' activation:'relu6'; \
            b=depthwise kernel:3 padding:'same' activation:'relu6'; \
            c=mul activation:'relu6' @a,b; d=add activation:'relu6' @c,a; \
            dense units:9 activation:'relu6'; dense units:3 activation:'tanh'",
    ),
    (
        "maps side by side: three branches, of one a ReLU after it, borders",
        [9, 8, 3],
        "a=conv 3 1 1 valid; b=conv 5 3 1 same @a; c=pool 3 1 @a; p=pad padding:[2,0,1,1] @c; \
            concat @a,b,p; relu; k=conv 4 3 2 valid; l=depthwise 1 1 valid 1 @k; concat @k,l; \
            dense 3",
    ),
    (
        "taps that lie apart",
        [13, 11, 3],
        "conv filters:5 kernel:3 dilation:[2,1] padding:'same' activation:'relu'; \
            conv filters:4 kernel:[1,3] dilation:3 padding:'same'; pool 2 2; \
            conv filters:4 kernel:[2,1] stride:2 dilation:[3,7]; dense 3",
    ),
    (
        "series: causal, apart, by steps, poolings",
        [40, 1, 3],
        "a=conv_1d filters:16 kernel:3 padding:'causal' activation:'relu'; \
            b=conv_1d filters:16 kernel:3 dilation:4 padding:'causal'; add @b,a relu; \
            depthwise_1d kernel:5 stride:2 padding:[1,2]; max_pool_1d size:2; \
            average_pool_1d size:3 stride:1 padding:'same'; average_pool_1d; dense 3",
    ),
    (
        "factors for channels, causal and explicit padding",
        [10, 7, 4],
        "a=conv filters:8 kernel:[3,2] padding:'causal' activation:'relu'; \
            average_pool; conv 8 1 1 valid; s=sigmoid; \
            b=mul @a,s; depthwise kernel:3 stride:[2,1] padding:[2,1,0,3]; \
            average_pool size:3 stride:2 padding:[1,2,0,1]; dense 3",
    ),
    (
        "kernels of 10x4 and 5x1, strides of 3; 1, 3, 5, 40 and 130 channels",
        [31, 13, 1],
        "conv filters:3 kernel:[10,4] stride:2 padding:'same' activation:'relu'; \
            a=conv filters:40 kernel:[5,1] stride:[1,3] padding:[2,1,0,0]; \
            b=depthwise kernel:[1,4] padding:'same' activation:'relu' @a; add @a,b; \
            conv filters:130 kernel:1 activation:'relu6'; \
            depthwise kernel:[5,1] stride:3 padding:'same'; \
            conv filters:5 kernel:[2,1] dilation:[2,1] padding:'causal'; pool [2,1] 1; dense 3",
    ),
    (
        "readers of different parts of a map",
        [12, 11, 2],
        "a=conv 4 3 1 valid relu; b=pool 2 2 @a; c=conv 4 2 2 valid @a; add @b,c relu; dense 3",
    ),
];

/// Largest difference allowed between our gradients and Burn's, relative to the largest gradient of
/// the tensor.
///
/// Both add the same few thousand products of f32 in different orders; each order's error is at
/// most about `sqrt(terms) * 2^-24` of the sum of the products' sizes: 1e-5 leaves a factor of
/// three.
const TOLERANCE: f32 = 1e-5;

fn network(input: [u16; 3], layers: &str) -> Network {
    let mut text =
        format!("[input]\nheight = {}\nwidth = {}\nchannels = {}\n", input[0], input[1], input[2]);
    for layer in layers.split(';') {
        let (name, layer) = layer.trim().split_once('=').unwrap_or(("", layer));
        let (layer, from) = layer.split_once('@').unwrap_or((layer, ""));
        let (from, after) = from.split_once(' ').unwrap_or((from, ""));
        let words: Vec<&str> = layer.split_whitespace().chain(after.split_whitespace()).collect();
        let relu = if words.len() > 1 && words.last() == Some(&"relu") {
            "activation = \"relu\"\n"
        } else {
            ""
        };
        let from: Vec<&str> = from.split(',').filter(|name| !name.is_empty()).collect();
        text += &format!("[[layer]]\nname = {name:?}\nfrom = {from:?}\n");
        let has_keys = words.iter().any(|word| word.contains(':'));
        text += &match words[0] {
            other if has_keys => keyed(other, &words[1..], relu),
            "add" => format!("type = \"add\"\n{relu}"),
            "depthwise" => format!(
                "type = \"depthwise\"\nkernel = {}\nstride = {}\npadding = \"{}\"\n\
                 multiplier = {}\n{relu}",
                words[1], words[2], words[3], words[4]
            ),
            "conv" => format!(
                "type = \"conv\"\nfilters = {}\nkernel = {}\nstride = {}\npadding = \"{}\"\n{relu}",
                words[1], words[2], words[3], words[4]
            ),
            "pool" => format!("type = \"max_pool\"\nsize = {}\nstride = {}\n", words[1], words[2]),
            "dense" => format!("type = \"dense\"\nunits = {}\n{relu}", words[1]),
            other => keyed(other, &[], relu),
        };
    }
    toml::from_str(&text).expect("a network")
}

/// A layer with `key:value` for each of its keys.
fn keyed(kind: &str, words: &[&str], relu: &str) -> String {
    let keys = words.iter().filter_map(|word| word.split_once(':'));
    let keys: String = keys.map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("type = \"{kind}\"\n{keys}{relu}")
}

/// Random images and labels.
fn data(network: &Network, images: usize) -> Dataset {
    let mut random = Random::new(7, Purpose::Order { epoch: 3 });
    let shape = network.input.shape();
    let classes = network.classes().unwrap();
    Dataset {
        shape,
        pixels: (0..images * shape.len()).map(|_| random.below(256) as u8).collect(),
        labels: (0..images).map(|_| random.below(classes) as u8).collect(),
        classes,
        targets: vec![],
    }
}

/// Fresh parameters with biases other than zero, so that their part is tested too.
fn model(network: &Network) -> FloatModel {
    let mut model = initial(network, 5).unwrap();
    let mut random = Random::new(9, Purpose::Weights);
    for stage in &mut model.stages {
        stage.bias.iter_mut().for_each(|bias| *bias = random.unit() * 0.2 - 0.1);
    }
    model
}

fn our_gradients(
    model: &FloatModel,
    data: &Dataset,
    set: InstructionSet,
    threads: usize,
) -> (Tally, Vec<StageGradient>) {
    let layout = Layout::new(&model.network).unwrap();
    let mut batch = BatchGradients::new(
        set,
        Workers::new(threads),
        &model.network,
        layout.clone(),
        data.len(),
        0.0,
    );
    let mut parameters = beginning(model, &layout);
    let chosen: Vec<usize> = (0..data.len()).collect();
    let chosen = Batch {
        data,
        chosen: &chosen,
        distortion: None,
        loss: Loss::CrossEntropy { smoothing: 0.0 },
        class_weights: &[],
        dropout: Dropout::default(),
    };
    batch.set_parameters(&parameters);
    batch.place(&chosen);
    let tally = batch.compute(&chosen);
    (tally, added_up(&mut batch, &chosen, &mut parameters))
}

/// Gradients of the stages that have parameters, of a batch that was computed.
fn added_up(
    batch: &mut BatchGradients,
    done: &Batch<'_>,
    parameters: &mut [StageParameters],
) -> Vec<StageGradient> {
    let (mut sums, none) = (Vec::new(), Batch { chosen: &[], ..*done });
    batch.finish(done.chosen.len(), &none, parameters, |found, _, _| sums = found.to_vec());
    sums.retain(|sum| !sum.bias.is_empty());
    sums
}

/// Loss and gradients by Burn: its forward pass, its softmax, its automatic differentiation.
fn burn_gradients(model: &FloatModel, data: &Dataset) -> (f32, Vec<StageGradient>) {
    let device = backend::device().autodiff();
    let stages = model.network.stages().unwrap();
    let net = Net::new(model, &device);
    let logits = net.forward(&stages, images_tensor(model, data, &device));
    let labels: Vec<i64> = data.labels.iter().map(|label| *label as i64).collect();
    let labels = Tensor::<1, Int>::from_data(TensorData::new(labels, [data.len()]), &device);
    let picked =
        burn::tensor::activation::log_softmax(logits, 1).gather(1, labels.unsqueeze_dim(1));
    let loss = picked.mean().neg();
    let gradients = loss.backward();
    let sums = net.weights.iter().zip(&net.biases).map(|(weight, bias)| StageGradient {
        rows: values(weight.val().grad(&gradients).expect("a gradient")),
        bias: values(bias.val().grad(&gradients).expect("a gradient")),
        gamma: None,
    });
    (values(loss)[0], sums.collect())
}

fn images_tensor(model: &FloatModel, data: &Dataset, device: &burn::tensor::Device) -> Tensor<4> {
    let chosen: Vec<usize> = (0..data.len()).collect();
    let inputs = network_inputs(&model.network.input, data, &chosen);
    let Shape { height, width, channels } = data.shape;
    let sides = [data.len(), height as usize, width as usize, channels as usize];
    Tensor::from_data(TensorData::new(inputs, sides), device)
}

fn assert_close(name: &str, ours: &[f32], theirs: &[f32]) {
    assert_eq!(ours.len(), theirs.len(), "{name}");
    let largest = theirs.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        let difference = (ours - theirs).abs();
        assert!(
            difference <= TOLERANCE * largest,
            "{name}[{index}]: {ours} and {theirs}, largest {largest}"
        );
    }
}

#[test]
fn gradients_are_those_of_automatic_differentiation() {
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 21));
        let (tally, ours) = our_gradients(&model, &data, InstructionSet::detect(), 2);
        let (loss, theirs) = burn_gradients(&model, &data);
        assert!(
            (tally.loss as f32 / 21.0 - loss).abs() < 1e-5,
            "{name}: {} and {loss}",
            tally.loss / 21.0
        );
        assert_eq!(ours.len(), theirs.len(), "{name}");
        for (stage, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(&format!("{name}, weights {stage}"), &ours.rows, &theirs.rows);
            assert_close(&format!("{name}, bias {stage}"), &ours.bias, &theirs.bias);
        }
    }
}

// No ReLU and no pooling: where a maximum changes hands, a difference quotient is no slope.

#[test]
fn gradients_are_slopes_of_the_loss() {
    let layers = "conv 6 3 2 same; conv 5 3 1 valid; dense 7; dense 4";
    assert_gradients_are_slopes(&network([9, 8, 2], layers));
}

/// What is left out is the same for the same image and epoch.
#[test]
fn gradients_with_dropout_are_slopes_of_the_loss() {
    let layers = "conv 6 3 2 same; dropout rate:0.25; conv 5 3 1 valid; tanh; dropout rate:0.5; \
                  dense 7; dropout rate:0.1; dense 4";
    assert_gradients_are_slopes(&network([9, 8, 2], layers));
}

/// A trained network leaves nothing out; one that is trained leaves out the share that it says, and
/// divides the others so that their mean stays.
#[test]
fn dropout_is_for_training_alone() {
    let layers = |dropout: &str| format!("conv 16 3 1 valid relu; {dropout}dense 3");
    let [with, without] =
        ["dropout rate:0.4; ", ""].map(|dropout| network([30, 30, 1], &layers(dropout)));
    let images = data(&with, 4);
    let forward = |network: &Network| {
        let chosen = network_inputs(&network.input, &images, &[0, 1, 2, 3]);
        model(network).forward(&chosen, &mut |_, _| ())
    };
    assert_eq!(forward(&with), forward(&without));
    let layout = Layout::new(&with).unwrap();
    let weights = vec![Weights::new(&[1.0; 144], vec![1.0; 16]), Weights::new(&[], vec![])];
    let mut shard = Portion::new(InstructionSet::detect(), &layout, 1);
    let mut map = |epoch| {
        shard.begin(&[7], Dropout { seed: 3, epoch });
        shard.inputs(&layout, 1).fill(1.0);
        shard.forward(&layout, &weights, 0..1);
        shard.output(&layout, 0).to_vec()
    };
    let first = map(1);
    assert_eq!(first, map(1));
    assert_ne!(first, map(2));
    let kept = first.iter().filter(|value| **value != 0.0).count() as f64 / first.len() as f64;
    assert!((kept - 0.6).abs() < 0.02, "{kept}");
    assert!(first.iter().all(|value| *value == 0.0 || (*value - 10.0 / 0.6).abs() < 1e-5));
}

fn assert_gradients_are_slopes(network: &Network) {
    let (model, data) = (model(network), data(network, 16));
    let set = InstructionSet::detect();
    let gradient = our_gradients(&model, &data, set, 1).1;
    let loss = |model: &FloatModel| our_gradients(model, &data, set, 1).0.loss / 16.0;
    let step = 0.01;
    let is_trained = |stage: &usize| !model.stages[*stage].bias.is_empty();
    let trained = (0..model.stages.len()).filter(is_trained);
    for (stage, gradient) in trained.zip(&gradient) {
        let outputs = model.stages[stage].bias.len();
        let taps = model.stages[stage].weights.len() / outputs;
        for (output, tap) in [(0, 0), (outputs - 1, taps - 1), (outputs / 2, taps / 3)] {
            let moved = |by: f32| {
                let mut model = model.clone();
                model.stages[stage].weights[tap * outputs + output] += by;
                loss(&model)
            };
            let slope = (moved(step) - moved(-step)) / (2.0 * step as f64);
            let ours = gradient.rows[output * taps + tap] as f64;
            assert!(
                (slope - ours).abs() < 0.01 * ours.abs() + 5e-5,
                "stage {stage}: {slope} {ours}"
            );
        }
    }
}

#[test]
fn forward_is_that_of_burn() {
    for (name, input, layers) in NETWORKS {
        assert_forward_is_that_of_burn(name, &network(input, layers), 5);
    }
}

/// Padding makes the tallest map there can be taller than 16 bits count; a window of 183x182 has
/// more positions than 15 bits count.
#[test]
fn maps_and_windows_of_the_largest_sides_are_computed() {
    let tall = network([65_535, 1, 1], "conv 2 3 1 same relu; pool [255,1] [255,1]; dense 3");
    assert_forward_is_that_of_burn("a tall map", &tall, 2);
    let wide = network([185, 184, 1], "conv 2 3 1 valid relu; pool [183,182] [183,182]; dense 3");
    assert_forward_is_that_of_burn("a wide window", &wide, 2);
    let data = data(&wide, 4);
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    let recipe = Recipe { batch: 4, held_out: 0, ..recipe(0.1) };
    train(&wide, &recipe, &data, &ONE_THREAD, &mut observer).unwrap();
}

fn assert_forward_is_that_of_burn(name: &str, network: &Network, images: usize) {
    let (model, data) = (model(network), data(network, images));
    let chosen: Vec<usize> = (0..images).collect();
    let ours = model.forward(&network_inputs(&network.input, &data, &chosen), &mut |_, _| ());
    let device = backend::device();
    let net = Net::new(&model, &device);
    let stages = network.stages().unwrap();
    let theirs = values(net.forward(&stages, images_tensor(&model, &data, &device)));
    assert_close(name, &ours, &theirs);
}

#[test]
fn instruction_sets_with_fused_multiply_add_give_the_same_bits() {
    let fused = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::PLAIN);
    let sets: Vec<_> = fused.collect();
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 19));
        let results: Vec<_> =
            sets.iter().map(|set| our_gradients(&model, &data, *set, 1)).collect();
        assert!(results.windows(2).all(|pair| pair[0] == pair[1]), "{name}: {sets:?} differ");
    }
}

#[test]
fn the_plain_fallback_agrees_to_rounding() {
    for (name, input, layers) in NETWORKS {
        let network = network(input, layers);
        let (model, data) = (model(&network), data(&network, 19));
        let (_, best) = our_gradients(&model, &data, InstructionSet::detect(), 1);
        let (_, plain) = our_gradients(&model, &data, InstructionSet::PLAIN, 1);
        for (best, plain) in best.iter().zip(&plain) {
            assert_close(name, &plain.rows, &best.rows);
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let network = network(NETWORKS[0].1, NETWORKS[0].2);
    let (model, data) = (model(&network), data(&network, 100));
    let one = our_gradients(&model, &data, InstructionSet::detect(), 1);
    for threads in [2, 3, 16] {
        assert_eq!(
            our_gradients(&model, &data, InstructionSet::detect(), threads),
            one,
            "{threads} threads"
        );
    }
}

struct Quiet {
    stop_after: usize,
    batches: usize,
}

impl Observer for Quiet {
    fn batch(&mut self, _: &BatchReport) {
        self.batches += 1;
    }

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        self.batches >= self.stop_after
    }
}

const NEVER: usize = usize::MAX;

fn recipe(learning_rate: f64) -> Recipe {
    Recipe {
        task: Task::Classify,
        label_smoothing: 0.0,
        error: Error::Squared,
        threshold_quantile: 0.99,
        epochs: 3,
        quantised_epochs: 0,
        batch: 16,
        optimizer: rmsprop(learning_rate),
        schedule: Default::default(),
        held_out: 10,
        class_weights: Default::default(),
        weight_decay: 0.0,
        batch_norm: None,
        augment: None,
        augment_series: None,
        early_stopping: None,
        average: None,
    }
}

fn rmsprop(learning_rate: f64) -> recipe::Optimizer {
    recipe::Optimizer::Rmsprop { learning_rate, rho: 0.9, epsilon: 1e-7, epsilon_in_root: false }
}

const ONE_THREAD: TrainOptions = TrainOptions { seed: 1, threads: 1 };

#[test]
fn training_lowers_the_loss_and_does_not_depend_on_threads() {
    let network = network([8, 8, 1], "conv 8 3 1 valid relu; pool 2 2; dense 2");
    let mut data = data(&network, 210);
    // Bright images are of class 1.
    for (image, label) in data.pixels.chunks_exact_mut(64).zip(&data.labels) {
        image.iter_mut().for_each(|pixel| *pixel = *pixel / 2 + 100 * label);
    }
    let run = |threads| {
        let options = TrainOptions { threads, ..ONE_THREAD };
        train(
            &network,
            &recipe(0.01),
            &data,
            &options,
            &mut Quiet { stop_after: NEVER, batches: 0 },
        )
        .unwrap()
    };
    let (one, two) = (run(1), run(2));
    assert_eq!(one.model, two.model);
    assert_eq!(one.epochs.len(), 3);
    assert!(one.epochs[2].loss < 0.3 * one.epochs[0].loss, "{:?}", one.epochs);
    assert_eq!(one.epochs[2].held_out_accuracy, Some(1.0));
}

#[test]
fn a_stopped_run_says_so() {
    let network = network([8, 8, 1], "dense 2");
    let data = data(&network, 100);
    let mut observer = Quiet { stop_after: 8, batches: 0 };
    let trained = train(&network, &recipe(0.01), &data, &ONE_THREAD, &mut observer).unwrap();
    // 90 images in batches of 16 are 6 batches: the stop came in the second epoch.
    assert!(trained.stopped_early);
    assert_eq!((trained.epochs.len(), observer.batches), (1, 8));
}

#[test]
fn divergence_names_epoch_and_batch() {
    let network = network([8, 8, 1], "dense 40 relu; dense 30 relu; dense 2");
    let data = data(&network, 100);
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    let error = train(&network, &recipe(1e30), &data, &ONE_THREAD, &mut observer).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { epoch: 1, batch: 2 }), "{error}");
}

#[test]
fn data_that_does_not_fit_is_refused() {
    let network = network([8, 8, 1], "dense 2");
    let good = data(&network, 20);
    let refused = |recipe: &Recipe, data: &Dataset| {
        let mut observer = Quiet { stop_after: NEVER, batches: 0 };
        train(&network, recipe, data, &ONE_THREAD, &mut observer).unwrap_err().to_string()
    };
    let labels = Dataset { labels: vec![5; 20], ..good.clone() };
    assert!(refused(&recipe(0.1), &labels).contains("give its last layer 6 units"));
    let colours = Dataset { shape: Shape::new(8, 8, 3), pixels: vec![0; 20 * 192], ..good.clone() };
    assert!(refused(&recipe(0.1), &colours).contains("3 values per pixel"));
    let all = Recipe { held_out: 20, ..recipe(0.1) };
    assert!(refused(&all, &good).contains("hold out fewer"));
}

/// Their square would be counted, and shown.
#[test]
fn more_outputs_than_answers_are_counted_for_are_refused() {
    let network = network([8, 8, 1], "dense 4097");
    let data = data(&network, 20);
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    let refused = train(&network, &recipe(0.1), &data, &ONE_THREAD, &mut observer).unwrap_err();
    assert!(refused.to_string().starts_with("the network ends with 4097 values; at most 4096"));
}

#[test]
fn first_steps_of_rmsprop_are_those_of_the_tutorial() {
    // One weight, one bias, one image: w -= lr * g / (sqrt((1 - rho) g^2) + eps), the second step
    // with the decayed square.
    let network = network([1, 1, 1], "dense 2");
    let data = Dataset {
        shape: Shape::new(1, 1, 1),
        pixels: vec![255],
        labels: vec![0],
        classes: 2,
        targets: vec![],
    };
    let stages: Vec<Stage> = network.stages().unwrap();
    let model = initial(&network, 3).unwrap();
    let mut net = Net::new(&model, &backend::device().autodiff());
    let mut optimizer = Optimizer::new(&recipe(0.001).optimizer);
    let mut expected = model.stages[0].weights.clone();
    let mut squares = [0.0f64; 2];
    for step in 0..3 {
        let now = FloatModel { network: network.clone(), stages: net.stage_weights(&stages) };
        let gradients = our_gradients(&now, &data, InstructionSet::detect(), 1).1;
        net = optimizer.step(net, gradients.iter(), 1.0);
        for (index, gradient) in gradients[0].rows.iter().enumerate() {
            let gradient = *gradient as f64;
            squares[index] = 0.9 * squares[index] + 0.1 * gradient * gradient;
            expected[index] -= (0.001 * gradient / (squares[index].sqrt() + 1e-7)) as f32;
        }
        let found = &net.stage_weights(&stages)[0].weights;
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-6, "step {step}: {found} {expected}");
        }
    }
}

mod answers;
pub(crate) mod graphs;
mod normalised;
mod quantised;
mod resumed;
