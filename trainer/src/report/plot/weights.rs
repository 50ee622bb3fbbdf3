//! How the int8 weights of a layer are spread.

use plotters::prelude::{PathElement, Rectangle, Text};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::{Plot, theme, units};

/// Width and height, pixels; the letters below take a part of the height.
const SIZE_PIXELS: [u32; 2] = [300, 92];
const LETTERS_PIXELS: u32 = 18;

/// Weight values of one bar.
const BAR_VALUES: usize = 5;

/// Bars: 255 values from -127 to 127.
pub const BARS: usize = 255 / BAR_VALUES;

/// Weights in each bar, from -127 to 127.
pub fn counted(weights: &[i8]) -> [usize; BARS] {
    let mut bars = [0; BARS];
    for weight in weights {
        bars[(*weight as i32 + 127).clamp(0, 254) as usize / BAR_VALUES] += 1;
    }
    bars
}

/// The histogram; the highest bar fills the height.
pub fn draw(label: String, bars: &[usize; BARS]) -> Plot {
    let (width, height) = (units(SIZE_PIXELS[0]), units(SIZE_PIXELS[1] - LETTERS_PIXELS));
    let highest = *bars.iter().max().unwrap_or(&1);
    Plot::draw(SIZE_PIXELS, label, |canvas| {
        let edge = |bar: usize| bar as i32 * width / BARS as i32;
        for (bar, count) in bars.iter().enumerate() {
            let top = height - (*count as i64 * height as i64 / highest.max(1) as i64) as i32;
            let corners = [(edge(bar), top), (edge(bar + 1) - units(1), height)];
            canvas.draw(&Rectangle::new(corners, theme::INT8.filled()))?;
        }
        let floor = vec![(0, height), (width, height)];
        canvas.draw(&PathElement::new(floor, theme::line(&theme::MUTED, 10)))?;
        for (at, text, side) in [
            (0, "\u{2212}127", HPos::Left),
            (width / 2, "0", HPos::Center),
            (width, "127", HPos::Right),
        ] {
            let style = theme::small_text().pos(Pos::new(side, VPos::Top));
            canvas.draw(&Text::new(text, (at, height + units(4)), style))?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_weight_has_its_bar() {
        let bars = counted(&[-127, -123, -122, 0, 127, 127]);
        assert_eq!((bars[0], bars[1], bars[BARS / 2], bars[BARS - 1]), (2, 1, 1, 2));
        assert_eq!(bars.iter().sum::<usize>(), 6);
    }
}
