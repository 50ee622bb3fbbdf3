//! From a trained float model to the bytes of a model file: calibrate, quantise, plan, write, and read back.

use infer::format::{
    self, Algorithm, Content, ConvRecord, DenseAlgorithm, DenseRecord, InputRecord, LAYERS_MAX, LayerRecord,
    MaxPoolRecord, NAME_BYTES_MAX, Section,
};
use infer::{Model, ModelError, Shape};
use thiserror::Error;

use crate::calibrate::calibrate;
use crate::data::Dataset;
use crate::float_model::FloatModel;
use crate::inputs::PIXEL_MAX;
use crate::network::{NetworkError, Stage};
use crate::plan::{self, ArenaPlan, PlanError, Region, StagePlan};
use crate::quantize::{QuantModel, QuantStage, QuantizeError, quantize};

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
    /// The integers and scales in the file.
    pub quant: QuantModel,
}

/// Why a float model cannot become a model file.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ExportError {
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The network cannot be planned.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The numbers cannot be turned into integers.
    #[error(transparent)]
    Quantize(#[from] QuantizeError),
    /// More stages than a model file holds.
    #[error("the network has {found} stages; a model file holds {limit}")]
    TooManyStages {
        /// In the network.
        found: usize,
        /// In a file.
        limit: usize,
    },
    /// A name that does not fit the format.
    #[error("layer name '{name}' is {found} bytes long; use at most {limit}")]
    NameTooLong {
        /// The name.
        name: String,
        /// Its length.
        found: usize,
        /// The longest.
        limit: usize,
    },
    /// The loader refuses what was written.
    #[error("the exported model is refused: {0}")]
    Refused(ModelError),
}

/// Calibrates on `training`, quantises, plans and writes a model for images of the training set's shape.
///
/// # Errors
/// A network or numbers that no model file can hold; what is returned has passed [`Model::from_bytes`].
pub fn export(model: &FloatModel, training: &Dataset) -> Result<Exported, ExportError> {
    let quant = quantize(model, &calibrate(model, training))?;
    let bytes = write(model, &quant, training.shape)?;
    let (arena_bytes, macs) = measure(&bytes)?;
    let macs_described = model.network.stages()?.iter().map(Stage::macs).sum();
    Ok(Exported { bytes, arena_bytes, macs, macs_described, quant })
}

/// Reads the file as a chip would, which validates it; its working memory and multiply-accumulates.
fn measure(file: &[u8]) -> Result<(usize, u64), ExportError> {
    let model = Model::from_bytes(file).map_err(ExportError::Refused)?;
    Ok((model.arena_bytes(), model.macs()))
}

/// Plans and lays out the file.
fn write(model: &FloatModel, quant: &QuantModel, image: Shape) -> Result<Vec<u8>, ExportError> {
    let stages = model.network.stages()?;
    check_limits(&stages)?;
    let (region, plans) = plan::demand(&model.network)?;
    let input = model.network.input;
    let map = region.shape(input.channels);
    let arena = place(&stages, &plans, map);
    let record = InputRecord {
        image,
        map,
        origin: origin_on_image(input.offset, region),
        scale: 1.0 / PIXEL_MAX,
        arena_at: arena.maps_at[0],
    };
    let layers = stages.iter().zip(&plans).zip(&quant.stages).enumerate();
    let layers: Vec<_> = layers
        .map(|(index, ((stage, plan), quant))| layer_record(stage, plan, quant, &arena, index))
        .collect();
    let weights: Vec<Vec<u8>> = quant.stages.iter().map(weight_bytes).collect();
    let sections = quant.stages.iter().zip(&weights);
    let sections: Vec<_> =
        sections.map(|(stage, weights)| Section { channels: &stage.channels, weights }).collect();
    Ok(lay_out(&Content { input: record, layers: &layers, sections: &sections, arena_bytes: arena.bytes }))
}

fn check_limits(stages: &[Stage]) -> Result<(), ExportError> {
    if stages.len() > LAYERS_MAX {
        return Err(ExportError::TooManyStages { found: stages.len(), limit: LAYERS_MAX });
    }
    match stages.iter().find(|stage| stage.name().len() > NAME_BYTES_MAX) {
        Some(stage) => Err(ExportError::NameTooLong {
            name: stage.name().to_owned(),
            found: stage.name().len(),
            limit: NAME_BYTES_MAX,
        }),
        None => Ok(()),
    }
}

/// Where the demanded part of the network's input begins on the image.
fn origin_on_image(offset: [i16; 2], region: Region) -> [i16; 2] {
    [offset[0].saturating_add_unsigned(region.rows[0]), offset[1].saturating_add_unsigned(region.columns[0])]
}

fn place(stages: &[Stage], plans: &[StagePlan], map: Shape) -> ArenaPlan {
    let maps: Vec<usize> =
        [map].into_iter().chain(plans.iter().map(|plan| plan.output)).map(Shape::len).collect();
    let scratch: Vec<usize> = stages.iter().map(scratch_bytes).collect();
    plan::place(&maps, &scratch)
}

/// Scratch memory of a stage's direct convolution: one patch per pixel of the pooling window.
fn scratch_bytes(stage: &Stage) -> usize {
    match stage {
        Stage::Conv(conv) => {
            let taps = conv.kernel.map(usize::from).iter().product::<usize>() * conv.input.channels as usize;
            taps * pool_window(conv.pool.map(|pool| pool.size)).map(usize::from).iter().product::<usize>()
        }
        Stage::Pool(_) | Stage::Dense(_) => 0,
    }
}

fn layer_record<'s>(
    stage: &'s Stage,
    plan: &StagePlan,
    quant: &QuantStage,
    arena: &ArenaPlan,
    index: usize,
) -> LayerRecord<'s> {
    let (output_at, scratch_at) = (arena.maps_at[index + 1], arena.scratch_at[index]);
    match stage {
        Stage::Conv(conv) => LayerRecord::Conv(ConvRecord {
            name: &conv.name,
            output: plan.output,
            kernel: conv.kernel,
            stride: conv.stride,
            origin: plan.origin,
            pool: pool_window(conv.pool.map(|pool| pool.size)),
            output_quant: quant.output,
            algorithm: Algorithm::Direct,
            output_at,
            scratch_at,
        }),
        Stage::Pool(stage) => LayerRecord::MaxPool(MaxPoolRecord {
            name: &stage.name,
            output: plan.output,
            size: stage.pool.size,
            stride: stage.pool.stride,
            output_at,
        }),
        Stage::Dense(dense) => LayerRecord::Dense(DenseRecord {
            name: &dense.name,
            units: dense.units,
            output_quant: quant.output,
            algorithm: DenseAlgorithm::Rows,
            output_at,
        }),
    }
}

fn pool_window(size: Option<[u8; 2]>) -> [u8; 2] {
    size.unwrap_or([1, 1])
}

fn weight_bytes(stage: &QuantStage) -> Vec<u8> {
    stage.weights.iter().map(|weight| *weight as u8).collect()
}

/// Writes into a buffer that grows until the file fits.
fn lay_out(content: &Content<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    loop {
        if let Ok(bytes) = format::write(content, &mut buffer) {
            buffer.truncate(bytes);
            return buffer;
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}
