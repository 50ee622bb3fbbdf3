//! How the errors of reconstructions are spread.

use plotters::prelude::{PathElement, Rectangle};
use plotters::style::{Color, RGBColor};

use super::axes::{Scale, with_axes};
use super::{Drawn, Plot, theme};
use crate::report::value::Real;

/// Width and height, pixels.
const SIZE_PIXELS: [u32; 2] = [440, 260];

/// Bars from the least to the greatest error.
const BARS: usize = 30;

/// Least error that is drawn.
const ERROR_MIN: f64 = 1e-9;

/// A histogram of errors on a logarithmic axis, as shares of the usual and of the unusual ones,
/// with the threshold as a line; `None` where there are no errors.
pub fn draw(label: String, usual: &[f32], unusual: &[f32], threshold: Option<f32>) -> Option<Plot> {
    let height = |error: f32| (error as f64).max(ERROR_MIN).log10();
    let [usual, unusual] = [usual, unusual]
        .map(|errors| errors.iter().map(|error| height(*error)).collect::<Vec<f64>>());
    let line = threshold.map(height);
    let all = || usual.iter().chain(&unusual).copied().chain(line);
    let (low, high) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
    let room = (0.03 * (high - low)).max(0.02);
    let ends = [low - room, high + room];
    let counted = [counted(&usual, ends), counted(&unusual, ends)];
    let most = counted.iter().flatten().copied().fold(0.0, f64::max);
    let across = Scale::logarithmic(ends, "error", |error| Real(error).to_string());
    let up = Scale::linear([0.0, most * 1.05], "share", |share| format!("{:.0} %", 100.0 * share));
    Some(Plot::draw(SIZE_PIXELS, label, |canvas| {
        with_axes(canvas, &across, &up, |chart| -> Drawn {
            let width = (ends[1] - ends[0]) / BARS as f64;
            let bars = |shares: &[f64],
                        from: f64,
                        colour: RGBColor|
             -> Vec<Rectangle<(f64, f64)>> {
                let filled = shares.iter().enumerate().filter(|(_, share)| **share > 0.0);
                let bar = |(bar, share): (usize, &f64)| {
                    let left = ends[0] + (bar as f64 + from) * width;
                    Rectangle::new([(left, 0.0), (left + 0.45 * width, *share)], colour.filled())
                };
                filled.map(bar).collect()
            };
            chart.draw_series(bars(&counted[0], 0.05, theme::FLOAT))?;
            chart.draw_series(bars(&counted[1], 0.5, theme::INT8))?;
            if let Some(at) = line {
                let points = vec![(at, 0.0), (at, most * 1.05)];
                chart.draw_series([PathElement::new(points, theme::line(&theme::INK, 15))])?;
            }
            Ok(())
        })
    }))
}

/// The share of the values in each bar.
fn counted(values: &[f64], ends: [f64; 2]) -> Vec<f64> {
    let mut shares = vec![0.0; BARS];
    for value in values {
        let bar = (value - ends[0]) / (ends[1] - ends[0]) * BARS as f64;
        shares[(bar as usize).min(BARS - 1)] += 1.0 / values.len() as f64;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_bar() {
        let shares = counted(&[0.0, 0.01, 1.0, 0.5], [0.0, 1.0]);
        assert_eq!((shares[0], shares[BARS - 1], shares[BARS / 2]), (0.5, 0.25, 0.25));
    }

    #[test]
    fn without_errors_nothing_is_drawn() {
        assert!(draw(String::new(), &[], &[], None).is_none());
        assert!(draw(String::new(), &[0.0, 0.1], &[0.5], Some(0.2)).is_some());
    }
}
