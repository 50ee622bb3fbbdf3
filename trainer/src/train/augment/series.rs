//! Random changes of series, whose rows are moments and whose channels are sensors: time shift,
//! scale and jitter, in this order.
//!
//! ```text
//! row of the input = row of the series, shifted; beyond its ends the first or the last row
//! value            = mean + factor of the channel * (value - mean) + noise, from 0 to 1
//! ```

use infer::Shape;

use super::picture::add_noise;
use crate::data::Dataset;
use crate::inputs::PIXEL_MAX;
use crate::network::Input;
use crate::recipe::AugmentSeries;
use crate::train::random::{Purpose, Random};

/// Changes series of one shape into the part of the network's input that is read.
#[derive(Clone, Debug)]
pub struct Distorter {
    recipe: AugmentSeries,
    part: Shape,
    /// Row and column of the series of the part's first.
    first: [i64; 2],
}

impl Distorter {
    /// For the part of `input` that begins at `origin` and has the shape `part`.
    pub fn new(recipe: AugmentSeries, input: Input, part: Shape, origin: [usize; 2]) -> Self {
        let first = [0, 1].map(|axis| input.offset[axis] as i64 + origin[axis] as i64);
        Self { recipe, part, first }
    }

    /// What changes series of `series` with random numbers of `(seed, epoch, number)`.
    pub fn placer<'p>(&'p self, series: &'p Dataset, seed: u64, epoch: usize) -> Placer<'p> {
        Placer { distorter: self, series, seed, epoch }
    }
}

/// Changes one series after the other.
pub struct Placer<'p> {
    distorter: &'p Distorter,
    series: &'p Dataset,
    seed: u64,
    epoch: usize,
}

impl Placer<'_> {
    /// Writes series `index`, changed.
    pub fn place(&mut self, index: usize, out: &mut [f32]) {
        let AugmentSeries { jitter, scale, time_shift } = self.distorter.recipe;
        let purpose = Purpose::Distortion { epoch: self.epoch, image: index };
        let mut random = Random::new(self.seed, purpose);
        let shift = random.below(2 * time_shift + 1) as i64 - time_shift as i64;
        let pixels = self.series.image(index);
        self.copy(pixels, shift, out);
        if scale > 0.0 {
            self.scale(pixels, scale as f32, &mut random, out);
        }
        add_noise(jitter as f32, &mut random, out);
    }

    /// Writes the rows, shifted.
    fn copy(&self, pixels: &[u8], shift: i64, out: &mut [f32]) {
        let (Distorter { part, first, .. }, shape) = (self.distorter, self.series.shape);
        let channels = part.channels as usize;
        let rows = 0..shape.height as i64;
        for (row, out) in (first[0]..).zip(out.chunks_exact_mut(part.row_len())) {
            let from = (row + shift).clamp(0, rows.end - 1);
            for (column, out) in (first[1]..).zip(out.chunks_exact_mut(channels)) {
                if !rows.contains(&row) || !(0..shape.width as i64).contains(&column) {
                    out.fill(0.0);
                    continue;
                }
                let at = (from * shape.width as i64 + column) as usize * channels;
                for (value, pixel) in out.iter_mut().zip(&pixels[at..at + channels]) {
                    *value = *pixel as f32 / PIXEL_MAX;
                }
            }
        }
    }

    /// Moves the values of each channel away from their mean over the whole series, or towards it.
    fn scale(&self, pixels: &[u8], most: f32, random: &mut Random, out: &mut [f32]) {
        let channels = self.series.shape.channels as usize;
        for channel in 0..channels {
            let factor = 1.0 + (2.0 * random.unit() - 1.0) * most;
            let values = pixels.iter().skip(channel).step_by(channels);
            let sum: u64 = values.map(|pixel| *pixel as u64).sum();
            let mean = sum as f32 / (pixels.len() / channels) as f32 / PIXEL_MAX;
            for value in out.iter_mut().skip(channel).step_by(channels) {
                *value = (mean + factor * (*value - mean)).clamp(0.0, 1.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INPUT: Input = Input { height: 6, width: 1, channels: 2, offset: [0, 0] };

    /// One series: a ramp from 100 to 150, and a constant 40.
    fn series() -> Dataset {
        Dataset {
            shape: Shape::new(6, 1, 2),
            pixels: (0..6).flat_map(|row| [100 + 10 * row, 40]).collect(),
            labels: vec![0],
            classes: 1,
            targets: vec![],
        }
    }

    fn changed(recipe: AugmentSeries, epoch: usize) -> Vec<f32> {
        let (series, mut out) = (series(), vec![f32::NAN; 12]);
        let distorter = Distorter::new(recipe, INPUT, INPUT.shape(), [0, 0]);
        distorter.placer(&series, 7, epoch).place(0, &mut out);
        out.iter().map(|value| value * 255.0).collect()
    }

    fn channel(values: &[f32], channel: usize) -> Vec<f32> {
        values.iter().skip(channel).step_by(2).copied().collect()
    }

    #[test]
    fn without_a_change_it_is_the_series() {
        let values = changed(AugmentSeries::default(), 1);
        let pixels = series().pixels;
        assert!(
            values.iter().zip(pixels).all(|(value, pixel)| (value - pixel as f32).abs() < 1e-4)
        );
    }

    #[test]
    fn a_shift_in_time_repeats_the_ends() {
        let recipe = AugmentSeries { time_shift: 2, ..AugmentSeries::default() };
        let mut found: Vec<Vec<i32>> = (1..60)
            .map(|epoch| channel(&changed(recipe, epoch), 0))
            .map(|values| values.iter().map(|value| value.round() as i32).collect())
            .collect();
        found.sort();
        found.dedup();
        let expected = [
            [100, 100, 100, 110, 120, 130],
            [100, 100, 110, 120, 130, 140],
            [100, 110, 120, 130, 140, 150],
            [110, 120, 130, 140, 150, 150],
            [120, 130, 140, 150, 150, 150],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_scale_moves_values_from_their_mean() {
        let recipe = AugmentSeries { scale: 0.5, ..AugmentSeries::default() };
        let mut factors = vec![];
        for epoch in 1..40 {
            let values = changed(recipe, epoch);
            assert!(channel(&values, 1).iter().all(|value| (value - 40.0).abs() < 1e-3));
            let ramp = channel(&values, 0);
            let factor = (ramp[5] - ramp[0]) / 50.0;
            assert!((ramp.iter().sum::<f32>() / 6.0 - 125.0).abs() < 1e-3);
            assert!((0.5..=1.5).contains(&factor), "{factor}");
            factors.push(factor);
        }
        assert!(factors.iter().any(|factor| *factor < 0.8), "{factors:?}");
        assert!(factors.iter().any(|factor| *factor > 1.2), "{factors:?}");
    }

    #[test]
    fn jitter_has_its_deviation() {
        let recipe = AugmentSeries { jitter: 0.02, ..AugmentSeries::default() };
        let errors: Vec<f32> = (1..200)
            .flat_map(|epoch| channel(&changed(recipe, epoch), 1))
            .map(|value| (value - 40.0) / 255.0)
            .collect();
        let count = errors.len() as f32;
        let mean = errors.iter().sum::<f32>() / count;
        let deviation = (errors.iter().map(|error| error * error).sum::<f32>() / count).sqrt();
        assert!(mean.abs() < 0.002 && (deviation - 0.02).abs() < 0.002, "{mean} {deviation}");
    }
}
