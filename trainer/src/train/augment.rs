//! Random distortion of training images: rotation, scale, shear, shift and elastic displacement in one bilinear sample per pixel.
//!
//! ```text
//! for each pixel p that the network reads:
//!     source = centre + rotation * shear * scale * (p - centre) + shift + elastic(p)
//!     value  = bilinear sample of the image at source; outside of the image is 0
//! ```
//!
//! Everything is single-precision arithmetic without fused operations and `libm`'s functions: a seed gives the same
//! bits on every host.

use infer::Shape;

use super::random::{Purpose, Random};
use crate::data::Dataset;
use crate::inputs::PIXEL_MAX;
use crate::network::Input;
use crate::recipe::Augment;

/// Zeros in front of each row and column of the padded image; behind there is one more.
const BORDER: usize = 1;

/// Distorts images of one shape into the part of the network's input that is read.
#[derive(Clone, Debug)]
pub struct Distorter {
    recipe: Augment,
    /// Part of the network's input.
    part: Shape,
    /// Image row and column of the part's first pixel.
    first: [i64; 2],
    /// For each row and column of the part: where it lies on the grid.
    rows: Vec<GridPlace>,
    columns: Vec<GridPlace>,
}

/// Four neighbouring grid points and their factors in the interpolation.
type GridPlace = [(usize, f32); 4];

/// What turns output pixels into places in the image, for one image.
struct Distortion {
    /// `[row, column]` by `[row, column]`.
    matrix: [[f32; 2]; 2],
    /// Rows and columns.
    shift: [f32; 2],
    /// Elastic displacement of each output pixel: rows, then columns.
    elastic: [Vec<f32>; 2],
}

/// An image with a border of zeros.
struct Padded {
    values: Vec<f32>,
    shape: Shape,
}

impl Distorter {
    /// For the part of `input` that begins at `origin` and has the shape `part`.
    pub fn new(recipe: Augment, input: &Input, part: Shape, origin: [usize; 2]) -> Self {
        let first = [0, 1].map(|axis| input.offset[axis] as i64 + origin[axis] as i64);
        let sides = [input.height, input.width].map(usize::from);
        let places = |count: u16, axis: usize| {
            let place = |index| grid_place(origin[axis] + index, sides[axis], recipe.elastic_grid);
            (0..count as usize).map(place).collect()
        };
        Self { recipe, part, first, rows: places(part.height, 0), columns: places(part.width, 1) }
    }

    /// Strength in an epoch, from 1, of `epochs`.
    pub fn strength(&self, epoch: usize, epochs: usize) -> f32 {
        let calm = (self.recipe.calm_part * epochs as f64).round() as usize;
        if epoch + calm > epochs { self.recipe.calm_strength as f32 } else { 1.0 }
    }

    /// Writes image `index`, distorted with random numbers of `(seed, epoch, index)`.
    pub fn place(
        &self,
        images: &Dataset,
        index: usize,
        seed: u64,
        epoch: usize,
        strength: f32,
        out: &mut [f32],
    ) {
        let mut random = Random::new(seed, Purpose::Distortion { epoch, image: index });
        let distortion = self.draw(strength, &mut random);
        let image = Padded::new(images.shape, images.image(index));
        let [middle_row, middle_column] = middle(images.shape);
        let columns = self.part.width as usize;
        // Places of one row at a time, in loops that are done on whole vectors.
        let [mut ys, mut xs] = [vec![0.0; columns], vec![0.0; columns]];
        for (row, out_row) in out.chunks_exact_mut(self.part.row_len()).enumerate() {
            let y = (self.first[0] + row as i64) as f32 - middle_row;
            let x = |column: usize| (self.first[1] + column as i64) as f32 - middle_column;
            let elastic = distortion.elastic.each_ref().map(|axis| &axis[row * columns..][..columns]);
            for (column, place) in ys.iter_mut().enumerate() {
                *place = middle_row + distortion.moved(0, y, x(column)) + elastic[0][column];
            }
            for (column, place) in xs.iter_mut().enumerate() {
                *place = middle_column + distortion.moved(1, y, x(column)) + elastic[1][column];
            }
            image.sample(&ys, &xs, out_row);
        }
    }

    fn draw(&self, strength: f32, random: &mut Random) -> Distortion {
        let recipe = &self.recipe;
        let mut within = |most: f64| (2.0 * random.unit() - 1.0) * most as f32 * strength;
        let angle = within(recipe.rotation_degrees.to_radians());
        let [tall, wide] = [libm::expf(within(recipe.log_scale)), libm::expf(within(recipe.log_scale))];
        let shear = within(recipe.shear);
        let shift = [within(recipe.shift_pixels), within(recipe.shift_pixels)];
        let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
        Distortion {
            matrix: [
                [cosine * tall, (cosine * shear - sine) * wide],
                [sine * tall, (sine * shear + cosine) * wide],
            ],
            shift,
            elastic: self.elastic(recipe.elastic_pixels as f32 * strength, random),
        }
    }

    /// Displacements of standard deviation `deviation` at the grid's points, interpolated bicubically.
    fn elastic(&self, deviation: f32, random: &mut Random) -> [Vec<f32>; 2] {
        let pixels = self.rows.len() * self.columns.len();
        if deviation == 0.0 {
            return [vec![0.0; pixels], vec![0.0; pixels]];
        }
        let side = self.recipe.elastic_grid;
        let grid: Vec<[f32; 2]> = (0..side * side).map(|_| random.normal_pair()).collect();
        [0, 1].map(|axis| {
            let points: Vec<f32> = grid.iter().map(|pair| pair[axis] * deviation).collect();
            self.interpolate(&points, side)
        })
    }

    /// Along the columns of each grid row first, then along the rows.
    fn interpolate(&self, points: &[f32], side: usize) -> Vec<f32> {
        let columns = self.columns.len();
        let mut lines = vec![0.0; side * columns];
        for (line, row) in lines.chunks_exact_mut(columns).zip(points.chunks_exact(side)) {
            for (value, place) in line.iter_mut().zip(&self.columns) {
                *value = place.iter().fold(0.0, |sum, (point, factor)| sum + factor * row[*point]);
            }
        }
        let mut out = vec![0.0; self.rows.len() * columns];
        for (out, place) in out.chunks_exact_mut(columns).zip(&self.rows) {
            for (line, factor) in place {
                let line = &lines[line * columns..][..columns];
                out.iter_mut().zip(line).for_each(|(out, value)| *out += factor * value);
            }
        }
        out
    }
}

impl Distortion {
    /// Where the pixel `y` rows and `x` columns from the centre comes from: rows (axis 0) or columns from the centre.
    fn moved(&self, axis: usize, y: f32, x: f32) -> f32 {
        self.matrix[axis][0] * y + self.matrix[axis][1] * x + self.shift[axis]
    }
}

impl Padded {
    fn new(shape: Shape, pixels: &[u8]) -> Self {
        let padding = 2 * BORDER as u16 + 1;
        let padded = Shape::new(shape.height + padding, shape.width + padding, shape.channels);
        let mut values = vec![0.0; padded.len()];
        let rows = values.chunks_exact_mut(padded.row_len()).skip(BORDER);
        for (from, to) in pixels.chunks_exact(shape.row_len()).zip(rows) {
            for (value, pixel) in to[BORDER * shape.channels as usize..].iter_mut().zip(from) {
                *value = *pixel as f32 / PIXEL_MAX;
            }
        }
        Self { values, shape: padded }
    }

    /// The image at rows `ys` and columns `xs`, each place between its four neighbours: a row of pixels.
    fn sample(&self, ys: &[f32], xs: &[f32], out: &mut [f32]) {
        if self.shape.channels == 1 {
            for (out, (y, x)) in out.iter_mut().zip(ys.iter().zip(xs)) {
                let (upper, down, right) = self.corner(*y, *x);
                let lower = upper + self.shape.width as usize;
                *out = between(&self.values[upper..][..2], &self.values[lower..][..2], 0, down, right);
            }
            return;
        }
        let channels = self.shape.channels as usize;
        for (out, (y, x)) in out.chunks_exact_mut(channels).zip(ys.iter().zip(xs)) {
            let (upper, down, right) = self.corner(*y, *x);
            let lower = upper + self.shape.row_len();
            let rows = [upper, lower].map(|start| &self.values[start..][..2 * channels]);
            for (channel, out) in out.iter_mut().enumerate() {
                *out = between(rows[0], rows[1], channel, down, right);
            }
        }
    }

    /// Index of the neighbour above and left of a place, and how far the place lies below and right of it, 0 to 1.
    fn corner(&self, y: f32, x: f32) -> (usize, f32, f32) {
        // Beyond the border everything is 0; inside of the limits each place has a neighbour behind it.
        let limit = |place: f32, side: u16| (place + BORDER as f32).clamp(0.0, (side - 2) as f32);
        let (y, x) = (limit(y, self.shape.height), limit(x, self.shape.width));
        // Sides are below 2^16.
        let (row, column) = (y as i32, x as i32);
        let index = row as usize * self.shape.row_len() + column as usize * self.shape.channels as usize;
        (index, y - row as f32, x - column as f32)
    }
}

/// One channel between two pixels of an upper and a lower row.
fn between(upper: &[f32], lower: &[f32], channel: usize, down: f32, right: f32) -> f32 {
    let channels = upper.len() / 2;
    let along = |pair: &[f32]| pair[channel] + right * (pair[channel + channels] - pair[channel]);
    let above = along(upper);
    above + down * (along(lower) - above)
}

/// Row and column of an image's centre.
fn middle(shape: Shape) -> [f32; 2] {
    [shape.height, shape.width].map(|side| (side as f32 - 1.0) / 2.0)
}

/// Where pixel `index` of `side` pixels lies on a grid of `points` points whose outer ones lie on the outer pixels:
/// factors of Catmull and Rom's cubic. Points beyond the grid repeat its edge.
fn grid_place(index: usize, side: usize, points: usize) -> GridPlace {
    let place = index as f32 * (points - 1) as f32 / (side.max(2) - 1) as f32;
    let before = (place as usize).min(points - 2);
    let t = place - before as f32;
    let factors = [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ];
    core::array::from_fn(|tap| ((before + tap).saturating_sub(1).min(points - 1), factors[tap]))
}

#[cfg(test)]
mod tests;
