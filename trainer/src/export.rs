//! From a trained float model to the bytes of a model file, step by step: calibrate, quantise,
//! plan, place, write, test. Each step reads what the one before made.

use infer::format::{LAYERS_MAX, Tensor};
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use infer::{Model, Shape, Table};
use thiserror::Error;

use crate::calibrate::{CALIBRATION_IMAGES, Range, calibrate, spread};
use crate::data::Dataset;
use crate::data::fit::{self, FitError};
use crate::data::metadata::{self, About};
use crate::data::scale::PIXELS;
use crate::evaluate::{EvaluateError, reconstruction};
use crate::float_model::FloatModel;
use crate::graph::{DemandError, Stage, StageDemand, demand};
use crate::int4::{self, Int4, Int4Stage};
use crate::model_file::{self, WriteModelError};
use crate::network::NetworkError;
use crate::ops::{Operator, Scales};
use crate::placement;
use crate::plain_model::{Choices, Edge, PlainInterface, PlainLayer, PlainModel, PlainSelfTest};
use crate::plan::{self, Budget, Core, FastestError, Loading, stream};
use crate::quantize::{Kept, QuantModel, QuantStage, QuantizeError, quantize_to};
use crate::savings::{Savings, without_idle};
use crate::{samples, statistics};

/// What the model is to run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Any core, this host included: everything direct, weights as small as they are.
    Portable,
    /// A core, within what the chip has.
    Chip(Core, Loading, Budget),
}

/// What a model file says beside the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExportOptions {
    /// What the model is to run on.
    pub target: Target,
    /// The maker's count of versions of this model: a chip never goes back to a smaller one.
    pub version: u32,
    /// Whether the file holds the first training image and the scores it must give, so that a chip
    /// can test a new model.
    pub self_test: bool,
    /// How many training images the file holds to be shown, class by class in turn.
    pub samples: usize,
    /// Whether the model also computes [what no answer depends on](crate::savings).
    pub keep_all: bool,
    /// Which layers' weights are int4.
    pub int4: Int4,
}

impl From<Target> for ExportOptions {
    /// Version 0, with a self-test, without samples, nothing left out, and weights with the bits
    /// that the network says.
    fn from(target: Target) -> Self {
        let int4 = Int4::default();
        Self { target, version: 0, self_test: true, samples: 0, keep_all: true, int4 }
    }
}

/// A model file and what is worth knowing of it.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// Bytes of working memory it needs.
    pub arena_bytes: usize,
    /// Multiply-accumulates of one run, after the demand pass.
    pub macs: u64,
    /// Multiply-accumulates of the network as described.
    pub macs_described: u64,
    /// What the network takes, and what is left of it in the file.
    pub savings: Savings,
    /// Where something was left out, the model with all of it, for any core: it has a layer for
    /// each stage.
    pub whole: Option<Vec<u8>>,
    /// The integers and scales in the file.
    pub quant: QuantModel,
    /// Of an autoencoder: the error above which an input is unusual.
    pub threshold: Option<f32>,
    /// The stages whose weights are int4, and what that costs.
    pub int4: Vec<Int4Stage>,
}

impl Exported {
    /// The file whose layers are the network's stages.
    pub fn by_stages(&self) -> &[u8] {
        self.whole.as_ref().unwrap_or(&self.bytes)
    }
}

/// Why a float model cannot become a model file.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ExportError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The images are not for the network.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The network's windows lie out of the format's range.
    #[error(transparent)]
    Demand(#[from] DemandError),
    /// The numbers cannot be turned into integers.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// No model file can hold the network.
    #[error(transparent)]
    Write(#[from] WriteModelError),
    /// The autoencoder cannot be run.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// There is no plan for the chip.
    #[error(transparent)]
    Fastest(#[from] FastestError),
}

/// Calibrates on `training`, quantises, plans for the target and writes a model for images of the
/// training set's shape that says `about` itself.
///
/// # Errors
/// A network or numbers that no model file can hold, or a chip that is too small; what is returned
/// has passed [`Model::from_bytes`].
pub fn export_with(
    model: &FloatModel,
    training: &Dataset,
    options: ExportOptions,
    about: &About,
) -> Result<Exported, ExportError> {
    export_keeping(model, &[], training, options, about)
}

/// [`export_with`] the scales that are known already, stage by stage.
///
/// # Errors
/// As [`export_with`].
pub fn export_keeping(
    model: &FloatModel,
    kept: &[Kept],
    training: &Dataset,
    options: ExportOptions,
    about: &About,
) -> Result<Exported, ExportError> {
    fit::require(&model.network, about.task(), training)?;
    let ranges = calibrate(model, training);
    let export = Export { model, kept, training, options, about, ranges };
    let (bits, int4) = int4::chosen(&export)?;
    let (quant, plain) = export.quantised(&bits)?;
    let threshold = about.threshold_quantile.map(|part| threshold(&plain, training, part));
    let threshold = threshold.transpose()?;
    let whole = export.completed(plain, threshold)?;
    let (plain, choices) = saved(&whole, options)?;
    let savings = Savings::of(&whole, &plain);
    let whole = match savings.is_none() {
        true => None,
        false => Some(model_file::write(&whole, &whole.direct())?),
    };
    let arena = placement::arena(&plain, &choices).map_err(WriteModelError::Arena)?;
    let bytes = model_file::write_placed(&plain, &choices, &arena)?;
    let (arena_bytes, macs) = measure(&bytes)?;
    let macs_described = model.network.stages()?.iter().map(Stage::macs).sum();
    Ok(Exported {
        bytes,
        arena_bytes,
        macs,
        macs_described,
        savings,
        whole,
        quant,
        threshold,
        int4,
    })
}

/// All that an export is made of.
pub(crate) struct Export<'e> {
    pub model: &'e FloatModel,
    pub kept: &'e [Kept],
    pub training: &'e Dataset,
    pub options: ExportOptions,
    pub about: &'e About,
    /// Of the stages' outputs.
    pub ranges: Vec<Range>,
}

impl Export<'_> {
    /// The network with these bits for the weights of each stage.
    pub fn quantised(&self, bits: &[WeightBits]) -> Result<(QuantModel, PlainModel), ExportError> {
        let Self { model, training, options, about, .. } = self;
        let quant = quantize_to(model, &self.ranges, self.kept, bits)?;
        let mut plain = plain_model(model, quant.clone(), training.shape)?;
        plain.version = options.version;
        (plain.interface, plain.metadata) = (about.interface.clone(), about.metadata.clone());
        if options.self_test && !training.is_empty() {
            plain.self_test = Some(PlainSelfTest::from(training.image(0).to_vec()));
        }
        Ok((quant, plain))
    }

    /// The network with all that its file says.
    pub fn completed(
        &self,
        mut plain: PlainModel,
        threshold: Option<f32>,
    ) -> Result<PlainModel, ExportError> {
        threshold.iter().for_each(|error| metadata::push_threshold(&mut plain.metadata, *error));
        samples::add(&mut plain, self.training, self.options.samples)?;
        Ok(plain)
    }
}

/// The network that is written, and how it is run: [without what no answer depends
/// on](crate::savings). Some algorithms ask for a number of channels, so the whole network may be
/// faster; then it stays.
pub(crate) fn saved(
    whole: &PlainModel,
    options: ExportOptions,
) -> Result<(PlainModel, Choices), FastestError> {
    let kept = || Ok((whole.clone(), planned(whole, options.target)?));
    if options.keep_all {
        return kept();
    }
    let smaller = without_idle(whole);
    if smaller == *whole {
        return kept();
    }
    let Target::Chip(core, loading, budget) = options.target else {
        let choices = planned(&smaller, options.target)?;
        return Ok((smaller, choices));
    };
    let plan = plan::fastest(&smaller, core, loading, budget)?;
    match plan::fastest(whole, core, loading, budget) {
        Ok(faster) if faster.instructions < plan.instructions => {
            Ok((whole.clone(), faster.choices))
        }
        _ => Ok((smaller, plan.choices)),
    }
}

/// The error that a part of the training images, spread evenly over the set, are not above: those
/// of the model as any core runs it.
fn threshold(plain: &PlainModel, training: &Dataset, part: f64) -> Result<f32, ExportError> {
    let bytes = model_file::write(plain, &plain.direct())?;
    let images = training.of(spread(training.len(), CALIBRATION_IMAGES).into_iter());
    let errors = reconstruction::int8_errors(&bytes, &images, 1)?;
    Ok(statistics::quantile(&errors, part))
}

/// How the model is run on the target.
///
/// # Errors
/// A model that no file can hold, or a chip that is too small.
pub fn planned(plain: &PlainModel, target: Target) -> Result<Choices, FastestError> {
    match target {
        Target::Portable => Ok(plain.direct()),
        Target::Chip(core, loading, budget) => {
            Ok(plan::fastest(plain, core, loading, budget)?.choices)
        }
    }
}

/// How the model is run as a stream on the target.
///
/// # Errors
/// As [`planned`]; a network that cannot stream.
pub fn planned_as_stream(plain: &PlainModel, target: Target) -> Result<Choices, FastestError> {
    match target {
        Target::Portable => stream::direct(plain),
        Target::Chip(core, loading, budget) => {
            let mut front = stream::front(plain, core, loading)?;
            let chosen = budget.choose(&front)?;
            Ok(front.swap_remove(chosen).choices)
        }
    }
}

/// [`export_with`] a self-test, as version 0, of pixels without names.
///
/// # Errors
/// As [`export_with`].
pub fn export_for(
    model: &FloatModel,
    training: &Dataset,
    target: Target,
) -> Result<Exported, ExportError> {
    export_with(model, training, target.into(), &About::default())
}

/// [`export_for`] any core.
///
/// # Errors
/// As [`export_with`].
pub fn export(model: &FloatModel, training: &Dataset) -> Result<Exported, ExportError> {
    export_for(model, training, Target::Portable)
}

/// Working memory and multiply-accumulates of a file that has been validated.
fn measure(file: &[u8]) -> Result<(usize, u64), WriteModelError> {
    let mut table = Table::<LAYERS_MAX>::new();
    let model = Model::from_bytes(file, &mut table).map_err(WriteModelError::Refused)?;
    Ok((model.arena_bytes(), model.macs()))
}

/// The quantised network with only what is read of each map, for images of the shape `image`.
///
/// # Errors
/// A network that cannot be built or planned.
pub fn plain_model(
    model: &FloatModel,
    quant: QuantModel,
    image: Shape,
) -> Result<PlainModel, ExportError> {
    let stages = model.network.stages()?;
    let demand = demand(&model.network)?;
    let input = Tensor { shape: demand.input.shape(model.network.input.channels), quant: PIXELS };
    let mut tensors = vec![input];
    let mut layers = Vec::new();
    for ((stage, demanded), quant) in stages.iter().zip(&demand.stages).zip(quant.stages) {
        let layer = plain_layer(stage, demanded, quant, &tensors);
        tensors.push(layer.output);
        layers.push(layer);
    }
    Ok(PlainModel {
        image,
        interface: PlainInterface::default(),
        origin: demand.origin,
        input,
        layers,
        outputs: vec![stages.len()],
        version: 0,
        self_test: None,
        metadata: vec![],
    })
}

fn plain_layer(
    stage: &Stage,
    demanded: &StageDemand,
    quant: QuantStage,
    tensors: &[Tensor],
) -> PlainLayer {
    let edge = |number: &usize| Edge { number: *number, tensor: tensors[*number] };
    let mut scales = Scales { inputs: [quant.output; INPUTS_MAX], output: quant.output };
    for (scale, number) in scales.inputs.iter_mut().zip(&stage.inputs) {
        *scale = tensors[*number].quant;
    }
    PlainLayer {
        name: stage.name.clone(),
        inputs: stage.inputs.iter().map(edge).collect(),
        output: Tensor { shape: demanded.part.output, quant: quant.output },
        kind: stage.kind.plain(&demanded.part, &scales),
        channels: quant.channels,
        weights: stage.kind.table(&scales).unwrap_or(quant.weights),
        bits: quant.bits,
    }
}
