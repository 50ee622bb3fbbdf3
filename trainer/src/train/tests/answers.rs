//! Networks that answer real values, or their input once more.

use super::*;
use crate::recipe::Recipe;

fn of_task(task: Task, error: Error) -> Recipe {
    Recipe { task, error, epochs: 12, held_out: 30, ..recipe(0.003) }
}

/// Values that a dense layer can answer: of the first and of the last pixel.
fn with_targets(data: Dataset) -> Dataset {
    let pixels = data.shape.len();
    let image = |image: &[u8]| [image[0], image[pixels - 1]].map(|pixel| pixel as f32 / 64.0 - 2.0);
    let targets = data.pixels.chunks_exact(pixels).flat_map(image).collect();
    Dataset { targets, labels: vec![0; data.len()], classes: 1, ..data }
}

fn trained(network: &Network, recipe: &Recipe, data: &Dataset, threads: usize) -> Trained {
    let options = TrainOptions { threads, ..ONE_THREAD };
    let mut observer = Quiet { stop_after: NEVER, batches: 0 };
    train(network, recipe, data, &options, &mut observer).unwrap()
}

#[test]
fn real_values_are_learnt_on_any_number_of_threads() {
    let network = network([3, 4, 1], "dense 16 relu; dense 2");
    let data = with_targets(data(&network, 330));
    for (error, part) in [(Error::Squared, 0.15), (Error::Absolute, 0.4)] {
        let recipe = of_task(Task::Regress, error);
        let one = trained(&network, &recipe, &data, 1);
        assert_eq!(one.model, trained(&network, &recipe, &data, 2).model, "{error:?}");
        let [first, last] = [one.epochs[0], one.epochs[11]];
        assert!(last.loss < part * first.loss, "{error:?}: {first:?} {last:?}");
        assert!(last.held_out_loss.unwrap() < 2.0 * last.loss, "{last:?}");
        assert_eq!((last.accuracy, last.held_out_accuracy), (None, None));
    }
}

#[test]
fn inputs_are_made_once_more() {
    let network = network([2, 3, 1], "dense 12 relu; dense 6");
    let data = data(&network, 330);
    let recipe = of_task(Task::Reconstruct, Error::Squared);
    let one = trained(&network, &recipe, &Dataset { classes: 1, ..data.clone() }, 1);
    assert!(one.epochs[11].loss < 0.4 * one.epochs[0].loss, "{:?}", one.epochs);
    // What is made is the input, not something that belongs to the label.
    let other = Dataset { labels: vec![0; data.len()], classes: 1, ..data };
    let again = trained(&network, &Recipe { held_out: 0, ..recipe.clone() }, &other, 2);
    let labelled = Dataset { labels: (0..330).map(|image| image as u8 % 2).collect(), ..other };
    let labelled = trained(&network, &Recipe { held_out: 0, ..recipe }, &labelled, 1);
    assert_eq!(again.model, labelled.model);
}

#[test]
fn smoothed_labels_keep_the_answers_less_sure() {
    let network = network([8, 8, 1], "dense 2");
    let mut data = data(&network, 210);
    for (image, label) in data.pixels.chunks_exact_mut(64).zip(&data.labels) {
        image.iter_mut().for_each(|pixel| *pixel = *pixel / 2 + 100 * label);
    }
    let sureness = |label_smoothing| {
        let recipe = Recipe { label_smoothing, ..recipe(0.01) };
        let model = trained(&network, &recipe, &data, 1).model;
        let inputs = network_inputs(&network.input, &data, &[0, 1, 2, 3]);
        let values = model.forward(&inputs, &mut |_, _| ());
        values.chunks(2).map(|pair| (pair[0] - pair[1]).abs()).sum::<f32>()
    };
    let [sure, less] = [0.0, 0.3].map(sureness);
    assert!(less < 0.7 * sure, "{sure} {less}");
}

/// Held-out images have values like those of all, also where the set is sorted by them.
#[test]
fn sorted_values_are_held_out_from_all_over() {
    let targets: Vec<f32> = (0..600).map(|image| image as f32).collect();
    let shape = Shape::new(1, 1, 1);
    let (pixels, labels) = (vec![0; 600], vec![0; 600]);
    let data = Dataset { shape, pixels, labels, classes: 1, targets };
    let split = Split::new(&data.strata(), 60, 1);
    assert!(split.drawn);
    let above = split.held_out.iter().filter(|image| **image >= 300).count();
    assert!((25..=35).contains(&above), "{above}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let network = network([3, 4, 1], "dense 2");
    let data = with_targets(data(&network, 60));
    let said = |task, data: &Dataset| {
        let mut observer = Quiet { stop_after: NEVER, batches: 0 };
        let recipe = of_task(task, Error::Squared);
        train(&network, &recipe, data, &ONE_THREAD, &mut observer).unwrap_err().to_string()
    };
    let one = Dataset { targets: vec![0.0; 60], ..data.clone() };
    assert_eq!(
        said(Task::Regress, &one),
        "the data has 1 values to answer for each image, the network ends with 2: give its last \
            layer 1 units"
    );
    let said = said(Task::Reconstruct, &data);
    assert!(said.contains("its last layer leave 12 values, not 2"), "{said}");
}
