//! What a data set holds, counted: classes, pixels, and images that occur more than once.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::{DataDir, Dataset};

/// A data set in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// The training images.
    pub train: Part,
    /// The test images.
    pub test: Part,
    /// Test images that are training images as well, pixel by pixel.
    pub shared: usize,
    /// Training images that occur again with another label.
    pub contradictions: usize,
}

/// Training or test images in numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Images of each class.
    pub counts: Vec<usize>,
    /// The darkest pixel of all.
    pub darkest: u8,
    /// The brightest pixel of all.
    pub brightest: u8,
    /// Mean of all pixels.
    pub mean: f64,
    /// Images that are in it once more, pixel by pixel; of three equal ones two count.
    pub repeated: usize,
}

impl Survey {
    /// Counts what `data` holds. Every image is looked at.
    pub fn of(data: &DataDir) -> Self {
        let (known, repeated, contradictions) = known_images(&data.train);
        let shared = (0..data.test.len()).filter(|index| {
            let image = data.test.image(*index);
            known.get(&hash(image)).is_some_and(|same| same.contains(&image))
        });
        let (_, repeated_tests, _) = known_images(&data.test);
        Self {
            shared: shared.count(),
            train: Part { repeated, ..Part::of(&data.train) },
            test: Part { repeated: repeated_tests, ..Part::of(&data.test) },
            contradictions,
        }
    }
}

impl Part {
    /// Images.
    pub fn images(&self) -> usize {
        self.counts.iter().sum()
    }

    fn of(images: &Dataset) -> Self {
        let mut counts = vec![0; images.classes];
        images.labels.iter().for_each(|label| counts[*label as usize] += 1);
        let sum: u64 = images.pixels.iter().map(|pixel| *pixel as u64).sum();
        Self {
            counts,
            darkest: images.pixels.iter().copied().min().unwrap_or_default(),
            brightest: images.pixels.iter().copied().max().unwrap_or_default(),
            mean: sum as f64 / images.pixels.len().max(1) as f64,
            repeated: 0,
        }
    }
}

/// Images by their hash; of equal ones the first.
type Known<'d> = HashMap<u64, Vec<&'d [u8]>>;

/// The different images, how many repeat an earlier one, and how many of these have another label
/// than it.
fn known_images(images: &Dataset) -> (Known<'_>, usize, usize) {
    let mut known = Known::new();
    let mut labels = HashMap::new();
    let (mut repeated, mut contradictions) = (0, 0);
    for (index, label) in images.labels.iter().enumerate() {
        let image = images.image(index);
        let same = known.entry(hash(image)).or_default();
        match same.iter().find(|first| **first == image) {
            Some(first) => {
                repeated += 1;
                contradictions += usize::from(labels.get(&first.as_ptr()) != Some(&label));
            }
            None => {
                labels.insert(image.as_ptr(), label);
                same.push(image);
            }
        }
    }
    (known, repeated, contradictions)
}

fn hash(image: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use infer::Shape;

    use super::*;

    #[test]
    fn classes_pixels_and_repeats_are_counted() {
        let part = |pixels: &[u8], labels: &[u8]| Dataset {
            shape: Shape::new(1, 2, 1),
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
            classes: 3,
            targets: vec![],
        };
        let train = part(&[1, 2, 3, 4, 1, 2, 1, 2], &[0, 1, 0, 1]);
        let test = part(&[3, 4, 3, 4, 200, 0], &[1, 1, 2]);
        let survey = Survey::of(&DataDir {
            train,
            test,
            names: vec![],
            notes: vec![],
            scales: vec![],
            targets: vec![],
            is_labelled: true,
        });
        assert_eq!(survey.train.counts, [2, 2, 0]);
        assert_eq!((survey.train.darkest, survey.train.brightest), (1, 4));
        assert_eq!(survey.train.mean, 2.0);
        assert_eq!((survey.train.repeated, survey.contradictions), (2, 1));
        assert_eq!((survey.test.repeated, survey.shared), (1, 2));
        assert_eq!((survey.test.darkest, survey.test.brightest), (0, 200));
        assert_eq!((survey.train.images(), survey.test.images()), (4, 3));
    }
}
