//! Exponential moving average of all parameters, running statistics of the normalisation included.

use serde::{Deserialize, Serialize};

use super::parameters::StageParameters;

/// The average, and how many steps went into it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Average {
    /// Largest decay.
    decay: f64,
    steps: usize,
    /// The averaged parameters.
    pub stages: Vec<StageParameters>,
}

impl Average {
    /// An average that begins with `stages`.
    pub fn new(decay: f64, stages: Vec<StageParameters>) -> Self {
        Self { decay, steps: 0, stages }
    }

    /// Takes in the parameters after a step: `average = d * average + (1 - d) * value`, in step `k`
    /// (from 0) with `d = min(decay, (1 + k) / (10 + k))`, so that the first steps do not hold on
    /// to the random beginning.
    pub fn add(&mut self, stages: &[StageParameters]) {
        let step = self.steps as f64;
        let pull = (1.0 - self.decay.min((1.0 + step) / (10.0 + step))) as f32;
        for (average, now) in self.stages.iter_mut().zip(stages) {
            for (average, now) in average.runs_mut().zip(now.runs()) {
                pull_towards(average, now, pull);
            }
        }
        self.steps += 1;
    }
}

fn pull_towards(average: &mut [f32], now: &[f32], pull: f32) {
    for (average, now) in average.iter_mut().zip(now) {
        *average += pull * (now - *average);
    }
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Norm;
    use super::*;

    fn all(value: f32) -> Vec<StageParameters> {
        let norm = Norm { gamma: vec![value], mean: vec![value], variance: vec![value] };
        vec![StageParameters { rows: vec![value; 3], bias: vec![value], norm: Some(norm) }]
    }

    #[test]
    fn every_number_is_averaged_with_a_rising_decay() {
        let mut average = Average::new(0.15, all(0.0));
        // Decays: 1/10, then 2/11 cut to 0.15.
        average.add(&all(10.0));
        average.add(&all(20.0));
        let expected = 0.15 * 9.0 + 0.85 * 20.0;
        let mut numbers = average.stages[0].runs().flatten();
        assert!(numbers.all(|number| (number - expected).abs() < 1e-5));
        assert_eq!(average.stages[0].runs().flatten().count(), 7);
    }
}
