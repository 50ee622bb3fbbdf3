//! JPEG files as grey or RGB pictures, the right way up.

use std::io::{BufRead, Seek};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::picture::Picture;
use super::png::PIXELS_MAX;

/// How a file begins.
pub const MAGIC: &[u8; 3] = &[0xff, 0xd8, 0xff];

/// Why a JPEG file gives no picture.
#[derive(Debug)]
pub enum JpegError {
    /// Not a JPEG file, or a damaged one: what the decoder says, in one line.
    Damaged(String),
    /// Far larger than any model's image: columns and rows.
    TooLarge(u32, u32),
}

/// Reads a JPEG file. What a camera says of how it was held is followed.
///
/// # Errors
/// See [`JpegError`].
pub fn decode(source: impl BufRead + Seek) -> Result<Picture, JpegError> {
    let mut decoder = JpegDecoder::new_with_options(source, options(ColorSpace::RGB));
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().ok_or_else(|| no_picture("no size"))?;
    if width as u64 * height as u64 > PIXELS_MAX {
        return Err(JpegError::TooLarge(width as u32, height as u32));
    }
    if decoder.input_colorspace() == Some(ColorSpace::Luma) {
        decoder.set_options(options(ColorSpace::Luma));
    }
    let orientation = decoder.exif().map_or(1, |exif| orientation(exif));
    let pixels = decoder.decode().map_err(damaged)?;
    let channels = pixels.len() / (width * height).max(1);
    if ![1, 3].contains(&channels) || pixels.len() != width * height * channels {
        return Err(no_picture("neither grey nor colour"));
    }
    Ok(Picture { height, width, channels, pixels }.turned(orientation))
}

/// Strict: a file that breaks off is no picture.
fn options(colours: ColorSpace) -> DecoderOptions {
    DecoderOptions::new_safe().set_strict_mode(true).jpeg_set_out_colorspace(colours)
}

fn damaged(cause: impl std::fmt::Display) -> JpegError {
    JpegError::Damaged(cause.to_string().replace('\n', " "))
}

fn no_picture(why: &str) -> JpegError {
    JpegError::Damaged(why.to_owned())
}

/// Tag of the orientation in the first directory of Exif data.
const ORIENTATION: u16 = 0x0112;

/// How the camera was held, 1 to 8 (Exif 2.3, 4.6.4 A); 1, upright, where that is not said.
fn orientation(exif: &[u8]) -> u16 {
    read_orientation(exif).filter(|value| (1..=8).contains(value)).unwrap_or(1)
}

fn read_orientation(exif: &[u8]) -> Option<u16> {
    let little = match exif.get(..2)? {
        b"II" => true,
        b"MM" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let bytes: [u8; 2] = exif.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) })
    };
    let long = |at: usize| {
        let (first, second) = (short(at)? as usize, short(at + 2)? as usize);
        Some(if little { second << 16 | first } else { first << 16 | second })
    };
    let directory = long(4)?;
    let entries = short(directory)? as usize;
    let mut places = (0..entries).map(|entry| directory + 2 + 12 * entry);
    let place = places.find(|at| short(*at) == Some(ORIENTATION))?;
    short(place + 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_orientation_is_found_in_either_byte_order() {
        let big = [&b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"[..]].concat();
        let little = [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x08\0\0\0"[..]].concat();
        assert_eq!((orientation(&big), orientation(&little)), (6, 8));
        for length in 0..big.len() {
            assert!([1, 6].contains(&orientation(&big[..length])));
        }
        assert_eq!(orientation(b"II*\0\xff\xff\xff\xff"), 1);
    }
}
