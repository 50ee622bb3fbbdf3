//! Sections that hold nothing but their type: whatever else is written there would do nothing.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::ops;

/// Refuses keys that have no meaning in a section of this type.
pub(super) fn check(table: &Spanned<DeTable<'_>>) -> Result<(), Problem> {
    let section =
        |name: &str, key: &str| table.get_ref().get(name).and_then(|part| part.get_ref().get(key));
    let layers = section("network", "layer").and_then(|layers| layers.get_ref().as_array());
    for layer in layers.into_iter().flatten() {
        if let Some(name) = type_of(layer).filter(|name| is_bare(name)) {
            let why = format!("a {name} layer has nothing but a name and what it reads");
            only(layer, &["type", "name", "from"], &why)?;
        }
    }
    match section("training", "schedule") {
        Some(schedule) if type_of(schedule) == Some("constant") => {
            only(schedule, &["type"], "a constant schedule has nothing to set")
        }
        _ => Ok(()),
    }
}

/// Whether layers of the type have a name and what they read at most.
fn is_bare(layer: &str) -> bool {
    ops::LAYERS.iter().any(|(name, keys)| *name == layer && keys.is_empty())
}

fn type_of<'t>(section: &'t Spanned<DeValue<'_>>) -> Option<&'t str> {
    section.get_ref().get("type")?.get_ref().as_str()
}

fn only(section: &Spanned<DeValue<'_>>, known: &[&str], why: &str) -> Result<(), Problem> {
    let keys = section.get_ref().as_table().into_iter().flat_map(|table| table.keys());
    let unknown = keys.into_iter().filter(|key| !known.contains(&key.get_ref().as_ref()));
    match unknown.min_by_key(|key| key.span().start) {
        Some(key) => Err(Problem {
            at: key.span(),
            message: format!("unknown field `{}`: {why}", key.get_ref()),
        }),
        None => Ok(()),
    }
}
