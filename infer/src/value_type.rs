//! The types of values that a network can take.

/// What the values of an input are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ValueType {
    /// `u8`: the pixel `p` is the int8 value `p - 128`.
    #[default]
    Pixels,
    /// `i8`: with the scale and the zero point of the input's tensor.
    Int8,
}

impl core::fmt::Display for ValueType {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Pixels => "u8 pixels",
            Self::Int8 => "int8 values",
        })
    }
}
