//! An operator in integers, before it is planned: what of it is the same for every algorithm.

use infer::format::OperatorRecord;
use infer::packing::{PackError, WeightBits};
use infer::quant::ChannelParameters;
use infer::{LayerProblem, Shape};

use super::{Choice, PlainKind};

/// An operator in integers whose algorithm and place are still to be chosen.
pub trait PlainOperator {
    /// How it can be computed.
    type Algorithm: Algorithm;

    /// All ways there are, whether they fit or not; the direct one first.
    fn algorithms() -> Vec<Self::Algorithm>;

    /// Whether it can run as soon as some rows of its input are there, so that it can be
    /// interleaved with the operators around it.
    fn runs_by_rows(&self) -> bool {
        true
    }

    /// How its output's channels come of those of its first input, for maps of these sizes.
    fn mixing(&self, _input: Shape, _output: Shape) -> Mixing {
        Mixing::Fixed
    }

    /// Its record in a model file; `inputs` are the numbers of the tensors that it reads, as many
    /// as it reads.
    fn record(&self, inputs: &[u8], algorithm: Self::Algorithm) -> OperatorRecord;
}

/// How the channels of an operator's output come of those of its first input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mixing {
    /// Each adds up all of them, with weights `[output channel][tap][input channel]`.
    All {
        /// Whether some taps lie outside of the map.
        is_padded: bool,
    },
    /// Each adds up one of them, with weights `[output channel][tap]`.
    Own {
        /// Whether some taps lie outside of the map.
        is_padded: bool,
    },
    /// Each is one of them, value by value what the weights, a table of 256 answers, say.
    Table,
    /// Each is one of them, with some of its values.
    Same,
    /// In a way of its own, of all inputs: no channel can be left out.
    Fixed,
}

/// Whether a window along an axis leaves the map: `taps` taps, `dilation` apart, the first of
/// output 0 at `origin`, of `outputs` outputs `stride` apart.
pub fn leaves_map([origin, taps, dilation, stride]: [i32; 4], [inputs, outputs]: [i32; 2]) -> bool {
    let last = origin + (outputs - 1) * stride + (taps - 1) * dilation;
    origin < 0 || last >= inputs
}

/// A way to compute an operator.
pub trait Algorithm: Copy {
    /// Name, for people.
    fn name(self) -> String;

    /// Name of its formula in the cost files.
    fn formula(self) -> String;

    /// Ends of the names of its formulas, one for each [case](Running::case) of its layers.
    fn cases(self) -> &'static [&'static str] {
        &[""]
    }

    /// How many bits its weights have.
    fn weight_bits(self) -> WeightBits {
        WeightBits::Eight
    }

    /// The term of a loop that not every core has, and without which no plan is made of the
    /// algorithm.
    fn loop_term(self) -> Option<&'static str> {
        None
    }
}

/// What a loader would say of weights that cannot be packed.
pub fn refused(error: PackError) -> LayerProblem {
    match error {
        PackError::Size => LayerProblem::SectionMissing,
        PackError::Range { channel } => {
            LayerProblem::AlgorithmRange { channel: u16::try_from(channel).unwrap_or(u16::MAX) }
        }
        PackError::Pair { channel } => {
            LayerProblem::AlgorithmRange { channel: u16::try_from(channel).unwrap_or(u16::MAX) }
        }
        PackError::NotBuilt(part) => LayerProblem::NotBuilt(part),
        _ => LayerProblem::Algorithm,
    }
}

/// Begins the names of terms that count only where a core has no loop of its own for an algorithm
/// with a [loop term](Algorithm::loop_term); there the algorithm's other terms, but
/// [`CALL`], do not count.
pub const UNPACKED: &str = "unpacked_";

/// The term that counts everywhere: being called.
pub const CALL: &str = "call";

/// A term's name and how often it occurs in an operator.
pub type Term = (&'static str, f64);

/// An operator as `infer` runs it: what planner and reports ask.
pub trait Running {
    /// How it is computed.
    fn choice(&self) -> Choice;

    /// The operator without its plan.
    fn plain(&self) -> PlainKind;

    /// Bias and multiplier of each output channel; empty where it has none.
    fn channels(&self) -> Vec<ChannelParameters> {
        vec![]
    }

    /// int8 weights in plain order, however they are packed; empty where it has none.
    fn weights(&self) -> Vec<i8> {
        vec![]
    }

    /// Weights in plain order packed as its algorithm has them in a file; `channels` are the bytes
    /// of the channel parameters.
    ///
    /// # Errors
    /// What a loader would say: a shape the algorithm does not compute, or weights beyond its
    /// range.
    fn pack(&self, _channels: &[u8], _weights: &[i8]) -> Result<Vec<u8>, LayerProblem> {
        Ok(vec![])
    }

    /// The end of its formula's name, one of its algorithm's [cases](Algorithm::cases): layers that
    /// some cores compute in another way have a formula of their own.
    fn case(&self) -> &'static str {
        ""
    }

    /// What its instructions grow with: the terms of its formula.
    fn terms(&self) -> Vec<Term>;

    /// What it is, in a few words.
    fn describe(&self) -> String;
}
