//! The learning rate over the run.

use crate::recipe::Schedule;

/// Factor on the optimiser's learning rate in step `step`, from 0, of `steps` steps; above 0.
///
/// The cosine rises linearly over the first `warmup` part of the steps and falls as `(1 + cos(pi *
/// t)) / 2`, `t` being the part of the remaining steps that is done. `cos` is `libm`'s, the same
/// bits on every host.
pub fn factor(schedule: Schedule, step: usize, steps: usize) -> f64 {
    let Schedule::Cosine { warmup } = schedule else { return 1.0 };
    let rise = (warmup * steps as f64).round() as usize;
    if step < rise {
        return (step + 1) as f64 / rise as f64;
    }
    let done = (step - rise) as f64 / (steps - rise) as f64;
    0.5 * (1.0 + libm::cos(core::f64::consts::PI * done))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_constant_schedule_is_1() {
        assert_eq!([0, 7, 99].map(|step| factor(Schedule::Constant, step, 100)), [1.0; 3]);
    }

    #[test]
    fn the_cosine_rises_to_1_and_falls_to_almost_0() {
        let at = |step| factor(Schedule::Cosine { warmup: 0.2 }, step, 100);
        assert_eq!([0, 9, 19, 20].map(at), [0.05, 0.5, 1.0, 1.0]);
        assert!((at(60) - 0.5).abs() < 1e-12);
        assert!(at(99) > 0.0 && at(99) < 0.001);
        assert!((20..99).all(|step| at(step) > at(step + 1)));
    }

    #[test]
    fn a_run_may_be_all_warm_up_or_none() {
        assert_eq!(factor(Schedule::Cosine { warmup: 1.0 }, 9, 10), 1.0);
        assert_eq!(factor(Schedule::Cosine { warmup: 0.0 }, 0, 10), 1.0);
    }
}
