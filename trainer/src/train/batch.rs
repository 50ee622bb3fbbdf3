//! Gradients of one batch: its images cut into shards, the shards spread over threads, their gradients added in order.

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use super::augment::Distorter;
use super::batch_norm::{BatchScale, ChannelSums};
use super::kernels::{Gradient, InstructionSet, Loops, Weights, prefetch};
use super::layout::Layout;
use super::loss::{Tally, cross_entropy};
use super::parameters::StageParameters;
use super::shard::Shard;
use super::workers::Workers;
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
    workers: Workers,
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
    pub fn new(
        set: InstructionSet,
        workers: Workers,
        network: &Network,
        layout: Layout,
        batch: usize,
        epsilon: f64,
    ) -> Self {
        let shard = |_| Mutex::new(Shard::new(set, &layout, SHARD_IMAGES.min(batch)));
        let shards = (0..batch.div_ceil(SHARD_IMAGES)).map(shard).collect();
        let stages = network.stages().expect("a layout is made of a network that can be built");
        let sums = vec![StageGradient::default(); stages.len()];
        let scales = vec![BatchScale::default(); stages.len()];
        Self { set, workers, input: network.input, stages, layout, epsilon, shards, sums, scales }
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

    /// The threads that share the work.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Fills in a batch's images on all threads, while this thread does `meanwhile` first; to be called before
    /// [`BatchGradients::compute`] of the batch, once the last batch's is over.
    pub fn place(&self, batch: &Batch<'_>, meanwhile: impl FnOnce()) {
        let enter = |shard: &mut Shard, images: &[usize]| self.enter(shard, images, batch);
        self.each_while(batch.chosen, enter, meanwhile);
    }

    /// Computes loss and gradients of a batch that was placed, under the given parameters.
    ///
    /// A normalised stage needs sums over the whole batch, so all shards come to it before any goes on: the stages are cut
    /// into parts that end with a normalised one, and a part's shards are run together.
    pub fn compute(&mut self, parameters: &[StageParameters], batch: &Batch<'_>) -> Tally {
        let weights: Vec<Weights> = parameters.iter().map(packed).collect();
        let pass = Pass { weights: &weights, batch };
        let parts = parts(&self.layout);
        let (last, normalised) = parts.split_last().expect("a network has stages");
        for part in normalised {
            self.forward(&pass, part, &parameters[part.end - 1]);
        }
        let (tally, mut sums) = self.turn(&pass, last);
        let mut above = last.start;
        for part in normalised.iter().rev() {
            self.sums[above - 1].gamma = Some(single(&sums.second));
            self.sums[above - 1].bias = single(&sums.first);
            sums = self.backward(&pass, part, &sums);
            above = part.start;
        }
        self.add_up(batch.chosen.len().div_ceil(SHARD_IMAGES));
        tally
    }

    /// Writes the images into a shard.
    fn enter(&self, shard: &mut Shard, images: &[usize], batch: &Batch<'_>) {
        let layout = &self.layout;
        let inputs = shard.inputs(layout, images.len()).chunks_exact_mut(layout.input.len());
        let mut placer = batch.distortion.map(|Distortion { distorter, seed, epoch, strength }| {
            distorter.placer(batch.data, seed, epoch, strength)
        });
        // Images are read in random order, each once in an epoch: the next one comes from far away.
        let following = images.iter().skip(1).chain(images.last());
        for ((image, next), input) in images.iter().zip(following).zip(inputs) {
            prefetch(batch.data.image(*next));
            match &mut placer {
                Some(placer) => placer.place(*image, input),
                None => place(&self.input, layout.input, layout.input_origin, batch.data, *image, input),
            }
        }
    }

    /// Takes a shard through the stages of a part, the normalisation in front of it included.
    fn shard_forward(&self, shard: &mut Shard, pass: &Pass<'_>, part: &Range<usize>) {
        if part.start > 0 {
            shard.normalise(&self.layout, part.start - 1, &self.scales[part.start - 1]);
        }
        shard.forward(&self.layout, pass.weights, part.clone());
    }

    /// Takes a shard back through the stages of a part; returns the sums that the normalisation in front of it needs.
    fn shard_backward(&self, shard: &mut Shard, pass: &Pass<'_>, part: &Range<usize>) -> ChannelSums {
        shard.backward(&self.layout, pass.weights, part.clone());
        match part.start {
            0 => ChannelSums::default(),
            start => shard.gradient_sums(&self.layout, start - 1),
        }
    }

    /// Takes all shards through a part that ends with a normalised stage; mean and variance of its values over the batch.
    fn forward(&mut self, pass: &Pass<'_>, part: &Range<usize>, parameters: &StageParameters) {
        let stage = part.end - 1;
        let sums = self.each(pass, |shard, _| {
            self.shard_forward(shard, pass, part);
            shard.sums(&self.layout, stage)
        });
        let output = self.layout.stages[stage].output;
        let count = pass.batch.chosen.len() * output.height as usize * output.width as usize;
        let norm = parameters.norm.as_ref().expect("a normalised stage has a gamma");
        self.scales[stage] =
            BatchScale::new(&total(sums), count, &norm.gamma, &parameters.bias, self.epsilon);
    }

    /// Takes all shards back through a part that ends with a normalised stage, whose sums are `sums`; those of the part in front.
    fn backward(&self, pass: &Pass<'_>, part: &Range<usize>, sums: &ChannelSums) -> ChannelSums {
        let stage = part.end - 1;
        total(self.each(pass, |shard, _| {
            shard.denormalise(stage, &self.scales[stage], sums);
            self.shard_backward(shard, pass, part)
        }))
    }

    /// The last part forward, the loss, and the same part backward; sums as in [`BatchGradients::backward`].
    fn turn(&self, pass: &Pass<'_>, part: &Range<usize>) -> (Tally, ChannelSums) {
        let (tallies, sums): (Vec<Tally>, Vec<ChannelSums>) = self
            .each(pass, |shard, images| {
                self.shard_forward(shard, pass, part);
                let labels: Vec<u8> = images.iter().map(|image| pass.batch.data.labels[*image]).collect();
                let values = shard.output(&self.layout, part.end - 1);
                let (tally, gradient) = cross_entropy(values, &labels, 1.0 / pass.batch.chosen.len() as f32);
                shard.start_back(&gradient);
                (tally, self.shard_backward(shard, pass, part))
            })
            .into_iter()
            .unzip();
        let mut tally = Tally::default();
        tallies.into_iter().for_each(|part| tally.add(part));
        (tally, total(sums))
    }

    /// Does `work` with every shard of a pass and its images.
    fn each<R: Default + Clone + Send>(
        &self,
        pass: &Pass<'_>,
        work: impl Fn(&mut Shard, &[usize]) -> R + Sync,
    ) -> Vec<R> {
        self.each_while(pass.batch.chosen, work, || ())
    }

    /// Does `work` with every shard and its images, and `meanwhile` on this thread first.
    fn each_while<R: Default + Clone + Send>(
        &self,
        chosen: &[usize],
        work: impl Fn(&mut Shard, &[usize]) -> R + Sync,
        meanwhile: impl FnOnce(),
    ) -> Vec<R> {
        let images: Vec<&[usize]> = chosen.chunks(SHARD_IMAGES).collect();
        let work = |index: usize| {
            let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut shard, images[index])
        };
        self.workers.each_while(images.len(), work, meanwhile)
    }

    /// Adds the first `shards` shards' gradients, in their order.
    fn add_up(&mut self, shards: usize) {
        for (stage, sum) in self.sums.iter_mut().enumerate() {
            let Some((outputs, taps)) = self.layout.stages[stage].weights() else { continue };
            zeros(&mut sum.rows, outputs * taps);
            let normalised = self.layout.stages[stage].normalised();
            if !normalised {
                zeros(&mut sum.bias, outputs);
            }
            for shard in &mut self.shards[..shards] {
                let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
                let gradient = &shard.gradients[stage];
                self.set.run(AddRows { sum: &mut sum.rows, gradient, taps });
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

/// Sums of all shards, added in the shards' order.
fn total(sums: Vec<ChannelSums>) -> ChannelSums {
    let mut all = sums.into_iter();
    let mut total = all.next().unwrap_or_default();
    all.for_each(|sums| total.add(&sums));
    total
}

/// Makes it `len` zeros, in the memory it has.
fn zeros(values: &mut Vec<f32>, len: usize) {
    values.clear();
    values.resize(len, 0.0);
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}

/// Adds a shard's gradient of a stage's weights, whose rows are filled up, to the sum, whose rows are not.
struct AddRows<'a> {
    sum: &'a mut [f32],
    gradient: &'a Gradient,
    taps: usize,
}

impl Loops for AddRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.gradient.weights.chunks_exact(self.gradient.row_step.max(1));
        for (to, from) in self.sum.chunks_exact_mut(self.taps).zip(rows) {
            add_values(to, &from[..self.taps]);
        }
    }
}

#[inline(always)]
fn add_values(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}
