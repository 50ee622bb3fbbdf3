//! A falling loss as one short line: `█▆▅▃▃▂▂▁`.

const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Most characters of a line.
const WIDTH: usize = 10;

/// Values above 0 of a run of any length, one after the other, averaged so that they fit in one
/// line.
#[derive(Clone, Debug)]
pub struct Sparkline {
    /// Sums of `per_cell` values each, of fewer in the last.
    cells: Vec<f64>,
    /// Values in the last cell.
    in_last: usize,
    per_cell: usize,
}

impl Sparkline {
    /// An empty line.
    pub fn new() -> Self {
        Self { cells: Vec::new(), in_last: 1, per_cell: 1 }
    }

    /// Appends a value. When the line is full, each two of its cells become one.
    pub fn push(&mut self, value: f64) {
        if let Some(last) = self.cells.last_mut().filter(|_| self.in_last < self.per_cell) {
            *last += value;
            self.in_last += 1;
            return;
        }
        if self.cells.len() == WIDTH {
            self.cells = self.cells.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.per_cell *= 2;
        }
        self.cells.push(value);
        self.in_last = 1;
    }

    /// The line: each cell's height is the logarithm of its mean between the lowest and the
    /// highest.
    pub fn draw(&self) -> String {
        let last = self.cells.len().saturating_sub(1);
        let values = |cell: usize| if cell == last { self.in_last } else { self.per_cell };
        let height =
            |(cell, sum): (usize, &f64)| (sum / values(cell) as f64).max(f64::MIN_POSITIVE).ln();
        let heights: Vec<f64> = self.cells.iter().enumerate().map(height).collect();
        let lowest = heights.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let range = (highest - lowest).max(f64::MIN_POSITIVE);
        let top = (LEVELS.len() - 1) as f64;
        heights
            .iter()
            .map(|height| LEVELS[((height - lowest) / range * top).round() as usize])
            .collect()
    }
}

impl Default for Sparkline {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(values: impl IntoIterator<Item = f64>) -> String {
        let mut line = Sparkline::new();
        values.into_iter().for_each(|value| line.push(value));
        line.draw()
    }

    #[test]
    fn heights_are_logarithms() {
        assert_eq!(drawn([128.0, 64.0, 32.0, 16.0, 8.0, 4.0, 2.0, 1.0]), "█▇▆▅▄▃▂▁");
    }

    #[test]
    fn a_long_run_fits_and_keeps_its_shape() {
        for count in [11, 50, 1000, 9380] {
            let line = drawn((0..count).map(|step| (-3.0 * step as f64 / count as f64).exp()));
            let cells: Vec<char> = line.chars().collect();
            assert!((WIDTH / 2..=WIDTH).contains(&cells.len()), "{count}: {line}");
            assert!(cells.is_sorted_by(|before, after| before >= after), "{count}: {line}");
            assert_eq!((cells[0], cells[cells.len() - 1]), ('█', '▁'), "{count}: {line}");
        }
    }

    #[test]
    fn nothing_equal_values_and_zero_can_be_drawn() {
        assert_eq!(drawn([]), "");
        assert_eq!(drawn([0.5, 0.5]), "▁▁");
        assert_eq!(drawn([1.0, 0.0]), "█▁");
    }
}
