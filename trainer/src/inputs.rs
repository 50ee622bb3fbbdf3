//! From stored images to what a network reads: one place for the rule that training, calibration
//! and the chip share.

use infer::Shape;

use crate::data::Dataset;
use crate::network::Input;

/// Real value of a full pixel: inputs are `pixel / 255`.
pub const PIXEL_MAX: f32 = 255.0;

/// The chosen images as network inputs, `[image][row][column][channel]`, 0 to 1.
///
/// Network pixel (row, column) is image pixel `(row + offset[0], column + offset[1])`; outside of
/// the image it is 0.
pub fn network_inputs(input: &Input, images: &Dataset, chosen: &[usize]) -> Vec<f32> {
    let shape = input.shape();
    let mut inputs = vec![0.0; chosen.len() * shape.len()];
    for (index, out) in chosen.iter().zip(inputs.chunks_exact_mut(shape.len())) {
        place(input, shape, [0, 0], images, *index, out);
    }
    inputs
}

/// The part of image `index`'s network input that begins at row and column `first` and has the
/// shape `part`.
pub fn place(
    input: &Input,
    part: Shape,
    first: [usize; 2],
    images: &Dataset,
    index: usize,
    out: &mut [f32],
) {
    let (shape, pixels, channels) = (images.shape, images.image(index), part.channels as usize);
    let top = input.offset[0] as i64 + first[0] as i64;
    let left = input.offset[1] as i64 + first[1] as i64;
    for (row, out_row) in (top..).zip(out.chunks_exact_mut(part.row_len())) {
        for (column, out_pixel) in (left..).zip(out_row.chunks_exact_mut(channels)) {
            let inside = (0..shape.height as i64).contains(&row)
                && (0..shape.width as i64).contains(&column);
            if inside {
                let at = (row as usize * shape.width as usize + column as usize) * channels;
                for (value, pixel) in out_pixel.iter_mut().zip(&pixels[at..at + channels]) {
                    *value = *pixel as f32 / PIXEL_MAX;
                }
            } else {
                out_pixel.fill(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_moves_the_window_and_reads_black_outside() {
        let images = Dataset {
            shape: Shape::new(2, 2, 1),
            pixels: vec![255, 51, 102, 153],
            labels: vec![0],
            classes: 1,
            targets: vec![],
        };
        let input = Input { height: 2, width: 2, channels: 1, offset: [1, 1] };
        assert_eq!(network_inputs(&input, &images, &[0]), [0.6, 0.0, 0.0, 0.0]);
        let input = Input { offset: [0, -1], ..input };
        assert_eq!(network_inputs(&input, &images, &[0]), [0.0, 1.0, 0.0, 0.4]);
    }
}
