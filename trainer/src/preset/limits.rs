//! Values that are in range each, and together cannot work.

use crate::forward::Layout;
use crate::network::{LayerKind, Network};
use crate::ops::FloatOperator;
use crate::recipe::{Recipe, STATISTICS_MIN, Task};

/// A key below `[training]`, and what is wrong with it.
type Wrong = (&'static [&'static str], String);

/// Refuses what cannot work; the network is one that can be built.
pub(super) fn check(network: &Network, recipe: &Recipe) -> Result<(), Wrong> {
    check_answer(network, recipe.task)?;
    check_decay(recipe)?;
    check_statistics(network, recipe)?;
    check_distances(network, recipe)
}

/// A network that ends with something else than the task asks for.
fn check_answer(network: &Network, task: Task) -> Result<(), Wrong> {
    let refused = |message: String| Err((&["task"][..], message));
    let last = network.layers.last().map(|layer| &layer.kind);
    if !task.is_classify() && matches!(last, Some(LayerKind::Softmax(_))) {
        return refused(format!(
            "training.task is \"{}\", the last layer a softmax, which is for classes: leave the \
                layer out",
            task.name()
        ));
    }
    let (input, outputs) = (network.input.shape().len(), network.classes().unwrap_or_default());
    match task {
        Task::Reconstruct if input != outputs => refused(format!(
            "training.task is \"reconstruct\": the network must end with the {input} values of its \
                input, it ends with {outputs}"
        )),
        _ => Ok(()),
    }
}

/// A step that pulls a weight beyond zero makes it grow from step to step.
fn check_decay(recipe: &Recipe) -> Result<(), Wrong> {
    let pull = recipe.weight_decay * recipe.optimizer.learning_rate();
    match pull < 1.0 {
        true => Ok(()),
        false => Err((
            &["weight_decay"],
            format!(
                "weight_decay times learning_rate is {pull}: a step takes more than the whole \
                    weight; it must be below 1"
            ),
        )),
    }
}

/// Mean and variance of a batch's values, channel by channel.
fn check_statistics(network: &Network, recipe: &Recipe) -> Result<(), Wrong> {
    let Some(least) = recipe.batch_norm.and(least_values(network, recipe.batch)) else {
        return Ok(());
    };
    match least >= STATISTICS_MIN {
        true => Ok(()),
        false => Err((
            &["batch"],
            format!(
                "batch is {}: batch_norm takes mean and variance of {least} values per channel; \
                    give it {STATISTICS_MIN} or more by a larger batch",
                recipe.batch
            ),
        )),
    }
}

/// The fewest values of a channel in a batch, over all maps that are normalised.
fn least_values(network: &Network, batch: usize) -> Option<usize> {
    let layout = Layout::new(network).ok()?.normalised();
    let normalised = layout.stages.iter().filter(|stage| stage.normalised());
    let maps = normalised.map(FloatOperator::output);
    maps.map(|map| batch * map.height as usize * map.width as usize).min()
}

/// Distortions that move an image's content out of it.
fn check_distances(network: &Network, recipe: &Recipe) -> Result<(), Wrong> {
    let Some(augment) = recipe.augment else { return Ok(()) };
    let side = network.input.height.min(network.input.width) as f64;
    let refused = |pixels: f64, most: f64, key: &'static [&'static str]| match pixels <= most {
        true => Ok(()),
        false => Err((
            key,
            format!(
                "{} is {pixels}; on an input with a side of {side} pixels it must be at most \
                    {most}",
                key.join(".")
            ),
        )),
    };
    refused(augment.shift_pixels, side / 2.0, &["augment", "shift_pixels"])?;
    refused(augment.elastic_pixels, side / 4.0, &["augment", "elastic_pixels"])
}
