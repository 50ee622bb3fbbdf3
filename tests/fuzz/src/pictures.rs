//! IDX and PNG files: what is read has the size it says.

use std::io::Cursor;
use std::path::Path;

use infer::Shape;

use super::data::appearance::Appearance;
use super::data::decode_idx;
use super::data::picture::Invert;
use super::data::png;

/// Reads an IDX file of images or labels; whether it is one.
///
/// # Panics
/// When the values are not as many as the dimensions say.
pub fn idx(file: &[u8]) -> bool {
    let mut read = false;
    for ranks in [&[3u8, 4][..], &[1]] {
        match decode_idx(file, ranks) {
            Ok((dimensions, values)) => {
                let expected: u64 = dimensions.iter().map(|side| *side as u64).product();
                assert_eq!(values as u64, expected);
                read = true;
            }
            Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
        }
    }
    read
}

/// Reads a PNG file and makes it into images of several shapes; whether it is one.
///
/// # Panics
/// When an image has not the shape that was asked for.
pub fn png(file: &[u8]) -> bool {
    let picture = match png::decode(Path::new("a.png"), Cursor::new(file)) {
        Ok(picture) => picture,
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            return false;
        }
    };
    assert_eq!(picture.pixels.len(), picture.height * picture.width * picture.channels);
    if picture.pixels.len() > 1 << 20 {
        return true;
    }
    let drawn = |ground, stroke, side, centre| Appearance { ground, stroke, side, centre };
    for (shape, invert, appearance) in [
        (Shape::new(28, 28, 1), Invert::Auto, drawn(0, 255, Some(20), Some([14.0, 13.5]))),
        (Shape::new(9, 30, 1), Invert::Auto, drawn(200, 9, Some(60000), None)),
        (Shape::new(7, 7, 1), Invert::Auto, drawn(9, 9, None, Some([-1e9, 1e9]))),
        (Shape::new(3, 50, 3), Invert::Yes, drawn(0, 255, None, None)),
        (Shape::new(1, 1, 1), Invert::No, drawn(0, 255, None, None)),
    ] {
        let fitted = picture
            .fit(shape, invert, Some(&appearance))
            .expect("grey and RGB are what a PNG file has");
        assert_eq!(fitted.pixels.len(), shape.len());
    }
    assert!(picture.fit(Shape::new(5, 5, 2), Invert::No, None).is_err());
    true
}
