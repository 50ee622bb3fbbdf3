//! Which training images are held out: they are not trained on, and show how training goes.

use super::random::{Purpose, Random};

/// A training set cut in two; numbers of images, in ascending order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Images that are trained on.
    pub trained: Vec<usize>,
    /// Images that are not.
    pub held_out: Vec<usize>,
    /// Whether the held-out ones were drawn from all classes, because the last ones are not like
    /// the others.
    pub drawn: bool,
}

impl Split {
    /// Holds out `count` of the images with these `labels`; all of them where there are fewer.
    ///
    /// The last images are taken where their classes are mixed as in the whole set. Images that
    /// were taken one after the other are often alike (one writer, one minute of a recording), and
    /// the last ones keep them together. Otherwise, such as in a set that is sorted by class, each
    /// class gives its share, drawn under `seed`.
    pub fn new(labels: &[u8], count: usize, seed: u64) -> Self {
        let first = labels.len() - count.min(labels.len());
        let by_class = images_by_class(labels);
        if is_like_the_whole(&by_class, labels.len(), first) {
            let (trained, held_out) = ((0..first).collect(), (first..labels.len()).collect());
            return Self { trained, held_out, drawn: false };
        }
        let mut held_out = draw(by_class, labels.len() - first, seed);
        held_out.sort_unstable();
        let trained = (0..labels.len()).filter(|image| held_out.binary_search(image).is_err());
        Self { trained: trained.collect(), held_out, drawn: true }
    }
}

/// Numbers of the images of each class that has any.
fn images_by_class(labels: &[u8]) -> Vec<Vec<usize>> {
    let mut classes = vec![Vec::new(); u8::MAX as usize + 1];
    labels.iter().enumerate().for_each(|(image, label)| classes[*label as usize].push(image));
    classes.retain(|images| !images.is_empty());
    classes
}

/// Whether the images from `first` on have their classes by chance: Pearson's statistic over the
/// classes is within five standard deviations of its mean, and every class keeps half of its
/// images.
fn is_like_the_whole(classes: &[Vec<usize>], images: usize, first: usize) -> bool {
    if first == images {
        return true;
    }
    let share = (images - first) as f64 / images as f64;
    let mut statistic = 0.0;
    for class in classes {
        let held_out = class.iter().filter(|image| **image >= first).count();
        if 2 * held_out > class.len().max(2) {
            return false;
        }
        let expected = share * class.len() as f64;
        statistic += (held_out as f64 - expected).powi(2) / (expected * (1.0 - share)).max(1e-9);
    }
    let degrees = classes.len() as f64;
    statistic <= degrees + 5.0 * (2.0 * degrees).sqrt()
}

/// From each class its share of `count`, drawn at random.
fn draw(classes: Vec<Vec<usize>>, count: usize, seed: u64) -> Vec<usize> {
    let sizes: Vec<usize> = classes.iter().map(Vec::len).collect();
    let mut random = Random::new(seed, Purpose::HeldOut);
    let drawn = classes.into_iter().zip(shares(&sizes, count)).flat_map(|(mut class, share)| {
        random.shuffle(&mut class);
        class.truncate(share);
        class
    });
    drawn.collect()
}

/// `count` shared out by the sizes of the classes: whole parts first, then the largest fractions. A
/// class gives its last image only when no other has two left.
fn shares(sizes: &[usize], count: usize) -> Vec<usize> {
    let all: usize = sizes.iter().sum();
    let mut shares: Vec<usize> = sizes.iter().map(|size| size * count / all).collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|class| std::cmp::Reverse(sizes[*class] * count % all));
    for spare in [1, 0] {
        for class in &order {
            let left = count - shares.iter().sum::<usize>();
            if left > 0 && shares[*class] + spare < sizes[*class] {
                shares[*class] += 1;
            }
        }
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataDir;

    /// Images per class among those that are held out.
    fn counts(labels: &[u8], split: &Split) -> Vec<usize> {
        let of = |class| split.held_out.iter().filter(|image| labels[**image] == class).count();
        (0..=labels.iter().copied().max().unwrap()).map(of).collect()
    }

    #[test]
    fn the_last_images_are_held_out_where_classes_are_mixed() {
        let labels: Vec<u8> = (0..240).map(|image| image % 3).collect();
        let split = Split::new(&labels, 30, 7);
        assert_eq!(split.held_out, (210..240).collect::<Vec<_>>());
        assert_eq!(split.trained, (0..210).collect::<Vec<_>>());
        assert!(!split.drawn);
    }

    #[test]
    fn of_sorted_images_each_class_gives_its_share() {
        let labels: Vec<u8> = (0..8).flat_map(|class| [class; 20]).collect();
        let split = Split::new(&labels, 26, 0);
        let counts = counts(&labels, &split);
        assert!(split.drawn && counts.iter().all(|count| [3, 4].contains(count)), "{counts:?}");
        assert_eq!((split.held_out.len(), split.trained.len()), (26, 134));
        let mut all = [split.trained.clone(), split.held_out.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..160).collect::<Vec<_>>());
        assert_eq!(split, Split::new(&labels, 26, 0));
        assert_ne!(split.held_out, Split::new(&labels, 26, 1).held_out);
    }

    #[test]
    fn small_sorted_classes_are_noticed() {
        let labels: Vec<u8> = (0..100).flat_map(|class| [class; 5]).collect();
        let split = Split::new(&labels, 83, 0);
        assert!(split.drawn && counts(&labels, &split).iter().all(|count| *count <= 1));
    }

    #[test]
    fn the_only_image_of_a_class_is_trained_on() {
        let labels: Vec<u8> = std::iter::repeat_n(0, 30).chain(1..=10).collect();
        let split = Split::new(&labels, 6, 0);
        assert_eq!(counts(&labels, &split)[1..], [0; 10]);
        assert_eq!(split.held_out.len(), 6);
    }

    #[test]
    fn any_number_can_be_asked_for() {
        let labels = [0, 0, 0, 1, 1, 2];
        for count in 0..=9 {
            let split = Split::new(&labels, count, 0);
            assert_eq!(split.held_out.len(), count.min(6));
            assert_eq!(split.trained.len(), 6 - count.min(6));
        }
        assert!(Split::new(&[], 3, 0).held_out.is_empty());
    }

    #[test]
    fn mnist_is_mixed() {
        let train = DataDir::load(&DataDir::default_path()).unwrap().train;
        assert!(!Split::new(&train.labels, 5000, 0).drawn);
    }
}
