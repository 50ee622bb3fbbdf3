//! The colours and letters of all charts. The page's style sheet finds each colour by its value and
//! replaces it by that of the light or dark page. So these are names as much as colours.
//! Colour-blind people can tell all pairs apart (M. Okabe, K. Ito, "Color Universal Design", 2008).

use plotters::prelude::IntoFont;
use plotters::style::{Color, RGBColor, ShapeStyle, TextStyle};

use super::UNITS;

/// The float model.
pub const FLOAT: RGBColor = RGBColor(0x00, 0x72, 0xB2);

/// The int8 model.
pub const INT8: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// What is neither: held-out images, scratch memory.
pub const OTHER: RGBColor = RGBColor(0x00, 0x9E, 0x73);

/// Text.
pub const INK: RGBColor = RGBColor(0x1B, 0x1F, 0x24);

/// Axes and what is less important.
pub const MUTED: RGBColor = RGBColor(0x6A, 0x73, 0x7D);

/// Grid lines, and areas that are not used.
pub const GRID: RGBColor = RGBColor(0xDF, 0xE3, 0xE8);

/// The page.
pub const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFE);

/// Letters of a chart, pixels of the page; `plotters` takes 1.24 times the size it writes.
const LETTER_PIXELS: f64 = 11.5 * 1.24;

/// Ordinary text of a chart.
pub fn text() -> TextStyle<'static> {
    text_in(&INK)
}

/// Text that names axes and notes.
pub fn small_text() -> TextStyle<'static> {
    text_in(&MUTED)
}

/// Text in a colour.
pub fn text_in(colour: &'static RGBColor) -> TextStyle<'static> {
    TextStyle::from(("sans-serif", LETTER_PIXELS * UNITS as f64).into_font()).color(colour)
}

/// A line of `tenths` tenths of a pixel.
pub fn line(colour: &RGBColor, tenths: u32) -> ShapeStyle {
    colour.stroke_width(tenths * UNITS / 10)
}
