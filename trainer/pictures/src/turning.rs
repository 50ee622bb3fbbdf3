//! Pictures turned and mirrored.

use crate::picture::Picture;

impl Picture {
    /// The picture as it was seen by a camera that was held so: 1 to 8, as Exif has it.
    pub fn turned(self, orientation: u16) -> Self {
        let mirrored = if [2, 4, 5, 7].contains(&orientation) { self.mirrored() } else { self };
        match orientation {
            3 | 4 => mirrored.quarter_turned().quarter_turned(),
            6 | 7 => mirrored.quarter_turned(),
            5 | 8 => mirrored.quarter_turned().quarter_turned().quarter_turned(),
            _ => mirrored,
        }
    }

    /// Left and right exchanged.
    fn mirrored(&self) -> Self {
        self.rearranged(self.height, self.width, |row, column| (row, self.width - 1 - column))
    }

    /// A quarter turn clockwise.
    fn quarter_turned(&self) -> Self {
        self.rearranged(self.width, self.height, |row, column| (self.height - 1 - column, row))
    }

    /// `height` x `width` pixels, each from the row and column that `from` says.
    pub(crate) fn rearranged(
        &self,
        height: usize,
        width: usize,
        from: impl Fn(usize, usize) -> (usize, usize),
    ) -> Self {
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for row in 0..height {
            for column in 0..width {
                let (from_row, from_column) = from(row, column);
                pixels.extend_from_slice(self.pixel(from_row, from_column));
            }
        }
        Self { height, width, channels: self.channels, pixels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_ways_to_hold_a_camera() {
        // An F as it is stored, which is as it was held: 1 2 above 3 4.
        let stored = Picture { height: 2, width: 2, channels: 1, pixels: vec![1, 2, 3, 4] };
        let seen = |orientation| stored.clone().turned(orientation).pixels;
        assert_eq!(seen(1), [1, 2, 3, 4]);
        assert_eq!(seen(2), [2, 1, 4, 3]);
        assert_eq!(seen(3), [4, 3, 2, 1]);
        assert_eq!(seen(4), [3, 4, 1, 2]);
        assert_eq!(seen(5), [1, 3, 2, 4]);
        assert_eq!(seen(6), [3, 1, 4, 2]);
        assert_eq!(seen(7), [4, 2, 3, 1]);
        assert_eq!(seen(8), [2, 4, 1, 3]);
        let wide = Picture { height: 1, width: 3, channels: 1, pixels: vec![1, 2, 3] };
        let tall = wide.turned(6);
        assert_eq!((tall.height, tall.width, tall.pixels), (3, 1, vec![1, 2, 3]));
    }
}
