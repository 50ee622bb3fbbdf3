//! Working memory laid out otherwise than the planner does.

use std::iter;

use infer::{Layer, Model};
use trainer::model_file::write;
use trainer::placement::ArenaPlan;
use trainer::plain_model::{Choices, PlainModel};

/// Buffers begin at multiples of so many bytes.
const ALIGNMENT_BYTES: u32 = 16;

/// All maps and scratch memory one after the other, in as many orders: each of them once as the
/// last, which ends where the working memory does.
///
/// # Panics
/// With choices that are none of the model's.
pub fn each_last(model: &PlainModel, choices: &Choices) -> Vec<ArenaPlan> {
    let file = write(model, choices).expect("a plan");
    let loaded = Model::from_bytes(&file).expect("a model");
    let uses: Vec<_> = loaded.layers().iter().map(Layer::arena_use).collect();
    let maps =
        iter::once(loaded.input().arena_use()).chain(uses.iter().map(|[_, _, output]| *output));
    let scratch = uses.iter().map(|[_, scratch, _]| *scratch);
    let sizes: Vec<u32> = maps.chain(scratch).map(|(_, bytes)| bytes as u32).collect();
    let arena = |last: usize| {
        let (mut at, mut end) = (vec![0; sizes.len()], 0u32);
        for buffer in (last + 1..sizes.len()).chain(0..=last) {
            at[buffer] = end.next_multiple_of(ALIGNMENT_BYTES);
            end = at[buffer] + sizes[buffer];
        }
        ArenaPlan { scratch_at: at.split_off(uses.len() + 1), maps_at: at, bytes: end }
    };
    (0..sizes.len()).filter(|buffer| sizes[*buffer] > 0).map(arena).collect()
}
