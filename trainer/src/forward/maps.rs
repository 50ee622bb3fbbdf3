//! The maps of a few images on their way through the network, and what the backward pass needs of
//! them.

use std::ops::Range;

use super::Layout;
use super::grid::ToGrid;
use crate::kernels::{Aligned, InstructionSet, Loops, Weights};
use crate::ops::{Buffers, FloatOperator, Inputs, Pass};

/// Maps and buffers of some images.
#[derive(Debug)]
pub struct Maps {
    /// The instructions that are used.
    pub set: InstructionSet,
    /// Images the buffers hold now.
    pub images: usize,
    /// The network's input, then each stage's output: `[image][row][column][channel]`.
    maps: Vec<Aligned>,
    /// Per stage: its values before the normalisation, where there is one.
    values: Vec<Aligned>,
    /// Per stage: what its operator keeps.
    buffers: Vec<Buffers>,
    scratch: Aligned,
}

impl Maps {
    /// Buffers for up to `images` images.
    pub fn new(set: InstructionSet, layout: &Layout, images: usize) -> Self {
        let stages = layout.stages.iter();
        let zeros = |len: usize| Aligned::zeros(images * len);
        let outputs = stages.clone().map(|stage| stage.output().len());
        Self {
            set,
            images: 0,
            maps: std::iter::once(layout.input.len()).chain(outputs).map(zeros).collect(),
            values: stages.clone().map(|stage| zeros(normalised_len(stage))).collect(),
            buffers: stages.map(|stage| stage.buffers(images)).collect(),
            scratch: Aligned::default(),
        }
    }

    /// Frees the memory of a stage's output, which has to be [lent](Self::lend) from now on.
    pub fn free(&mut self, stage: usize) {
        self.maps[stage + 1] = Aligned::default();
    }

    /// Gives it memory for the output of a stage, of the images under way.
    pub fn lend(&mut self, layout: &Layout, stage: usize, memory: &mut Aligned) {
        memory.set_len(self.images * layout.stages[stage].output().len());
        std::mem::swap(&mut self.maps[stage + 1], memory);
    }

    /// Takes that memory back.
    pub fn take_back(&mut self, stage: usize, memory: &mut Aligned) {
        std::mem::swap(&mut self.maps[stage + 1], memory);
    }

    /// The buffer for the network's inputs of `images` images, to be filled before
    /// [`Maps::forward`].
    pub fn inputs(&mut self, layout: &Layout, images: usize) -> &mut [f32] {
        self.images = images;
        &mut self.maps[0][..images * layout.input.len()]
    }

    /// Output of stage `stage`.
    pub fn output(&self, layout: &Layout, stage: usize) -> &[f32] {
        &self.maps[stage + 1][..self.images * layout.stages[stage].output().len()]
    }

    /// Values of a normalised stage before its normalisation.
    pub fn values(&self, layout: &Layout, stage: usize) -> &[f32] {
        &self.values[stage][..self.images * layout.stages[stage].output().len()]
    }

    /// Values of a normalised stage, and the buffer for its output.
    pub fn to_normalise(&mut self, layout: &Layout, stage: usize) -> (&[f32], &mut [f32]) {
        let len = self.images * layout.stages[stage].output().len();
        (&self.values[stage][..len], &mut self.maps[stage + 1][..len])
    }

    /// Takes the inputs through `stages`; a normalised stage ends before its normalisation.
    pub fn forward(&mut self, layout: &Layout, weights: &[Weights], stages: Range<usize>) {
        for index in stages {
            let stage = &layout.stages[index];
            let (before, after) = self.maps.split_at_mut(index + 1);
            let inputs = inputs(before, layout, index, self.images);
            let output = if stage.normalised() { &mut self.values[index] } else { &mut after[0] };
            let output = &mut output[..self.images * stage.output().len()];
            let mut pass = Pass {
                set: self.set,
                images: self.images,
                weights: &weights[index],
                buffers: &mut self.buffers[index],
                scratch: &mut self.scratch,
            };
            stage.forward(&mut pass, inputs, output);
            if !stage.normalised() {
                self.finish(layout, index);
            }
        }
    }

    /// Output of stage `stage`, to be changed.
    pub fn output_mut(&mut self, layout: &Layout, stage: usize) -> &mut [f32] {
        &mut self.maps[stage + 1][..self.images * layout.stages[stage].output().len()]
    }

    /// Cuts the output of a stage off at the largest value that it leaves, and takes it to the grid
    /// of int8 where there is one.
    pub fn finish(&mut self, layout: &Layout, stage: usize) {
        let (most, set) = (layout.most[stage], self.set);
        if most < f32::INFINITY {
            set.run(CutOff { values: self.output_mut(layout, stage), most });
        }
        self.to_grid(layout, stage);
    }

    /// Takes the output of a stage to the grid of int8 where there is one.
    pub fn to_grid(&mut self, layout: &Layout, stage: usize) {
        let set = self.set;
        if let Some(grid) = layout.grids.get(stage) {
            set.run(ToGrid { values: self.output_mut(layout, stage), grid: *grid });
        }
    }

    /// A stage's inputs, and what its backward pass works with.
    pub fn pass<'p>(
        &'p mut self,
        layout: &Layout,
        weights: &'p [Weights],
        stage: usize,
    ) -> (Inputs<'p>, Pass<'p>) {
        let inputs = inputs(&self.maps, layout, stage, self.images);
        let pass = Pass {
            set: self.set,
            images: self.images,
            weights: &weights[stage],
            buffers: &mut self.buffers[stage],
            scratch: &mut self.scratch,
        };
        (inputs, pass)
    }
}

struct CutOff<'v> {
    values: &'v mut [f32],
    most: f32,
}

impl Loops for CutOff<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for value in self.values {
            *value = value.min(self.most);
        }
    }
}

/// What a stage reads of the maps.
fn inputs<'m>(maps: &'m [Aligned], layout: &Layout, stage: usize, images: usize) -> Inputs<'m> {
    let mut inputs = Inputs::default();
    for (input, tensor) in inputs.iter_mut().zip(&layout.reads[stage]) {
        *input = &maps[*tensor][..images * layout.tensor(*tensor).len()];
    }
    inputs
}

/// Values of an image that a stage normalises.
pub fn normalised_len(stage: &impl FloatOperator) -> usize {
    if stage.normalised() { stage.output().len() } else { 0 }
}
