//! A run of training under way.

use std::time::Instant;

use infer::Shape;
use infer::format::OutputQuant;

use super::augment::Distorter;
use super::average::Average;
use super::batch::BatchGradients;
use super::batch_norm::{self, BatchScale};
use super::early_stopping::{self, Best};
use super::error::TrainError;
use super::held_out::Split;
use super::loss::{Loss, Tally};
use super::observer::{BatchReport, EpochReport, Observer};
use super::optimizer::Optimizer;
use super::parameters::{Norm, StageGradient, StageParameters};
use super::random::{Purpose, Random};
use super::schedule::Progress;
use super::shards::{Batch, Distortion, Dropout};
use super::state::{Epoch, Place, State};
use super::workers::Workers;
use super::{TrainOptions, Trained, decay, initial, schedule};
use crate::backend;
use crate::calibrate::calibrate;
use crate::data::{Dataset, fit};
use crate::float_model::{FloatModel, StageWeights};
use crate::forward::{Forward, Grid, Layout};
use crate::graph::{DemandError, Stage};
use crate::inputs::network_inputs;
use crate::kernels::InstructionSet;
use crate::net::Net;
use crate::network::{Network, OUTPUTS_MAX};
use crate::ops::{FloatKind, FloatOperator};
use crate::quantize::quantize;
use crate::recipe::{Recipe, STATISTICS_MIN};

/// Most images per forward pass when accuracy is followed.
const SCORED_IMAGES: usize = 100;

/// A run under way.
pub struct Run<'r> {
    network: &'r Network,
    stages: Vec<Stage>,
    recipe: &'r Recipe,
    data: &'r Dataset,
    options: &'r TrainOptions,
    /// Images trained on, and those held out.
    split: Split,
    /// What is made small.
    loss: Loss,
    /// What an image of each label counts; empty where all count 1.
    class_weights: Vec<f32>,
    pub(super) gradients: BatchGradients,
    net: Net,
    optimizer: Optimizer,
    /// The module's parameters as the kernels read them, one entry per stage, with the running
    /// statistics.
    pub(super) parameters: Vec<StageParameters>,
    average: Option<Average>,
    /// How what each stage leaves is quantised in the epoch under way, where that is minded.
    quants: Vec<OutputQuant>,
    /// The best epoch so far, where the run may end early.
    best: Option<Best>,
    distorter: Option<Distorter>,
    place: Place,
    /// The batch whose images lie in the buffers of `gradients`.
    placed: Option<Place>,
    under_way: Epoch,
    /// The epochs that are finished.
    epochs: Vec<EpochReport>,
    /// Steps of the optimiser.
    steps: usize,
}

impl<'r> Run<'r> {
    /// A run before its first batch.
    pub fn new(
        network: &'r Network,
        recipe: &'r Recipe,
        data: &'r Dataset,
        options: &'r TrainOptions,
    ) -> Result<Self, TrainError> {
        fit::require(network, recipe.task, data)?;
        let mut layout = Layout::new(network)?;
        check(recipe, data, network.classes().map_err(DemandError::Network)?)?;
        let model = initial(network, options.seed).map_err(DemandError::Network)?;
        if recipe.batch_norm.is_some() {
            layout = layout.normalised();
            check_last_batch(&layout, data.len() - recipe.held_out, recipe.batch)?;
        }
        let split = Split::new(&data.strata(), recipe.held_out, options.seed);
        let labels = split.trained.iter().map(|image| data.labels[*image]);
        let parameters = beginning(&model, &layout);
        Ok(Self {
            network,
            stages: network.stages().map_err(DemandError::Network)?,
            recipe,
            data,
            options,
            loss: Loss::of(recipe, network.input),
            class_weights: recipe.class_weights.of(labels),
            split,
            net: Net::of_parameters(&parameters, &backend::device().autodiff()),
            optimizer: Optimizer::new(&recipe.optimizer),
            average: recipe.average.map(|average| Average::new(average.decay, parameters.clone())),
            distorter: Distorter::of(recipe, &network.input, &layout),
            quants: vec![],
            best: None,
            place: Place::beginning_of(1),
            placed: None,
            under_way: Epoch::default(),
            epochs: Vec::new(),
            steps: 0,
            parameters,
            gradients: BatchGradients::new(
                InstructionSet::detect(),
                Workers::new(options.threads),
                network,
                layout,
                recipe.batch,
                recipe.batch_norm.map_or(0.0, |norm| norm.epsilon),
            ),
        })
    }

    /// A run that goes on where `state` was taken.
    pub fn with_state(mut self, state: State) -> Result<Self, TrainError> {
        self.check_state(&state)?;
        self.net = Net::of_parameters(&state.parameters, &backend::device().autodiff());
        self.optimizer = self.optimizer.with_record(state.optimizer, &self.net)?;
        let epochs = self.recipe.epochs;
        self.epochs =
            state.epochs.into_iter().map(|epoch| EpochReport { epochs, ..epoch }).collect();
        (self.place, self.under_way, self.steps) = (state.place, state.under_way, state.steps);
        (self.parameters, self.average, self.best) = (state.parameters, state.average, state.best);
        self.quants = state.quants;
        Ok(self)
    }

    /// Whether the state has the shapes of this run and a place in it.
    fn check_state(&self, state: &State) -> Result<(), TrainError> {
        let averaged =
            |average: &Option<Average>| average.as_ref().map(|average| lengths(&average.stages));
        let refused = |why| Err(TrainError::State(why));
        if !self.has(state.place) || state.epochs.len() + 1 != state.place.epoch {
            return refused("it lies beyond the run's end");
        }
        if lengths(&state.parameters) != lengths(&self.parameters) {
            return refused("its parameters have other shapes");
        }
        if ![0, self.parameters.len()].contains(&state.quants.len()) {
            return refused("its scales are not those of as many stages");
        }
        if averaged(&state.average) != averaged(&self.average) {
            return refused("its average has another shape");
        }
        if state
            .best
            .as_ref()
            .is_some_and(|best| lengths(&best.stages) != lengths(&self.parameters))
        {
            return refused("its best epoch has another shape");
        }
        Ok(())
    }

    /// Whether the run comes through `place`.
    fn has(&self, place: Place) -> bool {
        let end = Place::beginning_of(self.recipe.epochs + 1);
        let inside = (1..end.epoch).contains(&place.epoch) && place.batch <= self.batches();
        inside || place == end
    }

    fn state(&self) -> Result<State, TrainError> {
        Ok(State {
            place: self.place,
            under_way: self.under_way,
            epochs: self.epochs.clone(),
            steps: self.steps,
            parameters: self.parameters.clone(),
            average: self.average.clone(),
            quants: self.quants.clone(),
            best: self.best.clone(),
            ended_early: self.has_ended_early(),
            optimizer: self.optimizer.record()?,
        })
    }

    /// All that is left of the run.
    pub fn finish(mut self, observer: &mut dyn Observer) -> Result<Trained, TrainError> {
        observer.save(&self.state()?)?;
        while self.place.epoch <= self.recipe.epochs && !self.has_ended_early() {
            let report = self.epoch(observer)?;
            if let Some(report) = report {
                self.epochs.push(report);
                self.keep_if_best();
                self.place = Place::beginning_of(self.place.epoch + 1);
                self.under_way = Epoch::default();
            }
            observer.save(&self.state()?)?;
            backend::free_unused_graphs();
            match &report {
                Some(report) => observer.epoch(report),
                None => return Ok(self.trained(true)),
            }
        }
        Ok(self.trained(false))
    }

    fn trained(self, stopped_early: bool) -> Trained {
        let model = match &self.best {
            Some(best) => self.model_of(&best.stages),
            None => self.model(),
        };
        let kept_epoch = self.best.map(|best| best.epoch);
        Trained { model, epochs: self.epochs, stopped_early, kept_epoch }
    }

    /// Whether the held-out loss has stopped falling.
    fn has_ended_early(&self) -> bool {
        self.recipe.early_stopping.is_some_and(|rule| early_stopping::is_over(rule, &self.epochs))
    }

    /// Keeps the parameters of the epoch that was just finished if none was better.
    fn keep_if_best(&mut self) {
        let Some(rule) = self.recipe.early_stopping else { return };
        let epoch = self.epochs.len();
        if early_stopping::best_epoch(rule, &self.epochs) == epoch {
            self.best = Some(Best { epoch, stages: self.exported().to_vec() });
        }
    }

    /// What is left of one pass over the images; `None` when the observer ended it.
    fn epoch(&mut self, observer: &mut dyn Observer) -> Result<Option<EpochReport>, TrainError> {
        let (begun, before) = (Instant::now(), self.under_way.seconds);
        self.begin_quantised()?;
        let order = self.order();
        let mut batches = order.chunks(self.recipe.batch).skip(self.place.batch).peekable();
        while let Some(chosen) = batches.next() {
            let tally = self.step(chosen, batches.peek().copied());
            self.under_way.tally.add(tally);
            self.under_way.seconds = before + begun.elapsed().as_secs_f64();
            self.place.batch += 1;
            let Place { epoch, batch } = self.place;
            if !self.under_way.tally.loss.is_finite() {
                return Err(TrainError::Diverged { epoch, batch });
            }
            observer.batch(&self.batch_report(tally));
            if observer.stop() && (epoch, batch) != (self.recipe.epochs, self.batches()) {
                return Ok(None);
            }
        }
        let held_out = self.held_out_tally();
        Ok(Some(self.epoch_report(held_out, before + begun.elapsed().as_secs_f64())))
    }

    /// In the last epochs of a recipe that minds quantisation: maps are quantised as an export at
    /// the beginning of the epoch would do it.
    fn begin_quantised(&mut self) -> Result<(), TrainError> {
        if self.place.epoch + self.recipe.quantised_epochs <= self.recipe.epochs {
            return Ok(());
        }
        if self.place.batch == 0 {
            let model = self.model_of(&self.parameters);
            let quant = quantize(&model, &calibrate(&model, self.data))?;
            self.quants = quant.stages.iter().map(|stage| stage.output).collect();
        }
        self.gradients.set_grids(self.quants.iter().map(|quant| Grid::from(*quant)).collect());
        Ok(())
    }

    /// The images in this epoch's order.
    fn order(&self) -> Vec<usize> {
        let mut order = self.split.trained.clone();
        Random::new(self.options.seed, Purpose::Order { epoch: self.place.epoch })
            .shuffle(&mut order);
        order
    }

    /// Batches of an epoch.
    fn batches(&self) -> usize {
        self.split.trained.len().div_ceil(self.recipe.batch)
    }

    fn batch_report(&self, done: Tally) -> BatchReport {
        let (Place { epoch, batch }, Epoch { tally, seconds }) = (self.place, self.under_way);
        BatchReport {
            epoch,
            epochs: self.recipe.epochs,
            batch,
            batches: self.batches(),
            batch_loss: done.mean_loss(),
            loss: tally.mean_loss(),
            accuracy: self.accuracy(tally),
            images_per_second: tally.images as f64 / seconds,
        }
    }

    fn epoch_report(&self, held_out: Option<Tally>, seconds: f64) -> EpochReport {
        let tally = self.under_way.tally;
        EpochReport {
            epoch: self.place.epoch,
            epochs: self.recipe.epochs,
            loss: tally.mean_loss(),
            accuracy: self.accuracy(tally),
            held_out_loss: held_out.map(|tally| tally.mean_loss()),
            held_out_accuracy: held_out.and_then(|tally| self.accuracy(tally)),
            seconds,
        }
    }

    /// Share of right answers, where classes are answered.
    fn accuracy(&self, tally: Tally) -> Option<f64> {
        self.recipe.task.is_classify().then(|| tally.correct as f64 / tally.images as f64)
    }

    /// One batch: gradients, then the optimiser's step, while other threads place the images of the
    /// epoch's next batch.
    pub(super) fn step(&mut self, chosen: &[usize], next: Option<&[usize]>) -> Tally {
        let Self { gradients, parameters, recipe, options: TrainOptions { seed, .. }, .. } = self;
        let epoch = self.place.epoch;
        let distortion = self.distorter.as_ref().map(|distorter| Distortion {
            distorter,
            seed: *seed,
            epoch,
            strength: distorter.strength(epoch, recipe.epochs),
        });
        let (loss, class_weights) = (self.loss, &self.class_weights[..]);
        let dropout = Dropout { seed: *seed, epoch };
        let batch =
            |chosen| Batch { data: self.data, chosen, distortion, loss, class_weights, dropout };
        if self.placed != Some(self.place) {
            gradients.set_parameters(parameters);
            gradients.place(&batch(chosen));
        }
        let tally = gradients.compute(&batch(chosen));
        let steps = self.split.trained.len().div_ceil(recipe.batch) * recipe.epochs;
        let progress = Progress { step: self.steps, steps, epochs: &self.epochs };
        let factor = schedule::factor(recipe, progress);
        let follower = Follower {
            recipe,
            stages: &self.stages,
            net: &mut self.net,
            optimizer: &mut self.optimizer,
            average: &mut self.average,
        };
        let step = |sums: &mut [_], scales: &[_], parameters: &mut [_]| {
            decay::add(sums, parameters, recipe.weight_decay);
            follower.step(sums, scales, parameters, factor);
        };
        gradients.finish(chosen.len(), &batch(next.unwrap_or_default()), parameters, step);
        self.placed = next.map(|_| Place { batch: self.place.batch + 1, ..self.place });
        self.steps += 1;
        tally
    }

    /// The parameters that are exported: the average where there is one.
    fn exported(&self) -> &[StageParameters] {
        self.average.as_ref().map_or(&self.parameters, |average| &average.stages)
    }

    /// The model as it is now.
    fn model(&self) -> FloatModel {
        self.model_of(self.exported())
    }

    /// The model with these parameters, their normalisation folded.
    fn model_of(&self, parameters: &[StageParameters]) -> FloatModel {
        let epsilon = self.recipe.batch_norm.map_or(0.0, |norm| norm.epsilon) as f32;
        let stages = parameters.iter().map(|stage| stage.folded(epsilon)).collect();
        FloatModel { network: self.network.clone(), stages }
    }

    /// Loss and right answers of the held-out images; `None` when none are held out.
    fn held_out_tally(&self) -> Option<Tally> {
        let held_out = &self.split.held_out;
        if held_out.is_empty() {
            return None;
        }
        let model = self.model();
        let forward = Forward::new(&model);
        let score = |chosen: &[usize]| {
            let inputs = network_inputs(&self.network.input, self.data, chosen);
            let values = forward.run(&inputs, &mut |_, _| ());
            self.loss.of_values(&values, self.data, chosen, |_| 1.0).0
        };
        let parts: Vec<&[usize]> = held_out.chunks(forward.images_at_once(SCORED_IMAGES)).collect();
        let tallies = self.gradients.workers().each(parts.len(), |index| score(parts[index]));
        let mut sum = Tally::default();
        tallies.into_iter().for_each(|tally| sum.add(tally));
        Some(sum)
    }
}

/// What a batch's gradients change beside the parameters.
struct Follower<'f> {
    recipe: &'f Recipe,
    stages: &'f [Stage],
    net: &'f mut Net,
    optimizer: &'f mut Optimizer,
    average: &'f mut Option<Average>,
}

impl Follower<'_> {
    /// The optimiser's step; then brings everything that follows the module up to its new
    /// parameters.
    fn step(
        self,
        gradients: &[StageGradient],
        scales: &[BatchScale],
        parameters: &mut [StageParameters],
        factor: f64,
    ) {
        let trained = gradients.iter().filter(|gradient| !gradient.bias.is_empty());
        *self.net = self.optimizer.step(self.net.clone(), trained, factor);
        if let Some(recipe) = &self.recipe.batch_norm {
            *self.net = self.net.clone().with_gammas_of_at_least(recipe.min_gamma);
            for (stage, scale) in parameters.iter_mut().zip(scales) {
                if let Some(norm) = &mut stage.norm {
                    batch_norm::follow(norm, scale, recipe);
                }
            }
        }
        self.net.read(self.stages, parameters);
        if let Some(average) = self.average {
            average.add(parameters);
        }
    }
}

fn check(recipe: &Recipe, data: &Dataset, outputs: usize) -> Result<(), TrainError> {
    if outputs > OUTPUTS_MAX {
        return Err(TrainError::Outputs { found: outputs });
    }
    if recipe.held_out >= data.len() {
        return Err(TrainError::NothingToTrainOn { held_out: recipe.held_out, images: data.len() });
    }
    if let Some(key) = recipe.needs_held_out().filter(|_| recipe.held_out == 0) {
        return Err(TrainError::NothingHeldOut { key: key.join(".") });
    }
    if let Some(asked) = InstructionSet::missing() {
        let available = InstructionSet::available().into_iter().map(InstructionSet::name).collect();
        return Err(TrainError::InstructionSet { asked, available });
    }
    Ok(())
}

/// Pixels of a map.
fn pixels(map: Shape) -> usize {
    map.height as usize * map.width as usize
}

/// Refuses a last batch of so few images that there is no variance to normalise by.
fn check_last_batch(layout: &Layout, trained: usize, batch: usize) -> Result<(), TrainError> {
    let images = trained % batch;
    let normalised = layout.stages.iter().filter(|stage| stage.normalised());
    match normalised.map(|stage| images * pixels(stage.output())).min() {
        Some(values) if images > 0 && values < STATISTICS_MIN => {
            Err(TrainError::LastBatch { images, batch, values })
        }
        _ => Ok(()),
    }
}

/// Parameters before the first step; fresh normalisations for the stages that are normalised.
pub(super) fn beginning(model: &FloatModel, layout: &Layout) -> Vec<StageParameters> {
    let stages = model.stages.iter().zip(&layout.stages);
    let begin = |(stage, operator): (&StageWeights, &FloatKind)| StageParameters {
        rows: stage.output_rows(),
        bias: stage.bias.clone(),
        norm: operator.normalised().then(|| Norm::initial(stage.bias.len())),
    };
    stages.map(begin).collect()
}

/// Lengths of all parameters.
fn lengths(stages: &[StageParameters]) -> Vec<Vec<usize>> {
    stages.iter().map(|stage| stage.runs().map(Vec::len).collect()).collect()
}
