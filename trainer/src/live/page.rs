//! The page of one model, for `trainer try`.

use askama::Template;

use super::{Live, Subject};
use crate::terminal::number::grouped;

/// A page with a model that answers.
#[derive(Template)]
#[template(path = "live/page.html")]
pub struct TryPage {
    name: String,
    summary: String,
    live: Live,
}

impl TryPage {
    /// The page of the model that is called `name`.
    pub fn of(name: &str, subject: &Subject<'_>) -> Self {
        let model = subject.model;
        let summary = format!(
            "{} bytes, {} layers, {} bytes of working memory, {} multiply-accumulates; version {}.",
            grouped(model.file_bytes() as u64),
            model.layers().len(),
            grouped(model.arena_bytes() as u64),
            grouped(model.macs()),
            model.version()
        );
        Self { name: name.to_owned(), summary, live: Live::of(subject) }
    }

    /// The page.
    pub fn to_html(&self) -> String {
        self.render().expect("writing to a string does not fail")
    }
}
