//! Windows that move over a map, with their steps and borders.

use infer::Shape;

use super::misfit::Misfit;
use crate::network::Padding;
use crate::ops::Extent;

/// How a window moves over a map; rows before columns.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moving {
    /// Taps.
    pub kernel: [usize; 2],
    /// From one place to the next.
    pub stride: [usize; 2],
    /// From one tap to the next.
    pub dilation: [usize; 2],
    /// What is read beyond the edge: above, below, left, right.
    pub border: [usize; 4],
}

impl Moving {
    /// One tap at every place.
    pub const POINT: Self =
        Self { kernel: [1, 1], stride: [1, 1], dilation: [1, 1], border: [0; 4] };

    /// Rows for columns.
    pub const fn turned(self) -> Self {
        let Self { kernel, stride, dilation, border: [above, below, left, right] } = self;
        Self {
            kernel: [kernel[1], kernel[0]],
            stride: [stride[1], stride[0]],
            dilation: [dilation[1], dilation[0]],
            border: [left, right, above, below],
        }
    }

    /// Rows or columns from the first tap to the last.
    pub const fn reach(&self, axis: usize) -> usize {
        (self.kernel[axis] - 1).saturating_mul(self.dilation[axis]) + 1
    }

    /// With a border so that only the stride makes the output smaller; of an odd number the larger
    /// part at the end, or where it `begins` so before the map.
    pub fn same(self, map: Shape, begins: bool) -> Self {
        let along = |axis: usize, length: u16| {
            let (length, stride) = (usize::from(length), self.stride[axis]);
            let last = length.div_ceil(stride).saturating_sub(1) * stride;
            let all = (last + self.reach(axis)).saturating_sub(length);
            let [less, more] = [all / 2, all - all / 2];
            if begins { [more, less] } else { [less, more] }
        };
        let [[above, below], [left, right]] = [along(0, map.height), along(1, map.width)];
        Self { border: [above, below, left, right], ..self }
    }

    /// With a border that the map has already.
    pub fn around(mut self, border: [u8; 4]) -> Self {
        self.border.iter_mut().zip(border).for_each(|(zeros, more)| *zeros += usize::from(more));
        self
    }

    /// With so much more at the end that the last window begins on the map and is whole.
    pub fn whole(mut self, map: Shape) -> Self {
        for (axis, length) in [map.height, map.width].into_iter().enumerate() {
            let (before, after) = (self.border[2 * axis], self.border[2 * axis + 1]);
            let (length, stride) = (usize::from(length), self.stride[axis]);
            let Some(rest) = (length + before + after).checked_sub(self.reach(axis)) else {
                continue;
            };
            let last = rest.div_ceil(stride) * stride;
            // A window that would begin beyond the map is left out.
            let last = if last >= length + before { last - stride } else { last };
            self.border[2 * axis + 1] = after + last.saturating_sub(rest);
        }
        self
    }

    /// The border, as a layer has it.
    pub fn border(&self) -> Result<[u8; 4], Misfit> {
        let [above, below, left, right] = self.border.map(small);
        Ok([above?, below?, left?, right?])
    }

    /// The same.
    pub fn padding(&self) -> Result<Padding, Misfit> {
        Ok(match self.border()? {
            [0, 0, 0, 0] => Padding::Valid,
            border => Padding::Each(border),
        })
    }
}

/// Rows and columns of an option.
pub(super) fn extent(sides: [usize; 2]) -> Result<Extent, Misfit> {
    let [rows, columns] = [small(sides[0])?, small(sides[1])?];
    Ok(if rows == columns { Extent::Square(rows) } else { Extent::Each([rows, columns]) })
}

/// A side, step or border.
pub(super) fn small(size: usize) -> Result<u8, Misfit> {
    Ok(u8::try_from(size).map_err(|_| "a window, stride, dilation or border over 255")?)
}

/// A number of outputs.
pub(super) fn count(outputs: usize) -> Result<u16, Misfit> {
    Ok(u16::try_from(outputs).map_err(|_| "it has more than 65,535 outputs")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Moving =
        Moving { kernel: [3, 2], stride: [2, 2], dilation: [1, 1], border: [0; 4] };

    #[test]
    fn the_odd_zero_of_same_is_at_the_end() {
        let map = Shape::new(5, 6, 1);
        assert_eq!(WINDOW.same(map, false).border, [1, 1, 0, 0]);
        let four = Moving { kernel: [4, 3], ..WINDOW };
        assert_eq!(four.clone().same(map, false).border, [1, 2, 0, 1]);
        assert_eq!(four.same(map, true).border, [2, 1, 1, 0]);
    }

    #[test]
    fn a_last_window_is_whole_where_it_begins_on_the_map() {
        assert_eq!(WINDOW.whole(Shape::new(6, 5, 1)).border, [0, 1, 0, 1]);
        assert_eq!(WINDOW.whole(Shape::new(7, 6, 1)).border, [0; 4]);
        let small = Moving { kernel: [1, 1], stride: [3, 3], ..WINDOW };
        assert_eq!(small.whole(Shape::new(6, 5, 1)).border, [0; 4]);
    }
}
