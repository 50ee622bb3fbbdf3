use super::*;
use crate::recipe::Flip;

const INPUT: Input = Input { height: 28, width: 28, channels: 1, offset: [3, 3] };

fn recipe() -> Augment {
    Augment { elastic_grid: 6, calm_part: 0.1, calm_strength: 0.4, ..Augment::default() }
}

fn images() -> Dataset {
    let mut random = Random::new(3, Purpose::Weights);
    Dataset {
        shape: Shape::new(28, 28, 1),
        pixels: (0..2 * 784).map(|_| random.below(256) as u8).collect(),
        labels: vec![0; 2],
        classes: 1,
        targets: vec![],
    }
}

fn distorter(recipe: Augment) -> Distorter {
    Distorter::new(recipe, &INPUT, Shape::new(22, 22, 1), [0, 0])
}

fn distorted(
    recipe: Augment,
    images: &Dataset,
    index: usize,
    epoch: usize,
    strength: f32,
) -> Vec<f32> {
    let mut out = vec![f32::NAN; 22 * 22];
    distorter(recipe).placer(images, 5, epoch, strength).place(index, &mut out);
    out
}

fn strong() -> Augment {
    Augment {
        rotation_degrees: 8.0,
        log_scale: 0.07,
        shear: 0.1,
        shift_pixels: 1.0,
        elastic_pixels: 0.5,
        ..recipe()
    }
}

#[test]
fn without_distortion_the_image_is_placed_as_ever() {
    let images = images();
    let mut plain = vec![0.0; 484];
    crate::inputs::place(&INPUT, Shape::new(22, 22, 1), [0, 0], &images, 1, &mut plain);
    for found in [distorted(recipe(), &images, 1, 1, 1.0), distorted(strong(), &images, 1, 1, 0.0)]
    {
        let worst = plain
            .iter()
            .zip(&found)
            .map(|(plain, found)| (plain - found).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-5, "{worst}");
    }
}

#[test]
fn each_image_and_epoch_has_a_distortion_of_its_own_that_can_be_repeated() {
    let images = Dataset { pixels: images().pixels[..784].repeat(2), ..images() };
    let first = distorted(strong(), &images, 0, 1, 1.0);
    assert_eq!(first, distorted(strong(), &images, 0, 1, 1.0));
    assert_ne!(first, distorted(strong(), &images, 1, 1, 1.0));
    assert_ne!(first, distorted(strong(), &images, 0, 2, 1.0));
}

#[test]
fn values_stay_between_those_of_the_image_and_zero() {
    let images = images();
    let wild = Augment {
        shift_pixels: 40.0,
        elastic_pixels: 30.0,
        log_scale: 2.0,
        rotation_degrees: 180.0,
        ..recipe()
    };
    for epoch in 1..50 {
        let values = distorted(wild, &images, 0, epoch, 1.0);
        assert!(values.iter().all(|value| (0.0..=1.0).contains(value)));
    }
}

/// The bits that every host must give: they change when the arithmetic does.
#[test]
fn the_bits_are_pinned() {
    let bits = distorted(strong(), &images(), 0, 1, 1.0).iter().fold(0u64, |hash, value| {
        (hash ^ value.to_bits() as u64).wrapping_mul(0x0000_0100_0000_01b3)
    });
    assert_eq!(format!("{bits:016x}"), "eaf802a360e06ff5");
}

#[test]
fn a_quarter_turn_is_a_quarter_turn() {
    // A single bright pixel right of the centre; turned by the drawn angle it lies at that angle.
    let mut images = images();
    images.pixels.fill(0);
    images.pixels[13 * 28 + 20] = 255;
    let recipe = Augment { rotation_degrees: 90.0, ..recipe() };
    let mut random = Random::new(5, Purpose::Distortion { epoch: 1, image: 0 });
    let angle = (2.0 * random.unit() - 1.0) * core::f32::consts::FRAC_PI_2;
    let found = distorted(recipe, &images, 0, 1, 1.0);
    let sum: f32 = found.iter().sum();
    let centre = |axis: usize| {
        let weigh =
            |(index, value): (usize, &f32)| value * (3 + [index / 22, index % 22][axis]) as f32;
        found.iter().enumerate().map(weigh).sum::<f32>() / sum - 13.5
    };
    // The sampling matrix turns output into source, so the bright pixel turns the other way.
    let (y, x) = (-0.5f32, 6.5f32);
    let expected = [angle.cos() * y + angle.sin() * x, -angle.sin() * y + angle.cos() * x];
    assert!((centre(0) - expected[0]).abs() < 0.4, "{} {}", centre(0), expected[0]);
    assert!((centre(1) - expected[1]).abs() < 0.4, "{} {}", centre(1), expected[1]);
}

#[test]
fn the_last_part_of_the_run_is_calm() {
    let distorter = distorter(recipe());
    assert_eq!([1, 18, 19, 20].map(|epoch| distorter.strength(epoch, 20)), [1.0, 1.0, 0.4, 0.4]);
}

/// An image of one bright pixel at a row and column, in an input that shows all of it.
fn spot(recipe: Augment, place: [usize; 2], epoch: usize) -> Vec<f32> {
    let mut images = images();
    images.pixels.fill(0);
    images.pixels[place[0] * 28 + place[1]] = 255;
    whole(recipe, &images, epoch)
}

/// The first image in an input that shows all of it.
fn whole(recipe: Augment, images: &Dataset, epoch: usize) -> Vec<f32> {
    let input = Input { height: 28, width: 28, channels: 1, offset: [0, 0] };
    let mut out = vec![f32::NAN; 784];
    let distorter = Distorter::new(recipe, &input, input.shape(), [0, 0]);
    distorter.placer(images, 5, epoch, 1.0).place(0, &mut out);
    out
}

#[test]
fn a_flip_mirrors_half_of_the_images() {
    let places = |flip| {
        let place = |epoch| {
            let values = spot(Augment { flip, ..recipe() }, [3, 20], epoch);
            let at = values.iter().position(|value| *value > 0.99).unwrap();
            [at / 28, at % 28]
        };
        let found: Vec<[usize; 2]> = (1..80).map(place).collect();
        [[3, 20], [3, 7], [24, 20], [24, 7]]
            .map(|place| found.iter().filter(|found| **found == place).count())
    };
    assert_eq!(places(Flip::None), [79, 0, 0, 0]);
    let [same, turned, ..] = places(Flip::Horizontal);
    assert!(same + turned == 79 && (25..55).contains(&same), "{same} {turned}");
    let [same, _, turned, _] = places(Flip::Vertical);
    assert!(same + turned == 79 && (25..55).contains(&same), "{same} {turned}");
    assert!(places(Flip::Both).iter().all(|count| *count > 8), "{:?}", places(Flip::Both));
}

/// A cropped image shows a part of what was there, enlarged, and nothing from outside.
#[test]
fn a_crop_enlarges_a_part_of_the_image() {
    let mut images = images();
    (0..784).for_each(|pixel| images.pixels[pixel] = 100 + 3 * (pixel % 28) as u8);
    let (mut least, mut most) = (f32::INFINITY, 0.0_f32);
    for epoch in 1..60 {
        let values = whole(Augment { crop: 0.5, ..recipe() }, &images, epoch);
        let row: Vec<f32> = values[..28].iter().map(|value| value * 255.0).collect();
        let slope = (row[27] - row[0]) / 27.0;
        assert!((1.49..=3.01).contains(&slope), "{slope}");
        assert!(row[0] > 99.9 && row[27] < 181.1, "{row:?}");
        (least, most) = (least.min(slope), most.max(slope));
    }
    assert!(least < 1.7 && most > 2.8, "{least} {most}");
}

#[test]
fn brightness_moves_all_values_alike() {
    let images = Dataset { pixels: vec![128; 1568], ..images() };
    let mut seen = vec![];
    for epoch in 1..60 {
        let values = whole(Augment { brightness: 0.3, ..recipe() }, &images, epoch);
        assert!(values.iter().all(|value| (value - values[0]).abs() < 1e-6));
        seen.push(values[0] - 128.0 / 255.0);
    }
    assert!(seen.iter().all(|more| more.abs() <= 0.3 + 1e-6));
    assert!(seen.iter().any(|more| *more < -0.2) && seen.iter().any(|more| *more > 0.2));
}

#[test]
fn noise_has_its_deviation() {
    let images = Dataset { pixels: vec![128; 1568], ..images() };
    let values = whole(Augment { noise: 0.1, ..recipe() }, &images, 1);
    let errors: Vec<f32> = values.iter().map(|value| value - 128.0 / 255.0).collect();
    let mean = errors.iter().sum::<f32>() / 784.0;
    let deviation = (errors.iter().map(|error| error * error).sum::<f32>() / 784.0).sqrt();
    assert!(mean.abs() < 0.015 && (deviation - 0.1).abs() < 0.01, "{mean} {deviation}");
}

#[test]
fn a_cutout_is_a_square() {
    let images = Dataset { pixels: vec![255; 1568], ..images() };
    for epoch in 1..60 {
        let values = whole(Augment { cutout_pixels: 8, ..recipe() }, &images, epoch);
        let zeros: Vec<[usize; 2]> = (0..784)
            .filter(|place| values[*place] == 0.0)
            .map(|place| [place / 28, place % 28])
            .collect();
        let sides = [0, 1].map(|axis| {
            let along = zeros.iter().map(|place| place[axis]);
            along.clone().max().unwrap() - along.min().unwrap() + 1
        });
        assert_eq!(zeros.len(), sides[0] * sides[1]);
        // At the edge a part of it lies outside.
        assert!(sides.iter().all(|side| (4..=8).contains(side)), "{sides:?}");
    }
}
