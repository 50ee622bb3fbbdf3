//! FlatBuffers, read with every offset, table, vector and string checked before it is used
//! (<https://flatbuffers.dev/internals/>). Nothing recurses: a reader asks for one table after the
//! other.
//!
//! All numbers are little endian and need no alignment here. An offset counts bytes from the place
//! where it stands. A table begins with the distance back to its vtable; the vtable holds its own
//! size, the table's size, and for each field the distance from the table's begin, or 0 where the
//! field is left out.

use std::cell::Cell;

use super::error::{Name, Problem, ReadError};

/// Elements that may be read, for each byte of the file. A file as it is written shares next to
/// nothing, so that an element takes a byte of its own at least. Without a limit a small file could
/// name one vector thousands of times.
const ELEMENTS_PER_BYTE: usize = 2;

/// The bytes of a file, and how much of them may still be read.
pub(super) struct File<'a> {
    bytes: &'a [u8],
    elements_left: Cell<usize>,
}

/// A field of a table: the number of its vtable entry, and its name for messages.
#[derive(Clone, Copy)]
pub(super) struct Field {
    slot: usize,
    name: &'static str,
}

/// A table whose vtable has been checked.
#[derive(Clone, Copy)]
pub(super) struct Table<'f, 'a> {
    file: &'f File<'a>,
    /// Where it begins.
    at: usize,
    /// The entries of its vtable, two bytes each.
    entries: &'a [u8],
    /// Its own size, bytes.
    size: usize,
    name: Name,
}

impl Field {
    pub const fn new(slot: usize, name: &'static str) -> Self {
        Self { slot, name }
    }
}

impl<'a> File<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, elements_left: Cell::new(bytes.len().saturating_mul(ELEMENTS_PER_BYTE)) }
    }

    /// The table that the file's first offset names.
    pub fn root(&self, kind: &'static str) -> Result<Table<'_, 'a>, ReadError> {
        let root = Name::new(kind);
        let at = self.target(0).map_err(|problem| ReadError::new(root, "root", problem))?;
        Table::new(self, at, root, "root")
    }

    fn array<const BYTES: usize>(&self, at: usize) -> Result<[u8; BYTES], Problem> {
        self.slice(at, BYTES).map(|bytes| bytes.try_into().expect("as long as was asked for"))
    }

    fn slice(&self, at: usize, length: usize) -> Result<&'a [u8], Problem> {
        let end = at.checked_add(length);
        end.and_then(|end| self.bytes.get(at..end)).ok_or_else(|| self.outside(at))
    }

    fn outside(&self, offset: usize) -> Problem {
        Problem::Outside { offset, file_bytes: self.bytes.len() }
    }

    fn u16(&self, at: usize) -> Result<usize, Problem> {
        Ok(u16::from_le_bytes(self.array(at)?).into())
    }

    fn u32(&self, at: usize) -> Result<usize, Problem> {
        Ok(u32::from_le_bytes(self.array(at)?) as usize)
    }

    /// Where the offset at `at` leads, which lies inside of the file.
    fn target(&self, at: usize) -> Result<usize, Problem> {
        let target = at.saturating_add(self.u32(at)?);
        if target < self.bytes.len() { Ok(target) } else { Err(self.outside(target)) }
    }

    /// The elements of the vector at `at`, as bytes.
    fn vector(&self, at: usize, element_bytes: usize) -> Result<&'a [u8], Problem> {
        let length = self.u32(at)?;
        let begin = at.saturating_add(4);
        let bytes = length.checked_mul(element_bytes);
        bytes.and_then(|bytes| self.slice(begin, bytes).ok()).ok_or(Problem::Vector {
            length,
            element_bytes,
            offset: at,
            file_bytes: self.bytes.len(),
        })
    }

    /// Counts elements that are about to be taken into memory of ours.
    fn take(&self, elements: usize) -> Result<(), Problem> {
        let left = self.elements_left.get().checked_sub(elements).ok_or(Problem::Shared)?;
        self.elements_left.set(left);
        Ok(())
    }
}

impl<'f, 'a> Table<'f, 'a> {
    /// Checks table and vtable; `field` of the table that names it, for messages.
    fn new(
        file: &'f File<'a>,
        at: usize,
        name: Name,
        field: &'static str,
    ) -> Result<Self, ReadError> {
        let error = |problem| ReadError::new(name, field, problem);
        let [entries, size] = Self::vtable(file, at).map_err(error)?;
        let (size, entries) = (size.len(), entries);
        Ok(Self { file, at, entries, size, name })
    }

    /// The entries of the vtable, and the table's own bytes.
    fn vtable(file: &File<'a>, at: usize) -> Result<[&'a [u8]; 2], Problem> {
        let back = i32::from_le_bytes(file.array(at)?) as i64;
        let vtable = at as i64 - back;
        let vtable =
            usize::try_from(vtable).map_err(|_| Problem::VtableBefore { table: at, back })?;
        let [bytes, size] = [file.u16(vtable)?, file.u16(vtable.saturating_add(2))?];
        if bytes < 4 || bytes % 2 != 0 || size < 4 {
            return Err(Problem::VtableSize { vtable, bytes, table_bytes: size });
        }
        Ok([&file.slice(vtable, bytes)?[4..], file.slice(at, size)?])
    }

    /// An error about a field of this table.
    pub fn error(&self, field: Field, problem: Problem) -> ReadError {
        ReadError::new(self.name, field.name, problem)
    }

    pub fn u8(&self, field: Field, default: u8) -> Result<u8, ReadError> {
        Ok(self.scalar(field)?.map_or(default, u8::from_le_bytes))
    }

    pub fn i8(&self, field: Field, default: i8) -> Result<i8, ReadError> {
        Ok(self.scalar(field)?.map_or(default, i8::from_le_bytes))
    }

    pub fn bool(&self, field: Field) -> Result<bool, ReadError> {
        Ok(self.u8(field, 0)? != 0)
    }

    pub fn i32(&self, field: Field, default: i32) -> Result<i32, ReadError> {
        Ok(self.scalar(field)?.map_or(default, i32::from_le_bytes))
    }

    pub fn u32(&self, field: Field, default: u32) -> Result<u32, ReadError> {
        Ok(self.scalar(field)?.map_or(default, u32::from_le_bytes))
    }

    pub fn u64(&self, field: Field, default: u64) -> Result<u64, ReadError> {
        Ok(self.scalar(field)?.map_or(default, u64::from_le_bytes))
    }

    pub fn f32(&self, field: Field, default: f32) -> Result<f32, ReadError> {
        Ok(self.scalar(field)?.map_or(default, f32::from_le_bytes))
    }

    /// Whether the field is there.
    pub fn has(&self, field: Field) -> Result<bool, ReadError> {
        Ok(self.place(field, 1)?.is_some())
    }

    /// The table that the field names, called `kind` in messages.
    pub fn table(&self, field: Field, kind: &'static str) -> Result<Option<Self>, ReadError> {
        let Some(at) = self.target(field)? else { return Ok(None) };
        Self::new(self.file, at, self.name.inner(kind), field.name).map(Some)
    }

    /// A vector of tables, called `kind` with their numbers in messages; none where the field is
    /// left out.
    pub fn tables(&self, field: Field, kind: &'static str) -> Result<Vec<Self>, ReadError> {
        let Some(at) = self.target(field)? else { return Ok(Vec::new()) };
        let error = |problem| self.error(field, problem);
        let count = self.file.vector(at, 4).map_err(error)?.len() / 4;
        self.file.take(count).map_err(error)?;
        let table = |index: usize| {
            let target = self.file.target(at + 4 + 4 * index).map_err(error)?;
            Self::new(self.file, target, Name::numbered(kind, index), "table")
        };
        (0..count).map(table).collect()
    }

    /// The bytes of a vector of bytes.
    pub fn bytes(&self, field: Field) -> Result<Option<&'a [u8]>, ReadError> {
        let Some(at) = self.target(field)? else { return Ok(None) };
        self.file.vector(at, 1).map(Some).map_err(|problem| self.error(field, problem))
    }

    /// A string; empty where the field is left out.
    pub fn string(&self, field: Field) -> Result<&'a str, ReadError> {
        let bytes = self.bytes(field)?.unwrap_or_default();
        str::from_utf8(bytes).map_err(|_| self.error(field, Problem::Utf8))
    }

    /// A vector of numbers of `BYTES` bytes each; none where the field is left out.
    pub fn numbers<Number, const BYTES: usize>(
        &self,
        field: Field,
        from_le_bytes: fn([u8; BYTES]) -> Number,
    ) -> Result<Vec<Number>, ReadError> {
        let Some(at) = self.target(field)? else { return Ok(Vec::new()) };
        let error = |problem| self.error(field, problem);
        let (elements, _) = self.file.vector(at, BYTES).map_err(error)?.as_chunks::<BYTES>();
        self.file.take(elements.len()).map_err(error)?;
        Ok(elements.iter().map(|bytes| from_le_bytes(*bytes)).collect())
    }

    fn scalar<const BYTES: usize>(&self, field: Field) -> Result<Option<[u8; BYTES]>, ReadError> {
        let Some(at) = self.place(field, BYTES)? else { return Ok(None) };
        self.file.array(at).map(Some).map_err(|problem| self.error(field, problem))
    }

    /// Where the offset in a field leads.
    fn target(&self, field: Field) -> Result<Option<usize>, ReadError> {
        let Some(at) = self.place(field, 4)? else { return Ok(None) };
        self.file.target(at).map(Some).map_err(|problem| self.error(field, problem))
    }

    /// Where a field of `bytes` lies, inside of its table.
    fn place(&self, field: Field, bytes: usize) -> Result<Option<usize>, ReadError> {
        let (entries, _) = self.entries.as_chunks::<2>();
        match entries.get(field.slot).map_or(0, |entry| u16::from_le_bytes(*entry) as usize) {
            0 => Ok(None),
            offset if offset >= 4 && offset + bytes <= self.size => Ok(Some(self.at + offset)),
            offset => Err(self.error(field, Problem::Field { offset, table_bytes: self.size })),
        }
    }
}
