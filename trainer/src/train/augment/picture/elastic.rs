//! Elastic displacement: random shifts of the points of a coarse grid, interpolated bicubically to
//! every pixel.

use core::array::from_fn;

use crate::kernels::{LANES, gather};
use crate::train::random::Random;

/// Four neighbouring grid points and their factors in the interpolation.
type GridPlace = [(usize, f32); 4];

/// Where the pixels of a part of an input lie on the grid.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Points per side.
    side: usize,
    rows: Vec<GridPlace>,
    /// For each of the four neighbours: the columns' points and factors, filled up to whole vectors
    /// with the last one's.
    columns: [(Vec<u32>, Vec<f32>); 4],
}

impl Grid {
    /// A grid of `side` by `side` points over an input of `input` rows and columns, for the `part`
    /// rows and columns from `origin` on.
    pub fn new(side: usize, input: [usize; 2], part: [usize; 2], origin: [usize; 2]) -> Self {
        let place = |axis: usize, index: usize| grid_place(origin[axis] + index, input[axis], side);
        let padded = part[1].next_multiple_of(LANES);
        Self {
            side,
            rows: (0..part[0]).map(|row| place(0, row)).collect(),
            columns: from_fn(|neighbour| {
                let places = (0..padded).map(|column| place(1, column.min(part[1] - 1))[neighbour]);
                places.map(|(point, factor)| (point as u32, factor)).unzip()
            }),
        }
    }

    /// Pixels of a row, filled up to whole vectors.
    fn row_len(&self) -> usize {
        self.columns[0].0.len()
    }
}

/// Displacements of one image's pixels, rows (axis 0) and columns, in memory that serves one image
/// after the other.
pub struct Displacements {
    /// Of the grid's points.
    points: [Vec<f32>; 2],
    /// Of the part's columns on the grid's rows.
    lines: Vec<f32>,
    /// One neighbour of each of the columns.
    neighbours: Vec<f32>,
    /// Of the part's pixels; rows are filled up to whole vectors.
    pixels: [Vec<f32>; 2],
}

impl Displacements {
    /// None yet.
    pub fn new(grid: &Grid) -> Self {
        let zeros = |len: usize| vec![0.0; len];
        let pixels = grid.rows.len() * grid.row_len();
        Self {
            points: [zeros(grid.side * grid.side), zeros(grid.side * grid.side)],
            lines: zeros(grid.side * grid.row_len()),
            neighbours: zeros(grid.row_len()),
            pixels: [zeros(pixels), zeros(pixels)],
        }
    }

    /// Draws displacements of standard deviation `deviation` at the grid's points; no random number
    /// where it is 0.
    pub fn draw(&mut self, deviation: f32, random: &mut Random) {
        let [rows, columns] = &mut self.points;
        for (row, column) in rows.iter_mut().zip(columns) {
            let pair = if deviation == 0.0 { [0.0; 2] } else { random.normal_pair() };
            [*row, *column] = pair.map(|shift| shift * deviation);
        }
    }

    /// Interpolates them: along the columns of each grid row first, then along the rows.
    #[inline(always)]
    pub fn interpolate(&mut self, grid: &Grid) {
        let columns = grid.row_len();
        for (points, pixels) in self.points.iter().zip(&mut self.pixels) {
            for (line, row) in
                self.lines.chunks_exact_mut(columns).zip(points.chunks_exact(grid.side))
            {
                line.fill(0.0);
                for (points, factors) in &grid.columns {
                    gather(row, points, 0, &mut self.neighbours);
                    for (value, (point, factor)) in
                        line.iter_mut().zip(self.neighbours.iter().zip(factors))
                    {
                        *value += factor * point;
                    }
                }
            }
            for (out, place) in pixels.chunks_exact_mut(columns).zip(&grid.rows) {
                let lines = place.map(|(line, _)| &self.lines[line * columns..][..columns]);
                blend(out, lines, place.map(|(_, factor)| factor));
            }
        }
    }

    /// Those of a row of pixels, filled up to whole vectors.
    #[inline(always)]
    pub fn row(&self, axis: usize, row: usize, grid: &Grid) -> &[f32] {
        let columns = grid.row_len();
        &self.pixels[axis][row * columns..][..columns]
    }
}

/// Four lines times a factor each.
#[inline(always)]
fn blend(out: &mut [f32], lines: [&[f32]; 4], factors: [f32; 4]) {
    let [a, b, c, d] = lines;
    for ((((out, a), b), c), d) in out.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        *out = factors[0] * a + factors[1] * b + factors[2] * c + factors[3] * d;
    }
}

/// Where pixel `index` of `side` pixels lies on a grid of `points` points whose outer ones lie on
/// the outer pixels: factors of Catmull and Rom's cubic. Points beyond the grid repeat its edge.
fn grid_place(index: usize, side: usize, points: usize) -> GridPlace {
    let place = index as f32 * (points - 1) as f32 / (side.max(2) - 1) as f32;
    let before = (place as usize).min(points - 2);
    let t = place - before as f32;
    let factors = [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ];
    from_fn(|tap| ((before + tap).saturating_sub(1).min(points - 1), factors[tap]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::random::Purpose;

    fn grid() -> Grid {
        Grid::new(6, [28, 28], [28, 28], [0, 0])
    }

    /// The pixels' shifts of rows that follow from the points'.
    fn interpolated(points: &[f32]) -> Vec<f32> {
        let mut displacements = Displacements::new(&grid());
        displacements.points[0].copy_from_slice(points);
        displacements.interpolate(&grid());
        (0..28).flat_map(|row| displacements.row(0, row, &grid())[..28].to_vec()).collect()
    }

    #[test]
    fn displacements_have_the_deviation_asked_for_at_grid_points() {
        let mut displacements = Displacements::new(&grid());
        let mut sum = 0.0;
        for image in 0..500 {
            displacements.draw(0.5, &mut Random::new(5, Purpose::Distortion { epoch: 1, image }));
            displacements.interpolate(&grid());
            let corner = displacements.row(0, 0, &grid())[0];
            sum += corner * corner;
        }
        assert!((sum / 500.0 - 0.25).abs() < 0.05, "{}", sum / 500.0);
    }

    #[test]
    fn interpolation_keeps_a_flat_grid_and_a_slope() {
        assert!(interpolated(&[2.0; 36]).iter().all(|value| (value - 2.0).abs() < 1e-5));
        let slope: Vec<f32> = (0..36).map(|point| (point % 6) as f32 * 27.0 / 5.0).collect();
        let values = interpolated(&slope);
        // Away from the edge, whose outer points repeat.
        assert!((6..22).all(|column| (values[column] - column as f32).abs() < 1e-3));
    }
}
