//! `cargo bench -p trainer --bench kernels`: how fast the gradient kernels are. Divan shows times
//! and operations per second ("items"); the table after it shows the fastest call in GFLOP/s and
//! as a share of what one core can do at most.
//!
//! One thread, one call as training makes it: the sixteen images of a shard. Backward counts the
//! operations that are done: half of the gradients are 0, as after a ReLU, and cost no
//! multiply-add.

mod layers;
mod peak;
mod shares;

use std::fmt;

use divan::Bencher;
use divan::counter::ItemsCount;
use layers::{LAYERS, Layer};
use shares::Shares;
use trainer::kernels::{self, InstructionSet};

static SHARES: Shares = Shares::new();

fn main() {
    divan::main();
    print!("{}", SHARES.table());
}

/// A layer on an instruction set.
#[derive(Clone, Copy)]
struct Case {
    set: InstructionSet,
    layer: &'static Layer,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.set.name(), self.layer.name)
    }
}

/// All layers on all instruction sets of this machine but the fallback.
fn cases() -> Vec<Case> {
    let sets = InstructionSet::available().into_iter().filter(|set| *set != InstructionSet::PLAIN);
    sets.flat_map(|set| LAYERS.iter().map(move |layer| Case { set, layer })).collect()
}

#[divan::bench(args = cases())]
fn forward(bencher: Bencher<'_, '_>, case: Case) {
    let mut data = case.layer.data();
    let positions = data.places.positions();
    let call = SHARES.call(case.set, format!("forward  {}", case.layer.name), data.forward_flops);
    bencher.counter(ItemsCount::new(data.forward_flops)).bench_local(|| {
        call.timed(|| {
            let (output, choices) = (&mut data.output, &mut data.choices);
            kernels::forward(case.set, &data.weights, &positions, &data.map, output, choices);
        });
    });
}

#[divan::bench(args = cases())]
fn backward(bencher: Bencher<'_, '_>, case: Case) {
    let mut data = case.layer.data();
    let positions = data.places.positions();
    let call = SHARES.call(case.set, format!("backward {}", case.layer.name), data.backward_flops);
    bencher.counter(ItemsCount::new(data.backward_flops)).bench_local(|| {
        call.timed(|| {
            let wanted = case.layer.wants_map_gradient.then_some(&mut data.map_gradient[..]);
            kernels::backward(
                case.set,
                &data.weights,
                &positions,
                &data.map,
                &data.choices,
                &data.output_gradient,
                &mut data.gradient,
                wanted,
            );
        });
    });
}
