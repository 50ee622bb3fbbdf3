//! Loading: the model is checked here, once.

use core::ffi::{c_char, c_void};
use core::ptr;

use infer::features::Feature;
use infer::format::Header;
use infer::{Model, ModelError, Network, OutputType, ValueType};

use crate::built_in;
use crate::handle::{self, KINDLING_ALIGNMENT_BYTES, KindlingHandle, Opened, Room};
use crate::memory::{self, Span};
use crate::status::{KindlingStatus as Status, KindlingStatus, told};

/// Type of the values that a model takes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindlingInput {
    /// `uint8_t` pixels, 0 is black: functions that end with `_u8`.
    U8 = 0,
    /// `int8_t` values, with the scale and the zero point of the input: `_i8`.
    I8 = 1,
    /// `float` values, which are scaled and rounded by the library: `_f32`.
    F32 = 2,
}

/// What the first output of a model is.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindlingOutput {
    /// A score for each class: `kindling_scores`, `kindling_probabilities`.
    Scores = 0,
    /// Real values: `kindling_reals`.
    Reals = 1,
    /// The input once more, as real values: `kindling_reals`.
    Reconstruction = 2,
}

/// What a model needs, takes and gives.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindlingInfo {
    /// Bytes of working memory.
    pub arena_bytes: usize,
    /// Values of an input: rows * columns * channels.
    pub input_values: usize,
    /// Values of a row of the input: columns * channels.
    pub row_values: usize,
    /// Rows of the input.
    pub rows: usize,
    /// Values of the first output: classes, where it gives scores.
    pub output_values: usize,
    /// Number of outputs.
    pub outputs: usize,
    /// Number of layers.
    pub layers: usize,
    /// Type of its values.
    pub takes: KindlingInput,
    /// Meaning of its first output.
    pub gives: KindlingOutput,
}

/// Tells by the header of the model of `model_bytes` bytes at `model` how many bytes a handle and
/// an arena for it take, for memory that is not reserved when the program is built. A stream takes
/// `KINDLING_STREAM_BYTES` more of a handle. The header is not proved to be right:
/// `kindling_load` does that.
///
/// # Safety
/// Pointers are null or point to memory of the stated size, which nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_needs(
    model: *const u8,
    model_bytes: usize,
    handle_bytes: *mut usize,
    arena_bytes: *mut usize,
) -> KindlingStatus {
    let needs = || {
        // SAFETY: readable by the caller's promise.
        let file = unsafe { memory::read(model, model_bytes) }?;
        let header = Header::read(file)?;
        // SAFETY: null or room for a size, by the caller's promise.
        unsafe {
            memory::put(handle_bytes, handle::handle_bytes(header.layers))?;
            memory::put(arena_bytes, header.arena_bytes as usize)
        }
    };
    told(needs())
}

/// Checks the model of `model_bytes` bytes at `model`, whole, and makes a handle for it in the
/// `memory_bytes` bytes at `memory`. Both addresses are multiples of `KINDLING_ALIGNMENT_BYTES`.
/// This takes some instructions for each byte of the model, and is done once.
///
/// `*handle` is the loaded handle, or null when the model is refused. Whatever the memory held
/// before is forgotten, also then. `refused_layer` may be null; else `*refused_layer` is the layer
/// that cannot be right, or whose part is not built, from 0, and `SIZE_MAX` when no layer is to
/// blame.
///
/// The memory and the model belong to the handle for as long as it is used: the memory stays where
/// it is, and neither is changed. Nothing has to be freed: the memory is the caller's again when
/// the handle is used no more.
///
/// # Safety
/// Pointers are null or point to memory of the stated size, which is not used by others during the
/// call; and memory and model stay as they are for as long as the handle is used.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_load(
    memory: *mut c_void,
    memory_bytes: usize,
    model: *const u8,
    model_bytes: usize,
    handle: *mut *mut KindlingHandle,
    refused_layer: *mut usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let loaded = unsafe {
        prepare(memory, memory_bytes, handle).and_then(|room| load(room, model, model_bytes))
    };
    let layer = match loaded {
        Err(Refusal { layer: Some(layer), .. }) => layer as usize,
        _ => usize::MAX,
    };
    // SAFETY: null, where nothing is written, or room for the values by the caller's promise.
    unsafe {
        let _ = memory::put(refused_layer, layer);
        told(
            loaded.map_err(|refusal| refusal.status).and_then(|loaded| memory::put(handle, loaded)),
        )
    }
}

/// The name of the part that a model needs and this library was built without, which is the feature
/// of `infer` to turn on: after `kindling_load` has given `KINDLING_STATUS_PART_NOT_BUILT`, and
/// with its arguments. Null when no part is missing, or when another status comes before.
///
/// The model is loaded once more, so this takes as long, and the memory holds no handle after it.
///
/// # Safety
/// As `kindling_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_missing_part(
    memory: *mut c_void,
    memory_bytes: usize,
    model: *const u8,
    model_bytes: usize,
) -> *const c_char {
    let mut handle = ptr::null_mut();
    // SAFETY: as this function's.
    let loaded = unsafe {
        let loaded = prepare(memory, memory_bytes, &raw mut handle)
            .and_then(|room| load(room, model, model_bytes));
        let _ = prepare(memory, memory_bytes, &raw mut handle);
        loaded
    };
    let part = loaded.err().and_then(|refusal| refusal.part);
    let name = part.and_then(|part| PART_NAMES.iter().find(|(named, _)| *named == part));
    name.map_or(ptr::null(), |(_, name)| name.as_ptr().cast())
}

/// Every part, with its name as C has it.
static PART_NAMES: [(Feature, [u8; PART_NAME_BYTES]); Feature::ALL.len()] = {
    let mut names = [(Feature::Direct, [0; PART_NAME_BYTES]); Feature::ALL.len()];
    let mut part = 0;
    while part < names.len() {
        names[part].0 = Feature::ALL[part];
        let name = Feature::ALL[part].name().as_bytes();
        // One byte is left: 0 ends the text.
        assert!(name.len() < PART_NAME_BYTES);
        let mut at = 0;
        while at < name.len() {
            names[part].1[at] = name[at];
            at += 1;
        }
        part += 1;
    }
    names
};

/// Bytes of a part's name, with the 0 at its end.
const PART_NAME_BYTES: usize = 24;

/// `kindling_load` for the model that is built into the library: nothing is checked, since it was
/// checked when the library was built. The handle needs room for no layer, so `memory` has
/// `KINDLING_HANDLE_BYTES(0)` bytes.
///
/// # Safety
/// As `kindling_load`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_load_built_in(
    memory: *mut c_void,
    memory_bytes: usize,
    handle: *mut *mut KindlingHandle,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let loaded = unsafe { prepare(memory, memory_bytes, handle) }.and_then(|room| {
        let network = built_in::NETWORK.ok_or(Status::NoBuiltInModel)?;
        // SAFETY: the room is the caller's memory, and the network is a constant, layers and all.
        Ok(unsafe { room.become_loaded(&[], 0, network, 0) })
    });
    // SAFETY: room for a pointer by the caller's promise.
    let put = |loaded| unsafe { memory::put(handle, loaded) };
    told(loaded.map_err(|refusal| refusal.status).and_then(put))
}

/// Tells what the model of a handle needs, takes and gives.
///
/// # Safety
/// `handle` is null, or points to `KINDLING_HANDLE_BYTES(0)` bytes that can be read; `info` is null
/// or has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_info(
    handle: *mut KindlingHandle,
    info: *mut KindlingInfo,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let opened = unsafe { Opened::new(handle) };
    // SAFETY: room for the sizes by the caller's promise.
    told(opened.and_then(|opened| unsafe { memory::put(info, info_of(&opened.network())) }))
}

fn info_of(network: &Network<'_>) -> KindlingInfo {
    let (image, interface) = (network.image_shape(), network.input().interface);
    KindlingInfo {
        arena_bytes: network.arena_bytes(),
        input_values: image.len(),
        row_values: image.row_len(),
        rows: image.height as usize,
        output_values: network.classes(),
        outputs: network.outputs().len(),
        layers: network.layers().len(),
        takes: match interface.takes {
            ValueType::Pixels => KindlingInput::U8,
            ValueType::Int8 => KindlingInput::I8,
            ValueType::Reals => KindlingInput::F32,
        },
        gives: match interface.gives {
            OutputType::Scores => KindlingOutput::Scores,
            OutputType::Reals => KindlingOutput::Reals,
            OutputType::Reconstruction => KindlingOutput::Reconstruction,
        },
    }
}

/// Why a model was not loaded.
struct Refusal {
    status: Status,
    layer: Option<u8>,
    part: Option<Feature>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self { status, layer: None, part: None }
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        let layer = match error {
            ModelError::Layer { index, .. } => Some(index),
            _ => None,
        };
        Self { status: error.into(), layer, part: error.left_out() }
    }
}

/// Has `*handle` be null, and the memory hold no handle.
///
/// # Safety
/// As [`kindling_load`].
unsafe fn prepare(
    memory: *mut c_void,
    bytes: usize,
    handle: *mut *mut KindlingHandle,
) -> Result<Room, Refusal> {
    // SAFETY: as this function's.
    let room = unsafe {
        memory::put(handle, ptr::null_mut())?;
        Room::new(memory, bytes)?
    };
    room.span()?.apart(Span::of(handle.cast::<u8>(), size_of::<*mut KindlingHandle>())?)?;
    Ok(room)
}

/// Loads a model into the room.
///
/// # Safety
/// As [`kindling_load`].
unsafe fn load(
    room: Room,
    model: *const u8,
    model_bytes: usize,
) -> Result<*mut KindlingHandle, Refusal> {
    room.span()?.apart(Span::of(model, model_bytes)?)?;
    if !model.addr().is_multiple_of(KINDLING_ALIGNMENT_BYTES) {
        return Err(Status::ModelMisaligned.into());
    }
    // SAFETY: readable, and unchanged for as long as the handle is used, by the caller's promise.
    let file: &'static [u8] = unsafe { memory::read(model, model_bytes) }?;
    // SAFETY: the room is the caller's memory, and nothing else refers to it yet.
    let layers = unsafe { room.layers() };
    let loaded = Model::from_bytes_into(file, layers)?;
    let (count, checksum) = (loaded.layers().len(), Header::read(file)?.checksum);
    // SAFETY:
    // - the network borrows the model in the room, the layers after it, and the file;
    // - all of these stay as they are, by the caller's promise.
    Ok(unsafe {
        let network = room.hold(loaded);
        room.become_loaded(file, checksum, network, count)
    })
}
