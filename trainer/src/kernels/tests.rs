//! The bits that every instruction set must give: on a machine of another architecture these tests
//! show that it trains the same models.

use super::*;

/// Square maps under square kernels; `images` of them.
struct Layer {
    images: usize,
    side: usize,
    channels: usize,
    outputs: usize,
    kernel: usize,
    pool: usize,
}

/// A layer of each way through the kernels, and what it must hash to: few taps in a run, many, no
/// pooling with outputs beyond a whole vector, blocks of channels, one pixel.
const LAYERS: [(Layer, u64); 5] = [
    (
        Layer { images: 3, side: 12, channels: 1, outputs: 32, kernel: 3, pool: 2 },
        0xfca5_916d_d8f4_8cce,
    ),
    (
        Layer { images: 2, side: 8, channels: 24, outputs: 20, kernel: 3, pool: 2 },
        0xca33_94d0_77b0_58b7,
    ),
    (
        Layer { images: 2, side: 9, channels: 3, outputs: 17, kernel: 5, pool: 1 },
        0xfacc_52dd_4d65_17cf,
    ),
    (
        Layer { images: 3, side: 8, channels: 32, outputs: 20, kernel: 3, pool: 2 },
        0xc18b_1471_c2f3_fb14,
    ),
    (
        Layer { images: 5, side: 1, channels: 40, outputs: 50, kernel: 1, pool: 1 },
        0xd722_de57_ee21_c83f,
    ),
];

/// Numbers from -0.5 to 0.5 (Knuth's generator: any would do).
struct Numbers(u64);

impl Numbers {
    fn take(&mut self, count: usize) -> Vec<f32> {
        let mut next = || {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }
}

/// Fowler, Noll and Vo's hash of the bits of all results.
struct Hash(u64);

impl Hash {
    fn add(&mut self, bits: impl IntoIterator<Item = u32>) {
        for bits in bits {
            self.0 = (self.0 ^ bits as u64).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    fn add_floats(&mut self, values: &[f32]) {
        self.add(values.iter().map(|value| value.to_bits()));
    }
}

fn places(count: usize, row: usize, step: usize) -> Vec<usize> {
    (0..count).flat_map(|y| (0..count).map(move |x| y * row + x * step)).collect()
}

/// Forward, then backward from random gradients, half of which are 0.
fn hash(set: InstructionSet, layer: &Layer) -> u64 {
    let Layer { images, side, channels, outputs, kernel, pool } = *layer;
    let mut numbers = Numbers(7);
    let row = side * channels;
    let image: Vec<usize> = places((side + 1 - kernel) / pool, row * pool, channels * pool);
    let pixels: Vec<usize> = (0..images)
        .flat_map(|index| image.iter().map(move |place| index * side * row + place))
        .collect();
    let window = places(pool, row, channels);
    let reach = Reach { rows: kernel, row_step: row, run: kernel * channels, channels };
    let positions = Positions { reach, pixels: &pixels, window: &window, relu: true };
    let map = numbers.take(images * side * row);
    let weights = Weights::new(&numbers.take(outputs * reach.taps()), numbers.take(outputs));
    let count = pixels.len() * outputs;
    let (mut output, mut choices) = (vec![0.0; count], vec![0; if pool > 1 { count } else { 0 }]);
    forward(set, &weights, &positions, &map, &mut output, &mut choices);
    let output_gradient: Vec<f32> =
        numbers.take(count).into_iter().map(|value| value.max(0.0)).collect();
    let (mut gradient, mut map_gradient) =
        (Gradient::zero(outputs, reach.taps()), vec![0.0; map.len()]);
    let wanted = Some(&mut map_gradient[..]);
    backward(set, &weights, &positions, &map, &choices, &output_gradient, &mut gradient, wanted);
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    hash.add_floats(&output);
    hash.add(choices.into_iter().map(u32::from));
    [&gradient.weights[..], &gradient.bias, &map_gradient]
        .iter()
        .for_each(|values| hash.add_floats(values));
    hash.0
}

#[test]
fn the_bits_are_pinned_on_every_instruction_set() {
    let fused = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::PLAIN);
    for set in fused {
        let found = LAYERS.each_ref().map(|(layer, _)| hash(set, layer));
        let pinned = LAYERS.each_ref().map(|(_, pinned)| *pinned);
        assert!(found == pinned, "{set:?}: {found:#018x?}");
    }
}

/// The largest window that a layer can have: its last position has the largest sum, and gets the
/// gradient.
#[test]
fn every_position_of_the_largest_window_can_be_chosen() {
    const SIDE: usize = 255;
    let window = places(SIDE, SIDE, 1);
    let reach = Reach { rows: 1, row_step: SIDE, run: 1, channels: 1 };
    let positions = Positions { reach, pixels: &[0], window: &window, relu: false };
    let weights = Weights::new(&[2.0], vec![0.5]);
    for set in InstructionSet::available() {
        for chosen in [0, 1 << 15, window.len() - 1] {
            let mut map = vec![0.25; window.len()];
            map[chosen] = 3.0;
            let (mut output, mut choices) = ([0.0], [0]);
            forward(set, &weights, &positions, &map, &mut output, &mut choices);
            assert_eq!((output[0], choices[0] as usize), (6.5, chosen), "{set:?}");
            let (mut gradient, mut back) = (Gradient::zero(1, 1), vec![0.0; map.len()]);
            let wanted = Some(&mut back[..]);
            backward(set, &weights, &positions, &map, &choices, &[1.0], &mut gradient, wanted);
            assert_eq!((gradient.weights[0], gradient.bias[0]), (3.0, 1.0), "{set:?}");
            assert!(back[chosen] == 2.0 && back.iter().sum::<f32>() == 2.0, "{set:?}");
        }
    }
}
