//! The size of a feature map or image.

use serde::{Deserialize, Serialize};

/// Height, width and channels of a feature map in memory order: row by row, pixel by pixel, channel
/// by channel (HWC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Shape {
    /// Rows, 1 or more in a valid model.
    pub height: u16,
    /// Columns, 1 or more in a valid model.
    pub width: u16,
    /// Values per pixel, 1 or more in a valid model.
    pub channels: u16,
}

impl Shape {
    /// A shape of `height` rows, `width` columns and `channels` values per pixel.
    pub const fn new(height: u16, width: u16, channels: u16) -> Self {
        Self { height, width, channels }
    }

    /// A vector of `channels` values: one row, one column.
    pub const fn vector(channels: u16) -> Self {
        Self::new(1, 1, channels)
    }

    /// Number of values, or `None` when it does not fit 32 bits.
    pub const fn checked_len(self) -> Option<usize> {
        let pixels = self.height as u32 * self.width as u32;
        match pixels.checked_mul(self.channels as u32) {
            Some(values) => Some(values as usize),
            None => None,
        }
    }

    /// Number of values, saturating; exact for every shape of a validated model.
    pub const fn len(self) -> usize {
        match self.checked_len() {
            Some(values) => values,
            None => u32::MAX as usize,
        }
    }

    /// Whether one side is zero.
    pub const fn is_empty(self) -> bool {
        self.height == 0 || self.width == 0 || self.channels == 0
    }

    /// Whether both have the same sides.
    pub(crate) const fn is(self, other: Self) -> bool {
        self.height == other.height && self.width == other.width && self.channels == other.channels
    }

    /// Whether it lies inside of `outer` from row and column `origin` on, channel by channel.
    pub(crate) const fn is_inside(self, origin: [u16; 2], outer: Self) -> bool {
        let [row, column] = origin;
        row as u32 + self.height as u32 <= outer.height as u32
            && column as u32 + self.width as u32 <= outer.width as u32
            && self.channels == outer.channels
    }

    /// Values in one row.
    pub const fn row_len(self) -> usize {
        self.width as usize * self.channels as usize
    }
}

impl core::fmt::Display for Shape {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}x{}x{}", self.height, self.width, self.channels)
    }
}
