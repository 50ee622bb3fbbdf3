//! Gradients of one batch: its images cut into shards, the shards spread over threads, their gradients added in order.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::augment::Distorter;
use super::batch_norm::{BatchScale, ChannelSums};
use super::kernels::{Gradient, InstructionSet, Weights};
use super::layout::Layout;
use super::loss::{Tally, cross_entropy};
use super::parameters::StageParameters;
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
    /// One per output; of a normalised stage that of beta.
    pub bias: Vec<f32>,
    /// Of a normalised stage, one per output.
    pub gamma: Option<Vec<f32>>,
}

/// What gradients are computed of.
pub struct Batch<'b> {
    /// The images they are chosen from.
    pub data: &'b Dataset,
    /// Numbers of the images.
    pub chosen: &'b [usize],
    /// How they are distorted; `None`: not at all.
    pub distortion: Option<Distortion<'b>>,
}

/// How a batch's images are distorted.
#[derive(Clone, Copy)]
pub struct Distortion<'d> {
    /// Distorts them.
    pub distorter: &'d Distorter,
    /// Seed of the run.
    pub seed: u64,
    /// The epoch, from 1.
    pub epoch: usize,
    /// Strength, 0 to 1.
    pub strength: f32,
}

/// Computes gradients, batch after batch, in buffers that stay.
pub struct BatchGradients {
    set: InstructionSet,
    input: Input,
    stages: Vec<Stage>,
    layout: Layout,
    /// Added to variances; without effect where nothing is normalised.
    epsilon: f64,
    shards: Vec<Mutex<Shard>>,
    sums: Vec<StageGradient>,
    /// Per stage: how the last batch was normalised.
    scales: Vec<BatchScale>,
}

impl BatchGradients {
    /// Buffers for batches of up to `batch` images; `epsilon` is added to the variances of normalised stages.
    pub fn new(set: InstructionSet, network: &Network, layout: Layout, batch: usize, epsilon: f64) -> Self {
        let shard = |_| Mutex::new(Shard::new(&layout, SHARD_IMAGES.min(batch)));
        let shards = (0..batch.div_ceil(SHARD_IMAGES)).map(shard).collect();
        let stages = network.stages().expect("a layout is made of a network that can be built");
        let sums = vec![StageGradient::default(); stages.len()];
        let scales = vec![BatchScale::default(); stages.len()];
        Self { set, input: network.input, stages, layout, epsilon, shards, sums, scales }
    }

    /// The network's stages.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Gradients of the stages that have parameters, in order.
    pub fn sums(&self) -> impl Iterator<Item = &StageGradient> {
        self.sums.iter().filter(|sum| !sum.bias.is_empty())
    }

    /// Gradients of all stages, empty for poolings.
    pub fn sums_mut(&mut self) -> &mut [StageGradient] {
        &mut self.sums
    }

    /// Per stage, how the last batch was normalised; without meaning for the others.
    pub fn scales(&self) -> &[BatchScale] {
        &self.scales
    }

    /// Computes loss and gradients of a batch under the given parameters, on up to `threads` threads.
    ///
    /// A normalised stage needs sums over the whole batch, so all shards come to it before any goes on: the stages are cut
    /// into parts that end with a normalised one, and a part's shards are run together.
    pub fn compute(&mut self, parameters: &[StageParameters], batch: &Batch<'_>, threads: usize) -> Tally {
        let weights: Vec<Weights> = parameters.iter().map(packed).collect();
        let pass = Pass { weights: &weights, batch, threads };
        let parts = parts(&self.layout);
        let (last, normalised) = parts.split_last().expect("a network has stages");
        for part in normalised {
            self.forward(&pass, part);
            self.measure(&pass, part.end - 1, &parameters[part.end - 1]);
        }
        let tally = self.turn(&pass, last);
        let mut above = last.start;
        for part in normalised.iter().rev() {
            let sums = self.gradient_sums(&pass, above - 1);
            self.each_shard(&pass, |shard, _| {
                shard.denormalise(above - 1, &self.scales[above - 1], &sums);
                shard.backward(self.set, &self.layout, &weights, part.clone());
            });
            self.sums[above - 1].gamma = Some(single(&sums.second));
            self.sums[above - 1].bias = single(&sums.first);
            above = part.start;
        }
        self.add_up(batch.chosen.len().div_ceil(SHARD_IMAGES));
        tally
    }

    /// Takes all shards through the stages of a part.
    fn forward(&self, pass: &Pass<'_>, part: &Range<usize>) {
        self.each_shard(pass, |shard, images| {
            self.enter(shard, images, pass.batch, part.start);
            shard.forward(self.set, &self.layout, pass.weights, part.clone());
        });
    }

    /// Fills in what the part that begins with stage `start` reads.
    fn enter(&self, shard: &mut Shard, images: &[usize], batch: &Batch<'_>, start: usize) {
        if start > 0 {
            return shard.normalise(&self.layout, start - 1, &self.scales[start - 1]);
        }
        let layout = &self.layout;
        let inputs = shard.inputs(layout, images.len()).chunks_exact_mut(layout.input.len());
        for (image, input) in images.iter().zip(inputs) {
            match batch.distortion {
                Some(Distortion { distorter, seed, epoch, strength }) => {
                    distorter.place(batch.data, *image, seed, epoch, strength, input)
                }
                None => place(&self.input, layout.input, layout.input_origin, batch.data, *image, input),
            }
        }
    }

    /// Mean and variance of a stage's values over the batch.
    fn measure(&mut self, pass: &Pass<'_>, stage: usize, parameters: &StageParameters) {
        let sums = self.total(pass, |shard, _| shard.sums(&self.layout, stage));
        let output = self.layout.stages[stage].output;
        let count = pass.batch.chosen.len() * output.height as usize * output.width as usize;
        let norm = parameters.norm.as_ref().expect("a normalised stage has a gamma");
        self.scales[stage] = BatchScale::new(&sums, count, &norm.gamma, &parameters.bias, self.epsilon);
    }

    fn gradient_sums(&self, pass: &Pass<'_>, stage: usize) -> ChannelSums {
        self.total(pass, |shard, _| shard.gradient_sums(&self.layout, stage))
    }

    /// The last part forward, the loss, and the same part backward.
    fn turn(&self, pass: &Pass<'_>, part: &Range<usize>) -> Tally {
        let tallies = self.each_shard(pass, |shard, images| {
            self.enter(shard, images, pass.batch, part.start);
            shard.forward(self.set, &self.layout, pass.weights, part.clone());
            let labels: Vec<u8> = images.iter().map(|image| pass.batch.data.labels[*image]).collect();
            let values = shard.output(&self.layout, part.end - 1);
            let (tally, gradient) = cross_entropy(values, &labels, 1.0 / pass.batch.chosen.len() as f32);
            shard.output_gradient = gradient;
            shard.backward(self.set, &self.layout, pass.weights, part.clone());
            tally
        });
        let mut total = Tally::default();
        tallies.into_iter().for_each(|tally| total.add(tally));
        total
    }

    /// Sums of all shards, added in the shards' order.
    fn total(
        &self,
        pass: &Pass<'_>,
        sums: impl Fn(&mut Shard, &[usize]) -> ChannelSums + Sync,
    ) -> ChannelSums {
        let mut all = self.each_shard(pass, sums).into_iter();
        let mut total = all.next().unwrap_or_default();
        all.for_each(|sums| total.add(&sums));
        total
    }

    /// Does `work` with every shard and its images; threads take the next shard that is left.
    fn each_shard<R: Default + Clone + Send>(
        &self,
        pass: &Pass<'_>,
        work: impl Fn(&mut Shard, &[usize]) -> R + Sync,
    ) -> Vec<R> {
        let images: Vec<&[usize]> = pass.batch.chosen.chunks(SHARD_IMAGES).collect();
        let next = AtomicUsize::new(0);
        let results = Mutex::new(vec![R::default(); images.len()]);
        let take = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(images) = images.get(index) else { break };
                let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
                let result = work(&mut shard, images);
                results.lock().unwrap_or_else(PoisonError::into_inner)[index] = result;
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..pass.threads.min(images.len()) {
                scope.spawn(take);
            }
            take();
        });
        results.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds the first `shards` shards' gradients, in their order.
    fn add_up(&mut self, shards: usize) {
        for (stage, sum) in self.sums.iter_mut().enumerate() {
            let Some((outputs, taps)) = self.layout.stages[stage].weights() else { continue };
            sum.rows = vec![0.0; outputs * taps];
            let normalised = self.layout.stages[stage].normalised();
            if !normalised {
                sum.bias = vec![0.0; outputs];
            }
            for shard in &mut self.shards[..shards] {
                let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
                let gradient = &shard.gradients[stage];
                add_rows(&mut sum.rows, gradient, taps);
                if !normalised {
                    add_values(&mut sum.bias, &gradient.bias);
                }
            }
        }
    }
}

/// What all shards of a batch share while they pass.
struct Pass<'p> {
    weights: &'p [Weights],
    batch: &'p Batch<'p>,
    threads: usize,
}

/// The stages, cut behind each normalised one.
fn parts(layout: &Layout) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, _) in layout.stages.iter().enumerate().filter(|(_, stage)| stage.normalised()) {
        parts.push(start..index + 1);
        start = index + 1;
    }
    parts.push(start..layout.stages.len());
    parts
}

/// A normalised stage has no bias of its own: its beta comes behind the normalisation.
fn packed(stage: &StageParameters) -> Weights {
    let bias = if stage.norm.is_some() { vec![0.0; stage.bias.len()] } else { stage.bias.clone() };
    Weights::new(&stage.rows, bias)
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

fn add_rows(sum: &mut [f32], gradient: &Gradient, taps: usize) {
    let rows = gradient.weights.chunks_exact(gradient.row_step.max(1));
    for (to, from) in sum.chunks_exact_mut(taps).zip(rows) {
        add_values(to, &from[..taps]);
    }
}

fn add_values(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
