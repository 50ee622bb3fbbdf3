//! Models in two slots of the board's flash: a new one stays at a reset. The built-in model is the
//! first that is put there, and runs by itself where the flash is of no use.

use infer::update::nor_flash::NorFlash;
use infer::update::{BootError, MappedFlash, Running, Store, Updater};
use infer::wire::{Clock, NoRoom, Room, SlotRoom};
use infer::{Table, Trust};

use crate::board::line::Line;
use crate::station::{Served, Station};
use crate::{BUILT_IN, MODEL, TABLE_LAYERS, board};

/// Which models are let in. A product says `Trust::signed_by` its maker's key.
const TRUST: Trust = Trust::ANY;

/// Serves whichever model is to run. Returns where there is nothing to open; call it again.
pub fn serve_models(station: &mut Station<impl Clock, impl Line>) {
    let (journal, slots) = board::flash();
    match Store::open(journal, slots) {
        Ok(store) => serve_slots(store, station),
        Err(_) => serve_built_in::<NoRoom>(station, None),
    }
}

fn serve_slots<Slot: MappedFlash>(
    mut store: Store<impl NorFlash, Slot>,
    station: &mut Station<impl Clock, impl Line>,
) {
    loop {
        let Err(error) = serve_slot(&mut store, station) else { continue };
        match error {
            // Given up for the model in the other slot.
            BootError::Refused { fallback: true, .. } => {}
            BootError::NoModel if install(store.updater(), station.arena) => {}
            _ => serve_built_in(
                station,
                Some(&mut SlotRoom::<_, _, TABLE_LAYERS>::new(store.updater(), TRUST)),
            ),
        }
    }
}

/// Serves the model that is to run, until another one is to.
fn serve_slot<Slot: MappedFlash>(
    store: &mut Store<impl NorFlash, Slot>,
    station: &mut Station<impl Clock, impl Line>,
) -> Result<(), BootError> {
    let mut table = Table::<TABLE_LAYERS>::new();
    let Running { model, file, updater } = store.boot(&TRUST, &mut table)?;
    let mut room = SlotRoom::<_, _, TABLE_LAYERS>::new(updater, TRUST);
    let room_bytes = room.capacity();
    station.serve(Served::loaded(&model, file), Some(&mut room), room_bytes);
    Ok(())
}

/// What a programmer does in the factory: puts the built-in model into a slot. Whether it is there.
fn install(mut updater: Updater<impl NorFlash, impl MappedFlash>, arena: &mut [i8]) -> bool {
    let mut written = || {
        updater.begin(MODEL.len())?;
        updater.write(MODEL)?;
        updater.finish::<TABLE_LAYERS>(&TRUST, arena)
    };
    written().is_ok()
}

fn serve_built_in<Place: Room>(
    station: &mut Station<impl Clock, impl Line>,
    room: Option<&mut Place>,
) {
    let room_bytes = room.as_ref().map_or(0, |room| room.capacity());
    station.serve(BUILT_IN, room, room_bytes);
}
