//! What a quantised network computes though no answer depends on it, and the same network without.
//!
//! - A channel that has one value for every input and at every place goes into the biases of the
//!   layers that add it up. At a layer with padding that is so only where the value is the
//!   padding's.
//! - A channel that is multiplied by zeros only, and one that nobody reads, is not made.
//! - A layer of which nothing is left is no layer any more.
//! - A layer that computes what another one has computed of the same maps, with the same numbers,
//!   is not made once more: the other's map is read.
//!
//! Which values a channel can have follows from those of the layer's input, tap by tap: the
//! accumulator lies between the sum of the least products and that of the largest, and scaling
//! never changes the order of two accumulators. A tap that can lie outside of the map may have the
//! padding's value too. Sums, products and maps side by side are taken to have any values.
//!
//! The answers keep their bytes: what is left out is added where it was added before.

use infer::quant::{ChannelParameters, requantise, requantise_twice};

use crate::ops::Mixing;
use crate::plain_model::{Edge, PlainLayer, PlainModel};

/// Least and largest value of a channel, whatever the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    least: i8,
    most: i8,
}

impl Span {
    const ANY: Self = Self { least: i8::MIN, most: i8::MAX };

    fn constant(self) -> Option<i8> {
        (self.least == self.most).then_some(self.least)
    }

    /// With another value.
    fn with(self, value: i8) -> Self {
        Self { least: self.least.min(value), most: self.most.max(value) }
    }

    /// The least and the largest product with a weight.
    fn times(self, weight: i8) -> [i64; 2] {
        let products = [self.least, self.most].map(|value| i64::from(value) * i64::from(weight));
        if weight < 0 { [products[1], products[0]] } else { products }
    }
}

/// What a network computes and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// Multiply-accumulates of a run, taps on padding included.
    pub macs: u64,
    /// Weights of all layers, a byte each.
    pub weights: usize,
}

impl Effort {
    /// That of a network.
    pub fn of(model: &PlainModel) -> Self {
        let macs = |layer: &PlainLayer| layer.kind(layer.choices()[0]).work().macs;
        Self {
            macs: model.layers.iter().map(macs).sum(),
            weights: model.layers.iter().map(PlainLayer::weight_bytes).sum(),
        }
    }
}

/// What a network takes, whole and without what no answer depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Savings {
    /// Of the whole network.
    pub whole: Effort,
    /// Of what is left.
    pub kept: Effort,
}

impl Savings {
    /// Of two networks with the same answers.
    pub fn of(whole: &PlainModel, kept: &PlainModel) -> Self {
        Self { whole: Effort::of(whole), kept: Effort::of(kept) }
    }

    /// Whether nothing was left out.
    pub fn is_none(&self) -> bool {
        self.whole == self.kept
    }
}

/// The same network without what no answer depends on, and without what is computed twice.
pub fn without_idle(model: &PlainModel) -> PlainModel {
    without_idle_channels(&without_twins(model))
}

/// The same network in which layers that make the same map are one.
fn without_twins(model: &PlainModel) -> PlainModel {
    let mut numbers = vec![0];
    let mut layers: Vec<PlainLayer> = vec![];
    for (layer, made) in model.layers.iter().zip(1..) {
        let mut layer = layer.clone();
        layer.inputs.iter_mut().for_each(|edge| edge.number = numbers[edge.number]);
        let twin = layers.iter().position(|other| is_twin(other, &layer)).map(|at| at + 1);
        let meets = |twin: &usize| {
            let mut same = (0..numbers.len()).filter(|tensor| numbers[*tensor] == *twin);
            same.any(|tensor| meet(model, [tensor, made]))
        };
        let twin = twin.filter(|twin| !meets(twin));
        numbers.push(twin.unwrap_or_else(|| {
            layers.push(layer);
            layers.len()
        }));
    }
    let outputs = model.outputs.iter().map(|output| numbers[*output]).collect();
    PlainModel { layers, outputs, ..model.clone() }
}

/// Whether two layers make the same values of the same maps.
fn is_twin(a: &PlainLayer, b: &PlainLayer) -> bool {
    let facts = |layer: &PlainLayer| (layer.inputs.clone(), layer.kind, layer.output);
    facts(a) == facts(b) && a.channels == b.channels && a.weights == b.weights
}

/// Whether two tensors are read by one layer, or are both outputs: then they cannot be one.
fn meet(model: &PlainModel, tensors: [usize; 2]) -> bool {
    let reads = |layer: &PlainLayer| {
        tensors.iter().all(|tensor| layer.inputs.iter().any(|edge| edge.number == *tensor))
    };
    tensors.iter().all(|tensor| model.outputs.contains(tensor)) || model.layers.iter().any(reads)
}

/// The same network without channels and layers on which no answer depends.
fn without_idle_channels(model: &PlainModel) -> PlainModel {
    let spans = spans(model);
    let needed = needed(model, &spans);
    let mut numbers = vec![0];
    let mut layers: Vec<PlainLayer> = vec![];
    for (layer, made) in model.layers.iter().zip(1..) {
        if needed[made].contains(&true) {
            let mut layer = narrowed(layer, &spans, &needed, &needed[made]);
            layer.inputs.iter_mut().for_each(|edge| edge.number = numbers[edge.number]);
            layers.push(layer);
        }
        numbers.push(layers.len());
    }
    let outputs = model.outputs.iter().map(|output| numbers[*output]).collect();
    PlainModel { layers, outputs, ..model.clone() }
}

/// For each tensor and channel its values.
fn spans(model: &PlainModel) -> Vec<Vec<Span>> {
    let mut spans = vec![vec![Span::ANY; model.input.shape.channels.into()]];
    for layer in &model.layers {
        let made = made(layer, &spans[layer.inputs[0].number]);
        spans.push(made);
    }
    spans
}

/// The values of a layer's channels, given those of its first input's.
fn made(layer: &PlainLayer, input: &[Span]) -> Vec<Span> {
    let zero = layer.inputs[0].tensor.quant.zero_point;
    let seen = |span: Span, is_padded: bool| if is_padded { span.with(zero) } else { span };
    match layer.mixing() {
        Mixing::All { is_padded } => {
            let filter = |(parameters, weights): (&ChannelParameters, &[i8])| {
                let taps = weights.iter().zip(input.iter().cycle());
                let taps = taps.map(|(weight, span)| seen(*span, is_padded).times(*weight));
                answer(layer, *parameters, taps)
            };
            filters(layer).map(filter).collect()
        }
        Mixing::Own { is_padded } => {
            let channel = |((parameters, weights), span): ((&ChannelParameters, &[i8]), &Span)| {
                let taps = weights.iter().map(|weight| seen(*span, is_padded).times(*weight));
                answer(layer, *parameters, taps)
            };
            let times = multiplier(layer);
            let inputs = input.iter().flat_map(|span| std::iter::repeat_n(span, times));
            filters(layer).zip(inputs).map(channel).collect()
        }
        Mixing::Table => input.iter().map(|span| looked_up(&layer.weights, *span)).collect(),
        Mixing::Same => input.to_vec(),
        Mixing::Fixed => vec![Span::ANY; layer.output.shape.channels.into()],
    }
}

/// The parameters and weights of each filter.
fn filters(layer: &PlainLayer) -> impl Iterator<Item = (&ChannelParameters, &[i8])> {
    let weights = layer.weights.len() / layer.channels.len().max(1);
    layer.channels.iter().zip(layer.weights.chunks(weights.max(1)))
}

/// Output channels for each of the input.
fn multiplier(layer: &PlainLayer) -> usize {
    usize::from(layer.output.shape.channels) / usize::from(layer.input().channels).max(1)
}

/// The values of a channel whose taps add these products.
fn answer(
    layer: &PlainLayer,
    parameters: ChannelParameters,
    taps: impl Iterator<Item = [i64; 2]>,
) -> Span {
    let bias = i64::from(parameters.bias);
    let [least, most] =
        taps.fold([bias; 2], |[least, most], [low, high]| [least + low, most + high]);
    let zero = layer.output.quant.zero_point;
    // Every partial sum of a model fits 32 bits, so both ends do.
    let value = |accumulator: i64| match parameters.shift {
        None => requantise(accumulator as i32, parameters.multiplier, zero),
        Some(shift) => requantise_twice(accumulator as i32, parameters.multiplier, shift, zero),
    };
    Span { least: value(least), most: value(most) }
}

/// What a table of 256 answers makes of these values.
fn looked_up(table: &[i8], Span { least, most }: Span) -> Span {
    let mut answers = (least..=most).map(|value| table[usize::from(value as u8)]);
    let first = answers.next().unwrap_or_default();
    answers.fold(Span { least: first, most: first }, Span::with)
}

/// For each tensor the channels on which an answer depends. A layer that makes any reads one
/// channel at least; the image stays as it is.
///
/// A layer whose channels are each made of one reads all channels that its input keeps for others,
/// and makes theirs: so readers are asked again until nothing is added.
fn needed(model: &PlainModel, spans: &[Vec<Span>]) -> Vec<Vec<bool>> {
    let mut needed: Vec<Vec<bool>> =
        spans.iter().map(|channels| vec![false; channels.len()]).collect();
    needed[0].fill(true);
    model.outputs.iter().for_each(|output| needed[*output].fill(true));
    loop {
        let before = needed.clone();
        for made in (1..=model.layers.len()).rev() {
            let layer = &model.layers[made - 1];
            if needed[made].contains(&true) {
                needed[made] = widened(layer, &needed[made], &needed[layer.inputs[0].number]);
                for Edge { number, .. } in &layer.inputs {
                    let mut read = read(layer, &spans[*number], &needed[made]);
                    read[0] |= !read.contains(&true);
                    needed[*number].iter_mut().zip(read).for_each(|(needed, read)| *needed |= read);
                }
            }
        }
        if needed == before {
            return needed;
        }
    }
}

/// The channels that a layer has to make where these are needed, and its first input keeps those.
fn widened(layer: &PlainLayer, needed: &[bool], kept: &[bool]) -> Vec<bool> {
    match layer.mixing() {
        Mixing::All { .. } => needed.to_vec(),
        Mixing::Fixed => vec![true; needed.len()],
        Mixing::Own { .. } | Mixing::Table | Mixing::Same => {
            let times = multiplier(layer).max(1);
            let channels = needed.chunks(times).zip(kept);
            channels
                .flat_map(|(of, kept)| std::iter::repeat_n(*kept || of.contains(&true), times))
                .collect()
        }
    }
}

/// The channels of an input that a layer reads to make those that are needed.
fn read(layer: &PlainLayer, input: &[Span], needed: &[bool]) -> Vec<bool> {
    match layer.mixing() {
        Mixing::All { is_padded } => {
            let zero = layer.inputs[0].tensor.quant.zero_point;
            let is_added =
                |span: &Span| span.constant().is_some_and(|value| !is_padded || value == zero);
            let mut read = vec![false; input.len()];
            for ((_, weights), _) in filters(layer).zip(needed).filter(|(_, needed)| **needed) {
                for taps in weights.chunks(input.len()) {
                    read.iter_mut().zip(taps).for_each(|(read, weight)| *read |= *weight != 0);
                }
            }
            read.iter_mut().zip(input).for_each(|(read, span)| *read &= !is_added(span));
            read
        }
        Mixing::Own { .. } => {
            needed.chunks(multiplier(layer).max(1)).map(|of| of.contains(&true)).collect()
        }
        Mixing::Table | Mixing::Same => needed.to_vec(),
        Mixing::Fixed => vec![true; input.len()],
    }
}

/// The layer with the channels that are needed of what it reads and makes.
fn narrowed(
    layer: &PlainLayer,
    spans: &[Vec<Span>],
    needed: &[Vec<bool>],
    made: &[bool],
) -> PlainLayer {
    let from = layer.inputs[0].number;
    let mut narrow = layer.clone();
    narrow.output.shape.channels = count(made);
    for edge in &mut narrow.inputs {
        edge.tensor.shape.channels = count(&needed[edge.number]);
    }
    let mixing = layer.mixing();
    if let Mixing::All { .. } | Mixing::Own { .. } = mixing {
        (narrow.channels, narrow.weights) = (vec![], vec![]);
        for ((parameters, weights), _) in filters(layer).zip(made).filter(|(_, made)| **made) {
            let (bias, kept) = match mixing {
                Mixing::All { .. } => without(weights, &spans[from], &needed[from]),
                _ => (0, weights.to_vec()),
            };
            narrow.channels.push(ChannelParameters { bias: parameters.bias + bias, ..*parameters });
            narrow.weights.extend(kept);
        }
    }
    narrow
}

/// What the channels that are not needed add to an accumulator, and the weights of the others.
fn without(weights: &[i8], input: &[Span], needed: &[bool]) -> (i32, Vec<i8>) {
    let (mut sum, mut kept) = (0, vec![]);
    let channels = input.iter().zip(needed).cycle();
    for (weight, (span, is_needed)) in weights.iter().zip(channels) {
        match is_needed {
            true => kept.push(*weight),
            // Where it is no constant all its weights are 0.
            false => sum += i32::from(span.least) * i32::from(*weight),
        }
    }
    (sum, kept)
}

fn count(channels: &[bool]) -> u16 {
    channels.iter().filter(|is_there| **is_there).count() as u16
}

#[cfg(test)]
mod tests;
