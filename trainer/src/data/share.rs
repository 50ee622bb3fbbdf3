//! Test images chosen by what they show: an image never changes sides, whatever is added to the
//! set, and equal images are on one side.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::{DataError, Dataset};

/// Cuts a set in two: an image is a test image if its hash, as a part of the largest, is below
/// `share`.
///
/// # Errors
/// A share that leaves one side empty.
pub(super) fn split(
    images: Dataset,
    share: f64,
    path: &Path,
) -> Result<(Dataset, Dataset), DataError> {
    let is_test: Vec<bool> =
        (0..images.len()).map(|index| hash(images.image(index)) < share).collect();
    let tests = is_test.iter().filter(|is_test| **is_test).count();
    if tests == 0 || tests == images.len() {
        let (path, images) = (path.to_owned(), images.len());
        return Err(DataError::Share { path, images, share, tests });
    }
    let part =
        |wanted: bool| images.of((0..images.len()).filter(|index| is_test[*index] == wanted));
    Ok((part(false), part(true)))
}

/// The SHA-256 of an image's pixels as a number from 0 to below 1.
fn hash(pixels: &[u8]) -> f64 {
    part(&Sha256::digest(pixels))
}

/// The first bytes of a digest as a number from 0 to below 1.
pub(super) fn part(digest: &[u8]) -> f64 {
    let first = digest.iter().take(4).fold(0_u32, |number, byte| number << 8 | *byte as u32);
    first as f64 / (1_u64 << 32) as f64
}
