//! Numbers of any type as files hold them, made into pixels and labels.

use std::fmt;

use thiserror::Error;

use super::scale::Scale;

/// Type of a file's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Element {
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 16 bits.
    U16,
    /// Signed, 16 bits.
    I16,
    /// Unsigned, 32 bits.
    U32,
    /// Signed, 32 bits.
    I32,
    /// Unsigned, 64 bits.
    U64,
    /// Signed, 64 bits.
    I64,
    /// IEEE 754, 32 bits.
    F32,
    /// IEEE 754, 64 bits.
    F64,
}

impl Element {
    /// Bytes of a number.
    pub const fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    const fn is_real(self) -> bool {
        matches!(self, Self::F32 | Self::F64)
    }

    /// The number in the bytes, which come least significant first. Whole numbers above 2^53 are
    /// rounded: none of them is a pixel or a label.
    fn value(self, bytes: [u8; 8]) -> f64 {
        let [a, b, c, d, ..] = bytes;
        match self {
            Self::U8 => a as f64,
            Self::I8 => a.cast_signed() as f64,
            Self::U16 => u16::from_le_bytes([a, b]) as f64,
            Self::I16 => i16::from_le_bytes([a, b]) as f64,
            Self::U32 => u32::from_le_bytes([a, b, c, d]) as f64,
            Self::I32 => i32::from_le_bytes([a, b, c, d]) as f64,
            Self::U64 => u64::from_le_bytes(bytes) as f64,
            Self::I64 => i64::from_le_bytes(bytes) as f64,
            Self::F32 => f32::from_le_bytes([a, b, c, d]) as f64,
            Self::F64 => f64::from_le_bytes(bytes),
        }
    }
}

/// Numbers as a file holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// Their type.
    pub element: Element,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// A whole number of elements.
    pub bytes: Vec<u8>,
}

/// How numbers become pixels.
#[derive(Clone, Debug, PartialEq)]
pub enum PixelScale {
    /// They are pixels, 0 to 255.
    AsTheyAre,
    /// They are parts of a full pixel, 0 to 1.
    Times255,
    /// They are int8 values, as a network reads them.
    Int8,
    /// Each channel, the last axis, has a scale of its own.
    Channels(Vec<Scale>),
}

impl PixelScale {
    /// The scales of the channels, where each has its own.
    pub fn scales(&self) -> &[Scale] {
        match self {
            Self::Channels(scales) => scales,
            Self::AsTheyAre | Self::Times255 | Self::Int8 => &[],
        }
    }
}

/// Why numbers are neither pixels nor labels.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ValueError {
    /// NaN or infinity.
    #[error("value {index} is {value}: images are finite numbers")]
    NotFinite {
        /// Place in the file, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// Test images of another kind than the training images.
    #[error(
        "values from {low} to {high}, those of the training images are {scale}: give both one scale"
    )]
    OtherScale {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
        /// Of the training images.
        scale: PixelScale,
    },
    /// A number that no 32 bits hold.
    #[error("value {index} is {value}: values to answer are finite numbers of 32 bits")]
    Target {
        /// Place in the file, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A number that is no label.
    #[error("label {index} is {value}: labels are whole numbers from 0 to 255")]
    Label {
        /// Place in the file, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
}

impl fmt::Display for PixelScale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AsTheyAre => "pixels from 0 to 255",
            Self::Times255 => "real numbers from 0 to 1",
            Self::Int8 => "int8 values from -128 to 127",
            Self::Channels(_) => "numbers of a scale of their own",
        })
    }
}

/// Numbers made into pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// 0 to 255.
    pub values: Vec<u8>,
    /// Whether some lay between two pixel values.
    pub rounded: bool,
    /// How many lay beyond the scale of their channel.
    pub cut: usize,
}

impl Numbers {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.bytes.len() / self.element.bytes()
    }

    /// How these numbers become pixels, by their type and range. Values that are no pixels are
    /// scaled channel by channel; they have `channels` channels in turn, one at least.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn scale(&self, channels: usize) -> Result<PixelScale, ValueError> {
        if self.element == Element::U8 {
            return Ok(PixelScale::AsTheyAre);
        }
        let [low, high] = self.range()?;
        match (low < 0.0 || high > 255.0, self.element.is_real() && high <= 1.0) {
            (true, _) => Ok(PixelScale::Channels(Scale::of_channels(self.iter(), channels))),
            (false, true) => Ok(PixelScale::Times255),
            (false, false) => Ok(PixelScale::AsTheyAre),
        }
    }

    /// The numbers as pixels.
    ///
    /// # Errors
    /// Numbers beyond the scale.
    pub fn into_pixels(self, scale: &PixelScale) -> Result<Pixels, ValueError> {
        if self.element == Element::U8 && *scale == PixelScale::AsTheyAre {
            return Ok(Pixels { values: self.bytes, rounded: false, cut: 0 });
        }
        let [low, high] = self.range()?;
        let (factor, [least, most]) = match scale {
            PixelScale::AsTheyAre => (1.0, [0.0, 255.0]),
            PixelScale::Times255 => (255.0, [0.0, 1.0]),
            PixelScale::Int8 => (1.0, [-128.0, 127.0]),
            PixelScale::Channels(scales) => return Ok(self.by_channel(scales)),
        };
        if low < least || high > most {
            return Err(ValueError::OtherScale { low, high, scale: scale.clone() });
        }
        // Thirds of a 255th and the like are not exact in f32.
        let is_between = |value: f64| (value - value.round()).abs() > 1e-3;
        let scaled = || self.iter().map(|value| (value - least) * factor);
        let rounded = scaled().any(is_between);
        let values = scaled().map(|value| value.round() as u8).collect();
        Ok(Pixels { values, rounded, cut: 0 })
    }

    fn by_channel(&self, scales: &[Scale]) -> Pixels {
        let of_channel = || self.iter().zip(scales.iter().cycle());
        Pixels {
            values: of_channel().map(|(value, scale)| scale.pixel(value)).collect(),
            rounded: false,
            cut: of_channel().filter(|(value, scale)| !scale.holds(*value)).count(),
        }
    }

    /// The numbers as labels.
    ///
    /// # Errors
    /// A number that is none.
    pub fn into_labels(self) -> Result<Vec<u8>, ValueError> {
        let label = |(index, value): (usize, f64)| match (0.0..=255.0).contains(&value)
            && value.fract() == 0.0
        {
            true => Ok(value as u8),
            false => Err(ValueError::Label { index, value }),
        };
        self.iter().enumerate().map(label).collect()
    }

    /// The numbers as real values to answer.
    ///
    /// # Errors
    /// A number that is not finite in 32 bits.
    pub fn into_targets(self) -> Result<Vec<f64>, ValueError> {
        let target = |(index, value): (usize, f64)| match (value as f32).is_finite() {
            true => Ok(value),
            false => Err(ValueError::Target { index, value }),
        };
        self.iter().enumerate().map(target).collect()
    }

    fn range(&self) -> Result<[f64; 2], ValueError> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for (index, value) in self.iter().enumerate() {
            if !value.is_finite() {
                return Err(ValueError::NotFinite { index, value });
            }
            (low, high) = (low.min(value), high.max(value));
        }
        Ok([low, high])
    }

    fn iter(&self) -> impl Iterator<Item = f64> {
        let size = self.element.bytes();
        self.bytes.chunks_exact(size).map(move |number| {
            let mut bytes = [0; 8];
            bytes[..size].copy_from_slice(number);
            if self.big_endian {
                bytes[..size].reverse();
            }
            self.element.value(bytes)
        })
    }
}
