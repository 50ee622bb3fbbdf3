//! What changes the values of a distorted image: brightness, noise and cutout, in this order.

use infer::Shape;

use crate::recipe::Augment;
use crate::train::random::Random;

/// Where the part of the input that is read lies in the image.
pub struct Window {
    /// The part.
    pub part: Shape,
    /// Image row and column of its first pixel.
    pub first: [i32; 2],
    /// The image.
    pub image: Shape,
}

/// Changes the values; they stay between 0 and 1. Draws no random number for what is not asked for.
pub fn change(
    recipe: &Augment,
    strength: f32,
    window: &Window,
    random: &mut Random,
    values: &mut [f32],
) {
    let brightness = recipe.brightness as f32 * strength;
    if brightness > 0.0 {
        let more = (2.0 * random.unit() - 1.0) * brightness;
        values.iter_mut().for_each(|value| *value = (*value + more).clamp(0.0, 1.0));
    }
    add_noise(recipe.noise as f32 * strength, random, values);
    let side = (recipe.cutout_pixels as f32 * strength).round() as i32;
    if side > 0 {
        cut_out(side, window, random, values);
    }
}

/// Adds normal noise of this standard deviation to each value.
pub fn add_noise(deviation: f32, random: &mut Random, values: &mut [f32]) {
    if deviation == 0.0 {
        return;
    }
    for pair in values.chunks_mut(2) {
        for (value, noise) in pair.iter_mut().zip(random.normal_pair()) {
            *value = (*value + deviation * noise).clamp(0.0, 1.0);
        }
    }
}

/// Makes a square 0 whose middle lies anywhere in the image; what of it lies outside is lost.
fn cut_out(side: i32, window: &Window, random: &mut Random, values: &mut [f32]) {
    let Window { part, first, image } = window;
    let mut begin =
        |axis: usize, count: u16| random.below(count as usize) as i32 - side / 2 - first[axis];
    let (top, left) = (begin(0, image.height), begin(1, image.width));
    let inside = |begin: i32, place: usize| (begin..begin + side).contains(&(place as i32));
    for (row, line) in values.chunks_exact_mut(part.row_len()).enumerate() {
        for (column, pixel) in line.chunks_exact_mut(part.channels as usize).enumerate() {
            if inside(top, row) && inside(left, column) {
                pixel.fill(0.0);
            }
        }
    }
}
