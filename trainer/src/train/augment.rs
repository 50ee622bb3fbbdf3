//! Random distortion of training images: rotation, scale, shear, shift and a smooth elastic displacement, in one bilinear sample
//! per pixel, straight into the part of the network's input that is read.
//!
//! The source of input pixel `p` is `centre + A (p - centre) + shift + d(p)`: `A` is rotation times shear times scale, `d` a
//! field of normal displacements on a coarse grid, interpolated by Catmull-Rom splines. What an image becomes depends on
//! seed, epoch and the image's number only; the arithmetic is the same on every host.

use infer::Shape;

use super::random::{Purpose, Random};
use crate::data::Dataset;
use crate::inputs::PIXEL_MAX;
use crate::recipe::Augment;

/// Distorts the images of one epoch.
#[derive(Clone, Debug)]
pub struct Distorter {
    recipe: Augment,
    seed: u64,
    epoch: usize,
    strength: f32,
    part: Shape,
    /// Row and column of the image that the part's first pixel shows.
    origin: [f32; 2],
    /// Spline weights for each row and each column of the part.
    splines: [Vec<Spline>; 2],
}

/// Four neighbouring grid points and their weights.
#[derive(Clone, Copy, Debug)]
struct Spline {
    points: [usize; 4],
    weights: [f32; 4],
}

/// Where a pixel comes from: `source = offset + matrix * pixel`, rows and columns of the image.
struct Affine {
    matrix: [[f32; 2]; 2],
    offset: [f32; 2],
}

impl Distorter {
    /// For epoch `epoch` of `epochs`, counted from 1; `part` begins at row and column `origin` of the image.
    pub fn new(
        recipe: Augment,
        seed: u64,
        epoch: usize,
        epochs: usize,
        part: Shape,
        origin: [i32; 2],
    ) -> Self {
        let calm = epoch as f64 > (1.0 - recipe.calm_part) * epochs as f64;
        let strength = if calm { recipe.calm_strength as f32 } else { 1.0 };
        let splines = [part.height, part.width].map(|side| splines(side as usize, recipe.elastic_grid));
        let origin = origin.map(|origin| origin as f32);
        Self { recipe, seed, epoch, strength, part, origin, splines }
    }

    /// Writes image `index`, distorted, to `out`: 0 to 1, `[row][column][channel]`.
    pub fn place(&self, images: &Dataset, index: usize, out: &mut [f32]) {
        let mut random = Random::new(self.seed, Purpose::Distortion { epoch: self.epoch, image: index });
        let affine = self.affine(&mut random);
        let field = self.field(&mut random);
        let (width, channels) = (self.part.width as usize, self.part.channels as usize);
        let image = images.image(index);
        for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
            let (row, column) = (pixel / width, pixel % width);
            let [dy, dx] = field[pixel];
            let [y, x] = affine.source(row as f32, column as f32);
            sample(image, images.shape, y + dy, x + dx, out);
        }
    }

    fn affine(&self, random: &mut Random) -> Affine {
        let mut within = |limit: f64| (2.0 * random.unit() - 1.0) * limit as f32 * self.strength;
        let angle = within(self.recipe.rotation_degrees.to_radians());
        let scale = [within(self.recipe.log_scale), within(self.recipe.log_scale)].map(libm::expf);
        let shear = within(self.recipe.shear);
        let shift = [within(self.recipe.shift_pixels), within(self.recipe.shift_pixels)];
        let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
        let matrix = [
            [cosine * scale[0], (cosine * shear - sine) * scale[1]],
            [sine * scale[0], (sine * shear + cosine) * scale[1]],
        ];
        let centre = [self.part.height, self.part.width].map(|side| (side as f32 - 1.0) / 2.0);
        let offset = core::array::from_fn(|axis| {
            let turned = matrix[axis][0] * centre[0] + matrix[axis][1] * centre[1];
            self.origin[axis] + centre[axis] - turned + shift[axis]
        });
        Affine { matrix, offset }
    }

    /// The elastic displacement of each pixel, rows and columns.
    fn field(&self, random: &mut Random) -> Vec<[f32; 2]> {
        let grid = self.recipe.elastic_grid;
        let deviation = self.recipe.elastic_pixels as f32 * self.strength;
        let points: Vec<[f32; 2]> =
            (0..grid * grid).map(|_| random.normal_pair().map(|normal| normal * deviation)).collect();
        let [rows, columns] = &self.splines;
        // First along the columns of the part for each row of the grid, then along the rows.
        let along: Vec<Vec<[f32; 2]>> = points
            .chunks_exact(grid)
            .map(|line| columns.iter().map(|spline| spline.blend(|point| line[point])).collect())
            .collect();
        let blend = |row: &Spline, column: usize| row.blend(|point| along[point][column]);
        rows.iter().flat_map(|row| (0..columns.len()).map(move |column| blend(row, column))).collect()
    }
}

impl Affine {
    fn source(&self, row: f32, column: f32) -> [f32; 2] {
        core::array::from_fn(|axis| {
            self.offset[axis] + self.matrix[axis][0] * row + self.matrix[axis][1] * column
        })
    }
}

impl Spline {
    fn blend(&self, value: impl Fn(usize) -> [f32; 2]) -> [f32; 2] {
        let mut sum = [0.0; 2];
        for (point, weight) in self.points.into_iter().zip(self.weights) {
            let value = value(point);
            sum[0] += weight * value[0];
            sum[1] += weight * value[1];
        }
        sum
    }
}

/// Catmull-Rom weights of `side` pixels spread over a grid of `points`; beyond the grid its border continues.
fn splines(side: usize, points: usize) -> Vec<Spline> {
    let step = (points - 1) as f32 / (side.max(2) - 1) as f32;
    let spline = |pixel: usize| {
        let place = pixel as f32 * step;
        let cell = (place as usize).min(points.saturating_sub(2));
        let t = place - cell as f32;
        let clamped = |offset: usize| (cell + offset).saturating_sub(1).min(points - 1);
        Spline {
            points: [clamped(0), clamped(1), clamped(2), clamped(3)],
            weights: [
                0.5 * t * (-1.0 + t * (2.0 - t)),
                0.5 * (2.0 + t * t * (-5.0 + 3.0 * t)),
                0.5 * t * (1.0 + t * (4.0 - 3.0 * t)),
                0.5 * t * t * (t - 1.0),
            ],
        }
    };
    (0..side).map(spline).collect()
}

/// Bilinear sample at row `y` and column `x`; outside of the image it is black.
fn sample(image: &[u8], shape: Shape, y: f32, x: f32, out: &mut [f32]) {
    let (top, left) = (y.floor(), x.floor());
    let (down, right) = (y - top, x - left);
    let (top, left) = (top as i32, left as i32);
    let weights = [(1.0 - down) * (1.0 - right), (1.0 - down) * right, down * (1.0 - right), down * right];
    let corners = [(top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)];
    out.fill(0.0);
    for ((row, column), weight) in corners.into_iter().zip(weights) {
        let inside = (0..shape.height as i32).contains(&row) && (0..shape.width as i32).contains(&column);
        if inside {
            let at = row as usize * shape.row_len() + column as usize * shape.channels as usize;
            for (out, pixel) in out.iter_mut().zip(&image[at..]) {
                *out += weight * *pixel as f32 / PIXEL_MAX;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Augment = Augment {
        rotation_degrees: 0.0,
        log_scale: 0.0,
        shear: 0.0,
        shift_pixels: 0.0,
        elastic_pixels: 0.0,
        elastic_grid: 6,
        calm_part: 0.1,
        calm_strength: 0.4,
    };

    fn image() -> Dataset {
        let pixels = (0..100).map(|index| (index * 37 % 251) as u8).collect();
        Dataset { shape: Shape::new(10, 10, 1), pixels, labels: vec![0], classes: 1 }
    }

    fn placed(recipe: Augment, epoch: usize) -> Vec<f32> {
        let mut out = vec![9.0; 36];
        Distorter::new(recipe, 1, epoch, 10, Shape::new(6, 6, 1), [2, 3]).place(&image(), 0, &mut out);
        out
    }

    #[test]
    fn no_distortion_is_the_image() {
        let images = image();
        let expected: Vec<f32> = (0..36)
            .map(|pixel| images.pixels[(2 + pixel / 6) * 10 + 3 + pixel % 6] as f32 / PIXEL_MAX)
            .collect();
        for (found, expected) in placed(NONE, 1).iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-4);
        }
    }

    #[test]
    fn distortion_depends_on_the_epoch_and_calms_down() {
        let recipe = Augment { rotation_degrees: 10.0, elastic_pixels: 0.5, ..NONE };
        assert_eq!(placed(recipe, 1), placed(recipe, 1));
        assert_ne!(placed(recipe, 1), placed(recipe, 2));
        let strength = |epoch| Distorter::new(recipe, 1, epoch, 10, Shape::new(6, 6, 1), [0, 0]).strength;
        assert_eq!((strength(9), strength(10)), (1.0, 0.4));
    }

    #[test]
    fn spline_weights_add_up_to_one_and_meet_the_grid() {
        for spline in splines(22, 6) {
            assert!((spline.weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
        }
        let first = splines(22, 6)[0];
        assert_eq!((first.points[1], first.weights), (0, [0.0, 1.0, 0.0, 0.0]));
    }
}
