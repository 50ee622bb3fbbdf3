//! A run that is stopped and goes on ends with the bytes of one that was never stopped.

use super::*;
use crate::atomic_file::WriteError;
use crate::recipe::{
    Augment, AugmentSeries, Average, BatchNorm, EarlyStopping, Flip, Optimizer, Schedule,
};

/// Stops after a number of batches and keeps the last state, as it comes back from a checkpoint's
/// bytes.
#[derive(Default)]
struct Stopper {
    left: usize,
    state: Option<State>,
}

impl Observer for Stopper {
    fn batch(&mut self, _: &BatchReport) {
        self.left -= 1;
    }

    fn epoch(&mut self, _: &EpochReport) {}

    fn stop(&self) -> bool {
        self.left == 0
    }

    fn save(&mut self, state: &State) -> Result<(), WriteError> {
        let bytes = postcard::to_stdvec(state).unwrap();
        self.state = Some(postcard::from_bytes(&bytes).unwrap());
        Ok(())
    }
}

/// 26 images, 20 of them trained on: three batches an epoch, the last of them short.
const BATCHES: usize = 3;

fn small_network() -> Network {
    network([8, 8, 1], "conv 5 3 1 valid relu; pool 2 2; dense 6 relu; dense 4")
}

fn small_recipe(optimizer: Optimizer) -> Recipe {
    Recipe { batch: 8, held_out: 6, optimizer, ..recipe(0.01) }
}

fn with_everything(optimizer: Optimizer) -> Recipe {
    Recipe {
        schedule: Schedule::Cosine { warmup: 0.3 },
        weight_decay: 1e-3,
        batch_norm: Some(BatchNorm { momentum: 0.9, epsilon: 1e-5, min_gamma: 0.02 }),
        augment: Some(Augment {
            flip: Flip::Both,
            crop: 0.3,
            brightness: 0.1,
            noise: 0.05,
            cutout_pixels: 3,
            rotation_degrees: 8.0,
            log_scale: 0.1,
            shear: 0.1,
            shift_pixels: 1.0,
            elastic_pixels: 0.5,
            elastic_grid: 4,
            calm_part: 0.3,
            calm_strength: 0.4,
        }),
        average: Some(Average { decay: 0.9 }),
        ..small_recipe(optimizer)
    }
}

/// Every optimiser; the fifth is Nesterov's.
fn optimizers() -> [Optimizer; 9] {
    let sgd = |momentum, nesterov| Optimizer::Sgd { learning_rate: 0.05, momentum, nesterov };
    let of = |name: &str| toml::from_str(&format!("type = \"{name}\"")).unwrap();
    let kinds = ["rmsprop", "adam", "adamw", "adagrad"].map(of);
    let [rmsprop_in_root, adam, adamw, adagrad] =
        kinds.map(|kind: Optimizer| kind.with_learning_rate(0.01));
    let sgds = [sgd(0.0, false), sgd(0.9, false), sgd(0.9, true)];
    let [plain, momentum, nesterov] = sgds;
    let rmsprop = rmsprop(0.01);
    [rmsprop, rmsprop_in_root, plain, momentum, nesterov, adam, adamw, adagrad, sgd(0.5, true)]
}

/// Recipes that go by the held-out loss or by whole epochs.
fn by_epochs() -> Vec<Recipe> {
    let (factor, patience, cooldown) = (0.5, 1, 1);
    let plateau =
        Schedule::Plateau { patience, factor, min_delta: 0.1, cooldown, min_learning_rate: 1e-3 };
    let early_stopping = Some(EarlyStopping { patience: 2, min_delta: 0.0 });
    let series = AugmentSeries { jitter: 0.05, scale: 0.2, time_shift: 2 };
    let plain = || Recipe { epochs: 6, ..small_recipe(optimizers()[4].clone()) };
    vec![
        Recipe { schedule: Schedule::Step { every: 2, factor }, ..plain() },
        Recipe { schedule: plateau, augment_series: Some(series), ..plain() },
        Recipe { early_stopping, average: Some(Average { decay: 0.5 }), ..plain() },
        Recipe { quantised_epochs: 4, ..plain() },
    ]
}

/// Everything of a run but its times.
fn result(trained: Trained) -> (FloatModel, Vec<EpochReport>) {
    let untimed = trained.epochs.into_iter().map(|epoch| EpochReport { seconds: 0.0, ..epoch });
    (trained.model, untimed.collect())
}

fn stopped_after(batches: usize, recipe: &Recipe, data: &Dataset) -> State {
    let mut stopper = Stopper { left: batches, ..Stopper::default() };
    let trained = train(&small_network(), recipe, data, &ONE_THREAD, &mut stopper).unwrap();
    assert!(trained.stopped_early);
    stopper.state.unwrap()
}

fn resumed(state: State, recipe: &Recipe, data: &Dataset, observer: &mut dyn Observer) -> Trained {
    resume(
        &small_network(),
        recipe,
        data,
        &TrainOptions { threads: 2, ..ONE_THREAD },
        state,
        observer,
    )
    .unwrap()
}

fn never() -> Quiet {
    Quiet { stop_after: NEVER, batches: 0 }
}

#[test]
fn a_run_stopped_at_any_batch_ends_with_the_same_bits() {
    let data = data(&small_network(), 26);
    for recipe in optimizers()
        .into_iter()
        .flat_map(|rule| [small_recipe(rule.clone()), with_everything(rule)])
        .chain(by_epochs())
    {
        let mut counted = never();
        let whole = train(&small_network(), &recipe, &data, &ONE_THREAD, &mut counted).unwrap();
        let (whole, all) = (result(whole), counted.batches);
        for batches in 1..all {
            let state = stopped_after(batches, &recipe, &data);
            let mut rest = never();
            assert_eq!(
                result(resumed(state, &recipe, &data, &mut rest)),
                whole,
                "{batches}, {recipe:?}"
            );
            assert_eq!(rest.batches, all - batches);
        }
    }
}

#[test]
fn a_run_stopped_after_every_batch_ends_with_the_same_bits() {
    let data = data(&small_network(), 26);
    let recipe = with_everything(optimizers()[4].clone());
    let whole = result(train(&small_network(), &recipe, &data, &ONE_THREAD, &mut never()).unwrap());
    let mut state = stopped_after(1, &recipe, &data);
    loop {
        let mut stopper = Stopper { left: 1, ..Stopper::default() };
        let trained = resumed(state, &recipe, &data, &mut stopper);
        if !trained.stopped_early {
            break assert_eq!(result(trained), whole);
        }
        state = stopper.state.unwrap();
    }
}

#[test]
fn a_finished_run_of_a_constant_rate_is_lengthened() {
    let data = data(&small_network(), 26);
    let short = small_recipe(optimizers()[0].clone());
    let long = Recipe { epochs: short.epochs + 2, ..short.clone() };
    let whole = result(train(&small_network(), &long, &data, &ONE_THREAD, &mut never()).unwrap());
    let mut stopper = Stopper { left: NEVER, ..Stopper::default() };
    train(&small_network(), &short, &data, &ONE_THREAD, &mut stopper).unwrap();
    assert_eq!(result(resumed(stopper.state.unwrap(), &long, &data, &mut never())), whole);
}

#[test]
fn the_state_of_another_network_or_beyond_the_end_is_refused() {
    let data = data(&small_network(), 26);
    let recipe = small_recipe(optimizers()[0].clone());
    let state = stopped_after(BATCHES + 1, &recipe, &data);
    let refused = |network: &Network, recipe: &Recipe| {
        resume(network, recipe, &data, &ONE_THREAD, state.clone(), &mut never())
            .unwrap_err()
            .to_string()
    };
    let other = network([8, 8, 1], "conv 6 3 1 valid relu; pool 2 2; dense 6 relu; dense 4");
    assert!(refused(&other, &recipe).contains("other shapes"));
    let averaged = Recipe { average: Some(Average { decay: 0.9 }), ..recipe.clone() };
    assert!(refused(&small_network(), &averaged).contains("its average"));
    let shorter = Recipe { epochs: 1, batch: 20, ..recipe };
    assert!(refused(&small_network(), &shorter).contains("beyond the run's end"));
}

/// A checkpoint whose optimiser is that of another network: Burn itself would add up what does not
/// have the same shape.
#[test]
fn the_optimiser_of_another_network_is_refused() {
    let data = data(&small_network(), 26);
    let other = network([8, 8, 1], "conv 6 3 1 valid relu; pool 2 2; dense 6 relu; dense 4");
    for rule in [0, 1, 3, 5] {
        let recipe = small_recipe(optimizers()[rule].clone());
        let state = stopped_after(BATCHES + 1, &recipe, &data);
        let mut stopper = Stopper { left: 1, ..Stopper::default() };
        train(&other, &recipe, &data, &ONE_THREAD, &mut stopper).unwrap();
        let mixed = State { optimizer: stopper.state.unwrap().optimizer, ..state };
        let refused = resume(&small_network(), &recipe, &data, &ONE_THREAD, mixed, &mut never());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("its optimiser's state has other shapes"), "{refused}");
    }
}

/// Labels by chance and a high learning rate: the held-out loss rises soon.
fn overfitted(early_stopping: Option<EarlyStopping>, epochs: usize) -> (Recipe, Dataset) {
    let data = data(&small_network(), 26);
    (Recipe { early_stopping, epochs, ..small_recipe(rmsprop(0.02)) }, data)
}

#[test]
fn a_run_ends_early_with_the_weights_of_its_best_epoch() {
    let rule = EarlyStopping { patience: 3, min_delta: 0.0 };
    let (recipe, data) = overfitted(Some(rule), 60);
    let ended = train(&small_network(), &recipe, &data, &ONE_THREAD, &mut never()).unwrap();
    let losses: Vec<f64> = ended.epochs.iter().map(|epoch| epoch.held_out_loss.unwrap()).collect();
    let best = ended.kept_epoch.unwrap();
    assert!(losses.len() < 60 && losses.len() == best + 3, "{losses:?}");
    assert!(
        losses
            .iter()
            .enumerate()
            .all(|(place, loss)| place + 1 == best || *loss > losses[best - 1])
    );
    // The same as a run of that many epochs.
    let (short, _) = overfitted(None, best);
    let short = train(&small_network(), &short, &data, &ONE_THREAD, &mut never()).unwrap();
    assert_eq!(short.model, ended.model);
    assert_eq!(short.kept_epoch, None);
}

#[test]
fn a_run_that_has_ended_early_stays_so() {
    let rule = EarlyStopping { patience: 3, min_delta: 0.0 };
    let (recipe, data) = overfitted(Some(rule), 60);
    let mut stopper = Stopper { left: NEVER, ..Stopper::default() };
    let whole = train(&small_network(), &recipe, &data, &ONE_THREAD, &mut stopper).unwrap();
    let state = stopper.state.unwrap();
    assert!(state.is_finished());
    let longer = Recipe { epochs: 90, ..recipe };
    let mut rest = never();
    let again = resumed(state, &longer, &data, &mut rest);
    assert_eq!((again.model, again.kept_epoch), (whole.model, whole.kept_epoch));
    assert_eq!(rest.batches, 0);
}

#[test]
fn a_plateau_needs_held_out_images() {
    let data = data(&small_network(), 26);
    let recipe = Recipe { held_out: 0, ..by_epochs().swap_remove(1) };
    let refused = train(&small_network(), &recipe, &data, &ONE_THREAD, &mut never());
    let message = refused.unwrap_err().to_string();
    assert!(message.starts_with("training.schedule.type goes by the loss of held-out images"));
}
