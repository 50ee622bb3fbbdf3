//! Gradients of one batch: its images cut into shards, the shards spread over threads, their
//! gradients added in order.

use std::borrow::Cow;
use std::ops::Range;

use super::batch_norm::{BatchScale, ChannelSums};
use super::loss::Tally;
use super::parameters::{StageGradient, StageParameters};
use super::portion::Portion;
use super::shards::{Batch, Shard, Shards, is_passing};
use super::workers::Workers;
use crate::forward::{Grid, Layout, weights_on_grid};
use crate::kernels::{Gradient, InstructionSet, Weights};
use crate::network::Network;
use crate::ops::{FloatKind, FloatOperator};

/// Computes gradients, batch after batch, in buffers that stay.
pub struct BatchGradients {
    shards: Shards,
    /// Added to variances; without effect where nothing is normalised.
    epsilon: f64,
    /// Per stage, as the kernels read them.
    weights: Vec<Weights>,
    /// Per stage: gamma and beta of the normalised ones.
    norms: Vec<(Vec<f32>, Vec<f32>)>,
    /// Per stage: how the last batch was normalised.
    pub(super) scales: Vec<BatchScale>,
    sums: Vec<StageGradient>,
}

impl BatchGradients {
    /// Buffers for batches of up to `batch` images; `epsilon` is added to the variances of
    /// normalised stages.
    pub fn new(
        set: InstructionSet,
        workers: Workers,
        network: &Network,
        layout: Layout,
        batch: usize,
        epsilon: f64,
    ) -> Self {
        let stages = layout.stages.len();
        Self {
            shards: Shards::new(set, workers, network.input, layout, batch),
            epsilon,
            weights: Vec::new(),
            norms: Vec::new(),
            scales: vec![BatchScale::default(); stages],
            sums: vec![StageGradient::default(); stages],
        }
    }

    /// The threads that share the work.
    pub fn workers(&self) -> &Workers {
        self.shards.workers()
    }

    /// The int8 values that each stage leaves from now on, or none; to be called between two
    /// epochs, before [`BatchGradients::set_parameters`].
    pub fn set_grids(&mut self, grids: Vec<Grid>) {
        self.shards.layout.grids = grids;
    }

    /// Takes in the parameters under which gradients are computed from now on.
    pub fn set_parameters(&mut self, parameters: &[StageParameters]) {
        self.weights = packed(parameters, &self.shards.layout);
        self.norms = parameters.iter().map(norm).collect();
    }

    /// Fills in a batch's images; to be called before [`BatchGradients::compute`] of the batch,
    /// unless [`BatchGradients::finish`] has.
    pub fn place(&self, batch: &Batch<'_>) {
        self.shards.place_while(batch, || ());
    }

    /// Computes loss and gradients of a batch that was placed, under the parameters that were set.
    ///
    /// A normalised stage needs sums over the whole batch, so all shards come to it before any goes
    /// on: the stages are cut into parts that end with a normalised one, and a part's shards are
    /// run together.
    pub fn compute(&mut self, batch: &Batch<'_>) -> Tally {
        let parts = parts(&self.shards.layout);
        let (last, normalised) = parts.split_last().expect("a network has stages");
        for part in normalised {
            self.forward(batch, part);
        }
        let (tally, mut sums) = self.turn(batch, last);
        let mut above = last.start;
        for part in normalised.iter().rev() {
            self.sums[above - 1].gamma = Some(single(&sums.second));
            self.sums[above - 1].bias = single(&sums.first);
            sums = self.backward(batch, part, &sums);
            above = part.start;
        }
        tally
    }

    /// Ends a batch of `images` images and begins the next: adds the gradients up, lets `step`
    /// change the parameters by them, and takes these in, while other threads place the images of
    /// `next`. `step` is given the gradients of all stages, empty for poolings, and how they were
    /// normalised.
    pub fn finish(
        &mut self,
        images: usize,
        next: &Batch<'_>,
        parameters: &mut [StageParameters],
        step: impl FnOnce(&mut [StageGradient], &[BatchScale], &mut [StageParameters]),
    ) {
        let Self { shards, sums, scales, weights, norms, .. } = self;
        shards.place_while(next, || {
            shards.add_up(images, sums);
            step(sums, scales, parameters);
            *weights = packed(parameters, &shards.layout);
            *norms = parameters.iter().map(norm).collect();
        });
    }

    /// Takes a portion through the stages of a part, the normalisation before it included.
    fn portion_forward(&self, portion: &mut Portion, part: &Range<usize>) {
        let layout = &self.shards.layout;
        if part.start > 0 {
            portion.normalise(layout, part.start - 1, &self.scales[part.start - 1]);
        }
        portion.forward(layout, &self.weights, part.clone());
    }

    /// Takes a portion back through the stages of a part; adds the sums that the normalisation
    /// before it needs.
    fn portion_backward(
        &self,
        portion: &mut Portion,
        gradients: &mut [Gradient],
        part: &Range<usize>,
        sums: &mut ChannelSums,
    ) {
        let layout = &self.shards.layout;
        portion.backward(layout, &self.weights, gradients, part.clone());
        if let Some(before) = part.start.checked_sub(1) {
            portion.add_gradient_sums(layout, before, &self.scales[before], sums);
        }
    }

    /// Takes all shards through a part that ends with a normalised stage; mean and variance of its
    /// values over the batch.
    fn forward(&mut self, batch: &Batch<'_>, part: &Range<usize>) {
        let (layout, stage) = (&self.shards.layout, part.end - 1);
        let output = layout.stages[stage].output();
        let sums = self.shards.each(batch.chosen, |shard, _, images| {
            let mut sums = ChannelSums::zero(output.channels.into());
            shard.each_portion(layout, part.start.checked_sub(1), images, |portion, _| {
                self.portion_forward(portion, part);
                portion.add_sums(layout, stage, &mut sums);
            });
            sums
        });
        let count = batch.chosen.len() * output.height as usize * output.width as usize;
        let (gamma, beta) = &self.norms[stage];
        self.scales[stage] = BatchScale::new(&total(sums), count, gamma, beta, self.epsilon);
    }

    /// Takes all shards back through a part that ends with a normalised stage, whose sums are
    /// `sums`; those of the part before.
    fn backward(&self, batch: &Batch<'_>, part: &Range<usize>, sums: &ChannelSums) -> ChannelSums {
        let (layout, stage) = (&self.shards.layout, part.end - 1);
        let way = self.scales[stage].way_back(sums);
        total(self.shards.each(batch.chosen, |shard, gradients, images| {
            gradients[part.clone()].iter_mut().for_each(Gradient::clear);
            let (before, mut sums) = (part.start.checked_sub(1), self.sums_before(part));
            shard.each_portion(layout, before, images, |portion, _| {
                if let Some(before) = before.filter(|before| is_passing(layout, *before)) {
                    portion.normalise_again(layout, before, &self.scales[before]);
                }
                portion.denormalise(layout, stage, &way);
                self.portion_backward(portion, gradients, part, &mut sums);
            });
            sums
        }))
    }

    /// Zeros for the sums of the normalisation before a part; none where there is none.
    fn sums_before(&self, part: &Range<usize>) -> ChannelSums {
        let channels = |before: usize| self.shards.layout.stages[before].output().channels.into();
        ChannelSums::zero(part.start.checked_sub(1).map_or(0, channels))
    }

    /// The last part forward, the loss, and the same part backward; sums as in
    /// [`BatchGradients::backward`].
    fn turn(&self, batch: &Batch<'_>, part: &Range<usize>) -> (Tally, ChannelSums) {
        let (tallies, sums): (Vec<Tally>, Vec<ChannelSums>) = self
            .shards
            .each(batch.chosen, |shard, gradients, images| {
                self.turn_shard(batch, part, shard, gradients, images)
            })
            .into_iter()
            .unzip();
        let mut tally = Tally::default();
        tallies.into_iter().for_each(|part| tally.add(part));
        (tally, total(sums))
    }

    fn turn_shard(
        &self,
        batch: &Batch<'_>,
        part: &Range<usize>,
        shard: &mut Shard,
        gradients: &mut [Gradient],
        images: &[usize],
    ) -> (Tally, ChannelSums) {
        let layout = &self.shards.layout;
        gradients[part.clone()].iter_mut().for_each(Gradient::clear);
        let (mut tally, mut sums) = (Tally::default(), self.sums_before(part));
        shard.each_portion(layout, part.start.checked_sub(1), images, |portion, images| {
            self.portion_forward(portion, part);
            let values = portion.output(layout, part.end - 1);
            let scale = |label| batch.scale_of(label);
            let (found, gradient) = batch.loss.of_values(values, batch.data, images, scale);
            tally.add(found);
            portion.start_back(layout, &gradient);
            self.portion_backward(portion, gradients, part, &mut sums);
        });
        (tally, sums)
    }
}

/// The stages, cut after each normalised one.
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

/// The weights of all stages as the kernels read them.
fn packed(parameters: &[StageParameters], layout: &Layout) -> Vec<Weights> {
    let stages = parameters.iter().zip(&layout.stages).enumerate();
    let pack = |(index, (stage, operator)): (usize, (&StageParameters, &FloatKind))| {
        let rows: Cow<'_, [f32]> = match layout.grids.is_empty() {
            true => Cow::Borrowed(&stage.rows),
            false => Cow::Owned(weights_on_grid(&stage.rows, stage.bias.len(), layout.bits[index])),
        };
        packed_stage(stage, &rows, operator, layout.asks_for_gradient(index))
    };
    stages.map(pack).collect()
}

/// A normalised stage has no bias of its own: its beta comes after the normalisation.
fn packed_stage(
    stage: &StageParameters,
    rows: &[f32],
    operator: &FloatKind,
    map_gradient: bool,
) -> Weights {
    let bias = if stage.norm.is_some() { vec![0.0; stage.bias.len()] } else { stage.bias.clone() };
    let weights = Weights::new(rows, bias);
    if map_gradient { operator.for_map_gradient(weights) } else { weights }
}

/// Gamma and beta of a stage; empty where it is not normalised.
fn norm(stage: &StageParameters) -> (Vec<f32>, Vec<f32>) {
    stage.norm.as_ref().map(|norm| (norm.gamma.clone(), stage.bias.clone())).unwrap_or_default()
}

/// Sums of all shards, added in the shards' order.
fn total(sums: Vec<ChannelSums>) -> ChannelSums {
    let mut all = sums.into_iter();
    let mut total = all.next().unwrap_or_default();
    all.for_each(|sums| total.add(&sums));
    total
}

fn single(values: &[f64]) -> Vec<f32> {
    values.iter().map(|value| *value as f32).collect()
}
