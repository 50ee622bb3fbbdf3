//! Whether a network can be trained on a set of images.

use infer::Shape;
use thiserror::Error;

use super::Dataset;
use crate::network::{Input, Network};

/// Why images and network do not go together.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// Another number of values per pixel.
    #[error(
        "the images are {images}, the network's input is {network}: set channels = {} under [network.input] in a copy of the preset", images.channels
    )]
    Channels {
        /// Of the data set.
        images: Shape,
        /// Of the network.
        network: Shape,
    },
    /// The network looks beside the image.
    #[error(
        "the network's input of {network} at offset [{}, {}] lies outside of the {images} images: change [network.input] in a copy of the preset", offset[0], offset[1]
    )]
    Outside {
        /// Of the data set.
        images: Shape,
        /// Of the network.
        network: Shape,
        /// Rows and columns.
        offset: [i16; 2],
    },
    /// More classes than outputs.
    #[error(
        "the labels name {classes} classes, the network has {outputs} outputs: give its last layer {classes} units in a copy of the preset"
    )]
    Classes {
        /// Of the data set.
        classes: usize,
        /// Of the network.
        outputs: usize,
    },
}

/// Checks `network`, which ends with `outputs` values, against the images. `Ok` holds a note if the network does not
/// look at the images as a whole, although its offset does not say so.
///
/// # Errors
/// Other channels, no common pixel, or more classes than outputs: see [`FitError`].
pub fn check(network: &Network, outputs: usize, data: &Dataset) -> Result<Option<String>, FitError> {
    let (input, images) = (network.input, data.shape);
    if input.channels != images.channels {
        return Err(FitError::Channels { images, network: input.shape() });
    }
    let common = |offset: i16, length: u16, side: u16| {
        (offset as i32) < side as i32 && offset as i32 + length as i32 > 0
    };
    if !common(input.offset[0], input.height, images.height)
        || !common(input.offset[1], input.width, images.width)
    {
        return Err(FitError::Outside { images, network: input.shape(), offset: input.offset });
    }
    if data.classes > outputs {
        return Err(FitError::Classes { classes: data.classes, outputs });
    }
    Ok(note(input, images))
}

fn note(input: Input, images: Shape) -> Option<String> {
    let unexpected = input.offset == [0, 0] && input.shape() != images;
    unexpected.then(|| {
        format!(
            "the images are {images}, the network sees {} from their top left corner (see [network.input] in the preset)",
            input.shape()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    fn images(shape: Shape, classes: usize) -> Dataset {
        Dataset { shape, pixels: vec![0; shape.len()], labels: vec![classes as u8 - 1], classes }
    }

    fn tutorial_on(shape: Shape, classes: usize) -> Result<Option<String>, FitError> {
        let network = Preset::load("tutorial").unwrap().network;
        check(&network, 10, &images(shape, classes))
    }

    #[test]
    fn mnist_fits() {
        assert_eq!(tutorial_on(Shape::new(28, 28, 1), 10), Ok(None));
    }

    #[test]
    fn fewer_classes_fit() {
        assert_eq!(tutorial_on(Shape::new(28, 28, 1), 3), Ok(None));
    }

    #[test]
    fn more_classes_are_refused() {
        let error = tutorial_on(Shape::new(28, 28, 1), 26).unwrap_err().to_string();
        assert!(error.contains("the labels name 26 classes, the network has 10 outputs"), "{error}");
    }

    #[test]
    fn colour_images_need_a_colour_network() {
        let error = tutorial_on(Shape::new(32, 32, 3), 10).unwrap_err().to_string();
        assert!(
            error.contains("images are 32x32x3, the network's input is 28x28x1: set channels = 3"),
            "{error}"
        );
    }

    #[test]
    fn another_size_is_noted() {
        let note = tutorial_on(Shape::new(32, 30, 1), 10).unwrap().unwrap();
        assert!(note.contains("the images are 32x30x1, the network sees 28x28x1"), "{note}");
    }

    #[test]
    fn a_network_beside_the_image_is_refused() {
        let mut network = Preset::load("tutorial").unwrap().network;
        network.input.offset = [0, 28];
        let error = check(&network, 10, &images(Shape::new(28, 28, 1), 10)).unwrap_err().to_string();
        assert!(error.contains("at offset [0, 28] lies outside of the 28x28x1 images"), "{error}");
        network.input.offset = [-28, 0];
        assert!(check(&network, 10, &images(Shape::new(28, 28, 1), 10)).is_err());
        network.input.offset = [-27, 27];
        assert_eq!(check(&network, 10, &images(Shape::new(28, 28, 1), 10)), Ok(None));
    }
}
