//! The arithmetic of Winograd convolution in integers: what turns inputs, weights and sums into
//! each other.
//!
//! A 3x3 convolution of a tile of `n x n` outputs is `A (U . V) A^T` with `U` from the weights and
//! `V` from the `(n + 2) x (n + 2)` inputs, `.` being the product point by point, summed over input
//! channels. The usual transform of the weights has fractions; here each of its lines is scaled to
//! integers, which scales the result:
//!
//! ```text
//! F(2x2): result = 4 * sum,            |U| <= 9 * 128 = 1152, |V| <= 4 * 128 = 512
//!         U line of (a, b, c) = 2a, a+b+c, a-b+c, 2c
//!         V line of (p..s)    = p-r, q+r, r-q, s-q
//!         output line         = m0+m1+m2, m1-m2+m3
//! F(4x4): result = 576 * sum,          |U| <= 49 * 128 = 6272, |V| <= 100 * 128 = 12800
//!         U line of (a, b, c) = 3a, a+b+c, a-b+c, a+2b+4c, a-2b+4c, 3c
//!         V line of (p..u)    = 4p-5r+t, t+s-4(r+q), t-s-4(r-q), t-r+2(s-q), t-r-2(s-q), u-5s+4q
//!         output line         = 2m0-4(m1+m2)+m3+m4, m3-m4-2(m1-m2),
//!                               m3+m4-(m1+m2), 2(m5+m3-m4)-(m1-m2),
//!                               which is 24 times the sum, divided by 1, 2, 4, 4
//! ```
//!
//! `U` and `V` fit 16 bits for every input. Sums may wrap around 32 bits on the way: additions and
//! multiplications modulo 2^32 leave the final value right if that one fits. It fits for F(2x2)
//! when `|4 * sum| < 2^31`. For F(4x4), 576 is 9 * 64: a multiplication by the inverse of 9 modulo
//! 2^32 leaves `64 * sum`, exact when that fits.

/// Inverse of 3 modulo 2^32.
const INVERSE_OF_THREE: i32 = 0xAAAA_AAAB_u32 as i32;

/// Inverse of 9 modulo 2^32.
pub(crate) const INVERSE_OF_NINE: i32 = 0x38E3_8E39;

/// The outputs one Winograd tile computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tile {
    /// F(2x2, 3x3): 2x2 outputs from 4x4 inputs, 16 products.
    Two,
    /// F(4x4, 3x3): 4x4 outputs from 6x6 inputs, 36 products.
    Four,
}

/// Longest side of a tile's inputs.
pub(crate) const SIDE_MAX: usize = 6;

/// Most outputs on a tile's side.
pub(crate) const OUTPUTS_MAX: usize = 4;

/// A line of transformed values; only the first [`Tile::side`] are used.
pub(crate) type Line = [i32; SIDE_MAX];

/// One value of a line, without a check that could panic where the compiler does not see that it
/// cannot fail.
#[inline(always)]
fn value(line: Line, index: usize) -> i32 {
    line.get(index).copied().unwrap_or_default()
}

impl Tile {
    /// Outputs on a side.
    pub const fn outputs(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }

    /// Inputs on a side.
    pub const fn side(self) -> usize {
        self.outputs() + 2
    }

    /// Products per input channel.
    pub const fn points(self) -> usize {
        self.side() * self.side()
    }

    /// Place of point (row, column) among the points of weights and inputs.
    ///
    /// F(2x2) has the columns in the order 1, 2, 0, 3, in which a kernel can fold the output
    /// transform of a row into its accumulators.
    pub const fn point(self, row: usize, column: usize) -> usize {
        match self {
            Self::Two => row * 4 + [2, 0, 1, 3][column & 3],
            Self::Four => row * 6 + column,
        }
    }

    /// 32-bit sums that remain per tile and output channel after the products: for F(2x2) two per
    /// row, folded.
    pub const fn sums(self) -> usize {
        match self {
            Self::Two => 8,
            Self::Four => 36,
        }
    }

    /// Largest size of a sum (without bias) that comes out exact.
    pub const fn sum_max(self) -> u64 {
        match self {
            Self::Two => (1 << 29) - 1,
            Self::Four => (1 << 25) - 1,
        }
    }

    /// One line of the weights' transform.
    #[inline(always)]
    pub const fn weights_line(self, [a, b, c]: [i32; 3]) -> Line {
        match self {
            Self::Two => [2 * a, a + b + c, a - b + c, 2 * c, 0, 0],
            Self::Four => {
                [3 * a, a + b + c, a - b + c, a + 2 * b + 4 * c, a - 2 * b + 4 * c, 3 * c]
            }
        }
    }

    /// One line of the inputs' transform.
    #[inline(always)]
    pub const fn input_line(self, [p, q, r, s, t, u]: Line) -> Line {
        match self {
            Self::Two => [p - r, q + r, r - q, s - q, 0, 0],
            Self::Four => [
                4 * p - 5 * r + t,
                t + s - 4 * (r + q),
                t - s - 4 * (r - q),
                t - r + 2 * (s - q),
                t - r - 2 * (s - q),
                u - 5 * s + 4 * q,
            ],
        }
    }

    /// The weights' transform in both directions.
    pub fn transform_weights(self, kernel: [[i32; 3]; 3]) -> [Line; SIDE_MAX] {
        let [[a, b, c], [d, e, f], [g, h, i]] = kernel;
        let columns = [[a, d, g], [b, e, h], [c, f, i]].map(|column| self.weights_line(column));
        core::array::from_fn(|row| self.weights_line(columns.map(|column| value(column, row))))
    }

    /// The inputs' transform in both directions.
    #[inline(always)]
    pub fn transform_inputs(self, inputs: [Line; SIDE_MAX]) -> [Line; SIDE_MAX] {
        let columns: [Line; SIDE_MAX] =
            core::array::from_fn(|column| self.input_line(inputs.map(|row| value(row, column))));
        core::array::from_fn(|row| self.input_line(columns.map(|column| value(column, row))))
    }

    /// The weight of tap (row, column) from the transformed weights; any number when they are no
    /// transform.
    pub fn recover_weight(
        self,
        at: impl Fn(usize, usize) -> i32,
        row: usize,
        column: usize,
    ) -> i32 {
        self.recover_tap(row, |line| self.recover_tap(column, |point| at(line, point)))
    }

    /// The int8 weights of which these are the transform, column by column; `None` if there are
    /// none.
    ///
    /// The transform is one of lines in both directions, so first each row must be a transformed
    /// line, then each column of what the rows come from.
    pub fn recover_columns(self, at: impl Fn(usize, usize) -> i32) -> Option<[[i8; 3]; 3]> {
        let mut half_way = [[0; SIDE_MAX]; 3];
        for row in 0..self.side() {
            let mut line = [0; SIDE_MAX];
            for (column, value) in line.iter_mut().take(self.side()).enumerate() {
                *value = at(row, column);
            }
            for (column, value) in half_way.iter_mut().zip(self.recover_line(line)?) {
                *column.get_mut(row)? = value;
            }
        }
        let mut columns = [[0; 3]; 3];
        for (weights, line) in columns.iter_mut().zip(half_way) {
            for (weight, value) in weights.iter_mut().zip(self.recover_line(line)?) {
                *weight = i8::try_from(value).ok()?;
            }
        }
        Some(columns)
    }

    /// The three values of 16 bits of which a line is the transform; `None` if there are none.
    #[inline(never)]
    fn recover_line(self, line: Line) -> Option<[i32; 3]> {
        let values =
            [0, 1, 2].map(|tap| self.recover_tap(tap, |point| value(line, point)) as i16 as i32);
        // Word by word: to compare arrays is to call a function that does it byte by byte.
        self.weights_line(values)
            .iter()
            .zip(&line)
            .all(|(made, found)| made == found)
            .then_some(values)
    }

    /// A weight of a line from its transform; any number when it is none.
    #[inline(always)]
    fn recover_tap(self, tap: usize, value: impl Fn(usize) -> i32) -> i32 {
        match (tap, self) {
            (1, _) => value(1).wrapping_sub(value(2)) >> 1,
            (end, Self::Two) => value(if end == 0 { 0 } else { 3 }) >> 1,
            // Exact for a multiple of three, without an instruction for divisions, which some cores
            // lack.
            (end, Self::Four) => value(if end == 0 { 0 } else { 5 }).wrapping_mul(INVERSE_OF_THREE),
        }
    }
}

/// One line of the F(4x4) output transform, 24 times the outputs divided by 1, 2, 4, 4; wraps.
#[inline(always)]
pub(crate) const fn output_line([m0, m1, m2, m3, m4, m5]: Line) -> [i32; OUTPUTS_MAX] {
    let (s1, d1) = (m1.wrapping_add(m2), m1.wrapping_sub(m2));
    let (s2, d2) = (m3.wrapping_add(m4), m3.wrapping_sub(m4));
    let first = s2.wrapping_add(m0.wrapping_mul(2)).wrapping_sub(s1.wrapping_mul(4));
    let last = m5.wrapping_add(d2).wrapping_mul(2).wrapping_sub(d1);
    [first, d2.wrapping_sub(d1.wrapping_mul(2)), s2.wrapping_sub(s1), last]
}

/// Powers of two by which [`output_line`] divided.
pub(crate) const OUTPUT_SHIFTS: [u32; OUTPUTS_MAX] = [0, 1, 2, 2];
