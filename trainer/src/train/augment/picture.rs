//! Random distortion of training images: rotation, scale, shear, flip, crop, shift and elastic
//! displacement in one bilinear sample per pixel; then brightness, noise and cutout.
//!
//! ```text
//! for each pixel p that the network reads:
//!     source = centre + rotation * shear * scale * crop * flip * (p - centre) + shift + elastic(p)
//!     value  = bilinear sample of the image at source; outside of the image is 0
//! ```
//!
//! Everything is single-precision arithmetic without fused operations and `libm`'s functions: a
//! seed gives the same bits on every host.

mod elastic;
mod sampling;
mod values;

use elastic::{Displacements, Grid};
use infer::Shape;
use sampling::{Padded, Places};
use values::Window;
pub use values::add_noise;

use crate::data::Dataset;
use crate::kernels::{InstructionSet, LANES, Loops};
use crate::network::Input;
use crate::recipe::Augment;
use crate::train::random::{Purpose, Random};

/// Distorts images of one shape into the part of the network's input that is read.
#[derive(Clone, Debug)]
pub struct Distorter {
    recipe: Augment,
    set: InstructionSet,
    /// Part of the network's input.
    part: Shape,
    /// Image row and column of the part's first pixel.
    first: [i32; 2],
    /// Rows and columns of the input.
    sides: [usize; 2],
    grid: Grid,
}

impl Distorter {
    /// For the part of `input` that begins at `origin` and has the shape `part`.
    pub fn new(recipe: Augment, input: &Input, part: Shape, origin: [usize; 2]) -> Self {
        // Offsets are 16 bits, and so are sides.
        let first = [0, 1].map(|axis| input.offset[axis] as i32 + origin[axis] as i32);
        let [sides, part_sides] = [[input.height, input.width], [part.height, part.width]]
            .map(|sides: [u16; 2]| sides.map(usize::from));
        let grid = Grid::new(recipe.elastic_grid, sides, part_sides, origin);
        Self { recipe, set: InstructionSet::detect(), part, first, sides, grid }
    }

    /// Strength in an epoch, from 1, of `epochs`.
    pub fn strength(&self, epoch: usize, epochs: usize) -> f32 {
        let calm = (self.recipe.calm_part * epochs as f64).round() as usize;
        if epoch + calm > epochs { self.recipe.calm_strength as f32 } else { 1.0 }
    }

    /// What distorts images of `images` with random numbers of `(seed, epoch, image)`.
    pub fn placer<'p>(
        &'p self,
        images: &'p Dataset,
        seed: u64,
        epoch: usize,
        strength: f32,
    ) -> Placer<'p> {
        Placer {
            distorter: self,
            images,
            seed,
            epoch,
            strength,
            displacements: Displacements::new(&self.grid),
            padded: Padded::new(images.shape),
            across: self.across(middle(images.shape)[1]),
            places: Places::new(self.part.height as usize, self.part.width as usize),
        }
    }

    /// How many columns after `middle` each pixel of a row of the part lies, filled up to whole
    /// vectors.
    fn across(&self, middle: f32) -> Vec<f32> {
        let columns = (self.first[1]..).take((self.part.width as usize).next_multiple_of(LANES));
        columns.map(|column| column as f32 - middle).collect()
    }

    fn draw(&self, strength: f32, random: &mut Random) -> Affine {
        let recipe = &self.recipe;
        let mut within = |most: f64| (2.0 * random.unit() - 1.0) * most as f32 * strength;
        let angle = within(recipe.rotation_degrees.to_radians());
        let [tall, wide] =
            [libm::expf(within(recipe.log_scale)), libm::expf(within(recipe.log_scale))];
        let shear = within(recipe.shear);
        let shift = [within(recipe.shift_pixels), within(recipe.shift_pixels)];
        let (sine, cosine) = (libm::sinf(angle), libm::cosf(angle));
        let affine = Affine {
            matrix: [
                [cosine * tall, (cosine * shear - sine) * wide],
                [sine * tall, (sine * shear + cosine) * wide],
            ],
            shift,
        };
        affine.cropped(self.draw_crop(strength, random)).flipped(self.draw_flip(random))
    }

    /// Part of each side that is left, and how far its middle lies from the image's, rows and
    /// columns; no random number where nothing is cut off.
    fn draw_crop(&self, strength: f32, random: &mut Random) -> (f32, [f32; 2]) {
        let most = self.recipe.crop as f32 * strength;
        if most == 0.0 {
            return (1.0, [0.0; 2]);
        }
        let cut = random.unit() * most;
        let mut away = |side: usize| (2.0 * random.unit() - 1.0) * cut * (side as f32 - 1.0) / 2.0;
        let [height, width] = self.sides;
        (1.0 - cut, [away(height), away(width)])
    }

    /// Whether rows, and columns, are mirrored; no random number where they never are.
    fn draw_flip(&self, random: &mut Random) -> [bool; 2] {
        [0, 1].map(|axis| self.recipe.flip.turns(axis) && random.unit() < 0.5)
    }
}

/// Distorts one image after the other, in memory that stays.
pub struct Placer<'p> {
    distorter: &'p Distorter,
    images: &'p Dataset,
    seed: u64,
    epoch: usize,
    strength: f32,
    displacements: Displacements,
    padded: Padded,
    /// How many columns each pixel of a row lies after the image's centre, filled up to whole
    /// vectors.
    across: Vec<f32>,
    places: Places,
}

impl Placer<'_> {
    /// Writes image `index`, distorted.
    pub fn place(&mut self, index: usize, out: &mut [f32]) {
        let mut random =
            Random::new(self.seed, Purpose::Distortion { epoch: self.epoch, image: index });
        let affine = self.distorter.draw(self.strength, &mut random);
        let deviation = self.distorter.recipe.elastic_pixels as f32 * self.strength;
        self.displacements.draw(deviation, &mut random);
        self.distorter.set.run(Placement { placer: self, affine, index, out });
        let Distorter { recipe, part, first, .. } = self.distorter;
        let window = Window { part: *part, first: *first, image: self.images.shape };
        values::change(recipe, self.strength, &window, &mut random, out);
    }

    /// Where the pixels of a row come from: rows (axis 0) or columns of the image.
    #[inline(always)]
    fn find_places(&mut self, affine: &Affine, row: usize, axis: usize) {
        let Distorter { first, grid, .. } = self.distorter;
        let middle = middle(self.images.shape);
        let y = (first[0] + row as i32) as f32 - middle[0];
        let elastic = self.displacements.row(axis, row, grid);
        affine.find_places(
            axis,
            y,
            &self.across,
            middle[axis],
            elastic,
            self.places.row_mut(axis, row),
        );
    }
}

/// The loops over one image.
struct Placement<'l, 'p> {
    placer: &'l mut Placer<'p>,
    affine: Affine,
    index: usize,
    out: &'l mut [f32],
}

impl Loops for Placement<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { placer, affine, index, out } = self;
        placer.displacements.interpolate(&placer.distorter.grid);
        placer.padded.fill(placer.images.image(index));
        for row in 0..placer.distorter.part.height as usize {
            placer.find_places(&affine, row, 0);
            placer.find_places(&affine, row, 1);
        }
        placer.padded.sample(&mut placer.places, out);
    }
}

/// What turns output pixels into places in the image, elastic displacement apart.
struct Affine {
    /// `[row, column]` by `[row, column]`.
    matrix: [[f32; 2]; 2],
    /// Rows and columns.
    shift: [f32; 2],
}

impl Affine {
    /// Of a part of the image, enlarged to all of it.
    fn cropped(self, (left, away): (f32, [f32; 2])) -> Self {
        Self {
            matrix: self.matrix.map(|row| row.map(|factor| factor * left)),
            shift: [self.shift[0] + away[0], self.shift[1] + away[1]],
        }
    }

    /// Of an image whose rows (axis 0) or columns are mirrored first.
    fn flipped(self, turned: [bool; 2]) -> Self {
        let mirror = |factor: f32, axis: usize| if turned[axis] { -factor } else { factor };
        let matrix = self.matrix.map(|row| [mirror(row[0], 0), mirror(row[1], 1)]);
        Self { matrix, ..self }
    }

    /// Where the pixels `y` rows and `xs` columns from the centre come from: rows (axis 0) or
    /// columns; `middle` is their centre.
    #[inline(always)]
    fn find_places(
        &self,
        axis: usize,
        y: f32,
        xs: &[f32],
        middle: f32,
        elastic: &[f32],
        places: &mut [f32],
    ) {
        let ([down, right], shift) = (self.matrix[axis], self.shift[axis]);
        for (place, (x, elastic)) in places.iter_mut().zip(xs.iter().zip(elastic)) {
            *place = middle + (down * y + right * x + shift) + elastic;
        }
    }
}

/// Row and column of an image's centre.
#[inline(always)]
fn middle(shape: Shape) -> [f32; 2] {
    [shape.height, shape.width].map(|side| (side as f32 - 1.0) / 2.0)
}

#[cfg(test)]
mod tests;
