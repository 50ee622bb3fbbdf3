//! An image read at places between its pixels, row by row of the output. Each step of a row is a loop of its own over whole vectors.

use infer::Shape;

use super::super::kernels::LANES;
use crate::inputs::PIXEL_MAX;

/// Zeros in front of each row and column of the padded image; behind there is one more.
const BORDER: usize = 1;

/// The places of a row of output pixels in the image, filled up to whole vectors, so that no loop has a rest; rows (axis 0), then columns.
pub struct Line {
    /// How many columns each output pixel lies behind the image's centre.
    pub across: Vec<f32>,
    /// The places.
    pub places: [Vec<f32>; 2],
    /// Pixel of the padded image above and left of each place.
    corners: [Vec<u32>; 2],
    /// How far each place lies below and right of that pixel, 0 to 1.
    distances: [Vec<f32>; 2],
}

impl Line {
    /// For `columns` pixels from the image's column `first` on; its centre is at `middle`.
    pub fn new(columns: usize, first: i32, middle: f32) -> Self {
        let len = columns.next_multiple_of(LANES);
        let across = (first..).take(len).map(|column| column as f32 - middle).collect();
        let floats = || [vec![0.0; len], vec![0.0; len]];
        Self { across, places: floats(), corners: [vec![0; len], vec![0; len]], distances: floats() }
    }
}

/// An image with a border of zeros.
pub struct Padded {
    values: Vec<f32>,
    shape: Shape,
    /// Without the border.
    inner: Shape,
}

impl Padded {
    /// A black image.
    pub fn new(inner: Shape) -> Self {
        let padding = 2 * BORDER as u16 + 1;
        let shape = Shape::new(inner.height + padding, inner.width + padding, inner.channels);
        Self { values: vec![0.0; shape.len()], shape, inner }
    }

    /// Takes in another image, as values of 0 to 1.
    #[inline(always)]
    pub fn fill(&mut self, pixels: &[u8]) {
        let rows = self.values.chunks_exact_mut(self.shape.row_len()).skip(BORDER);
        for (from, to) in pixels.chunks_exact(self.inner.row_len()).zip(rows) {
            for (value, pixel) in to[BORDER * self.shape.channels as usize..].iter_mut().zip(from) {
                *value = *pixel as f32 / PIXEL_MAX;
            }
        }
    }

    /// Splits each place of a line into the pixel above and left of it and how far it lies from there.
    #[inline(always)]
    pub fn find_corners(&self, line: &mut Line) {
        for (axis, side) in [self.shape.height, self.shape.width].into_iter().enumerate() {
            // Beyond the border everything is 0; inside of the limit each place has a neighbour behind it.
            let limit = (side - 2) as f32;
            let corners = line.corners[axis].as_chunks_mut().0.iter_mut();
            let distances = line.distances[axis].as_chunks_mut().0;
            for ((corners, distances), places) in corners.zip(distances).zip(line.places[axis].as_chunks().0)
            {
                (*corners, *distances) = split(places, limit);
            }
        }
    }

    /// The image at the places of a line, each between its four neighbours: a row of pixels.
    #[inline(always)]
    pub fn sample(&self, line: &Line, out: &mut [f32]) {
        let (channels, row_len) = (self.shape.channels as usize, self.shape.row_len());
        let ([rows, columns], [downs, rights]) = (&line.corners, &line.distances);
        let corners = rows.iter().zip(columns).zip(downs.iter().zip(rights));
        for (out, ((row, column), (down, right))) in out.chunks_exact_mut(channels).zip(corners) {
            let corner = *row as usize * row_len + *column as usize * channels;
            let near = &self.values[corner..][..row_len + 2 * channels];
            for (channel, out) in out.iter_mut().enumerate() {
                let [upper, lower] = [channel, row_len + channel];
                let above = between(near[upper], near[upper + channels], *right);
                let below = between(near[lower], near[lower + channels], *right);
                *out = between(above, below, *down);
            }
        }
    }
}

/// Whole numbers and fractions of places behind the border, which are cut off at 0 and at `limit`, below 2^16.
#[inline(always)]
fn split(places: &[f32; LANES], limit: f32) -> ([u32; LANES], [f32; LANES]) {
    let places = places.map(|place| (place + BORDER as f32).max(0.0).min(limit));
    let whole = places.map(f32::floor);
    let fractions = core::array::from_fn(|lane| places[lane] - whole[lane]);
    (whole.map(whole_number), fractions)
}

/// A whole number from 0 to below 2^23: added to 2^23, whose unit in the last place is 1, it is the mantissa. A conversion by `as`
/// would be done number by number.
#[inline(always)]
fn whole_number(value: f32) -> u32 {
    (value + (1 << 23) as f32).to_bits() & ((1 << 23) - 1)
}

/// What lies `part`, 0 to 1, of the way from one value to another.
#[inline(always)]
fn between(from: f32, to: f32, part: f32) -> f32 {
    from + part * (to - from)
}
