//! Rows without end: a row goes in, an output comes whenever there is one.

use infer::{Stream, Value};

use crate::handle::{KindlingHandle, Opened, Work};
use crate::memory::{self, Span};
use crate::status::{KindlingStatus as Status, KindlingStatus, told};

/// Most layers of a model that runs as a stream.
pub const KINDLING_STREAM_LAYERS: usize = 32;

/// Bytes of a stream in a handle, beside those of its layers: see `KINDLING_STREAM_HANDLE_BYTES`.
pub const KINDLING_STREAM_BYTES: usize = 432;

/// A stream in a handle.
pub(crate) type Streaming = Stream<'static, 'static, KINDLING_STREAM_LAYERS>;

#[cfg(target_pointer_width = "32")]
const _: () = assert!(size_of::<Streaming>() + align_of::<Streaming>() <= KINDLING_STREAM_BYTES);

/// Begins a stream, of a model that is planned for that, in a handle whose memory has
/// `KINDLING_STREAM_HANDLE_BYTES` bytes: its first row is next. That the model can stream is proved
/// here, once, which takes a while.
///
/// The arena is that of `kindling_run_u8`, and belongs to the handle until another run begins.
///
/// # Safety
/// As `kindling_begin_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_begin_stream(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { begin(handle, arena, arena_bytes) })
}

/// Takes the next row of a stream, columns * channels pixels, and does the work that it makes
/// possible. `*has_output` says whether the row completes an output, which is then read by
/// `kindling_scores` and the like, before the next row. The row is the caller's again after the
/// call. One of the wrong size or type changes nothing.
///
/// # Safety
/// As `kindling_begin_stream`; `row` is null or points to memory of the stated size, `has_output`
/// is null or has room.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_u8(
    handle: *mut KindlingHandle,
    row: *const u8,
    values: usize,
    has_output: *mut bool,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, has_output) })
}

/// `kindling_push_u8` of `int8_t` values.
///
/// # Safety
/// As `kindling_push_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_i8(
    handle: *mut KindlingHandle,
    row: *const i8,
    values: usize,
    has_output: *mut bool,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, has_output) })
}

/// `kindling_push_u8` of real values.
///
/// # Safety
/// As `kindling_push_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_f32(
    handle: *mut KindlingHandle,
    row: *const f32,
    values: usize,
    has_output: *mut bool,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, has_output) })
}

/// Forgets all rows of a stream: the next one is its first.
///
/// # Safety
/// As `kindling_begin_stream`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_reset_stream(handle: *mut KindlingHandle) -> KindlingStatus {
    // SAFETY: as this function's.
    let opened = unsafe { Opened::new(handle) };
    told(opened.and_then(|mut opened| {
        let stream = stream_of(&mut opened)?;
        stream.reset();
        Ok(())
    }))
}

/// # Safety
/// As [`kindling_begin_stream`].
unsafe fn begin(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, arena) = unsafe {
        let mut opened = Opened::new(handle)?;
        let arena = opened.arena(arena, arena_bytes)?;
        (opened, arena)
    };
    let room = opened.room_after::<Streaming>()?;
    let stream = Streaming::new(opened.network(), arena)?;
    // SAFETY: room for a stream, aligned, which nothing else in the handle uses.
    unsafe { room.write(stream) };
    *opened.work() = Work::Stream;
    Ok(())
}

/// # Safety
/// As [`kindling_push_u8`].
unsafe fn push<V: Value>(
    handle: *mut KindlingHandle,
    row: *const V,
    values: usize,
    has_output: *mut bool,
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, row) = unsafe {
        let opened = Opened::new(handle)?;
        opened.apart(Span::of(row, values)?)?;
        // Where there is no room for the answer, no row is lost.
        memory::put(has_output, false)?;
        (opened, memory::read(row, values)?)
    };
    let is_complete = stream_of(&mut opened)?.push(row)?.is_some();
    // SAFETY: room for a bool by the caller's promise.
    unsafe { memory::put(has_output, is_complete) }
}

/// The stream that is under way.
pub(crate) fn stream_of(opened: &mut Opened) -> Result<&mut Streaming, Status> {
    if !matches!(opened.work(), Work::Stream) {
        return Err(Status::NotBegun);
    }
    let mut stream = opened.room_after::<Streaming>()?;
    // SAFETY:
    // - a stream lies here while `work` says so;
    // - it is borrowed for as long as `opened` is, and nothing else refers to it.
    Ok(unsafe { stream.as_mut() })
}
