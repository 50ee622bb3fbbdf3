//! PNG files of any kind as opaque grey or RGB pictures.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek};
use std::path::{Path, PathBuf};

use png::{ColorType, Decoder, DecodingError, Transformations};
use thiserror::Error;

use super::picture::Picture;

/// How a file begins.
pub const MAGIC: &[u8; 8] = b"\x89PNG\r\n\x1a\n";

/// Most pixels of a picture file: memory is bounded whatever a header claims.
pub const PIXELS_MAX: u64 = 1 << 24;

/// Why a PNG file gives no image for a model.
#[derive(Debug, Error)]
pub enum PngError {
    /// The operating system refused.
    #[error("{}: cannot be read: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Not a PNG file, or a damaged one.
    #[error("{}: not a whole PNG file ({cause}): convert or copy it again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        cause: DecodingError,
    },
    /// A palette that ends within a colour.
    #[error("{}: a palette of {bytes} bytes, which is no multiple of 3: convert the picture \
        again", path.display())]
    Palette {
        /// The file.
        path: PathBuf,
        /// Bytes of the palette.
        bytes: usize,
    },
    /// Far larger than any model's image.
    #[error(
        "{}: {width}x{height} pixels, at most {PIXELS_MAX} can be read: make it smaller",
        path.display()
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
}

/// Reads a PNG file: palettes, 1 to 16 bits, interlacing; the first picture of an animation.
///
/// Where it is transparent, white shows through, or black if what is painted is light.
///
/// # Errors
/// [`PngError::Unreadable`], [`PngError::Damaged`], [`PngError::TooLarge`].
pub fn read(path: &Path) -> Result<Picture, PngError> {
    let file =
        File::open(path).map_err(|cause| PngError::Unreadable { path: path.to_owned(), cause })?;
    decode(path, BufReader::new(file))
}

/// [`read`] from anything that gives bytes; `path` is named in messages.
///
/// # Errors
/// As [`read`].
pub fn decode(path: &Path, source: impl BufRead + Seek) -> Result<Picture, PngError> {
    let unreadable = |cause| PngError::Unreadable { path: path.to_owned(), cause };
    let damaged = |cause| match cause {
        DecodingError::IoError(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => {
            unreadable(cause)
        }
        cause => PngError::Damaged { path: path.to_owned(), cause },
    };
    let mut decoder = Decoder::new(source);
    decoder.set_transformations(Transformations::normalize_to_color8());
    let header = decoder.read_header_info().map_err(damaged)?;
    let (width, height) = (header.width, header.height);
    if width as u64 * height as u64 > PIXELS_MAX {
        return Err(PngError::TooLarge { path: path.to_owned(), width, height });
    }
    let mut reader = decoder.read_info().map_err(damaged)?;
    check_palette(path, reader.info().palette.as_deref().unwrap_or_default())?;
    let mut samples = vec![0; reader.output_buffer_size().unwrap_or_default()];
    let frame = reader.next_frame(&mut samples).map_err(damaged)?;
    samples.truncate(frame.buffer_size());
    let (channels, pixels) = opaque(frame.color_type, samples);
    Ok(Picture { height: frame.height as usize, width: frame.width as usize, channels, pixels })
}

/// Refuses a palette that ends within a colour, on which the decoder (png 0.18.1) panics.
fn check_palette(path: &Path, palette: &[u8]) -> Result<(), PngError> {
    let bytes = palette.len();
    let is_whole = bytes.is_multiple_of(3);
    if is_whole { Ok(()) } else { Err(PngError::Palette { path: path.to_owned(), bytes }) }
}

/// Values per pixel, and the pixels without transparency.
fn opaque(color: ColorType, samples: Vec<u8>) -> (usize, Vec<u8>) {
    match color {
        ColorType::Grayscale | ColorType::Indexed => (1, samples),
        ColorType::Rgb => (3, samples),
        ColorType::GrayscaleAlpha => (1, over_background::<2>(&samples)),
        ColorType::Rgba => (3, over_background::<4>(&samples)),
    }
}

/// Lays pixels of `SAMPLES` samples, the last of them alpha, over white or black, whichever
/// contrasts more.
fn over_background<const SAMPLES: usize>(samples: &[u8]) -> Vec<u8> {
    let pixels = samples.as_chunks::<SAMPLES>().0;
    let (mut painted, mut cover) = (0_u64, 0_u64);
    for pixel in pixels {
        let (alpha, values) = (pixel[SAMPLES - 1] as u64, &pixel[..SAMPLES - 1]);
        painted += alpha * values.iter().map(|value| *value as u64).sum::<u64>();
        cover += alpha * values.len() as u64;
    }
    let background = if painted > cover * 127 { 0 } else { 255 };
    let blend = |pixel: &[u8; SAMPLES], value: u8| {
        let alpha = pixel[SAMPLES - 1] as u32;
        ((value as u32 * alpha + background * (255 - alpha) + 127) / 255) as u8
    };
    pixels
        .iter()
        .flat_map(|pixel| pixel[..SAMPLES - 1].iter().map(|value| blend(pixel, *value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use png::{BitDepth, Encoder};
    use tempfile::TempDir;

    use super::*;

    /// A PNG file of 8 bits per sample or of `depth`.
    fn encode(width: u32, height: u32, color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![0, 0, 0, 10, 20, 30]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        file
    }

    fn read_bytes(bytes: &[u8]) -> Result<Picture, PngError> {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("picture.png");
        std::fs::write(&path, bytes).unwrap();
        read(&path)
    }

    fn pixels(color: ColorType, depth: BitDepth, data: &[u8]) -> (usize, Vec<u8>) {
        let picture = read_bytes(&encode(2, 1, color, depth, data)).unwrap();
        assert_eq!((picture.height, picture.width), (1, 2));
        (picture.channels, picture.pixels)
    }

    #[test]
    fn every_colour_type_is_read() {
        assert_eq!(pixels(ColorType::Grayscale, BitDepth::Eight, &[7, 9]), (1, vec![7, 9]));
        assert_eq!(pixels(ColorType::Grayscale, BitDepth::One, &[0b0100_0000]), (1, vec![0, 255]));
        assert_eq!(
            pixels(ColorType::Grayscale, BitDepth::Sixteen, &[7, 200, 9, 1]),
            (1, vec![7, 9])
        );
        assert_eq!(
            pixels(ColorType::Rgb, BitDepth::Eight, &[1, 2, 3, 4, 5, 6]),
            (3, vec![1, 2, 3, 4, 5, 6])
        );
        assert_eq!(
            pixels(ColorType::Indexed, BitDepth::Eight, &[1, 0]),
            (3, vec![10, 20, 30, 0, 0, 0])
        );
    }

    #[test]
    fn transparency_shows_what_contrasts() {
        assert_eq!(
            pixels(ColorType::GrayscaleAlpha, BitDepth::Eight, &[0, 255, 0, 0]),
            (1, vec![0, 255])
        );
        assert_eq!(
            pixels(ColorType::GrayscaleAlpha, BitDepth::Eight, &[255, 255, 0, 0]),
            (1, vec![255, 0])
        );
        let half = pixels(ColorType::Rgba, BitDepth::Eight, &[0, 0, 100, 255, 0, 0, 0, 51]);
        assert_eq!(half, (3, vec![0, 0, 100, 204, 204, 204]));
    }

    #[test]
    fn a_png_cut_at_any_byte_is_refused() {
        let file = encode(2, 2, ColorType::Rgb, BitDepth::Eight, &[9; 12]);
        // The last chunk, IEND, holds nothing: 12 bytes.
        for length in 0..file.len() - 12 {
            let error = read_bytes(&file[..length]).unwrap_err().to_string();
            assert!(error.contains("picture.png: not a whole PNG file ("), "{length}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }

    /// A file of indices with its palette replaced by one of this many bytes.
    fn with_palette(bytes: usize) -> Vec<u8> {
        let file = encode(2, 1, ColorType::Indexed, BitDepth::Eight, &[1, 0]);
        let at = file.windows(4).position(|kind| kind == b"PLTE").unwrap() - 4;
        let chunk = [&b"PLTE"[..], &vec![7; bytes]].concat();
        let checksum = infer::format::checksum(&chunk);
        let length = (bytes as u32).to_be_bytes();
        [&file[..at], &length, &chunk, &checksum.to_be_bytes(), &file[at + 12 + 6..]].concat()
    }

    #[test]
    fn a_palette_that_ends_within_a_colour_is_refused() {
        assert!(read_bytes(&with_palette(6)).is_ok() && read_bytes(&with_palette(768)).is_ok());
        for bytes in [1, 2, 769, 771, 3000] {
            assert!(read_bytes(&with_palette(bytes)).is_err(), "{bytes} bytes");
        }
        for bytes in [4, 5, 767] {
            let error = read_bytes(&with_palette(bytes)).unwrap_err().to_string();
            assert!(error.contains(&format!("picture.png: a palette of {bytes} bytes")), "{error}");
        }
    }

    #[test]
    fn another_kind_of_file_is_refused() {
        let error = read_bytes(b"GIF89a and so on").unwrap_err().to_string();
        assert!(error.contains("picture.png: not a whole PNG file ("), "{error}");
    }

    #[test]
    fn a_header_that_lies_costs_no_memory() {
        let mut file = encode(2, 2, ColorType::Rgb, BitDepth::Eight, &[9; 12]);
        // Width, height and the checksum of the first chunk.
        file[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
        let checksum = infer::format::checksum(&file[12..29]).to_be_bytes();
        file[29..33].copy_from_slice(&checksum);
        let error = read_bytes(&file).unwrap_err().to_string();
        assert!(
            error.contains("picture.png: 65535x65535 pixels, at most 16777216 can be read"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_is_named() {
        let error = read(Path::new("no/such.png")).unwrap_err().to_string();
        assert!(error.starts_with("no/such.png: cannot be read: "), "{error}");
    }
}
