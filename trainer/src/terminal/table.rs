//! Columns of text under their titles.

use std::fmt;

use super::printable;

/// Space between two columns.
const GAP: &str = "  ";

/// Rows of as many cells as there are titles. Columns whose title begins with `>` are aligned to
/// the right.
pub struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with its titles.
    pub fn new<const COLUMNS: usize>(titles: [&str; COLUMNS]) -> Self {
        let right = titles.iter().map(|title| title.starts_with('>')).collect();
        let titles = titles.iter().map(|title| title.trim_start_matches('>').to_owned()).collect();
        Self { right, rows: vec![titles] }
    }

    /// Adds a row at the bottom. Cells may hold names from files: what a terminal would obey is
    /// spelt out.
    pub fn row<const COLUMNS: usize>(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells.map(|cell| printable(&cell)).into());
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.right.len()).map(|column| self.width(column)).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(&widths).zip(&self.right) {
                line += &if *right { format!("{cell:>width$}") } else { format!("{cell:<width$}") };
                line += GAP;
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["layer", ">bytes"]);
        table.row(["conv1".into(), "1,024".into()]);
        table.row(["d".into(), "7".into()]);
        assert_eq!(table.to_string(), "layer  bytes\nconv1  1,024\nd          7\n");
    }
}
