//! What quantisation costs on real data: the tutorial's network after two short epochs on MNIST,
//! float against int8.

use trainer::data::{DataDir, Dataset};
use trainer::evaluate::evaluate;
use trainer::export::export;
use trainer::preset::Preset;
use trainer::train::{BatchReport, EpochReport, Observer, TrainOptions, train};

/// Training images: enough to be far from chance, few enough for a test.
const TRAINING_IMAGES: usize = 30_000;

struct Quiet;

impl Observer for Quiet {
    fn batch(&mut self, _: &BatchReport) {}

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        false
    }
}

fn first(images: Dataset, count: usize) -> Dataset {
    let pixels = images.pixels[..count * images.shape.len()].to_vec();
    Dataset { pixels, labels: images.labels[..count].to_vec(), ..images }
}

#[test]
fn int8_is_close_to_float() {
    let mut preset = Preset::load("tutorial").expect("a built-in preset");
    preset.recipe.epochs = 2;
    preset.recipe.held_out = 0;
    let data = DataDir::load(&DataDir::default_path()).expect("the data set of the repository");
    let training = first(data.train, TRAINING_IMAGES);
    let options = TrainOptions { seed: 0, threads: 2 };
    let trained =
        train(&preset.network, &preset.recipe, &training, &options, &mut Quiet).expect("it trains");
    let exported = export(&trained.model, &training).expect("it exports");
    let result = evaluate(&trained.model, &exported.bytes, &data.test, 2).expect("it runs");

    assert!(result.float_correct > 9_500, "{} of 10,000", result.float_correct);
    let lost = result.float_correct as i64 - result.int8.correct as i64;
    assert!(lost.abs() <= 10, "float {}, int8 {}", result.float_correct, result.int8.correct);
    assert!(result.agreeing >= 9_970, "{} of 10,000 agree", result.agreeing);
}
