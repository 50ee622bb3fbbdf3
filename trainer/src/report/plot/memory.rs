//! Which bytes of the arena are in use while each layer runs.

use plotters::prelude::{PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor};

use super::{Canvas, Drawn, Plot, theme, units};
use crate::report::memory::{Buffer, Use};

/// Width and height, pixels, and what of them the axes take.
const SIZE_PIXELS: [u32; 2] = [440, 320];
const LEFT_PIXELS: u32 = 56;
const BELOW_PIXELS: u32 = 22;
const TOP_PIXELS: u32 = 8;

/// More layers than this are numbered instead of named.
const NAMES_MAX: usize = 7;

/// A buffer at least this high holds its name.
const NAMED_PIXELS: u32 = 15;

/// Time from left to right, one column for each of `layers`; addresses from bottom to top.
pub fn draw(label: String, layers: &[String], arena_bytes: usize, buffers: &[Buffer]) -> Plot {
    let frame = Frame::new(layers.len(), arena_bytes);
    Plot::draw(SIZE_PIXELS, label, |canvas| {
        frame.rows(canvas, arena_bytes)?;
        frame.columns(canvas, layers)?;
        buffers.iter().try_for_each(|buffer| frame.buffer(canvas, buffer))
    })
}

/// Where time and addresses lie on the canvas.
struct Frame {
    columns: usize,
    bytes: usize,
}

impl Frame {
    fn new(columns: usize, bytes: usize) -> Self {
        Self { columns: columns.max(1), bytes: bytes.max(1) }
    }

    fn x(&self, column: usize) -> i32 {
        let width = units(SIZE_PIXELS[0] - LEFT_PIXELS) as i64;
        units(LEFT_PIXELS) + (width * column as i64 / self.columns as i64) as i32
    }

    fn y(&self, byte: usize) -> i32 {
        let height = units(SIZE_PIXELS[1] - BELOW_PIXELS - TOP_PIXELS) as i64;
        units(SIZE_PIXELS[1] - BELOW_PIXELS) - (height * byte as i64 / self.bytes as i64) as i32
    }

    /// Addresses and lines across.
    fn rows(&self, canvas: &Canvas<'_>, arena_bytes: usize) -> Drawn {
        for quarter in 0..=4 {
            let byte = arena_bytes * quarter / 4;
            let line = vec![(self.x(0), self.y(byte)), (self.x(self.columns), self.y(byte))];
            canvas.draw(&PathElement::new(line, theme::line(&theme::GRID, 10)))?;
            let style = theme::small_text().pos(Pos::new(HPos::Right, VPos::Center));
            let text = format!("{} B", crate::terminal::number::grouped(byte as u64));
            canvas.draw(&Text::new(text, (self.x(0) - units(6), self.y(byte)), style))?;
        }
        Ok(())
    }

    /// Names of the layers below (numbers, if there are many), lines between them.
    fn columns(&self, canvas: &Canvas<'_>, layers: &[String]) -> Drawn {
        for (column, name) in layers.iter().enumerate() {
            let name =
                if layers.len() > NAMES_MAX { (column + 1).to_string() } else { name.clone() };
            let middle = (self.x(column) + self.x(column + 1)) / 2;
            let style = theme::small_text().pos(Pos::new(HPos::Center, VPos::Top));
            canvas.draw(&Text::new(name, (middle, self.y(0) + units(6)), style))?;
            let line = vec![(self.x(column), self.y(0)), (self.x(column), self.y(self.bytes))];
            canvas.draw(&PathElement::new(line, theme::line(&theme::GRID, 10)))?;
        }
        Ok(())
    }

    fn buffer(&self, canvas: &Canvas<'_>, buffer: &Buffer) -> Drawn {
        let gap = units(1);
        let (left, right) = (self.x(buffer.first) + gap, self.x(buffer.last + 1) - gap);
        let (bottom, top) = (self.y(buffer.at.0), self.y(buffer.at.0 + buffer.bytes.0));
        // A buffer of a few bytes still shows as a line.
        let top = top.min(bottom - units(2));
        canvas.draw(&Rectangle::new(
            [(left, top), (right, bottom - gap)],
            colour(buffer.of).filled(),
        ))?;
        if bottom - top >= units(NAMED_PIXELS) {
            let style = theme::text_in(&theme::PAPER).pos(Pos::new(HPos::Center, VPos::Center));
            let centre = ((left + right) / 2, (top + bottom) / 2);
            canvas.draw(&Text::new(buffer.bytes.to_string(), centre, style))?;
        }
        Ok(())
    }
}

fn colour(of: Use) -> RGBColor {
    match of {
        Use::Map => theme::FLOAT,
        Use::Scratch => theme::INT8,
    }
}
