//! The forward pass of a float model: what training, calibration and evaluation share.

mod grid;
mod layout;
mod maps;

pub use grid::{Grid, weights_on_grid};
pub use layout::Layout;
pub use maps::{Maps, normalised_len};

use crate::float_model::FloatModel;
use crate::kernels::{InstructionSet, Weights};

/// Most bytes that the maps of a forward pass take, unless those of a single image take more.
const MAPS_BYTES_MAX: usize = 256 << 20;

/// A model packed for repeated forward passes.
pub struct Forward {
    set: InstructionSet,
    layout: Layout,
    weights: Vec<Weights>,
    /// Values of one whole network input.
    input_len: usize,
    input_row: usize,
}

impl Forward {
    /// Packs a model.
    ///
    /// # Panics
    /// When the network cannot be built: a [`FloatModel`] is made of one that can.
    pub fn new(model: &FloatModel) -> Self {
        let layout = Layout::new(&model.network).expect("a model's network can be built");
        let input = model.network.input.shape();
        Self {
            set: InstructionSet::detect(),
            layout,
            weights: pack(model),
            input_len: input.len(),
            input_row: input.row_len(),
        }
    }

    /// How many of `most` images [`Forward::run`] should take at once, one at least: all of them
    /// where their maps have room in `MAPS_BYTES_MAX`.
    pub fn images_at_once(&self, most: usize) -> usize {
        (MAPS_BYTES_MAX / size_of::<f32>() / self.layout.values()).clamp(1, most)
    }

    /// See [`FloatModel::forward`].
    pub fn run(&self, images: &[f32], observe: &mut dyn FnMut(usize, &[f32])) -> Vec<f32> {
        assert!(images.len().is_multiple_of(self.input_len), "a whole number of images");
        let count = images.len() / self.input_len;
        let mut maps = Maps::new(self.set, &self.layout, count);
        let inputs = maps.inputs(&self.layout, count);
        copy_read_part(&self.layout, images, self.input_len, self.input_row, inputs);
        maps.forward(&self.layout, &self.weights, 0..self.layout.stages.len());
        for stage in 0..self.layout.stages.len() {
            observe(stage, maps.output(&self.layout, stage));
        }
        maps.output(&self.layout, self.layout.stages.len() - 1).to_vec()
    }
}

/// The model's weights in the kernels' order; empty ones for poolings.
fn pack(model: &FloatModel) -> Vec<Weights> {
    model
        .stages
        .iter()
        .map(|stage| Weights::new(&stage.output_rows(), stage.bias.clone()))
        .collect()
}

/// Copies the part of each network input that is read.
fn copy_read_part(
    layout: &Layout,
    images: &[f32],
    input_len: usize,
    input_row: usize,
    to: &mut [f32],
) {
    let [row, column] = layout.input_origin;
    let start = column * layout.input.channels as usize;
    let image_pairs = images.chunks_exact(input_len).zip(to.chunks_exact_mut(layout.input.len()));
    for (image, to) in image_pairs {
        let rows = image.chunks_exact(input_row).skip(row);
        for (from, to) in rows.zip(to.chunks_exact_mut(layout.input.row_len())) {
            to.copy_from_slice(&from[start..start + to.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;
    use crate::train::initial;

    fn forward(description: &str) -> Forward {
        let network: Network = toml::from_str(description).unwrap();
        Forward::new(&initial(&network, 0).unwrap())
    }

    #[test]
    fn large_maps_are_taken_by_fewer_images() {
        let small = forward(
            "input = { height = 28, width = 28, channels = 1 }\n\
             layer = [{ type = 'conv', filters = 32, kernel = 3 }]",
        );
        assert_eq!(small.images_at_once(100), 100);
        // 2^20 + 2^24 values of 4 bytes.
        let large = forward(
            "input = { height = 1024, width = 1024, channels = 1 }\n\
             layer = [{ type = 'conv', filters = 16, kernel = 1 }]",
        );
        assert_eq!(large.images_at_once(100), 3);
    }
}
