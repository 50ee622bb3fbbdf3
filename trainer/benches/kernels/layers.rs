//! The layers that are measured, and random data for them.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use trainer::kernels::{Aligned, Gradient, Positions, Reach, Weights};

/// Layers of the tutorial's network as training computes them (unread outputs left out), and some
/// of other shapes.
pub const LAYERS: [Layer; 8] = [
    Layer { wants_map_gradient: false, ..conv("conv 3x3x1x32, pool 2, 22x22", 22, 1, 32, 3, 1, 2) },
    conv("conv 3x3x32x64, pool 2, 10x10", 10, 32, 64, 3, 1, 2),
    conv("conv 3x3x64x64, pool 2, 4x4", 4, 64, 64, 3, 1, 2),
    dense("dense 64x64", 64, 64),
    dense("dense 64x500", 64, 500),
    dense("dense 500x10", 500, 10),
    conv("conv 5x5x16x32, 16x16", 16, 16, 32, 5, 1, 1),
    conv("conv 3x3x32x48, stride 2, 15x15", 15, 32, 48, 3, 2, 1),
];

/// Images of a call: a shard.
const IMAGES: usize = 16;

/// A convolution of square maps, or a dense layer.
#[derive(Clone, Copy)]
pub struct Layer {
    /// What the report calls it.
    pub name: &'static str,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    pool: usize,
    /// Whether the gradient of its input is computed: not in a network's first layer.
    pub wants_map_gradient: bool,
}

const fn conv(
    name: &'static str,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
    pool: usize,
) -> Layer {
    Layer { name, side, channels, outputs, kernel, stride, pool, wants_map_gradient: true }
}

/// A dense layer is a convolution of one pixel.
const fn dense(name: &'static str, inputs: usize, outputs: usize) -> Layer {
    conv(name, 1, inputs, outputs, 1, 1, 1)
}

/// Where a layer's positions lie.
pub struct Places {
    reach: Reach,
    pixels: Vec<usize>,
    window: Vec<usize>,
}

impl Places {
    pub fn positions(&self) -> Positions<'_> {
        Positions { reach: self.reach, pixels: &self.pixels, window: &self.window, relu: true }
    }
}

/// What the kernels read and write.
pub struct Data {
    pub places: Places,
    pub weights: Weights,
    pub map: Aligned,
    pub output: Vec<f32>,
    pub choices: Vec<u16>,
    pub output_gradient: Vec<f32>,
    pub gradient: Gradient,
    pub map_gradient: Aligned,
    /// Floating-point operations of a call, a multiply-add being two.
    pub forward_flops: u64,
    pub backward_flops: u64,
}

impl Layer {
    pub fn data(&self) -> Data {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut values = |count: usize| -> Vec<f32> {
            (0..count).map(|_| random.next_u32() as f32 / u32::MAX as f32 - 0.5).collect()
        };
        let places = self.places();
        let (taps, pixels, window) =
            (places.reach.taps(), places.pixels.len(), places.window.len());
        let map = Aligned::from(values(IMAGES * self.side * self.side * self.channels).as_slice());
        let weights = Weights::new(&values(self.outputs * taps), values(self.outputs));
        let weights = weights.with_map_gradient(places.reach);
        let outputs = pixels * self.outputs;
        let gradients = values(outputs).into_iter().map(|value| value.max(0.0));
        let output_gradient: Vec<f32> = gradients.collect();
        let terms = output_gradient.iter().filter(|gradient| **gradient != 0.0).count();
        let uses = if self.wants_map_gradient { 2 } else { 1 };
        Data {
            weights,
            output: vec![0.0; outputs],
            choices: (0..outputs).map(|output| (output % window) as u16).collect(),
            output_gradient,
            gradient: Gradient::zero(self.outputs, taps),
            map_gradient: Aligned::zeros(map.len()),
            map,
            forward_flops: 2 * (outputs * window * taps) as u64,
            backward_flops: 2 * (uses * terms * taps) as u64,
            places,
        }
    }

    fn places(&self) -> Places {
        let row = self.side * self.channels;
        let side = ((self.side - self.kernel) / self.stride + 1) / self.pool;
        let grid = |count: usize, step: usize| -> Vec<usize> {
            (0..count * count)
                .map(|place| (place / count * row + place % count * self.channels) * step)
                .collect()
        };
        let image = grid(side, self.stride * self.pool);
        let pixels = (0..IMAGES).flat_map(|number| {
            let start = number * self.side * row;
            image.iter().map(move |place| start + place).collect::<Vec<_>>()
        });
        Places {
            reach: Reach {
                rows: self.kernel,
                row_step: row,
                run: self.kernel * self.channels,
                channels: self.channels,
            },
            pixels: pixels.collect(),
            window: grid(self.pool, self.stride),
        }
    }
}
