//! A model that answers inside of a page: what is drawn or typed there is computed by `infer`,
//! compiled to WebAssembly, and nothing is loaded from outside.
//!
//! - [`facts`]: what the page has to know of the model, as JSON;
//! - [`plans`]: the plans for each core, for its charts;
//! - [`page`]: the page of one model, which [`server`] hands to a browser.
//!
//! The page's own files lie in `trainer/templates/live`, its engine in `trainer/page`.

pub mod facts;
pub mod page;
pub mod plans;
pub mod server;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use infer::Model;

use crate::data::picture::Look;
use crate::data::scale::Scale;
use facts::Facts;

/// The engine: `./ci.sh page` says whether it does what the sources say, and `./ci.sh engine`
/// builds it anew.
pub const ENGINE: &[u8] = include_bytes!("../../page/page.wasm");

/// The scripts, in the order in which they need each other.
const SCRIPTS: [&str; 4] = [
    include_str!("../../templates/live/engine.js"),
    include_str!("../../templates/live/try.js"),
    include_str!("../../templates/live/plan.js"),
    include_str!("../../templates/live/start.js"),
];

/// Most bytes of a model that a report carries, so that the page stays below 2 MB.
pub const MODEL_BYTES_MAX: usize = 320 * 1024;

/// What a page carries so that the model answers there. All of it is text that needs no escaping.
pub struct Live {
    /// What the page has to know, as JSON without `<`.
    pub facts: String,
    /// The model file, in base64.
    pub model: String,
    /// The engine, in base64.
    pub engine: String,
}

/// A model with what is known of its inputs and classes.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    /// The model file.
    pub file: &'s [u8],
    /// The same, read.
    pub model: &'s Model<'s>,
    /// What the training images look like.
    pub look: &'s Look,
    /// Names of the classes; empty where they have none but their numbers.
    pub classes: &'s [String],
    /// Scale of each channel; empty where the values are pixels.
    pub scales: &'s [Scale],
    /// Names of the channels; empty where they have none.
    pub channels: &'s [String],
    /// Inputs to choose from.
    pub samples: &'s [Sample<'s>],
}

/// An input to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample<'s> {
    /// What is said of it.
    pub label: String,
    /// An image as the model takes it.
    pub image: &'s [u8],
}

impl Live {
    /// All that the page needs of a model.
    pub fn of(subject: &Subject<'_>) -> Self {
        let facts = serde_json::to_string(&Facts::of(subject)).expect("numbers and text");
        Self {
            // A script ends with the first `</script`, wherever it stands.
            facts: facts.replace('<', "\\u003c"),
            model: STANDARD.encode(subject.file),
            engine: STANDARD.encode(ENGINE),
        }
    }

    /// The page's script.
    pub fn script(&self) -> String {
        SCRIPTS.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_script_ends_before_its_end() {
        for script in SCRIPTS {
            assert!(!script.to_ascii_lowercase().contains("</script"));
        }
    }
}
