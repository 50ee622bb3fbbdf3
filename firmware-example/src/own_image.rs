//! The image that a model carries with the scores it must give: one of those it was trained on.

use cortex_m_semihosting::hprintln;
use infer::{Model, Native, Session};

use crate::board::Counter;
use crate::digits::draw;

/// Shows it; whether the scores are those of the host that wrote the model. A model that carries
/// none has nothing to compare.
pub fn show(session: &mut Session, model: &Model, counter: &mut Counter) -> bool {
    let Some(test) = model.self_test() else {
        hprintln!("the model carries no image: name a file of images and one for the answers");
        return true;
    };
    draw(test.image, model.image_shape());
    let (scores, counted) = counter.count(|| session.run_stored::<Native>(test.image, &mut ()));
    let Ok(scores) = scores else { return false }; // no: the loader has checked its size
    let is_same = scores.values().iter().map(|score| *score as u8).eq(test.scores.iter().copied());
    hprintln!(
        "the model's own image: answer {}, {} as on the host, {} instructions for one image",
        scores.class(),
        if is_same { "score for score" } else { "NOT" },
        counted
    );
    is_same
}
