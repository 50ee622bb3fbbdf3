use std::fs;

use infer::packing::WeightBits;

use super::*;
use crate::graph::Stage;
use crate::recipe::Task;

const TUTORIAL: &str = BUILT_IN[0].toml;

/// The one-line message of a preset that is refused.
fn message(text: &str) -> String {
    let message = Preset::parse("my.toml", text).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message
}

/// The tutorial with `old` (which must be there) replaced.
fn changed(old: &str, new: &str) -> String {
    assert!(TUTORIAL.contains(old), "{old}");
    TUTORIAL.replacen(old, new, 1)
}

#[test]
fn every_built_in_preset_is_valid() {
    for preset in &BUILT_IN {
        Preset::load(preset.name).unwrap();
        assert!(!preset.summary().is_empty());
    }
}

#[test]
fn the_default_is_built_in() {
    assert_eq!(Preset::load(DEFAULT).unwrap().name, DEFAULT);
}

#[test]
fn the_tutorial_is_the_tutorial() {
    let preset = Preset::load("tutorial").unwrap();
    assert_eq!((preset.recipe.epochs, preset.recipe.batch), (10, 128));
    assert_eq!(preset.network.classes(), Ok(10));
    let macs: u64 = preset.network.stages().unwrap().iter().map(Stage::macs).sum();
    assert_eq!(macs, 2_797_832);
}

#[test]
fn standard_and_best_are_the_tutorials_layers_moved_to_the_centre() {
    let layers = Preset::load("tutorial").unwrap().network.layers;
    for (name, most_epochs) in [("standard", 20), ("best", 100)] {
        let preset = Preset::load(name).unwrap();
        assert_eq!(preset.network.layers, layers, "{name}");
        assert_eq!(preset.network.input.offset, [3, 3], "{name}");
        assert!(preset.recipe.epochs <= most_epochs, "{name}");
    }
}

#[test]
fn compact_and_tiny_are_as_small_as_they_say() {
    let bounds = [("compact", 2_797_832, 97_000), ("tiny", 1_000_000, 20_000)];
    for (name, most_macs, most_weights) in bounds {
        let stages = Preset::load(name).unwrap().network.stages().unwrap();
        let macs: u64 = stages.iter().map(Stage::macs).sum();
        let weights = |stage: &Stage| stage.weight_count() + stage.bias_count();
        let weights: usize = stages.iter().map(weights).sum();
        assert!(macs <= most_macs && weights <= most_weights, "{name}: {macs}, {weights}");
    }
}

#[test]
fn an_unknown_name_lists_the_known() {
    let error = Preset::load("turorial").unwrap_err().to_string();
    assert_eq!(
        error,
        "no preset 'turorial'; known are 'tutorial', 'standard', 'best', 'compact', 'tiny'; or \
            give the path of a .toml file"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Preset::load("no/such.toml").unwrap_err().to_string();
    assert!(error.starts_with("no/such.toml: cannot be read: "), "{error}");
}

#[test]
fn a_path_is_read_whatever_its_name() {
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("mine");
    fs::write(&path, changed("epochs = 10", "epochs = 3")).unwrap();
    assert_eq!(Preset::load(path.to_str().unwrap()).unwrap().recipe.epochs, 3);
}

/// Each change of the tutorial's file, and what the message says: the line is that of the changed
/// text.
#[test]
fn what_is_wrong_is_named_with_its_line() {
    let cases = [
        ("filters = 32", "filtres = 32", "16: unknown field `filtres`, expected one of `filters`"),
        (
            "type = \"max_pool\"",
            "type = \"mean_pool\"",
            "21: layer.type is \"mean_pool\"; it must be \"conv\", \"depthwise\", \"dense\", ",
        ),
        ("type = \"max_pool\"", "kind = \"max_pool\"", "20: missing field `type`"),
        (
            "activation = \"relu\"",
            "activation = \"selu\"",
            "18: layer.activation is \"selu\"; it must be \"relu\"",
        ),
        ("height = 28", "height = 28\nheigth = 28", "9: unknown field `heigth`"),
        ("height = 28", "", "7: missing field `height`"),
        ("epochs = 10", "epochs = 10 10", "62: "),
        ("[training]", "[train]", "61: unknown field `train`, expected `network` or `training`"),
        (
            "type = \"rmsprop\"",
            "type = \"adamax\"",
            "68: optimizer.type is \"adamax\"; it must be \"sgd\", \"rmsprop\", \"adam\", ",
        ),
        (
            "kernel = 3",
            "kernel = 29",
            "14: layer 1 'conv1': a 29x29 window does not fit its input of 28x28x1",
        ),
    ];
    for (old, new, expected) in cases {
        let found = message(&changed(old, new));
        assert!(found.starts_with(&format!("my.toml:{expected}")), "{new}: {found}");
    }
}

#[test]
fn keys_of_other_tasks_are_refused_with_their_task() {
    let cases = [
        (
            "epochs = 10",
            "error = \"absolute\"\nepochs = 10",
            "62: training.error is for task = \
            \"regress\", this task is \"classify\": leave it out",
        ),
        (
            "epochs = 10",
            "task = \"regress\"\nlabel_smoothing = 0.1\nepochs = 10",
            "63: \
            training.label_smoothing is for task = \"classify\", this task is \"regress\"",
        ),
        (
            "epochs = 10",
            "threshold_quantile = 0.9\nepochs = 10",
            "62: \
            training.threshold_quantile is for task = \"reconstruct\"",
        ),
        (
            "epochs = 10",
            "task = \"cluster\"\nepochs = 10",
            "62: task is \"cluster\"; it must be \
            \"classify\", \"regress\" or \"reconstruct\"",
        ),
        (
            "epochs = 10",
            "task = \"regress\"\nepochs = 10",
            "62: training.task is \"regress\", the \
            last layer a softmax",
        ),
        (
            "epochs = 10",
            "label_smoothing = 0.9\nepochs = 10",
            "62: label_smoothing is 0.9; it must",
        ),
    ];
    for (old, new, expected) in cases {
        let found = message(&changed(old, new));
        assert!(found.starts_with(&format!("my.toml:{expected}")), "{new}: {found}");
    }
}

#[test]
fn an_autoencoder_ends_with_its_input() {
    let of = |units: usize| {
        format!(
            "network.input = {{ height = 2, width = 3, channels = 1 }}\n\
             network.layer = [{{ type = \"dense\", units = {units} }}]\n[training]\n\
             task = \"reconstruct\"\nepochs = 1\nbatch = 1\n[training.optimizer]\n\
             type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0\n"
        )
    };
    let recipe = Preset::parse("my.toml", &of(6)).unwrap().recipe;
    assert_eq!((recipe.task, recipe.threshold_quantile), (Task::Reconstruct, 0.99));
    let expected = "my.toml:4: training.task is \"reconstruct\": the network must end with the 6 \
        values of its input, it ends with 5";
    assert_eq!(message(&of(5)), expected);
}

#[test]
fn values_out_of_range_are_refused_with_the_range() {
    let cases = [
        (
            "filters = 32",
            "filters = 0",
            "16: layer.filters is 0; it must be a whole number from 1 to 65535",
        ),
        (
            "filters = 32",
            "filters = \"many\"",
            "16: layer.filters is \"many\"; it must be a whole number",
        ),
        (
            "kernel = 3",
            "kernel = [3, 256]",
            "17: layer.kernel is [3, 256]; it must be n or [rows, columns], whole numbers from 1 \
                to 255",
        ),
        (
            "offset = [0, 0]",
            "offset = [0, 0, 1]",
            "12: input.offset is [0, 0, 1]; it must be [rows, columns]",
        ),
        (
            "epochs = 10",
            "epochs = 1.5",
            "62: epochs is 1.5; it must be a whole number from 1 to 10000",
        ),
        ("batch = 128", "batch = 0", "63: batch is 0; it must be a whole number from 1 to 65536"),
        (
            "learning_rate = 0.001",
            "learning_rate = nan",
            "69: optimizer.learning_rate is nan; it must be a number from 1e-6 to 100",
        ),
        (
            "learning_rate = 0.001",
            "learning_rate = 0",
            "69: optimizer.learning_rate is 0; it must be a number from 1e-6",
        ),
        ("rho = 0.9", "rho = 1", "70: optimizer.rho is 1; it must be a number from 0 to 0.99999"),
        (
            "rho = 0.9",
            "rho = 0.99999999",
            "70: optimizer.rho is 0.99999999; it must be a number from 0 to 0.99999",
        ),
        (
            "epsilon = 1e-7",
            "epsilon = 1e-60",
            "71: optimizer.epsilon is 1e-60; it must be a number from 1e-12 to 1",
        ),
        (
            "held_out = 5000",
            "held_out = -1",
            "65: held_out is -1; it must be a whole number of 0 or more",
        ),
    ];
    for (old, new, expected) in cases {
        let found = message(&changed(old, new));
        assert!(found.starts_with(&format!("my.toml:{expected}")), "{new}: {found}");
    }
}

/// Copies of `standard`, each broken in another way, as people break them.
#[test]
fn copies_of_standard_broken_in_many_ways() {
    let standard = BUILT_IN[1].toml;
    let cases = [
        (
            "momentum = 0.9\nnesterov",
            "momentum = 1\nnesterov",
            "optimizer.momentum is 1; it must be a number from 0 to 0.99999",
        ),
        (
            "nesterov = true",
            "nesterov = \"yes\"",
            "optimizer.nesterov is \"yes\"; it must be true or false",
        ),
        ("nesterov = true", "nesterof = true", "unknown field `nesterof`"),
        (
            "type = \"sgd\"",
            "type = \"rmsprop\"",
            "unknown field `momentum`, expected one of `learning_rate`, `rho`",
        ),
        (
            "type = \"cosine\"",
            "type = \"constant\"",
            "unknown field `warmup`: a constant schedule has nothing to set",
        ),
        (
            "type = \"cosine\"",
            "type = \"linear\"",
            "schedule.type is \"linear\"; it must be \"constant\", \"cosine\", \"step\" or ",
        ),
        ("warmup = 0.2", "warmup = 20", "schedule.warmup is 20; it must be a number from 0 to 1"),
        (
            "min_gamma = 0.02",
            "min_gamma = 0.0",
            "batch_norm.min_gamma is 0.0; it must be a number from 1e-4 to 1",
        ),
        (
            "elastic_grid = 6",
            "elastic_grid = 6.0",
            "augment.elastic_grid is 6.0; it must be a whole number from 2 to 64",
        ),
        (
            "rotation_degrees = 8.0",
            "rotation = 8.0",
            "unknown field `rotation`, expected one of `flip`, `crop`, `rotation_degrees`",
        ),
        (
            "decay = 0.998",
            "decay = 1.0",
            "average.decay is 1.0; it must be a number from 0 to 0.99999",
        ),
        (
            "[training.batch_norm]",
            "[training.batchnorm]",
            "unknown field `batchnorm`, expected one of `task`",
        ),
        (
            "kernel = 3",
            "kernel = 3\npadding = 1",
            "layer.padding is 1; it must be \"valid\", \"same\", \"causal\" or [top, bottom, ",
        ),
        ("kernel = 3", "kernel = 3\nname = 7", "layer.name is 7; it must be text in quotes"),
        (
            "activation = \"relu\"",
            "activation = true",
            "layer.activation is true; it must be \"relu\"",
        ),
        (
            "type = \"softmax\"",
            "type = \"softmax\"\nunits = 3",
            "unknown field `units`: a softmax layer has nothing but a name",
        ),
        ("[training]\n", "", "unknown field `epochs`: a softmax layer has nothing but a name"),
        ("epochs = 20", "epochs = 20\nepochs = 30", "duplicate key `epochs`"),
        (
            "offset = [3, 3]",
            "offset = 3",
            "input.offset is 3; it must be [rows, columns], whole numbers from",
        ),
        (
            "size = 2",
            "size = 2\nstride = 0",
            "layer.stride is 0; it must be n or [rows, columns], whole numbers from 1 to 255",
        ),
    ];
    for (old, new, expected) in cases {
        assert!(standard.contains(old), "{old}");
        let text = standard.replacen(old, new, 1);
        let found = message(&text);
        let (place, said) = found.split_once(": ").unwrap();
        assert!(said.starts_with(expected), "{new}: {found}");
        // The line that is named is the one that was broken, or the first that has lost its meaning
        // by that.
        let line: usize = place.strip_prefix("my.toml:").unwrap().parse().unwrap();
        let word = expected
            .split(['`', ' '])
            .find(|word| !["unknown", "field", "duplicate", "key", ""].contains(word));
        let key = word.unwrap().rsplit('.').next().unwrap();
        assert!(text.lines().nth(line - 1).unwrap().contains(key), "{new}: {found}");
    }
}

#[test]
fn whole_numbers_are_real_numbers_too() {
    let preset =
        Preset::parse("", &changed("learning_rate = 0.001", "learning_rate = 0x1")).unwrap();
    assert_eq!(preset.recipe.optimizer.learning_rate(), 1.0);
}

#[test]
fn a_network_must_fit_the_model_file() {
    let dense = "[[network.layer]]\ntype = \"dense\"\nunits = 9\n\n";
    let deep = changed("[[network.layer]]\ntype = \"softmax\"", &dense.repeat(LAYERS_MAX));
    assert!(message(&deep).contains("the network has 260 stages; a model file holds at most 254"));
    let name = "x".repeat(NAME_BYTES_MAX + 1);
    let long = message(&changed("filters = 32", &format!("filters = 32\nname = \"{name}\"")));
    assert_eq!(long, "my.toml:14: the name is longer than 32 bytes: shorten it");
}

/// Values that are in range each, and cannot work together.
#[test]
fn what_cannot_work_together_is_refused_at_its_line() {
    let standard = BUILT_IN[1].toml;
    let cases = [
        (
            "weight_decay = 5e-4",
            "weight_decay = 1.0",
            "learning_rate = 0.1",
            "learning_rate = 2.0",
            "weight_decay times learning_rate is 2: a step takes more than the whole weight",
        ),
        (
            "batch = 128",
            "batch = 4",
            "",
            "",
            "batch is 4: batch_norm takes mean and variance of 4 values per channel; give it 8 or \
                more",
        ),
        (
            "shift_pixels = 1.0",
            "shift_pixels = 20.0",
            "",
            "",
            "augment.shift_pixels is 20; on an input with a side of 28 pixels it must be at most \
                14",
        ),
        (
            "elastic_pixels = 0.5",
            "elastic_pixels = 7.5",
            "",
            "",
            "augment.elastic_pixels is 7.5; on an input with a side of 28 pixels it must be at \
                most 7",
        ),
    ];
    let together = cases.into_iter().chain(recipes_that_cannot_work());
    for (old, new, other_old, other_new, expected) in together {
        let text = standard.replacen(old, new, 1).replacen(other_old, other_new, 1);
        let last = new.lines().next_back().unwrap();
        let line = text.lines().position(|line| line == last).unwrap() + 1;
        let found = message(&text);
        assert!(found.starts_with(&format!("my.toml:{line}: {expected}")), "{found}");
    }
}

/// What optimisers, schedules and changes of the images ask for and do not find: two changes of
/// `standard`, and what is said of the last line of the first.
fn recipes_that_cannot_work()
-> Vec<(&'static str, &'static str, &'static str, &'static str, &'static str)> {
    const SGD: &str = "type = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9\nnesterov = true";
    const COSINE: &str = "type = \"cosine\"\nwarmup = 0.2";
    const AVERAGE: &str = "[training.average]\ndecay = 0.998";
    vec![
        (
            "momentum = 0.9\nnesterov = true",
            "momentum = 0.0\nnesterov = true",
            "",
            "",
            "optimizer.nesterov is true, and there is no momentum that could look ahead",
        ),
        (
            "weight_decay = 5e-4",
            "weight_decay = 5e-4",
            SGD,
            "type = \"adamw\"",
            "weight_decay is that of the loss; adamw decays by itself: leave it out",
        ),
        (
            SGD,
            "type = \"adamw\"\nlearning_rate = 0.1\nweight_decay = 10",
            "weight_decay = 5e-4",
            "",
            "optimizer.weight_decay times learning_rate is 1: a step takes more than the whole",
        ),
        (
            COSINE,
            "type = \"plateau\"",
            "",
            "",
            "schedule goes by the loss of held-out images, and held_out is 0: hold some out",
        ),
        (
            COSINE,
            "type = \"plateau\"\nmin_learning_rate = 0.2",
            "held_out = 0",
            "held_out = 10",
            "schedule.min_learning_rate is 0.2, above the learning rate of 0.1: make it smaller",
        ),
        (
            AVERAGE,
            "patience = 3\n[training.early_stopping]",
            "patience = 3\n[training.early_stopping]",
            "[training.early_stopping]\npatience = 3",
            "early_stopping goes by the loss of held-out images, and held_out is 0",
        ),
        (
            "calm_strength = 0.4",
            "calm_strength = 0.4\ncutout_pixels = 15",
            "",
            "",
            "augment.cutout_pixels is 15; on an input with a side of 28 pixels it must be at most \
                14",
        ),
        (
            AVERAGE,
            "[training.augment_series]",
            "[training.augment_series]",
            "[training.augment_series]\njitter = 0.1",
            "augment_series is for series, augment for pictures: leave one out",
        ),
    ]
}

#[test]
fn sections_that_change_nothing_or_too_much_are_refused() {
    let cases = [
        ("augment", "calm_part = 0.5", "augment changes nothing: set one of its keys"),
        ("augment_series", "jitter = 0", "augment_series changes nothing: set one of its keys"),
        (
            "augment_series",
            "time_shift = 15",
            "augment_series.time_shift is 15; on an input of 28 rows it must be at most 14",
        ),
    ];
    for (section, key, expected) in cases {
        let found = message(&format!("{TUTORIAL}\n[training.{section}]\n{key}\n"));
        assert!(found.contains(expected), "{found}");
    }
    let plateau = "[training.schedule]\ntype = \"plateau\"\n";
    assert!(Preset::parse("", &format!("{TUTORIAL}\n{plateau}")).is_ok());
    let series = "[training.augment_series]\ntime_shift = 14\n";
    assert!(Preset::parse("", &format!("{TUTORIAL}\n{series}")).is_ok());
}

#[test]
fn small_numbers_are_written_as_people_write_them() {
    assert_eq!([0.0, 1e-6, 0.5, 100.0, 0.001].map(real), ["0", "1e-6", "0.5", "100", "0.001"]);
}

#[test]
fn a_layer_says_how_many_bits_its_weights_have() {
    let bits = |text: &str| -> Vec<WeightBits> {
        let stages = Preset::parse("my.toml", text).unwrap().network.stages().unwrap();
        stages.iter().map(|stage| stage.bits).collect()
    };
    assert_eq!(bits(TUTORIAL), [WeightBits::Eight; 6]);
    let int4 = changed("filters = 32", "filters = 32\nweights = \"int4\"");
    assert_eq!(bits(&int4)[..2], [WeightBits::Four, WeightBits::Eight]);
    let int8 = changed("filters = 32", "filters = 32\nweights = \"int8\"");
    assert_eq!(bits(&int8), [WeightBits::Eight; 6]);
    // A network is written as it was read.
    let network = Preset::parse("my.toml", &int4).unwrap().network;
    assert_eq!(toml::from_str::<Network>(&toml::to_string(&network).unwrap()).unwrap(), network);
    let message = message(&changed("filters = 32", "filters = 32\nweights = \"int2\""));
    assert!(
        message.ends_with("layer.weights is \"int2\"; it must be \"int8\" or \"int4\""),
        "{message}"
    );
}
