//! What the images of a data set have in common: strokes on a ground, of one size, in one place.
//!
//! MNIST's digits are light on black, 20 pixels high or wide, with their centre of mass in the
//! middle. A picture from a camera is none of that, and a network that was trained on such images
//! cannot answer it. So `predict` makes a picture look like the training images (see `drawing`).
//! Photographs and the like have no common appearance: they are left alone.

use infer::Shape;
use serde::{Deserialize, Serialize};

/// Most images that are looked at, spread evenly over the set.
const IMAGES_MAX: usize = 1000;

/// Share of the images that must have something in common.
const NEARLY_ALL: f64 = 0.9;

/// Largest standard deviation of the border's pixels for which it is a ground.
const FLAT: f64 = 24.0;

/// Least distance of the strokes from the ground.
const CONTRAST_MIN: u8 = 32;

/// Least part of the strongest stroke that counts as stroke.
const STROKE_PART: f64 = 0.15;

/// Most by which sizes, in pixels, differ where they are one size.
const SIZE_SPREAD: usize = 2;

/// Most by which centres, in pixels, differ where they are one centre: standard deviation.
const CENTRE_SPREAD: f64 = 0.75;

/// Grey images that show strokes on an even ground.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Appearance {
    /// Pixel of the ground: the median of the images' borders.
    pub ground: u8,
    /// Pixel of a full stroke: the median of the images' strongest pixels.
    pub stroke: u8,
    /// Height or width of what is drawn, whichever is more, where it is the same in nearly all
    /// images; pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub side: Option<u16>,
    /// Row and column of the strokes' centre of mass, where it is the same in nearly all images;
    /// pixels, the first pixel's middle is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub centre: Option<[f64; 2]>,
}

impl Appearance {
    /// What nearly all images of a set have in common, whose pixels follow each other, all of one
    /// shape; `None` where that is nothing.
    pub fn of(shape: Shape, pixels: &[u8]) -> Option<Self> {
        let looked_at = (pixels.len() / shape.len()).min(IMAGES_MAX);
        let drawings = drawings(shape, pixels);
        let enough = |count: usize| count as f64 >= NEARLY_ALL * looked_at as f64;
        let light = drawings.iter().filter(|drawing| drawing.ground > drawing.stroke).count();
        let common = enough(drawings.len()) && (enough(light) || enough(drawings.len() - light));
        (common && !drawings.is_empty()).then(|| Self::of_drawings(&drawings))
    }

    fn of_drawings(drawings: &[Drawing]) -> Self {
        let median = |of: fn(&Drawing) -> usize| quantile(drawings, of, 0.5);
        let [low, side, high] =
            [0.05, 0.5, 0.95].map(|part| quantile(drawings, Drawing::side, part));
        Self {
            ground: median(|drawing| drawing.ground as usize) as u8,
            stroke: median(|drawing| drawing.stroke as usize) as u8,
            side: (high - low <= SIZE_SPREAD).then_some(side as u16),
            centre: common_centre(drawings),
        }
    }

    /// Whether strokes are darker than the ground.
    pub fn is_light_ground(&self) -> bool {
        self.ground > self.stroke
    }

    /// Whether a grey image of `height` x `width` already looks so.
    pub fn has(&self, height: usize, width: usize, pixels: &[u8]) -> bool {
        let Some(drawing) = Drawing::of(height, width, pixels) else { return false };
        let near = |pixel: u8, common: u8| pixel.abs_diff(common) <= 40;
        let same_side = |side: u16| drawing.side().abs_diff(side as usize) <= 2 * SIZE_SPREAD;
        let same_centre = |centre: [f64; 2]| {
            (0..2).all(|axis| (centre[axis] - drawing.centre[axis]).abs() <= 2.0)
        };
        near(drawing.ground, self.ground)
            && near(drawing.stroke, self.stroke)
            && self.side.is_none_or(same_side)
            && self.centre.is_none_or(same_centre)
    }
}

/// Shares of the images, 0 to 1, whose strokes are clearly wider than high, and clearly higher than
/// wide.
pub fn wide_and_high(shape: Shape, pixels: &[u8]) -> [f64; 2] {
    let drawings = drawings(shape, pixels);
    let all = (pixels.len() / shape.len()).clamp(1, IMAGES_MAX) as f64;
    let share = |is_so: fn(usize, usize) -> bool| {
        let lies = |drawing: &&Drawing| is_so(drawing.sides[0], drawing.sides[1]);
        drawings.iter().filter(lies).count() as f64 / all
    };
    [
        share(|rows, columns| columns > rows + SIZE_SPREAD),
        share(|rows, columns| rows > columns + SIZE_SPREAD),
    ]
}

/// Those of at most [`IMAGES_MAX`] images that show strokes on a ground.
fn drawings(shape: Shape, pixels: &[u8]) -> Vec<Drawing> {
    if shape.channels != 1 {
        return Vec::new();
    }
    let [height, width] = [shape.height, shape.width].map(usize::from);
    let images = pixels.len() / shape.len();
    let looked_at = images.min(IMAGES_MAX);
    let seen = (0..looked_at).map(|place| place * images / looked_at);
    let image = |index: usize| &pixels[index * shape.len()..][..shape.len()];
    seen.filter_map(|index| Drawing::of(height, width, image(index))).collect()
}

/// Strokes on a ground, measured.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Drawing {
    ground: u8,
    stroke: u8,
    /// Rows and columns of the strokes' box.
    sides: [usize; 2],
    centre: [f64; 2],
}

impl Drawing {
    fn side(&self) -> usize {
        self.sides[0].max(self.sides[1])
    }

    /// `None` for an image whose border is no even ground, or that shows nothing.
    fn of(height: usize, width: usize, pixels: &[u8]) -> Option<Self> {
        let border = border(height, width, pixels);
        let count = border.len() as f64;
        let mean = border.iter().map(|pixel| *pixel as f64).sum::<f64>() / count;
        let variance =
            border.iter().map(|pixel| (*pixel as f64 - mean).powi(2)).sum::<f64>() / count;
        let ground = mean.round() as u8;
        let stroke = *pixels.iter().max_by_key(|pixel| pixel.abs_diff(ground))?;
        if variance.sqrt() > FLAT || stroke.abs_diff(ground) < CONTRAST_MIN {
            return None;
        }
        let contrast = stroke as f64 - ground as f64;
        let strength = |pixel: u8| (pixel as f64 - ground as f64) / contrast;
        let extent = Extent::of(width, pixels.iter().map(|pixel| strength(*pixel)));
        Some(Self { ground, stroke, sides: extent.sides(), centre: extent.centre })
    }
}

/// Where strokes lie: their box and their centre of mass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Extent {
    /// First row and the row after the last.
    pub rows: [usize; 2],
    /// First column and the column after the last.
    pub columns: [usize; 2],
    /// Row and column of the centre of mass; a pixel's middle is a whole number.
    pub centre: [f64; 2],
}

impl Extent {
    /// Of a map of strengths, 1 for a full stroke, row by row. Weak ones are not looked at.
    pub fn of(width: usize, strengths: impl Iterator<Item = f64>) -> Self {
        let mut extent = Self { rows: [usize::MAX, 0], columns: [usize::MAX, 0], centre: [0.0; 2] };
        let mut mass = 0.0;
        for (place, strength) in strengths.enumerate().filter(|(_, part)| *part >= STROKE_PART) {
            let (row, column) = (place / width, place % width);
            extent.rows = [extent.rows[0].min(row), extent.rows[1].max(row + 1)];
            extent.columns = [extent.columns[0].min(column), extent.columns[1].max(column + 1)];
            extent.centre[0] += strength * row as f64;
            extent.centre[1] += strength * column as f64;
            mass += strength;
        }
        extent.centre = extent.centre.map(|sum| sum / f64::max(mass, f64::MIN_POSITIVE));
        extent
    }

    /// Rows and columns of the box; 0 when there is nothing.
    pub fn sides(&self) -> [usize; 2] {
        [self.rows, self.columns].map(|[first, end]| end.saturating_sub(first))
    }

    /// The longer side of the box, pixels.
    pub fn side(&self) -> usize {
        let [rows, columns] = self.sides();
        rows.max(columns)
    }
}

/// The outermost pixels.
fn border(height: usize, width: usize, pixels: &[u8]) -> Vec<u8> {
    let outer = |place: usize| {
        let (row, column) = (place / width, place % width);
        row == 0 || column == 0 || row + 1 == height || column + 1 == width
    };
    (0..pixels.len()).filter(|place| outer(*place)).map(|place| pixels[place]).collect()
}

fn quantile(drawings: &[Drawing], of: fn(&Drawing) -> usize, part: f64) -> usize {
    let mut values: Vec<usize> = drawings.iter().map(of).collect();
    values.sort_unstable();
    values[((values.len() - 1) as f64 * part).round() as usize]
}

fn common_centre(drawings: &[Drawing]) -> Option<[f64; 2]> {
    let count = drawings.len() as f64;
    let mean =
        |axis: usize| drawings.iter().map(|drawing| drawing.centre[axis]).sum::<f64>() / count;
    let centre = [mean(0), mean(1)];
    let spread = |axis: usize| {
        let square = |drawing: &Drawing| (drawing.centre[axis] - centre[axis]).powi(2);
        (drawings.iter().map(square).sum::<f64>() / count).sqrt()
    };
    (spread(0).max(spread(1)) <= CENTRE_SPREAD).then_some(centre)
}
