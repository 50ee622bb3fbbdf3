//! Gradients of one batch: its images cut into shards, the shards spread over threads, their gradients added in order.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::augment::Distorter;
use super::batch_norm::{ChannelSums, Scale, Statistics};
use super::kernels::{Gradient, InstructionSet, Weights};
use super::layout::Layout;
use super::loss::{Tally, cross_entropy};
use super::shard::Shard;
use crate::data::Dataset;
use crate::inputs::place;
use crate::network::{Input, Network, Stage};

/// Images of a shard: fixed, so that the order of summation does not depend on the number of threads.
const SHARD_IMAGES: usize = 16;

/// Gradient of one stage's parameters over a batch: of the mean loss per image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StageGradient {
    /// `[output][tap]`.
    pub rows: Vec<f32>,
    /// One per output: of the bias, or of beta.
    pub bias: Vec<f32>,
    /// One per output of a normalised stage: of gamma.
    pub gamma: Vec<f32>,
}

/// The network's numbers for one batch, per stage.
pub struct Parameters {
    /// Weights and biases; the biases of normalised stages are 0.
    pub weights: Vec<Weights>,
    /// Gamma and beta of the normalised stages.
    pub scales: Vec<Option<Scale>>,
    /// Added to variances.
    pub epsilon: f64,
}

/// The images of one batch.
pub struct Batch<'b> {
    /// The data set.
    pub data: &'b Dataset,
    /// Numbers of the batch's images.
    pub chosen: &'b [usize],
    /// How they are distorted, if at all.
    pub distorter: Option<&'b Distorter>,
}

/// Computes gradients, batch after batch, in buffers that stay.
pub struct BatchGradients {
    set: InstructionSet,
    input: Input,
    stages: Vec<Stage>,
    layout: Layout,
    shards: Vec<Mutex<Shard>>,
    sums: Vec<StageGradient>,
    /// Statistics of the normalised stages in the last batch.
    statistics: Vec<Option<Statistics>>,
}

impl BatchGradients {
    /// Buffers for batches of up to `batch` images.
    pub fn new(set: InstructionSet, network: &Network, layout: Layout, batch: usize) -> Self {
        let shard = |_| Mutex::new(Shard::new(&layout, SHARD_IMAGES.min(batch)));
        let shards = (0..batch.div_ceil(SHARD_IMAGES)).map(shard).collect();
        let stages = network.stages().expect("a layout is made of a network that can be built");
        let sums = vec![StageGradient::default(); stages.len()];
        let statistics = vec![None; stages.len()];
        Self { set, input: network.input, stages, layout, shards, sums, statistics }
    }

    /// The network's stages.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How the stages lie in memory.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Gradients of the stages that have parameters, in order.
    pub fn sums(&self) -> impl Iterator<Item = &StageGradient> {
        self.sums.iter().filter(|sum| !sum.bias.is_empty())
    }

    /// Per stage, what the last batch was normalised with.
    pub fn statistics(&self) -> &[Option<Statistics>] {
        &self.statistics
    }

    /// Adds `decay * weights` to the gradients of all weights, not to those of biases, gammas and betas.
    pub fn add_decay(&mut self, weights: &[Weights], decay: f32) {
        for (sum, weights) in self.sums.iter_mut().zip(weights) {
            for (gradient, weight) in sum.rows.iter_mut().zip(&weights.rows) {
                *gradient += decay * weight;
            }
        }
    }

    /// Computes loss and gradients of a batch, on up to `threads` threads.
    ///
    /// A normalised stage needs the sums of the whole batch, so the shards meet there, forward and backward.
    pub fn compute(&mut self, parameters: &Parameters, batch: &Batch<'_>, threads: usize) -> Tally {
        let segments = self.segments();
        let run = Shards { gradients: self, parameters, batch, threads };
        run.each(|shard, part| run.fill(shard, part));
        let mut statistics = vec![None; segments.len()];
        for (number, segment) in segments.iter().enumerate() {
            statistics[number] = run.forward(segment.clone());
        }
        let tallies = run.each(|shard, part| run.lose(shard, part));
        let mut gradient_sums = vec![None; segments.len()];
        for (number, segment) in segments.iter().enumerate().rev() {
            gradient_sums[number] = run.backward(segment.clone(), statistics[number].as_ref());
        }
        let shards = run.parts();
        self.add_up(shards);
        for (segment, (statistics, sums)) in segments.iter().zip(statistics.into_iter().zip(gradient_sums)) {
            let stage = segment.end - 1;
            self.statistics[stage] = statistics;
            if let Some(ChannelSums { first, second, .. }) = sums {
                let narrow = |sums: Vec<f64>| sums.into_iter().map(|sum| sum as f32).collect();
                (self.sums[stage].bias, self.sums[stage].gamma) = (narrow(first), narrow(second));
            }
        }
        let mut total = Tally::default();
        tallies.into_iter().for_each(|tally| total.add(tally));
        total
    }

    /// The stages in runs, each of which ends with a normalised stage or the last one.
    fn segments(&self) -> Vec<Range<usize>> {
        let mut segments = Vec::new();
        let mut start = 0;
        for (index, stage) in self.layout.stages.iter().enumerate() {
            if stage.normalised || index + 1 == self.layout.stages.len() {
                segments.push(start..index + 1);
                start = index + 1;
            }
        }
        segments
    }

    /// Adds the first `shards` shards' gradients, in their order.
    fn add_up(&mut self, shards: usize) {
        for (stage, sum) in self.sums.iter_mut().enumerate() {
            let Some((outputs, taps)) = self.layout.stages[stage].weights() else { continue };
            *sum = StageGradient { rows: vec![0.0; outputs * taps], bias: vec![0.0; outputs], gamma: vec![] };
            for shard in &mut self.shards[..shards] {
                let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
                add(sum, &shard.gradients[stage], taps);
            }
        }
    }
}

/// The shards of one batch at work.
struct Shards<'s> {
    gradients: &'s BatchGradients,
    parameters: &'s Parameters,
    batch: &'s Batch<'s>,
    threads: usize,
}

impl Shards<'_> {
    fn parts(&self) -> usize {
        self.batch.chosen.len().div_ceil(SHARD_IMAGES)
    }

    /// Does `work` with every shard and its images; threads take the next shard that is left. Results in the shards' order.
    fn each<Output: Clone + Default + Send>(
        &self,
        work: impl Fn(&mut Shard, &[usize]) -> Output + Sync,
    ) -> Vec<Output> {
        let next = AtomicUsize::new(0);
        let parts: Vec<&[usize]> = self.batch.chosen.chunks(SHARD_IMAGES).collect();
        let outputs = Mutex::new(vec![Output::default(); parts.len()]);
        let take_shards = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(index) else { break };
                let mut shard = self.gradients.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
                let output = work(&mut shard, part);
                outputs.lock().unwrap_or_else(PoisonError::into_inner)[index] = output;
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.threads.min(parts.len()) {
                scope.spawn(take_shards);
            }
            take_shards();
        });
        outputs.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, shard: &mut Shard, part: &[usize]) {
        let layout = &self.gradients.layout;
        let inputs = shard.inputs(layout, part.len());
        for (image, input) in part.iter().zip(inputs.chunks_exact_mut(layout.input.len())) {
            match self.batch.distorter {
                Some(distorter) => distorter.place(self.batch.data, *image, input),
                None => {
                    let first = layout.input_origin;
                    place(&self.gradients.input, layout.input, first, self.batch.data, *image, input);
                }
            }
        }
    }

    /// Takes all shards through the stages of a segment and through the normalisation at its end; what that used.
    fn forward(&self, segment: Range<usize>) -> Option<Statistics> {
        let Self { gradients: BatchGradients { set, layout, .. }, parameters, .. } = self;
        let last = segment.end - 1;
        let normalised = layout.stages[last].normalised;
        let sums = self.each(|shard, _| {
            for index in segment.clone() {
                shard.forward_stage(index, *set, layout, &parameters.weights);
            }
            normalised.then(|| shard.value_sums(last, layout))
        });
        let statistics = Statistics::new(&total(sums)?, parameters.epsilon);
        let scale = parameters.scales[last].as_ref()?;
        self.each(|shard, _| shard.normalise(last, layout, &statistics, scale));
        Some(statistics)
    }

    /// Loss of a shard, and the gradient that the way back begins with.
    fn lose(&self, shard: &mut Shard, part: &[usize]) -> Tally {
        let layout = &self.gradients.layout;
        let labels: Vec<u8> = part.iter().map(|image| self.batch.data.labels[*image]).collect();
        let values = shard.output(layout, layout.stages.len() - 1);
        let (tally, gradient) = cross_entropy(values, &labels, 1.0 / self.batch.chosen.len() as f32);
        shard.begin_backward(gradient);
        tally
    }

    /// Takes all shards back through a segment, its normalisation first; the gradients of that.
    fn backward(&self, segment: Range<usize>, statistics: Option<&Statistics>) -> Option<ChannelSums> {
        let Self { gradients: BatchGradients { set, layout, .. }, parameters, .. } = self;
        let last = segment.end - 1;
        let sums =
            statistics.and_then(|_| total(self.each(|shard, _| Some(shard.gradient_sums(last, layout)))));
        let normalisation = statistics.zip(sums.as_ref()).zip(parameters.scales[last].as_ref());
        self.each(|shard, _| {
            if let Some(((statistics, sums), scale)) = normalisation {
                shard.unnormalise(last, statistics, scale, sums);
            }
            for index in segment.clone().rev() {
                shard.backward_stage(index, *set, layout, &parameters.weights);
            }
        });
        sums
    }
}

/// Sum over the shards, in order; `None` when there is nothing to add.
fn total(sums: Vec<Option<ChannelSums>>) -> Option<ChannelSums> {
    let sums: Vec<ChannelSums> = sums.into_iter().flatten().collect();
    (!sums.is_empty()).then(|| ChannelSums::total(&sums))
}

fn add(sum: &mut StageGradient, gradient: &Gradient, taps: usize) {
    let rows = gradient.weights.chunks_exact(gradient.row_step.max(1));
    for (to, from) in sum.rows.chunks_exact_mut(taps).zip(rows) {
        add_values(to, &from[..taps]);
    }
    add_values(&mut sum.bias, &gradient.bias);
}

fn add_values(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
