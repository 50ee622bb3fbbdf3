//! Presets: a network and how to train it, in a TOML file. Some are built in; any other is a path.
//!
//! Everything a preset does stands in its file, so a copy with one line changed is a new
//! experiment.

mod bare;
mod limits;
pub mod page;
mod ranges;
pub mod starting;

use std::ops::Range;
use std::path::Path;
use std::{fs, io};

use infer::format::{LAYERS_MAX, NAME_BYTES_MAX};
use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;
use toml::de::DeTable;

use crate::network::{Network, NetworkError};
use crate::recipe::Recipe;
pub use ranges::{BATCH, EPOCHS, LEARNING_RATE, real};

/// What runs when no preset is named.
pub const DEFAULT: &str = "standard";

/// A preset that is part of the program.
pub struct BuiltIn {
    /// Its name on the command line.
    pub name: &'static str,
    /// Its file.
    pub toml: &'static str,
}

/// The presets that are part of the program.
pub const BUILT_IN: [BuiltIn; 5] = [
    BuiltIn { name: "tutorial", toml: include_str!("../../networks/tutorial.toml") },
    BuiltIn { name: "standard", toml: include_str!("../../networks/standard.toml") },
    BuiltIn { name: "best", toml: include_str!("../../networks/best.toml") },
    BuiltIn { name: "compact", toml: include_str!("../../networks/compact.toml") },
    BuiltIn { name: "tiny", toml: include_str!("../../networks/tiny.toml") },
];

impl BuiltIn {
    /// The first line of the file's opening comment.
    pub fn summary(&self) -> &'static str {
        self.toml.lines().next().unwrap_or_default().trim_start_matches(['#', ' '])
    }
}

/// A network that can be built and a recipe whose values are all in range.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// Name of a built-in preset, or the path as given.
    pub name: String,
    /// The network.
    pub network: Network,
    /// How it is trained.
    pub recipe: Recipe,
}

impl Preset {
    /// Reads a preset by name or by path; an argument that ends in `.toml` or names an existing
    /// file is a path.
    ///
    /// # Errors
    /// An unknown name, a file that cannot be read, or one that is no preset: see [`PresetError`].
    pub fn load(argument: &str) -> Result<Self, PresetError> {
        if let Some(preset) = BUILT_IN.iter().find(|preset| preset.name == argument) {
            return Self::parse(argument, preset.toml);
        }
        let path = Path::new(argument);
        let looks_like_path =
            path.extension().is_some_and(|extension| extension == "toml") || path.is_file();
        if !looks_like_path {
            return Err(PresetError::Unknown { name: argument.to_owned() });
        }
        let unreadable = |cause| PresetError::Unreadable { path: argument.to_owned(), cause };
        Self::parse(argument, &fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Reads a preset from the text of its file; `name` is what messages call it.
    ///
    /// # Errors
    /// [`PresetError::Content`] with the line.
    pub fn parse(name: &str, text: &str) -> Result<Self, PresetError> {
        let failed = |problem: Problem| PresetError::Content {
            file: name.to_owned(),
            line: line_of(text, problem.at),
            message: problem.message,
        };
        let File { network, training } = read(text).map_err(failed)?;
        Ok(Self { name: name.to_owned(), network, recipe: training })
    }

    /// Refuses values that cannot work together; what [`Preset::parse`] gives can, until it is
    /// changed.
    ///
    /// # Errors
    /// [`PresetError::Together`].
    pub fn check(&self) -> Result<(), PresetError> {
        limits::check(&self.network, &self.recipe)
            .map_err(|(_, message)| PresetError::Together { message })
    }
}

/// Why there is no preset.
#[derive(Debug, Error)]
pub enum PresetError {
    /// Neither a name nor a path.
    #[error("no preset '{name}'; known are {}; or give the path of a .toml file", known())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("{path}: cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Values that are in range each, but cannot work together.
    #[error("{message}")]
    Together {
        /// What is wrong and what is allowed.
        message: String,
    },
    /// The file is no preset.
    #[error("{file}:{line}: {message}")]
    Content {
        /// The file, or the name of a built-in preset.
        file: String,
        /// Line, from 1.
        line: usize,
        /// What is wrong there and what is allowed.
        message: String,
    },
}

fn known() -> String {
    BUILT_IN.map(|preset| format!("'{}'", preset.name)).join(", ")
}

/// What is wrong, and where in the text.
#[derive(Debug)]
struct Problem {
    at: Range<usize>,
    message: String,
}

/// A preset file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    network: Network,
    training: Recipe,
}

fn read(text: &str) -> Result<File, Problem> {
    let problem = |error| problem(text, error);
    let table = DeTable::parse(text).map_err(problem)?;
    ranges::check(&table, text)?;
    bare::check(&table)?;
    let file: File = toml::from_str(text).map_err(problem)?;
    check_network(&file.network)
        .map_err(|(layer, message)| Problem { at: layer_at(&table, layer), message })?;
    limits::check(&file.network, &file.training)
        .map_err(|(key, message)| Problem { at: key_at(&table, key), message })?;
    Ok(file)
}

/// What the TOML reader says. Of an unknown word inside of a layer it knows only where the layer
/// begins, so the word is looked for from there on.
fn problem(text: &str, error: toml::de::Error) -> Problem {
    let mut at = error.span().unwrap_or_default();
    let message = error.message().replace('\n', ", ");
    let mut parts = message.split('`');
    if let (Some("unknown field " | "unknown variant "), Some(word)) = (parts.next(), parts.next())
    {
        let rest = text.get(at.start..).unwrap_or_default();
        at.start += rest.find(word).unwrap_or_default();
    }
    if message == "duplicate key" {
        let key = text.get(at.clone()).unwrap_or_default().trim();
        return Problem { at, message: format!("{message} `{key}`") };
    }
    Problem { at, message }
}

/// Whether the network can be built and fits a model file; if not, the number of the layer (0: none
/// of them) and why.
fn check_network(network: &Network) -> Result<(), (usize, String)> {
    let stages = network.stages().map_err(|error| (layer_of(&error), error.to_string()))?;
    if stages.len() > LAYERS_MAX {
        let message = format!(
            "the network has {} stages; a model file holds at most {LAYERS_MAX}",
            stages.len()
        );
        return Err((0, message));
    }
    match network.layers.iter().position(|layer| layer.name.len() > NAME_BYTES_MAX) {
        Some(index) => {
            Err((index + 1, format!("the name is longer than {NAME_BYTES_MAX} bytes: shorten it")))
        }
        None => Ok(()),
    }
}

fn layer_of(error: &NetworkError) -> usize {
    match error {
        NetworkError::Empty => 0,
        NetworkError::Layer { number, .. } => *number,
    }
}

/// Place of layer `number`, from 1, or of the network.
fn layer_at(table: &Spanned<DeTable<'_>>, number: usize) -> Range<usize> {
    let network = table.get_ref().get("network");
    let layers = network.and_then(|network| network.get_ref().get("layer"));
    let layer = layers.and_then(|layers| layers.get_ref().get(number.checked_sub(1)?));
    layer.or(network).map(Spanned::span).unwrap_or_default()
}

/// Place of a key of the section `[training]` and below, or of what of its path is there.
fn key_at(table: &Spanned<DeTable<'_>>, path: &[&str]) -> Range<usize> {
    let mut place = Range::default();
    let mut value = table.get_ref().get("training");
    for key in path.iter().map(Some).chain([None]) {
        let Some(found) = value else { break };
        place = found.span();
        value = key.and_then(|key| found.get_ref().get(*key));
    }
    place
}

/// Line of byte `at.start`, from 1.
fn line_of(text: &str, at: Range<usize>) -> usize {
    text.bytes().take(at.start).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
