//! Answers a file of raw images: for each its score vector, then the instructions of the run as 32 bits, little endian.

use cortex_m_semihosting::hprintln;
use infer::{Model, Session};

use crate::board::host::{File, HostError};
use crate::board::{BUFFER_BYTES, Counter};

/// Answers all images of the file `images` into the file `to`; whether that worked.
pub fn write(session: &mut Session, model: &Model, counter: &mut Counter, images: &str, to: &str) -> bool {
    match answer_all(session, model, counter, images, to) {
        Ok(count) => {
            hprintln!("{} images answered", count);
            true
        }
        Err(HostError) => {
            hprintln!("cannot read {} or write {}", images, to);
            false
        }
    }
}

fn answer_all(
    session: &mut Session,
    model: &Model,
    counter: &mut Counter,
    images: &str,
    to: &str,
) -> Result<usize, HostError> {
    let images_in = cortex_m::singleton!(: [u8; BUFFER_BYTES] = [0; BUFFER_BYTES]).ok_or(HostError)?;
    let answers = cortex_m::singleton!(: [u8; BUFFER_BYTES] = [0; BUFFER_BYTES]).ok_or(HostError)?;
    let (mut from, mut to) = (File::open(images)?, File::create(to)?);
    let (image_bytes, answer_bytes) = (model.image_shape().len(), model.classes() + 4);
    let batch = (BUFFER_BYTES / image_bytes).min(BUFFER_BYTES / answer_bytes);
    let mut count = 0;
    loop {
        let read = from.read(&mut images_in[..batch * image_bytes]);
        if read == 0 {
            return Ok(count);
        }
        let pairs = images_in[..read].chunks_exact(image_bytes).zip(answers.chunks_exact_mut(answer_bytes));
        let mut answered = 0;
        for (image, answer) in pairs {
            let (scores, instructions) = counter.count(|| session.run(image));
            let scores = scores.map_err(|_| HostError)?;
            let bytes = scores.values().iter().map(|score| *score as u8).chain(instructions.to_le_bytes());
            answer.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
            answered += 1;
        }
        to.write(&answers[..answered * answer_bytes])?;
        count += answered;
    }
}
