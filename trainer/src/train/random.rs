//! Random numbers: one generator, one stream per purpose, so that a seed means the same everywhere.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// What random numbers are drawn for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Weights,
    /// Choice of the images that are held out.
    HeldOut,
    /// Order of the images in an epoch.
    Order {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// Distortion of an image in an epoch.
    Distortion {
        /// The epoch, from 1.
        epoch: usize,
        /// Number of the image in its data set, below 2^32.
        image: usize,
    },
    /// Values of an image that a stage leaves out in an epoch.
    Dropout {
        /// The epoch, from 1.
        epoch: usize,
        /// Number of the image in its data set, below 2^32.
        image: usize,
        /// Number of the stage.
        stage: usize,
    },
}

/// Units that are made of one call of the generator, which makes 64 words at once.
const UNITS_AT_ONCE: usize = 256;

/// Random numbers of a seed for one purpose.
pub struct Random(ChaCha8Rng);

impl Random {
    /// The stream of `purpose` under `seed`.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        let seed = match purpose {
            // Streams number epochs and images; so each stage has a seed of its own.
            Purpose::Dropout { stage, .. } => seed.wrapping_add((stage as u64 + 1) << 32),
            _ => seed,
        };
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(match purpose {
            Purpose::Weights => 0,
            // Above all distortions: epochs are below 2^31.
            Purpose::HeldOut => u64::MAX,
            Purpose::Order { epoch } => epoch as u64,
            // Above all orders: epochs are below 2^32.
            Purpose::Distortion { epoch, image } | Purpose::Dropout { epoch, image, .. } => {
                (epoch as u64) << 32 | image as u64
            }
        });
        Self(generator)
    }

    /// Evenly from 0 (included) to 1 (not included), in steps of 2^-24.
    pub fn unit(&mut self) -> f32 {
        unit_of(self.0.next_u32())
    }

    /// As many [units](Self::unit) as fit into `units`, all at once.
    pub fn fill_units(&mut self, units: &mut [f32]) {
        let mut bytes = [0; 4 * UNITS_AT_ONCE];
        for units in units.chunks_mut(UNITS_AT_ONCE) {
            let bytes = &mut bytes[..4 * units.len()];
            self.0.fill_bytes(bytes);
            for (unit, bytes) in units.iter_mut().zip(bytes.as_chunks().0) {
                *unit = unit_of(u32::from_le_bytes(*bytes));
            }
        }
    }

    /// Two independent values of the standard normal distribution (Box and Muller).
    pub fn normal_pair(&mut self) -> [f32; 2] {
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.unit()));
        let angle = core::f32::consts::TAU * self.unit();
        [radius * libm::cosf(angle), radius * libm::sinf(angle)]
    }

    /// Evenly from `0..count`; `count` is 1 or more.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.0.next_u64() as u128 * count as u128) >> 64) as usize
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle(&mut self, items: &mut [usize]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// The upper 24 bits of a random word, as a number from 0 (included) to 1 (not included).
fn unit_of(word: u32) -> f32 {
    (word >> 8) as f32 / (1 << 24) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_at_once_are_those_one_by_one() {
        let random = || Random::new(7, Purpose::Dropout { epoch: 1, image: 2, stage: 3 });
        for count in [0, 1, 63, 64, 65, 256, 257, 1000] {
            let (mut at_once, mut one_by_one) = (random(), random());
            let mut units = vec![f32::NAN; count];
            at_once.fill_units(&mut units);
            assert!(units.iter().all(|unit| *unit == one_by_one.unit()), "{count}");
            assert_eq!(at_once.unit(), one_by_one.unit(), "after {count}");
        }
    }
}
