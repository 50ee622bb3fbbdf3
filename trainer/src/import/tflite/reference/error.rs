//! Why a network cannot be run.

use std::fmt;

use thiserror::Error;

use super::super::operator::Operator;

/// Longest name that a message shows, characters.
const NAME_CHARACTERS_MAX: usize = 80;

/// All operators that cannot be run: `operator 3 (TRANSPOSE_CONV): is not supported; operator 4
/// (ADD): ...`
#[derive(Clone, Debug, Default, PartialEq, Error)]
pub struct Unsupported(Vec<(usize, String, Misfit)>);

/// Why an operator cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum Misfit {
    /// It is not known here.
    #[error("is not supported")]
    Operator,
    /// A tensor of another type.
    #[error("has a tensor of {found}, only {expected} is supported: quantise to int8")]
    Element {
        /// Its type.
        found: &'static str,
        /// What is supported.
        expected: &'static str,
    },
    /// A map without scale, with several or with a scale of 0.
    #[error("has a map without one positive scale: quantise to int8")]
    Quantisation,
    /// A zero point that weights may not have.
    #[error("has weights with a zero point that is not 0")]
    ZeroPoint,
    /// Weights, a bias or sizes that are computed.
    #[error("has weights, a bias or sizes that are no constants")]
    NotConstant,
    /// A result that is the same each time, and is read as a map.
    #[error("has the same result for every input, and is read as a map: convert without it")]
    Constant,
    /// A tensor that is left out, or one too many.
    #[error("lacks a tensor, or has one too many")]
    Count,
    /// An activation that kernels of int8 do not have.
    #[error("has an activation that is not supported on int8")]
    Activation,
    /// Maps whose scale or zero point should be the same.
    #[error("has maps of different scale or zero point, which must be the same")]
    Scales,
    /// A scale or zero point of the output that the operator does not allow.
    #[error("has another output scale or zero point than TensorFlow Lite asks for")]
    OutputScale,
    /// Numbers that would not fit 32 bits.
    #[error("has sums or scales that do not fit 32 bits")]
    Range,
    /// A map that is too large.
    #[error("makes a map that is too large for any small core")]
    TooLarge,
}

impl Unsupported {
    pub(super) fn add(&mut self, index: usize, operator: &Operator, misfit: Misfit) {
        // A name of its own may be any text.
        let name = operator.kind.name().chars().take(NAME_CHARACTERS_MAX);
        self.0.push((index, name.flat_map(char::escape_default).collect(), misfit));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The numbers of the operators, with the reasons.
    pub fn operators(&self) -> impl Iterator<Item = (usize, Misfit)> + '_ {
        self.0.iter().map(|(index, _, misfit)| (*index, *misfit))
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (index, name, misfit)) in self.0.iter().enumerate() {
            let gap = if place > 0 { "; " } else { "" };
            write!(f, "{gap}operator {index} ({name}) {misfit}")?;
        }
        Ok(())
    }
}
