//! NumPy's `.npy` files: a magic number, a version, a header that is a Python dictionary, then the
//! values (<https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>).

use std::io::{self, Read};

use thiserror::Error;

use super::elements::{Element, Numbers};

/// How a file begins.
pub const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// Most bytes of a header: NumPy's own limit for reading is 10,000.
const HEADER_BYTES_MAX: usize = 1 << 16;

/// An array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// Its sides; none for a single number.
    pub shape: Vec<u64>,
    /// As many numbers as the product of the sides, in row-major order.
    pub numbers: Numbers,
}

/// Why a file holds no array that can be read.
#[derive(Debug, Error)]
pub enum NpyError {
    /// The operating system, or what unpacks the file.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// Something else.
    #[error("no array of NumPy's: it does not begin with \\x93NUMPY; save it with np.save")]
    Magic,
    /// A header that ends early, is too long, or says nothing.
    #[error("its header cannot be read ({0}): save the array again with np.save")]
    Header(&'static str),
    /// An element type that is not read.
    #[error("its elements are '{descr}': convert it with .astype(np.float32) or .astype(np.uint8)")]
    Element {
        /// NumPy's name of the type.
        descr: String,
    },
    /// Columns first.
    #[error("it is stored in Fortran order: save np.ascontiguousarray(x)")]
    Fortran,
    /// An array without a number.
    #[error("it holds nothing: its shape is {shape:?}")]
    Empty {
        /// The sides.
        shape: Vec<u64>,
    },
    /// Fewer bytes than the header claims.
    #[error("{found} bytes of values, its shape {shape:?} needs {expected}: copy the file again")]
    Truncated {
        /// The sides.
        shape: Vec<u64>,
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        expected: u64,
    },
    /// More bytes than the header claims.
    #[error(
        "it goes on after the {expected} bytes of values that its shape {shape:?} needs: copy the \
            file again"
    )]
    Trailing {
        /// The sides.
        shape: Vec<u64>,
        /// Bytes there should be.
        expected: u64,
    },
}

/// Reads an array. Memory grows with the bytes that are there, not with what the header claims.
///
/// # Errors
/// See [`NpyError`].
pub fn decode(mut source: impl Read) -> Result<Array, NpyError> {
    let text = header(&mut source)?;
    let (element, big_endian) = element(&text)?;
    let shape = shape(&text)?;
    if shape.len() > 1 && value_of(&text, "fortran_order")?.starts_with("True") {
        return Err(NpyError::Fortran);
    }
    if shape.contains(&0) {
        return Err(NpyError::Empty { shape });
    }
    let expected = shape.iter().fold(element.bytes() as u64, |all, side| all.saturating_mul(*side));
    let bytes = up_to(&mut source, expected.saturating_add(1))?;
    match bytes.len() as u64 {
        found if found < expected => Err(NpyError::Truncated { shape, found, expected }),
        found if found > expected => Err(NpyError::Trailing { shape, expected }),
        _ => Ok(Array { shape, numbers: Numbers { element, big_endian, bytes } }),
    }
}

/// The header's dictionary.
fn header(source: &mut impl Read) -> Result<String, NpyError> {
    let start = up_to(source, 8)?;
    if !start.starts_with(MAGIC) {
        return Err(NpyError::Magic);
    }
    let length_bytes = match start.get(6) {
        Some(1) => 2,
        Some(2 | 3) => 4,
        _ => return Err(NpyError::Header("its version is not 1, 2 or 3")),
    };
    let mut length = [0; 4];
    let read = up_to(source, length_bytes)?;
    length.get_mut(..read.len()).unwrap_or_default().copy_from_slice(&read);
    let length = u32::from_le_bytes(length) as usize;
    if length > HEADER_BYTES_MAX {
        return Err(NpyError::Header("it is too long"));
    }
    let text = up_to(source, length as u64)?;
    if text.len() < length || (read.len() as u64) < length_bytes {
        return Err(NpyError::Header("it ends early"));
    }
    String::from_utf8(text).map_err(|_| NpyError::Header("it is no text"))
}

/// What follows `'key':` in the dictionary.
fn value_of<'t>(text: &'t str, key: &str) -> Result<&'t str, NpyError> {
    let quoted = [format!("'{key}'"), format!("\"{key}\"")];
    let rest = quoted.iter().find_map(|name| text.split_once(name.as_str()));
    let value = rest.and_then(|(_, rest)| rest.trim_start().strip_prefix(':'));
    value.map(str::trim_start).ok_or(NpyError::Header("a key is missing"))
}

fn element(text: &str) -> Result<(Element, bool), NpyError> {
    let value = value_of(text, "descr")?;
    let quote = value.chars().next().filter(|first| ['\'', '"'].contains(first));
    let descr = quote.and_then(|quote| value[1..].split(quote).next());
    let Some(descr) = descr else {
        return Err(NpyError::Element { descr: "a structure".to_owned() });
    };
    let element = match descr.trim_start_matches(['<', '>', '|', '=']) {
        "u1" | "b1" => Element::U8,
        "i1" => Element::I8,
        "u2" => Element::U16,
        "i2" => Element::I16,
        "u4" => Element::U32,
        "i4" => Element::I32,
        "u8" => Element::U64,
        "i8" => Element::I64,
        "f4" => Element::F32,
        "f8" => Element::F64,
        _ => return Err(NpyError::Element { descr: descr.escape_debug().take(20).collect() }),
    };
    Ok((element, descr.starts_with('>')))
}

fn shape(text: &str) -> Result<Vec<u64>, NpyError> {
    let inside = value_of(text, "shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let (sides, _) = inside.ok_or(NpyError::Header("its shape is no tuple"))?;
    let sides = sides.split(',').map(str::trim).filter(|side| !side.is_empty());
    let side = |side: &str| side.parse().map_err(|_| NpyError::Header("a side is no number"));
    sides.map(side).collect()
}

/// The next `limit` bytes, or fewer when the source ends.
fn up_to(source: &mut impl Read, limit: u64) -> Result<Vec<u8>, NpyError> {
    let mut bytes = Vec::new();
    source.take(limit).read_to_end(&mut bytes).map_err(NpyError::Unreadable)?;
    Ok(bytes)
}
