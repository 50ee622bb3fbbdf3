//! The maps that a model's layers leave, compared with expected ones: which layer is at fault.

use std::fs;
use std::ops::Range;
use std::path::Path;

use infer::kernels::Native;
use infer::{Layer, Model, Observer, Session};

use super::files::stored_inputs;
use super::{CheckError, difference};
use crate::data::elements::Element;
use crate::data::npz::Npz;

/// Runs a model on the first input of a file and compares what its layers leave with the arrays of
/// their names in an archive; how many there are.
///
/// # Errors
/// Files that are not for the model, or the first layer that leaves another byte.
pub fn check_maps(model: &Model<'_>, inputs: &Path, maps: &Path) -> Result<usize, CheckError> {
    let inputs = stored_inputs(model, inputs)?;
    let first = &inputs[..model.input().image.len()];
    let path = || maps.to_owned();
    let file = fs::read(maps).map_err(|cause| CheckError::Unreadable { path: path(), cause })?;
    let archive = |cause| CheckError::Archive { path: path(), cause };
    let arrays = Npz::new(&file).map_err(archive)?;
    let mut found = Maps(vec![vec![]; model.layers().len()]);
    let mut arena = vec![0; model.arena_bytes()];
    Session::new(model, &mut arena)?.run_stored::<Native>(first, &mut found)?;
    let mut compared = 0;
    for (layer, found) in model.layers().iter().zip(&found.0) {
        let Some(array) = arrays.array(layer.name).map_err(archive)? else { continue };
        let layer = layer.name.escape_debug().to_string();
        let expected: Vec<i8> = array.numbers.bytes.iter().map(|byte| *byte as i8).collect();
        if array.numbers.element != Element::I8 || expected.len() != found.len() {
            let (shape, values) = (array.shape, found.len());
            return Err(CheckError::Map { layer, element: array.numbers.element, shape, values });
        }
        if let Some(difference) = difference(0, &expected, found) {
            return Err(CheckError::Layer { layer, difference });
        }
        compared += 1;
    }
    if compared == 0 { Err(CheckError::NoMaps { path: path() }) } else { Ok(compared) }
}

/// What each layer leaves, row after row.
struct Maps(Vec<Vec<i8>>);

impl Observer for Maps {
    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, values: &[i8]) {
        self.0[index].extend(values);
    }
}
