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

use super::kernels::{InstructionSet, Loops};
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
    set: InstructionSet,
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

/// The places of a row of output pixels in the image, step by step, so that each step is done on whole vectors; rows (axis 0), then columns.
struct Line {
    places: [Vec<f32>; 2],
    /// Pixel of the padded image above and left of each place.
    corners: [Vec<i32>; 2],
    /// How far each place lies below and right of that pixel, 0 to 1.
    distances: [Vec<f32>; 2],
}

impl Line {
    fn new(columns: usize) -> Self {
        let floats = || [vec![0.0; columns], vec![0.0; columns]];
        Self { places: floats(), corners: [vec![0; columns], vec![0; columns]], distances: floats() }
    }
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
        let set = InstructionSet::detect();
        Self { recipe, set, part, first, rows: places(part.height, 0), columns: places(part.width, 1) }
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
        self.set.run(Sampling { distorter: self, distortion, image, middle: middle(images.shape), out });
    }

    /// Where the pixels of a row come from.
    #[inline(always)]
    fn find_places(&self, distortion: &Distortion, row: usize, middle: [f32; 2], line: &mut Line) {
        let columns = self.part.width as usize;
        let y = (self.first[0] + row as i64) as f32 - middle[0];
        for (axis, places) in line.places.iter_mut().enumerate() {
            let elastic = &distortion.elastic[axis][row * columns..][..columns];
            for (column, (place, elastic)) in places.iter_mut().zip(elastic).enumerate() {
                let x = (self.first[1] + column as i64) as f32 - middle[1];
                *place = middle[axis] + distortion.moved(axis, y, x) + elastic;
            }
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

/// All pixels of the part, row by row.
struct Sampling<'s> {
    distorter: &'s Distorter,
    distortion: Distortion,
    image: Padded,
    /// Row and column of the image's centre.
    middle: [f32; 2],
    out: &'s mut [f32],
}

impl Loops for Sampling<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { distorter, distortion, image, middle, out } = self;
        let mut line = Line::new(distorter.part.width as usize);
        for (row, out_row) in out.chunks_exact_mut(distorter.part.row_len()).enumerate() {
            distorter.find_places(&distortion, row, middle, &mut line);
            image.find_corners(&mut line);
            image.sample(&line, out_row);
        }
    }
}

impl Distortion {
    /// Where the pixel `y` rows and `x` columns from the centre comes from: rows (axis 0) or columns from the centre.
    #[inline(always)]
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

    /// Splits each place of a line into the pixel above and left of it and how far it lies from there.
    #[inline(always)]
    fn find_corners(&self, line: &mut Line) {
        for (axis, side) in [self.shape.height, self.shape.width].into_iter().enumerate() {
            // Beyond the border everything is 0; inside of the limit each place has a neighbour behind it.
            let limit = (side - 2) as f32;
            let corners = line.corners[axis].iter_mut().zip(&mut line.distances[axis]);
            for ((corner, distance), place) in corners.zip(&line.places[axis]) {
                let place = (place + BORDER as f32).clamp(0.0, limit);
                // Sides are below 2^16.
                *corner = place as i32;
                *distance = place - *corner as f32;
            }
        }
    }

    /// The image at the places of a line, each between its four neighbours: a row of pixels.
    #[inline(always)]
    fn sample(&self, line: &Line, out: &mut [f32]) {
        let (channels, row_len) = (self.shape.channels as usize, self.shape.row_len());
        let ([rows, columns], [downs, rights]) = (&line.corners, &line.distances);
        let corners = rows.iter().zip(columns).zip(downs.iter().zip(rights));
        for (out, ((row, column), (down, right))) in out.chunks_exact_mut(channels).zip(corners) {
            let corner = *row as usize * row_len + *column as usize * channels;
            let near = &self.values[corner..][..row_len + 2 * channels];
            for (channel, out) in out.iter_mut().enumerate() {
                let (upper, lower) = (&near[channel..], &near[row_len + channel..]);
                let above = between(upper[0], upper[channels], *right);
                let below = between(lower[0], lower[channels], *right);
                *out = between(above, below, *down);
            }
        }
    }
}

/// What lies `part`, 0 to 1, of the way from one value to another.
#[inline(always)]
fn between(from: f32, to: f32, part: f32) -> f32 {
    from + part * (to - from)
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
