//! The scale of int4 weights: where so few steps are, the largest weight is not worth all of them.

/// Largest int4 weight in whole steps; the least is one step farther from 0.
pub const INT4_MAX: f64 = 7.0;
/// See [`INT4_MAX`].
pub const INT4_MIN: f64 = -8.0;

/// Scales that are tried for a channel, evenly spread up to that whose largest weight is 7 steps.
const TRIED: usize = 48;

/// The least of them, of that whose largest weight is 7 steps.
const LEAST_PART: f64 = 0.4;

/// The real value of one step of a channel's weights with which the sum of the squared differences
/// is least; 0 where all weights are 0.
///
/// ```text
/// for each scale tried:
///     error = sum over the weights of (weight - scale * clamp(round(weight / scale), -8, 7))^2
/// ```
pub fn int4_scale(row: &[f32]) -> f64 {
    let largest = row.iter().fold(0.0_f32, |largest, weight| largest.max(weight.abs()));
    let widest = f64::from(largest) / INT4_MAX;
    if widest == 0.0 {
        return 0.0;
    }
    let part = |index: usize| LEAST_PART + (1.0 - LEAST_PART) * (index + 1) as f64 / TRIED as f64;
    let tried = (0..TRIED).map(|index| widest * part(index));
    let errors = tried.map(|scale| (squared_error(row, scale as f32), scale));
    errors.min_by(|a, b| a.0.total_cmp(&b.0)).map_or(0.0, |(_, scale)| scale)
}

/// What the weights lose with this scale.
fn squared_error(row: &[f32], scale: f32) -> f32 {
    let [least, greatest] = [INT4_MIN as f32, INT4_MAX as f32];
    let inverse = 1.0 / scale;
    let error = |weight: &f32| {
        let steps = (weight * inverse).round_ties_even().clamp(least, greatest);
        (weight - steps * scale).powi(2)
    };
    row.iter().map(error).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_on_a_grid_are_kept() {
        let row = [0.5, -1.0, 3.5, 0.0, -0.5];
        assert!((int4_scale(&row) - 0.5).abs() < 1e-6, "{}", int4_scale(&row));
        assert_eq!(int4_scale(&[0.0, 0.0]), 0.0);
    }

    /// A negative weight has a step more than a positive one.
    #[test]
    fn the_least_weight_may_be_eight_steps() {
        let row = [-0.8, -0.7, -0.6, -0.1, 0.1, 0.7, 0.3];
        let scale = int4_scale(&row);
        assert!((scale - 0.1).abs() < 0.002, "{scale}");
    }

    /// One weight of 1.0 among hundreds of 0.1: the many are worth more than the one.
    #[test]
    fn a_single_large_weight_is_cut_off() {
        let mut row = vec![0.1; 400];
        row[0] = 1.0;
        let widest = 1.0 / INT4_MAX;
        let scale = int4_scale(&row);
        assert!(scale < 0.8 * widest, "{scale}");
        assert!(squared_error(&row, scale as f32) < squared_error(&row, widest as f32) / 4.0);
    }
}
