//! The end of a run whose held-out loss has stopped falling, as Keras's `EarlyStopping` with
//! `restore_best_weights`.

use serde::{Deserialize, Serialize};

use super::observer::EpochReport;
use super::parameters::StageParameters;
use crate::recipe::EarlyStopping;

/// The best epoch so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number, from 1.
    pub epoch: usize,
    /// The parameters at its end: those that would be exported.
    pub stages: Vec<StageParameters>,
}

/// The last epoch, from 1, whose held-out loss is better than all before it; 0 where there is none.
pub fn best_epoch(rule: EarlyStopping, epochs: &[EpochReport]) -> usize {
    let (mut best, mut least) = (0, f64::INFINITY);
    for (epoch, loss) in epochs.iter().filter_map(|epoch| Some((epoch.epoch, epoch.held_out_loss?)))
    {
        if loss < least - rule.min_delta {
            (best, least) = (epoch, loss);
        }
    }
    best
}

/// Whether the run ends after these epochs.
pub fn is_over(rule: EarlyStopping, epochs: &[EpochReport]) -> bool {
    epochs.len() - best_epoch(rule, epochs) >= rule.patience
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: EarlyStopping = EarlyStopping { patience: 2, min_delta: 0.01 };

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
    fn the_best_epoch_is_better_by_more_than_the_least_difference() {
        assert_eq!(best_epoch(RULE, &epochs(&[1.0, 0.995, 0.98, 0.985, 0.5])), 5);
        assert_eq!(best_epoch(RULE, &epochs(&[1.0, 0.995, 0.98, 0.985])), 3);
        assert_eq!(best_epoch(RULE, &epochs(&[1.0, 0.995])), 1);
        assert_eq!(best_epoch(RULE, &epochs(&[f64::NAN, 2.0])), 2);
        assert_eq!(best_epoch(RULE, &[]), 0);
    }

    #[test]
    fn a_run_ends_when_it_has_waited() {
        let losses = [1.0, 0.9, 0.92, 0.8, 0.81, 0.795, 0.7];
        let over: Vec<bool> =
            (1..=losses.len()).map(|count| is_over(RULE, &epochs(&losses[..count]))).collect();
        assert_eq!(over, [false, false, false, false, false, true, false]);
    }
}
