//! An operator on float maps, by kernels of ours: forward for training, calibration and evaluation,
//! backward for training.

use infer::Shape;
use infer::schedule::INPUTS_MAX;

use super::Source;
use crate::kernels::{Aligned, Gradient, InstructionSet, Weights};

/// An operator laid out for the float kernels. Maps are `[image][row][column][channel]`.
pub trait FloatOperator {
    /// The map it leaves.
    fn output(&self) -> Shape;

    /// Outputs and taps per output of the weights; `None` where there are none.
    fn weights(&self) -> Option<(usize, usize)> {
        None
    }

    /// The weights with what the gradient of the map needs beside.
    fn for_map_gradient(&self, weights: Weights) -> Weights {
        weights
    }

    /// Whether a ReLU ends the operator.
    fn relu(&self) -> bool {
        false
    }

    /// Puts batch normalisation after it, before its ReLU, where the operator has a place for it.
    fn normalise(&mut self) {}

    /// Whether the values are normalised over the batch, which then does the ReLU too.
    fn normalised(&self) -> bool {
        false
    }

    /// Buffers for up to `images` images.
    fn buffers(&self, images: usize) -> Buffers;

    /// Computes `output` from `inputs`, all of `pass.images` images; a normalised operator ends
    /// before its normalisation.
    fn forward(&self, pass: &mut Pass<'_>, inputs: Inputs<'_>, output: &mut [f32]);

    /// Whether the backward pass writes every value of the inputs' gradients, whatever was there
    /// before; others add to zeros.
    fn writes_gradients(&self) -> bool {
        false
    }

    /// Adds the gradient of the parameters to `gradient`, that of the bias where it has a place,
    /// and adds those of the inputs to `input_gradients`, which are zeros, unless the operator
    /// [writes](Self::writes_gradients) them; those that nobody asks for are empty.
    /// `output_gradient` is that before the ReLU.
    fn backward(
        &self,
        pass: &mut Pass<'_>,
        inputs: Inputs<'_>,
        output_gradient: &[f32],
        gradient: &mut Gradient,
        input_gradients: InputGradients<'_>,
    );
}

/// The maps that an operator reads; empty after as many as it reads.
pub type Inputs<'i> = [&'i [f32]; INPUTS_MAX];

/// The gradients of those maps.
pub type InputGradients<'g> = [&'g mut [f32]; INPUTS_MAX];

/// What an operator works with beside its maps.
pub struct Pass<'p> {
    /// Instructions to use.
    pub set: InstructionSet,
    /// Images under way.
    pub images: usize,
    /// Weights, packed; empty where the operator has none.
    pub weights: &'p Weights,
    /// The operator's buffers.
    pub buffers: &'p mut Buffers,
    /// Memory for the gradients of padded maps, whatever lies in it.
    pub scratch: &'p mut Aligned,
}

/// What an operator keeps from the forward pass for the backward pass.
#[derive(Debug, Default)]
pub struct Buffers {
    /// The padded input, where there is padding; its border stays 0.
    pub padded: Aligned,
    /// Place of each output pixel's first position in the maps of all images.
    pub pixels: Vec<usize>,
    /// Which of its window's positions each output came from.
    pub choices: Vec<u16>,
}

/// Where the rows of a map of the shape `output` lie in the map that is read, none of
/// them padding: those of all images, one after the other.
pub fn rows_of(source: &Source, output: Shape, images: usize) -> impl Iterator<Item = usize> {
    let Source { shape, origin } = *source;
    let [first_row, column] = origin.map(|origin| origin.max(0) as usize);
    let (height, row_len, len) = (output.height as usize, shape.row_len(), shape.len());
    let row = move |row| (first_row + row) * row_len + column * shape.channels as usize;
    (0..images).flat_map(move |image| (0..height).map(move |r| image * len + row(r)))
}

/// Places of `count` rows and columns of pixels, `step` apart, from `first` on, in a map whose rows
/// and columns are `steps` values apart.
pub fn places(
    steps: [usize; 2],
    first: [usize; 2],
    count: [usize; 2],
    step: [usize; 2],
) -> Vec<usize> {
    let along = |axis: usize, index: usize| (first[axis] + index * step[axis]) * steps[axis];
    let row = |row: usize| (0..count[1]).map(move |column| along(0, row) + along(1, column));
    (0..count[0]).flat_map(row).collect()
}

/// The places in the maps of `images` images, of `len` values each.
pub fn of_images(len: usize, places: &[usize], images: usize) -> Vec<usize> {
    let place = |image: usize| places.iter().map(move |place| image * len + place);
    (0..images).flat_map(place).collect()
}
