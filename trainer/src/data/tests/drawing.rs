use crate::data::DataDir;
use crate::data::appearance::Appearance;
use crate::data::picture::Picture;

const SIDE: usize = 28;

/// As a pixel of a digit, 0 to 255, is put on paper at a row and column, with its channels.
type Paper = fn(f64, f64) -> Vec<f64>;

/// The digit `scale` times as large on the paper, with `margin` pixels around.
fn on_paper(digit: &[u8], scale: usize, margin: usize, paper: Paper) -> Picture {
    let side = SIDE * scale + 2 * margin;
    let value = |row: usize, column: usize| {
        let inside = |place: usize| (margin..margin + SIDE * scale).contains(&place);
        match inside(row) && inside(column) {
            true => digit[(row - margin) / scale * SIDE + (column - margin) / scale],
            false => 0,
        }
    };
    let places = (0..side * side).map(|place| (place / side, place % side));
    let pixels: Vec<Vec<f64>> = places
        .map(|(row, column)| paper(value(row, column) as f64, column as f64 / side as f64))
        .collect();
    let channels = pixels[0].len();
    let pixels = pixels.concat().into_iter().map(|value| value as u8).collect();
    Picture { height: side, width: side, channels, pixels }
}

/// Mean difference of a pixel.
fn difference(a: &[u8], b: &[u8]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a.abs_diff(*b) as f64).sum::<f64>() / a.len() as f64
}

#[test]
fn digits_on_any_paper_become_mnist_digits_again() {
    let papers: [(&str, Paper); 9] = [
        ("as it was", |value, _| vec![value]),
        ("black on white", |value, _| vec![255.0 - value]),
        ("grey paper", |value, _| vec![170.0 - 100.0 * value / 255.0]),
        ("pencil", |value, _| vec![235.0 - 85.0 * value / 255.0]),
        ("dim", |value, _| vec![110.0 - 70.0 * value / 255.0]),
        ("lit from one side", |value, x| vec![(235.0 - 115.0 * x) * (1.0 - 0.75 * value / 255.0)]),
        ("red on black", |value, _| vec![value, 0.0, 0.0]),
        ("yellow on white", |value, _| vec![255.0, 255.0, 255.0 - value]),
        ("chalk", |value, _| vec![40.0 + 150.0 * value / 255.0]),
    ];
    let test = DataDir::load(&DataDir::default_path()).unwrap().test;
    let mnist = Appearance { ground: 0, stroke: 254, side: Some(20), centre: Some([13.9, 13.9]) };
    for (name, paper) in papers {
        for (scale, margin) in [(1, 0), (4, 0), (3, 40)] {
            let error = |index: usize| {
                let picture = on_paper(test.image(index), scale, margin, paper);
                difference(&picture.redrawn(SIDE, SIDE, &mnist).unwrap(), test.image(index))
            };
            let mean = (0..20).map(error).sum::<f64>() / 20.0;
            assert!(mean < 9.0, "{name}, scale {scale}, margin {margin}: {mean}");
        }
    }
}

#[test]
fn an_empty_sheet_is_no_drawing() {
    let mnist = Appearance { ground: 0, stroke: 254, side: Some(20), centre: None };
    let sheet = Picture { height: 9, width: 7, channels: 1, pixels: vec![200; 63] };
    assert_eq!(sheet.redrawn(28, 28, &mnist), None);
    let dot = Picture { height: 1, width: 1, channels: 3, pixels: vec![9, 200, 0] };
    assert_eq!(dot.redrawn(28, 28, &mnist), None);
}

#[test]
fn dark_strokes_on_light_are_asked_for_as_well() {
    let light = Appearance { ground: 240, stroke: 20, side: None, centre: None };
    let mut pixels = vec![0; 81];
    pixels[40] = 255;
    let picture = Picture { height: 9, width: 9, channels: 1, pixels };
    let image = picture.redrawn(9, 9, &light).unwrap();
    assert_eq!((image[0], image[40]), (240, 20));
}
