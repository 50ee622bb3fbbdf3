//! `infer` for C: check a model, run it. The caller owns all memory; nothing here keeps any between
//! two calls.

#![no_std]
#![deny(missing_docs)]

use core::panic::PanicInfo;
use core::slice;

use infer::{Model, Native, Session, Table};

/// Layers of the largest model that is let in: they lie on the stack during a call, 88 bytes each.
const LAYERS: usize = 32;

/// How a call ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KindlingStatus {
    /// It did what was asked.
    Ok = 0,
    /// A pointer is null.
    NullPointer = 1,
    /// The file is no model, or a damaged one.
    BadModel = 2,
    /// The arena is too small, or its address is no multiple of 16.
    BadArena = 3,
    /// The image has another size than the model's.
    BadImage = 4,
    /// There is not room for all scores.
    BadScores = 5,
}

/// What a model needs and gives.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindlingSizes {
    /// Bytes of working memory.
    pub arena_bytes: usize,
    /// Bytes of an image: rows of pixels, 8 bits per value.
    pub image_bytes: usize,
    /// Number of scores.
    pub classes: usize,
}

/// Checks the model of `model_bytes` bytes at `model`, an address that is a multiple of 16, and
/// tells its sizes.
///
/// # Safety
/// Pointers are null or point to memory of the stated size, which nobody changes during the call.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_sizes(
    model: *const u8,
    model_bytes: usize,
    sizes: *mut KindlingSizes,
) -> KindlingStatus {
    if model.is_null() || sizes.is_null() {
        return KindlingStatus::NullPointer;
    }
    // SAFETY: not null, and of the stated size by the caller's promise.
    let file = unsafe { slice::from_raw_parts(model, model_bytes) };
    let mut table = Table::<LAYERS>::new();
    let Ok(model) = Model::from_bytes(file, &mut table) else { return KindlingStatus::BadModel };
    let found = KindlingSizes {
        arena_bytes: model.arena_bytes(),
        image_bytes: model.image_shape().len(),
        classes: model.classes(),
    };
    // SAFETY: not null, and room for the sizes by the caller's promise.
    unsafe { sizes.write(found) };
    KindlingStatus::Ok
}

/// Classifies one image: writes the int8 scores, one for each class, and the class with the
/// highest. The model is checked in every call, which takes some instructions for each of its
/// bytes.
///
/// # Safety
/// As `kindling_sizes`; `arena`, `scores` and `best` are the caller's alone during the call.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "C has no slices")]
pub unsafe extern "C" fn kindling_run(
    model: *const u8,
    model_bytes: usize,
    arena: *mut i8,
    arena_bytes: usize,
    image: *const u8,
    image_bytes: usize,
    scores: *mut i8,
    scores_len: usize,
    best: *mut usize,
) -> KindlingStatus {
    if model.is_null() || arena.is_null() || image.is_null() || scores.is_null() || best.is_null() {
        return KindlingStatus::NullPointer;
    }
    // SAFETY: none is null, each is of the stated size and not aliased, by the caller's promise.
    let (file, arena, image, scores, best) = unsafe {
        (
            slice::from_raw_parts(model, model_bytes),
            slice::from_raw_parts_mut(arena, arena_bytes),
            slice::from_raw_parts(image, image_bytes),
            slice::from_raw_parts_mut(scores, scores_len),
            &mut *best,
        )
    };
    match run(file, arena, image, scores) {
        Ok(class) => {
            *best = class;
            KindlingStatus::Ok
        }
        Err(status) => status,
    }
}

fn run(
    file: &[u8],
    arena: &mut [i8],
    image: &[u8],
    to: &mut [i8],
) -> Result<usize, KindlingStatus> {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(file, &mut table).map_err(|_| KindlingStatus::BadModel)?;
    let mut session = Session::new(&model, arena).map_err(|_| KindlingStatus::BadArena)?;
    let scores =
        session.run_stored::<Native>(image, &mut ()).map_err(|_| KindlingStatus::BadImage)?;
    let values = scores.values();
    to.get_mut(..values.len()).ok_or(KindlingStatus::BadScores)?.copy_from_slice(values);
    Ok(scores.class())
}

/// Nothing above can panic: `./ci.sh no-panic` proves it of `infer`.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
