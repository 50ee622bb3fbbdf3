//! Slices of C's pointers, checked as far as a pointer can be.

use core::slice;

use crate::status::KindlingStatus as Status;

/// Where a part of memory lies.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    start: usize,
    bytes: usize,
}

impl Span {
    /// The bytes of `len` values.
    ///
    /// # Errors
    /// A null pointer, one that is not aligned for the type, and more bytes than memory has.
    pub(crate) fn of<T>(pointer: *const T, len: usize) -> Result<Self, Status> {
        if pointer.is_null() {
            return Err(Status::NullPointer);
        }
        if !pointer.is_aligned() {
            return Err(Status::ValuesMisaligned);
        }
        let (start, bytes) = (pointer.addr(), len.checked_mul(size_of::<T>()));
        let fits = |bytes: &usize| *bytes <= isize::MAX as usize && start <= usize::MAX - *bytes;
        bytes.filter(fits).map(|bytes| Self { start, bytes }).ok_or(Status::WrongSize)
    }

    /// Whether two parts share no byte.
    ///
    /// # Errors
    /// They do.
    pub(crate) fn apart(self, other: Self) -> Result<(), Status> {
        let is_before = |first: Self, second: Self| second.start - first.start >= first.bytes;
        let apart = match self.start <= other.start {
            true => is_before(self, other),
            false => is_before(other, self),
        };
        if apart { Ok(()) } else { Err(Status::Overlap) }
    }
}

/// The values at `pointer`.
///
/// # Safety
/// Null, or `len` values that can be read, and that nobody changes during `'a`.
///
/// # Errors
/// As [`Span::of`].
pub(crate) unsafe fn read<'a, T>(pointer: *const T, len: usize) -> Result<&'a [T], Status> {
    Span::of(pointer, len)?;
    // SAFETY:
    // - not null, aligned and of a size that memory can have: `Span::of` has checked it;
    // - readable and unchanged by the caller's promise;
    // - of any bytes a valid value: only integers and floats are read.
    Ok(unsafe { slice::from_raw_parts(pointer, len) })
}

/// The values at `pointer`, to be written.
///
/// # Safety
/// Null, or `len` values that can be written, and that are the caller's alone during `'a`.
///
/// # Errors
/// As [`Span::of`].
pub(crate) unsafe fn write<'a, T>(pointer: *mut T, len: usize) -> Result<&'a mut [T], Status> {
    Span::of(pointer, len)?;
    // SAFETY:
    // - not null, aligned and of a size that memory can have: `Span::of` has checked it;
    // - writable and not aliased by the caller's promise;
    // - of any bytes a valid value: only integers and floats are written.
    Ok(unsafe { slice::from_raw_parts_mut(pointer, len) })
}

/// Writes a value to an address that need not be aligned.
///
/// # Safety
/// Null, or room for the value.
///
/// # Errors
/// A null pointer.
pub(crate) unsafe fn put<T>(pointer: *mut T, value: T) -> Result<(), Status> {
    if pointer.is_null() {
        return Err(Status::NullPointer);
    }
    // SAFETY: not null, and room for the value by the caller's promise; it need not be aligned.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}
