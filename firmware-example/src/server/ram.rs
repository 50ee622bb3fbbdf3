//! The built-in model, and where the board has RAM to spare another one there, until a reset.

use infer::wire::{Clock, NoRoom, UpdateRoom};
use infer::{Aligned, Model};

use crate::board::line::Line;
use crate::station::Station;
use crate::{MEMORY, MODEL};

/// Serves the built-in model and those that come. Returns only when that one is none, which the
/// build has checked.
pub fn serve_models(station: &mut Station<impl Clock, impl Line>) {
    const BYTES: usize = MEMORY.update_bytes;
    // Borrowed where it is made: a move would take its 1.5 KB of stack once more.
    let Ok(built_in) = &Model::from_bytes(MODEL) else { return };
    if MEMORY.update_bytes == 0 {
        return station.serve::<NoRoom>(built_in, MODEL, None, 0);
    }
    let memory = cortex_m::singleton!(: Aligned<[u8; BYTES]> = Aligned([0; BYTES]));
    let mut room = UpdateRoom::new(&mut memory.unwrap().0);
    loop {
        station.serve(built_in, MODEL, Some(&mut room), MEMORY.update_bytes);
        if let Some(file) = room.model()
            && let Ok(model) = &Model::from_bytes(file)
        {
            station.serve::<NoRoom>(model, file, None, MEMORY.update_bytes);
        }
        room.clear();
    }
}
