//! The bytes of a model file from a plain model and a choice for each layer.

use infer::format::{
    self, Content, InputRecord, LAYERS_MAX, LayerRecord, NAME_BYTES_MAX, Section, SelfTest,
};
use infer::quant::ChannelParameters;
use infer::{ImageError, LayerProblem, Model, ModelError, Reference, Session, SessionError};
use thiserror::Error;

use crate::plain_model::{Choice, Choices, Place, PlainLayer, PlainModel, PlainSelfTest, slices};
use crate::plan::arena::{ArenaPlan, Map, place};

/// Why a plain model cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WriteModelError {
    /// More layers than a model file holds.
    #[error("the network has {found} stages; a model file holds {limit}")]
    TooManyLayers {
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
    /// An algorithm that cannot compute the layer.
    #[error("layer '{name}' cannot be computed by {choice:?}: {problem}")]
    Choice {
        /// The layer's name.
        name: String,
        /// The algorithm.
        choice: Choice,
        /// What the loader would say.
        problem: LayerProblem,
    },
    /// An image for the self-test that the model does not take.
    #[error("self-test: {0}")]
    SelfTestImage(ImageError),
    /// No working memory for the self-test.
    #[error("self-test: {0}")]
    SelfTestMemory(SessionError),
    /// The loader refuses what was written.
    #[error("the exported model is refused: {0}")]
    Refused(ModelError),
}

/// Lays the model out to be run as chosen; what is returned has passed [`Model::from_bytes`].
///
/// # Errors
/// Layers that no model file can hold, or a choice that does not fit its layer.
pub fn write(model: &PlainModel, choices: &Choices) -> Result<Vec<u8>, WriteModelError> {
    write_placed(model, choices, &arena(model, choices))
}

/// [`write()`] with buffers where `arena` says.
///
/// # Errors
/// As [`write()`]; buffers that lie where the loader does not allow it.
pub fn write_placed(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
) -> Result<Vec<u8>, WriteModelError> {
    check_limits(model)?;
    let packed = |(layer, choice): (&PlainLayer, &Choice)| {
        let (name, choice) = (layer.name.clone(), *choice);
        layer.packed(choice).map_err(|problem| WriteModelError::Choice { name, choice, problem })
    };
    let weights =
        model.layers.iter().zip(&choices.layers).map(packed).collect::<Result<Vec<_>, _>>()?;
    let bytes = lay_out(model, choices, arena, &weights);
    Model::from_bytes(&bytes).map_err(WriteModelError::Refused)?;
    Ok(bytes)
}

/// The model's answer to `image`, to be stored with it.
///
/// # Errors
/// As [`write()`]; an image that is not of the model's shape.
pub fn self_test(model: &PlainModel, image: &[u8]) -> Result<PlainSelfTest, WriteModelError> {
    let file = write(model, &model.direct())?;
    let validated = Model::from_bytes(&file).map_err(WriteModelError::Refused)?;
    let mut arena = vec![0; validated.arena_bytes()];
    let mut session =
        Session::new(&validated, &mut arena).map_err(WriteModelError::SelfTestMemory)?;
    let scores =
        session.run_with::<Reference>(image, &mut ()).map_err(WriteModelError::SelfTestImage)?;
    Ok(PlainSelfTest { image: image.to_vec(), scores: scores.values().to_vec() })
}

/// Bytes of the file that [`write()`] makes when the packed weights of the layers take so many
/// bytes.
pub fn file_bytes(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
    weights_bytes: &[usize],
) -> usize {
    let aligned = |at: usize| at.next_multiple_of(format::SECTION_ALIGNMENT_BYTES);
    let mut end = with_records(model, choices, arena, &[], None).len();
    for (layer, bytes) in
        model.layers.iter().zip(weights_bytes).filter(|(layer, _)| !layer.channels.is_empty())
    {
        end = aligned(end) + layer.channels.len() * ChannelParameters::BYTES;
        end = aligned(end) + bytes;
    }
    if let Some(test) = &model.self_test {
        end = aligned(end) + test.image.len();
        end = aligned(end) + test.scores.len();
    }
    end
}

/// Where the buffers of the model lie with these choices.
pub fn arena(model: &PlainModel, choices: &Choices) -> ArenaPlan {
    let map = |(shape, held): (infer::Shape, &u16)| Map {
        held_bytes: *held as usize * shape.row_len(),
        is_whole: *held == shape.height,
    };
    let maps: Vec<Map> = model.maps().zip(&choices.held_rows).map(map).collect();
    place(&maps, &scratch_bytes(model, choices))
}

/// Bytes of scratch memory of each layer: what the most demanding of its slices needs.
fn scratch_bytes(model: &PlainModel, choices: &Choices) -> Vec<usize> {
    let mut bytes = vec![0; model.layers.len()];
    for slice in slices(&model.stages(&choices.held_rows)) {
        let Some(layer) = slice.map.checked_sub(1) else { continue };
        let kind = model.layers[layer].kind(choices.layers[layer]).slice(&slice);
        bytes[layer] = kind.scratch_bytes().max(bytes[layer]);
    }
    bytes
}

fn check_limits(model: &PlainModel) -> Result<(), WriteModelError> {
    let (found, limit) = (model.layers.len(), LAYERS_MAX);
    if found > limit {
        return Err(WriteModelError::TooManyLayers { found, limit });
    }
    let limit = NAME_BYTES_MAX;
    match model.layers.iter().find(|layer| layer.name.len() > limit) {
        Some(PlainLayer { name, .. }) => {
            Err(WriteModelError::NameTooLong { name: name.clone(), found: name.len(), limit })
        }
        None => Ok(()),
    }
}

fn lay_out(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
    weights: &[Vec<u8>],
) -> Vec<u8> {
    let sections = model.layers.iter().zip(weights);
    let sections: Vec<_> =
        sections.map(|(layer, weights)| Section { channels: &layer.channels, weights }).collect();
    let scores = model.self_test.as_ref().map(|test| int8_bytes(&test.scores)).unwrap_or_default();
    let self_test =
        model.self_test.as_ref().map(|test| SelfTest { image: &test.image, scores: &scores });
    with_records(model, choices, arena, &sections, self_test)
}

/// The file with the model's records in front of the sections.
fn with_records(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
    sections: &[Section<'_>],
    self_test: Option<SelfTest<'_>>,
) -> Vec<u8> {
    let PlainModel { image, map, origin, scale, .. } = *model;
    let held = &choices.held_rows;
    let input =
        InputRecord { image, map, origin, scale, held_rows: held[0], arena_at: arena.maps_at[0] };
    let place = |layer: usize| Place {
        scratch_at: arena.scratch_at[layer],
        output_at: arena.maps_at[layer + 1],
        held_rows: held[layer + 1],
    };
    let layers = model.layers.iter().zip(&choices.layers).enumerate();
    let layers: Vec<LayerRecord<'_>> =
        layers.map(|(index, (layer, choice))| layer.record(*choice, place(index))).collect();
    in_growing_buffer(&Content {
        input,
        layers: &layers,
        sections,
        arena_bytes: arena.bytes,
        model_version: model.version,
        self_test,
    })
}

fn int8_bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|value| *value as u8).collect()
}

/// Writes into a buffer that grows until the file fits.
fn in_growing_buffer(content: &Content<'_>) -> Vec<u8> {
    let mut buffer = vec![0; 4096];
    loop {
        if let Ok(bytes) = format::write(content, &mut buffer) {
            buffer.truncate(bytes);
            return buffer;
        }
        buffer.resize(buffer.len() * 2, 0);
    }
}
