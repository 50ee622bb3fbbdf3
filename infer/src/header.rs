//! The fixed-width start of a model file: what can be known of it without reading the rest.

use crate::error::ModelError;
use crate::quant::Rounding;

/// First bytes of every model file.
pub const MAGIC: [u8; 4] = *b"KNDL";

/// The format this crate reads and writes: below 256, since its upper byte names the rounding.
pub const FORMAT_VERSION: u16 = 3;

/// The fixed-width start of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the model's accumulators become int8.
    pub rounding: Rounding,
    /// Layers of the model: what firmware chooses the capacity of its [`Table`](crate::Table) by.
    pub layers: u16,
    /// Bytes of the whole file.
    pub file_bytes: u32,
    /// CRC-32 (IEEE 802.3) of everything after this field.
    pub checksum: u32,
    /// Bytes of working memory the model needs.
    pub arena_bytes: u32,
    /// Bytes of the records.
    pub record_bytes: u32,
    /// The maker's count of versions of this model: an update never goes back to a smaller one.
    pub model_version: u32,
}

impl Header {
    /// Size in the file.
    pub const BYTES: usize = 28;

    /// Start of the bytes that the checksum covers.
    pub const CHECKED_FROM: usize = 16;

    /// Reads the header and checks what can be checked without the rest of the file.
    ///
    /// # Errors
    /// [`ModelError::TooShort`], [`ModelError::Magic`], [`ModelError::Version`].
    pub const fn read(file: &[u8]) -> Result<Self, ModelError> {
        let Some((header, _)) = file.split_first_chunk::<{ Self::BYTES }>() else {
            return Err(ModelError::TooShort { needed: Self::BYTES, found: file.len() });
        };
        #[rustfmt::skip]
        let [
            m0, m1, m2, m3, v0, v1, k0, k1, l0, l1, l2, l3, c0, c1, c2, c3,
            a0, a1, a2, a3, b0, b1, b2, b3, n0, n1, n2, n3,
        ] = *header;
        if u32::from_le_bytes([m0, m1, m2, m3]) != u32::from_le_bytes(MAGIC) {
            return Err(ModelError::Magic { found: [m0, m1, m2, m3] });
        }
        let version = u16::from_le_bytes([v0, 0]);
        let rounding = match Rounding::numbered(v1) {
            Some(rounding) if version == FORMAT_VERSION => rounding,
            _ => {
                let found = u16::from_le_bytes([v0, v1]);
                return Err(ModelError::Version { found, supported: FORMAT_VERSION });
            }
        };
        Ok(Self {
            rounding,
            layers: u16::from_le_bytes([k0, k1]),
            file_bytes: u32::from_le_bytes([l0, l1, l2, l3]),
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            arena_bytes: u32::from_le_bytes([a0, a1, a2, a3]),
            record_bytes: u32::from_le_bytes([b0, b1, b2, b3]),
            model_version: u32::from_le_bytes([n0, n1, n2, n3]),
        })
    }

    /// The header as the file holds it.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let words = [
            self.file_bytes,
            self.checksum,
            self.arena_bytes,
            self.record_bytes,
            self.model_version,
        ];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4..6].copy_from_slice(&[FORMAT_VERSION as u8, self.rounding.number()]);
        bytes[6..8].copy_from_slice(&self.layers.to_le_bytes());
        for (field, word) in bytes[8..].chunks_exact_mut(4).zip(words) {
            field.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}
