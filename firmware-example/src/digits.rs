//! Ten stored digits: shown, classified, and compared with what the host answered when this was
//! built. For a model that knows them; another shows the images that it carries (`samples.rs`).

use cortex_m_semihosting::{hprint, hprintln};
use infer::{Model, Session, Shape};

use crate::board::Counter;

const IMAGES: &[u8] = include_bytes!("../digits/images.bin");
const LABELS: &[u8] = include_bytes!("../digits/labels.bin");

/// The host's score vectors, one after the other.
const EXPECTED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/expected.bin"));

/// Characters for pixels from dark to bright.
const SHADES: &[u8] = b" .:+#@";

/// How many of the ten a model that was trained on digits gets right, at least.
const KNOWN_MIN: usize = 8;

/// Whether the model was trained on digits: by the host's answers. A model of images of
/// another size has none.
pub fn are_known(model: &Model) -> bool {
    let answers = EXPECTED.chunks_exact(model.classes()).map(class);
    answers.zip(LABELS).filter(|(class, label)| *class == **label as usize).count() >= KNOWN_MIN
}

/// The first of the largest scores.
fn class(scores: &[u8]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score as i8 > scores[best] as i8 {
            best = class;
        }
    }
    best
}

/// Shows all digits; whether every score vector is the host's.
pub fn show(session: &mut Session, model: &Model, counter: &mut Counter) -> bool {
    let images = IMAGES.chunks_exact(model.image_shape().len());
    let expected = EXPECTED.chunks_exact(model.classes());
    let (mut same, mut correct, mut instructions) = (0, 0, 0);
    for ((image, label), expected) in images.zip(LABELS).zip(expected) {
        draw(image, model.image_shape());
        let (scores, counted) = counter.count(|| session.run(image));
        let scores = scores.unwrap();
        let is_same = scores.values().iter().map(|score| *score as u8).eq(expected.iter().copied());
        let verdict = if is_same { "as on the host" } else { "NOT as on the host" };
        let percent =
            scores.probabilities().nth(scores.class()).map_or(0, |part| (part * 100.0) as u32);
        hprintln!(
            "a {}: answer {} ({} %), {} instructions, {}\n",
            label,
            scores.class(),
            percent,
            counted,
            verdict
        );
        same += is_same as usize;
        correct += (scores.class() == *label as usize) as usize;
        instructions = counted;
    }
    hprintln!(
        "{} of {} right, {} as on the host, {} instructions for one image",
        correct,
        LABELS.len(),
        same,
        instructions
    );
    same == LABELS.len()
}

/// Every second row, since characters are twice as high as wide.
pub fn draw(image: &[u8], shape: Shape) {
    for row in image.chunks_exact(shape.row_len()).step_by(2) {
        for pixel in row.iter().step_by(shape.channels as usize) {
            let shade = SHADES[*pixel as usize * SHADES.len() / 256];
            hprint!("{}", shade as char);
        }
        hprintln!();
    }
}
