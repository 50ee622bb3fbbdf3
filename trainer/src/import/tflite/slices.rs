//! What `STRIDED_SLICE` and `SLICE` take of a map: in each dimension a first value, and those a
//! step apart after it.

use super::network::Network;
use super::operator::{Kind, Masks, Operator};

/// What is taken of one dimension; at least one value, forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The first value.
    pub start: usize,
    /// From one value to the next.
    pub step: usize,
    /// How many.
    pub count: usize,
}

/// What is taken of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Of each dimension.
    pub parts: Vec<Part>,
    /// The dimension that each one of the output counts; `None` of one that is new, of size 1.
    pub from: Vec<Option<usize>>,
}

impl Part {
    /// All of a dimension.
    const fn all(count: usize) -> Self {
        Self { start: 0, step: 1, count }
    }

    /// Whether it is all of a dimension of this size.
    pub const fn is_all(&self, size: usize) -> bool {
        self.count == size
    }
}

impl Slice {
    /// What an operator takes; `None` where that is computed, nothing, or counted backwards.
    pub fn of(network: &Network<'_>, operator: &Operator) -> Option<Self> {
        let tensor = |number: usize| {
            let tensor = operator.inputs.get(number).copied().flatten()?;
            network.tensors.get(tensor)
        };
        let (shape, constant) = (&tensor(0)?.shape, |number: usize| tensor(number)?.integers());
        match operator.kind {
            Kind::Slice => Self::with_sizes(shape, &constant(1)?, &constant(2)?),
            Kind::StridedSlice(masks) => {
                Self::strided(shape, masks, [&constant(1)?, &constant(2)?, &constant(3)?])
            }
            _ => None,
        }
    }

    /// The shape of what is taken.
    pub fn shape(&self) -> Vec<usize> {
        self.from.iter().map(|from| from.map_or(1, |from| self.parts[from].count)).collect()
    }

    /// Where a value of the output lies in the map.
    pub fn place(&self, at: &[usize]) -> Vec<usize> {
        let mut place: Vec<usize> = self.parts.iter().map(|part| part.start).collect();
        for (at, from) in at.iter().zip(&self.from) {
            if let Some(from) = from {
                place[*from] += at * self.parts[*from].step;
            }
        }
        place
    }

    /// `size` values of each dimension, -1 being the rest.
    fn with_sizes(shape: &[usize], begin: &[i64], size: &[i64]) -> Option<Self> {
        if [begin.len(), size.len()] != [shape.len(); 2] {
            return None;
        }
        let part = |((side, begin), size): ((&usize, &i64), &i64)| {
            let start = usize::try_from(*begin).ok()?;
            let rest = side.checked_sub(start)?;
            let count = if *size == -1 { rest } else { usize::try_from(*size).ok()? };
            (1..=rest).contains(&count).then_some(Part { start, step: 1, count })
        };
        let parts = shape.iter().zip(begin).zip(size).map(part).collect::<Option<Vec<_>>>()?;
        let from = (0..parts.len()).map(Some).collect();
        Some(Self { parts, from })
    }

    /// From `begin` to before `end`; negative ones count from the end of a dimension.
    fn strided(shape: &[usize], masks: Masks, [begin, end, step]: [&[i64]; 3]) -> Option<Self> {
        const BITS: usize = 31;
        let numbers = begin.len();
        if [end.len(), step.len()] != [numbers; 2] || numbers > BITS || masks.ellipsis != 0 {
            return None;
        }
        let is_in = |mask: i32, number: usize| mask >> number & 1 == 1;
        let (mut parts, mut from) = (vec![], vec![]);
        for number in 0..numbers {
            if is_in(masks.new_axis, number) {
                from.push(None);
                continue;
            }
            let side = i64::try_from(*shape.get(parts.len())?).ok()?;
            let whole = |at: i64| if at < 0 { at.saturating_add(side) } else { at };
            let first = whole(begin[number]);
            if is_in(masks.shrink_axis, number) {
                let start = Some(first).filter(|first| (0..side).contains(first))?;
                parts.push(Part { start: start as usize, step: 1, count: 1 });
                continue;
            }
            let first = if is_in(masks.begin, number) { 0 } else { first.clamp(0, side) };
            let last = match masks.end_is_offset {
                true => begin[number].saturating_add(end[number]),
                false => end[number],
            };
            let last = if is_in(masks.end, number) { side } else { whole(last).clamp(0, side) };
            let step = usize::try_from(step[number]).ok().filter(|step| *step > 0)?;
            let count = usize::try_from(last - first).ok()?.div_ceil(step);
            if count == 0 {
                return None;
            }
            from.push(Some(parts.len()));
            parts.push(Part { start: first as usize, step, count });
        }
        for side in shape.get(parts.len()..)? {
            from.push(Some(parts.len()));
            parts.push(Part::all(*side));
        }
        Some(Self { parts, from })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Masks =
        Masks { begin: 0, end: 0, ellipsis: 0, new_axis: 0, shrink_axis: 0, end_is_offset: false };

    fn strided(masks: Masks, begin: &[i64], end: &[i64], step: &[i64]) -> Option<Slice> {
        Slice::strided(&[1, 6, 4], masks, [begin, end, step])
    }

    #[test]
    fn parts_of_dimensions() {
        let slice = strided(PLAIN, &[0, 1, -3], &[1, 6, -1], &[1, 2, 1]).unwrap();
        assert_eq!(slice.parts[1], Part { start: 1, step: 2, count: 3 });
        assert_eq!(slice.parts[2], Part { start: 1, step: 1, count: 2 });
        assert_eq!((slice.shape(), slice.place(&[0, 2, 1])), (vec![1, 3, 2], vec![0, 5, 2]));
        // The rest is whole; masks leave numbers out.
        let masks = Masks { begin: 2, end: 2, ..PLAIN };
        let slice = strided(masks, &[0, 9], &[1, 2], &[1, 1]).unwrap();
        assert!(slice.parts.iter().zip([1, 6, 4]).all(|(part, size)| part.is_all(size)));
    }

    #[test]
    fn dimensions_that_go_and_come() {
        let masks = Masks { shrink_axis: 2, ..PLAIN };
        let slice = strided(masks, &[0, -2], &[1, 0], &[1, 1]).unwrap();
        assert_eq!((slice.shape(), slice.place(&[0, 3])), (vec![1, 4], vec![0, 4, 3]));
        let masks = Masks { new_axis: 1, ..PLAIN };
        let slice = strided(masks, &[0, 0, 2], &[0, 1, 4], &[1, 1, 1]).unwrap();
        assert_eq!((slice.shape(), slice.place(&[0, 0, 1, 3])), (vec![1, 1, 2, 4], vec![0, 3, 3]));
    }

    #[test]
    fn what_is_no_part() {
        for (begin, end, step) in [(4, 2, 1), (0, 6, -1), (0, 6, 0), (9, 12, 1), (i64::MIN, 0, 1)] {
            assert_eq!(strided(PLAIN, &[0, begin], &[1, end], &[1, step]), None, "{begin}");
        }
        assert_eq!(strided(PLAIN, &[0; 4], &[1; 4], &[1; 4]), None);
        assert_eq!(strided(Masks { shrink_axis: 2, ..PLAIN }, &[0, 6], &[1, 7], &[1, 1]), None);
        assert_eq!(Slice::with_sizes(&[1, 6, 4], &[0, 2, 0], &[1, 5, 4]), None);
        let rest = Slice::with_sizes(&[1, 6, 4], &[0, 2, 0], &[1, -1, 4]).unwrap();
        assert_eq!(rest.parts[1], Part { start: 2, step: 1, count: 4 });
    }
}
