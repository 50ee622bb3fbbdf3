//! Layers over series, which are maps of one column: a row for each moment. What they become are
//! the operators of maps, with windows of one column.

use infer::Shape;
use infer::packing::WeightBits;
use infer::schedule::INPUTS_MAX;
use serde::{Deserialize, Serialize};

use super::description::{Description, Extent, Lowered, Padding, Problem, Values};
use super::{Activation, average_pool, conv, depthwise, is_int8, max_pool};

/// What a window over a series reads beyond its ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesPadding {
    /// As [`Padding::Valid`].
    #[default]
    Valid,
    /// As [`Padding::Same`].
    Same,
    /// As [`Padding::Causal`].
    Causal,
    /// Numbers of zeros `[before, after]`.
    #[serde(untagged)]
    Each([u8; 2]),
}

impl From<SeriesPadding> for Padding {
    fn from(padding: SeriesPadding) -> Self {
        match padding {
            SeriesPadding::Valid => Self::Valid,
            SeriesPadding::Same => Self::Same,
            SeriesPadding::Causal => Self::Causal,
            SeriesPadding::Each([before, after]) => Self::Each([before, after, 0, 0]),
        }
    }
}

/// A length along a series.
const LENGTH: Values = Values::Whole(1..=255);

const PADDING: Values = Values::Padding { numbers: &["before", "after"] };

const fn one() -> u8 {
    1
}

/// A window of a number of moments.
const fn along(length: u8) -> Extent {
    Extent::Each([length, 1])
}

/// What a layer over maps makes of a series.
fn lower(layer: &impl Description, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
    match inputs[0] {
        Shape { width: 1, .. } => layer.lower(inputs),
        input => Err(Problem::NoSeries { input }),
    }
}

/// A layer of the type `conv_1d`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conv1d {
    /// Output channels.
    pub filters: u16,
    /// Moments that an output reads.
    pub kernel: u8,
    /// Step; 1 when left out.
    #[serde(default = "one")]
    pub stride: u8,
    /// Step from one moment that an output reads to the next; 1 when left out.
    #[serde(default = "one")]
    pub dilation: u8,
    /// What is read beyond the ends; nothing when left out.
    #[serde(default)]
    pub padding: SeriesPadding,
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
    /// How many bits its weights have; int8 when left out.
    #[serde(default, skip_serializing_if = "is_int8")]
    pub weights: WeightBits,
}

impl Description for Conv1d {
    const TYPE: &'static str = "conv_1d";
    const NAME: &'static str = "conv";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("filters", Values::Whole(1..=65_535)),
        ("kernel", LENGTH),
        ("stride", LENGTH),
        ("dilation", LENGTH),
        ("padding", PADDING),
        ("activation", Activation::VALUES),
        ("weights", Values::WEIGHT_BITS),
    ];

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let Self { filters, activation, weights, .. } = *self;
        let [kernel, stride, dilation] = [self.kernel, self.stride, self.dilation].map(along);
        let padding = self.padding.into();
        let layer = conv::Layer { filters, kernel, stride, dilation, padding, activation, weights };
        lower(&layer, inputs)
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }

    fn weight_bits(&self) -> WeightBits {
        self.weights
    }
}

/// A layer of the type `depthwise_1d`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depthwise1d {
    /// Moments that an output reads.
    pub kernel: u8,
    /// Step; 1 when left out.
    #[serde(default = "one")]
    pub stride: u8,
    /// What is read beyond the ends; nothing when left out.
    #[serde(default)]
    pub padding: SeriesPadding,
    /// Output channels for each input channel; 1 when left out.
    #[serde(default = "depthwise::one")]
    pub multiplier: u16,
    /// What follows, or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<Activation>,
}

impl Description for Depthwise1d {
    const TYPE: &'static str = "depthwise_1d";
    const NAME: &'static str = "depthwise";
    const KEYS: &'static [(&'static str, Values)] = &[
        ("kernel", LENGTH),
        ("stride", LENGTH),
        ("padding", PADDING),
        ("multiplier", Values::Whole(1..=65_535)),
        ("activation", Activation::VALUES),
    ];

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let Self { multiplier, activation, .. } = *self;
        let [kernel, stride] = [self.kernel, self.stride].map(along);
        let padding = self.padding.into();
        let layer = depthwise::Layer { kernel, stride, padding, multiplier, activation };
        lower(&layer, inputs)
    }

    fn activation(&self) -> Option<Activation> {
        self.activation
    }
}

/// A layer of the type `max_pool_1d`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaxPool1d {
    /// Moments of a window.
    pub size: u8,
    /// Step; the window's size when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<u8>,
}

impl Description for MaxPool1d {
    const TYPE: &'static str = "max_pool_1d";
    const NAME: &'static str = "pool";
    const KEYS: &'static [(&'static str, Values)] = &[("size", LENGTH), ("stride", LENGTH)];

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let (size, stride) = (along(self.size), self.stride.map(along));
        lower(&max_pool::Layer { size, stride }, inputs)
    }
}

/// A layer of the type `average_pool_1d`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragePool1d {
    /// Moments of a window; all when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u8>,
    /// Step; the window's size when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<u8>,
    /// What is read beyond the ends; nothing when left out.
    #[serde(default)]
    pub padding: SeriesPadding,
}

impl Description for AveragePool1d {
    const TYPE: &'static str = "average_pool_1d";
    const NAME: &'static str = "average";
    const KEYS: &'static [(&'static str, Values)] =
        &[("size", LENGTH), ("stride", LENGTH), ("padding", PADDING)];

    fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
        let (size, stride) = (self.size.map(along), self.stride.map(along));
        lower(&average_pool::Layer { size, stride, padding: self.padding.into() }, inputs)
    }
}
