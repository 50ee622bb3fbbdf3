//! Least squares with coefficients of 0 or more: an instruction count cannot fall when a loop runs
//! longer.

/// Rounds of coordinate descent; a handful of coefficients settle long before.
const ROUNDS: usize = 20_000;

/// One measurement: how often each term occurs, and the count.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Occurrences, in the same order for all samples.
    pub terms: Vec<f64>,
    /// What was counted.
    pub count: f64,
    /// How exact the count is.
    pub uncertainty: f64,
}

/// The coefficients with the least sum of squared *relative* errors; a count's uncertainty is added
/// to the count in that ratio.
///
/// ```text
/// minimise sum over samples of ((terms . coefficients - count) / (count + uncertainty))^2
/// for coefficients >= 0
/// coordinate descent: set one coefficient at a time to its best value, or to 0 if that is negative
/// ```
pub fn coefficients(samples: &[Sample]) -> Vec<f64> {
    let count = samples.first().map_or(0, |sample| sample.terms.len());
    let weight = |sample: &Sample| (sample.count + sample.uncertainty).recip().powi(2);
    let sum =
        |value: &dyn Fn(&Sample) -> f64| samples.iter().map(|s| weight(s) * value(s)).sum::<f64>();
    let gram: Vec<Vec<f64>> = (0..count)
        .map(|i| (0..count).map(|j| sum(&|s| s.terms[i] * s.terms[j])).collect())
        .collect();
    let target: Vec<f64> = (0..count).map(|i| sum(&|s| s.terms[i] * s.count)).collect();
    let mut coefficients = vec![0.0; count];
    for _ in 0..ROUNDS {
        for i in (0..count).filter(|i| gram[*i][*i] > 0.0) {
            let others: f64 =
                (0..count).filter(|j| *j != i).map(|j| gram[i][j] * coefficients[j]).sum();
            coefficients[i] = ((target[i] - others) / gram[i][i]).max(0.0);
        }
    }
    coefficients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_found_again() {
        let sample = |a: f64, b: f64| Sample {
            terms: vec![1.0, a, b],
            count: 50.0 + 7.0 * a + 0.5 * b,
            uncertainty: 1.0,
        };
        let samples = [sample(1.0, 9.0), sample(5.0, 80.0), sample(20.0, 3.0), sample(9.0, 400.0)];
        let found = coefficients(&samples);
        let expected = [50.0, 7.0, 0.5];
        assert!(
            found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 0.01),
            "{found:?}"
        );
    }

    #[test]
    fn no_coefficient_is_negative() {
        let sample = |a: f64, count: f64| Sample { terms: vec![1.0, a], count, uncertainty: 1.0 };
        let found = coefficients(&[sample(1.0, 100.0), sample(2.0, 90.0), sample(3.0, 80.0)]);
        assert!(found[1] == 0.0 && found[0] > 80.0, "{found:?}");
    }
}
