//! Answers a file of raw images: for each its score vector, then the instructions of the run as 32
//! bits, little endian.

use cortex_m_semihosting::hprintln;
use infer::{Model, Native, Session};

use crate::board::host::{File, HostError};
use crate::board::{BUFFER_BYTES, Counter};

/// Why not every image was answered.
enum AnswerError {
    /// A file cannot be opened, read to its end, or written.
    Host,
    /// The file's length in bytes is no whole number of images.
    PartialImage(usize),
    /// The board's buffers cannot hold an image of this many bytes, or its answer.
    ImageTooLarge(usize),
}

impl From<HostError> for AnswerError {
    fn from(_: HostError) -> Self {
        Self::Host
    }
}

/// Answers all images of the file `images` into the file `to`; whether that worked.
pub fn write(
    session: &mut Session,
    model: &Model,
    counter: &mut Counter,
    images: &str,
    to: &str,
) -> bool {
    let answered = answer_all(session, model, counter, images, to);
    match answered {
        Ok(count) => hprintln!("{} images answered", count),
        Err(AnswerError::Host) => hprintln!("cannot read {} or write {}", images, to),
        Err(AnswerError::PartialImage(bytes)) => {
            hprintln!(
                "{}: {} bytes are no whole number of images of {}",
                images,
                bytes,
                model.image_shape()
            )
        }
        Err(AnswerError::ImageTooLarge(bytes)) => {
            hprintln!(
                "an image of {} bytes does not fit this board's buffer of {}",
                bytes,
                BUFFER_BYTES
            )
        }
    }
    answered.is_ok()
}

fn answer_all(
    session: &mut Session,
    model: &Model,
    counter: &mut Counter,
    images: &str,
    to: &str,
) -> Result<usize, AnswerError> {
    let images_in =
        cortex_m::singleton!(: [u8; BUFFER_BYTES] = [0; BUFFER_BYTES]).ok_or(HostError)?;
    let answers =
        cortex_m::singleton!(: [u8; BUFFER_BYTES] = [0; BUFFER_BYTES]).ok_or(HostError)?;
    let (image_bytes, answer_bytes) = (model.image_shape().len(), model.classes() + 4);
    let batch = (BUFFER_BYTES / image_bytes).min(BUFFER_BYTES / answer_bytes);
    if batch == 0 {
        return Err(AnswerError::ImageTooLarge(image_bytes));
    }
    let mut from = File::open(images)?;
    let bytes = from.bytes()?;
    if !bytes.is_multiple_of(image_bytes) {
        return Err(AnswerError::PartialImage(bytes));
    }
    let mut to = File::create(to)?;
    let mut left = bytes / image_bytes;
    while left > 0 {
        let read = from.read(&mut images_in[..batch.min(left) * image_bytes]);
        let pairs =
            images_in[..read].chunks_exact(image_bytes).zip(answers.chunks_exact_mut(answer_bytes));
        let answered = pairs.len();
        for (image, answer) in pairs {
            let (scores, instructions) =
                counter.count(|| session.run_stored::<Native>(image, &mut ()));
            let scores = scores.map_err(|_| AnswerError::ImageTooLarge(image_bytes))?;
            let bytes =
                scores.values().iter().map(|score| *score as u8).chain(instructions.to_le_bytes());
            answer.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        }
        if answered == 0 {
            return Err(AnswerError::Host); // the file is shorter than it said, or cannot be read
        }
        to.write(&answers[..answered * answer_bytes])?;
        left -= answered;
    }
    Ok(bytes / image_bytes)
}
