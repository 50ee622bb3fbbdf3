//! A model proves that it works: the image stored in its file must give the scores stored beside
//! it.

use super::session::Session;
use super::values::sealed;
use crate::error::SelfTestError;
use crate::graph::model::Model;

/// Runs the model's self-test in `arena`, of [`Model::arena_bytes`] bytes or more. What the model
/// answers on this core, with these kernels, is then what it answered where it was exported.
///
/// # Errors
/// A file without a self-test, a buffer that is no arena of the model, or other scores than
/// expected.
pub fn self_test(model: &Model<'_>, arena: &mut [i8]) -> Result<(), SelfTestError> {
    let test = model.self_test().ok_or(SelfTestError::Absent)?;
    let mut session = Session::new(model, arena).map_err(SelfTestError::Session)?;
    // The loader proved that the image has the model's size.
    let scores = sealed::Values::run(test.image, model.input().interface.takes, &mut session);
    let scores = scores.map_err(|_| SelfTestError::Absent)?;
    let same = scores.values().iter().map(|score| *score as u8).eq(test.scores.iter().copied());
    if same { Ok(()) } else { Err(SelfTestError::Differs) }
}
