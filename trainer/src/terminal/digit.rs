//! An image as characters: two pixels, one above the other, make one half block.

use infer::Shape;

/// Widest image that is drawn pixel by pixel; of wider ones every n-th pixel is drawn.
const COLUMNS_MAX: usize = 100;

/// Value from which a pixel counts as set when there is no colour.
const SET: u8 = 96;

/// Draws an image of 1 or 3 values per pixel (of others, the first), `[row][column][channel]`; in
/// grey or 24-bit colour if `colour`, else with blank and filled halves.
pub fn draw(pixels: &[u8], shape: Shape, colour: bool) -> String {
    let step = (shape.width as usize).div_ceil(COLUMNS_MAX);
    let (rows, columns) = (shape.height as usize, shape.width as usize);
    let pixel = |row: usize, column: usize| {
        let start = row * shape.row_len() + column * shape.channels as usize;
        pixels.get(start..start + shape.channels as usize).map_or([0; 3], rgb)
    };
    let mut text = String::new();
    for row in (0..rows).step_by(2 * step) {
        let line = (0..columns).step_by(step);
        let halves = line.map(|column| (pixel(row, column), pixel(row + step, column)));
        text += &if colour { coloured(halves) } else { plain(halves) };
        text.push('\n');
    }
    text
}

fn rgb(pixel: &[u8]) -> [u8; 3] {
    match *pixel {
        [red, green, blue] => [red, green, blue],
        [grey, ..] => [grey; 3],
        [] => [0; 3],
    }
}

/// The upper half in the foreground's colour, the lower half in the background's.
fn coloured(halves: impl Iterator<Item = ([u8; 3], [u8; 3])>) -> String {
    let cell = |([r, g, b], [r2, g2, b2]): ([u8; 3], [u8; 3])| {
        format!("\x1b[38;2;{r};{g};{b}m\x1b[48;2;{r2};{g2};{b2}m▀")
    };
    halves.map(cell).collect::<String>() + "\x1b[0m"
}

fn plain(halves: impl Iterator<Item = ([u8; 3], [u8; 3])>) -> String {
    let set = |pixel: [u8; 3]| pixel.iter().any(|value| *value >= SET);
    let cell = |(upper, lower)| match (set(upper), set(lower)) {
        (false, false) => ' ',
        (true, false) => '▀',
        (false, true) => '▄',
        (true, true) => '█',
    };
    halves.map(cell).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_without_colour() {
        assert_eq!(draw(&[0, 255, 0, 255, 0, 0, 255, 255], Shape::new(2, 4, 1), false), " ▀▄█\n");
    }

    #[test]
    fn an_odd_last_row_is_over_black() {
        assert_eq!(draw(&[255; 3], Shape::new(3, 1, 1), false), "█\n▀\n");
    }

    #[test]
    fn colour_names_both_halves() {
        let drawn = draw(&[1, 2, 3, 4, 5, 6], Shape::new(2, 1, 3), true);
        assert_eq!(drawn, "\x1b[38;2;1;2;3m\x1b[48;2;4;5;6m▀\x1b[0m\n");
    }

    #[test]
    fn wide_images_are_thinned() {
        let drawn = draw(&vec![255; 300 * 4], Shape::new(4, 300, 1), false);
        assert_eq!(drawn, "█".repeat(100) + "\n");
    }
}
