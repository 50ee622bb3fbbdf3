//! Protocol Buffers, read with every length checked before it is used
//! (<https://protobuf.dev/programming-guides/encoding/>). Nothing recurses: a reader goes into the
//! messages that it knows, and no deeper.
//!
//! A message is a row of fields. A field is a number with a wire type, as a varint, and a value: a
//! varint, four or eight bytes, or a length and that many bytes. A varint has seven bits in each
//! byte, the lowest first; the eighth bit says that another byte follows.

use std::cell::Cell;

use super::Beside;
use super::error::{Problem, ReadError};

/// Messages that may be taken apart: nodes, attributes, tensors and values. Networks for small
/// cores have hundreds.
const MESSAGES_MAX: usize = 1 << 16;

/// What is read: counts the messages of a file, and has the files beside it.
pub(super) struct Source<'a> {
    messages_left: Cell<usize>,
    beside: Beside<'a>,
}

/// The bytes of a message, and what it is for errors.
#[derive(Clone, Copy)]
pub(super) struct Message<'f, 'a> {
    source: &'f Source<'a>,
    bytes: &'a [u8],
    /// Where it begins in the file.
    at: usize,
    kind: &'static str,
}

/// A field of a message.
#[derive(Clone, Copy)]
pub(super) struct Field<'f, 'a> {
    pub number: u32,
    value: Value<'a>,
    at: usize,
    message: Message<'f, 'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Eight([u8; 8]),
    Bytes(&'a [u8]),
    Four([u8; 4]),
}

impl<'a> Source<'a> {
    pub fn new(beside: Beside<'a>) -> Self {
        Self { messages_left: Cell::new(MESSAGES_MAX), beside }
    }
}

impl<'f, 'a> Message<'f, 'a> {
    pub fn file(bytes: &'a [u8], source: &'f Source<'a>, kind: &'static str) -> Self {
        Self { source, bytes, at: 0, kind }
    }

    /// Its fields, in the file's order.
    pub fn fields(self) -> impl Iterator<Item = Result<Field<'f, 'a>, ReadError>> {
        let mut rest = self.bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let at = self.at + self.bytes.len() - rest.len();
            let field = read_field(&mut rest).map(|(number, value)| Field {
                number,
                value,
                at,
                message: self,
            });
            if field.is_err() {
                rest = &[];
            }
            Some(field.map_err(|problem| self.error(at, problem)))
        })
    }

    fn error(&self, at: usize, problem: Problem) -> ReadError {
        ReadError::new(self.kind, at, problem)
    }
}

impl<'f, 'a> Field<'f, 'a> {
    /// An error about this field.
    pub fn error(&self, problem: Problem) -> ReadError {
        self.message.error(self.at, problem)
    }

    fn mismatch(&self) -> ReadError {
        self.error(Problem::WireType { field: self.number })
    }

    pub fn bytes(&self) -> Result<&'a [u8], ReadError> {
        match self.value {
            Value::Bytes(bytes) => Ok(bytes),
            _ => Err(self.mismatch()),
        }
    }

    pub fn text(&self) -> Result<&'a str, ReadError> {
        str::from_utf8(self.bytes()?).map_err(|_| self.error(Problem::Utf8))
    }

    /// The message in this field, called `kind` in errors.
    pub fn message(&self, kind: &'static str) -> Result<Message<'f, 'a>, ReadError> {
        let bytes = self.bytes()?;
        let source = self.message.source;
        let left = source.messages_left.get().checked_sub(1);
        let left = left.ok_or_else(|| self.error(Problem::TooMany { limit: MESSAGES_MAX }))?;
        source.messages_left.set(left);
        Ok(Message { source, bytes, at: self.at, kind })
    }

    /// The bytes of a file beside the one that is read.
    pub fn beside(&self, file: &str) -> Option<&'a [u8]> {
        self.message.source.beside.get(file).copied()
    }

    pub fn integer(&self) -> Result<i64, ReadError> {
        match self.value {
            Value::Varint(value) => Ok(value as i64),
            _ => Err(self.mismatch()),
        }
    }

    pub fn float(&self) -> Result<f32, ReadError> {
        match self.value {
            Value::Four(bytes) => Ok(f32::from_le_bytes(bytes)),
            _ => Err(self.mismatch()),
        }
    }

    /// Adds a repeated field's integers: one, or all of them in a row.
    pub fn integers(&self, to: &mut Vec<i64>) -> Result<(), ReadError> {
        let mut rest = match self.value {
            Value::Varint(value) => {
                to.push(value as i64);
                return Ok(());
            }
            Value::Bytes(bytes) => bytes,
            _ => return Err(self.mismatch()),
        };
        while !rest.is_empty() {
            to.push(varint(&mut rest).map_err(|problem| self.error(problem))? as i64);
        }
        Ok(())
    }

    /// Adds a repeated field's numbers of four or eight bytes: one, or all of them in a row.
    pub fn fixed(&self, to: &mut Vec<u8>) -> Result<(), ReadError> {
        match self.value {
            Value::Four(bytes) => to.extend(bytes),
            Value::Eight(bytes) => to.extend(bytes),
            Value::Bytes(bytes) => to.extend(bytes),
            Value::Varint(_) => return Err(self.mismatch()),
        }
        Ok(())
    }
}

fn read_field<'a>(rest: &mut &'a [u8]) -> Result<(u32, Value<'a>), Problem> {
    let tag = varint(rest)?;
    let number = u32::try_from(tag >> 3).map_err(|_| Problem::Tag)?;
    let value = match tag & 7 {
        0 => Value::Varint(varint(rest)?),
        1 => Value::Eight(array(rest)?),
        2 => {
            let length = varint(rest)?;
            let bytes = usize::try_from(length).ok().and_then(|length| take(rest, length));
            Value::Bytes(bytes.ok_or(Problem::Length { length, left: rest.len() })?)
        }
        5 => Value::Four(array(rest)?),
        _ => return Err(Problem::Tag),
    };
    Ok((number, value))
}

fn varint(rest: &mut &[u8]) -> Result<u64, Problem> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let [byte] = array(rest)?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Problem::Varint)
}

fn array<const BYTES: usize>(rest: &mut &[u8]) -> Result<[u8; BYTES], Problem> {
    let (array, after) = rest.split_first_chunk().ok_or(Problem::Ends)?;
    *rest = after;
    Ok(*array)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(bytes)
}
