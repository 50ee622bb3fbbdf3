//! The inputs that a model carries, with the answers that it must give: samples of the data that it
//! was trained on, or, where it has none, that of its self-test.

use core::fmt;

use cortex_m_semihosting::{hprint, hprintln};
use infer::format::Sample;
use infer::{Model, Native, OutputType, Session};

use crate::board::Counter;
use crate::digits::draw;

/// Least height and width of what is drawn.
const SIDE_MIN: u16 = 8;

/// Whether the model carries some.
pub fn are_there(model: &Model) -> bool {
    model.metadata().samples().next().is_some()
}

/// Shows them; whether all answers are those of the host that wrote the model. A model that carries
/// none has nothing to compare.
pub fn show(session: &mut Session, model: &Model, counter: &mut Counter) -> bool {
    let (mut same, mut shown) = (0, 0);
    for sample in model.metadata().samples() {
        same += show_one(session, model, counter, &sample) as usize;
        shown += 1;
    }
    if let (0, Some(test)) = (shown, model.self_test()) {
        let sample = Sample { class: None, image: test.image, answer: test.scores };
        same += show_one(session, model, counter, &sample) as usize;
        shown += 1;
    }
    match shown {
        0 => hprintln!("the model carries no image: name a file of images and one for the answers"),
        _ => hprintln!("{} of {} as on the host", same, shown),
    }
    same == shown
}

/// Shows an input with its answer; whether that is the host's.
fn show_one(session: &mut Session, model: &Model, counter: &mut Counter, sample: &Sample) -> bool {
    let shape = model.image_shape();
    if matches!(shape.channels, 1 | 3) && shape.height.min(shape.width) >= SIDE_MIN {
        draw(sample.image, shape);
    }
    let (scores, counted) = counter.count(|| session.run_stored::<Native>(sample.image, &mut ()));
    let Ok(scores) = scores else { return false }; // an image of another size
    let is_same =
        scores.values().iter().map(|score| *score as u8).eq(sample.answer.iter().copied());
    match sample.class {
        Some(class) => hprint!("a {}: ", Class { model, class: class.into() }),
        None => hprint!("the model's own image: "),
    }
    if model.input().interface.gives == OutputType::Scores {
        hprint!("answer {}, ", Class { model, class: scores.class() });
    }
    let verdict = if is_same { "as on the host" } else { "NOT as on the host" };
    hprintln!("{}, {} instructions for one image\n", verdict, counted);
    is_same
}

/// Shows a class by its name, or by its number where it has none.
struct Class<'m> {
    model: &'m Model<'m>,
    class: usize,
}

impl fmt::Display for Class<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.model.metadata().name(self.class) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.class),
        }
    }
}
