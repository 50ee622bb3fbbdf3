//! Lines over the epochs.

use plotters::prelude::{Circle, LineSeries, PathElement};
use plotters::style::{Color, RGBColor};

use super::axes::{Scale, with_axes};
use super::{Drawn, Plot, theme, units};

/// Width and height of a curve's chart, pixels.
const SIZE_PIXELS: [u32; 2] = [440, 260];

/// Lines with more points than this are drawn without dots.
const DOTS_MAX: usize = 30;

/// One line: a value per epoch, from the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Its colour, one of [`theme`]'s.
    pub colour: RGBColor,
    /// Value after each epoch, from 1.
    pub values: Vec<f64>,
}

/// A value that belongs to the end of the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Its colour, one of [`theme`]'s.
    pub colour: RGBColor,
    /// Its height.
    pub value: f64,
}

/// A chart of lines and dashed levels over the epochs.
pub fn draw(label: String, epochs: usize, up: &Scale, lines: &[Line], levels: &[Level]) -> Plot {
    let across = Scale::counted(epochs, "epoch");
    let ends = across.ends;
    Plot::draw(SIZE_PIXELS, label, |canvas| {
        with_axes(canvas, &across, up, |chart| -> Drawn {
            for (turn, level) in levels.iter().enumerate() {
                for [from, to] in dashes(ends, turn, levels.len()) {
                    let points = vec![(from, level.value), (to, level.value)];
                    chart
                        .draw_series([PathElement::new(points, theme::line(&level.colour, 15))])?;
                }
            }
            for line in lines.iter().filter(|line| !line.values.is_empty()) {
                let points = || {
                    line.values
                        .iter()
                        .enumerate()
                        .map(|(index, value)| (index as f64 + 1.0, *value))
                };
                chart.draw_series(LineSeries::new(points(), theme::line(&line.colour, 20)))?;
                if line.values.len() <= DOTS_MAX {
                    let dot = |point| Circle::new(point, units(5) / 2, line.colour.filled());
                    chart.draw_series(points().map(dot))?;
                }
            }
            Ok(())
        })
    })
}

/// Number of dashes of a level.
const DASHES: usize = 16;

/// A line across the chart, in pieces: each of `levels` levels has its turn, so that levels of one
/// height show side by side.
fn dashes([start, end]: [f64; 2], turn: usize, levels: usize) -> impl Iterator<Item = [f64; 2]> {
    let at = move |piece: f64| start + (end - start) * piece / (DASHES * levels) as f64;
    (0..DASHES)
        .map(move |dash| (dash * levels + turn) as f64)
        .map(move |piece| [at(piece), at(piece + 0.8)])
}
