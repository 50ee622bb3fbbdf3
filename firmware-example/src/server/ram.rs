//! The built-in model, and where the board has RAM to spare another one there, until a reset.

use infer::wire::{Clock, NoRoom, UpdateRoom};
use infer::{Aligned, Model, Table};

use crate::board::line::Line;
use crate::station::Station;
use crate::{MEMORY, MODEL, TABLE_LAYERS};

/// Serves the built-in model and those that come. Returns only when that one is none, which the
/// build has checked.
pub fn serve_models(station: &mut Station<impl Clock, impl Line>) {
    const BYTES: usize = MEMORY.update_bytes;
    let mut table = Table::<{ infer::layers!(MODEL) }>::new();
    let Ok(built_in) = &Model::from_bytes(MODEL, &mut table) else { return };
    if MEMORY.update_bytes == 0 {
        return station.serve::<NoRoom>(built_in, MODEL, None, 0);
    }
    let memory = cortex_m::singleton!(: Aligned<[u8; BYTES]> = Aligned([0; BYTES]));
    let mut room = UpdateRoom::<TABLE_LAYERS>::new(&mut memory.unwrap().0);
    loop {
        station.serve(built_in, MODEL, Some(&mut room), MEMORY.update_bytes);
        if let Some(file) = room.model() {
            let mut table = Table::<TABLE_LAYERS>::new();
            if let Ok(model) = &Model::from_bytes(file, &mut table) {
                station.serve::<NoRoom>(model, file, None, MEMORY.update_bytes);
            }
        }
        room.clear();
    }
}
