//! Wanted and answered values.

use plotters::prelude::{Circle, EmptyElement, PathElement, Rectangle};
use plotters::style::Color;

use super::axes::{Scale, with_axes};
use super::{Drawn, Plot, theme, units};
use crate::report::value::Real;

/// Width and height, pixels.
const SIZE_PIXELS: [u32; 2] = [440, 320];

/// Pairs of wanted and answered values: circles for float, squares for int8. On the
/// diagonal they are the same.
pub fn draw(label: String, float: &[[f64; 2]], int8: &[[f64; 2]]) -> Plot {
    let all = || float.iter().chain(int8).flatten().copied();
    let ends = ends(all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let across = Scale::linear(ends, "wanted", |value| Real(value).to_string());
    let up = Scale { name: "answered", ..across.clone() };
    Plot::draw(SIZE_PIXELS, label, |canvas| {
        with_axes(canvas, &across, &up, |chart| -> Drawn {
            let diagonal = vec![(ends[0], ends[0]), (ends[1], ends[1])];
            chart.draw_series([PathElement::new(diagonal, theme::line(&theme::MUTED, 10))])?;
            let circle = |[x, y]: &[f64; 2]| Circle::new((*x, *y), units(2), theme::FLOAT.filled());
            chart.draw_series(float.iter().map(circle))?;
            let half = units(3) / 2;
            let square = |[x, y]: &[f64; 2]| {
                let corners = [(-half, -half), (half, half)];
                EmptyElement::at((*x, *y)) + Rectangle::new(corners, theme::INT8.filled())
            };
            chart.draw_series(int8.iter().map(square))?;
            Ok(())
        })
    })
}

/// With some room; of values that are all the same, or of none, some range.
fn ends(low: f64, high: f64) -> [f64; 2] {
    match high - low {
        spread if spread.is_finite() && spread > 0.0 => [low - 0.04 * spread, high + 0.04 * spread],
        _ if low.is_finite() => [low - 1.0, low + 1.0],
        _ => [0.0, 1.0],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_has_room_for_all_values_and_for_one() {
        assert_eq!(ends(0.0, 10.0), [-0.4, 10.4]);
        assert_eq!(ends(3.0, 3.0), [2.0, 4.0]);
        assert_eq!(ends(f64::INFINITY, f64::NEG_INFINITY), [0.0, 1.0]);
    }

    #[test]
    fn every_pair_is_drawn() {
        let plot = draw("two".to_owned(), &[[1.0, 1.0], [2.0, 2.5]], &[[1.0, 1.1]]);
        assert_eq!(plot.elements.matches("<circle").count(), 2);
        assert!(plot.elements.contains("wanted"));
    }
}
