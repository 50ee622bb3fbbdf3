//! Which rows and columns of a feature map are read.

use plotters::prelude::{PathElement, Rectangle};
use plotters::style::Color;

use super::{Canvas, Drawn, Plot, theme, units};
use crate::graph::Region;

/// Longest side of a map in a page, pixels.
const SIDE_PIXELS: u32 = 196;

/// Most rows and columns that are drawn as cells.
const CELLS_MAX: u16 = 64;

/// A map of `rows` x `columns` with its read part filled.
pub fn cells(label: String, rows: u16, columns: u16, read: Region) -> Plot {
    draw(label, rows, columns, |canvas, grid| {
        let [top_left, bottom_right] = grid.corners(read);
        canvas.draw(&Rectangle::new([(0, 0), grid.at(rows, columns)], theme::GRID.filled()))?;
        canvas.draw(&Rectangle::new([top_left, bottom_right], theme::FLOAT.filled()))?;
        if rows.max(columns) <= CELLS_MAX {
            grid.lines(canvas, rows, columns)?;
        }
        Ok(())
    })
}

/// A picture of `rows` x `columns`, which lies behind the plot: what is not read is covered, what
/// is read is framed.
pub fn window(label: String, rows: u16, columns: u16, read: Region) -> Plot {
    draw(label, rows, columns, |canvas, grid| {
        let [(left, top), (right, bottom)] = grid.corners(read);
        let (width, height) = grid.at(rows, columns);
        let unread = [
            [(0, 0), (width, top)],
            [(0, bottom), (width, height)],
            [(0, top), (left, bottom)],
            [(right, top), (width, bottom)],
        ];
        for corners in unread {
            canvas.draw(&Rectangle::new(corners, theme::GRID.mix(0.75).filled()))?;
        }
        let frame = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)];
        canvas.draw(&PathElement::new(frame.to_vec(), theme::line(&theme::FLOAT, 30)))?;
        Ok(())
    })
}

/// Where rows and columns lie on the canvas.
struct Grid {
    /// SVG units of a cell's side.
    cell: f64,
}

impl Grid {
    fn at(&self, row: u16, column: u16) -> (i32, i32) {
        ((column as f64 * self.cell).round() as i32, (row as f64 * self.cell).round() as i32)
    }

    fn corners(&self, region: Region) -> [(i32, i32); 2] {
        [0, 1].map(|end| self.at(region.rows[end], region.columns[end]))
    }

    fn lines(&self, canvas: &Canvas<'_>, rows: u16, columns: u16) -> Drawn {
        let across = (1..rows).map(|row| vec![self.at(row, 0), self.at(row, columns)]);
        let down = (1..columns).map(|column| vec![self.at(0, column), self.at(rows, column)]);
        for line in across.chain(down) {
            canvas.draw(&PathElement::new(line, theme::line(&theme::PAPER, 10)))?;
        }
        Ok(())
    }
}

fn draw(
    label: String,
    rows: u16,
    columns: u16,
    paint: impl FnOnce(&Canvas<'_>, &Grid) -> Drawn,
) -> Plot {
    let cell = SIDE_PIXELS as f64 / rows.max(columns).max(1) as f64;
    let pixels = |cells: u16| ((cells as f64 * cell).round() as u32).max(1);
    let grid = Grid { cell: units(1) as f64 * cell };
    Plot::draw([pixels(columns), pixels(rows)], label, |canvas| paint(canvas, &grid))
}
