//! Measures the costs again: `cargo run --release -p tools --bin refit [m0|m3|m4|m33|m55]...
//! [FORMULA]...`. Without a formula it measures all of them.
//!
//! | FORMULA | what is measured |
//! | --- | --- |
//! | a formula, such as `ConvDirect` | that one |
//! | `Frame` | what runs apart from layers |
//! | `Code`, `BuiltInCode` | the bytes of code |
//! | a part, such as `max-pool` | the bytes that it adds |
//! | a pair, such as `"direct-in-place direct-paired"` | the bytes that both add together |
//! | `Base` | the bytes that every model needs |
//! | `Winograd` | the bytes of Winograd's tiles and of how their weights come |
//! | `Cycles` | the cycles that an instruction of each formula takes on average, estimated |
//!
//! For each algorithm it runs models of one random layer in the emulator, in firmware with the
//! parts that they need. It counts their instructions and fits the formula's coefficients, for both
//! ways to compile the firmware. It writes `trainer/costs.toml`, which is compiled into `trainer`.
//! It is needed whenever a kernel changes.

mod code;
#[path = "../code_size.rs"]
mod code_size;
mod cycles;
mod fit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs, process};

use fit::{Sample, coefficients};
use infer::LayerKind;
use infer::features::Feature;
use infer::quant::Rounding;
use tests::firmware::{self, Board, Variant};
use tests::measure::{Counts, counts_of};
use tests::random_layer::{Random, measured, model, rounded_twice};
use trainer::model_file::write;
use trainer::ops::{Choice, Running, Term};
use trainer::plain_model::{Choices, PlainModel};
use trainer::plan::code::{PAIRS, pair_name};
use trainer::plan::cost::{AllCosts, FRAME, Formula, formula};
use trainer::plan::groups::Group;
use trainer::plan::{Build, Core, Costs, Features, Loading};

/// The first lines of the file.
const HEAD: &str = "\
# Measured: written by `cargo run --release -p tools --bin refit`. Bytes of code and what each part
# adds to them, then instructions for each occurrence of a term (`terms` of each operator in
# trainer/src/ops), counted in the emulator; instructions, not cycles. Last the cycles that an
# instruction of each formula takes on average, estimated without wait states: least, about, most.

";

/// Stand for the bytes of code, where the chip loads the model and where it is built in, among the
/// names of formulas.
const CODE: [&str; 2] = ["Code", "BuiltInCode"];

/// Stands for the bytes of code that every model needs.
const BASE: &str = "Base";

/// Stands for the bytes of Winograd's parts.
const WINOGRAD: &str = "Winograd";

/// Stands for the estimated cycles of an instruction of each formula.
const CYCLES: &str = "Cycles";

/// Random layers measured for each algorithm.
const LAYERS: usize = 60;

/// Random layers among which there is one of each case that there is.
const TRIES: usize = 1000;

/// Instructions of one tick of the counter.
const TICK: f64 = 50.0;

fn main() {
    let words: Vec<String> = env::args().skip(1).collect();
    let choices = Choice::all();
    let is_formula = |word: &String| {
        [CODE[0], CODE[1], BASE, WINOGRAD, FRAME, CYCLES].contains(&word.as_str())
            || Feature::ALL.iter().any(|part| part.name() == word)
            || PAIRS.into_iter().any(|pair| pair_name(pair) == *word)
            || formulas_of(&choices).any(|of| of.name == *word)
    };
    let (formulas, cores): (Vec<String>, Vec<String>) = words.into_iter().partition(is_formula);
    let known =
        |name: &String| name.parse::<Core>().unwrap_or_else(|problem| refuse(name, &problem));
    let cores: Vec<Core> = cores.iter().map(known).collect();
    for core in if cores.is_empty() { Core::ALL.to_vec() } else { cores } {
        for build in Build::ALL {
            let costs = if formulas.is_empty() {
                measure(core, build)
            } else {
                measured_again(core, build, &formulas)
            };
            put(core, build, costs);
        }
    }
}

/// A formula that is fitted: of an algorithm, a case of its layers, and a rounding.
#[derive(Clone)]
struct Wanted {
    name: String,
    choice: Choice,
    case: &'static str,
    rounding: Rounding,
}

/// All formulas.
fn formulas_of(choices: &[Choice]) -> impl Iterator<Item = Wanted> {
    let with = |choice: &Choice| {
        let choice = *choice;
        let roundings = [Rounding::Once, Rounding::Twice].into_iter();
        roundings.flat_map(move |rounding| {
            choice.cases().iter().map(move |case| Wanted {
                name: formula(choice, case, rounding),
                choice,
                case,
                rounding,
            })
        })
    };
    // Some layers that an algorithm computes with one rounding it does not compute with two, and
    // some cases are of one rounding.
    let mut random = Random::new(1);
    let mut is_any = move |Wanted { choice, case, rounding, .. }: &Wanted| {
        let model = model(&mut random, *choice);
        let model = match rounding {
            Rounding::Once => Some(model),
            Rounding::Twice => rounded_twice(model, *choice),
        };
        let is_case = |model: PlainModel| {
            let layer = &model.layers[measured(&model, *choice)];
            layer.kind(*choice).case() == *case
        };
        model.is_some_and(is_case)
    };
    let known = move |of: &Wanted| (0..TRIES).any(|_| is_any(of));
    choices.iter().flat_map(with).filter(known)
}

fn refuse(name: &str, problem: &str) -> ! {
    eprintln!("error: {name}: {problem}");
    process::exit(2)
}

fn file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../trainer/costs.toml")
}

/// All costs, from the file rather than from what is compiled in, which an earlier run may have
/// replaced.
fn all() -> AllCosts {
    let text = fs::read_to_string(file()).expect("trainer/costs.toml can be read");
    toml::from_str(&text).expect("trainer/costs.toml as refit writes it")
}

/// Writes the costs of a class of cores and a build; all others stay as they are.
fn put(core: Core, build: Build, costs: Costs) {
    let mut all = all();
    all.entry(core.name().to_owned()).or_default().insert(build.profile().to_owned(), costs);
    let text = toml::to_string(&all).expect("numbers and names");
    fs::write(file(), HEAD.to_owned() + &text).expect("trainer/costs.toml can be written");
}

fn board(core: Core) -> Board {
    match core {
        Core::M0 => firmware::M0,
        Core::M3 => firmware::M3,
        Core::M4 => firmware::M4,
        Core::M33 => firmware::M33,
        Core::M55 => firmware::M55,
    }
}

fn measure(core: Core, build: Build) -> Costs {
    let board = board(core);
    println!("{}, opt-level {}:", core.name(), build.opt_level());
    let [code, built_in_code] = Loading::ALL.map(|loading| code::measure(board, build, loading));
    let (mut formulas, mut frames) = (BTreeMap::new(), Vec::new());
    for wanted in formulas_of(&Choice::all()) {
        let samples = samples(board, build, &wanted, &mut frames);
        formulas.insert(wanted.name.clone(), fitted_choice(core, &wanted, &samples));
    }
    formulas.insert(FRAME.to_owned(), fitted(FRAME, &frames));
    let cycles_per_instruction = cycles::measure(board, core, build);
    Costs { code, built_in_code, formulas, cycles_per_instruction }
}

/// The costs as they are with some formulas measured again.
fn measured_again(core: Core, build: Build, wanted: &[String]) -> Costs {
    println!("{}, opt-level {}:", core.name(), build.opt_level());
    let mut costs = all()[core.name()][build.profile()].clone();
    let is_wanted = |name: &str| wanted.iter().any(|word| word == name);
    if is_wanted(CODE[0]) {
        costs.code = code::measure(board(core), build, Loading::OnChip);
    }
    if is_wanted(CODE[1]) {
        costs.built_in_code = code::measure(board(core), build, Loading::BuiltIn);
    }
    let parts: Vec<Feature> =
        Feature::ALL.into_iter().filter(|part| is_wanted(part.name())).collect();
    for (code, loading) in [&mut costs.code, &mut costs.built_in_code].into_iter().zip(Loading::ALL)
    {
        if is_wanted(WINOGRAD) {
            code::measure_winograd(board(core), build, loading, code);
        }
        code.parts.extend(code::measure_parts(board(core), build, loading, &parts));
        if is_wanted(BASE) {
            code.base = code::measure_base(board(core), build, loading, code);
        }
        let pairs = code::measure_pairs(board(core), build, loading, code, wanted);
        code.pairs.extend(pairs);
    }
    if is_wanted(CYCLES) {
        let mut measured = cycles::measure(board(core), core, build);
        // All algorithms run, also those for which the core has no formula of its own.
        measured.values_mut().for_each(|of| of.retain(|name, _| costs.formulas.contains_key(name)));
        costs.cycles_per_instruction = measured;
    }
    let mut frames = vec![];
    for of in formulas_of(&Choice::all()) {
        if !is_wanted(FRAME) && !is_wanted(&of.name) {
            continue;
        }
        let samples = samples(board(core), build, &of, &mut frames);
        if is_wanted(&of.name) {
            costs.formulas.insert(of.name.clone(), fitted_choice(core, &of, &samples));
        }
    }
    if is_wanted(FRAME) {
        costs.formulas.insert(FRAME.to_owned(), fitted(FRAME, &frames));
    }
    costs
}

/// Terms by name, and the count.
type Measured = (Vec<Term>, f64);

/// A model whose layer `group.first` is measured.
type Case = (PlainModel, Group);

/// The measured layers of a formula; what else ran goes to `frames`.
fn samples(
    board: Board,
    build: Build,
    wanted: &Wanted,
    frames: &mut Vec<Measured>,
) -> Vec<Measured> {
    let cases = cases(wanted, LAYERS);
    let chosen: Vec<Choices> = cases.iter().map(|of| choices(of, wanted.choice)).collect();
    let pairs: Vec<_> = cases.iter().map(|(model, _)| model).zip(&chosen).collect();
    let mut samples = Vec::new();
    let counts = counts_of_each(board, build, &pairs);
    for ((model, group), Counts { total, layers, .. }) in cases.iter().zip(counts) {
        let work = group.work(model).expect("a layer alone does not get stuck");
        let kinds = work.kinds(model, group.first, 0, wanted.choice);
        samples.push((summed(&kinds), layers[group.first] as f64));
        if group.first > 0 {
            continue;
        }
        let frame = total.saturating_sub(layers.iter().sum());
        // A layer after the measured one is a slice of its own.
        frames.push((work.frame.with_slices(layers.len() - 1).terms(), frame as f64));
    }
    samples
}

/// Random layers all slices of which are computed by the formula.
fn cases(wanted: &Wanted, count: usize) -> Vec<Case> {
    let Wanted { choice, case, rounding, .. } = *wanted;
    let mut random = Random::new(1);
    let with_group = || {
        let model = model(&mut random, choice);
        let model = match rounding {
            Rounding::Once => model,
            Rounding::Twice => rounded_twice(model, choice)?,
        };
        let group = group(&mut random, &model, measured(&model, choice));
        let work = group.work(&model).expect("a layer alone does not get stuck");
        let kinds = work.kinds(&model, group.first, 0, choice);
        kinds.iter().all(|(kind, _)| kind.case() == case).then_some((model, group))
    };
    std::iter::repeat_with(with_group).flatten().take(count).collect()
}

/// How the model is run with the layer computed so.
fn choices((model, group): &Case, choice: Choice) -> Choices {
    let mut choices = model.direct();
    choices.layers[group.first] = choice;
    choices.held_rows[0] = group.held_input;
    choices.held_rows[group.end] = group.held_rows[0];
    choices
}

/// Runs each model in firmware with the loops for layers without pooling if it has such a layer,
/// and in firmware without them if not: the compiler makes other code of the rest.
fn counts_of_each(board: Board, build: Build, pairs: &[(&PlainModel, &Choices)]) -> Vec<Counts> {
    let unpooled = |pair: &(&PlainModel, &Choices)| features([*pair]).has(Feature::Unpooled);
    let mut counts: Vec<Option<Counts>> = vec![None; pairs.len()];
    for is_unpooled in [false, true] {
        let numbers = (0..pairs.len()).filter(|number| unpooled(&pairs[*number]) == is_unpooled);
        let numbers: Vec<usize> = numbers.collect();
        let features = features(numbers.iter().map(|number| pairs[*number]));
        let file = |number: &usize| {
            let (model, choices) = pairs[*number];
            write(model, choices).expect("a layer that the algorithm fits")
        };
        let files: Vec<Vec<u8>> = numbers.iter().map(file).collect();
        let found = counts_of(board, Variant { build, features }, &files, &[]);
        numbers.into_iter().zip(found).for_each(|(number, found)| counts[number] = Some(found));
    }
    counts.into_iter().map(|found| found.expect("each model is one or the other")).collect()
}

/// The parts that models need, as firmware for them has; of rows and branches all have what groups
/// need.
fn features<'m>(models: impl IntoIterator<Item = (&'m PlainModel, &'m Choices)>) -> Features {
    let kinds: Vec<_> = models
        .into_iter()
        .flat_map(|(model, choices)| model.layers.iter().zip(&choices.layers))
        .map(|(layer, choice)| layer.kind(*choice))
        .collect();
    let is_needed = |part: &Feature| {
        matches!(part, Feature::HeldRows | Feature::Branches)
            || kinds.iter().any(|kind| part.is_needed_by(kind))
    };
    Features::from_iter(Feature::ALL.into_iter().filter(is_needed))
}

/// The layer with the image placed at once, or, for every other one that reads the image, with only
/// some of the image's rows held.
fn group(random: &mut Random, model: &PlainModel, layer: usize) -> Group {
    let alone = |group: &Group| group.end == layer + 1;
    let groups = Group::beginning_with(model, layer).into_iter();
    let groups: Vec<Group> = groups.filter(alone).collect();
    match random.within(0, 1) {
        0 => groups[0].clone(),
        _ => groups[random.within(0, groups.len() as u16 - 1) as usize].clone(),
    }
}

/// The terms of all slices of a layer.
fn summed(kinds: &[(LayerKind<'_>, usize)]) -> Vec<Term> {
    let mut sum = kinds[0].0.terms();
    sum.iter_mut().for_each(|(_, occurrences)| *occurrences = 0.0);
    for (kind, count) in kinds {
        for (sum, (_, occurrences)) in sum.iter_mut().zip(kind.terms()) {
            sum.1 += occurrences * *count as f64;
        }
    }
    sum
}

/// The formula of an algorithm, of the terms that count on the core.
fn fitted_choice(core: Core, wanted: &Wanted, measured: &[Measured]) -> Formula {
    let counts = |(term, _): &Term| wanted.choice.counts(term, core == Core::M55);
    let counted =
        |(terms, count): &Measured| (terms.iter().copied().filter(counts).collect(), *count);
    let measured: Vec<Measured> = measured.iter().map(counted).collect();
    fitted(&wanted.name, &measured)
}

fn fitted(name: &str, measured: &[Measured]) -> Formula {
    let sample = |(terms, count): &Measured| Sample {
        terms: terms.iter().map(|(_, occurrences)| *occurrences).collect(),
        count: *count,
        uncertainty: 20.0 * TICK,
    };
    let samples: Vec<Sample> = measured.iter().map(sample).collect();
    let found: Vec<f64> =
        coefficients(&samples).into_iter().map(|c| (c * 1e4).round() / 1e4).collect();
    report(name, &samples, &found);
    let terms = measured[0].0.iter().map(|(term, _)| (*term).to_owned());
    terms.zip(found).filter(|(_, coefficient)| *coefficient > 0.0).collect()
}

/// Says how far off the formula is.
fn report(name: &str, samples: &[Sample], coefficients: &[f64]) {
    let error = |sample: &Sample| {
        let predicted: f64 = sample.terms.iter().zip(coefficients).map(|(a, b)| a * b).sum();
        (predicted - sample.count).abs() / (sample.count + sample.uncertainty)
    };
    let errors: Vec<f64> = samples.iter().map(error).collect();
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let worst = errors.iter().fold(0.0, |a: f64, b| a.max(*b));
    println!(
        "  {name}: off by {:.1} % on average, by {:.1} % at worst",
        100.0 * mean,
        100.0 * worst
    );
}
