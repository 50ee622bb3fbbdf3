//! A run: at once, or step by step with other work in between.

use core::mem;

use infer::{Native, Run, Session, Value};

use crate::handle::{KindlingHandle, Opened, Work};
use crate::memory::{self, Span};
use crate::status::{KindlingStatus as Status, KindlingStatus, told};

/// Runs the model on `values` pixels at `input`, rows * columns * channels of them, 0 is black. The
/// model is not checked again. The outputs are then read by `kindling_scores`,
/// `kindling_probabilities` or `kindling_reals`; they lie in the arena, which belongs to the handle
/// until they are read. Before that and after it the arena may hold anything.
///
/// `arena_bytes` is what `kindling_info` says, or more, at a multiple of
/// `KINDLING_ALIGNMENT_BYTES`. What was under way with the handle ends.
///
/// # Safety
/// `handle` is null, or points to `KINDLING_HANDLE_FIXED_BYTES` bytes that can be read, which are
/// a loaded handle's if their contents say so. Other pointers are null or point to memory of the
/// stated size. Nobody else uses handle, arena and input during the call, nor the arena until the
/// outputs are read; the model is what was loaded.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_run_u8(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const u8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { run(handle, (arena, arena_bytes), (input, values)) })
}

/// `kindling_run_u8` on `int8_t` values, with the scale and the zero point of the model's input.
///
/// # Safety
/// As `kindling_run_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_run_i8(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const i8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { run(handle, (arena, arena_bytes), (input, values)) })
}

/// `kindling_run_u8` on real values, which the library scales channel by channel and rounds.
///
/// # Safety
/// As `kindling_run_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_run_f32(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const f32,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { run(handle, (arena, arena_bytes), (input, values)) })
}

/// Begins a run on pixels that goes on by `kindling_step`. Arguments are those of
/// `kindling_run_u8`. Arena and input belong to the handle until the run has ended, the arena until
/// the outputs are read. Any other run, image or stream of the handle ends it.
///
/// # Safety
/// As `kindling_run_u8`; nobody else uses arena and input until the run has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_begin_u8(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const u8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { begin(handle, (arena, arena_bytes), (input, values), Work::RunU8) })
}

/// `kindling_begin_u8` on `int8_t` values.
///
/// # Safety
/// As `kindling_begin_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_begin_i8(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const i8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { begin(handle, (arena, arena_bytes), (input, values), Work::RunI8) })
}

/// `kindling_begin_u8` on real values.
///
/// # Safety
/// As `kindling_begin_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_begin_f32(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
    input: *const f32,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { begin(handle, (arena, arena_bytes), (input, values), Work::RunF32) })
}

/// Does one step of the run that was begun: a layer, or some rows of one. `*more` is false when
/// there was nothing left to do; `kindling_finish` then ends the run.
///
/// # Safety
/// As `kindling_begin_u8`; `more` is null or has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_step(
    handle: *mut KindlingHandle,
    more: *mut bool,
) -> KindlingStatus {
    // SAFETY: as this function's.
    let stepped = unsafe { Opened::new(handle) }.and_then(|mut opened| step(opened.work()));
    // SAFETY: null or room for a bool by the caller's promise.
    told(stepped.and_then(|is_left| unsafe { memory::put(more, is_left) }))
}

/// Ends a run by steps, or an image that came row by row: its outputs can be read. Where steps are
/// left (`KINDLING_STATUS_NOT_FINISHED`) or rows are missing (`KINDLING_STATUS_TOO_FEW_ROWS`) it
/// changes nothing.
///
/// # Safety
/// As `kindling_begin_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_finish(handle: *mut KindlingHandle) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { Opened::new(handle) }.and_then(|mut opened| finish(opened.work())))
}

/// # Safety
/// As [`kindling_run_u8`].
unsafe fn run<V: Value>(
    handle: *mut KindlingHandle,
    (arena, arena_bytes): (*mut i8, usize),
    (input, values): (*const V, usize),
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, arena, input) = unsafe {
        let mut opened = Opened::new(handle)?;
        let arena = opened.arena(arena, arena_bytes)?;
        opened.apart(Span::of(input, values)?)?;
        (opened, arena, memory::read(input, values)?)
    };
    let mut session = Session::new(opened.network(), arena)?;
    session.run_with::<Native>(input, &mut ())?;
    *opened.work() = Work::Finished;
    Ok(())
}

/// # Safety
/// As [`kindling_begin_u8`].
unsafe fn begin<V: Value>(
    handle: *mut KindlingHandle,
    (arena, arena_bytes): (*mut i8, usize),
    (input, values): (*const V, usize),
    work: fn(Run<'static, 'static, 'static, V>) -> Work,
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, arena, input) = unsafe {
        let mut opened = Opened::new(handle)?;
        let arena = opened.arena(arena, arena_bytes)?;
        opened.apart(Span::of(input, values)?)?;
        (opened, arena, memory::read(input, values)?)
    };
    let session = opened.hold(Session::new(opened.network(), arena)?);
    *opened.work() = work(session.begin(input)?);
    Ok(())
}

fn step(work: &mut Work) -> Result<bool, Status> {
    match work {
        Work::RunU8(run) => Ok(run.step()),
        Work::RunI8(run) => Ok(run.step()),
        Work::RunF32(run) => Ok(run.step()),
        _ => Err(Status::NotBegun),
    }
}

fn finish(work: &mut Work) -> Result<(), Status> {
    check_end(work)?;
    let is_whole = match mem::replace(work, Work::Nothing) {
        Work::RunU8(run) => run.scores().is_some(),
        Work::RunI8(run) => run.scores().is_some(),
        Work::RunF32(run) => run.scores().is_some(),
        Work::RowsU8(rows) => rows.finish().is_ok(),
        Work::RowsI8(rows) => rows.finish().is_ok(),
        Work::RowsF32(rows) => rows.finish().is_ok(),
        Work::Nothing | Work::Finished | Work::Stream => false,
    };
    if !is_whole {
        return Err(Status::NotLoaded);
    }
    *work = Work::Finished;
    Ok(())
}

/// Whether what is under way can end.
fn check_end(work: &Work) -> Result<(), Status> {
    let (come, rows) = match work {
        Work::RunU8(run) => return over(run.is_over()),
        Work::RunI8(run) => return over(run.is_over()),
        Work::RunF32(run) => return over(run.is_over()),
        Work::RowsU8(rows) => (rows.come(), rows.image_rows()),
        Work::RowsI8(rows) => (rows.come(), rows.image_rows()),
        Work::RowsF32(rows) => (rows.come(), rows.image_rows()),
        Work::Nothing | Work::Finished | Work::Stream => return Err(Status::NotBegun),
    };
    if come < rows { Err(Status::TooFewRows) } else { Ok(()) }
}

const fn over(is_over: bool) -> Result<(), Status> {
    if is_over { Ok(()) } else { Err(Status::NotFinished) }
}
