//! A portion of a shard: a few images, whose maps stay in the nearer caches while a thread takes
//! them from one normalisation to the next, forward or backward.

use std::ops::Range;

use infer::schedule::INPUTS_MAX;

use super::batch_norm::{BatchScale, ChannelSums, Ends, WayBack};
use super::random::{Purpose, Random};
use super::shards::Dropout;
use crate::forward::{Grid, Layout, Maps};
use crate::kernels::{Aligned, Gradient, InstructionSet, Loops, Weights};
use crate::ops::FloatOperator;

/// Feature maps, choices and gradients of a portion's images.
#[derive(Debug)]
pub struct Portion {
    maps: Maps,
    /// Gradient of each tensor whose maker the backward pass has still to come to, as far as its
    /// readers have added to it; empty before that and after.
    gradients: Vec<Aligned>,
    /// Memory for gradients, so that no batch asks for new; the shard's, while it is lent.
    spare: Vec<Aligned>,
    /// Numbers of the images, and what decides which of their values are left out.
    images: Vec<usize>,
    dropout: Dropout,
    /// Per stage with dropout: which of its values the forward pass left out.
    left_out: Vec<Vec<bool>>,
}

/// Memory that portions borrow from their shard, one after the other: what it holds is in the
/// nearer caches.
#[derive(Debug, Default)]
pub struct Memory {
    gradients: Vec<Aligned>,
    output: Aligned,
}

impl Portion {
    /// Buffers for up to `images` images.
    pub fn new(set: InstructionSet, layout: &Layout, images: usize) -> Self {
        Self {
            maps: Maps::new(set, layout, images),
            gradients: vec![Aligned::default(); layout.stages.len() + 1],
            spare: Vec::new(),
            images: Vec::new(),
            dropout: Dropout::default(),
            left_out: vec![Vec::new(); layout.stages.len()],
        }
    }

    /// Frees the memory of a stage's output: see [`Memory`].
    pub fn free(&mut self, stage: usize) {
        self.maps.free(stage);
    }

    /// Takes the shard's memory for gradients, and for the output of a stage that has none.
    pub fn borrow(&mut self, layout: &Layout, memory: &mut Memory, stage: Option<usize>) {
        std::mem::swap(&mut self.spare, &mut memory.gradients);
        if let Some(stage) = stage {
            self.maps.lend(layout, stage, &mut memory.output);
        }
    }

    /// Gives the memory back.
    pub fn give_back(&mut self, memory: &mut Memory, stage: Option<usize>) {
        std::mem::swap(&mut self.spare, &mut memory.gradients);
        if let Some(stage) = stage {
            self.maps.take_back(stage, &mut memory.output);
        }
    }

    /// Begins with other images.
    pub fn begin(&mut self, images: &[usize], dropout: Dropout) {
        self.images.clear();
        self.images.extend(images);
        self.dropout = dropout;
    }

    /// See [`Maps::inputs`].
    pub fn inputs(&mut self, layout: &Layout, images: usize) -> &mut [f32] {
        self.maps.inputs(layout, images)
    }

    /// Output of stage `stage`.
    pub fn output(&self, layout: &Layout, stage: usize) -> &[f32] {
        self.maps.output(layout, stage)
    }

    /// See [`Maps::forward`]; some values are left out where the network has dropout.
    pub fn forward(&mut self, layout: &Layout, weights: &[Weights], stages: Range<usize>) {
        for stage in stages {
            self.maps.forward(layout, weights, stage..stage + 1);
            if !layout.stages[stage].normalised() {
                self.leave_out(layout, stage);
            }
        }
    }

    /// Leaves some of a stage's values out, where the network has dropout.
    fn leave_out(&mut self, layout: &Layout, stage: usize) {
        let rate = layout.dropout[stage];
        if rate > 0.0 {
            self.choose(stage, layout.stages[stage].output().len(), rate);
            self.leave_out_chosen(layout, stage);
        }
    }

    fn leave_out_chosen(&mut self, layout: &Layout, stage: usize) {
        let rate = layout.dropout[stage];
        if rate > 0.0 {
            let (set, left_out) = (self.maps.set, &self.left_out[stage]);
            let values = self.maps.output_mut(layout, stage);
            set.run(LeaveOut { values, left_out, rate });
        }
    }

    /// Chooses the values that a stage leaves out, each at the probability `rate`.
    fn choose(&mut self, stage: usize, len: usize, rate: f32) {
        let Dropout { seed, epoch } = self.dropout;
        let mut units = vec![0.0; len];
        let left_out = &mut self.left_out[stage];
        left_out.clear();
        for image in &self.images {
            Random::new(seed, Purpose::Dropout { epoch, image: *image, stage })
                .fill_units(&mut units);
            left_out.extend(units.iter().map(|unit| *unit < rate));
        }
    }

    /// Adds those of the values of a stage that waits for its normalisation.
    pub fn add_sums(&self, layout: &Layout, stage: usize, sums: &mut ChannelSums) {
        sums.add_squares(self.maps.set, self.maps.values(layout, stage));
    }

    /// Normalises a stage's values and takes them through its ReLU, if it has one; leaves some out
    /// where the network has dropout.
    pub fn normalise(&mut self, layout: &Layout, stage: usize, scale: &BatchScale) {
        self.normalise_values(layout, stage, scale);
        self.leave_out(layout, stage);
    }

    /// The same again, with the same values left out.
    pub fn normalise_again(&mut self, layout: &Layout, stage: usize, scale: &BatchScale) {
        self.normalise_values(layout, stage, scale);
        self.leave_out_chosen(layout, stage);
    }

    fn normalise_values(&mut self, layout: &Layout, stage: usize, scale: &BatchScale) {
        let ends = Ends { relu: layout.stages[stage].relu(), most: layout.most[stage] };
        let set = self.maps.set;
        let (values, output) = self.maps.to_normalise(layout, stage);
        scale.normalise(set, ends, values, output);
        self.maps.to_grid(layout, stage);
    }

    /// Takes the gradient of a stage back to before some values were left out, and before they were
    /// cut off at the ends of what the stage leaves. That of a value that only went to the nearest
    /// of int8 stays as it is.
    fn uncut(&mut self, layout: &Layout, stage: usize) {
        let rate = layout.dropout[stage];
        if rate > 0.0 {
            let (values, left_out) = (&mut self.gradients[stage + 1], &self.left_out[stage]);
            self.maps.set.run(LeaveOut { values, left_out, rate });
        }
        for [least, greatest] in ends_of(layout, stage).into_iter().flatten() {
            let output = self.maps.output(layout, stage);
            let [least, greatest] = [least, greatest].map(|end| end / (1.0 - rate));
            let gradient = &mut self.gradients[stage + 1];
            self.maps.set.run(CutAtEnds { gradient, output, least, greatest });
        }
    }

    /// Takes the gradient back through a normalised stage's ReLU; adds the sums that the
    /// normalisation's gradient needs.
    pub fn add_gradient_sums(
        &mut self,
        layout: &Layout,
        stage: usize,
        scale: &BatchScale,
        sums: &mut ChannelSums,
    ) {
        self.uncut(layout, stage);
        let most = if layout.grids.is_empty() { layout.most[stage] } else { f32::INFINITY };
        let ends = Ends { relu: layout.stages[stage].relu(), most };
        let values = self.maps.values(layout, stage);
        scale.cut(self.maps.set, ends, values, &mut self.gradients[stage + 1], sums);
    }

    /// Takes the gradient back through the normalisation.
    pub fn denormalise(&mut self, layout: &Layout, stage: usize, way: &WayBack) {
        let values = self.maps.values(layout, stage);
        way.take(self.maps.set, values, &mut self.gradients[stage + 1]);
    }

    /// Begins the backward pass with the gradient of the last stage's output.
    pub fn start_back(&mut self, layout: &Layout, gradient: &[f32]) {
        let mut buffer = take_spare(&mut self.spare, gradient.len());
        buffer.set_len(gradient.len());
        buffer.copy_from_slice(gradient);
        self.gradients[layout.stages.len()] = buffer;
    }

    /// Takes the gradients back through `stages`, from the last to the first. The gradient of the
    /// last stage is complete; if it is normalised, it is that before the normalisation. Adds the
    /// gradients of the parameters over the images to `gradients`, one for each stage.
    pub fn backward(
        &mut self,
        layout: &Layout,
        weights: &[Weights],
        gradients: &mut [Gradient],
        stages: Range<usize>,
    ) {
        for index in stages.rev() {
            let stage = &layout.stages[index];
            if !stage.normalised() {
                self.uncut(layout, index);
            }
            let mut output_gradient = std::mem::take(&mut self.gradients[index + 1]);
            if stage.relu() && !stage.normalised() {
                let output = self.maps.output(layout, index);
                self.maps.set.run(CutByRelu { gradient: &mut output_gradient, output });
            }
            let mut wanted = self.wanted(layout, index);
            let [first, second] = &mut wanted;
            let (inputs, mut pass) = self.maps.pass(layout, weights, index);
            let gradient = &mut gradients[index];
            stage.backward(&mut pass, inputs, &output_gradient, gradient, [first, second]);
            self.spare.push(output_gradient);
            for (tensor, gradient) in layout.reads[index].iter().zip(wanted) {
                self.add(*tensor, gradient);
            }
        }
    }

    /// Memory for the gradients of what a stage reads, zeros where it adds to them; nobody asks for
    /// that of the image.
    fn wanted(&mut self, layout: &Layout, stage: usize) -> [Aligned; INPUTS_MAX] {
        let reads = &layout.reads[stage];
        std::array::from_fn(|input| match reads.get(input) {
            None | Some(0) => Aligned::default(),
            Some(tensor) => {
                let len = self.maps.images * layout.tensor(*tensor).len();
                let mut buffer = take_spare(&mut self.spare, len);
                match layout.stages[stage].writes_gradients() {
                    true => buffer.set_len(len),
                    false => buffer.set_zeros(len),
                }
                buffer
            }
        })
    }

    /// Adds what comes from a reader of a tensor to its gradient.
    fn add(&mut self, tensor: usize, gradient: Aligned) {
        let sum = &mut self.gradients[tensor];
        if tensor == 0 {
            return;
        }
        if sum.is_empty() {
            *sum = gradient;
            return;
        }
        self.maps.set.run(AddUp { sums: sum, values: &gradient });
        self.spare.push(gradient);
    }
}

/// The smallest of the spare buffers that can hold `len` floats, of equal ones the last; an empty
/// one where none can.
fn take_spare(spare: &mut Vec<Aligned>, len: usize) -> Aligned {
    let fits = spare.iter().enumerate().rev().filter(|(_, buffer)| buffer.capacity() >= len);
    let best = fits.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
    best.map(|index| spare.swap_remove(index)).unwrap_or_default()
}

/// `sums[i] += values[i]`.
struct AddUp<'s> {
    sums: &'s mut [f32],
    values: &'s [f32],
}

impl Loops for AddUp<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (sum, value) in self.sums.iter_mut().zip(self.values) {
            *sum += value;
        }
    }
}

/// Values of which some become 0; the others are divided by the probability that they stay.
struct LeaveOut<'v> {
    values: &'v mut [f32],
    left_out: &'v [bool],
    rate: f32,
}

impl Loops for LeaveOut<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (value, is_left_out) in self.values.iter_mut().zip(self.left_out) {
            // Both are computed: without a branch it is done on whole vectors.
            let kept = *value / (1.0 - self.rate);
            *value = if *is_left_out { 0.0 } else { kept };
        }
    }
}

/// What cuts the values of a stage off below and above, apart from a ReLU: where something does
/// that its normalisation does not take the gradient back through.
fn ends_of(layout: &Layout, stage: usize) -> [Option<[f32; 2]>; 2] {
    let most = layout.most[stage];
    let is_left = !layout.stages[stage].normalised() || !layout.grids.is_empty();
    let above = (most < f32::INFINITY && is_left).then_some([f32::NEG_INFINITY, most]);
    [above, layout.grids.get(stage).map(Grid::ends)]
}

/// No gradient passes where the output is at an end.
struct CutAtEnds<'c> {
    gradient: &'c mut [f32],
    output: &'c [f32],
    least: f32,
    greatest: f32,
}

impl Loops for CutAtEnds<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, output) in self.gradient.iter_mut().zip(self.output) {
            // Written either way: without a branch it is done on whole vectors.
            let is_inside = (self.least < *output) & (*output < self.greatest);
            *gradient = if is_inside { *gradient } else { 0.0 };
        }
    }
}

/// A ReLU passes no gradient where its output is 0.
struct CutByRelu<'c> {
    gradient: &'c mut [f32],
    output: &'c [f32],
}

impl Loops for CutByRelu<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (gradient, output) in self.gradient.iter_mut().zip(self.output) {
            // Written either way: without a branch it is done on whole vectors.
            *gradient = if *output <= 0.0 { 0.0 } else { *gradient };
        }
    }
}
