//! How far figures from a finite number of images can be trusted: intervals, tests, calibration.

use std::f64::consts::LN_2;

/// Standard normal quantile of a two-sided 95 % interval.
const Z_95: f64 = 1.959_963_984_540_054;

/// Lower and upper end of an interval, as shares of 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Wilson's 95 % interval of a share of which `part` of `whole` were seen; 0 to 1 when nothing was.
///
/// `(p + z^2/2n ± z sqrt(p (1 - p) / n + z^2/4n^2)) / (1 + z^2/n)` with `p = part / n`, `n =
/// whole`, `z` = 1.96 (E. B. Wilson, J. Am. Stat. Assoc. 22, 1927). Unlike the normal approximation
/// it holds near 0 and 1.
pub fn wilson(part: usize, whole: usize) -> Interval {
    if whole == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let (share, count) = (part as f64 / whole as f64, whole as f64);
    let square = Z_95 * Z_95 / count;
    let half = Z_95 * (share * (1.0 - share) / count + square / (4.0 * count)).sqrt();
    let (centre, scale) = (share + square / 2.0, 1.0 + square);
    Interval {
        low: if part == 0 { 0.0 } else { (centre - half) / scale },
        high: if part == whole { 1.0 } else { (centre + half) / scale },
    }
}

/// McNemar's test of two models on the same images: `first` counts the images only the first gets
/// right, `second` those only the second does. Images that both get right or wrong say nothing
/// about which is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct McNemar {
    /// Two-sided exact p: how probable a split at least as uneven is if both models are equally
    /// good.
    pub exact: f64,
    /// Two-sided mid-p: as `exact`, but the observed split counts half. The exact test is too
    /// cautious with few images.
    pub mid: f64,
}

/// `exact = 2 P(X <= k)`, `mid = 2 (P(X < k) + P(X = k) / 2)`, both at most 1, with `k = min(first,
/// second)` and `X` binomial of `first + second` throws of a fair coin (Q. McNemar, Psychometrika
/// 12, 1947; M. W. Fagerland et al., BMC Med. Res. Methodol. 13:91, 2013).
pub fn mcnemar(first: usize, second: usize) -> McNemar {
    let (all, least) = (first + second, first.min(second));
    let below: f64 = (0..least).map(|count| fair_coin(all, count)).sum();
    let observed = fair_coin(all, least);
    McNemar { exact: (2.0 * (below + observed)).min(1.0), mid: (2.0 * below + observed).min(1.0) }
}

/// Probability of `heads` heads in `throws` throws; by logarithms, since 2^-throws itself is too
/// small from 1,075 on.
fn fair_coin(throws: usize, heads: usize) -> f64 {
    let ln_factorial = |count: usize| libm::lgamma(count as f64 + 1.0);
    let ln_ways = ln_factorial(throws) - ln_factorial(heads) - ln_factorial(throws - heads);
    libm::exp(ln_ways - throws as f64 * LN_2)
}

/// The value that the share `part`, 0 to 1, of some values are not above: of n values in order the
/// one at ceil(part n), from 1; 0 of none.
pub fn quantile(values: &[f32], part: f64) -> f32 {
    let mut ordered = values.to_vec();
    ordered.sort_by(f32::total_cmp);
    let rank = (part * ordered.len() as f64).ceil() as usize;
    ordered.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}

/// Share of the pairs of a usual and an unusual value of which the unusual one is greater; equal
/// ones count half. That is the area under the curve of unusual values found over usual ones called
/// unusual (J. A. Hanley and B. J. McNeil, Radiology 143, 1982). `None` where either is empty.
pub fn area_under_curve(usual: &[f32], unusual: &[f32]) -> Option<f64> {
    let mut ordered: Vec<(f32, bool)> = usual.iter().map(|value| (*value, false)).collect();
    ordered.extend(unusual.iter().map(|value| (*value, true)));
    ordered.sort_by(|one, two| one.0.total_cmp(&two.0));
    let (mut below, mut pairs) = (0, 0.0);
    for equal in ordered.chunk_by(|one, two| one.0 == two.0) {
        let found = equal.iter().filter(|(_, is_unusual)| *is_unusual).count();
        let alarms = equal.len() - found;
        pairs += found as f64 * (below as f64 + alarms as f64 / 2.0);
        below += alarms;
    }
    let all = usual.len() as f64 * unusual.len() as f64;
    (all > 0.0).then(|| pairs / all)
}

/// Bins of [`Reliability`].
pub const BINS: usize = 10;

/// How well the probability a model gives its answers matches how often they are right.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reliability {
    /// `bins[i]` holds the answers with a probability from `i / BINS` to `(i + 1) / BINS`.
    pub bins: [Bin; BINS],
}

/// Answers of about the same probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// How many.
    pub answers: usize,
    /// How many of them are right.
    pub right: usize,
    /// Sum of their probabilities.
    pub probability_sum: f64,
}

impl Reliability {
    /// Sorts answers into bins: for each its probability (0 to 1) and whether it is right.
    pub fn of(answers: impl Iterator<Item = (f64, bool)>) -> Self {
        let mut bins = [Bin::default(); BINS];
        for (probability, right) in answers {
            let bin = &mut bins[((probability * BINS as f64) as usize).min(BINS - 1)];
            bin.answers += 1;
            bin.right += right as usize;
            bin.probability_sum += probability;
        }
        Self { bins }
    }

    /// Expected calibration error: the mean over all answers of their bin's |share right - mean
    /// probability| (C. Guo et al., ICML 2017); 0 without answers.
    pub fn expected_calibration_error(&self) -> f64 {
        let answers: usize = self.bins.iter().map(|bin| bin.answers).sum();
        let gaps: f64 =
            self.bins.iter().map(|bin| (bin.right as f64 - bin.probability_sum).abs()).sum();
        gaps / answers.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64) -> bool {
        (found - expected).abs() < 5e-6
    }

    #[test]
    fn quantiles_by_hand() {
        let values = [0.4, 0.1, 0.3, 0.2];
        assert_eq!(
            [0.5, 0.51, 0.99, 1.0].map(|part| quantile(&values, part)),
            [0.2, 0.3, 0.4, 0.4]
        );
        assert_eq!(quantile(&[], 0.5), 0.0);
    }

    /// By hand: of six pairs, 2 > 1, 2 = 2 (half), 2 < 3, and 4 above all three: 4.5 of 6.
    #[test]
    fn an_area_by_hand() {
        assert_eq!(area_under_curve(&[1.0, 2.0, 3.0], &[2.0, 4.0]), Some(0.75));
        assert_eq!(area_under_curve(&[1.0, 2.0], &[3.0]), Some(1.0));
        assert_eq!(area_under_curve(&[1.0], &[]), None);
    }

    /// By hand: n = 10, p = 0.8, z^2 = 3.841459: centre (0.8 + 0.1920729) / 1.3841459 = 0.7167401,
    /// half width 1.959964 * sqrt(0.016 + 0.0096036) / 1.3841459 = 0.2265766.
    #[test]
    fn wilson_by_hand() {
        let interval = wilson(8, 10);
        assert!(close(interval.low, 0.490_162), "{interval:?}");
        assert!(close(interval.high, 0.943_318), "{interval:?}");
    }

    /// If nothing is wrong in n images, the lower end is n / (n + z^2): 10 / 13.841459.
    #[test]
    fn wilson_at_the_ends() {
        let all = wilson(10, 10);
        assert!(close(all.low, 0.722_467) && all.high == 1.0, "{all:?}");
        let none = wilson(0, 10);
        assert!(none.low == 0.0 && close(none.high, 0.277_533), "{none:?}");
        assert_eq!(wilson(0, 0), Interval { low: 0.0, high: 1.0 });
    }

    /// By hand: 10 throws, 2 or fewer heads: (1 + 10 + 45) / 1024; twice that is 112 / 1024, less
    /// 45 / 1024 for mid-p.
    #[test]
    fn mcnemar_by_hand() {
        for (first, second) in [(2, 8), (8, 2)] {
            let test = mcnemar(first, second);
            assert!(close(test.exact, 112.0 / 1024.0), "{test:?}");
            assert!(close(test.mid, 67.0 / 1024.0), "{test:?}");
        }
        let test = mcnemar(0, 5);
        assert!(close(test.exact, 2.0 / 32.0) && close(test.mid, 1.0 / 32.0), "{test:?}");
    }

    #[test]
    fn mcnemar_sees_no_difference_in_an_even_split() {
        for count in [0, 1, 7, 3000] {
            let test = mcnemar(count, count);
            assert!(
                test.exact <= 1.0 && close(test.exact, 1.0) && close(test.mid, 1.0),
                "{count}: {test:?}"
            );
        }
    }

    /// Far in the tail the numbers stay numbers: 5,000 throws with 2,300 heads are 5.66 standard
    /// deviations away.
    #[test]
    fn mcnemar_holds_for_thousands() {
        let test = mcnemar(2300, 2700);
        assert!(test.exact > 1e-8 && test.exact < 2e-8 && test.mid < test.exact, "{test:?}");
    }

    /// Two answers at 0.95 of which one is right, and two at 0.55 that are right: (|1 - 1.9| + |2 -
    /// 1.1|) / 4.
    #[test]
    fn calibration_error_by_hand() {
        let answers = [(0.95, true), (0.95, false), (0.55, true), (0.55, true)];
        let reliability = Reliability::of(answers.into_iter());
        assert_eq!((reliability.bins[9].answers, reliability.bins[9].right), (2, 1));
        assert!(close(reliability.expected_calibration_error(), 0.45));
        assert_eq!(Reliability::of(std::iter::empty()).expected_calibration_error(), 0.0);
    }

    #[test]
    fn certainty_lies_in_the_last_bin() {
        assert_eq!(Reliability::of([(1.0, true)].into_iter()).bins[BINS - 1].answers, 1);
    }
}
