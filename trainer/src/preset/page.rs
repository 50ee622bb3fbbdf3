//! The page of all keys of a preset: `docs/preset.md`, made from the rules that presets are checked
//! by.

use super::ranges::{Allowed, RULES};
use crate::ops;

/// Sections in the page's order, and what each is.
const SECTIONS: &[(&str, &str)] = &[
    ("network.input", "What the network sees of each image.\nRequired."),
    ("training", "Length and steps of the run.\nRequired."),
    ("training.optimizer", "The optimiser.\nRequired."),
    (
        "training.schedule",
        "The learning rate over the run.\nLeft out, it is constant.\n\
            `plateau` needs `held_out`.",
    ),
    (
        "training.early_stopping",
        "The end of a run whose held-out loss has stopped falling; the model gets the weights of \
            its best epoch.\n\
            Left out, a run goes through all epochs.\n\
            It needs `held_out`.",
    ),
    (
        "training.batch_norm",
        "Batch normalisation of every convolution but one whose values are the network's answer, \
            folded into it at the end.\n\
            Left out, there is none.\n\
            Every batch needs 8 values per channel or more.",
    ),
    (
        "training.augment",
        "Random distortion of the training images, in this order: flip, crop, scale, shear, \
            rotation, shift and elastic displacement; brightness; noise; cutout.\n\
            Left out, there is none.",
    ),
    (
        "training.augment_series",
        "Random changes of training inputs whose rows are moments, such as windows of sensor \
            values, in this order: shift, scale, jitter.\n\
            Left out, there are none; it cannot be had together with `training.augment`.",
    ),
    (
        "training.average",
        "A moving average of the weights, which is exported.\nLeft out, there is none.",
    ),
];

/// What the keys of layers mean, whatever layer has them.
const LAYER_KEYS: &[(&str, &str)] = &[
    ("filters", "Output channels."),
    ("kernel", "Window: `n`, or `[rows, columns]`."),
    ("size", "Window: `n`, or `[rows, columns]`; left out, of an average pooling, the whole map."),
    ("stride", "Step: `n`, or `[rows, columns]`; left out 1, of a pooling its window."),
    (
        "padding",
        "`\"same\"` reads zeros beyond the edge, so that only the step makes the map smaller; \
            `\"causal\"` reads those zeros above the first row, so that no row reads a later one; \
            left out `\"valid\"`, which reads none.",
    ),
    ("activation", "What follows; left out nothing does. `\"leaky_relu\"` has a slope of 0.01."),
    ("slope", "Slope below 0; left out 0.01."),
    (
        "approximate",
        "How a GELU is computed, where the network was trained with that; left out exactly.",
    ),
    ("rate", "Probability that a value is left out while training."),
    (
        "dilation",
        "Step from one tap of a kernel to the next: `n`, or `[rows, columns]`; left out 1.",
    ),
    (
        "weights",
        "Bits of its weights in a model file; left out `\"int8\"`. `\"int4\"` takes half of the \
            flash; the last `quantised_epochs` mind it, and `--int4` of `train` and `export` \
            overrides it.",
    ),
    ("units", "Outputs."),
    ("multiplier", "Output channels for each channel of the input; left out 1."),
];

/// The page.
pub fn markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (section, what) in &SECTIONS[..1] {
        page += &section_table(section, what);
    }
    page += &layers();
    for (section, what) in &SECTIONS[1..] {
        page += &section_table(section, what);
    }
    page
}

const INTRODUCTION: &str = "\
# All keys of a preset

A preset is a TOML file with a network and how it is trained.
`trainer presets standard > my.toml` writes one that is built in.
`trainer new my.toml --data DIR` writes one that fits your images.
`trainer estimate my.toml` tells what it takes on a chip before anything is trained.

This page is made from the rules that presets are checked by.
`KINDLING_WRITE_DOCS=1 cargo test --release -p trainer --lib preset::page` writes it anew.
A key that is not here, or a value out of its range, is refused with its line.
";

fn section_table(section: &str, what: &str) -> String {
    let mut text = format!(
        "\n## `[{section}]`\n\n{what}\n\n| key | value | left out | what it is |\n| --- | --- | \
            --- | --- |\n"
    );
    for rule in RULES.iter().filter(|rule| in_section(rule.path, section)) {
        let (key, allowed) = (rule.path[rule.path.len() - 1], &rule.allowed);
        let default = match rule.default {
            "required" => "must be there".to_owned(),
            value => format!("`{value}`"),
        };
        text += &format!("| `{key}` | {allowed} | {default} | {} |\n", rule.what);
    }
    text
}

fn in_section(path: &[&str], section: &str) -> bool {
    path[..path.len() - 1].join(".") == section
}

fn layers() -> String {
    let mut text = format!(
        "\n## `[[network.layer]]`\n\nOne table for each layer, each after those that it \
         reads.\n`type` must be there.\n`name`, text, names the layer in tables and \
         files.\n`from`, names of layers before it or `\"input\"`, says what it reads; left \
         out, it reads the layer before it.\n{} read two layers, {} two or more, all others \
         one.\n\n| type | key | value |\n| --- | --- | --- |\n",
        that_read(2, false),
        that_read(2, true)
    );
    for (layer, keys) in ops::LAYERS {
        if keys.is_empty() {
            text += &format!("| `{layer}` | | nothing but `name` and `from` |\n");
        }
        for (index, (key, values)) in keys.iter().enumerate() {
            let layer = if index == 0 { format!("`{layer}`") } else { String::new() };
            text += &format!("| {layer} | `{key}` | {} |\n", Allowed::from(values));
        }
    }
    text += "\n| key | what it is |\n| --- | --- |\n";
    for (key, what) in LAYER_KEYS {
        text += &format!("| `{key}` | {what} |\n");
    }
    text
}

/// The types of layers that read this number of others, or may read more.
fn that_read(count: usize, or_more: bool) -> String {
    let read = ops::READ.iter().filter(|(_, read, more)| (*read, *more) == (count, or_more));
    let names: Vec<String> = read.map(|(layer, ..)| format!("`{layer}`")).collect();
    match &names[..] {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.concat(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::{env, fs};

    use super::*;

    #[test]
    fn the_page_in_the_docs_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/preset.md");
        if env::var_os("KINDLING_WRITE_DOCS").is_some() {
            fs::write(&path, markdown()).unwrap();
        }
        let written = fs::read_to_string(&path).unwrap();
        assert!(written == markdown(), "write docs/preset.md anew: see its second paragraph");
    }

    #[test]
    fn every_key_of_a_layer_is_explained() {
        for (layer, keys) in ops::LAYERS {
            for (key, _) in *keys {
                let known = LAYER_KEYS.iter().any(|(name, _)| name == key);
                assert!(known, "{layer}: say in LAYER_KEYS what '{key}' is");
            }
        }
    }

    #[test]
    fn every_rule_is_in_a_section() {
        for rule in RULES {
            let sections = SECTIONS.iter().filter(|(section, _)| in_section(rule.path, section));
            assert_eq!(sections.count(), 1, "{:?}", rule.path);
        }
    }

    /// What the page says of a key that is left out is what a preset without it means.
    #[test]
    fn defaults_are_as_the_page_says() {
        let standard = super::super::BUILT_IN[1].toml;
        for rule in RULES {
            let key = rule.path[rule.path.len() - 1];
            let without = without_key(standard, &section(rule.path), key);
            let Some(text) = without else { continue };
            // Whether it can work is another question: Nesterov's momentum needs a momentum.
            let parsed = toml::from_str::<super::super::File>(&text);
            assert_eq!(parsed.is_err(), rule.default == "required", "{:?}", rule.path);
        }
    }

    fn section(path: &[&str]) -> String {
        path[..path.len() - 1].join(".")
    }

    /// The preset without a key; `None` where it has none.
    fn without_key(text: &str, section: &str, key: &str) -> Option<String> {
        let mut inside = false;
        let mut found = false;
        let keep = |line: &&str| {
            if line.starts_with('[') {
                inside = *line == format!("[{section}]");
            }
            let is_key = inside && line.split('=').next().is_some_and(|name| name.trim() == key);
            found |= is_key;
            !is_key
        };
        let lines: Vec<&str> = text.lines().filter(keep).collect();
        found.then(|| lines.join("\n"))
    }
}
