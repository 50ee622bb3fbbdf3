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
    /// Images side by side.
    pub columns: usize,
    /// Width and height of one image on the page, pixels.
    pub size: [usize; 2],
    /// Width and height of the whole picture on the page, pixels.
    pub whole: [usize; 2],
}

impl Picture {
    /// A picture of grey (one channel) or RGB (three) pixels; of other images the first channel as grey.
    pub fn of(shape: Shape, pixels: &[u8]) -> Self {
        let (width, height) = (shape.width as usize, shape.height as usize);
        let channels = shape.channels as usize;
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

/// Most bytes of pixels that a page shows, so that it stays small whatever the images are.
const PIXEL_BYTES_MAX: usize = 800_000;

/// Pixels of the page along the longer side of an image.
const SIDE_PIXELS: usize = 84;

impl Sheet {
    /// Most images of this shape that a page shows; one at least.
    pub fn most(shape: Shape) -> usize {
        (PIXEL_BYTES_MAX / shape.len()).clamp(1, IMAGES_MAX)
    }

    /// The images side by side, about as many columns as rows; a black image when there are none.
    pub fn of<'i>(shape: Shape, images: impl ExactSizeIterator<Item = &'i [u8]>) -> Self {
        let columns = images.len().isqrt().max(1);
        let rows = images.len().div_ceil(columns).max(1);
        let row_len = shape.row_len();
        let mut pixels = vec![0; columns * rows * shape.len()];
        for (index, image) in images.enumerate() {
            let (top, left) = (index / columns * shape.height as usize, index % columns * row_len);
            for (row, values) in image.chunks_exact(row_len.max(1)).enumerate() {
                pixels[(top + row) * columns * row_len + left..][..row_len].copy_from_slice(values);
            }
        }
        let sheet = Shape::new(rows as u16 * shape.height, columns as u16 * shape.width, shape.channels);
        let size = page_size(shape);
        let whole = [columns * size[0], rows * size[1]];
        Self { picture: Picture::of(sheet, &pixels), columns, size, whole }
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
        let images: [&[u8]; 4] = [&[1, 2], &[3, 4], &[5, 6], &[7, 8]];
        let sheet = Sheet::of(Shape::new(1, 2, 1), images.into_iter());
        assert_eq!((sheet.columns, sheet.picture.width, sheet.picture.height), (2, 4, 2));
        assert_eq!(decoded(&sheet.picture), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((sheet.size, sheet.whole), ([84, 42], [168, 84]));
        assert_eq!((sheet.place(1), sheet.place(2)), ([84, 0], [0, 42]));
    }

    #[test]
    fn no_image_is_still_a_picture() {
        let sheet = Sheet::of(Shape::new(1, 1, 1), std::iter::empty());
        assert_eq!(decoded(&sheet.picture), [0]);
    }

    #[test]
    fn large_images_are_fewer() {
        assert_eq!(Sheet::most(Shape::new(28, 28, 1)), 1000);
        assert_eq!(Sheet::most(Shape::new(200, 200, 3)), 6);
        assert_eq!(Sheet::most(Shape::new(4000, 4000, 3)), 1);
    }

    #[test]
    fn colours_stay() {
        assert_eq!(decoded(&Picture::of(Shape::new(1, 1, 3), &[1, 2, 3])), [1, 2, 3]);
        assert_eq!(decoded(&Picture::of(Shape::new(1, 2, 2), &[1, 2, 3, 4])), [1, 3]);
    }
}
