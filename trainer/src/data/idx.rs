//! The IDX format: two zero bytes, element type, number of dimensions, the dimensions as big-endian
//! `u32`, then the values, most significant byte first, in row-major order
//! (<http://yann.lecun.com/exdb/mnist/>, "The IDX file format").

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::elements::{Element, Numbers};
use super::idx_error::IdxError;

/// First bytes of a gzip stream.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// The content of an IDX file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Idx {
    /// Number of items, then the sides of one; none of them 0.
    pub dimensions: Vec<u32>,
    /// As many numbers as the product of the dimensions.
    pub numbers: Numbers,
}

impl Idx {
    /// Reads a plain or gzip file of `what` (singular, for messages) with one of the numbers of
    /// dimensions in `ranks`.
    pub fn read(path: &Path, what: &'static str, ranks: &[u8]) -> Result<Self, IdxError> {
        Self::decode(BufReader::new(File::open(path).map_err(IdxError::Unreadable)?), what, ranks)
    }

    /// [`Idx::read`] from anything that gives bytes.
    pub fn decode(
        mut file: impl BufRead,
        what: &'static str,
        ranks: &[u8],
    ) -> Result<Self, IdxError> {
        if file.fill_buf().map_err(IdxError::Unreadable)?.starts_with(&GZIP_MAGIC) {
            Parser { source: MultiGzDecoder::new(file), at: 0, gzip: true, broken_off: false, what }
                .idx(ranks)
        } else {
            Parser { source: file, at: 0, gzip: false, broken_off: false, what }.idx(ranks)
        }
    }
}

/// The type of a code in the third byte.
fn element_type(code: u8) -> Option<Element> {
    Some(match code {
        0x08 => Element::U8,
        0x09 => Element::I8,
        0x0b => Element::I16,
        0x0c => Element::I32,
        0x0d => Element::F32,
        0x0e => Element::F64,
        _ => return None,
    })
}

/// Reads a byte stream front to back.
struct Parser<Source> {
    source: Source,
    /// Bytes read so far.
    at: usize,
    gzip: bool,
    /// Whether a gzip stream ended before its checksum.
    broken_off: bool,
    what: &'static str,
}

impl<Source: Read> Parser<Source> {
    fn idx(mut self, ranks: &[u8]) -> Result<Idx, IdxError> {
        let (element, rank) = self.magic(ranks)?;
        let dimensions = (0..rank).map(|_| self.big_endian_u32()).collect::<Result<Vec<_>, _>>()?;
        if dimensions.contains(&0) {
            return Err(IdxError::Empty { what: self.what, dimensions });
        }
        let bytes = self.values(&dimensions, element)?;
        Ok(Idx { dimensions, numbers: Numbers { element, big_endian: true, bytes } })
    }

    /// The four bytes before the dimensions; gives the type of the values and the number of
    /// dimensions.
    fn magic(&mut self, ranks: &[u8]) -> Result<(Element, u8), IdxError> {
        let found = self.word()?;
        let [zero, also_zero, element, rank] = found;
        if [zero, also_zero] != [0, 0] {
            return Err(IdxError::Magic { found, what: self.what, rank: ranks[0] });
        }
        let element = element_type(element).ok_or(IdxError::ElementType { found: element })?;
        if !ranks.contains(&rank) {
            let expected = ranks.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ");
            return Err(IdxError::Rank { found: rank, what: self.what, expected });
        }
        Ok((element, rank))
    }

    fn big_endian_u32(&mut self) -> Result<u32, IdxError> {
        self.word().map(u32::from_be_bytes)
    }

    fn word(&mut self) -> Result<[u8; 4], IdxError> {
        let bytes = self.up_to(4)?;
        bytes.try_into().map_err(|_| IdxError::NoHeader { at: self.at })
    }

    /// All values, and the certainty that nothing follows them.
    fn values(&mut self, dimensions: &[u32], element: Element) -> Result<Vec<u8>, IdxError> {
        let (header, what, total) = (self.at as u64, self.what, dimensions[0] as u64);
        let size = |sides: &[u32]| {
            let bytes = element.bytes() as u64;
            sides.iter().fold(bytes, |size, side| size.saturating_mul(*side as u64))
        };
        let (item, wanted) = (size(&dimensions[1..]), size(dimensions));
        let mut values = self.up_to(wanted.saturating_add(1))?;
        let found = values.len() as u64;
        if found < wanted {
            return Err(IdxError::Truncated {
                missing: total - found / item,
                total,
                what,
                at: self.at,
            });
        }
        if found > wanted {
            return Err(IdxError::Trailing { expected: header + wanted, total, what });
        }
        if self.broken_off {
            return Err(IdxError::Unchecked { at: self.at });
        }
        values.shrink_to_fit();
        Ok(values)
    }

    /// The next `limit` bytes, or fewer when the stream ends. Memory grows with the bytes that are
    /// there, not with what a header claims.
    fn up_to(&mut self, limit: u64) -> Result<Vec<u8>, IdxError> {
        let mut bytes = Vec::new();
        let outcome = (&mut self.source).take(limit).read_to_end(&mut bytes);
        self.at += bytes.len();
        match outcome {
            Ok(_) => Ok(bytes),
            // A gzip stream that breaks off is reported like a plain file that does: by what is
            // missing.
            Err(cause) if self.gzip && cause.kind() == io::ErrorKind::UnexpectedEof => {
                self.broken_off = true;
                Ok(bytes)
            }
            Err(cause) if self.gzip => Err(IdxError::Gzip { at: self.at, cause }),
            Err(cause) => Err(IdxError::Unreadable(cause)),
        }
    }
}
