//! Why a file is not an IDX file. Every message is one line: where, what, and what to do.

use std::io;

use thiserror::Error;

/// Why a file is not an IDX file. Byte positions are those of the unpacked file.
#[derive(Debug, Error)]
pub enum IdxError {
    /// The operating system refused.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// The gzip stream breaks its own rules.
    #[error(
        "damaged gzip data after byte {at} of the unpacked file ({cause}): copy the file again"
    )]
    Gzip {
        /// Unpacked bytes up to the damage.
        at: usize,
        /// What the decoder says.
        cause: io::Error,
    },
    /// All values are there, but the gzip stream ends inside of its checksum.
    #[error(
        "gzip data breaks off after its last value, byte {at} of the unpacked file: copy the file \
            again"
    )]
    Unchecked {
        /// Unpacked length, bytes.
        at: usize,
    },
    /// Not even a header.
    #[error("no IDX header (file ends at byte {at}): copy the file again")]
    NoHeader {
        /// Unpacked length, bytes.
        at: usize,
    },
    /// Not IDX at all.
    #[error(
        "begins with {:02x} {:02x} {:02x} {:02x}, an IDX file of {what}s begins with 00 00 08 \
            {rank:02x}: this is another kind of file", found[0], found[1], found[2], found[3]
    )]
    Magic {
        /// The first four bytes.
        found: [u8; 4],
        /// What the file should hold.
        what: &'static str,
        /// Dimensions of such a file.
        rank: u8,
    },
    /// An element type that IDX does not have.
    #[error(
        "element type 0x{found:02x}; IDX has 0x08 (unsigned byte), 0x09 (signed byte), 0x0b (16 \
            bit), 0x0c (32 bit), 0x0d (float) and 0x0e (double): copy the file again"
    )]
    ElementType {
        /// The third byte.
        found: u8,
    },
    /// IDX of another number of dimensions.
    #[error("{found} dimensions, {what}s have {expected}: are image and label files swapped?")]
    Rank {
        /// The fourth byte.
        found: u8,
        /// What the file should hold.
        what: &'static str,
        /// `"1"`, `"3 or 4"`.
        expected: String,
    },
    /// A dimension of 0.
    #[error("holds no {what}: its dimensions are {}", by(dimensions))]
    Empty {
        /// What the file should hold.
        what: &'static str,
        /// Items, then the sides of one.
        dimensions: Vec<u32>,
    },
    /// An image too large for any network here.
    #[error("dimensions {}: a side of an image may have at most 65535 pixels", by(dimensions))]
    SideTooLong {
        /// Items, then the sides of one.
        dimensions: Vec<u32>,
    },
    /// Fewer bytes than the header claims.
    #[error("{missing} of {total} {what}s missing (file ends at byte {at}): copy the file again")]
    Truncated {
        /// Items that are not or not wholly there.
        missing: u64,
        /// Items by the header.
        total: u64,
        /// What the file holds.
        what: &'static str,
        /// Unpacked length, bytes.
        at: usize,
    },
    /// More bytes than the header claims.
    #[error(
        "goes on after byte {expected}, where the last of its {total} {what}s ends: copy the file \
            again"
    )]
    Trailing {
        /// Unpacked length by the header, bytes.
        expected: u64,
        /// Items by the header.
        total: u64,
        /// What the file holds.
        what: &'static str,
    },
}

fn by(dimensions: &[u32]) -> String {
    dimensions.iter().map(u32::to_string).collect::<Vec<_>>().join(" x ")
}
