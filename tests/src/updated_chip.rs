//! A chip that holds its model in two slots of flash, and what a product does with it: boot,
//! install, update.

use infer::update::{BootError, Running, Store, UpdateError};
use infer::{Model, Session, Table, Trust};
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::PlainModel;

use crate::flash_geometry::{Geometry, Powered};
use crate::networks::ODD;
use crate::nor_flash::{Cells, Power};
use crate::plans::untrained;

/// Layers of the models.
pub const LAYERS: usize = 16;

/// What is in flash while the power is off: the journal and the slots.
#[derive(Clone)]
pub struct Chip {
    /// Which slot runs.
    pub journal: Cells,
    /// The models.
    pub slots: [Cells; 2],
}

/// Two versions of a model with different weights, and what each answers to the same image.
pub struct Versions {
    /// The files of versions 1 and 2.
    pub files: [Vec<u8>; 2],
    /// An image.
    pub image: Vec<u8>,
    /// What each version answers to it.
    pub answers: [Vec<i8>; 2],
}

impl Versions {
    /// Versions of this model.
    ///
    /// # Panics
    /// When they answer alike.
    pub fn of(mut model: PlainModel) -> Self {
        let image: Vec<u8> = (0..model.image.len()).map(|at| (at * 37 % 251) as u8).collect();
        let mut file = |version: u32| {
            let biases = model.layers.iter_mut().flat_map(|layer| &mut layer.channels);
            biases.for_each(|channel| channel.bias += 900 * version as i32);
            model.version = version;
            model.self_test = Some(image.clone().into());
            write(&model, &model.direct()).expect("a model")
        };
        let files = [file(1), file(2)];
        let answers = files.each_ref().map(|file| {
            answer(&Model::from_bytes(file, &mut ModelTable::new()).expect("a model"), &image)
        });
        assert_ne!(
            answers[0], answers[1],
            "the versions answer alike: the test would show nothing"
        );
        Self { files, image, answers }
    }

    /// Versions of a network of a few kilobytes.
    pub fn small() -> Self {
        Self::of(untrained(&ODD[0].network()))
    }
}

fn answer(model: &Model, image: &[u8]) -> Vec<i8> {
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(model, &mut arena).expect("a buffer of the right size");
    session.run(image).expect("the model's image").values().to_vec()
}

/// A chip that leaves the factory with version 1 in its first slot.
pub fn factory<G: Geometry>(versions: &Versions) -> Chip {
    let sectors = G::slot_sectors(versions.files[0].len().max(versions.files[1].len()));
    Chip {
        journal: G::Journal::programmed(2, &[]),
        slots: [
            G::Slot::programmed(sectors, &versions.files[0]),
            G::Slot::programmed(sectors, &[]),
        ],
    }
}

/// The store on such a chip.
pub type StoreOf<G> = Store<<G as Geometry>::Journal, <G as Geometry>::Slot>;

/// The power comes on.
///
/// # Panics
/// When the flash is not as its geometry says.
pub fn power_up<G: Geometry>(chip: Chip, power: &Power) -> StoreOf<G> {
    let journal = G::Journal::power_up(chip.journal, power);
    let slots = chip.slots.map(|cells| G::Slot::power_up(cells, power));
    Store::open(journal, slots).expect("reading takes no power to fail")
}

/// What is left when the power goes.
pub fn power_down<G: Geometry>(store: StoreOf<G>) -> Chip {
    let (journal, slots) = store.into_parts();
    Chip { journal: journal.cells(), slots: slots.map(Powered::cells) }
}

/// Boots, again if a model was given up; the version that runs and the boots its trial has left.
/// Checks that it is whole: it answers as that version does.
///
/// # Errors
/// When no model runs.
///
/// # Panics
/// When a version runs that is not what it was.
pub fn boot<G: Geometry>(
    store: &mut StoreOf<G>,
    versions: &Versions,
) -> Result<(u32, Option<u8>), String> {
    for _ in 0..2 {
        let mut table = Table::<LAYERS>::new();
        match store.boot(&Trust::ANY, &mut table) {
            Ok(Running { model, updater, .. }) => {
                let version = model.version();
                let right =
                    answer(&model, &versions.image) == versions.answers[version as usize - 1];
                assert!(right, "version {version} runs and is not what it was");
                return Ok((version, updater.trial_boots_left()));
            }
            Err(BootError::Refused { fallback: true, .. }) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Err("two models were refused".to_owned())
}

/// Installs `file` beside the model that runs, in parts of this many bytes.
///
/// # Errors
/// What the updater says.
pub fn install<G: Geometry>(
    store: &mut StoreOf<G>,
    file: &[u8],
    chunk: usize,
) -> Result<u32, UpdateError> {
    let mut table = Table::<LAYERS>::new();
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) else {
        return Err(UpdateError::NotBegun);
    };
    updater.begin(file.len())?;
    file.chunks(chunk).try_for_each(|chunk| updater.write(chunk))?;
    updater.finish::<LAYERS>(&Trust::ANY, &mut vec![0; 1 << 16])
}

/// Installs version 2 and confirms it at its second boot.
///
/// # Errors
/// What stopped it.
pub fn update<G: Geometry>(store: &mut StoreOf<G>, versions: &Versions) -> Result<(), String> {
    install::<G>(store, &versions.files[1], 97).map_err(|error| error.to_string())?;
    boot::<G>(store, versions)?;
    let mut table = Table::<LAYERS>::new();
    let Ok(Running { mut updater, .. }) = store.boot(&Trust::ANY, &mut table) else {
        return Err("no boot".to_owned());
    };
    updater.confirm().map_err(|error| error.to_string())
}
