//! The gradient of a convolution's map as convolutions of the output's gradient: the transposed
//! convolution, a part for each place that the map's rows and columns have within a stride.
//!
//! ```text
//! map row i is read by output row o through tap t where  i = origin + stride * o + dilation * t
//! for each part, the rows and columns that leave the same rest when divided by the strides:
//!     map_gradient[i] = sum over its taps, last to first, and outputs, first to last, of
//!         gradient[(i - origin - dilation * t) / stride] * weights[output][t]
//! ```
//!
//! Taps from last to first are outputs' pixels from first to last: the order in which
//! [`crate::kernels::backward`] adds the same terms. A product by 0, as the border has, changes no
//! sum, so both have the same bits.

use infer::Shape;

use crate::kernels::{Aligned, InstructionSet, Positions, Reach, Weights, forward};
use crate::ops::float::places;

/// Where the parts lie, worked out once per network.
#[derive(Clone, Debug)]
pub struct Transposed {
    input: Shape,
    output: Shape,
    /// Rows and columns of the output's gradient with its border of zeros.
    padded: [usize; 2],
    /// Row and column of the output's gradient in that.
    inset: [usize; 2],
    parts: Vec<Part>,
    /// Whether somebody reads every row and column of the map.
    pub is_all_read: bool,
}

/// The convolution of a window's side, as [`Transposed`] needs it.
#[derive(Clone, Copy, Debug)]
pub struct Side {
    /// Taps.
    pub kernel: usize,
    /// Rows of the map from one output row to the next.
    pub stride: usize,
    /// Rows of the map from one tap to the next.
    pub dilation: usize,
    /// Row of the map that the first output's first tap reads; below 0 in padding.
    pub origin: i64,
    /// Rows of the map.
    pub input: usize,
    /// Rows of the output.
    pub output: usize,
}

/// Rows, or columns, of the map that are read through the same taps.
#[derive(Clone, Debug)]
struct Line {
    /// The first; the next ones follow a stride apart.
    first: usize,
    count: usize,
    /// From the last to the first; at least one.
    taps: Vec<usize>,
    /// Output row that the first map row meets through the last tap, of those without an end.
    start: i64,
    /// Output rows from one tap to the next.
    step: usize,
}

/// The convolution that leaves the gradient of some rows and columns.
#[derive(Clone, Debug)]
struct Part {
    /// Taps of the kernel in its order.
    taps: Vec<usize>,
    reach: Reach,
    /// Places of its pixels in an image's padded gradient.
    pixels: Vec<usize>,
    /// First row and column in the map.
    first: [usize; 2],
    /// Rows and columns.
    count: [usize; 2],
    /// Rows and columns of the map from one to the next.
    stride: [usize; 2],
}

impl Side {
    /// The rows of the map, by their place within a stride; without those that nobody reads.
    fn lines(&self) -> Vec<Line> {
        (0..self.stride.min(self.input)).filter_map(|first| self.line(first)).collect()
    }

    fn line(&self, first: usize) -> Option<Line> {
        let (stride, dilation) = (self.stride as i64, self.dilation as i64);
        let distance = |tap: usize| first as i64 - self.origin - tap as i64 * dilation;
        let meets = |tap: &usize| distance(*tap).rem_euclid(stride) == 0;
        let taps: Vec<usize> = (0..self.kernel).rev().filter(meets).collect();
        let row = |tap: &usize| distance(*tap) / stride;
        let start = row(taps.first()?);
        let step = taps.get(1).map_or(1, |next| (row(next) - start) as usize);
        let count = (self.input - first).div_ceil(self.stride);
        Some(Line { first, count, taps, start, step })
    }
}

impl Line {
    /// The last output row that a row of the map meets.
    fn end(&self) -> i64 {
        self.start + ((self.count - 1) + (self.taps.len() - 1) * self.step) as i64
    }
}

impl Transposed {
    /// The parts of a convolution over a map of the shape `input`.
    pub fn new(input: Shape, output: Shape, sides: [Side; 2]) -> Self {
        let lines = sides.map(|side| side.lines());
        let before = |lines: &[Line]| lines.iter().map(|line| -line.start).fold(0, i64::max);
        let inset = [before(&lines[0]), before(&lines[1])].map(|rows| rows as usize);
        let padded = [0, 1].map(|axis| {
            let reached = lines[axis].iter().map(|line| line.end() + 1).fold(0, i64::max);
            inset[axis] + sides[axis].output.max(reached as usize)
        });
        let grid = Grid { padded, inset, outputs: output.channels as usize };
        let [rows, columns] = &lines;
        let kernel_row = sides[1].kernel;
        let stride = sides.map(|side| side.stride);
        let parts = rows.iter().flat_map(|row| {
            columns.iter().map(move |column| grid.part(row, column, kernel_row, stride))
        });
        let is_all_read =
            lines.iter().zip(sides).all(|(lines, side)| lines.len() == side.stride.min(side.input));
        Self { input, output, padded, inset, parts: parts.collect(), is_all_read }
    }

    /// The weights of the parts, of `rows`, `[output][tap][channel]`.
    pub fn weights(&self, rows: &[f32]) -> Vec<Weights> {
        let (outputs, channels) = (self.output.channels as usize, self.input.channels as usize);
        let output_step = rows.len() / outputs;
        let of_part = |part: &Part| {
            let taps = (0..channels)
                .flat_map(|channel| part.taps.iter().map(move |tap| tap * channels + channel));
            let turned =
                taps.flat_map(|at| (0..outputs).map(move |output| rows[output * output_step + at]));
            Weights::new(&turned.collect::<Vec<f32>>(), vec![0.0; channels])
        };
        self.parts.iter().map(of_part).collect()
    }

    /// Writes the gradient of the maps of all images, where somebody reads them; `weights` are
    /// those of the parts.
    pub fn run(
        &self,
        set: InstructionSet,
        weights: &[Weights],
        scratch: &mut Aligned,
        output_gradient: &[f32],
        input_gradient: &mut [f32],
    ) {
        let padded_len = self.padded_row() * self.padded[0];
        // A part begins on a cache line too.
        let part_at = padded_len.next_multiple_of(16);
        scratch.set_len(part_at + if self.is_one_part() { 0 } else { self.input.len() });
        let (padded, part_map) = scratch.split_at_mut(part_at);
        padded.fill(0.0);
        let images = output_gradient.chunks_exact(self.output.len());
        for (gradient, to) in images.zip(input_gradient.chunks_exact_mut(self.input.len())) {
            self.copy_inset(gradient, padded);
            for (part, weights) in self.parts.iter().zip(weights) {
                let positions = part.positions();
                if part.is_whole() {
                    forward(set, weights, &positions, padded, to, &mut []);
                } else {
                    let part_map = &mut part_map[..part.pixels.len() * weights.outputs()];
                    forward(set, weights, &positions, padded, part_map, &mut []);
                    part.spread(part_map, self.input, to);
                }
            }
        }
    }

    /// Whether the map's rows and columns are all read through the same taps.
    fn is_one_part(&self) -> bool {
        self.parts.iter().all(Part::is_whole)
    }

    fn padded_row(&self) -> usize {
        self.padded[1] * self.output.channels as usize
    }

    /// Copies an image's gradient into the middle of the padded one.
    fn copy_inset(&self, gradient: &[f32], padded: &mut [f32]) {
        let start = self.inset[1] * self.output.channels as usize;
        let rows = padded.chunks_exact_mut(self.padded_row()).skip(self.inset[0]);
        for (row, to) in gradient.chunks_exact(self.output.row_len()).zip(rows) {
            to[start..start + row.len()].copy_from_slice(row);
        }
    }
}

/// The padded gradient of the output.
#[derive(Clone, Copy)]
struct Grid {
    padded: [usize; 2],
    inset: [usize; 2],
    outputs: usize,
}

impl Grid {
    fn part(self, row: &Line, column: &Line, kernel_row: usize, stride: [usize; 2]) -> Part {
        let Self { padded, inset, outputs } = self;
        let steps = [padded[1] * outputs, outputs];
        let start = [row.start + inset[0] as i64, column.start + inset[1] as i64];
        let count = [row.count, column.count];
        // Columns that lie apart are rows of one column each: then there is one row only.
        let (rows, row_step, columns) = match column.taps.len() {
            taps if taps == 1 || column.step == 1 => (row.taps.len(), row.step * steps[0], taps),
            taps => (taps, column.step * steps[1], 1),
        };
        let mut taps = Vec::new();
        for row in &row.taps {
            taps.extend(column.taps.iter().map(|column| row * kernel_row + column));
        }
        Part {
            taps,
            reach: Reach { rows, row_step, run: columns * outputs, channels: outputs },
            pixels: places(steps, start.map(|place| place as usize), count, [1, 1]),
            first: [row.first, column.first],
            count,
            stride,
        }
    }
}

impl Part {
    fn positions(&self) -> Positions<'_> {
        Positions { reach: self.reach, pixels: &self.pixels, window: &[0], relu: false }
    }

    /// Whether it is the only one, with all of the map.
    fn is_whole(&self) -> bool {
        self.stride == [1, 1]
    }

    /// Writes its values to their pixels of a map.
    fn spread(&self, values: &[f32], shape: Shape, map: &mut [f32]) {
        let channels = shape.channels as usize;
        let rows = map.chunks_exact_mut(shape.row_len()).skip(self.first[0]);
        let rows = rows.step_by(self.stride[0]);
        for (values, row) in values.chunks_exact(self.count[1] * channels).zip(rows) {
            let pixels = row.chunks_exact_mut(channels).skip(self.first[1]);
            for (from, to) in values.chunks_exact(channels).zip(pixels.step_by(self.stride[1])) {
                to.copy_from_slice(from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Conv;
    use super::super::float::Float;
    use super::*;
    use crate::kernels::Gradient;
    use crate::ops::{FloatOperator, Part, Pass, Rectifier, Source};

    /// Kernel, stride, dilation, padding before and rows of the map, for rows and for columns;
    /// channels and outputs.
    const CONVOLUTIONS: [([[i64; 5]; 2], [u16; 2]); 9] = [
        ([[3, 1, 1, 1, 7], [3, 1, 1, 1, 5]], [16, 16]),
        ([[3, 2, 1, 0, 8], [3, 2, 1, 1, 9]], [32, 40]),
        ([[3, 3, 1, 1, 11], [2, 3, 1, 0, 8]], [5, 3]),
        ([[1, 2, 1, 0, 6], [1, 2, 1, 0, 7]], [8, 17]),
        ([[10, 2, 1, 4, 21], [4, 2, 1, 1, 10]], [3, 64]),
        ([[5, 1, 1, 2, 9], [1, 1, 1, 0, 4]], [1, 2]),
        ([[3, 1, 4, 8, 20], [1, 1, 1, 0, 1]], [16, 33]),
        ([[3, 2, 3, 2, 17], [1, 1, 1, 0, 2]], [4, 4]),
        ([[1, 1, 1, 0, 2], [3, 1, 2, 2, 12]], [130, 1]),
    ];

    /// Both ways add the same terms in the same order.
    #[test]
    fn the_gradient_has_the_bits_of_the_sums_position_by_position() {
        for (sides, channels) in CONVOLUTIONS {
            let float = float(sides, channels);
            let transposed = float.transposed.as_ref().expect("no pooling");
            for set in InstructionSet::available() {
                let weights = weights(&float);
                let packed = weights.clone().with_transposed(|rows| transposed.weights(rows));
                let bits = [weights, packed].map(|weights| gradient(&float, set, &weights));
                assert!(bits[0] == bits[1], "{sides:?} {channels:?} {}", set.name());
                assert!(bits[0].iter().any(|value| *value != 0), "{sides:?}");
            }
        }
    }

    fn float(sides: [[i64; 5]; 2], [channels, outputs]: [u16; 2]) -> Float {
        let [rows, columns] = sides.map(|[kernel, stride, dilation, before, length]| {
            // As many zeros after as before.
            (length + 2 * before - (kernel - 1) * dilation - 1) / stride + 1
        });
        let [height, width] = sides.map(|side| side[4] as u16);
        let (input, output) =
            (Shape::new(height, width, channels), Shape::new(rows as u16, columns as u16, outputs));
        let of = |place: usize| sides.map(|side| side[place] as u8);
        let conv = Conv {
            input,
            convolved: output,
            output,
            kernel: of(0),
            stride: of(1),
            dilation: of(2),
            padding: sides.map(|side| side[3] as u16),
            rectifier: Rectifier::None,
            pool: None,
        };
        let source = Source { shape: input, origin: sides.map(|side| -side[3] as i16) };
        Float::new(&conv, &Part { inputs: [source; 2], output })
    }

    fn weights(float: &Float) -> Weights {
        let (outputs, taps) = float.weights().unwrap();
        Weights::new(&numbers(1, outputs * taps), vec![0.0; outputs])
    }

    /// From -0.5 to 0.5, by a linear congruential generator.
    fn numbers(mut state: u32, count: usize) -> Vec<f32> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        };
        (0..count).map(|_| next()).collect()
    }

    /// Bits of the gradient of two maps; a third of the outputs have none.
    fn gradient(float: &Float, set: InstructionSet, weights: &Weights) -> Vec<u32> {
        const IMAGES: usize = 2;
        let input = numbers(2, IMAGES * float.input.len());
        let mut output_gradient = numbers(3, IMAGES * float.output.len());
        output_gradient.iter_mut().step_by(3).for_each(|value| *value = 0.0);
        let (outputs, taps) = float.weights().unwrap();
        let (mut of_map, mut of_weights) = (vec![0.0; input.len()], Gradient::zero(outputs, taps));
        let (mut buffers, mut scratch) = (float.buffers(IMAGES), Aligned::default());
        let mut pass =
            Pass { set, images: IMAGES, weights, buffers: &mut buffers, scratch: &mut scratch };
        let wanted = [&mut of_map[..], &mut []];
        float.backward(&mut pass, [&input, &[]], &output_gradient, &mut of_weights, wanted);
        of_map.iter().map(|value| value.to_bits()).collect()
    }
}
