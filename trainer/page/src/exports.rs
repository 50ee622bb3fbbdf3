//! The functions that JavaScript calls. `trainer/templates/live/engine.js` is the caller.
//!
//! What is handed over lies in one buffer ([`buffer`]); what is handed back lies in results
//! ([`result`], [`result_bytes`]) until the next call. Numbers are little-endian. Functions that
//! can fail give 0 then, and [`TEXT`] says why.

// An exported name is an `unsafe` attribute. SAFETY, for each function of this file:
// - its name is that of no other function of the module: the linker refuses a second one;
// - no name is one that the compiler or a library calls: those begin with underscores, or are
//   names of C's library, which this target is linked without.
#![allow(unsafe_code, reason = "exported names")]

use std::cell::RefCell;

use infer::Shape;
use pictures::appearance::Appearance;
use pictures::picture::{Fitted, Invert, Look, Picture, Resize};

use crate::engine::{Answer, Engine};

/// Number of the result: what went wrong, or notes of [`fit`], a line each.
const TEXT: usize = 0;
/// Number of the result: the image that [`fit`] made.
const IMAGE: usize = 1;
/// Number of the result: int8 scores.
const SCORES: usize = 2;
/// Number of the result: probabilities, f32.
const PROBABILITIES: usize = 3;
/// Number of the result: int8 maps of all layers, one after the other.
const MAPS: usize = 4;
/// Number of the result: four u32 for each step: tensor, first row made, end, first row held.
const STEPS: usize = 5;
/// How many results there are.
const RESULTS: usize = 6;

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    results: [Vec<u8>; RESULTS],
    engine: Option<Engine>,
    look: Look,
    answer: Answer,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

/// Memory for what is handed over next, `bytes` bytes.
#[unsafe(no_mangle)]
pub extern "C" fn buffer(bytes: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.buffer.clear();
        state.buffer.resize(bytes, 0);
        state.buffer.as_mut_ptr()
    })
}

/// Where a result lies.
#[unsafe(no_mangle)]
pub extern "C" fn result(number: usize) -> *const u8 {
    STATE.with_borrow(|state| state.results.get(number).map_or(std::ptr::null(), |r| r.as_ptr()))
}

/// Bytes of a result.
#[unsafe(no_mangle)]
pub extern "C" fn result_bytes(number: usize) -> usize {
    STATE.with_borrow(|state| state.results.get(number).map_or(0, Vec::len))
}

/// Loads the model file in the buffer, and makes [`STEPS`].
#[unsafe(no_mangle)]
pub extern "C" fn load() -> u32 {
    act(|state| {
        let engine = Engine::new(state.buffer.clone()).map_err(text)?;
        let steps = engine.steps().map_err(text)?.into_iter().flat_map(|step| {
            let rows = [step.rows.start, step.rows.end, step.first_held].map(u32::from);
            [step.tensor as u32, rows[0], rows[1], rows[2]]
        });
        state.results[STEPS] = steps.flat_map(u32::to_le_bytes).collect();
        state.engine = Some(engine);
        Ok(())
    })
}

/// What the training images look like: pixels of ground and stroke, the strokes' longer side or 0,
/// row and column of their centre or numbers below 0.
#[unsafe(no_mangle)]
pub extern "C" fn look_like(ground: u32, stroke: u32, side: u32, row: f64, column: f64) {
    let appearance = Appearance {
        ground: ground as u8,
        stroke: stroke as u8,
        side: (side > 0).then_some(side as u16),
        centre: (row >= 0.0 && column >= 0.0).then_some([row, column]),
    };
    STATE.with_borrow_mut(|state| state.look.appearance = Some(appearance));
}

/// How pictures become images: 0 to 3 in the order of [`Resize`].
#[unsafe(no_mangle)]
pub extern "C" fn resize_by(number: usize) {
    let all = [Resize::Exact, Resize::Nearest, Resize::Area, Resize::Bilinear];
    let resize = all.get(number).copied().unwrap_or_default();
    STATE.with_borrow_mut(|state| state.look.resize = resize);
}

/// Makes the picture in the buffer into the model's [`IMAGE`].
#[unsafe(no_mangle)]
pub extern "C" fn fit(height: usize, width: usize, channels: usize) -> u32 {
    act(|state| {
        let pixels = std::mem::take(&mut state.buffer);
        let len = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
        if len != Some(pixels.len()) || pixels.is_empty() || ![1, 3].contains(&channels) {
            return Err("the picture has another size than was said".to_owned());
        }
        let picture = Picture { height, width, channels, pixels };
        let shape = image_shape(state)?;
        let fitted = picture.fit(shape, Invert::Auto, &state.look).map_err(text)?;
        let Fitted { pixels, notes } = fitted;
        state.results[IMAGE] = pixels;
        state.results[TEXT] = notes.join("\n").into_bytes();
        Ok(())
    })
}

/// Runs the model on the image in the buffer: [`SCORES`], [`PROBABILITIES`], [`MAPS`].
#[unsafe(no_mangle)]
pub extern "C" fn run() -> u32 {
    act(|state| {
        let engine = state.engine.as_ref().ok_or("no model is loaded")?;
        let answer = engine.run(&state.buffer).map_err(text)?;
        state.results[SCORES] = bytes(&answer.scores);
        state.results[MAPS] = bytes(&answer.maps);
        let probabilities = answer.probabilities.iter().flat_map(|part| part.to_le_bytes());
        state.results[PROBABILITIES] = probabilities.collect();
        state.answer = answer;
        Ok(())
    })
}

/// Runs the reference on the image in the buffer, which was run before: 1 when all maps and scores
/// are the same, 2 when not.
#[unsafe(no_mangle)]
pub extern "C" fn compare() -> u32 {
    let mut is_same = false;
    let done = act(|state| {
        let engine = state.engine.as_ref().ok_or("no model is loaded")?;
        is_same = engine.run_by_reference(&state.buffer).map_err(text)? == state.answer;
        Ok(())
    });
    match (done, is_same) {
        (1, false) => 2,
        _ => done,
    }
}

/// 1 when it was done; else 0, and the text says why.
fn act(action: impl FnOnce(&mut State) -> Result<(), String>) -> u32 {
    STATE.with_borrow_mut(|state| match action(state) {
        Ok(()) => 1,
        Err(why) => {
            state.results[TEXT] = why.into_bytes();
            0
        }
    })
}

fn image_shape(state: &State) -> Result<Shape, String> {
    let engine = state.engine.as_ref().ok_or("no model is loaded")?;
    Ok(engine.image_shape())
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn bytes(values: &[i8]) -> Vec<u8> {
    values.iter().map(|value| *value as u8).collect()
}
