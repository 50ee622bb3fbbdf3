//! What a run is: everything its result depends on.

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::{Table, Value};

use crate::data::Dataset;
use crate::data::record::fingerprint;
use crate::network::Network;
use crate::recipe::Recipe;

/// Everything that the result of a run depends on. Threads, folders and chips are not part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Identity {
    seed: u64,
    /// SHA-256 of the training set.
    data: [u8; 32],
    /// The network and the recipe as a preset file, what the command line changed included.
    preset: String,
}

/// In what another run differs.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Difference {
    /// The seed.
    #[error("its seed is {there}, not {here}: give --seed {there}")]
    Seed {
        /// Of the checkpoint.
        there: u64,
        /// Of this run.
        here: u64,
    },
    /// The training images or their labels.
    #[error("it was trained on other images or labels: give the same --data")]
    Data,
    /// Network or recipe.
    #[error("its {key} is {there}, not {here}: give the preset and the options it was begun with")]
    Preset {
        /// Path of the first key that differs.
        key: String,
        /// Of the checkpoint.
        there: String,
        /// Of this run.
        here: String,
    },
    /// The number of epochs, where it shapes the whole run.
    #[error(
        "it was laid out for {there} epochs, not {here}, and {why}: give --epochs {there}, or \
            begin anew"
    )]
    Laid {
        /// Of the checkpoint.
        there: usize,
        /// Of this run.
        here: usize,
        /// What depends on the number.
        why: &'static str,
    },
    /// Fewer epochs than are done.
    #[error("it is in epoch {epoch} already: give --epochs {epoch} or more")]
    Shorter {
        /// The epoch under way.
        epoch: usize,
    },
}

impl Identity {
    /// Of a run that trains `network` by `recipe` with `seed` on `data`.
    pub fn new(network: &Network, recipe: &Recipe, seed: u64, data: &Dataset) -> Self {
        Self { seed, data: fingerprint(data), preset: preset(network, recipe) }
    }

    /// In what the run `there`, which has come to `epoch`, differs from this one so that this one
    /// would end otherwise.
    pub(super) fn difference(&self, there: &Self, epoch: usize) -> Option<Difference> {
        let (ours, theirs) = (table(&self.preset), table(&there.preset));
        if self.seed != there.seed {
            return Some(Difference::Seed { there: there.seed, here: self.seed });
        }
        if self.data != there.data {
            return Some(Difference::Data);
        }
        match first_difference("", &Value::Table(theirs.clone()), &Value::Table(ours.clone())) {
            Some(Difference::Preset { key, .. }) if key == EPOCHS_KEY => {
                length(&theirs, &ours, epoch)
            }
            other => other,
        }
    }
}

/// Compared last, see [`first_difference`].
const EPOCHS_KEY: &str = "training.epochs";

/// What is wrong with another number of epochs.
fn length(there: &Table, here: &Table, epoch: usize) -> Option<Difference> {
    let recipe = |table: &Table| table["training"].clone().try_into::<Recipe>().ok();
    let (Some(there), Some(here)) = (recipe(there), recipe(here)) else {
        return Some(Difference::Data);
    };
    if let Some(why) = here.shaped_by_length() {
        return Some(Difference::Laid { there: there.epochs, here: here.epochs, why });
    }
    // An epoch above the last is the end of a finished run.
    let begun = epoch.min(there.epochs);
    (here.epochs < begun).then_some(Difference::Shorter { epoch: begun })
}

/// A preset file with the network and the recipe.
fn preset(network: &Network, recipe: &Recipe) -> String {
    #[derive(Serialize)]
    struct File<'f> {
        network: &'f Network,
        training: &'f Recipe,
    }
    toml::to_string(&File { network, training: recipe }).expect("presets come from TOML")
}

/// An empty table for what is no TOML: it differs from every preset.
fn table(text: &str) -> Table {
    text.parse().unwrap_or_default()
}

/// The first key, in alphabetical order with the epochs at the end, whose values differ.
fn first_difference(key: &str, there: &Value, here: &Value) -> Option<Difference> {
    match (there, here) {
        (Value::Table(there), Value::Table(here)) => {
            let mut keys: Vec<&String> = there.keys().chain(here.keys()).collect();
            keys.sort_by_key(|key| (*key == "epochs", *key));
            keys.dedup();
            let absent = Value::String("absent".into());
            let of = |table: &'_ Table, key: &String| table.get(key).unwrap_or(&absent).clone();
            keys.iter().find_map(|name| {
                first_difference(&joined(key, name), &of(there, name), &of(here, name))
            })
        }
        (Value::Array(there), Value::Array(here)) if there.len() == here.len() => {
            let pairs = there.iter().zip(here).enumerate();
            pairs.into_iter().find_map(|(index, (there, here))| {
                first_difference(&format!("{key} {}", index + 1), there, here)
            })
        }
        _ if there == here => None,
        _ => {
            Some(Difference::Preset { key: key.to_owned(), there: shown(there), here: shown(here) })
        }
    }
}

fn joined(key: &str, name: &str) -> String {
    if key.is_empty() { name.to_owned() } else { format!("{key}.{name}") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Table(_) => "given".to_owned(),
        other => other.to_string(),
    }
}
