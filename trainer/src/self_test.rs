//! The last step of an export: the scores that a chip must get for the image of the self-test,
//! computed by the model that was written, where it was placed.

use infer::format::{Header, LAYERS_MAX, checksum};
use infer::{Model, Reference, Session, Table};

use crate::model_file::{WriteModelError, check};

/// Fills in the scores of a file's self-test, which end the file: those of the reference kernels.
/// A file without self-test is left as it is.
///
/// # Errors
/// A file that is no model, or an image that is not of its shape.
pub fn fill_in(file: &mut [u8]) -> Result<(), WriteModelError> {
    let scores = scores(file)?;
    let start = file.len() - scores.len();
    for (byte, score) in file[start..].iter_mut().zip(scores) {
        *byte = score as u8;
    }
    seal(file)
}

fn scores(file: &[u8]) -> Result<Vec<i8>, WriteModelError> {
    let mut table = Table::<LAYERS_MAX>::new();
    let model = Model::from_bytes(file, &mut table).map_err(WriteModelError::Refused)?;
    let Some(test) = model.self_test() else { return Ok(vec![]) };
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).map_err(WriteModelError::SelfTestMemory)?;
    let scores = session.run_stored::<Reference>(test.image, &mut ());
    Ok(scores.map_err(WriteModelError::SelfTestImage)?.values().to_vec())
}

/// Brings the header's checksum up to what the file holds.
fn seal(file: &mut [u8]) -> Result<(), WriteModelError> {
    let header = Header::read(file).map_err(WriteModelError::Refused)?;
    let sealed = Header { checksum: checksum(&file[Header::CHECKED_FROM..]), ..header };
    file[..Header::BYTES].copy_from_slice(&sealed.to_bytes());
    check(file)
}
