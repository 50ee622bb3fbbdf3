//! A picture of a drawing, on any paper, made to look like the training images.
//!
//! ```text
//! ground  = a plane through the paper's pixels, per channel (light falls from one side)
//! strength = how far a pixel is from the ground, 0 to 1, the paper's noise cut off
//! image   = strength, scaled to the training images' size and moved to their centre,
//!           between their ground and their stroke
//! ```

use crate::appearance::{Appearance, Extent};
use crate::picture::Picture;

/// Longest side that is looked at, pixels: a larger picture is made smaller first.
const SIDE_MAX: usize = 512;

/// Least contrast, of 1, that is a drawing.
const CONTRAST_MIN: f64 = 0.06;

/// Standard deviations of the ground within which a pixel belongs to it.
const GROUND_DEVIATIONS: f64 = 3.0;

/// Least standard deviation that the ground is taken to have, pixel values.
const DEVIATION_MIN: f64 = 3.0;

/// Times that the ground is found again without what turned out to be strokes.
const ROUNDS: usize = 6;

/// Part of the strokes' pixels, the strongest, above a full stroke.
const FULL_PART: f64 = 0.02;

/// Least share of the border that lies on one plane where the border shows the ground. Else the
/// training images decide whether the light or the dark part is the ground.
const BORDER_SHARE: f64 = 0.65;

impl Picture {
    /// The drawing as an image of `height` x `width` that looks like the training images; `None`
    /// when the picture shows no drawing.
    pub fn redrawn(&self, height: usize, width: usize, appearance: &Appearance) -> Option<Vec<u8>> {
        let longest = self.height.max(self.width);
        if longest > SIDE_MAX {
            let smaller = |side: usize| (side * SIDE_MAX / longest).max(1);
            let small = self.scaled(smaller(self.height), smaller(self.width));
            return small.redrawn(height, width, appearance);
        }
        let strengths = self.strengths(appearance.is_light_ground())?;
        let extent = Extent::of(self.width, strengths.iter().copied());
        let scale = match appearance.side {
            Some(side) => side as f64 / extent.side() as f64,
            None => (height as f64 / self.height as f64).min(width as f64 / self.width as f64),
        };
        let (from, to) = match (appearance.centre, appearance.side) {
            (Some(centre), _) => (extent.centre, centre),
            // The middle of the box in the middle of the image.
            (None, Some(_)) => (middle(&extent), half([height, width])),
            (None, None) => (half([self.height, self.width]), half([height, width])),
        };
        let rows = taps(height, self.height, scale, from[0], to[0]);
        let columns = taps(width, self.width, scale, from[1], to[1]);
        let [ground, stroke] = [appearance.ground, appearance.stroke].map(f64::from);
        let pixel = |strength: f64| (ground + strength * (stroke - ground)).round() as u8;
        let row_of = |row: &Taps| {
            columns.iter().map(|column| weighted(&strengths, self.width, row, column)).collect()
        };
        let values = rows.iter().flat_map(|row| -> Vec<f64> { row_of(row) });
        Some(values.map(pixel).collect())
    }

    /// How much of a stroke each pixel is, 0 to 1; `light` is whether the training images' ground
    /// is light, which decides where the picture does not.
    fn strengths(&self, light: bool) -> Option<Vec<f64>> {
        let ground = Ground::of(self, light);
        let mut strengths: Vec<f64> =
            (0..self.height * self.width).map(|place| ground.distance(self, place)).collect();
        let full = full_stroke(&strengths, ground.noise);
        if full < CONTRAST_MIN.max(2.0 * ground.noise) {
            return None;
        }
        let floor = ground.noise.min(0.5 * full);
        for strength in &mut strengths {
            *strength = ((*strength - floor) / (full - floor)).clamp(0.0, 1.0);
        }
        Some(strengths)
    }

    /// Places of the outermost pixels.
    fn border(&self) -> impl Iterator<Item = usize> {
        let (height, width) = (self.height, self.width);
        (0..height * width).filter(move |place| {
            let (row, column) = (place / width, place % width);
            row == 0 || column == 0 || row + 1 == height || column + 1 == width
        })
    }
}

/// The paper: a plane per channel, `value = terms[0] + terms[1] * row + terms[2] * column`.
struct Ground {
    planes: Vec<[f64; 3]>,
    light: bool,
    /// Distance from the ground that is the paper's own.
    noise: f64,
}

impl Ground {
    /// Begins with the plane of the border and goes on with all pixels near the plane.
    fn of(picture: &Picture, expected_light: bool) -> Self {
        let (mut ground, mut on_ground) =
            Self::of_border(picture).unwrap_or_else(|| Self::of_groups(picture, expected_light));
        ground.follow(picture, &mut on_ground, |_| true);
        let deviation = ground.deviation(picture, &on_ground);
        ground.noise = GROUND_DEVIATIONS * deviation / ground.brightness().max(64.0);
        ground
    }

    /// The plane of the border, with all pixels near it; `None` where too much of the border is
    /// something else. Strokes are what most of the light beyond it, or missing on it, is due to.
    fn of_border(picture: &Picture) -> Option<(Self, Vec<bool>)> {
        let mut on_border = vec![false; picture.height * picture.width];
        picture.border().for_each(|place| on_border[place] = true);
        let (count, is_border) = (picture.border().count(), on_border.clone());
        let mut ground = Self { planes: Vec::new(), light: false, noise: 0.0 };
        let reach = ground.follow(picture, &mut on_border, |place| is_border[place]);
        let near = on_border.iter().filter(|is_on| **is_on).count();
        if (near as f64) < BORDER_SHARE * count as f64 {
            return None;
        }
        let (mut darker, mut lighter) = (0.0, 0.0);
        let mut on_ground = on_border;
        for (place, is_on) in on_ground.iter_mut().enumerate() {
            *is_on = ground.residual(picture, place) <= reach;
            if !*is_on {
                darker += ground.sum_beyond(picture, place, -1.0);
                lighter += ground.sum_beyond(picture, place, 1.0);
            }
        }
        ground.light = darker > lighter;
        Some((ground, on_ground))
    }

    /// The lighter or the darker of two groups of pixels.
    fn of_groups(picture: &Picture, light: bool) -> (Self, Vec<bool>) {
        let brightness: Vec<u8> = picture.pixels.chunks(picture.channels).map(mean).collect();
        let threshold = threshold(&brightness);
        let on_ground = brightness.iter().map(|value| (*value > threshold) == light).collect();
        (Self { planes: Vec::new(), light, noise: 0.0 }, on_ground)
    }

    /// Lays the plane through the pixels on the ground, and finds those near it among the
    /// candidates, again and again. Returns how near that is.
    fn follow(
        &mut self,
        picture: &Picture,
        on_ground: &mut [bool],
        is_candidate: impl Fn(usize) -> bool,
    ) -> f64 {
        let mut reach = 0.0;
        for _ in 0..ROUNDS {
            self.planes = planes(picture, on_ground);
            reach = GROUND_DEVIATIONS * self.deviation(picture, on_ground).max(DEVIATION_MIN);
            for (place, is_on) in on_ground.iter_mut().enumerate() {
                *is_on = is_candidate(place) && self.residual(picture, place) <= reach;
            }
        }
        reach
    }

    /// Sum over the channels of what is on one side of the plane: above with a `sign` of 1, below
    /// with -1.
    fn sum_beyond(&self, picture: &Picture, place: usize, sign: f64) -> f64 {
        let difference = |channel| {
            let value = picture.pixels[place * picture.channels + channel] as f64;
            (sign * (value - self.value(picture, place, channel))).max(0.0)
        };
        (0..picture.channels).map(difference).sum()
    }

    /// Largest distance of a pixel's channels from the plane.
    fn residual(&self, picture: &Picture, place: usize) -> f64 {
        let channels = 0..picture.channels;
        let distance = |channel| {
            (picture.pixels[place * picture.channels + channel] as f64
                - self.value(picture, place, channel))
            .abs()
        };
        channels.map(distance).fold(0.0, f64::max)
    }

    fn value(&self, picture: &Picture, place: usize, channel: usize) -> f64 {
        let [level, by_row, by_column] = self.planes[channel];
        level + by_row * (place / picture.width) as f64 + by_column * (place % picture.width) as f64
    }

    /// Standard deviation of the ground's pixels from the plane, by the median of their distances:
    /// the soft edges of strokes among them do not count.
    fn deviation(&self, picture: &Picture, on_ground: &[bool]) -> f64 {
        let places = on_ground.iter().enumerate().filter(|(_, is_on)| **is_on);
        let mut distances: Vec<f64> =
            places.map(|(place, _)| self.residual(picture, place)).collect();
        let middle = distances.len() / 2;
        match distances.is_empty() {
            true => 0.0,
            false => 1.4826 * *distances.select_nth_unstable_by(middle, f64::total_cmp).1,
        }
    }

    /// What a full difference is: all of the light on a light ground, up to white on a dark one.
    fn brightness(&self) -> f64 {
        let level =
            self.planes.iter().map(|plane| plane[0]).sum::<f64>() / self.planes.len() as f64;
        if self.light { level } else { 255.0 - level }
    }

    /// How far a pixel is from the ground, 0 to about 1: by what part its light is less on a light
    /// ground, which a shadow does not change, and by what part more on a dark one. In a coloured
    /// picture the channel that shows most counts.
    fn distance(&self, picture: &Picture, place: usize) -> f64 {
        let channels = 0..picture.channels;
        let part = |channel| {
            let value = picture.pixels[place * picture.channels + channel] as f64;
            let ground = self.value(picture, place, channel).clamp(0.0, 255.0);
            match self.light {
                true => (ground - value) / ground.max(16.0),
                false => (value - ground) / (255.0 - ground).max(16.0),
            }
        };
        channels.map(part).fold(0.0, f64::max)
    }
}

/// The plane of least squares through the ground's pixels, for each channel.
fn planes(picture: &Picture, on_ground: &[bool]) -> Vec<[f64; 3]> {
    // Coordinates about the middle, so that the terms hardly depend on each other.
    let (middle_row, middle_column) = (picture.height as f64 / 2.0, picture.width as f64 / 2.0);
    let mut normal = [[0.0; 3]; 3];
    let mut right = vec![[0.0; 3]; picture.channels];
    for (place, _) in on_ground.iter().enumerate().filter(|(_, is_on)| **is_on) {
        let row = (place / picture.width) as f64 - middle_row;
        let column = (place % picture.width) as f64 - middle_column;
        let terms = [1.0, row, column];
        for (i, term) in terms.iter().enumerate() {
            terms.iter().enumerate().for_each(|(j, other)| normal[i][j] += term * other);
            for (channel, sums) in right.iter_mut().enumerate() {
                sums[i] += term * picture.pixels[place * picture.channels + channel] as f64;
            }
        }
    }
    let about_origin = |[level, by_row, by_column]: [f64; 3]| {
        [level - by_row * middle_row - by_column * middle_column, by_row, by_column]
    };
    right.into_iter().map(|right| about_origin(solved(normal, right))).collect()
}

/// Solves three equations by Cramer's rule; a level alone where there is no plane.
fn solved(normal: [[f64; 3]; 3], right: [f64; 3]) -> [f64; 3] {
    let determinant = |m: &[[f64; 3]; 3]| {
        m[0][0] * (m[1][1] * m[2][2] - m[1][2] * m[2][1])
            - m[0][1] * (m[1][0] * m[2][2] - m[1][2] * m[2][0])
            + m[0][2] * (m[1][0] * m[2][1] - m[1][1] * m[2][0])
    };
    let all = determinant(&normal);
    let scale = normal[0][0] * normal[1][1] * normal[2][2];
    if all.abs() <= 1e-9 * scale.abs() || scale == 0.0 {
        return [right[0] / normal[0][0].max(1.0), 0.0, 0.0];
    }
    let with_column = |column: usize| {
        let mut replaced = normal;
        (0..3).for_each(|row| replaced[row][column] = right[row]);
        determinant(&replaced) / all
    };
    [with_column(0), with_column(1), with_column(2)]
}

/// Otsu's threshold: the brightness that parts the pixels into the two most different groups.
fn threshold(brightness: &[u8]) -> u8 {
    let mut counts = [0.0; 256];
    brightness.iter().for_each(|value| counts[*value as usize] += 1.0);
    let all = brightness.len() as f64;
    let total: f64 = counts.iter().enumerate().map(|(value, count)| value as f64 * count).sum();
    let (mut below, mut sum, mut best) = (0.0, 0.0, (0.0, 0));
    for (value, count) in counts.iter().enumerate() {
        below += count;
        sum += value as f64 * count;
        if below > 0.0 && below < all {
            let difference = sum / below - (total - sum) / (all - below);
            let between = below * (all - below) * difference * difference;
            if between > best.0 {
                best = (between, value);
            }
        }
    }
    best.1 as u8
}

/// The strength that counts as a full stroke: that of the strongest few.
fn full_stroke(strengths: &[f64], noise: f64) -> f64 {
    let mut strokes: Vec<f64> = strengths.iter().copied().filter(|part| *part > noise).collect();
    strokes.sort_by(f64::total_cmp);
    let above = (strokes.len() as f64 * FULL_PART) as usize;
    strokes.len().checked_sub(1 + above).map_or(0.0, |place| strokes[place])
}

/// Pixels of a line that one new pixel is made of, with their weights.
type Taps = Vec<(usize, f64)>;

/// For each of `count` new pixels: the old ones it covers where pixel `from` of `source` comes to
/// `to`, `scale` times as large. Enlarged, the two nearest, by their distance.
fn taps(count: usize, source: usize, scale: f64, from: f64, to: f64) -> Vec<Taps> {
    let reach = (1.0 / scale).max(1.0);
    let line = |index: usize| {
        let at = from + (index as f64 - to) / scale;
        let weight = |pixel: i64| match scale < 1.0 {
            // The part of the pixel that lies in the window.
            true => {
                let (low, high) = (at - reach / 2.0, at + reach / 2.0);
                (high.min(pixel as f64 + 0.5) - low.max(pixel as f64 - 0.5)).max(0.0) / reach
            }
            false => (1.0 - (at - pixel as f64).abs()).max(0.0),
        };
        let pixels = (at - reach).floor() as i64..=(at + reach).ceil() as i64;
        let inside = pixels.filter(|pixel| (0..source as i64).contains(pixel));
        inside
            .map(|pixel| (pixel as usize, weight(pixel)))
            .filter(|(_, part)| *part > 0.0)
            .collect()
    };
    (0..count).map(line).collect()
}

fn weighted(strengths: &[f64], width: usize, rows: &Taps, columns: &Taps) -> f64 {
    let row_sum = |(row, weight): &(usize, f64)| {
        let line = &strengths[row * width..][..width];
        weight * columns.iter().map(|(column, part)| part * line[*column]).sum::<f64>()
    };
    rows.iter().map(row_sum).sum::<f64>().clamp(0.0, 1.0)
}

fn mean(pixel: &[u8]) -> u8 {
    (pixel.iter().map(|value| *value as usize).sum::<usize>() / pixel.len()) as u8
}

/// Middle of a box, a pixel's middle being a whole number.
fn middle(extent: &Extent) -> [f64; 2] {
    [extent.rows, extent.columns].map(|[first, end]| (first + end - 1) as f64 / 2.0)
}

fn half(sides: [usize; 2]) -> [f64; 2] {
    sides.map(|side| (side - 1) as f64 / 2.0)
}
