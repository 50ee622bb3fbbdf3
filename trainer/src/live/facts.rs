//! What a page has to know of a model. The scripts in `trainer/templates/live` read it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use infer::format::{OutputQuant, Tensor};
use infer::{Layer, Network, OutputType};
use serde::Serialize;

use super::plans::{self, CoreFacts};
use super::{Sample, Subject};
use crate::data::metadata;
use crate::data::picture::Resize;
use crate::ops::Running;
use crate::plan::Core;

/// The core that is shown first: that of the firmware's default board.
const FIRST_CORE: Core = Core::M4;

/// A model, its inputs and its plans.
#[derive(Serialize)]
pub struct Facts {
    /// Height, width and channels of the image that the model takes.
    image: [u16; 3],
    /// Whether that is a picture; else it is rows of values.
    takes_pictures: bool,
    /// What the training images have in common.
    look: Option<LookFacts>,
    /// How pictures become images: its place in the list of `trainer/page/src/exports.rs`.
    resize: usize,
    /// What the first output is: `scores`, `reals` or `reconstruction`.
    gives: &'static str,
    /// Real value of one step of it, and the int8 value that stands for 0.
    answer: (f32, i8),
    /// The same of the input.
    input: (f32, i8),
    /// Mean and deviation of each real value that is answered; none where they are as they are.
    targets: Vec<[f32; 2]>,
    /// Error of a reconstruction above which an input is unusual.
    threshold: Option<f32>,
    /// Names of the classes, or of the real values.
    classes: Vec<String>,
    /// Values that the bytes 0 and 255 of each channel stand for; none for pixels.
    scales: Vec<[f64; 2]>,
    /// Names of the channels.
    channels: Vec<String>,
    samples: Vec<SampleFacts>,
    /// Tensor 0 is the part of the image that is read, `n` is made by layer `n - 1`.
    tensors: Vec<TensorFacts>,
    layers: Vec<LayerFacts>,
    /// Numbers of the tensors that the network is run for.
    outputs: Vec<u8>,
    /// Bytes of the arena.
    arena: usize,
    cores: Vec<CoreFacts>,
    /// Place of the core that is shown first.
    chosen_core: usize,
}

#[derive(Serialize)]
struct LookFacts {
    ground: u8,
    stroke: u8,
    /// 0 where sizes differ.
    side: u16,
    /// Numbers below 0 where centres differ.
    centre: [f64; 2],
}

#[derive(Serialize)]
struct SampleFacts {
    label: String,
    /// In base64.
    image: String,
}

#[derive(Serialize)]
struct TensorFacts {
    name: String,
    shape: [u16; 3],
    scale: f32,
    zero: i8,
    at: usize,
    row_bytes: usize,
}

#[derive(Serialize)]
struct LayerFacts {
    name: String,
    what: String,
    inputs: Vec<usize>,
    /// Place and bytes of its scratch memory.
    scratch: [usize; 2],
}

impl Facts {
    /// What is known of a model.
    pub fn of(subject: &Subject<'_>) -> Self {
        let model = subject.model;
        let (network, image) = (Network::from(model), model.image_shape());
        let numbers = 0..=model.layers().len();
        Self {
            image: [image.height, image.width, image.channels],
            takes_pictures: subject.scales.is_empty() && metadata::may_be_picture(model),
            look: look(subject),
            resize: resize(subject.look.resize),
            gives: match model.input().interface.gives {
                OutputType::Scores => "scores",
                OutputType::Reals => "reals",
                OutputType::Reconstruction => "reconstruction",
            },
            answer: pair(model.output_quant()),
            input: pair(model.input().tensor.quant),
            targets: metadata::targets(model).iter().map(|of| [of.mean, of.deviation]).collect(),
            threshold: model.metadata().threshold(),
            classes: classes(subject),
            scales: subject.scales.iter().map(|scale| [scale.low, scale.high]).collect(),
            channels: subject.channels.to_vec(),
            samples: subject.samples.iter().map(sample).collect(),
            tensors: numbers.filter_map(|number| tensor(&network, number)).collect(),
            layers: model.layers().iter().map(layer).collect(),
            outputs: model.outputs().to_vec(),
            arena: model.arena_bytes(),
            cores: plans::of_all_cores(model),
            chosen_core: Core::ALL.iter().position(|core| *core == FIRST_CORE).unwrap_or(0),
        }
    }
}

const fn pair(quant: OutputQuant) -> (f32, i8) {
    (quant.scale, quant.zero_point)
}

/// By the model's file, or else by what is known beside it.
fn classes(subject: &Subject<'_>) -> Vec<String> {
    let names: Vec<String> = subject.model.metadata().names().map(str::to_owned).collect();
    match subject.model.input().interface.gives {
        OutputType::Scores if names.is_empty() => subject.classes.to_vec(),
        _ => names,
    }
}

fn look(subject: &Subject<'_>) -> Option<LookFacts> {
    let appearance = subject.look.appearance?;
    Some(LookFacts {
        ground: appearance.ground,
        stroke: appearance.stroke,
        side: appearance.side.unwrap_or(0),
        centre: appearance.centre.unwrap_or([-1.0; 2]),
    })
}

const fn resize(resize: Resize) -> usize {
    match resize {
        Resize::Exact => 0,
        Resize::Nearest => 1,
        Resize::Area => 2,
        Resize::Bilinear => 3,
    }
}

fn sample(sample: &Sample<'_>) -> SampleFacts {
    SampleFacts { label: sample.label.clone(), image: STANDARD.encode(sample.image) }
}

fn tensor(network: &Network<'_>, number: usize) -> Option<TensorFacts> {
    let Tensor { shape, quant } = network.tensor(number)?;
    let name = match number.checked_sub(1) {
        None => "image, what is read".to_owned(),
        Some(layer) => format!("output of {}", network.layers().get(layer)?.name),
    };
    Some(TensorFacts {
        name,
        shape: [shape.height, shape.width, shape.channels],
        scale: quant.scale,
        zero: quant.zero_point,
        at: network.tensor_use(number)?.0,
        row_bytes: shape.row_len(),
    })
}

fn layer(layer: &Layer<'_>) -> LayerFacts {
    let (at, bytes) = layer.scratch_use();
    LayerFacts {
        name: layer.name.to_owned(),
        what: layer.kind.describe(),
        inputs: layer.inputs.iter().collect(),
        scratch: [at, bytes],
    }
}
