//! A shard: a few images of a batch that one thread takes through the network, forward and
//! backward, into gradients of its own.

use std::ops::Range;

use infer::schedule::INPUTS_MAX;

use super::batch_norm::{BatchScale, ChannelSums};
use super::random::{Purpose, Random};
use super::shards::Dropout;
use crate::forward::{Layout, Maps, normalised_len};
use crate::kernels::{Aligned, Gradient, InstructionSet, Loops, Weights};
use crate::ops::FloatOperator;

/// Feature maps, choices and gradients of a shard's images.
#[derive(Debug)]
pub struct Shard {
    maps: Maps,
    /// One image's normalised values.
    normal: Vec<f32>,
    /// Gradient of each tensor whose maker the backward pass has still to come to, as far as its
    /// readers have added to it; empty before that and after.
    gradients: Vec<Aligned>,
    /// Memory for gradients, so that no batch asks for new.
    spare: Vec<Aligned>,
    /// Numbers of the images, and what decides which of their values are left out.
    images: Vec<usize>,
    dropout: Dropout,
    /// Per stage with dropout: which of its values the forward pass left out.
    left_out: Vec<Vec<bool>>,
}

impl Shard {
    /// Buffers for up to `images` images.
    pub fn new(set: InstructionSet, layout: &Layout, images: usize) -> Self {
        Self {
            maps: Maps::new(set, layout, images),
            normal: vec![0.0; layout.stages.iter().map(normalised_len).max().unwrap_or(0)],
            gradients: vec![Aligned::default(); layout.stages.len() + 1],
            spare: Vec::new(),
            images: Vec::new(),
            dropout: Dropout::default(),
            left_out: vec![Vec::new(); layout.stages.len()],
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

    /// Sums over the values of a stage that waits for its normalisation.
    pub fn sums(&self, layout: &Layout, stage: usize) -> ChannelSums {
        let channels = layout.stages[stage].output().channels as usize;
        ChannelSums::of_values(self.maps.set, self.maps.values(layout, stage), channels)
    }

    /// Normalises a stage's values and takes them through its ReLU, if it has one.
    pub fn normalise(&mut self, layout: &Layout, stage: usize, scale: &BatchScale) {
        let set = self.maps.set;
        let (values, output) = self.maps.to_normalise(layout, stage);
        scale.normalise(set, layout.stages[stage].relu(), values, output);
        self.maps.finish(layout, stage);
        self.leave_out(layout, stage);
    }

    /// Takes the gradient of a stage back to before some values were left out, and before they were
    /// cut off at the ends of what the stage leaves. That of a value that only went to the nearest
    /// of int8 stays as it is.
    fn uncut(&mut self, layout: &Layout, stage: usize) {
        let (most, rate) = (layout.most[stage], layout.dropout[stage]);
        if rate > 0.0 {
            let (values, left_out) = (&mut self.gradients[stage + 1], &self.left_out[stage]);
            self.maps.set.run(LeaveOut { values, left_out, rate });
        }
        let most = most / (1.0 - rate);
        if most < f32::INFINITY {
            let output = self.maps.output(layout, stage);
            for (gradient, output) in self.gradients[stage + 1].iter_mut().zip(output) {
                *gradient = if *output >= most { 0.0 } else { *gradient };
            }
        }
        if let Some(grid) = layout.grids.get(stage) {
            let [least, greatest] = grid.ends().map(|end| end / (1.0 - rate));
            let output = self.maps.output(layout, stage);
            for (gradient, output) in self.gradients[stage + 1].iter_mut().zip(output) {
                let is_inside = least < *output && *output < greatest;
                *gradient = if is_inside { *gradient } else { 0.0 };
            }
        }
    }

    /// Takes the gradient back through a normalised stage's ReLU; returns the sums that the
    /// normalisation's gradient needs.
    pub fn gradient_sums(
        &mut self,
        layout: &Layout,
        stage: usize,
        scale: &BatchScale,
    ) -> ChannelSums {
        self.uncut(layout, stage);
        let (output, relu) = (layout.stages[stage].output(), layout.stages[stage].relu());
        let set = self.maps.set;
        let mut sums = ChannelSums::zero(output.channels as usize);
        let normal = &mut self.normal[..output.len()];
        let values = self.maps.values(layout, stage).chunks_exact(output.len());
        // Image by image: what was cut and normalised is still in the nearest cache when it is
        // added.
        for (gradient, values) in
            self.gradients[stage + 1].chunks_exact_mut(output.len()).zip(values)
        {
            scale.cut(set, relu, values, gradient, normal);
            sums.add_products(set, gradient, normal);
        }
        sums
    }

    /// Takes the gradient back through the normalisation; `sums` are those of the whole batch.
    pub fn denormalise(
        &mut self,
        layout: &Layout,
        stage: usize,
        scale: &BatchScale,
        sums: &ChannelSums,
    ) {
        let values = self.maps.values(layout, stage);
        scale.back(self.maps.set, sums, values, &mut self.gradients[stage + 1]);
    }

    /// Begins the backward pass with the gradient of the last stage's output.
    pub fn start_back(&mut self, layout: &Layout, gradient: &[f32]) {
        let mut buffer = take_spare(&mut self.spare, gradient.len());
        buffer.set_zeros(gradient.len());
        buffer.copy_from_slice(gradient);
        self.gradients[layout.stages.len()] = buffer;
    }

    /// Takes the gradients back through `stages`, from the last to the first. The gradient of the
    /// last stage is complete; if it is normalised, it is that before the normalisation. Leaves the
    /// gradients of the parameters over the shard's images in `gradients`, one for each stage.
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
            gradients[index].clear();
            let (inputs, mut pass) = self.maps.pass(layout, weights, index);
            let gradient = &mut gradients[index];
            stage.backward(&mut pass, inputs, &output_gradient, gradient, [first, second]);
            self.spare.push(output_gradient);
            for (tensor, gradient) in layout.reads[index].iter().zip(wanted) {
                self.add(*tensor, gradient);
            }
        }
    }

    /// Zeros for the gradients of what a stage reads; nobody asks for that of the image.
    fn wanted(&mut self, layout: &Layout, stage: usize) -> [Aligned; INPUTS_MAX] {
        let reads = &layout.reads[stage];
        std::array::from_fn(|input| match reads.get(input) {
            None | Some(0) => Aligned::default(),
            Some(tensor) => {
                let len = self.maps.images * layout.tensor(*tensor).len();
                let mut buffer = take_spare(&mut self.spare, len);
                buffer.set_zeros(len);
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
        for (sum, value) in sum.iter_mut().zip(&*gradient) {
            *sum += value;
        }
        self.spare.push(gradient);
    }
}

/// The smallest of the spare buffers that can hold `len` floats; an empty one where none can.
fn take_spare(spare: &mut Vec<Aligned>, len: usize) -> Aligned {
    let fits = spare.iter().enumerate().filter(|(_, buffer)| buffer.capacity() >= len);
    let best = fits.min_by_key(|(_, buffer)| buffer.capacity()).map(|(index, _)| index);
    best.map(|index| spare.swap_remove(index)).unwrap_or_default()
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
