//! Gradients of one batch: its images cut into shards, the shards spread over threads, their gradients added in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

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
    /// One per output.
    pub bias: Vec<f32>,
}

/// Computes gradients, batch after batch, in buffers that stay.
pub struct BatchGradients {
    set: InstructionSet,
    input: Input,
    stages: Vec<Stage>,
    layout: Layout,
    shards: Vec<Mutex<Shard>>,
    sums: Vec<StageGradient>,
}

impl BatchGradients {
    /// Buffers for batches of up to `batch` images.
    pub fn new(set: InstructionSet, network: &Network, layout: Layout, batch: usize) -> Self {
        let shard = |_| Mutex::new(Shard::new(&layout, SHARD_IMAGES.min(batch)));
        let shards = (0..batch.div_ceil(SHARD_IMAGES)).map(shard).collect();
        let stages = network.stages().expect("a layout is made of a network that can be built");
        let sums = vec![StageGradient::default(); stages.len()];
        Self { set, input: network.input, stages, layout, shards, sums }
    }

    /// The network's stages.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Gradients of the stages that have parameters, in order.
    pub fn sums(&self) -> impl Iterator<Item = &StageGradient> {
        self.sums.iter().filter(|sum| !sum.bias.is_empty())
    }

    /// Computes loss and gradients of the chosen images under the given weights, on up to `threads` threads.
    pub fn compute(
        &mut self,
        weights: &[Weights],
        data: &Dataset,
        chosen: &[usize],
        threads: usize,
    ) -> Tally {
        let parts: Vec<&[usize]> = chosen.chunks(SHARD_IMAGES).collect();
        let tallies = self.run_shards(weights, data, &parts, chosen.len(), threads);
        self.add_up(parts.len());
        let mut total = Tally::default();
        tallies.into_iter().for_each(|tally| total.add(tally));
        total
    }

    /// Takes every shard through the network; threads take the next shard that is left.
    fn run_shards(
        &self,
        weights: &[Weights],
        data: &Dataset,
        parts: &[&[usize]],
        batch: usize,
        threads: usize,
    ) -> Vec<Tally> {
        let next = AtomicUsize::new(0);
        let tallies = Mutex::new(vec![Tally::default(); parts.len()]);
        let work = || {
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(part) = parts.get(index) else { break };
                let tally = self.run_shard(index, weights, data, part, batch);
                tallies.lock().unwrap_or_else(PoisonError::into_inner)[index] = tally;
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(parts.len()) {
                scope.spawn(work);
            }
            work();
        });
        tallies.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn run_shard(
        &self,
        index: usize,
        weights: &[Weights],
        data: &Dataset,
        part: &[usize],
        batch: usize,
    ) -> Tally {
        let mut shard = self.shards[index].lock().unwrap_or_else(PoisonError::into_inner);
        let inputs = shard.inputs(&self.layout, part.len());
        for (image, input) in part.iter().zip(inputs.chunks_exact_mut(self.layout.input.len())) {
            place(&self.input, self.layout.input, self.layout.input_origin, data, *image, input);
        }
        shard.forward(self.set, &self.layout, weights);
        let labels: Vec<u8> = part.iter().map(|image| data.labels[*image]).collect();
        let values = shard.output(&self.layout, self.layout.stages.len() - 1);
        let (tally, gradient) = cross_entropy(values, &labels, 1.0 / batch as f32);
        shard.backward(self.set, &self.layout, weights, gradient);
        tally
    }

    /// Adds the first `shards` shards' gradients, in their order.
    fn add_up(&mut self, shards: usize) {
        for (stage, sum) in self.sums.iter_mut().enumerate() {
            let Some((outputs, taps)) = self.layout.stages[stage].weights() else { continue };
            *sum = StageGradient { rows: vec![0.0; outputs * taps], bias: vec![0.0; outputs] };
            for shard in &mut self.shards[..shards] {
                let shard = shard.get_mut().unwrap_or_else(PoisonError::into_inner);
                add(sum, &shard.gradients[stage], taps);
            }
        }
    }
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
