//! Sections that hold nothing but their type, and keys of other tasks: whatever is written there
//! would do nothing.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Problem;
use crate::ops;
use crate::recipe::Task;

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
    }?;
    table.get_ref().get("training").map_or(Ok(()), of_other_tasks)
}

/// Keys that only some tasks know.
const OF_TASKS: &[(&str, &[Task])] = &[
    ("label_smoothing", &[Task::Classify]),
    ("class_weights", &[Task::Classify]),
    ("error", &[Task::Regress]),
    ("threshold_quantile", &[Task::Reconstruct]),
    // A distorted input would have to come out straight.
    ("augment", &[Task::Classify, Task::Regress]),
    ("augment_series", &[Task::Classify, Task::Regress]),
];

/// Refuses keys that only other tasks know.
fn of_other_tasks(training: &Spanned<DeValue<'_>>) -> Result<(), Problem> {
    let training = training.get_ref();
    let name = training.get("task").and_then(|task| task.get_ref().as_str());
    let task = Task::ALL.into_iter().find(|task| Some(task.name()) == name).unwrap_or_default();
    let keys = training.as_table().into_iter().flat_map(|table| table.keys());
    for key in keys {
        let known = OF_TASKS.iter().find(|(of_tasks, _)| *of_tasks == key.get_ref().as_ref());
        if let Some((word, tasks)) = known.filter(|(_, tasks)| !tasks.contains(&task)) {
            let names: Vec<String> =
                tasks.iter().map(|task| format!("\"{}\"", task.name())).collect();
            let message = format!(
                "training.{word} is for task = {}, this task is \"{}\": leave it out",
                names.join(" or "),
                task.name()
            );
            return Err(Problem { at: key.span(), message });
        }
    }
    Ok(())
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
