//! Which sides of a map the dimensions of a file's tensor count. A transposition or a reshape moves
//! no value: it only says otherwise which dimension counts what.

use infer::Shape;

/// A side of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Row,
    Column,
    Channel,
}

/// For each dimension the sides that it counts, the slowest first, with their lengths. Those of one
/// value are left out: they count nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout(Vec<Vec<(Side, usize)>>);

/// Batch, channels, rows, columns.
pub(super) const CHANNELS_FIRST: [Option<Side>; 4] =
    [None, Some(Side::Channel), Some(Side::Row), Some(Side::Column)];

/// Batch, rows, columns, channels.
pub(super) const CHANNELS_LAST: [Option<Side>; 4] =
    [None, Some(Side::Row), Some(Side::Column), Some(Side::Channel)];

impl Side {
    /// How long it is.
    pub const fn of(self, shape: Shape) -> usize {
        (match self {
            Self::Row => shape.height,
            Self::Column => shape.width,
            Self::Channel => shape.channels,
        }) as usize
    }
}

impl Layout {
    /// One side for each dimension; none for the batch.
    pub fn new(shape: Shape, dimensions: &[Option<Side>]) -> Self {
        let sides = dimensions.iter().map(|side| match side {
            Some(side) if side.of(shape) > 1 => vec![(*side, side.of(shape))],
            _ => vec![],
        });
        Self(sides.collect())
    }

    /// A batch of vectors that hold a map in the order of its memory.
    pub fn flat(shape: Shape) -> Self {
        let Self(sides) = Self::new(shape, &CHANNELS_LAST);
        Self(vec![vec![], sides.concat()])
    }

    /// Its dimensions.
    pub const fn rank(&self) -> usize {
        self.0.len()
    }

    /// What each dimension counts.
    pub fn dimensions(&self) -> &[Vec<(Side, usize)>] {
        &self.0
    }

    /// With a dimension more that counts nothing.
    pub fn with_one_more(&self, at: usize) -> Self {
        let mut sides = self.0.clone();
        sides.insert(at.min(sides.len()), vec![]);
        Self(sides)
    }

    /// With dimensions in front that count nothing, until there are `rank` of them.
    pub fn with_rank(&self, rank: usize) -> Self {
        let missing = vec![vec![]; rank.saturating_sub(self.rank())];
        Self([&missing[..], &self.0].concat())
    }

    /// Without a dimension that counts nothing.
    pub fn with_one_fewer(&self, at: usize) -> Option<Self> {
        let mut sides = self.0.clone();
        let is_nothing = sides.get(at)?.is_empty();
        sides.remove(at);
        is_nothing.then_some(Self(sides))
    }

    /// What each dimension counts to.
    pub fn sizes(&self) -> Vec<usize> {
        let size = |sides: &Vec<(Side, usize)>| sides.iter().map(|(_, length)| length).product();
        self.0.iter().map(size).collect()
    }

    /// The sides that a dimension counts; none where there is no such dimension.
    pub fn dimension(&self, dimension: usize) -> &[(Side, usize)] {
        self.0.get(dimension).map_or(&[], Vec::as_slice)
    }

    /// All sides, the slowest first.
    pub fn sides(&self) -> Vec<(Side, usize)> {
        self.0.concat()
    }

    /// Whether the values lie as in a model: rows, columns, channels.
    pub fn is_in_order(&self) -> bool {
        let sides = self.sides();
        let order = |side: &(Side, usize)| CHANNELS_LAST.iter().position(|at| *at == Some(side.0));
        sides.iter().map(order).is_sorted()
    }

    /// Whether dimension `n` counts what `sides[n]` says, or nothing.
    pub fn is_of(&self, sides: &[Option<Side>]) -> bool {
        let counts = |(dimension, side): (&Vec<(Side, usize)>, &Option<Side>)| {
            dimension.iter().all(|(counted, _)| Some(*counted) == *side)
        };
        self.rank() <= sides.len() && self.0.iter().zip(sides).all(counts)
    }

    /// Whether a dimension counts this side, all of it and nothing else.
    pub fn counts(&self, dimension: usize, side: Side, shape: Shape) -> bool {
        match self.dimension(dimension) {
            [] => side.of(shape) == 1,
            [(counted, _)] => *counted == side,
            _ => false,
        }
    }

    /// The same with another side in a dimension.
    pub fn with(&self, dimension: usize, side: Side, shape: Shape) -> Self {
        let mut sides = self.clone();
        let length = side.of(shape);
        sides.0[dimension] = if length > 1 { vec![(side, length)] } else { vec![] };
        sides
    }

    /// The same without what some dimensions count.
    pub fn without(&self, dimensions: &[usize]) -> Self {
        let mut sides = self.clone();
        dimensions.iter().for_each(|dimension| sides.0[*dimension].clear());
        sides
    }

    /// Dimension `n` is what dimension `order[n]` was.
    pub fn transposed(&self, order: &[usize]) -> Self {
        Self(order.iter().map(|dimension| self.0[*dimension].clone()).collect())
    }

    /// The same values counted by dimensions of these sizes; `None` where that would cut a side.
    pub fn reshaped(&self, sizes: &[usize]) -> Option<Self> {
        let mut sides = self.sides().into_iter().peekable();
        let dimension = |size: &usize| {
            let (mut counted, mut values) = (vec![], 1);
            while values < *size {
                let (side, length) = sides.next()?;
                values *= length;
                counted.push((side, length));
            }
            (values == *size).then_some(counted)
        };
        let dimensions = sizes.iter().map(dimension).collect::<Option<_>>().map(Self);
        dimensions.filter(|_| sides.peek().is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::Side::*;
    use super::*;

    const MAP: Shape = Shape::new(4, 6, 3);

    #[test]
    fn a_reshape_keeps_sides_whole() {
        let map = Layout::new(MAP, &CHANNELS_FIRST);
        let flat = map.reshaped(&[1, 72]).unwrap();
        assert_eq!(flat.dimension(1), [(Channel, 3), (Row, 4), (Column, 6)]);
        assert_eq!(flat.reshaped(&[1, 3, 24, 1]).unwrap().dimension(2), [(Row, 4), (Column, 6)]);
        assert_eq!(flat.reshaped(&[3, 4, 6]).unwrap().rank(), 3);
        assert!(flat.dimension(7).is_empty());
        for cut in [&[1, 6, 12][..], &[72, 2], &[3, 4], &[0]] {
            assert_eq!(flat.reshaped(cut), None, "{cut:?}");
        }
    }

    #[test]
    fn a_transposition_that_leads_to_the_order_in_memory() {
        let map = Layout::new(MAP, &CHANNELS_FIRST);
        assert!(!map.is_in_order());
        let turned = map.transposed(&[0, 2, 3, 1]);
        assert!(turned.is_in_order());
        assert_eq!(turned, Layout::new(MAP, &CHANNELS_LAST));
        assert_eq!(turned.reshaped(&[1, 72]), Some(Layout::flat(MAP)));
        assert!(map.is_of(&CHANNELS_FIRST) && !turned.is_of(&CHANNELS_FIRST));
    }

    #[test]
    fn dimensions_are_counted_from_the_last() {
        let vector = Layout(vec![vec![(Channel, 3)]]);
        assert_eq!(vector.with_rank(3), Layout(vec![vec![], vec![], vec![(Channel, 3)]]));
        assert_eq!(vector.with_rank(1), vector);
    }

    #[test]
    fn sides_of_one_value_lie_anywhere() {
        let column = Shape::new(5, 1, 1);
        let layout = Layout::new(column, &CHANNELS_FIRST);
        assert!(layout.counts(1, Channel, column) && layout.counts(2, Row, column));
        assert!(!layout.counts(1, Row, column));
        assert_eq!(layout.transposed(&[0, 2, 1, 3]).dimension(1), [(Row, 5)]);
    }
}
