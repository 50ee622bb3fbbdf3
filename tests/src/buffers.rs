//! Working memory laid out otherwise than the planner does.

use std::iter;

use infer::{Layer, Model};
use trainer::model_file::ModelTable;
use trainer::model_file::write;
use trainer::placement::ArenaPlan;
use trainer::plain_model::{Choices, PlainModel};

/// Buffers begin at multiples of this many bytes.
const ALIGNMENT_BYTES: u32 = 16;

/// All tensors and scratch memory one after the other, in as many orders: each of them once as the
/// last, which ends where the working memory does.
///
/// # Panics
/// With choices that are none of the model's.
pub fn each_last(model: &PlainModel, choices: &Choices) -> Vec<ArenaPlan> {
    let file = write(model, choices).expect("a plan");
    let mut table = ModelTable::new();
    let loaded = Model::from_bytes(&file, &mut table).expect("a model");
    let layers = loaded.layers();
    let tensors =
        iter::once(loaded.input().arena_use()).chain(layers.iter().map(Layer::output_use));
    let scratch = layers.iter().map(Layer::scratch_use);
    let sizes: Vec<u32> = tensors.chain(scratch).map(|(_, bytes)| bytes as u32).collect();
    let arena = |last: usize| {
        let (mut at, mut end) = (vec![0; sizes.len()], 0u32);
        for buffer in (last + 1..sizes.len()).chain(0..=last) {
            at[buffer] = end.next_multiple_of(ALIGNMENT_BYTES);
            end = at[buffer] + sizes[buffer];
        }
        ArenaPlan { scratch_at: at.split_off(layers.len() + 1), tensors_at: at, bytes: end }
    };
    (0..sizes.len()).filter(|buffer| sizes[*buffer] > 0).map(arena).collect()
}
