//! Inputs without answers, in a NumPy array: what a model is asked about.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use infer::Shape;

use super::npy;
use super::parts::{by, scale_of};
use super::{DataError, Known};

/// Whether a file is such an array, by its name.
pub fn is_array(path: &Path) -> bool {
    path.extension().is_some_and(|end| end.eq_ignore_ascii_case("npy"))
}

/// Whether the last sides of an array of such inputs are their channels, rows and columns.
pub fn is_channels_first(sides: &[u64], input: Shape) -> bool {
    let Shape { height, width, channels } = input;
    let (first, last) =
        ([channels, height, width].map(u64::from), [height, width, channels].map(u64::from));
    sides.ends_with(&first) && !sides.ends_with(&last)
}

/// The stored bytes of inputs of the shape `input`, one after the other: an array of inputs, or a
/// single one. Values become bytes as the training data did.
///
/// # Errors
/// What is no array, or has another number of values.
pub fn read(path: &Path, input: Shape, known: &Known) -> Result<Vec<u8>, DataError> {
    let unreadable = |cause| DataError::Unreadable { path: path.to_owned(), cause };
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let damaged = |problem| DataError::Npy { path: path.to_owned(), problem };
    let array = npy::decode(file).map_err(damaged)?;
    let each: u64 = array.shape.iter().skip(1).product();
    let is_one = array.numbers.count() == input.len();
    if !is_one && each != input.len() as u64 {
        let why = format!(
            "its shape is {}: the model takes {input}, {} values for each input",
            by(&array.shape),
            input.len()
        );
        return Err(DataError::ArrayShape { path: path.to_owned(), why });
    }
    if is_channels_first(&array.shape, input) {
        let why = format!(
            "its channels come first, the model takes {input} (rows x columns x channels): save \
             np.moveaxis(x, -3, -1)"
        );
        return Err(DataError::ArrayShape { path: path.to_owned(), why });
    }
    let scale = scale_of(path, input, &array.numbers, Some(known))?;
    let values = |problem| DataError::Values { path: path.to_owned(), problem };
    Ok(array.numbers.into_pixels(&scale).map_err(values)?.values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_that_come_first_are_noticed() {
        let is_first = |sides: &[u64]| is_channels_first(sides, Shape::new(4, 5, 3));
        assert!(is_first(&[7, 3, 4, 5]) && is_first(&[3, 4, 5]));
        assert!(!is_first(&[7, 4, 5, 3]) && !is_first(&[7, 60]) && !is_first(&[]));
        // Nothing tells the two apart.
        assert!(!is_channels_first(&[7, 3, 3, 3], Shape::new(3, 3, 3)));
    }
}
