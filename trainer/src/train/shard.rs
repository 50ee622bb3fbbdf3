//! A shard: a few images of a batch that one thread takes through the network, forward and
//! backward, into gradients of its own.

use std::ops::Range;

use infer::Shape;

use super::batch_norm::{BatchScale, ChannelSums};
use super::kernels::{
    self, Aligned, Gradient, InputGradient, InstructionSet, Loops, Positions, Reach, Weights,
};
use super::layout::{ConvLayout, Kind, Layout, PoolLayout, StageLayout};

/// Feature maps, choices and gradients of a shard's images.
#[derive(Debug)]
pub struct Shard {
    set: InstructionSet,
    /// Images the buffers hold now.
    images: usize,
    /// The network's input, then each stage's output: `[image][row][column][channel]`.
    maps: Vec<Aligned>,
    /// Per stage: the padded input, where there is padding.
    padded: Vec<Aligned>,
    /// Per stage: place of each output pixel's first position in the maps of all images.
    pixels: Vec<Vec<usize>>,
    /// Per stage: which of its window's positions each output came from.
    choices: Vec<Vec<u16>>,
    /// Per stage: its values in front of the normalisation, where there is one.
    values: Vec<Aligned>,
    /// One image's normalised values.
    normal: Vec<f32>,
    /// Gradient of the output of the stage that the backward pass has come to.
    output_gradient: Aligned,
    /// That of its input, while it is added up; the two take turns, so that no batch asks for new
    /// memory.
    input_gradient: Aligned,
    /// That of a padded input.
    padded_gradient: Aligned,
}

impl Shard {
    /// Buffers for up to `images` images.
    pub fn new(set: InstructionSet, layout: &Layout, images: usize) -> Self {
        let outputs = || layout.stages.iter().map(|stage| stage.output.len());
        Self {
            set,
            images: 0,
            maps: [layout.input.len()]
                .into_iter()
                .chain(outputs())
                .map(|len| Aligned::zeros(images * len))
                .collect(),
            padded: layout
                .stages
                .iter()
                .map(|stage| Aligned::zeros(images * padded_len(stage)))
                .collect(),
            pixels: layout.stages.iter().map(|stage| pixels(stage, images)).collect(),
            choices: layout
                .stages
                .iter()
                .map(|stage| vec![0; images * choice_len(stage)])
                .collect(),
            values: layout
                .stages
                .iter()
                .map(|stage| Aligned::zeros(images * normalised_len(stage)))
                .collect(),
            normal: vec![0.0; layout.stages.iter().map(normalised_len).max().unwrap_or(0)],
            output_gradient: Aligned::default(),
            input_gradient: Aligned::default(),
            padded_gradient: Aligned::default(),
        }
    }

    /// The buffer for the network's inputs of `images` images, to be filled before
    /// [`Shard::forward`].
    pub fn inputs(&mut self, layout: &Layout, images: usize) -> &mut [f32] {
        self.images = images;
        &mut self.maps[0][..images * layout.input.len()]
    }

    /// Output of stage `stage`.
    pub fn output(&self, layout: &Layout, stage: usize) -> &[f32] {
        &self.maps[stage + 1][..self.images * layout.stages[stage].output.len()]
    }

    /// Takes the inputs through `stages`; a normalised stage ends in front of its normalisation.
    pub fn forward(&mut self, layout: &Layout, weights: &[Weights], stages: Range<usize>) {
        for index in stages {
            let stage = &layout.stages[index];
            let (before, after) = self.maps.split_at_mut(index + 1);
            let input = &before[index][..self.images * stage.input.len()];
            let output = if stage.normalised() { &mut self.values[index] } else { &mut after[0] };
            let output = &mut output[..self.images * stage.output.len()];
            let choices = &mut self.choices[index][..self.images * choice_len(stage)];
            match &stage.kind {
                Kind::Pool(pool) => pool_forward(stage, pool, input, output, choices),
                _ => {
                    let map = match padding(stage) {
                        Some(conv) => copy_inset(input, stage.input, &mut self.padded[index], conv),
                        None => input,
                    };
                    let positions = positions(stage, &self.pixels[index], self.images);
                    kernels::forward(self.set, &weights[index], &positions, map, output, choices);
                }
            }
        }
    }

    /// Sums over the values of a stage that waits for its normalisation.
    pub fn sums(&self, layout: &Layout, stage: usize) -> ChannelSums {
        let output = layout.stages[stage].output;
        let values = &self.values[stage][..self.images * output.len()];
        ChannelSums::of_values(self.set, values, output.channels as usize)
    }

    /// Normalises a stage's values and takes them through its ReLU.
    pub fn normalise(&mut self, layout: &Layout, stage: usize, scale: &BatchScale) {
        let len = self.images * layout.stages[stage].output.len();
        scale.normalise(self.set, &self.values[stage][..len], &mut self.maps[stage + 1][..len]);
    }

    /// Takes the gradient back through a normalised stage's ReLU; returns the sums that the
    /// normalisation's gradient needs.
    pub fn gradient_sums(
        &mut self,
        layout: &Layout,
        stage: usize,
        scale: &BatchScale,
    ) -> ChannelSums {
        let output = layout.stages[stage].output;
        let mut sums = ChannelSums::zero(output.channels as usize);
        let normal = &mut self.normal[..output.len()];
        let values = self.values[stage].chunks_exact(output.len());
        // Image by image: what was cut and normalised is still in the nearest cache when it is
        // added.
        for (gradient, values) in self.output_gradient.chunks_exact_mut(output.len()).zip(values) {
            scale.cut(self.set, values, gradient, normal);
            sums.add_products(self.set, gradient, normal);
        }
        sums
    }

    /// Takes the gradient back through the normalisation; `sums` are those of the whole batch.
    pub fn denormalise(&mut self, stage: usize, scale: &BatchScale, sums: &ChannelSums) {
        scale.back(self.set, sums, &self.values[stage], &mut self.output_gradient);
    }

    /// Begins the backward pass with the gradient of the last stage's output.
    pub fn start_back(&mut self, gradient: &[f32]) {
        self.output_gradient.set_zeros(gradient.len());
        self.output_gradient.copy_from_slice(gradient);
    }

    /// Takes the gradient that the backward pass has come to, that of the last of `stages` (of a
    /// normalised stage: in front of the normalisation), back through them; leaves the parameters'
    /// gradients over the shard's images in `gradients`, one for each stage.
    pub fn backward(
        &mut self,
        layout: &Layout,
        weights: &[Weights],
        gradients: &mut [Gradient],
        stages: Range<usize>,
    ) {
        let mut output_gradient = std::mem::take(&mut self.output_gradient);
        let mut input_gradient = std::mem::take(&mut self.input_gradient);
        for index in stages.rev() {
            let stage = &layout.stages[index];
            if stage.relu() && !stage.normalised() {
                let output = self.output(layout, index);
                self.set.run(CutByRelu { gradient: &mut output_gradient, output });
            }
            // Nobody asks for the gradient of the image.
            input_gradient.set_zeros(if index > 0 { self.images * stage.input.len() } else { 0 });
            match &stage.kind {
                Kind::Pool(pool) => {
                    let choices = &self.choices[index];
                    pool_backward(stage, pool, &output_gradient, choices, &mut input_gradient);
                }
                _ => {
                    let gradient = &mut gradients[index];
                    gradient.clear();
                    let parameters = (&weights[index], gradient);
                    self.multiplied_back(
                        stage,
                        index,
                        parameters,
                        &output_gradient,
                        &mut input_gradient,
                    );
                }
            }
            std::mem::swap(&mut output_gradient, &mut input_gradient);
        }
        (self.output_gradient, self.input_gradient) = (output_gradient, input_gradient);
    }

    /// Back through a stage that multiplies weights; an empty `input_gradient` is not asked for.
    fn multiplied_back(
        &mut self,
        stage: &StageLayout,
        index: usize,
        (weights, gradient): (&Weights, &mut Gradient),
        output_gradient: &[f32],
        input_gradient: &mut [f32],
    ) {
        let (set, images) = (self.set, self.images);
        let positions = positions(stage, &self.pixels[index], images);
        let choices = &self.choices[index][..images * choice_len(stage)];
        let mut back = |map: &[f32], wanted: InputGradient<'_>| {
            kernels::backward(
                set,
                weights,
                &positions,
                map,
                choices,
                output_gradient,
                gradient,
                wanted,
            );
        };
        let asked = !input_gradient.is_empty();
        match padding(stage) {
            None => back(
                &self.maps[index][..images * stage.input.len()],
                asked.then_some(input_gradient),
            ),
            Some(conv) => {
                let len = images * conv.padded.len();
                self.padded_gradient.set_zeros(if asked { len } else { 0 });
                back(&self.padded[index][..len], asked.then_some(&mut self.padded_gradient));
                copy_outset(&self.padded_gradient, conv, input_gradient, stage.input);
            }
        }
    }
}

fn padded_len(stage: &StageLayout) -> usize {
    padding(stage).map_or(0, |conv| conv.padded.len())
}

/// Values of an image that a stage normalises.
fn normalised_len(stage: &StageLayout) -> usize {
    if stage.normalised() { stage.output.len() } else { 0 }
}

fn choice_len(stage: &StageLayout) -> usize {
    let chooses = match &stage.kind {
        Kind::Conv(conv) => conv.window.len() > 1,
        Kind::Pool(_) => true,
        Kind::Dense { .. } => false,
    };
    if chooses { stage.output.len() } else { 0 }
}

/// The convolution of a stage that reads a padded map.
fn padding(stage: &StageLayout) -> Option<&ConvLayout> {
    match &stage.kind {
        Kind::Conv(conv) if conv.pads(stage.input) => Some(conv),
        _ => None,
    }
}

/// Place of each output pixel's first position in the maps of `images` images; a dense layer has
/// one position in each.
fn pixels(stage: &StageLayout, images: usize) -> Vec<usize> {
    let of_images = |map: Shape, pixels: &[usize]| {
        let place = |image: usize| pixels.iter().map(move |pixel| image * map.len() + pixel);
        (0..images).flat_map(place).collect()
    };
    match &stage.kind {
        Kind::Conv(conv) => of_images(conv.padded, &conv.pixels),
        Kind::Dense { .. } => of_images(stage.input, &[0]),
        Kind::Pool(_) => Vec::new(),
    }
}

/// The positions of a stage that multiplies weights, in the maps of `images` images.
fn positions<'s>(stage: &'s StageLayout, pixels: &'s [usize], images: usize) -> Positions<'s> {
    match &stage.kind {
        Kind::Conv(conv) => {
            Positions { pixels: &pixels[..images * conv.pixels.len()], ..conv.positions() }
        }
        Kind::Dense { relu } => {
            let (run, channels) = (stage.input.len(), stage.input.len());
            let reach = Reach { rows: 1, row_step: 0, run, channels };
            Positions { reach, pixels: &pixels[..images], window: &[0], relu: *relu }
        }
        Kind::Pool(_) => unreachable!("a pooling multiplies no weights"),
    }
}

/// Copies maps into the middle of padded ones, whose border stays zero; returns those.
fn copy_inset<'p>(
    maps: &[f32],
    shape: Shape,
    padded: &'p mut [f32],
    conv: &ConvLayout,
) -> &'p [f32] {
    let start = conv.inset[1] * shape.channels as usize;
    let images = maps.len() / shape.len();
    let padded = &mut padded[..images * conv.padded.len()];
    for (map, padded) in
        maps.chunks_exact(shape.len()).zip(padded.chunks_exact_mut(conv.padded.len()))
    {
        let rows = padded.chunks_exact_mut(conv.padded.row_len()).skip(conv.inset[0]);
        for (row, to) in map.chunks_exact(shape.row_len()).zip(rows) {
            to[start..start + row.len()].copy_from_slice(row);
        }
    }
    padded
}

/// Copies the middle of padded maps out.
fn copy_outset(padded: &[f32], conv: &ConvLayout, maps: &mut [f32], shape: Shape) {
    let start = conv.inset[1] * shape.channels as usize;
    for (map, padded) in
        maps.chunks_exact_mut(shape.len()).zip(padded.chunks_exact(conv.padded.len()))
    {
        let rows = padded.chunks_exact(conv.padded.row_len()).skip(conv.inset[0]);
        for (row, from) in map.chunks_exact_mut(shape.row_len()).zip(rows) {
            row.copy_from_slice(&from[start..start + shape.row_len()]);
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

fn pool_forward(
    stage: &StageLayout,
    pool: &PoolLayout,
    input: &[f32],
    output: &mut [f32],
    choices: &mut [u16],
) {
    let channels = stage.output.channels as usize;
    let images =
        input.chunks_exact(stage.input.len()).zip(output.chunks_exact_mut(stage.output.len()));
    for ((input, output), choices) in images.zip(choices.chunks_exact_mut(stage.output.len())) {
        let pixels = output.chunks_exact_mut(channels).zip(choices.chunks_exact_mut(channels));
        for (place, (output, choices)) in pool.pixels.iter().zip(pixels) {
            largest_of_window(&input[*place..], &pool.window, output, choices);
        }
    }
}

fn largest_of_window(input: &[f32], window: &[usize], output: &mut [f32], choices: &mut [u16]) {
    output.fill(f32::NEG_INFINITY);
    for (number, offset) in window.iter().enumerate() {
        for ((output, choice), value) in output.iter_mut().zip(&mut *choices).zip(&input[*offset..])
        {
            if *value > *output {
                (*output, *choice) = (*value, number as u16);
            }
        }
    }
}

fn pool_backward(
    stage: &StageLayout,
    pool: &PoolLayout,
    output_gradient: &[f32],
    choices: &[u16],
    input_gradient: &mut [f32],
) {
    let channels = stage.output.channels as usize;
    let outputs = output_gradient
        .chunks_exact(stage.output.len())
        .zip(choices.chunks_exact(stage.output.len()));
    for ((gradient, choices), input) in
        outputs.zip(input_gradient.chunks_exact_mut(stage.input.len()))
    {
        let pixels = gradient.chunks_exact(channels).zip(choices.chunks_exact(channels));
        for (place, (gradient, choices)) in pool.pixels.iter().zip(pixels) {
            for (channel, (gradient, choice)) in gradient.iter().zip(choices).enumerate() {
                input[place + pool.window[*choice as usize] + channel] += gradient;
            }
        }
    }
}
