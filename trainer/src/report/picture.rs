//! Images of a data set as pictures inside of a page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use infer::Shape;
use png::{BitDepth, ColorType, Compression, Encoder};

/// A picture as a `data:` address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `data:image/png;base64,…`: letters of base64, nothing that must be escaped.
    pub address: String,
}

/// Many images of one shape in one picture, row by row, as a page shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// The picture.
    pub picture: Picture,
    /// Images in it.
    pub shown: usize,
    /// Images side by side.
    pub columns: usize,
    /// Width and height of one image on the page, pixels.
    pub size: [usize; 2],
    /// Width and height of the whole picture on the page, pixels.
    pub whole: [usize; 2],
}

impl Picture {
    /// A picture of grey (one channel) or RGB (three) pixels; of other images the first channel as
    /// grey.
    pub fn of(shape: Shape, pixels: &[u8]) -> Self {
        Self::drawn([shape.height, shape.width].map(usize::from), shape.channels, pixels)
    }

    fn drawn([height, width]: [usize; 2], channels: u16, pixels: &[u8]) -> Self {
        let channels = channels as usize;
        let (colour, pixels) = match channels {
            3 => (ColorType::Rgb, pixels.to_vec()),
            _ => (ColorType::Grayscale, pixels.iter().copied().step_by(channels.max(1)).collect()),
        };
        let png = png(width, height, colour, &pixels);
        Self { width, height, address: format!("data:image/png;base64,{}", STANDARD.encode(png)) }
    }
}

/// Most images that a page shows: one that nobody scrolls through tells nothing.
const IMAGES_MAX: usize = 1_000;

/// Most bytes of pixels that are tried to be shown.
const PIXEL_BYTES_MAX: usize = 4_000_000;

/// Most letters of the picture's address, so that a page stays below 2 MB whatever the images are.
const ADDRESS_BYTES_MAX: usize = 750_000;

/// Pixels of the page along the longer side of an image.
const SIDE_PIXELS: usize = 84;

impl Sheet {
    /// The images side by side, about as many columns as rows; only the first of them if there is
    /// no room for all.
    pub fn of(shape: Shape, images: &[&[u8]]) -> Self {
        let mut shown = images.len().min(IMAGES_MAX).min(PIXEL_BYTES_MAX / shape.len());
        loop {
            let sheet = Self::whole(shape, &images[..shown]);
            if shown == 0 || sheet.picture.address.len() <= ADDRESS_BYTES_MAX {
                return sheet;
            }
            shown /= 2;
        }
    }

    /// All of the images; a black pixel when there are none.
    fn whole(shape: Shape, images: &[&[u8]]) -> Self {
        let size = page_size(shape);
        if images.is_empty() {
            let picture = Picture::of(Shape::new(1, 1, 1), &[0]);
            return Self { picture, shown: 0, columns: 1, size, whole: size };
        }
        let columns = images.len().isqrt();
        let rows = images.len().div_ceil(columns);
        let row_len = shape.row_len();
        let mut pixels = vec![0; columns * rows * shape.len()];
        for (index, image) in images.iter().enumerate() {
            let (top, left) = (index / columns * shape.height as usize, index % columns * row_len);
            for (row, values) in image.chunks_exact(row_len).enumerate() {
                pixels[(top + row) * columns * row_len + left..][..row_len].copy_from_slice(values);
            }
        }
        let sheet = [rows * shape.height as usize, columns * shape.width as usize];
        let picture = Picture::drawn(sheet, shape.channels, &pixels);
        Self {
            picture,
            shown: images.len(),
            columns,
            size,
            whole: [columns * size[0], rows * size[1]],
        }
    }

    /// Where image `index` lies: pixels of the page to its left and above.
    pub fn place(&self, index: usize) -> [usize; 2] {
        [index % self.columns * self.size[0], index / self.columns * self.size[1]]
    }
}

fn page_size(shape: Shape) -> [usize; 2] {
    let longer = shape.width.max(shape.height) as usize;
    [shape.width, shape.height].map(|side| (side as usize * SIDE_PIXELS / longer).max(1))
}

fn png(width: usize, height: usize, colour: ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, width as u32, height as u32);
    encoder.set_color(colour);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::High);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(pixels));
    written.expect("a picture of matching size is written into memory");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(picture: &Picture) -> Vec<u8> {
        let base64 = picture.address.strip_prefix("data:image/png;base64,").unwrap();
        let png = STANDARD.decode(base64).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        pixels
    }

    #[test]
    fn a_sheet_holds_its_images_side_by_side() {
        let sheet = Sheet::of(Shape::new(1, 2, 1), &[&[1, 2], &[3, 4], &[5, 6], &[7, 8]]);
        assert_eq!((sheet.columns, sheet.picture.width, sheet.picture.height), (2, 4, 2));
        assert_eq!(decoded(&sheet.picture), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((sheet.size, sheet.whole), ([84, 42], [168, 84]));
        assert_eq!((sheet.place(1), sheet.place(2)), ([84, 0], [0, 42]));
    }

    #[test]
    fn no_image_is_still_a_picture() {
        assert_eq!(decoded(&Sheet::of(Shape::new(1, 1, 1), &[]).picture), [0]);
    }

    /// Noise does not compress: 100 pictures of 120x120 colours are 4.3 MB, half of them again too
    /// many, and so on.
    #[test]
    fn a_sheet_has_as_many_images_as_there_is_room() {
        let mut noise = 1u32;
        let mut pixel = || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (noise >> 24) as u8
        };
        let shape = Shape::new(120, 120, 3);
        let image: Vec<u8> = (0..shape.len()).map(|_| pixel()).collect();
        let sheet = Sheet::of(shape, &vec![&*image; 100]);
        assert!(
            (1..100).contains(&sheet.shown) && sheet.picture.address.len() <= ADDRESS_BYTES_MAX,
            "{}",
            sheet.shown
        );
        assert_eq!(Sheet::of(Shape::new(1, 1, 1), &vec![&[7][..]; 1001]).shown, 1000);
        let giant = Shape::new(2000, 2000, 3);
        assert_eq!(Sheet::of(giant, &[&vec![0; giant.len()]]).shown, 0);
    }

    #[test]
    fn colours_stay() {
        assert_eq!(decoded(&Picture::of(Shape::new(1, 1, 3), &[1, 2, 3])), [1, 2, 3]);
        assert_eq!(decoded(&Picture::of(Shape::new(1, 2, 2), &[1, 2, 3, 4])), [1, 3]);
    }
}
