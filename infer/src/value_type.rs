//! The types of values that a network can take and give.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What the values of an input are.
///
/// Who gives values has to know each type, so a further one is a breaking release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ValueType {
    /// `u8`: the pixel `p` is the int8 value `p - 128`.
    #[default]
    Pixels,
    /// `i8`: with the scale and the zero point of the input's tensor.
    Int8,
    /// `f32`: real values, which the session quantises.
    Reals,
}

/// What the values of the first output are.
///
/// Who reads values has to know each type, so a further one is a breaking release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum OutputType {
    /// A score for each class: the highest is the answer.
    #[default]
    Scores,
    /// Real values.
    Reals,
    /// The input once more: how far it is from it is the answer.
    Reconstruction,
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pixels => "u8 pixels",
            Self::Int8 => "int8 values",
            Self::Reals => "f32 values",
        })
    }
}

impl fmt::Display for OutputType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scores => "scores of classes",
            Self::Reals => "real values",
            Self::Reconstruction => "a reconstruction of its input",
        })
    }
}
