//! An image read at places between its pixels. Each step is a loop of its own over all pixels,
//! which the compiler turns into whole vectors.

use infer::Shape;

use crate::inputs::PIXEL_MAX;
use crate::kernels::{LANES, gather};

/// Zeros before each row and column of the padded image; there is one more after it.
const BORDER: usize = 1;

/// Where each output pixel lies in the image, row after row.
pub struct Places {
    /// Pixels of a row.
    columns: usize,
    /// The places; rows (axis 0), then columns.
    axes: [Vec<f32>; 2],
    /// Value of the padded image above and left of each place.
    corners: Vec<u32>,
    /// How far each place lies below and right of that pixel, 0 to 1.
    distances: [Vec<f32>; 2],
    /// The values around each place: above, from left to right, then below.
    near: [Vec<f32>; 4],
    /// The values at the places.
    values: Vec<f32>,
}

impl Places {
    /// For `rows` rows of `columns` pixels.
    pub fn new(rows: usize, columns: usize) -> Self {
        // Rows are written in whole vectors: what sticks out is overwritten by the next row, of the
        // last one it lies after all pixels.
        let len = rows * columns + LANES;
        let floats = || vec![0.0; len];
        Self {
            columns,
            axes: [floats(), floats()],
            corners: vec![0; len],
            distances: [floats(), floats()],
            near: [floats(), floats(), floats(), floats()],
            values: floats(),
        }
    }

    /// The places of a row's pixels along an axis, to be written from the first row to the last.
    #[inline(always)]
    pub fn row_mut(&mut self, axis: usize, row: usize) -> &mut [f32] {
        let padded = self.columns.next_multiple_of(LANES);
        &mut self.axes[axis][row * self.columns..][..padded]
    }

    /// The values at the places, from those around them.
    #[inline(always)]
    fn interpolate(&mut self) {
        let [left, right, below_left, below_right] = &self.near;
        let near = left.iter().zip(right).zip(below_left.iter().zip(below_right));
        let distances = self.distances[0].iter().zip(&self.distances[1]);
        for ((value, (above, below)), (down, right)) in
            self.values.iter_mut().zip(near).zip(distances)
        {
            let above = between(*above.0, *above.1, *right);
            let below = between(*below.0, *below.1, *right);
            *value = between(above, below, *down);
        }
    }
}

/// An image with a border of zeros.
pub struct Padded {
    values: Vec<f32>,
    /// Rows and columns with the border: more than the 16 bits of a [`Shape`] hold.
    sides: [usize; 2],
    /// The image without its border.
    inner: Vec<f32>,
    inner_shape: Shape,
}

impl Padded {
    /// A black image.
    pub fn new(inner_shape: Shape) -> Self {
        let sides =
            [inner_shape.height, inner_shape.width].map(|side| BORDER + side as usize + BORDER + 1);
        Self {
            values: vec![0.0; sides[0] * sides[1] * inner_shape.channels as usize],
            sides,
            inner: vec![0.0; inner_shape.len()],
            inner_shape,
        }
    }

    #[inline(always)]
    fn channels(&self) -> usize {
        self.inner_shape.channels as usize
    }

    #[inline(always)]
    fn row_len(&self) -> usize {
        self.sides[1] * self.channels()
    }

    /// Takes in another image, as values of 0 to 1.
    #[inline(always)]
    pub fn fill(&mut self, pixels: &[u8]) {
        // All at once: rows are seldom whole vectors.
        for (value, pixel) in self.inner.iter_mut().zip(pixels) {
            *value = *pixel as f32 / PIXEL_MAX;
        }
        let (channels, row_len) = (self.channels(), self.row_len());
        let rows = self.values.chunks_exact_mut(row_len).skip(BORDER);
        for (from, to) in self.inner.chunks_exact(self.inner_shape.row_len()).zip(rows) {
            to[BORDER * channels..][..from.len()].copy_from_slice(from);
        }
    }

    /// The image at the places, each between its four neighbours: `[pixel][channel]`.
    #[inline(always)]
    pub fn sample(&self, places: &mut Places, out: &mut [f32]) {
        let (channels, row_len) = (self.channels(), self.row_len());
        self.find_corners(places);
        for channel in 0..channels {
            let offsets = [0, channels, row_len, row_len + channels];
            for (near, offset) in places.near.iter_mut().zip(offsets) {
                gather(&self.values, &places.corners, offset + channel, near);
            }
            places.interpolate();
            for (pixel, value) in out.chunks_exact_mut(channels).zip(&places.values) {
                pixel[channel] = *value;
            }
        }
    }

    /// Splits each place into the pixel above and left of it and how far it lies from there.
    #[inline(always)]
    fn find_corners(&self, places: &mut Places) {
        let (channels, row_len) = (self.channels() as u32, self.row_len() as u32);
        // Beyond the border everything is 0; inside of the limits each place has a neighbour after
        // it.
        let [last_row, last_column] = self.sides.map(|side| (side - 2) as f32);
        let [rows, columns] = &places.axes;
        let [downs, rights] = &mut places.distances;
        let found = places.corners.iter_mut().zip(downs.iter_mut().zip(rights));
        for ((corner, (down, right)), (row, column)) in found.zip(rows.iter().zip(columns)) {
            let row = (row + BORDER as f32).max(0.0).min(last_row);
            let column = (column + BORDER as f32).max(0.0).min(last_column);
            *corner = whole_number(row.floor()) * row_len + whole_number(column.floor()) * channels;
            (*down, *right) = (row - row.floor(), column - column.floor());
        }
    }
}

/// A whole number from 0 to below 2^23: added to 2^23, whose unit in the last place is 1, it is the
/// mantissa. A conversion by `as` would be done number by number.
#[inline(always)]
fn whole_number(value: f32) -> u32 {
    (value + (1 << 23) as f32).to_bits() & ((1 << 23) - 1)
}

/// What lies `part`, 0 to 1, of the way from one value to another.
#[inline(always)]
fn between(from: f32, to: f32, part: f32) -> f32 {
    from + part * (to - from)
}
