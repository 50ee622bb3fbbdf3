//! Why a network cannot be run.

use std::fmt;

use thiserror::Error;

use super::super::operator::Operator;

/// Longest name that a message shows, characters.
const NAME_CHARACTERS_MAX: usize = 80;

/// All operators that cannot be run, those with the same reason together: `operators 3, 5
/// (TRANSPOSE_CONV): not supported; operator 4 (ADD): ...`
#[derive(Clone, Debug, Default, PartialEq, Error)]
pub struct Unsupported(Vec<(usize, String, Misfit)>);

/// Why an operator cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Misfit {
    /// It is not known here.
    #[error("not supported")]
    Operator,
    /// A tensor of another type.
    #[error("a tensor of {found}, only {expected} is supported: quantise to int8")]
    Element {
        /// Its type.
        found: &'static str,
        /// What is supported.
        expected: &'static str,
    },
    /// A map without scale, with several or with a scale of 0.
    #[error("a map without one positive scale: quantise to int8")]
    Quantisation,
    /// A zero point that weights may not have.
    #[error("weights with a zero point that is not 0")]
    ZeroPoint,
    /// Weights, a bias or sizes that are computed.
    #[error("weights, a bias or sizes that are no constants")]
    NotConstant,
    /// A result that is the same each time, and is read as a map.
    #[error("the same result for every input, which is read as a map: convert without it")]
    Constant,
    /// A tensor that is left out, or one too many.
    #[error("a tensor too few, or too many")]
    Count,
    /// An activation that kernels of int8 do not have.
    #[error("an activation that is not supported on int8")]
    Activation,
    /// Maps whose scale or zero point should be the same.
    #[error("maps of different scale or zero point, which must be the same")]
    Scales,
    /// A scale or zero point of the output that the operator does not allow.
    #[error("another output scale or zero point than TensorFlow Lite asks for")]
    OutputScale,
    /// Numbers that would not fit 32 bits.
    #[error("sums or scales that do not fit 32 bits")]
    Range,
    /// It runs here, but no chip has it.
    #[error("no kernel for chips yet: convert without it")]
    Chip,
    /// The largest over channels.
    #[error("the largest over channels, which no kernel takes: take it over rows and columns")]
    LargestChannel,
    /// A mean over channels with a factor that no convolution has.
    #[error(
        "a mean over a number of channels for which no kernel gives these bytes: a power of two \
         has one, and so have means over rows and columns"
    )]
    MeanOfChannels,
    /// A part of a map that no kernel takes.
    #[error(
        "a part of the channels or of batches, or one that is computed, empty or counted \
         backwards: only rows and columns are taken, forwards; convert without it"
    )]
    Part,
    /// Values in another order than in the model.
    #[error(
        "a map whose values were moved by TRANSPOSE: only FULLY_CONNECTED over all of them, \
         functions of one value and RESHAPE may read it; convert with channels last"
    )]
    Transposed,
    /// Maps of different sizes, or a constant among them.
    #[error(
        "maps of sizes that do not go together, or a constant that is more than a number for each \
         channel: convert with two maps of the same size"
    )]
    Broadcast,
    /// Batches that are not what one convolution reads and leaves.
    #[error(
        "batches of a map that are not put together after one convolution of stride 1 without \
         padding: convert without them"
    )]
    Batches,
    /// Maps that no kernel puts side by side.
    #[error("a constant, or another dimension than the last: convert without it")]
    Concatenation,
    /// A map that is no image.
    #[error(
        "a map of several batches or of more than three dimensions: convert for one image or \
         vector"
    )]
    Map,
    /// A map that is read in another shape than it was made in.
    #[error(
        "a map that was reshaped, which only FULLY_CONNECTED and functions of one value may read: \
         convert without it"
    )]
    Reshaped,
    /// More than fits the model file.
    #[error("a side over 65,535, or a kernel or stride over 255: use smaller ones")]
    Size,
    /// A map that is too large.
    #[error("a map that is too large for any small core")]
    TooLarge,
}

impl Unsupported {
    pub(crate) fn add(&mut self, index: usize, operator: &Operator, misfit: Misfit) {
        // A name of its own may be any text.
        let name = operator.kind.name().chars().take(NAME_CHARACTERS_MAX);
        self.0.push((index, name.flat_map(char::escape_default).collect(), misfit));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of the operators, with the reasons.
    pub fn operators(&self) -> impl Iterator<Item = (usize, Misfit)> + '_ {
        self.0.iter().map(|(index, _, misfit)| (*index, *misfit))
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<(&str, Misfit, Vec<String>)> = vec![];
        for (index, name, misfit) in &self.0 {
            let is_same = |group: &&mut (&str, Misfit, _)| (group.0, group.1) == (name, *misfit);
            match groups.iter_mut().find(is_same) {
                Some((.., places)) => places.push(index.to_string()),
                None => groups.push((name, *misfit, vec![index.to_string()])),
            }
        }
        for (place, (name, misfit, places)) in groups.into_iter().enumerate() {
            let gap = if place > 0 { "; " } else { "" };
            let each = if places.len() > 1 { "s" } else { "" };
            write!(f, "{gap}operator{each} {} ({name}): {misfit}", places.join(", "))?;
        }
        Ok(())
    }
}
