use infer::Shape;
use tempfile::TempDir;

use super::*;
use crate::data::Dataset;
use crate::ops::dense;
use crate::preset::Preset;
use crate::recipe::{Augment, Recipe, Schedule};
use crate::train::{BatchReport, EpochReport, Observer, TrainOptions, train};

fn preset() -> Preset {
    let mut preset = Preset::load("tutorial").unwrap();
    preset.network = toml::from_str(
        "layer = [{ type = \"dense\", units = 2 }]\n\
         input = { height = 2, width = 2, channels = 1 }",
    )
    .unwrap();
    preset.recipe.held_out = 0;
    preset
}

fn data() -> Dataset {
    let (pixels, labels) = ((0..40).collect(), (0..10).map(|image| image % 2).collect());
    Dataset { shape: Shape::new(2, 2, 1), pixels, labels, classes: 2, targets: vec![] }
}

fn identity() -> Identity {
    let Preset { network, recipe, .. } = preset();
    Identity::new(&network, &recipe, 3, &data())
}

/// Keeps the state at the beginning.
struct Beginning(Option<State>);

impl Observer for Beginning {
    fn batch(&mut self, _: &BatchReport) {}

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        true
    }

    fn save(&mut self, state: &State) -> Result<(), WriteError> {
        self.0.get_or_insert_with(|| state.clone());
        Ok(())
    }
}

fn state() -> State {
    let Preset { network, recipe, .. } = preset();
    let mut beginning = Beginning(None);
    train(&network, &recipe, &data(), &TrainOptions { seed: 3, threads: 1 }, &mut beginning)
        .unwrap();
    beginning.0.unwrap()
}

/// What the file of these bytes is called.
fn refusal(bytes: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("checkpoint");
    fs::write(&path, bytes).unwrap();
    Checkpoint::read(&path).unwrap_err().problem.to_string()
}

fn difference(of: impl FnOnce(&mut Preset), epoch: usize) -> Option<Difference> {
    let mut preset = preset();
    of(&mut preset);
    Identity::new(&preset.network, &preset.recipe, 3, &data()).difference(&identity(), epoch)
}

#[test]
fn a_checkpoint_comes_back_as_it_was_written() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("checkpoint");
    write(&path, &identity(), &state()).unwrap();
    let read = Checkpoint::read(&path).unwrap();
    assert_eq!(read, Checkpoint { identity: identity(), state: state() });
    assert_eq!(read.state_of(&identity(), &path).unwrap(), state());
}

#[test]
fn every_damaged_byte_and_every_length_is_refused() {
    let whole = to_bytes(&identity(), &state());
    assert!(from_bytes(&whole).is_ok());
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x10;
        assert!(from_bytes(&bytes).is_err(), "byte {place}");
        assert!(from_bytes(&whole[..place]).is_err(), "{place} bytes");
    }
    let longer = [whole.as_slice(), &[0]].concat();
    assert!(from_bytes(&longer).is_err());
}

#[test]
fn refusals_say_what_to_do() {
    let mut bytes = to_bytes(&identity(), &state());
    assert!(refusal(b"something else").contains("not a checkpoint"));
    assert!(
        refusal(&bytes[..bytes.len() - 1])
            .contains("damaged (its checksum is wrong): leave --resume out")
    );
    bytes[MAGIC.len()] = 7;
    let body = bytes.len() - CRC_BYTES;
    let crc = crc32fast::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(&crc.to_le_bytes());
    assert!(refusal(&bytes).contains("format version 7, this program reads 4"));
    let folder = TempDir::new().unwrap();
    let missing = Checkpoint::read(&folder.path().join("none")).unwrap_err().to_string();
    assert!(missing.contains("none: no such file, so no run to go on with"), "{missing}");
    let unreadable = Checkpoint::read(folder.path()).unwrap_err().to_string();
    assert!(unreadable.contains("cannot be read"), "{unreadable}");
}

#[test]
fn other_runs_are_told_apart() {
    assert_eq!(difference(|_| (), 1), None);
    let Preset { network, recipe, .. } = preset();
    let seed = Identity::new(&network, &recipe, 4, &data()).difference(&identity(), 1).unwrap();
    assert_eq!(seed.to_string(), "its seed is 3, not 4: give --seed 3");
    let mut other = data();
    other.pixels[39] ^= 1;
    assert_eq!(
        Identity::new(&network, &recipe, 3, &other).difference(&identity(), 1),
        Some(Difference::Data)
    );
    other = data();
    other.labels[0] ^= 1;
    assert_eq!(
        Identity::new(&network, &recipe, 3, &other).difference(&identity(), 1),
        Some(Difference::Data)
    );
}

#[test]
fn the_key_that_differs_is_named() {
    let said = |of: fn(&mut Preset)| difference(of, 1).unwrap().to_string();
    let batch = said(|preset| preset.recipe.batch = 64);
    assert_eq!(
        batch,
        "its training.batch is 128, not 64: give the preset and the options it was begun with"
    );
    // The cause comes before its consequence for the number of epochs.
    let both = said(|preset| (preset.recipe.batch, preset.recipe.epochs) = (64, 2));
    assert!(both.starts_with("its training.batch is 128, not 64"), "{both}");
    let units = said(|preset| {
        preset.network.layers[0].kind = crate::network::LayerKind::Dense(dense::Layer::of(3));
    });
    assert!(units.starts_with("its network.layer 1.units is 2, not 3"), "{units}");
    let layers = said(|preset| preset.network.layers.push(preset.network.layers[0].clone()));
    assert!(layers.starts_with("its network.layer is a list of 1, not a list of 2"), "{layers}");
    let schedule = said(|preset| preset.recipe.schedule = Schedule::Cosine { warmup: 0.1 });
    assert!(
        schedule.starts_with("its training.schedule.type is constant, not cosine"),
        "{schedule}"
    );
}

/// Of a run of 10 epochs in its fourth.
fn with_epochs(epochs: usize, of: impl Fn(&mut Recipe)) -> Option<String> {
    let there = |epochs| {
        let Preset { network, mut recipe, .. } = preset();
        of(&mut recipe);
        recipe.epochs = epochs;
        Identity::new(&network, &recipe, 3, &data())
    };
    there(epochs).difference(&there(10), 4).map(|difference| difference.to_string())
}

#[test]
fn a_constant_rate_allows_any_length_that_is_not_past() {
    let nothing = |_: &mut Recipe| ();
    assert_eq!([4, 10, 11, 99].map(|epochs| with_epochs(epochs, nothing)), [const { None }; 4]);
    assert_eq!(
        with_epochs(3, nothing).unwrap(),
        "it is in epoch 4 already: give --epochs 4 or more"
    );
}

#[test]
fn a_recipe_laid_out_over_its_length_keeps_it() {
    let cosine =
        with_epochs(11, |recipe| recipe.schedule = Schedule::Cosine { warmup: 0.1 }).unwrap();
    assert_eq!(
        cosine,
        "it was laid out for 10 epochs, not 11, and its learning rate follows a cosine over all of \
            them: give --epochs 10, or begin anew"
    );
    let distorted: fn(&mut Recipe, f64) = |recipe, calm_part| {
        let Preset { recipe: standard, .. } = Preset::load("standard").unwrap();
        recipe.augment = standard.augment.map(|augment| Augment { calm_part, ..augment });
    };
    assert!(
        with_epochs(11, move |recipe| distorted(recipe, 0.1))
            .unwrap()
            .contains("distortion weakens")
    );
    assert_eq!(with_epochs(11, move |recipe| distorted(recipe, 0.0)), None);
}
