//! Axes: where their ticks are and what they say.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::DrawingArea;
use plotters::prelude::{ChartBuilder, ChartContext, SVGBackend};
use plotters::style::TRANSPARENT;

use super::{Drawn, theme, units};

/// Room for the letters of the axes, pixels.
const LEFT_PIXELS: u32 = 46;
const BELOW_PIXELS: u32 = 36;
const MARGIN_PIXELS: u32 = 8;

/// A chart with two axes.
pub type Chart<'c, 's> = ChartContext<'c, SVGBackend<'s>, Cartesian2d<Scale, Scale>>;

/// One axis: its ends, its ticks with their labels, and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// Value at the left or at the bottom, and at the right or at the top.
    pub ends: [f64; 2],
    /// Values with their labels.
    pub ticks: Vec<(f64, String)>,
    /// What the values are; written below a horizontal axis.
    pub name: &'static str,
}

impl Scale {
    /// Whole numbers from 1 to `last`, few of them labelled.
    pub fn counted(last: usize, name: &'static str) -> Self {
        let step = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500];
        let step = step.into_iter().find(|step| last / step <= 6).unwrap_or(5000);
        let ticks = (1..=last).filter(|tick| *tick == 1 || tick.is_multiple_of(step));
        let ends = if last == 1 { [0.5, 1.5] } else { [1.0, last as f64] };
        Self { ends, ticks: ticks.map(|tick| (tick as f64, tick.to_string())).collect(), name }
    }

    /// The powers of ten between `ends`, and a few of their multiples when there is room; all
    /// values as logarithms.
    pub fn logarithmic(ends: [f64; 2], name: &'static str, label: impl Fn(f64) -> String) -> Self {
        let factors: &[f64] = match ends[1] - ends[0] {
            2.5.. => &[1.0],
            1.0..2.5 => &[1.0, 2.0, 5.0],
            _ => &[1.0, 2.0, 3.0, 5.0, 7.0],
        };
        let powers = ends[0].floor() as i32..=ends[1].ceil() as i32;
        let values =
            powers.flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)));
        let inside = |value: &f64| (ends[0] - 1e-9..=ends[1] + 1e-9).contains(&value.log10());
        let ticks = values.filter(inside).map(|value| (value.log10(), label(value))).collect();
        Self { ends, ticks, name }
    }

    /// About five round numbers between `ends`.
    pub fn linear(ends: [f64; 2], name: &'static str, label: impl Fn(f64) -> String) -> Self {
        let rough = (ends[1] - ends[0]) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let factors = [1.0, 2.0, 5.0, 10.0];
        let step = factors.map(|factor| factor * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let numbers = (ends[0] / step).ceil() as i64..=(ends[1] / step).floor() as i64;
        let ticks = numbers.map(|number| number as f64 * step);
        Self { ends, ticks: ticks.map(|tick| (tick, label(tick))).collect(), name }
    }

    /// Shares of 0 to 1, a label at every fifth.
    pub fn share(name: &'static str) -> Self {
        let tick = |fifth: u32| (fifth as f64 / 5.0, format!("{} %", fifth * 20));
        Self { ends: [0.0, 1.0], ticks: (0..=5).map(tick).collect(), name }
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let part = (value - self.ends[0]) / (self.ends[1] - self.ends[0]);
        from + (part * (to - from) as f64).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(value, _)| *value).collect()
    }

    fn range(&self) -> Range<f64> {
        self.ends[0]..self.ends[1]
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let at_value = |tick: &&(f64, String)| tick.0 == *value;
        self.ticks.iter().find(at_value).map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// Draws two axes with light lines across and hands the chart between them to `paint`.
pub fn with_axes<'s>(
    canvas: &DrawingArea<SVGBackend<'s>, Shift>,
    across: &Scale,
    up: &Scale,
    paint: impl FnOnce(&mut Chart<'_, 's>) -> Drawn,
) -> Drawn {
    let mut chart = ChartBuilder::on(canvas)
        .margin(units(MARGIN_PIXELS))
        .margin_right(units(3 * MARGIN_PIXELS))
        .x_label_area_size(units(BELOW_PIXELS))
        .y_label_area_size(units(LEFT_PIXELS))
        .build_cartesian_2d(across.clone(), up.clone())?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .axis_style(theme::line(&theme::MUTED, 10))
        .bold_line_style(theme::line(&theme::GRID, 10))
        .light_line_style(TRANSPARENT)
        .set_all_tick_mark_size(units(3))
        .label_style(theme::small_text())
        .axis_desc_style(theme::small_text())
        .x_labels(across.ticks.len())
        .y_labels(up.ticks.len())
        .x_desc(across.name)
        .draw()?;
    paint(&mut chart)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale) -> Vec<String> {
        scale.ticks.into_iter().map(|(_, label)| label).collect()
    }

    #[test]
    fn epochs_have_few_labels() {
        assert_eq!(labels(Scale::counted(20, "")), ["1", "5", "10", "15", "20"]);
        assert_eq!(labels(Scale::counted(3, "")), ["1", "2", "3"]);
        assert_eq!(labels(Scale::counted(100, "")), ["1", "20", "40", "60", "80", "100"]);
    }

    #[test]
    fn linear_axes_have_round_ticks() {
        let shown = |ends| labels(Scale::linear(ends, "", |value| format!("{value:.2}")));
        assert_eq!(shown([-0.4, 10.4]), ["0.00", "5.00", "10.00"]);
        assert_eq!(shown([0.0, 0.5]), ["0.00", "0.10", "0.20", "0.30", "0.40", "0.50"]);
        assert_eq!(shown([-130.0, 70.0]), ["-100.00", "-50.00", "0.00", "50.00"]);
    }

    #[test]
    fn short_logarithmic_axes_have_ticks_between_the_powers() {
        let shown = |ends| labels(Scale::logarithmic(ends, "", |value| format!("{value:.2}")));
        assert_eq!(shown([-1.0, 0.31]), ["0.10", "0.20", "0.50", "1.00", "2.00"]);
        assert_eq!(shown([-1.0, -0.25]), ["0.10", "0.20", "0.30", "0.50"]);
        assert_eq!(shown([-2.0, 1.0]), ["0.01", "0.10", "1.00", "10.00"]);
    }
}
