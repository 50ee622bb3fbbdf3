//! Outputs of what ran last.

use infer::{OutputType, Reals, Scores, Session, Value};

use crate::handle::{KindlingHandle, Opened, Work};
use crate::memory::{self, Span};
use crate::status::{KindlingStatus as Status, KindlingStatus, told};
use crate::stream::stream_of;

/// Tells how many values output number `output` has, from 0 on; of a stream, in each row. It can be
/// asked at any time, and answers by the model.
///
/// # Safety
/// As `kindling_info`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_output_values(
    handle: *mut KindlingHandle,
    output: usize,
    values: *mut usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let opened = unsafe { Opened::new(handle) };
    let found = opened.and_then(|mut opened| {
        let is_stream = matches!(opened.work(), Work::Stream);
        let network = opened.network();
        let tensor = network.outputs().get(output).and_then(|at| network.tensor(*at as usize));
        let shape = tensor.ok_or(Status::WrongOutput)?.shape;
        Ok(if is_stream { shape.row_len() } else { shape.len() })
    });
    // SAFETY: null or room for a size by the caller's promise.
    told(found.and_then(|found| unsafe { memory::put(values, found) }))
}

/// Writes the int8 scores of output number `output`, and to `best`, which may be null, the class
/// with the highest, the first of several equal ones. `values` is the room at `scores`: as many as
/// there are classes, or more.
///
/// # Safety
/// As `kindling_run_u8`; pointers are null or have the stated room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_scores(
    handle: *mut KindlingHandle,
    output: usize,
    scores: *mut i8,
    values: usize,
    best: *mut usize,
) -> KindlingStatus {
    let copy = |found: Scores<'_>, to: &mut [i8]| {
        for (to, value) in to.iter_mut().zip(found.values()) {
            *to = *value;
        }
        // SAFETY: null, where nothing is written, or room for a class by the caller's promise.
        let _ = unsafe { memory::put(best, found.class()) };
    };
    // SAFETY: as this function's.
    told(unsafe { read(handle, output, (scores, values), |_| true, copy) })
}

/// Writes the probabilities of the classes, which add up to 1: of an output of scores. Arguments
/// are those of `kindling_scores`.
///
/// # Safety
/// As `kindling_scores`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_probabilities(
    handle: *mut KindlingHandle,
    output: usize,
    probabilities: *mut f32,
    values: usize,
) -> KindlingStatus {
    let copy = |found: Scores<'_>, to: &mut [f32]| {
        for (to, value) in to.iter_mut().zip(found.probabilities()) {
            *to = value;
        }
    };
    let is_right = |gives| gives == OutputType::Scores;
    // SAFETY: as this function's.
    told(unsafe { read(handle, output, (probabilities, values), is_right, copy) })
}

/// Writes the real values of an output: of a model that gives real values, or its input once more.
/// Arguments are those of `kindling_scores`.
///
/// # Safety
/// As `kindling_scores`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_reals(
    handle: *mut KindlingHandle,
    output: usize,
    reals: *mut f32,
    values: usize,
) -> KindlingStatus {
    let copy = |found: Scores<'_>, to: &mut [f32]| {
        for (to, value) in to.iter_mut().zip(Reals::new(found).iter()) {
            *to = value;
        }
    };
    let is_right = |gives| gives != OutputType::Scores;
    // SAFETY: as this function's.
    told(unsafe { read(handle, output, (reals, values), is_right, copy) })
}

/// Writes how far the input that a model gave once more is from the input of its last run, which is
/// `values` pixels at `input`: the mean of the squared differences between real values. What lies
/// above `kindling_threshold` is unlike what the model was trained on. A stream, whose input is
/// nowhere whole, has `KINDLING_STATUS_WRONG_OUTPUT`.
///
/// # Safety
/// As `kindling_run_u8`; `error` is null or has room for a `float`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_error_u8(
    handle: *mut KindlingHandle,
    input: *const u8,
    values: usize,
    error: *mut f32,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { put_error(handle, (input, values), error) })
}

/// `kindling_error_u8` of a run on `int8_t` values.
///
/// # Safety
/// As `kindling_error_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_error_i8(
    handle: *mut KindlingHandle,
    input: *const i8,
    values: usize,
    error: *mut f32,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { put_error(handle, (input, values), error) })
}

/// `kindling_error_u8` of a run on real values.
///
/// # Safety
/// As `kindling_error_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_error_f32(
    handle: *mut KindlingHandle,
    input: *const f32,
    values: usize,
    error: *mut f32,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { put_error(handle, (input, values), error) })
}

/// Writes the error above which an input is unlike those that the model was trained on: of a model
/// that gives its input once more. A model whose file has none, such as one that is built in, has
/// `KINDLING_STATUS_WRONG_OUTPUT`.
///
/// # Safety
/// As `kindling_info`; `threshold` is null or has room for a `float`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_threshold(
    handle: *mut KindlingHandle,
    threshold: *mut f32,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let opened = unsafe { Opened::new(handle) };
    let found = opened.and_then(|opened| {
        opened.apart(Span::of(threshold, 1)?)?;
        opened.metadata().threshold().ok_or(Status::WrongOutput)
    });
    // SAFETY: null or room for the value by the caller's promise.
    told(found.and_then(|found| unsafe { memory::put(threshold, found) }))
}

/// # Safety
/// As [`kindling_error_u8`].
unsafe fn put_error<V: Value>(
    handle: *mut KindlingHandle,
    (input, values): (*const V, usize),
    error: *mut f32,
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, input) = unsafe {
        let opened = Opened::new(handle)?;
        opened.apart(Span::of(input, values)?)?;
        opened.apart(Span::of(error, 1)?)?;
        (opened, memory::read(input, values)?)
    };
    let found = match opened.work() {
        // Its rows lie nowhere together.
        Work::Stream => return Err(Status::WrongOutput),
        Work::Finished => {
            let (arena, bytes) = opened.last_arena();
            // SAFETY: the arena is the handle's until the outputs are read: the caller's promise.
            let arena = unsafe { memory::write(arena, bytes) }?;
            Session::new(opened.network(), arena)?.reconstruction_error(input)?
        }
        Work::Nothing => return Err(Status::NotBegun),
        _ => return Err(Status::NotFinished),
    };
    // SAFETY: null or room for the value by the caller's promise.
    unsafe { memory::put(error, found) }
}

/// Has an output copied to where there is room for it, if `is_right` says so of what the model
/// gives, which is the first output.
///
/// # Safety
/// As [`kindling_scores`].
unsafe fn read<T>(
    handle: *mut KindlingHandle,
    output: usize,
    (to, values): (*mut T, usize),
    is_right: impl FnOnce(OutputType) -> bool,
    copy: impl FnOnce(Scores<'_>, &mut [T]),
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, to) = unsafe {
        let opened = Opened::new(handle)?;
        opened.apart(Span::of(to, values)?)?;
        (opened, memory::write(to, values)?)
    };
    if output == 0 && !is_right(opened.network().input().interface.gives) {
        return Err(Status::WrongOutput);
    }
    let copy_if_it_fits = |found: Option<Scores<'_>>| {
        let found = found.ok_or(Status::WrongOutput)?;
        let to = to.get_mut(..found.values().len()).ok_or(Status::OutputTooSmall)?;
        copy(found, to);
        Ok(())
    };
    match opened.work() {
        Work::Finished => {
            let (arena, bytes) = opened.last_arena();
            // SAFETY: the arena is the handle's until the outputs are read: the caller's promise.
            let arena = unsafe { memory::write(arena, bytes) }?;
            copy_if_it_fits(Session::new(opened.network(), arena)?.output(output))
        }
        Work::Stream => {
            if output >= opened.network().outputs().len() {
                return Err(Status::WrongOutput);
            }
            let found = stream_of(&mut opened)?.output(output).ok_or(Status::NotFinished)?;
            copy_if_it_fits(Some(found))
        }
        Work::Nothing => Err(Status::NotBegun),
        _ => Err(Status::NotFinished),
    }
}
