//! Networks of odd shapes, each with something the tutorial's does not have.

use trainer::network::Network;

/// A name and the network's description.
pub struct Odd {
    /// What is odd about it.
    pub name: &'static str,
    /// As a preset file has it.
    pub toml: &'static str,
}

impl Odd {
    /// The network.
    ///
    /// # Panics
    /// When the description is no network.
    pub fn network(&self) -> Network {
        toml::from_str(self.toml).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

/// A small graph of operators that the first of the odd networks has not.
pub const GRAPH: Odd = Odd {
    name: "a small graph",
    toml: r#"
        input = { height = 8, width = 6, channels = 2 }
        layer = [
            { type = "conv", filters = 3, kernel = 3, padding = "same", name = "a" },
            { type = "depthwise", kernel = 3, padding = "same" },
            { type = "sigmoid", name = "b" },
            { type = "mul", from = ["a", "b"], name = "c" },
            { type = "maximum", from = ["a", "c"], name = "d" },
            { type = "add", from = ["d", "b"], activation = "relu" },
            { type = "max_pool", size = 2, name = "e" },
            { type = "average_pool", size = 2, from = ["c"], name = "f" },
            { type = "concat", from = ["e", "f"] },
            { type = "average_pool" },
            { type = "dense", units = 3 },
            { type = "softmax" },
        ]"#,
};

/// A small network that takes rows as they come.
pub const STREAM: Odd = Odd {
    name: "a small stream",
    toml: r#"
        input = { height = 9, width = 1, channels = 3 }
        layer = [
            { type = "conv_1d", filters = 4, kernel = 3 },
            { type = "relu", name = "a" },
            { type = "conv_1d", filters = 4, kernel = 2, dilation = 3, padding = "causal",
              name = "b" },
            { type = "add", from = ["a", "b"] },
            { type = "depthwise_1d", kernel = 3 },
            { type = "average_pool_1d" },
            { type = "dense", units = 2 },
        ]"#,
};

/// All of them.
pub const ODD: [Odd; 12] = [
    Odd {
        name: "1x1 and 5x5 kernels",
        toml: r#"
            input = { height = 16, width = 16, channels = 1 }
            layer = [
                { type = "conv", filters = 5, kernel = 5, activation = "relu" },
                { type = "conv", filters = 7, kernel = 1, activation = "relu" },
                { type = "max_pool", size = 2 },
                { type = "dense", units = 4 },
                { type = "softmax" },
            ]"#,
    },
    Odd {
        name: "stride 2 and no activation",
        toml: r#"
            input = { height = 15, width = 15, channels = 1 }
            layer = [
                { type = "conv", filters = 6, kernel = 3, stride = 2 },
                { type = "conv", filters = 8, kernel = [3, 2], stride = [2, 1] },
                { type = "relu" },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "three channels, not square",
        toml: r#"
            input = { height = 12, width = 19, channels = 3 }
            layer = [
                { type = "conv", filters = 9, kernel = 3, padding = "same", activation = "relu" },
                { type = "max_pool", size = [2, 3] },
                { type = "conv", filters = 11, kernel = 3, activation = "relu" },
                { type = "dense", units = 13, activation = "relu" },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "no pooling",
        toml: r#"
            input = { height = 9, width = 8, channels = 2 }
            layer = [
                { type = "conv", filters = 8, kernel = 3, activation = "relu" },
                { type = "conv", filters = 16, kernel = 3, activation = "relu" },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "no convolution",
        toml: r#"
            input = { height = 7, width = 9, channels = 1 }
            layer = [
                { type = "dense", units = 33, activation = "relu" },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "overlapping pooling, ReLU after it, pooling first",
        toml: r#"
            input = { height = 21, width = 20, channels = 1 }
            layer = [
                { type = "max_pool", size = 2 },
                { type = "conv", filters = 6, kernel = 3 },
                { type = "max_pool", size = 3, stride = 1 },
                { type = "relu" },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "nothing to leave out: same padding, even sizes",
        toml: r#"
            input = { height = 16, width = 16, channels = 1 }
            layer = [
                { type = "conv", filters = 16, kernel = 3, padding = "same", activation = "relu" },
                { type = "max_pool", size = 2 },
                { type = "conv", filters = 32, kernel = 3, padding = "same", activation = "relu" },
                { type = "max_pool", size = 2 },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "an offset, even kernel, stride beyond the kernel",
        toml: r#"
            input = { height = 14, width = 14, channels = 1, offset = [-2, 3] }
            layer = [
                { type = "conv", filters = 4, kernel = 2, stride = 3, padding = "same" },
                { type = "relu" },
                { type = "conv", filters = 4, kernel = 4, padding = "same", activation = "relu" },
                { type = "conv", filters = 4, kernel = 5 },
            ]"#,
    },
    Odd {
        name: "nothing to train: pooling alone",
        toml: r#"
            input = { height = 8, width = 8, channels = 1 }
            layer = [{ type = "max_pool", size = 4 }]"#,
    },
    Odd {
        name: "residual blocks, one of them with a stride",
        toml: r#"
            input = { height = 13, width = 12, channels = 1 }
            layer = [
                { type = "conv", filters = 8, kernel = 3, padding = "same" },
                { type = "relu", name = "a" },
                { type = "conv", filters = 8, kernel = 3, padding = "same", activation = "relu" },
                { type = "conv", filters = 8, kernel = 3, padding = "same", name = "b" },
                { type = "add", from = ["a", "b"], activation = "relu", name = "c" },
                { type = "conv", filters = 12, kernel = 3, stride = 2, padding = "same" },
                { type = "relu" },
                { type = "conv", filters = 12, kernel = 3, padding = "same", name = "d" },
                { type = "conv", filters = 12, kernel = 1, stride = 2, from = ["c"], name = "e" },
                { type = "add", from = ["d", "e"] },
                { type = "relu" },
                { type = "max_pool", size = 3 },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "depthwise convolutions, inverted bottlenecks",
        toml: r#"
            input = { height = 15, width = 14, channels = 3 }
            layer = [
                { type = "depthwise", kernel = 3, multiplier = 2, padding = "same" },
                { type = "relu", name = "a" },
                { type = "conv", filters = 12, kernel = 1, activation = "relu" },
                { type = "depthwise", kernel = 3, padding = "same", activation = "relu" },
                { type = "conv", filters = 6, kernel = 1, name = "b" },
                { type = "add", from = ["b", "a"], name = "c" },
                { type = "depthwise", kernel = [5, 2], stride = [2, 1] },
                { type = "dense", units = 4 },
            ]"#,
    },
    Odd {
        name: "averages over windows and over a map",
        toml: r#"
            input = { height = 18, width = 17, channels = 1 }
            layer = [
                { type = "conv", filters = 13, kernel = 3, activation = "relu" },
                { type = "average_pool", size = [3, 2], stride = 2, padding = "same" },
                { type = "conv", filters = 24, kernel = 7 },
                { type = "average_pool" },
                { type = "dense", units = 4 },
            ]"#,
    },
];
