//! Where a network looks on the images.

use infer::Shape;
use thiserror::Error;

use crate::network::Input;

/// Why images and network do not go together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// The network looks beside the image.
    #[error(
        "the network's input of {network} at offset [{}, {}] lies outside of the {images} images: \
            change [network.input] in a copy of the preset", offset[0], offset[1]
    )]
    Outside {
        /// Of the data set.
        images: Shape,
        /// Of the network.
        network: Shape,
        /// Rows and columns.
        offset: [i16; 2],
    },
}

/// Checks where the network's input lies on the images. `Ok` holds a note if the network does not
/// look at the images as a whole, although its offset does not say so. (Channels and classes are
/// checked where training begins.)
///
/// # Errors
/// [`FitError::Outside`] when network and image have no pixel in common.
pub fn check(input: Input, images: Shape) -> Result<Option<String>, FitError> {
    let common = |offset: i16, length: u16, side: u16| {
        (offset as i32) < side as i32 && offset as i32 + length as i32 > 0
    };
    let [row, column] = input.offset;
    if !common(row, input.height, images.height) || !common(column, input.width, images.width) {
        return Err(FitError::Outside { images, network: input.shape(), offset: input.offset });
    }
    Ok(note(input, images))
}

fn note(input: Input, images: Shape) -> Option<String> {
    let size = (images.height, images.width);
    let unexpected = input.offset == [0, 0] && (input.height, input.width) != size;
    unexpected.then(|| {
        format!(
            "the images are {images}, the network sees {} from their top left corner (see \
                [network.input] in the preset)",
            input.shape()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MNIST: Shape = Shape::new(28, 28, 1);

    fn at(offset: [i16; 2]) -> Input {
        Input { height: 28, width: 28, channels: 1, offset }
    }

    #[test]
    fn the_same_size_fits() {
        assert_eq!(check(at([0, 0]), MNIST), Ok(None));
    }

    #[test]
    fn another_size_is_noted() {
        let note = check(at([0, 0]), Shape::new(32, 30, 1)).unwrap().unwrap();
        assert!(note.contains("the images are 32x30x1, the network sees 28x28x1"), "{note}");
    }

    #[test]
    fn an_offset_is_a_choice() {
        assert_eq!(check(at([2, 2]), Shape::new(32, 32, 1)), Ok(None));
    }

    #[test]
    fn a_network_beside_the_image_is_refused() {
        let error = check(at([0, 28]), MNIST).unwrap_err().to_string();
        assert!(error.contains("at offset [0, 28] lies outside of the 28x28x1 images"), "{error}");
        assert!(check(at([-28, 0]), MNIST).is_err());
        assert_eq!(check(at([-27, 27]), MNIST), Ok(None));
    }
}
