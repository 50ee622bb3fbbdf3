//! Files of images and pictures: what is read has the size it says.

use std::fmt::Display;
use std::io::Cursor;
use std::path::Path;

use infer::Shape;

use super::data::appearance::Appearance;
use super::data::elements::Numbers;
use super::data::picture::{Invert, Look};
use super::data::reading::Resize;
use super::data::{decode_idx, npy, npz, picture_file};

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
                assert_eq!(values.count() as u64, expected);
                numbers(values);
                read = true;
            }
            Err(error) => _ = refused(error),
        }
    }
    read
}

/// Reads NumPy's arrays, one or an archive of them; whether there is one.
///
/// # Panics
/// When the values are not as many as the shape says.
pub fn arrays(file: &[u8]) -> bool {
    if !file.starts_with(npz::MAGIC) {
        return array(npy::decode(file));
    }
    let archive = match npz::Npz::new(file) {
        Ok(archive) => archive,
        Err(error) => return refused(error),
    };
    let names = match archive.names() {
        Ok(names) => names,
        Err(error) => return refused(error),
    };
    let read = |name: &String| match archive.array(name) {
        Ok(found) => found.is_some_and(|found| array(Ok(found))),
        Err(error) => refused(error),
    };
    names.iter().take(20).filter(|name| read(name)).count() > 0
}

fn array(read: Result<npy::Array, npy::NpyError>) -> bool {
    match read {
        Ok(array) => {
            assert_eq!(array.numbers.count() as u64, array.shape.iter().product::<u64>());
            numbers(array.numbers);
            true
        }
        Err(error) => refused(error),
    }
}

/// Makes numbers into pixels and labels where they can be.
fn numbers(numbers: Numbers) {
    let count = numbers.count();
    if let Ok(labels) = numbers.clone().into_labels() {
        assert_eq!(labels.len(), count);
    }
    if let Ok(scale) = numbers.scale(3) {
        let pixels = numbers.into_pixels(&scale).expect("the scale is that of the numbers");
        assert_eq!(pixels.values.len(), count);
    }
}

/// No file: said in one line.
fn refused(error: impl Display) -> bool {
    assert!(!error.to_string().contains('\n'), "{error}");
    false
}

/// Reads a PNG or a JPEG file and makes it into images of several shapes; whether it is one.
///
/// # Panics
/// When an image has another shape than was asked for.
pub fn picture(file: &[u8]) -> bool {
    let picture = match picture_file::decode(Path::new("a.png"), Cursor::new(file)) {
        Ok(picture) => picture,
        Err(error) => return refused(error),
    };
    assert_eq!(picture.pixels.len(), picture.height * picture.width * picture.channels);
    if picture.pixels.len() > 1 << 20 {
        return true;
    }
    let drawn = |ground, stroke, side, centre| {
        let appearance = Some(Appearance { ground, stroke, side, centre });
        Look { appearance, resize: Resize::Bilinear }
    };
    for (shape, invert, look) in [
        (Shape::new(28, 28, 1), Invert::Auto, drawn(0, 255, Some(20), Some([14.0, 13.5]))),
        (Shape::new(9, 30, 1), Invert::Auto, drawn(200, 9, Some(60000), None)),
        (Shape::new(7, 7, 1), Invert::Auto, drawn(9, 9, None, Some([-1e9, 1e9]))),
        (Shape::new(3, 50, 3), Invert::Yes, drawn(0, 255, None, None)),
        (Shape::new(1, 1, 1), Invert::No, drawn(0, 255, None, None)),
    ] {
        let fitted =
            picture.fit(shape, invert, &look).expect("grey and RGB are what a PNG file has");
        assert_eq!(fitted.pixels.len(), shape.len());
    }
    for resize in [Resize::Exact, Resize::Nearest, Resize::Area, Resize::Bilinear] {
        assert_eq!(picture.plain(Shape::new(4, 6, 3), resize).len(), 72);
    }
    assert!(picture.fit(Shape::new(5, 5, 2), Invert::No, &Look::default()).is_err());
    true
}
