//! The learning rate over the run.

use super::observer::EpochReport;
use crate::recipe::{Recipe, Schedule};

/// How far a run has come.
#[derive(Clone, Copy)]
pub struct Progress<'p> {
    /// The step, from 0.
    pub step: usize,
    /// Steps of the run.
    pub steps: usize,
    /// The epochs that are finished.
    pub epochs: &'p [EpochReport],
}

/// Factor on the optimiser's learning rate in a step.
///
/// The cosine rises linearly over the first `warmup` part of the steps and falls as `(1 + cos(pi *
/// t)) / 2`, `t` being the part of the remaining steps that is done. `cos` and `pow` are `libm`'s,
/// the same bits on every host. What depends on the held-out loss is worked out anew from the
/// epochs that are finished: a run that goes on needs nothing else.
pub fn factor(recipe: &Recipe, progress: Progress<'_>) -> f64 {
    match recipe.schedule {
        Schedule::Constant => 1.0,
        Schedule::Cosine { warmup } => cosine(warmup, progress.step, progress.steps),
        Schedule::Step { every, factor } => {
            libm::pow(factor, (progress.epochs.len() / every) as f64)
        }
        plateau @ Schedule::Plateau { min_learning_rate, .. } => {
            let least = min_learning_rate / recipe.optimizer.learning_rate();
            after_plateaus(plateau, progress.epochs, least)
        }
    }
}

fn cosine(warmup: f64, step: usize, steps: usize) -> f64 {
    let rise = (warmup * steps as f64).round() as usize;
    if step < rise {
        return (step + 1) as f64 / rise as f64;
    }
    let done = (step - rise) as f64 / (steps - rise) as f64;
    0.5 * (1.0 + libm::cos(core::f64::consts::PI * done))
}

/// As Keras's `ReduceLROnPlateau` goes through the epochs; at least `least`.
fn after_plateaus(schedule: Schedule, epochs: &[EpochReport], least: f64) -> f64 {
    let Schedule::Plateau { patience, factor, min_delta, cooldown, .. } = schedule else {
        return 1.0;
    };
    let (mut now, mut best) = (1.0_f64, f64::INFINITY);
    let (mut waited, mut cooling) = (0, 0_usize);
    for loss in epochs.iter().filter_map(|epoch| epoch.held_out_loss) {
        cooling = cooling.saturating_sub(1);
        if loss < best - min_delta {
            (best, waited) = (loss, 0);
        } else if cooling == 0 {
            waited += 1;
        }
        if waited >= patience {
            now = (now * factor).max(least);
            (waited, cooling) = (0, cooldown);
        }
    }
    now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::Preset;

    fn at(schedule: Schedule, step: usize, epochs: &[EpochReport]) -> f64 {
        let recipe = Recipe { schedule, ..Preset::load("tutorial").unwrap().recipe };
        factor(&recipe, Progress { step, steps: 100, epochs })
    }

    /// Epochs with these held-out losses.
    fn epochs(losses: &[f64]) -> Vec<EpochReport> {
        let report = |(index, loss): (usize, &f64)| EpochReport {
            epoch: index + 1,
            epochs: 99,
            loss: 0.0,
            accuracy: None,
            held_out_loss: Some(*loss),
            held_out_accuracy: None,
            seconds: 0.0,
        };
        losses.iter().enumerate().map(report).collect()
    }

    #[test]
    fn the_constant_schedule_is_1() {
        assert_eq!([0, 7, 99].map(|step| at(Schedule::Constant, step, &[])), [1.0; 3]);
    }

    #[test]
    fn the_cosine_rises_to_1_and_falls_to_almost_0() {
        let at = |step| at(Schedule::Cosine { warmup: 0.2 }, step, &[]);
        assert_eq!([0, 9, 19, 20].map(at), [0.05, 0.5, 1.0, 1.0]);
        assert!((at(60) - 0.5).abs() < 1e-12);
        assert!(at(99) > 0.0 && at(99) < 0.001);
        assert!((20..99).all(|step| at(step) > at(step + 1)));
    }

    #[test]
    fn a_run_may_be_all_warm_up_or_none() {
        assert_eq!(at(Schedule::Cosine { warmup: 1.0 }, 99, &[]), 1.0);
        assert_eq!(at(Schedule::Cosine { warmup: 0.0 }, 0, &[]), 1.0);
    }

    #[test]
    fn a_step_comes_after_every_so_many_epochs() {
        let step = Schedule::Step { every: 3, factor: 0.5 };
        let after = |count: usize| at(step, 7, &epochs(&vec![1.0; count]));
        assert_eq!([0, 2, 3, 5, 6, 9].map(after), [1.0, 1.0, 0.5, 0.5, 0.25, 0.125]);
    }

    /// The learning rates after each epoch are those of Keras 3.15.1's `ReduceLROnPlateau` with
    /// these losses, divided by the first.
    #[test]
    fn plateaus_are_those_of_keras() {
        let losses = [1.0, 0.9, 0.9, 0.95, 0.89995, 0.9, 0.9, 0.8, 0.85, 0.85, 0.85, 0.85, 0.85];
        let rates = |patience, cooldown, min_learning_rate| -> Vec<f64> {
            let (factor, min_delta) = (0.5, 1e-3);
            let plateau =
                Schedule::Plateau { patience, factor, min_delta, cooldown, min_learning_rate };
            (1..=losses.len()).map(|count| at(plateau, 7, &epochs(&losses[..count]))).collect()
        };
        let halved = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 4, 4];
        let powers = |halved: &[i32]| halved.iter().map(|times| 0.5_f64.powi(*times)).collect();
        let expected: Vec<f64> = powers(&halved);
        assert_eq!(rates(2, 0, 0.0), expected);
        assert_eq!(rates(2, 1, 0.0), expected);
        assert_eq!(rates(1, 2, 0.0), powers(&[0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6]));
        assert_eq!(rates(3, 0, 0.0), powers(&[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2]));
        let least: Vec<f64> = expected.iter().map(|rate| rate.max(0.2)).collect();
        assert_eq!(rates(2, 0, 0.0002), least);
    }
}
