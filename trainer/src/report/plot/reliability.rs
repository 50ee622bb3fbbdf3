//! How often answers are right against the probability the model gave them.

use plotters::prelude::{Circle, PathElement, Rectangle};
use plotters::style::{Color, RGBColor};

use super::axes::{Chart, Scale, with_axes};
use super::{Drawn, Plot, theme, units};
use crate::statistics::{Bin, Reliability, wilson};

/// Width and height, pixels.
const SIZE_PIXELS: [u32; 2] = [440, 320];

/// The two models' points stand this far apart, as a share, so that neither hides the other.
const APART: f64 = 0.006;

/// Both models in one chart: circles for float, squares for int8, each with its 95 % interval.
pub fn draw(label: String, float: &Reliability, int8: &Reliability) -> Plot {
    let (across, up) =
        (Scale::share("probability given to the answer"), Scale::share("answers that are right"));
    Plot::draw(SIZE_PIXELS, label, |canvas| {
        with_axes(canvas, &across, &up, |chart| -> Drawn {
            let diagonal = vec![(0.0, 0.0), (1.0, 1.0)];
            chart.draw_series([PathElement::new(diagonal, theme::line(&theme::MUTED, 10))])?;
            intervals(chart, float, -APART, theme::FLOAT)?;
            intervals(chart, int8, APART, theme::INT8)?;
            let circle = |point| Circle::new(point, units(4), theme::FLOAT.filled());
            chart.draw_series(points(float, -APART).map(circle))?;
            let centre = |point| plotters::element::EmptyElement::at(point);
            let corner = units(7) / 2;
            let square =
                || Rectangle::new([(-corner, -corner), (corner, corner)], theme::INT8.filled());
            chart.draw_series(points(int8, APART).map(|point| centre(point) + square()))?;
            Ok(())
        })
    })
}

fn intervals(chart: &mut Chart<'_, '_>, of: &Reliability, apart: f64, colour: RGBColor) -> Drawn {
    let bar = |bin: &Bin| {
        let (across, _) = point(bin, apart);
        let interval = wilson(bin.right, bin.answers);
        PathElement::new(
            vec![(across, interval.low), (across, interval.high)],
            theme::line(&colour, 15),
        )
    };
    chart.draw_series(filled(of).map(bar))?;
    Ok(())
}

fn points(of: &Reliability, apart: f64) -> impl Iterator<Item = (f64, f64)> {
    filled(of).map(move |bin| point(bin, apart))
}

fn filled(of: &Reliability) -> impl Iterator<Item = &Bin> {
    of.bins.iter().filter(|bin| bin.answers > 0)
}

/// Mean probability and share of right answers of a bin that is not empty.
fn point(bin: &Bin, apart: f64) -> (f64, f64) {
    let answers = bin.answers as f64;
    ((bin.probability_sum / answers + apart).clamp(0.0, 1.0), bin.right as f64 / answers)
}
