//! Values that are in range each, and together cannot work.

use crate::forward::Layout;
use crate::network::{LayerKind, Network};
use crate::ops::FloatOperator;
use crate::recipe::{Optimizer, Recipe, STATISTICS_MIN, Schedule, Task};

/// A key below `[training]`, and what is wrong with it.
type Wrong = (&'static [&'static str], String);

/// Refuses what cannot work; the network is one that can be built.
pub(super) fn check(network: &Network, recipe: &Recipe) -> Result<(), Wrong> {
    check_answer(network, recipe.task)?;
    check_epochs(recipe)?;
    check_optimizer(&recipe.optimizer)?;
    check_decay(recipe)?;
    check_held_out(recipe)?;
    check_schedule(recipe)?;
    check_changes(network, recipe)?;
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

/// More epochs that mind quantisation than there are.
fn check_epochs(Recipe { epochs, quantised_epochs, .. }: &Recipe) -> Result<(), Wrong> {
    match quantised_epochs <= epochs {
        true => Ok(()),
        false => Err((
            &["quantised_epochs"],
            format!("quantised_epochs is {quantised_epochs}, of {epochs} epochs: make it smaller"),
        )),
    }
}

/// A momentum that looks ahead where there is none.
fn check_optimizer(optimizer: &Optimizer) -> Result<(), Wrong> {
    match optimizer {
        Optimizer::Sgd { momentum, nesterov: true, .. } if *momentum == 0.0 => Err((
            &["optimizer", "nesterov"],
            "optimizer.nesterov is true, and there is no momentum that could look ahead: give \
                optimizer.momentum too"
                .to_owned(),
        )),
        _ => Ok(()),
    }
}

/// A step that pulls a weight beyond zero makes it grow from step to step.
fn check_decay(recipe: &Recipe) -> Result<(), Wrong> {
    let of_adamw = match recipe.optimizer {
        Optimizer::Adamw { weight_decay, .. } => Some(weight_decay),
        _ => None,
    };
    if of_adamw.is_some() && recipe.weight_decay > 0.0 {
        let message = "weight_decay is that of the loss; adamw decays by itself: leave it out, or \
            set optimizer.weight_decay";
        return Err((&["weight_decay"], message.to_owned()));
    }
    let keys: [&'static [&'static str]; 2] = [&["weight_decay"], &["optimizer", "weight_decay"]];
    let key = keys[of_adamw.is_some() as usize];
    let pull = of_adamw.unwrap_or(recipe.weight_decay) * recipe.optimizer.learning_rate();
    match pull < 1.0 {
        true => Ok(()),
        false => Err((
            key,
            format!(
                "{} times learning_rate is {pull}: a step takes more than the whole weight; it \
                    must be below 1",
                key.join(".")
            ),
        )),
    }
}

/// What goes by held-out images where there are none.
fn check_held_out(recipe: &Recipe) -> Result<(), Wrong> {
    match recipe.needs_held_out().filter(|_| recipe.held_out == 0) {
        None => Ok(()),
        Some(key) => Err((
            key,
            format!(
                "{} goes by the loss of held-out images, and held_out is 0: hold some out",
                key[0]
            ),
        )),
    }
}

/// A learning rate that would rise where it should fall.
fn check_schedule(recipe: &Recipe) -> Result<(), Wrong> {
    let Schedule::Plateau { min_learning_rate, .. } = recipe.schedule else { return Ok(()) };
    let rate = recipe.optimizer.learning_rate();
    match min_learning_rate <= rate {
        true => Ok(()),
        false => Err((
            &["schedule", "min_learning_rate"],
            format!(
                "schedule.min_learning_rate is {min_learning_rate}, above the learning rate of \
                    {rate}: make it smaller"
            ),
        )),
    }
}

/// Sections that change nothing, two that cannot be had together, and shifts beyond a series.
fn check_changes(network: &Network, recipe: &Recipe) -> Result<(), Wrong> {
    let refused = |key: &'static [&'static str], message: &str| Err((key, message.to_owned()));
    if recipe.augment.is_some_and(|augment| !augment.is_something()) {
        return refused(
            &["augment"],
            "augment changes nothing: set one of its keys, or leave it out",
        );
    }
    let Some(series) = recipe.augment_series else { return Ok(()) };
    let key: &'static [&'static str] = &["augment_series"];
    if recipe.augment.is_some() {
        return refused(key, "augment_series is for series, augment for pictures: leave one out");
    }
    if !series.is_something() {
        return refused(
            key,
            "augment_series changes nothing: set one of its keys, or leave it out",
        );
    }
    let rows = network.input.height as usize;
    match 2 * series.time_shift <= rows {
        true => Ok(()),
        false => Err((
            &["augment_series", "time_shift"],
            format!(
                "augment_series.time_shift is {}; on an input of {rows} rows it must be at most {}",
                series.time_shift,
                rows / 2
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
    refused(augment.cutout_pixels as f64, side / 2.0, &["augment", "cutout_pixels"])?;
    refused(augment.elastic_pixels, side / 4.0, &["augment", "elastic_pixels"])
}
