//! The bytes of a model file from a plain model, a choice for each layer, and their places.

use infer::format::{
    self, Content, InputRecord, LAYERS_MAX, LayerRecord, NAME_BYTES_MAX, Section, SelfTest,
    TensorRecord, WriteError,
};
use infer::{
    LayerProblem, Metadata, Model, ModelError, RunError, SessionError, Stream, StreamError, Table,
};
use thiserror::Error;

use crate::placement::{self, ArenaPlan, ArenaTooLarge};
use crate::plain_model::{Choice, Choices, Place, PlainLayer, PlainModel, PlainSelfTest};
use crate::self_test;

/// Room for the layers of any model.
pub type ModelTable<'f> = Table<'f, LAYERS_MAX>;

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
    /// Interleaved layers wait for each other.
    #[error("interleaved layers wait for each other: hold more rows of the tensors they read")]
    Stuck,
    /// An image for the self-test that the model does not take.
    #[error("self-test: {0}")]
    SelfTestImage(RunError),
    /// No working memory for the self-test.
    #[error("self-test: {0}")]
    SelfTestMemory(SessionError),
    /// What a model file cannot state.
    #[error("{0}")]
    Format(WriteError),
    /// More working memory than a file can say.
    #[error(transparent)]
    Arena(#[from] ArenaTooLarge),
    /// What was written is no stream, though it should be.
    #[error("the exported model is refused: {0}")]
    NoStream(StreamError),
    /// The loader refuses what was written.
    #[error("the exported model is refused: {0}")]
    Refused(ModelError),
}

/// Lays the model out to be run as chosen; what is returned has passed [`Model::from_bytes`].
///
/// # Errors
/// Layers that no model file can hold, or a choice that does not fit its layer.
pub fn write(model: &PlainModel, choices: &Choices) -> Result<Vec<u8>, WriteModelError> {
    write_placed(model, choices, &placement::arena(model, choices)?)
}

/// [`write()`] with buffers where `arena` says. Scores that its self-test still lacks are filled
/// in.
///
/// # Errors
/// As [`write()`]; buffers that lie where the loader does not allow it.
pub fn write_placed(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
) -> Result<Vec<u8>, WriteModelError> {
    check_limits(model)?;
    let mut bytes = lay_out(model, choices, arena, &packed(model, choices)?)?;
    check(&bytes)?;
    if choices.streams {
        check_stream(&bytes)?;
    }
    if model.self_test.as_ref().is_some_and(|test| test.scores.is_none()) {
        self_test::fill_in(&mut bytes)?;
    }
    Ok(bytes)
}

/// Whether the loader takes the file.
///
/// # Errors
/// [`WriteModelError::Refused`].
pub fn check(file: &[u8]) -> Result<(), WriteModelError> {
    match Model::from_bytes(file, &mut Table::<LAYERS_MAX>::new()) {
        Ok(_) => Ok(()),
        Err(error) => Err(WriteModelError::Refused(error)),
    }
}

/// Whether the file can be run as a stream.
fn check_stream(file: &[u8]) -> Result<(), WriteModelError> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).map_err(WriteModelError::Refused)?;
    let mut arena = vec![0; model.arena_bytes()];
    let stream = Stream::<LAYERS_MAX>::new(&model, &mut arena);
    stream.map(|_| ()).map_err(WriteModelError::NoStream)
}

/// The weights of each layer as its choice has them in the file.
///
/// # Errors
/// A choice that does not fit its layer.
pub fn packed(model: &PlainModel, choices: &Choices) -> Result<Vec<Vec<u8>>, WriteModelError> {
    let layers = model.layers.iter().zip(&choices.layers);
    layers.map(|(layer, choice)| packed_layer(layer, *choice)).collect()
}

/// [`packed`] of one layer.
///
/// # Errors
/// As [`packed`].
pub fn packed_layer(layer: &PlainLayer, choice: Choice) -> Result<Vec<u8>, WriteModelError> {
    let refused = |problem| WriteModelError::Choice { name: layer.name.clone(), choice, problem };
    layer.packed(choice).map_err(refused)
}

/// Bytes of the file that [`write()`] makes with packed weights of the layers of these
/// sizes.
///
/// # Errors
/// What no file can state.
pub fn file_bytes(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
    weights_bytes: &[usize],
) -> Result<usize, WriteModelError> {
    let aligned = |at: usize| at.next_multiple_of(format::SECTION_ALIGNMENT_BYTES);
    let mut end = with_records(model, choices, arena, &[], None)?.len();
    for (layer, bytes) in model.layers.iter().zip(weights_bytes).filter(|(_, bytes)| **bytes > 0) {
        end = aligned(end) + layer.channel_bytes().len();
        end = aligned(end) + bytes;
    }
    if let Some(test) = &model.self_test {
        end = aligned(end) + test.image.len();
        end = aligned(end) + model.classes();
    }
    Ok(end)
}

/// Whether the format holds as many layers and names as long.
///
/// # Errors
/// What it does not hold.
pub fn check_limits(model: &PlainModel) -> Result<(), WriteModelError> {
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
) -> Result<Vec<u8>, WriteModelError> {
    let sections = model.layers.iter().zip(weights);
    let sections: Vec<_> =
        sections.map(|(layer, weights)| Section { channels: &layer.channels, weights }).collect();
    let scores = model.self_test.as_ref().map(|test| score_bytes(model, test));
    let self_test = model.self_test.as_ref().zip(scores.as_ref());
    let self_test = self_test.map(|(test, scores)| SelfTest { image: &test.image, scores });
    with_records(model, choices, arena, &sections, self_test)
}

/// The scores of a self-test, 0 where they are still to be filled in.
fn score_bytes(model: &PlainModel, test: &PlainSelfTest) -> Vec<u8> {
    match &test.scores {
        Some(scores) => scores.iter().map(|score| *score as u8).collect(),
        None => vec![0; model.classes()],
    }
}

/// The file: the model's records, then the sections.
fn with_records(
    model: &PlainModel,
    choices: &Choices,
    arena: &ArenaPlan,
    sections: &[Section<'_>],
    self_test: Option<SelfTest<'_>>,
) -> Result<Vec<u8>, WriteModelError> {
    let held = &choices.held_rows;
    let tensor = TensorRecord { tensor: model.input, held_rows: held[0], at: arena.tensors_at[0] };
    let input = InputRecord { image: model.image, origin: model.origin, tensor };
    let place = |layer: usize| Place {
        scratch_at: arena.scratch_at[layer],
        output_at: arena.tensors_at[layer + 1],
        held_rows: held[layer + 1],
    };
    let layers = model.layers.iter().zip(&choices.layers).enumerate();
    let layers: Vec<LayerRecord<'_>> =
        layers.map(|(index, (layer, choice))| layer.record(*choice, place(index))).collect();
    let outputs: Vec<u8> =
        model.outputs.iter().map(|output| u8::try_from(*output).unwrap_or(u8::MAX)).collect();
    in_growing_buffer(&Content {
        input,
        interface: model.interface.of_file(),
        metadata: Metadata::new(&model.metadata),
        layers: &layers,
        sections,
        outputs: &outputs,
        arena_bytes: arena.bytes,
        model_version: model.version,
        self_test,
    })
}

/// Writes into a buffer that grows until the file fits.
pub(crate) fn in_growing_buffer(content: &Content<'_>) -> Result<Vec<u8>, WriteModelError> {
    let mut buffer = vec![0; 4096];
    loop {
        match format::write(content, &mut buffer) {
            Ok(bytes) => {
                buffer.truncate(bytes);
                return Ok(buffer);
            }
            Err(WriteError::BufferFull) => buffer.resize(buffer.len() * 2, 0),
            Err(problem) => return Err(WriteModelError::Format(problem)),
        }
    }
}
