use infer::Shape;

use crate::data::appearance::Appearance;
use crate::data::{DataDir, Dataset};

fn appearance_of(images: &Dataset) -> Option<Appearance> {
    Appearance::of(images.shape, &images.pixels)
}

#[test]
fn mnist_is_light_strokes_of_one_size_in_the_middle() {
    let train = DataDir::load(&DataDir::default_path()).unwrap().train;
    let mnist = appearance_of(&train).unwrap();
    assert_eq!((mnist.ground, mnist.stroke), (0, 255));
    assert_eq!(mnist.side, Some(20));
    let [row, column] = mnist.centre.unwrap();
    assert!((13.0..15.0).contains(&row) && (13.0..15.0).contains(&column), "{row} {column}");
    let alike = (0..train.len()).filter(|index| mnist.has(28, 28, train.image(*index)));
    assert!(alike.count() >= 59_000);
    let first = Dataset { pixels: train.image(0).to_vec(), labels: vec![5], ..train.clone() };
    let one = appearance_of(&first).unwrap();
    assert!(one.side.unwrap().abs_diff(20) <= 1 && !one.is_light_ground());
}

/// Images of 6x6 with one bright pixel each, at `places`.
fn dots(places: &[usize], ground: u8, dot: u8) -> Dataset {
    let image = |place: &usize| {
        let mut pixels = vec![ground; 36];
        pixels[*place] = dot;
        pixels
    };
    Dataset {
        shape: Shape::new(6, 6, 1),
        pixels: places.iter().flat_map(image).collect(),
        labels: vec![0; places.len()],
        classes: 1,
        targets: vec![],
    }
}

#[test]
fn what_varies_is_not_common() {
    let moving = appearance_of(&dots(&[7, 28, 15, 22], 250, 30)).unwrap();
    assert_eq!(moving, Appearance { ground: 250, stroke: 30, side: Some(1), centre: None });
    assert!(moving.is_light_ground());
    let still = appearance_of(&dots(&[14, 14], 10, 200)).unwrap();
    assert_eq!(still.centre, Some([2.0, 2.0]));
    assert!(still.has(6, 6, &dots(&[14], 12, 190).pixels));
    assert!(!still.has(6, 6, &dots(&[29], 12, 190).pixels), "elsewhere");
    assert!(!still.has(6, 6, &dots(&[14], 240, 20).pixels), "dark on light");
}

#[test]
fn pictures_of_no_common_kind_have_no_appearance() {
    let mut mixed = dots(&[14, 14], 10, 200);
    mixed.pixels[36..].iter_mut().for_each(|pixel| *pixel = 255 - *pixel);
    assert_eq!(appearance_of(&mixed), None, "half of them inverted");
    assert_eq!(appearance_of(&dots(&[14], 100, 110)), None, "nothing to see");
    let pixels = (0..72).map(|place| (place * 97 % 256) as u8).collect();
    let noise = Dataset { pixels, ..dots(&[0, 0], 0, 0) };
    assert_eq!(appearance_of(&noise), None, "no ground");
    let colour = Dataset { shape: Shape::new(2, 6, 3), ..dots(&[14], 0, 255) };
    assert_eq!(appearance_of(&colour), None);
}
