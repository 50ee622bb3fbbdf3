//! Constants in floating point.

use crate::network::TENSOR_LIMIT;

/// A constant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values in row-major order.
    pub values: Vec<f32>,
}

impl Array {
    /// Dimension `n` becomes what dimension `order[n]` was; `None` of an order that is none.
    pub fn transposed(&self, order: &[usize]) -> Option<Self> {
        let mut sorted = order.to_vec();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..self.shape.len()) {
            return None;
        }
        let mut steps = vec![1; self.shape.len()];
        for dimension in (0..steps.len().saturating_sub(1)).rev() {
            steps[dimension] = steps[dimension + 1] * self.shape[dimension + 1];
        }
        let value = |mut place: usize| {
            let mut from = 0;
            for dimension in order.iter().rev() {
                from += place % self.shape[*dimension] * steps[*dimension];
                place /= self.shape[*dimension];
            }
            self.values[from]
        };
        let values = (0..self.values.len()).map(value).collect();
        Some(Self { shape: order.iter().map(|from| self.shape[*from]).collect(), values })
    }

    /// Taps `[row][column]…` that lie `rows` and `columns` apart, with zeros between them. `None`
    /// where that is more than a layer can have.
    pub fn spread(&self, [rows, columns]: [usize; 2]) -> Option<Vec<f32>> {
        let &[height, width, ..] = &self.shape[..] else { return None };
        let each = self.values.len().checked_div(height * width)?;
        let reach = |taps: usize, step| (taps - 1).checked_mul(step)?.checked_add(1);
        let columns_after = reach(width, columns)?;
        let length = reach(height, rows)?.checked_mul(columns_after)?.checked_mul(each)?;
        if length as u64 > TENSOR_LIMIT {
            return None;
        }
        let mut spread = vec![0.0; length];
        for (at, tap) in self.values.chunks(each.max(1)).enumerate() {
            let to = (at / width * rows * columns_after + at % width * columns) * each;
            spread[to..to + each].copy_from_slice(tap);
        }
        Some(spread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_turned_over() {
        let matrix = Array { shape: vec![2, 3], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let turned = matrix.transposed(&[1, 0]).unwrap();
        assert_eq!(
            (&turned.shape[..], &turned.values[..4]),
            (&[3, 2][..], &[1.0, 4.0, 2.0, 5.0][..])
        );
        assert_eq!(matrix.transposed(&[1, 1]), None);
    }

    #[test]
    fn zeros_lie_between_taps() {
        let taps = Array { shape: vec![2, 2, 1], values: vec![1.0, 2.0, 3.0, 4.0] };
        assert_eq!(taps.spread([1, 2]).unwrap(), [1.0, 0.0, 2.0, 3.0, 0.0, 4.0]);
        assert_eq!(taps.spread([2, 1]).unwrap(), [1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
        assert_eq!(taps.spread([1 << 13, 1 << 13]), None);
    }
}
