//! The operators: one folder each, and the one list that names them all.
//!
//! An operator's folder holds what is special to it along the path of the data; what all operators
//! share stays where the path leads through. The list makes an enum of each of its forms:
//!
//! | form | of a `conv` | what it fills in | enum |
//! | --- | --- | --- | --- |
//! | in a description | `conv::Layer` | [`Description`] | [`LayerKind`] |
//! | shapes worked out | `conv::Conv` | [`Operator`] | [`StageKind`] |
//! | on float maps | `conv::Float` | [`FloatOperator`] | [`FloatKind`] |
//! | in integers | `conv::Plain` | [`PlainOperator`] | [`PlainKind`] |
//! | a way to compute it | `conv::Algorithm` | [`Algorithm`] | [`Choice`] |
//! | as `infer` runs it | `infer::Conv` | [`Running`] | [`infer::LayerKind`] |
//!
//! The list has the types of layers too: most operators have one, some several.
//!
//! To add one: its folder here, and its line in the list. Until its forms are all there, the
//! program does not compile. Of an operator that networks trained here do not have, only imported
//! ones, the list has the last three forms.

#[macro_use]
mod list;

mod activation;
mod description;
mod dropout;
mod float;
mod operator;
mod plain;
mod series;

pub use activation::{
    Activation, Approximation, Function, Gelu, HardSwish, LeakyRelu, Rectifier, Relu, Relu6,
    Sigmoid, Softmax, Tanh,
};
pub use description::{Description, Extent, Lowered, Padding, Problem, Values, at_most, is_int8};
pub use dropout::Dropout;
pub use float::{Buffers, FloatOperator, InputGradients, Inputs, Pass};
pub use operator::{
    BurnParameters, INT4_TAPS_MAX, Operator, OutputScale, Part, Scales, Source, WEIGHTED_STEPS_MAX,
    WeightShape, Window,
};
pub use plain::{
    Algorithm, CALL, Mixing, PlainOperator, Running, Term, UNPACKED, leaves_map, refused,
};
pub use series::{AveragePool1d, Conv1d, Depthwise1d, MaxPool1d, SeriesPadding};

use burn::tensor::Tensor;
use infer::format::OperatorRecord;
use infer::packing::WeightBits;
use infer::quant::ChannelParameters;
use infer::schedule::INPUTS_MAX;
use infer::{LayerProblem, Shape};
use serde::{Deserialize, Serialize};

use crate::kernels::{Gradient, Weights};

/// The list, handed to the macro of the name `$then`: what this crate and the tests make of all
/// operators is made of it.
#[doc(hidden)]
#[macro_export]
macro_rules! list_of_operators {
    ($then:ident) => {
        $then! {
            operators: Conv: conv, MaxPool: max_pool, Dense: dense, Add: add, Depthwise: depthwise,
                AveragePool: average_pool, Lookup: lookup, Concat: concat, Mul: mul,
                Extremum: extremum;
            imported: Softmax: softmax;
            layers:
                "conv" Conv: conv::Layer,
                "depthwise" Depthwise: depthwise::Layer,
                "dense" Dense: dense::Layer,
                "max_pool" MaxPool: max_pool::Layer,
                "average_pool" AveragePool: average_pool::Layer,
                "add" Add: add::Layer,
                "mul" Mul: mul::Layer,
                "maximum" Maximum: extremum::Maximum,
                "minimum" Minimum: extremum::Minimum,
                "concat" Concat: concat::Layer,
                "pad" Pad: concat::Pad,
                "relu" Relu: Relu,
                "relu6" Relu6: Relu6,
                "leaky_relu" LeakyRelu: LeakyRelu,
                "sigmoid" Sigmoid: Sigmoid,
                "tanh" Tanh: Tanh,
                "hard_swish" HardSwish: HardSwish,
                "gelu" Gelu: Gelu,
                "conv_1d" Conv1d: Conv1d,
                "depthwise_1d" Depthwise1d: Depthwise1d,
                "max_pool_1d" MaxPool1d: MaxPool1d,
                "average_pool_1d" AveragePool1d: AveragePool1d,
                "dropout" Dropout: Dropout,
                "softmax" Softmax: Softmax;
        }
    };
}

list_of_operators!(operators);

fn named<L: Description>() -> (&'static str, bool) {
    (L::NAME, L::NUMBERED)
}

impl Choice {
    /// Whether a core's instructions can grow with the term; `has_loop`: whether the core has the
    /// loop that the algorithm asks for.
    pub fn counts(self, term: &str, has_loop: bool) -> bool {
        self.loop_term().is_none() || term == CALL || term.starts_with(UNPACKED) != has_loop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_layer_is_written_as_it_says() {
        for (name, keys) in LAYERS {
            let unknown = format!("type = '{name}'\nnonsense = 1");
            let message = toml::from_str::<LayerKind>(&unknown).unwrap_err().to_string();
            assert!(message.contains("unknown field `nonsense`"), "{name}: {message}");
            let known = keys.iter().all(|(key, _)| message.contains(&format!("`{key}`")));
            assert!(known, "{name}: {message}");
        }
    }

    #[test]
    fn no_two_ways_share_a_formula() {
        let formulas = Choice::all().into_iter().map(Choice::formula);
        let mut sorted: Vec<String> = formulas.collect();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), Choice::all().len());
    }
}
