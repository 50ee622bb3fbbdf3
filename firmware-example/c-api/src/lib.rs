//! `infer` for C: check a model, run it. The caller owns all memory; nothing here keeps any between
//! two calls.

#![no_std]
#![deny(missing_docs)]

use core::ffi::c_void;
use core::panic::PanicInfo;
use core::slice;

use infer::{Model, Native, Session, Stream, Table};

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
    /// The model cannot run as a stream, or is not planned for that.
    NotAStream = 6,
}

/// Writes the next row of an image or of a stream to `row`, the pixels of all its columns; false
/// when there is none.
pub type KindlingNextRow = Option<unsafe extern "C" fn(context: *mut c_void, row: *mut u8) -> bool>;

/// Is given an output of a stream: its int8 scores, and the class with the highest.
pub type KindlingOnScores =
    Option<unsafe extern "C" fn(context: *mut c_void, scores: *const i8, len: usize, best: usize)>;

/// What a model needs and gives.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindlingSizes {
    /// Bytes of working memory.
    pub arena_bytes: usize,
    /// Bytes of an image: rows of pixels, 8 bits per value.
    pub image_bytes: usize,
    /// Bytes of a row of the image.
    pub row_bytes: usize,
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
        row_bytes: model.image_shape().row_len(),
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

/// `kindling_run` on an image that is never in memory: `next_row` is called for each of its rows,
/// with `row` and `context`. Too few rows are a bad image, as is a `row_bytes` that is not the
/// bytes of a row.
///
/// # Safety
/// As `kindling_run`; `row` is the caller's alone, and `next_row` writes no more than `row_bytes`
/// bytes to it.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "C has no slices")]
pub unsafe extern "C" fn kindling_run_rows(
    model: *const u8,
    model_bytes: usize,
    arena: *mut i8,
    arena_bytes: usize,
    next_row: KindlingNextRow,
    context: *mut c_void,
    row: *mut u8,
    row_bytes: usize,
    scores: *mut i8,
    scores_len: usize,
    best: *mut usize,
) -> KindlingStatus {
    if model.is_null() || arena.is_null() || row.is_null() || scores.is_null() || best.is_null() {
        return KindlingStatus::NullPointer;
    }
    let Some(next_row) = next_row else { return KindlingStatus::NullPointer };
    // SAFETY: none is null, each is of the stated size and not aliased, by the caller's promise.
    let (file, arena, row, scores, best) = unsafe {
        (
            slice::from_raw_parts(model, model_bytes),
            slice::from_raw_parts_mut(arena, arena_bytes),
            slice::from_raw_parts_mut(row, row_bytes),
            slice::from_raw_parts_mut(scores, scores_len),
            &mut *best,
        )
    };
    // SAFETY: the caller's function, called as it promised.
    let next = |row: &mut [u8]| unsafe { next_row(context, row.as_mut_ptr()) };
    match run_rows(file, arena, next, row, scores) {
        Ok(class) => {
            *best = class;
            KindlingStatus::Ok
        }
        Err(status) => status,
    }
}

fn run_rows(
    file: &[u8],
    arena: &mut [i8],
    mut next: impl FnMut(&mut [u8]) -> bool,
    row: &mut [u8],
    to: &mut [i8],
) -> Result<usize, KindlingStatus> {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(file, &mut table).map_err(|_| KindlingStatus::BadModel)?;
    let mut session = Session::new(&model, arena).map_err(|_| KindlingStatus::BadArena)?;
    let mut rows = session.begin_stored_rows::<Native>();
    for _ in 0..rows.image_rows() {
        if !next(row) {
            break;
        }
        rows.push(row).map_err(|_| KindlingStatus::BadImage)?;
    }
    let scores = rows.finish().map_err(|_| KindlingStatus::BadImage)?;
    let values = scores.values();
    to.get_mut(..values.len()).ok_or(KindlingStatus::BadScores)?.copy_from_slice(values);
    Ok(scores.class())
}

/// Runs a model that is planned for streams, until `next_row` gives false: it is called for each
/// row, with `row` and `context`, and `on_scores` for each output.
///
/// # Safety
/// As `kindling_run_rows`; `on_scores` keeps no pointer that it is given.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "C has no slices")]
pub unsafe extern "C" fn kindling_stream(
    model: *const u8,
    model_bytes: usize,
    arena: *mut i8,
    arena_bytes: usize,
    next_row: KindlingNextRow,
    on_scores: KindlingOnScores,
    context: *mut c_void,
    row: *mut u8,
    row_bytes: usize,
) -> KindlingStatus {
    if model.is_null() || arena.is_null() || row.is_null() {
        return KindlingStatus::NullPointer;
    }
    let (Some(next_row), Some(on_scores)) = (next_row, on_scores) else {
        return KindlingStatus::NullPointer;
    };
    // SAFETY: none is null, each is of the stated size and not aliased, by the caller's promise.
    let (file, arena, row) = unsafe {
        (
            slice::from_raw_parts(model, model_bytes),
            slice::from_raw_parts_mut(arena, arena_bytes),
            slice::from_raw_parts_mut(row, row_bytes),
        )
    };
    // SAFETY: the caller's functions, called as it promised.
    let next = |row: &mut [u8]| unsafe { next_row(context, row.as_mut_ptr()) };
    let found = |scores: &[i8], class| unsafe {
        on_scores(context, scores.as_ptr(), scores.len(), class);
    };
    stream(file, arena, next, found, row).err().unwrap_or(KindlingStatus::Ok)
}

fn stream(
    file: &[u8],
    arena: &mut [i8],
    mut next: impl FnMut(&mut [u8]) -> bool,
    mut found: impl FnMut(&[i8], usize),
    row: &mut [u8],
) -> Result<(), KindlingStatus> {
    let mut table = Table::<LAYERS>::new();
    let model = Model::from_bytes(file, &mut table).map_err(|_| KindlingStatus::BadModel)?;
    if arena.len() < model.arena_bytes() {
        return Err(KindlingStatus::BadArena);
    }
    let stream = Stream::<LAYERS>::new(&model, arena);
    let mut stream = stream.map_err(|_| KindlingStatus::NotAStream)?;
    while next(row) {
        let scores = stream.push_stored(row).map_err(|_| KindlingStatus::BadImage)?;
        if let Some(scores) = scores {
            found(scores.values(), scores.class());
        }
    }
    Ok(())
}

/// Nothing above can panic: `./ci.sh no-panic` proves it of `infer`.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}
