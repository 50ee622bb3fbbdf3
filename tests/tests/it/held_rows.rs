//! Plans that hold only some rows of a map give the same scores as those that hold all: for every
//! group of layers, algorithm and kernel, step by step or at once.

use std::path::Path;

use infer::{Kernels, Model, Portable, Reference, Session};
use tests::networks::ODD;
use tests::plans::{tutorial, untrained};
use tests::random_layer::Random;
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::plain_model::{Choices, PlainModel};
use trainer::plan::groups::Group;
use trainer::plan::{Core, Loading, front_of};
use trainer::preset::Preset;

fn scores<Set: Kernels>(file: &[u8], image: &[u8]) -> Vec<i8> {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0x55; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    session.run_with::<Set>(image, &mut ()).expect("the model's image").values().to_vec()
}

fn noise(random: &mut Random, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|_| random.within(0, 255) as u8).collect()
}

/// Every group there can be in the model, with each layer by a random algorithm that computes it.
fn grouped(model: &PlainModel, random: &mut Random) -> Vec<Choices> {
    let mut all = vec![];
    for first in 0..model.layers.len() {
        for group in Group::beginning_with(model, first) {
            let mut choices = model.direct();
            if group.first == 0 {
                choices.held_rows[0] = group.held_input;
            }
            choices.held_rows[group.first + 1..=group.end].copy_from_slice(&group.held_rows);
            for (layer, choice) in model.layers.iter().zip(&mut choices.layers) {
                let fitting: Vec<_> = layer
                    .choices()
                    .into_iter()
                    .filter(|choice| layer.packed(*choice).is_ok())
                    .collect();
                *choice = fitting[random.within(0, fitting.len() as u16 - 1) as usize];
            }
            all.push(choices);
        }
    }
    all
}

/// Compares all groups with the whole maps and gives the least working memory that occurred.
fn check(name: &str, model: &PlainModel) -> usize {
    let mut random = Random::new(3);
    let whole = write(model, &model.direct()).expect("a model");
    let image = noise(&mut random, model.image.len());
    let expected = scores::<Reference>(&whole, &image);
    let mut least = usize::MAX;
    for choices in grouped(model, &mut random) {
        let file =
            write(model, &choices).unwrap_or_else(|error| panic!("{name}: {choices:?}: {error}"));
        assert_eq!(scores::<Reference>(&file, &image), expected, "{name}: {choices:?}");
        assert_eq!(scores::<Portable>(&file, &image), expected, "{name}: {choices:?}");
        least = least.min(infer::arena_bytes(&file).expect("a header"));
    }
    least
}

#[test]
fn groups_of_odd_networks() {
    for odd in &ODD {
        check(odd.name, &untrained(&odd.network()));
    }
}

#[test]
fn groups_of_the_tutorial() {
    let model = tutorial();
    let whole =
        infer::arena_bytes(&write(&model, &model.direct()).expect("a model")).expect("a header");
    let least = check("tutorial", &model);
    assert!(least < whole, "{least} bytes with held rows, {whole} with whole maps");
}

#[test]
fn step_by_step_is_the_same() {
    let model = tutorial();
    let choices = grouped(&model, &mut Random::new(9)).pop().expect("a group");
    let file = write(&model, &choices).expect("a model");
    let image = noise(&mut Random::new(1), model.image.len());
    let expected = scores::<Portable>(&file, &image);
    let mut table = ModelTable::new();
    let model = Model::from_bytes(&file, &mut table).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    assert!(session.begin(&image).expect("the model's image").step());
    // A run that was given up leaves nothing.
    let mut run = session.begin(&image).expect("the model's image");
    let mut steps = 0;
    while run.step() {
        steps += 1;
    }
    assert!(steps > model.layers().len());
    assert_eq!(run.scores().expect("all steps are done").values(), expected);
    let run = session.begin(&image).expect("the model's image");
    assert!(run.scores().is_none(), "there are no scores before the steps");
}

/// Where strides follow, maps that are made a row at a time are held in fewer rows than those of
/// which a group makes as many at once as its last layer asks for: 20,864 bytes here.
#[test]
fn a_mobile_net_needs_little_memory() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../trainer/networks/mobilenet.toml");
    let preset = Preset::load(path.to_str().expect("a name in UTF-8")).expect("a preset");
    let model = untrained(&preset.network);
    let front = front_of(&model, Core::M4, Loading::OnChip).expect("plans");
    let least = front.iter().min_by_key(|plan| plan.ram).expect("a plan");
    println!("{} bytes, {:.0} instructions", least.ram, least.instructions);
    let file = write(&model, &least.choices).expect("a model");
    let whole = write(&model, &model.direct()).expect("a model");
    let image = noise(&mut Random::new(5), model.image.len());
    assert_eq!(scores::<Portable>(&file, &image), scores::<Reference>(&whole, &image));
    assert!(least.ram <= 15_200, "{} bytes", least.ram);
}
