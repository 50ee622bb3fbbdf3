//! The host's kernels on the tutorial's network: portable Rust on one thread.

use std::fs;
use std::time::Instant;

use infer::{Model, Portable, Session};
use trainer::model_file::ModelTable;

use super::measured::Host;

/// Rounds over all images; the fastest counts, since whatever else runs on the host can only slow
/// one down.
const ROUNDS: usize = 20;

/// Runs the model on all of `images`, raw and one after the other.
pub fn measure(file: &[u8], images: &[u8]) -> Host {
    let mut table = ModelTable::new();
    let model = Model::from_bytes(file, &mut table).expect("a model");
    let mut arena = vec![0; model.arena_bytes()];
    let mut session = Session::new(&model, &mut arena).expect("a buffer of the right size");
    let mut round = || {
        let begun = Instant::now();
        for image in images.chunks_exact(model.image_shape().len()) {
            let scores = session.run_with::<Portable>(image, &mut ()).expect("the model's image");
            std::hint::black_box(scores.class());
        }
        begun.elapsed().as_secs_f64()
    };
    let seconds = (0..ROUNDS).map(|_| round()).fold(f64::INFINITY, f64::min);
    // Whole numbers, which a file holds exactly.
    let images_per_second = ((images.len() / model.image_shape().len()) as f64 / seconds).round();
    let macs_per_second = images_per_second * model.macs() as f64;
    Host { processor: processor(), rounds: ROUNDS, images_per_second, macs_per_second }
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    line.map_or_else(
        || "a processor that does not tell its name".to_owned(),
        |(_, name)| name.trim().to_owned(),
    )
}
