//! A picture of any size, made into the image a model takes.

use infer::Shape;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::appearance::Appearance;

/// Pixels of 8-bit values, `[row][column][channel]`, with 1 (grey) or 3 (RGB) channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows, 1 or more.
    pub height: usize,
    /// Columns, 1 or more.
    pub width: usize,
    /// 1 or 3.
    pub channels: usize,
    /// `height * width * channels` values.
    pub pixels: Vec<u8>,
}

/// Whether to turn dark into light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Invert {
    /// As the training images were, which also decide contrast, size and place.
    #[default]
    Auto,
    /// Always, and change nothing else.
    Yes,
    /// Never, and change nothing else.
    No,
}

/// How a picture of another size becomes an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Not at all: it is refused.
    Exact,
    /// Each new pixel is the nearest old one.
    Nearest,
    /// Each new pixel is the mean of what it covers.
    #[default]
    Area,
    /// Each new pixel is mixed of the four nearest old ones.
    Bilinear,
}

impl Resize {
    /// As the command line has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Nearest => "nearest",
            Self::Area => "area",
            Self::Bilinear => "bilinear",
        }
    }
}

/// How the training images came to look as they do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// What nearly all of them have in common.
    pub appearance: Option<Appearance>,
    /// How pictures were made into images.
    pub resize: Resize,
}

/// A model whose pixels are neither grey nor RGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the model's images are {model}, a picture has 1 or 3 values per pixel: use eval with IDX files"
)]
pub struct ChannelsError {
    /// The model's image.
    pub model: Shape,
}

/// The image a model takes, and what had to be done to the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fitted {
    /// Pixels in the model's shape.
    pub pixels: Vec<u8>,
    /// One sentence per change that a user should know of.
    pub notes: Vec<String>,
}

impl Picture {
    /// The picture in the model's shape. With `invert` auto it gets the `appearance` of the
    /// training images, if they have one and it has another: ground, contrast, size and place.
    /// Otherwise it is as [`Picture::plain`] makes it, perhaps inverted first.
    ///
    /// # Errors
    /// [`ChannelsError`] when the model's images have neither 1 nor 3 channels.
    pub fn fit(&self, model: Shape, invert: Invert, look: &Look) -> Result<Fitted, ChannelsError> {
        if ![1, 3].contains(&model.channels) {
            return Err(ChannelsError { model });
        }
        let (height, width) = (model.height as usize, model.width as usize);
        let mut pixels = self.plain(model, look.resize);
        let mut notes = Vec::new();
        if let (Invert::Auto, 1, Some(appearance)) = (invert, model.channels, &look.appearance)
            && !appearance.has(height, width, &pixels)
        {
            match self.redrawn(height, width, appearance) {
                Some(pixels) => {
                    return Ok(Fitted { pixels, notes: vec![redrawn_note(appearance)] });
                }
                None => notes.push(
                    "nothing stands out from its ground, as it does in the training images"
                        .to_owned(),
                ),
            }
        }
        if invert == Invert::Yes {
            pixels.iter_mut().for_each(|value| *value = 255 - *value);
        }
        if (self.height, self.width) != (height, width) {
            notes.push(self.resize_note(height, width));
        }
        Ok(Fitted { pixels, notes })
    }

    /// The picture in a shape of 1 or 3 channels: grey or RGB, scaled with its proportions kept,
    /// centred on its border's mean colour. Pictures of a data set become images in this way too.
    pub fn plain(&self, shape: Shape, resize: Resize) -> Vec<u8> {
        let picture = if shape.channels == 1 { self.grey() } else { self.rgb() };
        let (height, width) = (shape.height as usize, shape.width as usize);
        let (rows, columns) = picture.size_within(height, width);
        picture.resized(rows, columns, resize).centred_on(height, width)
    }

    /// Luminance with the weights of ITU-R BT.601.
    fn grey(&self) -> Self {
        let luminance = |pixel: &[u8; 3]| {
            ((299 * pixel[0] as u32 + 587 * pixel[1] as u32 + 114 * pixel[2] as u32 + 500) / 1000)
                as u8
        };
        match self.channels {
            1 => self.clone(),
            _ => Self {
                channels: 1,
                pixels: self.pixels.as_chunks().0.iter().map(luminance).collect(),
                ..*self
            },
        }
    }

    fn rgb(&self) -> Self {
        match self.channels {
            3 => self.clone(),
            _ => Self {
                channels: 3,
                pixels: self.pixels.iter().flat_map(|grey| [*grey; 3]).collect(),
                ..*self
            },
        }
    }

    pub(crate) fn pixel(&self, row: usize, column: usize) -> &[u8] {
        &self.pixels[(row * self.width + column) * self.channels..][..self.channels]
    }

    /// Mean colour of the outermost pixels.
    fn border_mean(&self) -> Vec<u8> {
        let (last_row, last_column) = (self.height - 1, self.width - 1);
        let mut sums = vec![0_usize; self.channels];
        let mut count = 0;
        for row in 0..self.height {
            let step = if row == 0 || row == last_row { 1 } else { last_column.max(1) };
            for column in (0..self.width).step_by(step) {
                sums.iter_mut()
                    .zip(self.pixel(row, column))
                    .for_each(|(sum, value)| *sum += *value as usize);
                count += 1;
            }
        }
        sums.iter().map(|sum| ((sum + count / 2) / count) as u8).collect()
    }

    /// The largest rows and columns of the same proportions that `height` x `width` holds.
    fn size_within(&self, height: usize, width: usize) -> (usize, usize) {
        let limited_by_height = height * self.width <= width * self.height;
        let of = |side: usize, target: usize, source: usize| {
            ((side * target + source / 2) / source).max(1)
        };
        match limited_by_height {
            true => (height, of(self.width, height, self.height)),
            false => (of(self.height, width, self.width), width),
        }
    }

    /// `height` x `width` pixels; of the same size it is the same.
    fn resized(&self, height: usize, width: usize, resize: Resize) -> Self {
        match resize {
            Resize::Exact | Resize::Area => self.scaled(height, width),
            Resize::Nearest => {
                let nearest =
                    |index: usize, from: usize, to: usize| (2 * index + 1) * from / (2 * to);
                self.rearranged(height, width, |row, column| {
                    (nearest(row, self.height, height), nearest(column, self.width, width))
                })
            }
            Resize::Bilinear => self.mixed(height, width),
        }
    }

    /// Each new pixel is mixed of the four old ones around its middle, by their distance.
    fn mixed(&self, height: usize, width: usize) -> Self {
        let rows: Vec<_> = (0..height).map(|row| around(row, self.height, height)).collect();
        let columns: Vec<_> = (0..width).map(|column| around(column, self.width, width)).collect();
        let unit = (2 * height * 2 * width) as u64;
        let mut pixels = Vec::with_capacity(height * width * self.channels);
        for row in &rows {
            for column in &columns {
                for channel in 0..self.channels {
                    let sum = self.weighted_sum(row, column, channel);
                    pixels.push(((sum + unit / 2) / unit) as u8);
                }
            }
        }
        Self { height, width, channels: self.channels, pixels }
    }

    /// Area averaging: each new pixel is the mean of the old pixels it covers, weighted by the
    /// covered part.
    pub(crate) fn scaled(&self, height: usize, width: usize) -> Self {
        let (rows, columns) = (cover(self.height, height), cover(self.width, width));
        let area = (self.height * self.width) as u64;
        let mut pixels = Vec::with_capacity(height * width * self.channels);
        for row in &rows {
            for column in &columns {
                for channel in 0..self.channels {
                    pixels
                        .push(((self.weighted_sum(row, column, channel) + area / 2) / area) as u8);
                }
            }
        }
        Self { height, width, channels: self.channels, pixels }
    }

    fn weighted_sum(&self, rows: &[(usize, u64)], columns: &[(usize, u64)], channel: usize) -> u64 {
        let mut sum = 0;
        for (row, row_weight) in rows {
            for (column, column_weight) in columns {
                sum += row_weight * column_weight * self.pixel(*row, *column)[channel] as u64;
            }
        }
        sum
    }

    fn resize_note(&self, height: usize, width: usize) -> String {
        let (rows, columns) = self.size_within(height, width);
        let scaled = format!("{}x{} pixels, scaled to {rows}x{columns}", self.height, self.width);
        match (rows, columns) == (height, width) {
            true => scaled,
            false => format!("{scaled} and centred on {height}x{width}"),
        }
    }

    /// The pixels in the middle of `height` x `width`, on the border's mean colour.
    fn centred_on(&self, height: usize, width: usize) -> Vec<u8> {
        let mut pixels = self.border_mean().repeat(height * width);
        let (top, left) = ((height - self.height) / 2, (width - self.width) / 2);
        let row_len = self.width * self.channels;
        for (row, source) in self.pixels.chunks_exact(row_len).enumerate() {
            pixels[((top + row) * width + left) * self.channels..][..row_len]
                .copy_from_slice(source);
        }
        pixels
    }
}

fn redrawn_note(appearance: &Appearance) -> String {
    let ground = if appearance.is_light_ground() { "dark on light" } else { "light on dark" };
    let side = appearance.side.map_or_else(String::new, |side| format!(", {side} pixels in size"));
    let place = if appearance.centre.is_some() { ", centred" } else { "" };
    format!(
        "made to look like the training images: {ground}{side}{place} (--invert no leaves that out)"
    )
}

/// For each of `target` equal parts of a line of `source` pixels: the pixels it covers and how much
/// of each, in units of `1 / target` of a pixel. The weights of a part add up to `source`.
fn cover(source: usize, target: usize) -> Vec<Vec<(usize, u64)>> {
    let part = |index: usize| {
        let (start, end) = (index * source, (index + 1) * source);
        let covered =
            |pixel: usize| (end.min((pixel + 1) * target) - start.max(pixel * target)) as u64;
        (start / target..end.div_ceil(target)).map(|pixel| (pixel, covered(pixel))).collect()
    };
    (0..target).map(part).collect()
}

/// The two pixels of a line of `source` around the middle of new pixel `index` of `target`, with
/// weights that add up to `2 * target`.
fn around(index: usize, source: usize, target: usize) -> Vec<(usize, u64)> {
    // In units of 1 / (2 * target) of an old pixel, from the middle of the first.
    let unit = 2 * target;
    let at = ((2 * index + 1) * source).saturating_sub(target).min((source - 1) * unit);
    let (pixel, beyond) = (at / unit, at % unit);
    match beyond {
        0 => vec![(pixel, unit as u64)],
        _ => vec![(pixel, (unit - beyond) as u64), (pixel + 1, beyond as u64)],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, pixels: &[u8]) -> Picture {
        Picture { height, width, channels: 1, pixels: pixels.to_vec() }
    }

    fn fit(picture: &Picture, model: Shape) -> Fitted {
        picture.fit(model, Invert::No, &Look::default()).unwrap()
    }

    #[test]
    fn the_right_size_is_left_alone() {
        let fitted = fit(&grey(2, 2, &[0, 10, 20, 30]), Shape::new(2, 2, 1));
        assert_eq!(fitted, Fitted { pixels: vec![0, 10, 20, 30], notes: vec![] });
    }

    #[test]
    fn halving_averages_four_pixels() {
        let picture = grey(2, 4, &[0, 10, 100, 100, 20, 30, 100, 104]);
        assert_eq!(picture.scaled(1, 2).pixels, [15, 101]);
    }

    #[test]
    fn three_to_two_shares_the_middle_pixel() {
        // (30 * 2 + 60 * 1) / 3 and (60 * 1 + 90 * 2) / 3.
        assert_eq!(grey(1, 3, &[30, 60, 90]).scaled(1, 2).pixels, [40, 80]);
    }

    #[test]
    fn doubling_repeats_pixels() {
        assert_eq!(grey(1, 2, &[1, 9]).scaled(2, 4).pixels, [1, 1, 9, 9, 1, 1, 9, 9]);
    }

    #[test]
    fn a_flat_picture_stays_flat_at_any_size() {
        for (height, width) in [(1, 1), (3, 7), (28, 28), (50, 13)] {
            let scaled = grey(11, 17, &[77; 187]).scaled(height, width);
            assert_eq!(scaled.pixels, vec![77; height * width]);
        }
    }

    #[test]
    fn proportions_are_kept_and_the_rest_is_border() {
        let fitted = fit(&grey(2, 4, &[8; 8]), Shape::new(4, 4, 1));
        assert_eq!(fitted.pixels, [8; 16]);
        let fitted = fit(&grey(1, 2, &[0, 100]), Shape::new(4, 2, 1));
        assert_eq!(fitted.pixels, [50, 50, 0, 100, 50, 50, 50, 50]);
        assert_eq!(fitted.notes, ["1x2 pixels, scaled to 1x2 and centred on 4x2"]);
    }

    #[test]
    fn colours_become_luminance() {
        let picture = Picture {
            height: 1,
            width: 3,
            channels: 3,
            pixels: vec![255, 0, 0, 0, 255, 0, 9, 9, 9],
        };
        assert_eq!(fit(&picture, Shape::new(1, 3, 1)).pixels, [76, 150, 9]);
    }

    #[test]
    fn grey_becomes_rgb() {
        let fitted = fit(&grey(1, 2, &[3, 4]), Shape::new(1, 2, 3));
        assert_eq!(fitted.pixels, [3, 3, 3, 4, 4, 4]);
    }

    /// A dark dot on light.
    fn dot() -> Picture {
        let mut pixels = [250; 9];
        pixels[4] = 0;
        grey(3, 3, &pixels)
    }

    #[test]
    fn the_training_images_decide_what_is_inverted() {
        let shape = Shape::new(3, 3, 1);
        let by = |invert, ground, stroke| {
            let appearance = Some(Appearance { ground, stroke, side: None, centre: None });
            dot().fit(shape, invert, &Look { appearance, ..Look::default() }).unwrap()
        };
        let inverted = by(Invert::Auto, 0, 255);
        assert_eq!((inverted.pixels[0], inverted.pixels[4]), (0, 255));
        assert!(
            inverted.notes[0].starts_with("made to look like the training images: light on dark")
        );
        let same = Fitted { pixels: dot().pixels, notes: vec![] };
        assert_eq!(by(Invert::Auto, 240, 10), same);
        assert_eq!(by(Invert::No, 0, 255), same);
        assert_eq!(by(Invert::Yes, 240, 10).pixels[0], 5);
        assert_eq!(dot().fit(shape, Invert::Auto, &Look::default()).unwrap(), same);
    }

    #[test]
    fn an_empty_picture_has_a_note() {
        let appearance = Some(Appearance { ground: 0, stroke: 255, side: Some(2), centre: None });
        let look = Look { appearance, ..Look::default() };
        let sheet = grey(3, 3, &[200; 9]);
        let fitted = sheet.fit(Shape::new(3, 3, 1), Invert::Auto, &look).unwrap();
        assert_eq!(fitted.pixels, [200; 9]);
        assert!(fitted.notes[0].starts_with("nothing stands out from its ground"));
    }

    #[test]
    fn other_channel_counts_are_refused() {
        let error = grey(1, 1, &[0])
            .fit(Shape::new(1, 1, 2), Invert::No, &Look::default())
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("the model's images are 1x1x2, a picture has 1 or 3 values per pixel"),
            "{error}"
        );
    }

    #[test]
    fn each_way_to_resize_does_what_it_says() {
        let line = grey(1, 4, &[0, 10, 100, 201]);
        let resized = |columns, resize| line.resized(1, columns, resize).pixels;
        assert_eq!(resized(2, Resize::Area), [5, 151]);
        assert_eq!(resized(2, Resize::Nearest), [10, 201]);
        assert_eq!(resized(2, Resize::Bilinear), [5, 151]);
        assert_eq!(resized(8, Resize::Nearest), [0, 0, 10, 10, 100, 100, 201, 201]);
        assert_eq!(resized(8, Resize::Bilinear), [0, 3, 8, 33, 78, 125, 176, 201]);
        for resize in [Resize::Exact, Resize::Area, Resize::Nearest, Resize::Bilinear] {
            assert_eq!(resized(4, resize), line.pixels, "{resize:?}");
        }
    }
}
