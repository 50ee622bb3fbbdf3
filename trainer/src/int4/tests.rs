//! Which stages become int4, and what the files then hold.

use infer::packing::WeightBits;
use infer::{Model, Portable, Reference, Session};

use super::*;
use crate::export::{ExportOptions, Exported, Target, export_with};
use crate::float_model::FloatModel;
use crate::model_file::ModelTable;
use crate::network::Network;
use crate::ops::Running;
use crate::plan::{Budget, Core, Loading};
use crate::train::initial;

/// A convolution with pooling, one without, and two dense layers, all of which can be int4, and a
/// depthwise one, which cannot. `keys` are more keys of the first dense layer.
fn network(keys: &str) -> Network {
    let text = format!(
        "[input]\nheight = 10\nwidth = 10\nchannels = 1\n\
         [[layer]]\ntype = \"conv\"\nfilters = 6\nkernel = 3\nactivation = \"relu\"\n\
         [[layer]]\ntype = \"max_pool\"\nsize = 2\n\
         [[layer]]\ntype = \"depthwise\"\nkernel = 2\n\
         [[layer]]\ntype = \"conv\"\nfilters = 32\nkernel = 3\nactivation = \"relu\"\n\
         [[layer]]\ntype = \"dense\"\nunits = 600\nactivation = \"relu\"\n{keys}\n\
         [[layer]]\ntype = \"dense\"\nunits = 5\n"
    );
    toml::from_str(&text).unwrap()
}

const INT4_DENSE: &str = "weights = \"int4\"";

fn model(network: &Network) -> FloatModel {
    initial(network, 3).unwrap()
}

fn images() -> Dataset {
    let shape = infer::Shape::new(10, 10, 1);
    let pixels = (0..60 * 100_usize).map(|place| (place * place % 251) as u8).collect();
    Dataset { shape, pixels, labels: vec![0; 60], classes: 5, targets: vec![] }
}

fn exported(network: &Network, int4: Int4, target: Target) -> Result<Exported, ExportError> {
    let options = ExportOptions { int4, ..ExportOptions::from(target) };
    export_with(&model(network), &images(), options, &Default::default())
}

/// The bits of each layer in a file.
fn bits(file: &[u8]) -> Vec<u32> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).unwrap();
    model.layers().iter().map(|layer| layer.kind.choice().weight_bits().count()).collect()
}

#[test]
fn layers_are_int4_as_the_description_or_the_option_says() {
    for (keys, int4, expected) in [
        ("", Int4::Described, [8, 8, 8, 8, 8]),
        (INT4_DENSE, Int4::Described, [8, 8, 8, 4, 8]),
        (INT4_DENSE, Int4::None, [8, 8, 8, 8, 8]),
        ("", Int4::All, [4, 8, 4, 4, 4]),
    ] {
        let exported = exported(&network(keys), int4, Target::Portable).unwrap();
        assert_eq!(bits(&exported.bytes), expected, "{keys} {int4:?}");
        let named: Vec<&str> = exported.int4.iter().map(|stage| &*stage.name).collect();
        let names = ["conv1", "depthwise1", "conv2", "dense1", "dense2"];
        let int4 = names.iter().zip(expected).filter(|(_, bits)| *bits == 4).map(|(name, _)| *name);
        assert_eq!(named, int4.collect::<Vec<_>>(), "{keys}");
        for stage in &exported.int4 {
            assert!(stage.change > 0.0 && stage.change < 60.0, "{stage:?}");
        }
    }
}

/// Of int4 nine taps are filled up to twelve, 54 up to 56; rows of dense layers are halved.
#[test]
fn the_bytes_saved_are_those_of_the_file() {
    let exported = exported(&network(""), Int4::All, Target::Portable).unwrap();
    let saved: Vec<usize> = exported.int4.iter().map(|stage| stage.saved_bytes).collect();
    assert_eq!(saved[..2], [6 * 9 - 6 * 12 / 2, 32 * 54 - 32 * 56 / 2]);
    assert_eq!(saved[2..], [600 * 32 / 2, 5 * 600 / 2]);
}

/// The portable kernels and the reference give the same answers, whatever runs the layers.
#[test]
fn answers_do_not_depend_on_the_plan() {
    let portable = exported(&network(""), Int4::All, Target::Portable).unwrap().bytes;
    let images = images();
    let answers = |file: &[u8], is_reference: bool| -> Vec<Vec<i8>> {
        let mut table = ModelTable::new();
        let model = Model::from_bytes(file, &mut table).unwrap();
        let mut arena = vec![0; model.arena_bytes()];
        let mut session = Session::new(&model, &mut arena).unwrap();
        let run = |image: usize| match is_reference {
            true => session
                .run_stored::<Reference>(images.image(image), &mut ())
                .unwrap()
                .values()
                .to_vec(),
            false => session
                .run_stored::<Portable>(images.image(image), &mut ())
                .unwrap()
                .values()
                .to_vec(),
        };
        (0..20).map(run).collect()
    };
    let expected = answers(&portable, true);
    assert_eq!(answers(&portable, false), expected);
    for core in Core::ALL {
        let target = Target::Chip(core, Loading::OnChip, Budget::default());
        let planned = exported(&network(""), Int4::All, target).unwrap().bytes;
        assert_eq!(bits(&planned), [4, 8, 4, 4, 4], "{core:?}");
        assert_eq!(answers(&planned, false), expected, "{core:?}");
    }
}

/// From the flash of the int8 model down to that of the int4 model, in ten steps: each time the
/// model fits, and less flash never asks for fewer layers.
#[test]
fn auto_turns_as_many_layers_to_int4_as_flash_asks_for() {
    let network = network("");
    let [int8, int4] = [Int4::None, Int4::All].map(|int4| least_flash(&network, int4));
    assert!(int4 + 2000 < int8, "{int4} and {int8}");
    let mut counts = vec![];
    for step in 0..=10 {
        let flash = int4 + (int8 - int4) * step / 10;
        let exported = exported(&network, Int4::Auto, chip(flash)).unwrap();
        assert!(exported.bytes.len() < flash);
        counts.push(exported.int4.len());
    }
    assert!(counts.is_sorted_by(|a, b| a >= b), "{counts:?}");
    assert!(counts[0] > 0 && counts[10] == 0, "{counts:?}");
    let missed = exported(&network, Int4::Auto, chip(1024)).unwrap_err();
    assert!(matches!(missed, ExportError::Fastest(FastestError::Miss(_))), "{missed}");
}

/// A chip with this flash.
fn chip(flash: usize) -> Target {
    Target::Chip(Core::M4, Loading::OnChip, Budget { flash: Some(flash), ram: None })
}

/// The flash with which the network fits.
fn least_flash(network: &Network, int4: Int4) -> usize {
    match exported(network, int4, chip(1)).unwrap_err() {
        ExportError::Fastest(FastestError::Miss(miss)) => miss.flash,
        other => panic!("{other}"),
    }
}

/// Those first that lose least for each byte.
#[test]
fn auto_begins_with_the_layer_that_loses_least_for_a_byte() {
    let network = network("");
    let all = exported(&network, Int4::All, Target::Portable).unwrap().int4;
    let best = all.iter().min_by(|a, b| a.loss_per_byte().total_cmp(&b.loss_per_byte())).unwrap();
    let flash = least_flash(&network, Int4::None) - 1;
    let first = exported(&network, Int4::Auto, chip(flash)).unwrap().int4;
    assert!(first.iter().any(|stage| stage.name == best.name), "{first:?}, not {best:?}");
}

#[test]
fn the_bits_of_stages_by_option() {
    let stages = network(INT4_DENSE).stages().unwrap();
    let count = |int4: Int4, automatic: Int4| -> Vec<u32> {
        int4.bits(&stages, automatic).into_iter().map(WeightBits::count).collect()
    };
    assert_eq!(count(Int4::Auto, Int4::All), [4, 8, 4, 4, 4]);
    assert_eq!(count(Int4::Auto, Int4::Described), [8, 8, 8, 4, 8]);
    assert_eq!(count(Int4::None, Int4::All), [8; 5]);
}
