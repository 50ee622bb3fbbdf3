//! The learning rate over a run.

use crate::recipe::Schedule;

/// Factor on the learning rate in step `step` of `steps`, counted from 0.
///
/// Cosine: `(step + 1) / warm` while `step < warm`, then `(1 + cos(pi * t)) / 2` with `t` rising from 0 to 1.
pub fn factor(schedule: Schedule, step: usize, steps: usize) -> f64 {
    let Schedule::Cosine { warmup } = schedule else { return 1.0 };
    let warm = (warmup * steps as f64).round();
    let step = step as f64;
    if step < warm {
        return (step + 1.0) / warm;
    }
    let rest = (steps as f64 - warm).max(1.0);
    0.5 * (1.0 + libm::cos(core::f64::consts::PI * (step - warm) / rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_rises_to_one_and_falls_to_zero() {
        let schedule = Schedule::Cosine { warmup: 0.2 };
        let factors: Vec<f64> = (0..100).map(|step| factor(schedule, step, 100)).collect();
        assert_eq!(factors[0], 0.05);
        assert_eq!((factors[19], factors[20]), (1.0, 1.0));
        assert!((factors[60] - 0.5).abs() < 1e-12);
        assert!(factors[99] < 0.001 && factors.windows(2).skip(20).all(|pair| pair[1] < pair[0]));
        assert_eq!(factor(Schedule::Constant, 7, 100), 1.0);
    }
}
