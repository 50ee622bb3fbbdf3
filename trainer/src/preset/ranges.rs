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

/// What a number may be.
#[derive(Clone)]
enum Allowed {
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
    /// Any text.
    Text,
    /// Names of layers.
    Names,
    /// Yes or no.
    Flag,
}

use Allowed::{Extent, Flag, Names, Pair, Real, Text, Whole, Word};

/// Every value of a preset by its path, but those of its layers.
const RULES: &[(&[&str], Allowed)] = &[
    (&["network", "input", "height"], Whole(1..=65_535)),
    (&["network", "input", "width"], Whole(1..=65_535)),
    (&["network", "input", "channels"], Whole(1..=65_535)),
    (&["network", "input", "offset"], Pair(-32_768..=32_767)),
    (&["training", "epochs"], Whole(EPOCHS)),
    (&["training", "batch"], Whole(BATCH)),
    (&["training", "held_out"], Whole(0..=i64::MAX)),
    (&["training", "weight_decay"], Real(0.0..=1.0)),
    (&["training", "class_weights"], Word(&["equal", "balanced"])),
    (&["training", "optimizer", "type"], Word(&["rmsprop", "sgd"])),
    (&["training", "optimizer", "learning_rate"], Real(LEARNING_RATE)),
    (&["training", "optimizer", "rho"], Real(DECAY)),
    (&["training", "optimizer", "epsilon"], Real(EPSILON)),
    (&["training", "optimizer", "momentum"], Real(DECAY)),
    (&["training", "optimizer", "nesterov"], Flag),
    (&["training", "schedule", "type"], Word(&["constant", "cosine"])),
    (&["training", "schedule", "warmup"], Real(0.0..=1.0)),
    (&["training", "batch_norm", "momentum"], Real(DECAY)),
    (&["training", "batch_norm", "epsilon"], Real(EPSILON)),
    (&["training", "batch_norm", "min_gamma"], Real(1e-4..=1.0)),
    (&["training", "augment", "rotation_degrees"], Real(0.0..=180.0)),
    (&["training", "augment", "log_scale"], Real(0.0..=1.0)),
    (&["training", "augment", "shear"], Real(0.0..=1.0)),
    (&["training", "augment", "shift_pixels"], Real(0.0..=1000.0)),
    (&["training", "augment", "elastic_pixels"], Real(0.0..=1000.0)),
    (&["training", "augment", "elastic_grid"], Whole(2..=64)),
    (&["training", "augment", "calm_part"], Real(0.0..=1.0)),
    (&["training", "augment", "calm_strength"], Real(0.0..=1.0)),
    (&["training", "average", "decay"], Real(DECAY)),
];

/// Every value of a layer by its key, whatever the layer's type.
fn layer_rules() -> Vec<(&'static str, Allowed)> {
    let of_keys = ops::LAYERS.iter().flat_map(|(_, keys)| *keys);
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
            Values::Word(words) => Word(words),
        }
    }
}

/// Checks every value that is there; missing and unknown keys are not looked at.
pub(super) fn check(table: &Spanned<DeTable<'_>>, text: &str) -> Result<(), Problem> {
    let layers = layer_rules().into_iter();
    let layers = layers.map(|(key, allowed)| (vec!["network", "layer", "*", key], allowed));
    let others = RULES.iter().map(|(path, allowed)| (path.to_vec(), allowed.clone()));
    for (path, allowed) in layers.chain(others) {
        if let Some(section) = table.get_ref().get(path[0])
            && let Some(value) = first_refused(section, &path[1..], &allowed)
        {
            let key = path[1..].join(".").replace(".*", "");
            let found =
                text.get(value.span()).unwrap_or_default().lines().next().unwrap_or_default();
            let message = format!("{key} is {found}; it must be {allowed}");
            return Err(Problem { at: value.span(), message });
        }
    }
    Ok(())
}

/// The first value at `path` below `value` that is not allowed.
fn first_refused<'t, 'i>(
    value: &'t Spanned<DeValue<'i>>,
    path: &[&str],
    allowed: &Allowed,
) -> Option<&'t Spanned<DeValue<'i>>> {
    match path {
        [] => (!allowed.admits(value.get_ref())).then_some(value),
        ["*", rest @ ..] => {
            value.get_ref().as_array()?.iter().find_map(|item| first_refused(item, rest, allowed))
        }
        [key, rest @ ..] => first_refused(value.get_ref().get(*key)?, rest, allowed),
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
