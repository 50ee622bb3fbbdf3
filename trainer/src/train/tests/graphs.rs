//! Random acyclic graphs against Burn's automatic differentiation and difference quotients.

use super::*;

const GRAPHS: u64 = 60;

/// Graphs whose slopes are measured.
const SLOPES: u64 = 12;

/// A map that layers can read.
#[derive(Clone)]
struct Made {
    name: String,
    shape: [usize; 3],
    is_read: bool,
}

/// A description under way.
struct Graph {
    layers: Vec<String>,
    made: Vec<Made>,
    /// Whether it is to have no maximum and no bend.
    is_smooth: bool,
}

#[test]
fn gradients_of_random_graphs_are_those_of_automatic_differentiation() {
    let (mut sums, mut shared) = (0, 0);
    for seed in 0..GRAPHS {
        let (input, layers) = graph(seed, false);
        let network = network(input.map(|side| side as u16), &layers);
        let stages = network.stages().unwrap_or_else(|error| panic!("{layers}: {error}"));
        let reads: Vec<usize> = stages.iter().flat_map(|stage| stage.inputs.clone()).collect();
        sums += stages.iter().filter(|stage| stage.inputs.len() == 2).count();
        shared += (1..stages.len())
            .filter(|tensor| reads.iter().filter(|read| *read == tensor).count() > 1)
            .count();
        assert_gradients(&layers, &network);
    }
    assert!(sums > 40 && shared > 20, "{sums} sums, {shared} maps that several layers read");
}

/// Of layers without maxima and bends: where one is, a difference quotient is no slope.
#[test]
fn gradients_of_random_graphs_are_slopes_of_the_loss() {
    let mut summed = 0;
    for seed in 0..SLOPES {
        let (input, layers) = graph(seed, true);
        let network = network(input.map(|side| side as u16), &layers);
        let stages = network.stages().unwrap_or_else(|error| panic!("{layers}: {error}"));
        summed += stages.iter().filter(|stage| stage.inputs.len() == 2).count();
        assert_gradients_are_slopes(&network);
    }
    assert!(summed > SLOPES as usize, "{summed} layers that read two maps");
}

/// Our gradients of layers, written as [`network`] reads them, are those of automatic
/// differentiation; for the tests of an operator.
pub(crate) fn assert_gradients_of(input: [u16; 3], layers: &str) {
    assert_gradients(layers, &network(input, layers));
}

fn assert_gradients(name: &str, network: &Network) {
    let (model, data) = (model(network), data(network, 9));
    let (tally, ours) = our_gradients(&model, &data, InstructionSet::detect(), 2);
    let (loss, theirs) = burn_gradients(&model, &data);
    assert!((tally.loss as f32 / 9.0 - loss).abs() < 1e-4 * loss.max(1.0), "{name}: {loss}");
    assert_eq!(ours.len(), theirs.len(), "{name}");
    for (stage, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_close(&format!("{name}, weights {stage}"), &ours.rows, &theirs.rows);
        assert_close(&format!("{name}, bias {stage}"), &ours.bias, &theirs.bias);
    }
}

/// The input's sides, and layers as [`network`] reads them: some that read any map made so far,
/// sums where two maps are of one shape; at the end a dense layer for each map that nothing reads,
/// and their sum.
fn graph(seed: u64, is_smooth: bool) -> ([usize; 3], String) {
    let mut random = Random::new(seed, Purpose::Weights);
    let sides = [6 + random.below(7), 6 + random.below(7), 1 + random.below(3)];
    let input = Made { name: "input".into(), shape: sides, is_read: false };
    let mut graph = Graph { layers: vec![], made: vec![input], is_smooth };
    for _ in 0..4 + random.below(6) {
        let read = random.below(graph.made.len());
        match random.below(11) {
            0..=2 => graph.conv(read, &mut random),
            3 => graph.depthwise(read, &mut random),
            4 => graph.pool(read),
            5 => graph.average_pool(read, &mut random),
            6 => graph.function(read, &mut random),
            7 => graph.concat(read, &mut random),
            8 => graph.mul(read, &mut random),
            9 => graph.pad(read, &mut random),
            _ => graph.add(read),
        }
    }
    graph.close();
    (sides, graph.layers.join("; "))
}

impl Graph {
    fn push(&mut self, reads: &[usize], layer: &str, shape: [usize; 3], relu: bool) {
        let name = format!("l{}", self.layers.len());
        let from: Vec<&str> = reads.iter().map(|read| self.made[*read].name.as_str()).collect();
        let relu = if relu && !self.is_smooth { " relu" } else { "" };
        self.layers.push(format!("{name}={layer} @{}{relu}", from.join(",")));
        reads.iter().for_each(|read| self.made[*read].is_read = true);
        self.made.push(Made { name, shape, is_read: false });
    }

    fn conv(&mut self, read: usize, random: &mut Random) {
        let [rows, columns, _] = self.made[read].shape;
        let (filters, stride) = (2 + random.below(3), 1 + random.below(2));
        let kernel = 1 + random.below(3);
        let shape = [rows.div_ceil(stride), columns.div_ceil(stride), filters];
        let layer = format!("conv {filters} {kernel} {stride} same");
        self.push(&[read], &layer, shape, random.below(2) == 0);
    }

    fn depthwise(&mut self, read: usize, random: &mut Random) {
        let [rows, columns, channels] = self.made[read].shape;
        let multiplier = 1 + random.below(2);
        let layer = format!("depthwise 3 1 same {multiplier}");
        self.push(&[read], &layer, [rows, columns, channels * multiplier], random.below(2) == 0);
    }

    fn pool(&mut self, read: usize) {
        let [rows, columns, channels] = self.made[read].shape;
        if rows >= 2 && columns >= 2 && !self.is_smooth {
            self.push(&[read], "pool 2 2", [rows / 2, columns / 2, channels], false);
        }
    }

    fn average_pool(&mut self, read: usize, random: &mut Random) {
        let [rows, columns, channels] = self.made[read].shape;
        match random.below(3) {
            0 => self.push(&[read], "average_pool", [1, 1, channels], false),
            _ => {
                let layer = "average_pool size:3 stride:2 padding:'same'";
                let shape = [rows.div_ceil(2), columns.div_ceil(2), channels];
                self.push(&[read], layer, shape, false);
            }
        }
    }

    fn function(&mut self, read: usize, random: &mut Random) {
        let functions = ["relu6", "leaky_relu", "sigmoid", "tanh", "hard_swish", "gelu"];
        let functions = if self.is_smooth { &functions[2..4] } else { &functions[..] };
        let layer = functions[random.below(functions.len())];
        self.push(&[read], layer, self.made[read].shape, false);
    }

    /// The channels of maps of as many rows and columns, three of them at most.
    fn concat(&mut self, read: usize, random: &mut Random) {
        let [rows, columns, _] = self.made[read].shape;
        let is_alike =
            |other: &usize| *other != read && self.made[*other].shape[..2] == [rows, columns];
        let others: Vec<usize> = (0..self.made.len()).filter(is_alike).collect();
        let count = others.len().min(1 + random.below(2));
        if count == 0 {
            return;
        }
        let reads: Vec<usize> = [&[read], &others[..count]].concat();
        let channels = reads.iter().map(|read| self.made[*read].shape[2]).sum();
        self.push(&reads, "concat", [rows, columns, channels], random.below(2) == 0);
    }

    /// The product with a map of the same shape, or with a factor for each channel.
    fn mul(&mut self, read: usize, random: &mut Random) {
        let [_, _, channels] = self.made[read].shape;
        let fits = |other: &usize| {
            let shape = self.made[*other].shape;
            *other != read && (shape == self.made[read].shape || shape == [1, 1, channels])
        };
        if let Some(other) = (0..self.made.len()).find(fits) {
            let shape = self.made[read].shape;
            self.push(&[read, other], "mul", shape, random.below(2) == 0);
        }
    }

    fn pad(&mut self, read: usize, random: &mut Random) {
        let [rows, columns, channels] = self.made[read].shape;
        let zeros = [0; 4].map(|_: usize| random.below(3));
        let shape = [rows + zeros[0] + zeros[1], columns + zeros[2] + zeros[3], channels];
        let layer = format!("pad padding:[{},{},{},{}]", zeros[0], zeros[1], zeros[2], zeros[3]);
        self.push(&[read], &layer, shape, false);
    }

    fn add(&mut self, read: usize) {
        let is_alike =
            |other: &usize| *other != read && self.made[*other].shape == self.made[read].shape;
        match (0..self.made.len()).find(is_alike) {
            Some(other) => {
                self.push(&[read, other], "add", self.made[read].shape, read.is_multiple_of(2))
            }
            None => self.push(&[read], "conv 3 1 1 valid", with_channels(self, read, 3), false),
        }
    }

    fn close(&mut self) {
        let unread: Vec<usize> =
            (1..self.made.len()).filter(|made| !self.made[*made].is_read).collect();
        let mut sum = None;
        for made in unread {
            self.push(&[made], "dense 3", [1, 1, 3], false);
            let dense = self.made.len() - 1;
            if let Some(sum) = sum {
                self.push(&[sum, dense], "add", [1, 1, 3], false);
            }
            sum = Some(self.made.len() - 1);
        }
    }
}

fn with_channels(graph: &Graph, read: usize, channels: usize) -> [usize; 3] {
    let [rows, columns, _] = graph.made[read].shape;
    [rows, columns, channels]
}
