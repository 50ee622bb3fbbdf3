//! The built-in model, and where the board has RAM to spare another one there, until a reset.

use infer::wire::{Clock, NoRoom, UpdateRoom};
use infer::{Aligned, Model, Table};

use crate::board::line::Line;
use crate::station::{Served, Station};
use crate::{BUILT_IN, MEMORY, TABLE_LAYERS};

/// Serves the built-in model and those that come.
pub fn serve_models(station: &mut Station<impl Clock, impl Line>) {
    const BYTES: usize = MEMORY.update_bytes;
    if MEMORY.update_bytes == 0 {
        return station.serve::<NoRoom>(BUILT_IN, None, 0);
    }
    let memory = cortex_m::singleton!(: Aligned<[u8; BYTES]> = Aligned([0; BYTES]));
    let mut room = UpdateRoom::<TABLE_LAYERS>::new(&mut memory.unwrap().0);
    loop {
        station.serve(BUILT_IN, Some(&mut room), MEMORY.update_bytes);
        if let Some(file) = room.model() {
            let mut table = Table::<TABLE_LAYERS>::new();
            if let Ok(model) = &Model::from_bytes(file, &mut table) {
                station.serve::<NoRoom>(Served::loaded(model, file), None, MEMORY.update_bytes);
            }
        }
        room.clear();
    }
}
