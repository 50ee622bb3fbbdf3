//! Labelled images in memory.

use std::borrow::Cow;

use infer::Shape;

/// Parts of equal size that real values are sorted into.
const STRATA: usize = 10;

/// Images with their labels, all of one shape, one image at least.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Height, width and channels of every image.
    pub shape: Shape,
    /// Pixels of all images, 0 to 255: `[image][row][column][channel]`.
    pub pixels: Vec<u8>,
    /// Class of each image, 0 to `classes - 1`.
    pub labels: Vec<u8>,
    /// Number of classes: the highest label of the data directory (training and test), plus 1.
    pub classes: usize,
    /// Real values that belong to each image, `[image][value]`, scaled: see
    /// [`Target`](super::target::Target); empty where labels are all there is.
    pub targets: Vec<f32>,
}

impl Dataset {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image at all; never after [`super::DataDir::load`].
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of image `index`, `[row][column][channel]`.
    ///
    /// # Panics
    /// When `index` is not below [`Dataset::len`].
    pub fn image(&self, index: usize) -> &[u8] {
        let values = self.shape.len();
        &self.pixels[index * values..][..values]
    }

    /// Real values of an image.
    pub fn targets_per_image(&self) -> usize {
        self.targets.len() / self.len().max(1)
    }

    /// Real values that belong to image `index`; none where labels are all there is.
    ///
    /// # Panics
    /// When `index` is not below [`Dataset::len`].
    pub fn targets_of(&self, index: usize) -> &[f32] {
        let values = self.targets_per_image();
        &self.targets[index * values..][..values]
    }

    /// Some of the images, in the order given.
    ///
    /// # Panics
    /// As [`Dataset::image`].
    pub fn of(&self, chosen: impl Iterator<Item = usize> + Clone) -> Self {
        let pixels: Vec<&[u8]> = chosen.clone().map(|image| self.image(image)).collect();
        let targets: Vec<&[f32]> = chosen.clone().map(|image| self.targets_of(image)).collect();
        Self {
            pixels: pixels.concat(),
            labels: chosen.map(|image| self.labels[image]).collect(),
            targets: targets.concat(),
            ..*self
        }
    }

    /// What a part of the images must be like the whole in: their labels, or, of real values, the
    /// tenth of all in which an image's first value lies.
    pub fn strata(&self) -> Cow<'_, [u8]> {
        if self.targets.is_empty() {
            return Cow::Borrowed(&self.labels);
        }
        let first = |image: &usize| self.targets_of(*image)[0];
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.sort_by(|one, two| first(one).total_cmp(&first(two)));
        let mut strata = vec![0; self.len()];
        for (rank, image) in order.iter().enumerate() {
            strata[*image] = (rank * STRATA / order.len()) as u8;
        }
        Cow::Owned(strata)
    }

    /// Rows and columns of every image exchanged.
    pub fn transposed(self) -> Self {
        let Shape { height, width, channels } = self.shape;
        let (rows, columns, values) = (height as usize, width as usize, channels as usize);
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for image in self.pixels.chunks_exact(self.shape.len()) {
            for column in 0..columns {
                for row in 0..rows {
                    pixels.extend_from_slice(&image[(row * columns + column) * values..][..values]);
                }
            }
        }
        Self { shape: Shape::new(width, height, channels), pixels, ..self }
    }
}
