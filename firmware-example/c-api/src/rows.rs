//! An image that comes row by row, and is never in memory.

use infer::{Rows, Session, Value, ValueType};

use crate::handle::{KindlingHandle, Opened, Work};
use crate::memory::{self, Span};
use crate::status::{KindlingStatus as Status, KindlingStatus, told};

/// The image whose rows are waited for.
type Waited<'w, V> = Result<&'w mut Rows<'static, 'static, 'static, V>, Status>;

/// Begins a run on an image whose rows come one by one, by `kindling_push_row_u8` or the function
/// for the type that the model takes. `kindling_finish` ends it. The outputs are those of a run on
/// the whole image.
///
/// The arena is that of `kindling_run_u8`, and belongs to the handle until the outputs are read.
///
/// # Safety
/// As `kindling_begin_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_begin_rows(
    handle: *mut KindlingHandle,
    arena: *mut i8,
    arena_bytes: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { begin(handle, arena, arena_bytes) })
}

/// Takes the next row of the image, columns * channels pixels, and does the work that it makes
/// possible. The row is the caller's again after the call. A row of the wrong size or type, or one
/// too many, changes nothing.
///
/// # Safety
/// As `kindling_begin_rows`; `row` is null or points to memory of the stated size.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_row_u8(
    handle: *mut KindlingHandle,
    row: *const u8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, rows_u8) })
}

/// `kindling_push_row_u8` of `int8_t` values.
///
/// # Safety
/// As `kindling_push_row_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_row_i8(
    handle: *mut KindlingHandle,
    row: *const i8,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, rows_i8) })
}

/// `kindling_push_row_u8` of real values.
///
/// # Safety
/// As `kindling_push_row_u8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn kindling_push_row_f32(
    handle: *mut KindlingHandle,
    row: *const f32,
    values: usize,
) -> KindlingStatus {
    // SAFETY: as this function's.
    told(unsafe { push(handle, row, values, rows_f32) })
}

/// # Safety
/// As [`kindling_begin_rows`].
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
    let network = opened.network();
    let session = opened.hold(Session::new(network, arena)?);
    *opened.work() = match network.input().interface.takes {
        ValueType::Pixels => Work::RowsU8(session.begin_rows()?),
        ValueType::Int8 => Work::RowsI8(session.begin_rows()?),
        ValueType::Reals => Work::RowsF32(session.begin_rows()?),
    };
    Ok(())
}

/// # Safety
/// As [`kindling_push_row_u8`].
unsafe fn push<V: Value>(
    handle: *mut KindlingHandle,
    row: *const V,
    values: usize,
    of: fn(&mut Work) -> Waited<'_, V>,
) -> Result<(), Status> {
    // SAFETY: as this function's.
    let (mut opened, row) = unsafe {
        let opened = Opened::new(handle)?;
        opened.apart(Span::of(row, values)?)?;
        (opened, memory::read(row, values)?)
    };
    Ok(of(opened.work())?.push(row)?)
}

fn rows_u8(work: &mut Work) -> Waited<'_, u8> {
    match work {
        Work::RowsU8(rows) => Ok(rows),
        other => Err(refusal(other)),
    }
}

fn rows_i8(work: &mut Work) -> Waited<'_, i8> {
    match work {
        Work::RowsI8(rows) => Ok(rows),
        other => Err(refusal(other)),
    }
}

fn rows_f32(work: &mut Work) -> Waited<'_, f32> {
    match work {
        Work::RowsF32(rows) => Ok(rows),
        other => Err(refusal(other)),
    }
}

/// Why a row is refused where none of its type is waited for.
fn refusal(work: &Work) -> Status {
    match work {
        Work::RowsU8(_) | Work::RowsI8(_) | Work::RowsF32(_) => Status::WrongType,
        _ => Status::NotBegun,
    }
}
