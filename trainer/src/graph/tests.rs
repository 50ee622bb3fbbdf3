use infer::Shape;

use super::*;
use crate::ops::conv::Conv;
use crate::ops::max_pool::Pooling;
use crate::ops::{Operator, Rectifier, StageKind};

fn network(layers: &str) -> Network {
    let input = "input = { height = 28, width = 20, channels = 3 }\n";
    toml::from_str(&format!("{input}layer = [{layers}]")).unwrap()
}

fn stages(layers: &str) -> Vec<Stage> {
    network(layers).stages().unwrap()
}

fn refusal(layers: &str) -> String {
    network(layers).stages().unwrap_err().to_string()
}

fn conv(stage: &Stage) -> &Conv {
    let StageKind::Conv(conv) = &stage.kind else { panic!("{stage:?}") };
    conv
}

const CONV: &str = "{ type = 'conv', filters = 8, kernel = 3 }";

#[test]
fn a_convolution_takes_the_relu_and_the_pooling_after_it() {
    for (order, name) in [
        ("{ type = 'relu' }, { type = 'max_pool', size = 2 }", "ReLU first"),
        ("{ type = 'max_pool', size = 2 }, { type = 'relu' }", "pooling first"),
    ] {
        let stages = stages(&format!("{CONV}, {order}"));
        assert_eq!(stages.len(), 1, "{name}");
        let conv = conv(&stages[0]);
        assert_eq!(
            (conv.rectifier, conv.pool),
            (Rectifier::Relu, Some(Pooling { size: [2, 2], stride: [2, 2] })),
            "{name}"
        );
        assert_eq!(
            (conv.convolved, conv.output),
            (Shape::new(26, 18, 8), Shape::new(13, 9, 8)),
            "{name}"
        );
    }
}

#[test]
fn a_pooling_is_a_stage_of_its_own_where_it_cannot_join() {
    let alone = |layers: &str| {
        matches!(stages(layers).last(), Some(Stage { kind: StageKind::MaxPool(_), .. }))
    };
    assert!(alone("{ type = 'max_pool', size = 2 }"), "no convolution before it");
    assert!(
        alone(&format!("{CONV}, {{ type = 'max_pool', size = 3, stride = 2 }}")),
        "overlapping windows"
    );
    let pooled = "{ type = 'max_pool', size = 2 }";
    assert!(alone(&format!("{CONV}, {pooled}, {pooled}")), "pooled already");
}

#[test]
fn same_padding_keeps_the_sides_and_puts_the_odd_zero_last() {
    let same = |kernel, stride| {
        let layer = format!(
            "{{ type = 'conv', filters = 1, kernel = {kernel}, stride = {stride}, \
             padding = 'same' }}"
        );
        let stages = stages(&layer);
        let conv = conv(&stages[0]);
        (conv.output.height, conv.output.width, conv.padding)
    };
    assert_eq!(same(3, 1), (28, 20, [1, 1]));
    assert_eq!(same(4, 1), (28, 20, [1, 1]));
    assert_eq!(same(3, 2), (14, 10, [0, 0]));
    assert_eq!(same(1, 3), (10, 7, [0, 0]));
}

#[test]
fn counts_follow_from_the_shapes() {
    let stages = stages(&format!(
        "{CONV}, {{ type = 'max_pool', size = 2 }}, {{ type = 'dense', units = 5 }}"
    ));
    let counts =
        stages.iter().map(|stage| (stage.weight_count(), stage.bias_count(), stage.macs()));
    let expected = [(3 * 3 * 3 * 8, 8, 26 * 18 * 8 * 27), (13 * 9 * 8 * 5, 5, 13 * 9 * 8 * 5)];
    assert_eq!(counts.collect::<Vec<_>>(), expected);
}

#[test]
fn layers_without_a_name_are_numbered() {
    let stages =
        stages(&format!("{CONV}, {CONV}, {{ type = 'dense', units = 5, name = 'scores' }}"));
    let names: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(names, ["conv1", "conv2", "scores"]);
}

#[test]
fn what_cannot_be_built_is_named_with_its_place() {
    assert_eq!(
        refusal(""),
        "the network has no layer that computes anything: add one, such as conv or dense"
    );
    let large = format!("{CONV}, {{ type = 'conv', filters = 4, kernel = [9, 27] }}");
    assert!(
        refusal(&large)
            .starts_with("layer 2 'conv2': a 9x27 window does not fit its input of 26x18x8")
    );
    let early = format!("{{ type = 'softmax' }}, {CONV}");
    assert!(refusal(&early).starts_with("layer 1 'softmax': softmax must be the last layer"));
    assert!(refusal("{ type = 'relu' }").contains("nothing before this relu can be negative"));
    assert!(refusal("{ type = 'dense', units = 0 }").starts_with("layer 1 'dense1': units is 0"));
    let wide = "{ type = 'conv', filters = 60000, kernel = 1 }";
    assert!(refusal(wide).contains("the output would have 33600000 values; the limit is 16777216"));
}

/// What no map of 16 Mi values holds is refused before any memory is asked for.
#[test]
fn tensors_beyond_the_limits_are_refused_with_their_size() {
    let with = |input: &str, layers: &str| {
        let text = format!("input = {input}\nlayer = [{layers}]");
        toml::from_str::<Network>(&text).unwrap().stages().unwrap_err().to_string()
    };
    let huge = "{ height = 65535, width = 65535, channels = 65535 }";
    assert_eq!(
        with(huge, CONV),
        "layer 0 'input': it would have 281462092005375 values; the limit is 16777216"
    );
    // 65535 x 1 x 256 values, with 254 columns of padding 255 times as many.
    let tall = "{ height = 65535, width = 1, channels = 256 }";
    let wide = "{ type = 'conv', filters = 1, kernel = [1, 255], padding = 'same' }";
    assert_eq!(
        with(tall, wide),
        "layer 1 'conv1': the padded input would have 4278124800 values; the limit is 134217728"
    );
}

fn inputs(layers: &str) -> Vec<(String, Vec<usize>)> {
    stages(layers).into_iter().map(|stage| (stage.name, stage.inputs)).collect()
}

fn named(expected: &[(&str, &[usize])]) -> Vec<(String, Vec<usize>)> {
    expected.iter().map(|(name, inputs)| ((*name).to_owned(), inputs.to_vec())).collect()
}

const A: &str = "{ type = 'conv', filters = 3, kernel = 3, padding = 'same', name = 'a' }";

#[test]
fn a_layer_reads_the_one_before_it_or_those_it_names() {
    let b = "{ type = 'depthwise', kernel = 3, padding = 'same', from = ['input'], name = 'b' }";
    let found = inputs(&format!(
        "{A}, {b}, {{ type = 'add', from = ['a', 'b'] }}, {{ type = 'relu' }}, \
         {{ type = 'add', from = ['relu', 'input'] }}, {{ type = 'dense', units = 2 }}"
    ));
    let expected: [(&str, &[usize]); 5] =
        [("a", &[0]), ("b", &[0]), ("add1", &[1, 2]), ("add2", &[3, 0]), ("dense1", &[4])];
    assert_eq!(found, named(&expected));
}

/// What a convolution would take in is a stage of its own where another layer reads the
/// convolution too.
#[test]
fn only_what_one_layer_reads_is_joined() {
    let pool = "{ type = 'max_pool', size = 2 }";
    let conv = "{ type = 'conv', filters = 3, kernel = 2, stride = 2, from = ['a'], name = 'b' }";
    let add = "{ type = 'add', from = ['pool1', 'b'] }";
    let expected: [(&str, &[usize]); 4] =
        [("a", &[0]), ("pool1", &[1]), ("b", &[1]), ("add1", &[2, 3])];
    assert_eq!(inputs(&format!("{A}, {pool}, {conv}, {add}")), named(&expected));
    let alone =
        inputs(&format!("{A}, {{ type = 'relu' }}, {{ type = 'add', from = ['a', 'relu'] }}"));
    assert_eq!(alone, named(&[("a", &[0]), ("relu", &[1]), ("add1", &[1, 2])]));
    let add = "{ type = 'add', from = ['relu', 'b'] }";
    let between = inputs(&format!("{A}, {pool}, {{ type = 'relu' }}, {conv}, {add}"));
    let expected: [(&str, &[usize]); 5] =
        [("a", &[0]), ("pool1", &[1]), ("relu", &[2]), ("b", &[1]), ("add1", &[3, 4])];
    assert_eq!(between, named(&expected));
}

/// What cuts values off is done by the operator before it, whatever the operator; other functions
/// are stages of their own, as is a ReLU after what does not take it in.
#[test]
fn functions_join_or_are_stages_of_their_own() {
    let conv = |activation: &str| {
        format!("{{ type = 'conv', filters = 3, kernel = 3, activation = '{activation}' }}")
    };
    for (activation, rectifier) in [("relu", Rectifier::Relu), ("relu6", Rectifier::Relu6)] {
        let within = stages(&conv(activation));
        let after = stages(&format!("{CONV}, {{ type = '{activation}' }}"));
        assert_eq!([within.len(), after.len()], [1, 1]);
        assert_eq!([within[0].kind.rectifier(), after[0].kind.rectifier()], [rectifier; 2]);
    }
    let both = stages(&format!("{}, {{ type = 'relu' }}", conv("relu6")));
    assert_eq!((both.len(), both[0].kind.rectifier()), (1, Rectifier::Relu6));
    for activation in ["leaky_relu", "sigmoid", "tanh", "hard_swish", "gelu"] {
        let found = inputs(&format!("{}, {{ type = 'dense', units = 2 }}", conv(activation)));
        let expected: [(&str, &[usize]); 3] =
            [("conv1", &[0]), ("conv1.activation", &[1]), ("dense1", &[2])];
        assert_eq!(found, named(&expected), "{activation}");
    }
    let average =
        inputs(&format!("{CONV}, {{ type = 'average_pool', size = 2 }}, {{ type = 'relu' }}"));
    assert_eq!(average, named(&[("conv1", &[0]), ("average1", &[1]), ("relu", &[2])]));
    let pad =
        stages(&format!("{CONV}, {{ type = 'pad', padding = [1, 1, 1, 1] }}, {{ type = 'relu' }}"));
    assert_eq!((pad.len(), pad[0].kind.rectifier()), (2, Rectifier::Relu));
}

#[test]
fn more_than_two_maps_are_joined_two_at_a_time() {
    let conv = |name: &str| {
        format!("{{ type = 'conv', filters = 2, kernel = 1, from = ['input'], name = '{name}' }}")
    };
    let layers = ["a", "b", "c", "d"].map(conv).join(", ");
    let found = inputs(&format!("{layers}, {{ type = 'concat', from = ['d', 'b', 'a', 'c'] }}"));
    let expected: [(&str, &[usize]); 7] = [
        ("a", &[0]),
        ("b", &[0]),
        ("c", &[0]),
        ("d", &[0]),
        ("concat1.2", &[4, 2]),
        ("concat1.1", &[5, 1]),
        ("concat1", &[6, 3]),
    ];
    assert_eq!(found, named(&expected));
    let stages = stages(&format!("{layers}, {{ type = 'concat', from = ['d', 'b', 'a', 'c'] }}"));
    assert_eq!(stages[6].output(), Shape::new(28, 20, 8));
    let unlike = "{ type = 'max_pool', size = 2, from = ['input'], name = 'b' }, \
                  { type = 'concat', from = ['a', 'b'] }";
    assert_eq!(
        refusal(&format!("{}, {unlike}", conv("a"))),
        "layer 3 'concat1' from 'a' of 28x20x2 and 'b' of 14x10x3: it joins maps of 28x20x2 and \
         14x10x3, which must have as many rows and columns"
    );
}

#[test]
fn layers_over_series_are_windows_of_one_column() {
    let series = |layer: &str| {
        let text = format!("input = {{ height = 20, width = 1, channels = 2 }}\nlayer = [{layer}]");
        toml::from_str::<Network>(&text).unwrap().stages().map(|stages| stages[0].clone())
    };
    let stage =
        series("{ type = 'conv_1d', filters = 4, kernel = 3, dilation = 4, padding = 'causal' }");
    let stage = stage.unwrap();
    let found = conv(&stage);
    assert_eq!((found.kernel, found.dilation, found.padding), ([3, 1], [4, 1], [8, 0]));
    assert_eq!(found.output, Shape::new(20, 1, 4));
    let valid = series("{ type = 'conv_1d', filters = 4, kernel = 3, dilation = 4, stride = 2 }");
    assert_eq!(valid.unwrap().output(), Shape::new(6, 1, 4));
    for (layer, height) in [
        ("{ type = 'depthwise_1d', kernel = 5, padding = [1, 2] }", 19),
        ("{ type = 'max_pool_1d', size = 3 }", 6),
        ("{ type = 'average_pool_1d', size = 3, stride = 2, padding = 'same' }", 10),
        ("{ type = 'average_pool_1d' }", 1),
    ] {
        assert_eq!(series(layer).unwrap().output(), Shape::new(height, 1, 2), "{layer}");
    }
    let map = refusal("{ type = 'max_pool_1d', size = 3 }");
    assert!(
        map.contains("reads a map of 28x20x3; a layer over series reads a single column"),
        "{map}"
    );
    let apart = refusal("{ type = 'conv', filters = 1, kernel = 3, dilation = 2 }");
    assert!(apart.contains("say dilation = [rows, 1]"), "{apart}");
}

#[test]
fn padding_is_a_word_or_four_numbers() {
    let padded = |padding: &str, stride: u8| {
        let layer = format!(
            "{{ type = 'conv', filters = 1, kernel = [3, 4], stride = {stride}, \
             padding = {padding} }}"
        );
        let stages = stages(&layer);
        let conv = conv(&stages[0]);
        (conv.output.height, conv.output.width, conv.padding)
    };
    assert_eq!(padded("'valid'", 1), (26, 17, [0, 0]));
    assert_eq!(padded("'causal'", 1), (28, 20, [2, 1]));
    assert_eq!(padded("'causal'", 3), (10, 7, [2, 1]));
    assert_eq!(padded("[2, 5, 0, 3]", 1), (33, 20, [2, 0]));
    assert_eq!(padded("[2, 5, 0, 3]", 2), (17, 10, [2, 0]));
    let pad = stages("{ type = 'pad', padding = [1, 2, 3, 4] }");
    assert_eq!(pad[0].output(), Shape::new(31, 27, 3));
    let word = refusal("{ type = 'pad', padding = 'same' }");
    assert!(word.contains("say padding = [top, bottom, left, right]"), "{word}");
    let outside = refusal("{ type = 'average_pool', size = 2, padding = [0, 2, 0, 0] }");
    assert!(outside.contains("holds a whole window of 2"), "{outside}");
}

#[test]
fn what_cannot_be_read_is_refused_with_names_and_shapes() {
    let add = |from: &str| {
        let b = "{ type = 'conv', filters = 4, kernel = 3, name = 'b' }";
        refusal(&format!("{A}, {b}, {{ type = 'add', from = {from} }}"))
    };
    assert_eq!(
        add("['a', 'b']"),
        "layer 3 'add1' from 'a' of 28x20x3 and 'b' of 26x18x4: it adds maps of 28x20x3 and \
         26x18x4, which must have one shape"
    );
    assert_eq!(
        add("['a', 'c']"),
        "layer 3 'add1': it reads 'c', which is no layer before it; there are 'input', 'a', 'b'"
    );
    assert_eq!(
        add("['a']"),
        "layer 3 'add1': it reads 1 of the 2 maps that it needs: name the layers it reads as in \
         from = [\"…\", \"…\"]"
    );
    assert_eq!(add("['b', 'b']"), "layer 3 'add1': it reads 'b' twice: name two layers");
    assert_eq!(
        refusal(&format!("{A}, {{ type = 'dense', units = 2, from = ['input'] }}")),
        "layer 1 'a': no layer reads it: name it in the 'from' of one, or remove it"
    );
    let twice = format!("{A}, {A}, {{ type = 'dense', units = 2, from = ['a'] }}");
    assert_eq!(
        refusal(&twice),
        "layer 3 'dense1': it reads 'a', which is the name of two layers: rename one of them"
    );
    let two = format!("{A}, {{ type = 'dense', units = 2, from = ['a', 'input'] }}");
    assert!(refusal(&two).contains("it reads 2 of the 1 map that it needs"), "{}", refusal(&two));
    let many = "{ type = 'depthwise', kernel = 1, multiplier = 30000 }";
    assert!(refusal(many).contains("more than 65535 channels"), "{}", refusal(many));
}
