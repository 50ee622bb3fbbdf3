//! The values a preset may hold: one table, one message.

use std::fmt;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::ops::{self, Values};

/// Passes over the training images.
pub const EPOCHS: RangeInclusive<i64> = 1..=10_000;

/// Images per step.
pub const BATCH: RangeInclusive<i64> = 1..=65_536;

/// Step size of the optimiser. Below it steps vanish beside the weights: a weight of 0.1 has no
/// neighbour nearer than 7e-9.
pub const LEARNING_RATE: RangeInclusive<f64> = 1e-6..=100.0;

/// What is added to a divisor: with less, the quotient of small numbers is no number in `f32`.
const EPSILON: RangeInclusive<f64> = 1e-12..=1.0;

/// Weight of what was before in a moving average: with more, nothing that comes in `f32` counts.
const DECAY: RangeInclusive<f64> = 0.0..=0.99999;

/// What a layer may read beyond the edge of a map, in a word.
const PADDINGS: &[&str] = &["valid", "same", "causal"];

/// What a number may be.
#[derive(Clone)]
pub(super) enum Allowed {
    /// A whole number.
    Whole(RangeInclusive<i64>),
    /// One whole number, or two: rows and columns.
    Extent(RangeInclusive<i64>),
    /// Two whole numbers.
    Pair(RangeInclusive<i64>),
    /// Any number of the range.
    Real(RangeInclusive<f64>),
    /// One of these words.
    Word(&'static [&'static str]),
    /// What is read beyond the edge of a map: a word, or a number for each of these sides.
    Padding(&'static [&'static str]),
    /// Any text.
    Text,
    /// Names of layers.
    Names,
    /// Yes or no.
    Flag,
}

use Allowed::{Extent, Flag, Names, Padding, Pair, Real, Text, Whole, Word};

/// A value of a preset.
pub(super) struct Rule {
    /// Its section and key.
    pub path: &'static [&'static str],
    /// What it may be.
    pub allowed: Allowed,
    /// What it is when it is left out, or that it must be there where its section is.
    pub default: &'static str,
    /// What it is for, in Markdown.
    pub what: &'static str,
}

/// Every value of a preset by its path, but those of its layers.
pub(super) const RULES: &[Rule] = &[
    Rule {
        path: &["network", "input", "height"],
        allowed: Whole(1..=65_535),
        default: "required",
        what: "Rows of the network's input.",
    },
    Rule {
        path: &["network", "input", "width"],
        allowed: Whole(1..=65_535),
        default: "required",
        what: "Columns of the network's input.",
    },
    Rule {
        path: &["network", "input", "channels"],
        allowed: Whole(1..=65_535),
        default: "required",
        what: "Values per pixel: 1 for grey, 3 for colour.",
    },
    Rule {
        path: &["network", "input", "offset"],
        allowed: Pair(-32_768..=32_767),
        default: "[0, 0]",
        what: "Rows and columns by which the input lies below and right of the image's corner; \
            outside of the image it is 0.",
    },
    Rule {
        path: &["training", "task"],
        allowed: Word(&["classify", "regress", "reconstruct"]),
        default: "\"classify\"",
        what: "What the network learns to answer: a class, real values, or its input once more.",
    },
    Rule {
        path: &["training", "label_smoothing"],
        allowed: Real(0.0..=0.5),
        default: "0",
        what: "`classify`: part of the truth that is spread over all classes alike.",
    },
    Rule {
        path: &["training", "error"],
        allowed: Word(&["squared", "absolute"]),
        default: "\"squared\"",
        what: "`regress`: what is made small, the mean over the values of squared differences or \
            of differences without their sign.",
    },
    Rule {
        path: &["training", "threshold_quantile"],
        allowed: Real(0.5..=1.0),
        default: "0.99",
        what: "`reconstruct`: part of the training inputs whose error is not above the threshold.",
    },
    Rule {
        path: &["training", "epochs"],
        allowed: Whole(EPOCHS),
        default: "required",
        what: "Passes over the training images.",
    },
    Rule {
        path: &["training", "quantised_epochs"],
        allowed: Whole(0..=*EPOCHS.end()),
        default: "0",
        what: "The last epochs, in which the network is trained as int8 leaves it: weights and \
            maps go to the nearest values that int8 has. At most all epochs.",
    },
    Rule {
        path: &["training", "batch"],
        allowed: Whole(BATCH),
        default: "required",
        what: "Images per step.",
    },
    Rule {
        path: &["training", "held_out"],
        allowed: Whole(0..=i64::MAX),
        default: "0",
        what: "Training images kept aside to follow accuracy; at most a sixth of them.",
    },
    Rule {
        path: &["training", "weight_decay"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Pull of every weight towards 0 per unit of learning rate; times the learning rate \
            it is below 1.",
    },
    Rule {
        path: &["training", "class_weights"],
        allowed: Word(&["equal", "balanced"]),
        default: "\"equal\"",
        what: "`classify`: whether every image counts the same, or every class.",
    },
    Rule {
        path: &["training", "optimizer", "type"],
        allowed: Word(&["sgd", "rmsprop", "adam", "adamw", "adagrad"]),
        default: "required",
        what: "The optimiser; its constants are those of Keras where they are left out.",
    },
    Rule {
        path: &["training", "optimizer", "learning_rate"],
        allowed: Real(LEARNING_RATE),
        default: "0.001",
        what: "Step size; the peak where a schedule changes it. `sgd`: left out, 0.01.",
    },
    Rule {
        path: &["training", "optimizer", "momentum"],
        allowed: Real(DECAY),
        default: "0",
        what: "`sgd`: part of the last step in the next.",
    },
    Rule {
        path: &["training", "optimizer", "nesterov"],
        allowed: Flag,
        default: "false",
        what: "`sgd`: whether the momentum looks ahead.",
    },
    Rule {
        path: &["training", "optimizer", "rho"],
        allowed: Real(DECAY),
        default: "0.9",
        what: "`rmsprop`: decay of the average of squared gradients.",
    },
    Rule {
        path: &["training", "optimizer", "epsilon_in_root"],
        allowed: Flag,
        default: "true",
        what: "`rmsprop`: whether `epsilon` is added below the root, as Keras 3 does, or to the \
            root, as Keras 2 and PyTorch do; below it, steps of small gradients are smaller.",
    },
    Rule {
        path: &["training", "optimizer", "beta_1"],
        allowed: Real(DECAY),
        default: "0.9",
        what: "`adam`, `adamw`: decay of the average of gradients.",
    },
    Rule {
        path: &["training", "optimizer", "beta_2"],
        allowed: Real(DECAY),
        default: "0.999",
        what: "`adam`, `adamw`: decay of the average of squared gradients.",
    },
    Rule {
        path: &["training", "optimizer", "weight_decay"],
        allowed: Real(0.0..=100.0),
        default: "0.004",
        what: "`adamw`: pull of every parameter, biases too, towards 0 per unit of learning \
            rate, beside the gradient; times the learning rate it is below 1.",
    },
    Rule {
        path: &["training", "optimizer", "initial_accumulator"],
        allowed: Real(0.0..=1000.0),
        default: "0.1",
        what: "`adagrad`: what the sum of squared gradients begins with.",
    },
    Rule {
        path: &["training", "optimizer", "epsilon"],
        allowed: Real(EPSILON),
        default: "1e-7",
        what: "`rmsprop`, `adam`, `adamw`, `adagrad`: keeps the divisor above 0; `adagrad` has \
            it below the root.",
    },
    Rule {
        path: &["training", "schedule", "type"],
        allowed: Word(&["constant", "cosine", "step", "plateau"]),
        default: "required",
        what: "Learning rate over the run: as it is; up and then down along a cosine; down after \
            a number of epochs, again and again; or down whenever the held-out loss has stopped \
            falling.",
    },
    Rule {
        path: &["training", "schedule", "warmup"],
        allowed: Real(0.0..=1.0),
        default: "required",
        what: "`cosine`: part of the run spent rising.",
    },
    Rule {
        path: &["training", "schedule", "every"],
        allowed: Whole(EPOCHS),
        default: "required",
        what: "`step`: epochs between two changes.",
    },
    Rule {
        path: &["training", "schedule", "factor"],
        allowed: Real(0.01..=0.99),
        default: "0.1",
        what: "`step`, `plateau`: what the learning rate is multiplied by.",
    },
    Rule {
        path: &["training", "schedule", "patience"],
        allowed: Whole(EPOCHS),
        default: "10",
        what: "`plateau`: epochs without a better loss before the learning rate changes.",
    },
    Rule {
        path: &["training", "schedule", "min_delta"],
        allowed: Real(0.0..=1000.0),
        default: "1e-4",
        what: "`plateau`: a loss is better if it is lower by more than this.",
    },
    Rule {
        path: &["training", "schedule", "cooldown"],
        allowed: Whole(0..=10_000),
        default: "0",
        what: "`plateau`: epochs after a change during which nothing is waited for.",
    },
    Rule {
        path: &["training", "schedule", "min_learning_rate"],
        allowed: Real(0.0..=100.0),
        default: "0",
        what: "`plateau`: the learning rate does not fall below it.",
    },
    Rule {
        path: &["training", "early_stopping", "patience"],
        allowed: Whole(EPOCHS),
        default: "required",
        what: "Epochs without a better held-out loss after which the run ends.",
    },
    Rule {
        path: &["training", "early_stopping", "min_delta"],
        allowed: Real(0.0..=1000.0),
        default: "0",
        what: "A loss is better if it is lower by more than this.",
    },
    Rule {
        path: &["training", "batch_norm", "momentum"],
        allowed: Real(DECAY),
        default: "required",
        what: "Weight of the old running statistics.",
    },
    Rule {
        path: &["training", "batch_norm", "epsilon"],
        allowed: Real(EPSILON),
        default: "required",
        what: "Added to the variance.",
    },
    Rule {
        path: &["training", "batch_norm", "min_gamma"],
        allowed: Real(1e-4..=1.0),
        default: "required",
        what: "Least factor, so that folding into the convolution stays exact.",
    },
    Rule {
        path: &["training", "augment", "flip"],
        allowed: Word(&["none", "horizontal", "vertical", "both"]),
        default: "\"none\"",
        what: "Which sides change places, each for half of the images: left and right, top and \
            bottom, or both.",
    },
    Rule {
        path: &["training", "augment", "crop"],
        allowed: Real(0.0..=0.9),
        default: "0",
        what: "Largest part of each side that is cut off before the rest is enlarged to the whole.",
    },
    Rule {
        path: &["training", "augment", "rotation_degrees"],
        allowed: Real(0.0..=180.0),
        default: "0",
        what: "Largest rotation either way.",
    },
    Rule {
        path: &["training", "augment", "log_scale"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Largest logarithm of the scale of each axis, either way.",
    },
    Rule {
        path: &["training", "augment", "shear"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Largest shear either way.",
    },
    Rule {
        path: &["training", "augment", "shift_pixels"],
        allowed: Real(0.0..=1000.0),
        default: "0",
        what: "Largest shift either way; at most half of the input's shorter side.",
    },
    Rule {
        path: &["training", "augment", "elastic_pixels"],
        allowed: Real(0.0..=1000.0),
        default: "0",
        what: "Standard deviation of the elastic displacement; at most a quarter of the shorter \
            side.",
    },
    Rule {
        path: &["training", "augment", "elastic_grid"],
        allowed: Whole(2..=64),
        default: "4",
        what: "Points per side of the grid that the displacement is drawn on.",
    },
    Rule {
        path: &["training", "augment", "brightness"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Largest value added to all pixels, either way; pixels are 0 to 1.",
    },
    Rule {
        path: &["training", "augment", "noise"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Standard deviation of what is added to each value of each pixel.",
    },
    Rule {
        path: &["training", "augment", "cutout_pixels"],
        allowed: Whole(0..=65_535),
        default: "0",
        what: "Side of a square that is made black at a random place; at most half of the \
            shorter side.",
    },
    Rule {
        path: &["training", "augment", "calm_part"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Part of the run at its end with weaker distortion.",
    },
    Rule {
        path: &["training", "augment", "calm_strength"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Strength of the distortion in that part; flips are as they are.",
    },
    Rule {
        path: &["training", "augment_series", "jitter"],
        allowed: Real(0.0..=1.0),
        default: "0",
        what: "Standard deviation of what is added to each value, in parts of its channel's range.",
    },
    Rule {
        path: &["training", "augment_series", "scale"],
        allowed: Real(0.0..=0.9),
        default: "0",
        what: "Largest change of each channel's distance from its mean, either way: 0.2 makes it \
            0.8 to 1.2 times as large.",
    },
    Rule {
        path: &["training", "augment_series", "time_shift"],
        allowed: Whole(0..=65_535),
        default: "0",
        what: "Largest shift in time either way, rows; the first or last row is repeated. At \
            most half of the rows.",
    },
    Rule {
        path: &["training", "average", "decay"],
        allowed: Real(DECAY),
        default: "required",
        what: "Largest decay of the moving average of the weights, per step.",
    },
];

/// Every value of a layer of some type by its key.
fn layer_rules(layer: &Spanned<DeValue<'_>>) -> Vec<(&'static str, Allowed)> {
    let found = layer.get_ref().get("type").and_then(|found| found.get_ref().as_str());
    let keys = ops::LAYERS.iter().filter(|(layer, _)| Some(*layer) == found);
    let of_keys = keys.flat_map(|(_, keys)| *keys);
    let of_keys = of_keys.map(|(key, values)| (*key, Allowed::from(values)));
    [("type", Word(ops::TYPES)), ("name", Text), ("from", Names)]
        .into_iter()
        .chain(of_keys)
        .collect()
}

impl From<&Values> for Allowed {
    fn from(values: &Values) -> Self {
        match values {
            Values::Whole(range) => Whole(range.clone()),
            Values::Extent(range) => Extent(range.clone()),
            Values::Real(range) => Real(range.clone()),
            Values::Word(words) => Word(words),
            Values::Padding { numbers } => Padding(numbers),
        }
    }
}

/// Checks every value that is there; missing and unknown keys are not looked at.
pub(super) fn check(table: &Spanned<DeTable<'_>>, text: &str) -> Result<(), Problem> {
    let layers = table.get_ref().get("network").and_then(|network| network.get_ref().get("layer"));
    for layer in layers.and_then(|layers| layers.get_ref().as_array()).into_iter().flatten() {
        for (key, allowed) in layer_rules(layer) {
            refuse(layer, &[key], &format!("layer.{key}"), &allowed, text)?;
        }
    }
    for Rule { path, allowed, .. } in RULES {
        if let Some(section) = table.get_ref().get(path[0]) {
            refuse(section, &path[1..], &path[1..].join("."), allowed, text)?;
        }
    }
    Ok(())
}

/// Refuses the value at `path` below `value` if it is not allowed.
fn refuse(
    value: &Spanned<DeValue<'_>>,
    path: &[&str],
    key: &str,
    allowed: &Allowed,
    text: &str,
) -> Result<(), Problem> {
    match refused(value, path, allowed) {
        None => Ok(()),
        Some(value) => {
            let found = text.get(value.span()).unwrap_or_default();
            let found = found.lines().next().unwrap_or_default();
            let message = format!("{key} is {found}; it must be {allowed}");
            Err(Problem { at: value.span(), message })
        }
    }
}

/// The value at `path` below `value` if it is not allowed.
fn refused<'t, 'i>(
    value: &'t Spanned<DeValue<'i>>,
    path: &[&str],
    allowed: &Allowed,
) -> Option<&'t Spanned<DeValue<'i>>> {
    match path {
        [] => (!allowed.admits(value.get_ref())).then_some(value),
        [key, rest @ ..] => refused(value.get_ref().get(*key)?, rest, allowed),
    }
}

impl Allowed {
    fn admits(&self, value: &DeValue<'_>) -> bool {
        let whole = |range: &RangeInclusive<i64>, value: &DeValue<'_>| {
            whole_number(value).is_some_and(|number| range.contains(&number))
        };
        let pair = |range| match value.as_array() {
            Some(items) => {
                items.len() == 2 && items.iter().all(|item| whole(range, item.get_ref()))
            }
            None => false,
        };
        let number = real_number(value);
        match self {
            Whole(range) => whole(range, value),
            Extent(range) => whole(range, value) || pair(range),
            Pair(range) => pair(range),
            Real(range) => number.is_some_and(|number| range.contains(&number)),
            Word(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Padding(sides) => match value.as_array() {
                Some(zeros) => {
                    let is_count =
                        |zeros: &Spanned<DeValue<'_>>| whole(&(0..=255), zeros.get_ref());
                    zeros.len() == sides.len() && zeros.iter().all(is_count)
                }
                None => value.as_str().is_some_and(|word| PADDINGS.contains(&word)),
            },
            Text => value.as_str().is_some(),
            Names => value
                .as_array()
                .is_some_and(|items| items.iter().all(|item| item.get_ref().as_str().is_some())),
            Flag => value.as_bool().is_some(),
        }
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whole(range) if *range.end() == i64::MAX => {
                write!(f, "a whole number of {} or more", range.start())
            }
            Whole(range) => write!(f, "a whole number from {} to {}", range.start(), range.end()),
            Extent(range) => {
                write!(
                    f,
                    "n or [rows, columns], whole numbers from {} to {}",
                    range.start(),
                    range.end()
                )
            }
            Pair(range) => {
                write!(
                    f,
                    "[rows, columns], whole numbers from {} to {}",
                    range.start(),
                    range.end()
                )
            }
            Real(range) => {
                write!(f, "a number from {} to {}", real(*range.start()), real(*range.end()))
            }
            Word(words) => f.write_str(&alternatives(words)),
            Padding(sides) => write!(
                f,
                "{} or [{}], whole numbers from 0 to 255",
                alternatives(PADDINGS).replace(" or ", ", "),
                sides.join(", ")
            ),
            Text => f.write_str("text in quotes"),
            Names => f.write_str("names of layers before it, such as [\"conv1\", \"conv2\"]"),
            Flag => f.write_str("true or false"),
        }
    }
}

/// As a preset file has it: `0.5`, `1e-6`.
pub fn real(value: f64) -> String {
    let is_small = value != 0.0 && value.abs() < 1e-3;
    if is_small { format!("{value:e}") } else { value.to_string() }
}

/// `"a", "b" or "c"`.
fn alternatives(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<i64> {
    let number = value.as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn real_number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(number) => number.as_str().parse().ok(),
        _ => whole_number(value).map(|number| number as f64),
    }
}
