//! Labelled images in memory.

use infer::Shape;

/// Images with their labels, all of one shape, one image at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// Height, width and channels of every image.
    pub shape: Shape,
    /// Pixels of all images, 0 to 255: `[image][row][column][channel]`.
    pub pixels: Vec<u8>,
    /// Class of each image, 0 to `classes - 1`.
    pub labels: Vec<u8>,
    /// Number of classes: the highest label of the data directory (training and test), plus 1.
    pub classes: usize,
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
