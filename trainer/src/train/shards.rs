//! The shards of a batch, and the threads that share them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::augment::Distorter;
use super::loss::Loss;
use super::parameters::StageGradient;
use super::portion::{Memory, Portion};
use super::workers::Workers;
use crate::data::Dataset;
use crate::forward::Layout;
use crate::inputs::place;
use crate::kernels::{Gradient, InstructionSet, Loops, prefetch};
use crate::network::Input;
use crate::ops::{FloatKind, FloatOperator};

/// Images of a shard: fixed, so that the order of summation does not depend on the number of
/// threads.
const SHARD_IMAGES: usize = 16;

/// Bytes that the largest map of a portion's images may have: those that are worked on at once then
/// stay in the second cache.
const PORTION_MAP_BYTES: usize = 256 << 10;

/// Images whose gradients are added up by themselves, in portions that are taken through the stages
/// one after the other.
pub struct Shard {
    portions: Vec<Portion>,
    /// Images of a portion.
    images: usize,
    memory: Memory,
}

impl Shard {
    fn new(set: InstructionSet, layout: &Layout, most: usize) -> Self {
        let images = portion_images(layout).min(most);
        let portion = |_| {
            let mut portion = Portion::new(set, layout, images);
            let stages = 0..layout.stages.len();
            stages.filter(|stage| is_passing(layout, *stage)).for_each(|stage| portion.free(stage));
            portion
        };
        let portions = (0..most.div_ceil(images)).map(portion).collect();
        Self { portions, images, memory: Memory::default() }
    }

    /// Does `work` with each portion, those of the shard's images that it has, and the shard's
    /// memory, that for the output of the stage `before` too if it [is passing](is_passing).
    pub fn each_portion(
        &mut self,
        layout: &Layout,
        before: Option<usize>,
        images: &[usize],
        mut work: impl FnMut(&mut Portion, &[usize]),
    ) {
        let lent = before.filter(|before| is_passing(layout, *before));
        for (portion, images) in self.portions.iter_mut().zip(images.chunks(self.images)) {
            portion.borrow(layout, &mut self.memory, lent);
            work(portion, images);
            portion.give_back(&mut self.memory, lent);
        }
    }
}

/// Whether a stage is normalised, and no stage after the next normalised one reads it. Its output
/// does not stay in memory: the backward pass makes it again of the values before the
/// normalisation, which it needs as well.
pub fn is_passing(layout: &Layout, stage: usize) -> bool {
    let normalised = |index: &usize| layout.stages[*index].normalised();
    let last = (stage + 1..layout.stages.len()).find(normalised).unwrap_or(layout.stages.len());
    let reads = |index: usize| layout.reads[index].contains(&(stage + 1));
    normalised(&stage) && !(last + 1..layout.stages.len()).any(reads)
}

/// Images of a portion: the largest part of a shard whose maps are small enough.
fn portion_images(layout: &Layout) -> usize {
    let largest = layout.stages.iter().map(|stage| stage.output().len()).max().unwrap_or(0);
    let bytes = largest.max(layout.input.len()) * size_of::<f32>();
    let is_small = |images: &usize| images * bytes <= PORTION_MAP_BYTES;
    let halves = (0..=SHARD_IMAGES.ilog2()).map(|halvings| SHARD_IMAGES >> halvings);
    halves.into_iter().find(is_small).unwrap_or(1)
}

/// What gradients are computed of.
pub struct Batch<'b> {
    /// The images they are chosen from.
    pub data: &'b Dataset,
    /// Numbers of the images.
    pub chosen: &'b [usize],
    /// How they are distorted; `None`: not at all.
    pub distortion: Option<Distortion<'b>>,
    /// What is made small.
    pub loss: Loss,
    /// What an image of each label counts; empty where all count 1.
    pub class_weights: &'b [f32],
    /// What values are left out by, where the network has dropout.
    pub dropout: Dropout,
}

impl Batch<'_> {
    /// Part of the batch's loss that the loss of an image with this label is.
    pub fn scale_of(&self, label: u8) -> f32 {
        let equal = 1.0 / self.chosen.len() as f32;
        self.class_weights.get(label as usize).map_or(equal, |weight| weight * equal)
    }
}

/// What decides which values are left out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dropout {
    /// Seed of the run.
    pub seed: u64,
    /// The epoch, from 1.
    pub epoch: usize,
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

/// Buffers of a batch, sixteen images each, which stay from batch to batch.
pub struct Shards {
    set: InstructionSet,
    workers: Workers,
    input: Input,
    /// How the stages lie in memory.
    pub layout: Layout,
    shards: Vec<Mutex<Shard>>,
    /// The gradients of each shard, per stage. Apart from the maps: they are added up while the
    /// next batch's images are placed.
    gradients: Vec<Mutex<Vec<Gradient>>>,
}

impl Shards {
    /// Buffers for batches of up to `batch` images.
    pub fn new(
        set: InstructionSet,
        workers: Workers,
        input: Input,
        layout: Layout,
        batch: usize,
    ) -> Self {
        let count = batch.div_ceil(SHARD_IMAGES);
        let shard = |_| Mutex::new(Shard::new(set, &layout, SHARD_IMAGES.min(batch)));
        let gradients = |_| Mutex::new(layout.stages.iter().map(zero_gradient).collect());
        Self {
            shards: (0..count).map(shard).collect(),
            gradients: (0..count).map(gradients).collect(),
            set,
            workers,
            input,
            layout,
        }
    }

    /// The threads.
    pub fn workers(&self) -> &Workers {
        &self.workers
    }

    /// Does `work` with every shard of a batch, its gradients and its images; results in the
    /// shards' order.
    pub fn each<R: Default + Clone + Send>(
        &self,
        chosen: &[usize],
        work: impl Fn(&mut Shard, &mut [Gradient], &[usize]) -> R + Sync,
    ) -> Vec<R> {
        let images: Vec<&[usize]> = chosen.chunks(SHARD_IMAGES).collect();
        let work = |index| {
            let mut gradients: MutexGuard<Vec<_>> = lock(&self.gradients[index]);
            work(&mut lock(&self.shards[index]), &mut gradients[..], images[index])
        };
        self.workers.each(images.len(), work)
    }

    /// Fills in a batch's images on all threads, while this thread does `meanwhile` first, which
    /// may read the gradients.
    pub fn place_while(&self, batch: &Batch<'_>, meanwhile: impl FnOnce()) {
        let images: Vec<&[usize]> = batch.chosen.chunks(SHARD_IMAGES).collect();
        let work = |index: usize| {
            let mut shard = lock(&self.shards[index]);
            shard.each_portion(&self.layout, None, images[index], |portion, images| {
                self.place(portion, images, batch);
            });
        };
        self.workers.each_while(images.len(), work, meanwhile);
    }

    /// Adds the gradients of a batch's shards, in the shards' order. Of normalised stages the sums'
    /// bias stays as it is: they have none.
    pub fn add_up(&self, images: usize, sums: &mut [StageGradient]) {
        let gradients: Vec<_> =
            self.gradients[..images.div_ceil(SHARD_IMAGES)].iter().map(lock).collect();
        for (index, (stage, sum)) in self.layout.stages.iter().zip(sums).enumerate() {
            let Some((outputs, taps)) = stage.weights() else { continue };
            let stages = gradients.iter().map(|shard| &shard[index]);
            set_zeros(&mut sum.rows, outputs * taps);
            for gradient in stages.clone() {
                self.set.run(AddRows { sum: &mut sum.rows, gradient, taps });
            }
            if !stage.normalised() {
                set_zeros(&mut sum.bias, outputs);
                stages.for_each(|gradient| add_values(&mut sum.bias, &gradient.bias));
            }
        }
    }

    /// Writes the images into a portion.
    fn place(&self, portion: &mut Portion, images: &[usize], batch: &Batch<'_>) {
        let layout = &self.layout;
        portion.begin(images, batch.dropout);
        let inputs = portion.inputs(layout, images.len()).chunks_exact_mut(layout.input.len());
        let mut placer = batch.distortion.map(|Distortion { distorter, seed, epoch, strength }| {
            distorter.placer(batch.data, seed, epoch, strength)
        });
        // Images are read in random order, each once in an epoch: the next one comes from far away.
        let following = images.iter().skip(1).chain(images.last());
        for ((image, next), input) in images.iter().zip(following).zip(inputs) {
            prefetch(batch.data.image(*next));
            match &mut placer {
                Some(placer) => placer.place(*image, input),
                None => {
                    place(&self.input, layout.input, layout.input_origin, batch.data, *image, input)
                }
            }
        }
    }
}

fn zero_gradient(stage: &FloatKind) -> Gradient {
    let (outputs, taps) = stage.weights().unwrap_or((0, 0));
    let gradient = Gradient::zero(outputs, taps);
    if stage.normalised() { Gradient { bias: vec![], ..gradient } } else { gradient }
}

/// A thread that panicked left nothing half done that another reads: its batch is given up.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes it `len` zeros, in the memory it has.
fn set_zeros(values: &mut Vec<f32>, len: usize) {
    values.clear();
    values.resize(len, 0.0);
}

/// Adds a shard's gradient of a stage's weights, whose rows are filled up, to the sum, whose rows
/// are not.
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
