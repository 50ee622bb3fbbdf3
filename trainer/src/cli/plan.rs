//! `plan`: the plans of a model for a chip, and the model planned anew.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::inspect::image_bytes;
use super::options::loading;
use super::planned::PendingPlan;
use super::{CliError, how_to_build, model_file, plan_json, size};
use crate::device::board::Board;
use crate::model_file::ModelTable;
use crate::model_file::write;
use crate::plain_model::PlainModel;
use crate::plan::cycles::{Cycles, Processor};
use crate::plan::{Budget, Core, FastestError, Plan, front_of, stream};
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::table::Table;

/// Rows of the table, unless every plan is asked for.
const ROWS: usize = 16;

const NOTES: &str = "\
Instructions are predicted from counts in an emulator; they are not cycles.
Cycles are estimated from them, where Arm states how long an instruction takes: of M0, M0+, M3 and \
M4; flash with wait states takes more.
Flash is the model and the code that runs it, with its loader unless the model is built in, \
compiled with the opt-level in the table.
RAM is the working memory; it is all that an image takes whose rows are fed as they come \
(Session::begin_rows).
With image: RAM and a whole image. The stack and the rest of your program come on top.
";

const STREAM: &str = "\n\
As a stream: instructions are those for a new row, on average; \
the stream's own code is not in flash.";

/// Choose how each layer is computed, for a chip's core, flash and RAM
///
/// Shows the plans of a model that are worth having, the fastest first, and marks the fastest that
/// fits. Every plan gives the same answers, bit for bit. Any model file will do, however it was
/// planned before.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer plan out/model.kndl --core m4
  trainer plan out/model.kndl --board nrf52840-dk
  trainer plan out/model.kndl --core m4 --flash 256K --ram 16K --out out/m4.kndl
  trainer plan out/model.kndl --core m4 --flash 128K --built-in --out out/m4.kndl
  trainer plan out/model.kndl --core m4 --stream --out out/stream.kndl")]
pub(super) struct PlanArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[arg(long, value_name = "CORE", value_parser = NamedCore::from_str, help = format!(
        "The chip's core: {}", Core::NAMES
    ))]
    #[arg(required_unless_present = "board")]
    core: Option<NamedCore>,
    /// Plan for this board of the firmware, within its flash and RAM (see `device list`)
    #[arg(long, value_name = "BOARD", conflicts_with_all = ["core", "flash", "ram"])]
    board: Option<String>,
    /// Flash for model and code, such as 256K [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    flash: Option<usize>,
    /// Working memory, such as 16K; image and stack come on top [default: no limit]
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    ram: Option<usize>,
    /// The model is built into the firmware and checked there: no loader takes flash
    #[arg(long)]
    built_in: bool,
    /// Model file to write with the fastest plan that fits [default: none]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Plan for a stream: a row at a time, without end. No row of any map is computed twice
    #[arg(long)]
    stream: bool,
    /// Show every plan
    #[arg(long)]
    all: bool,
    /// Print every plan as one JSON object, and nothing else, on standard output
    #[arg(long, conflicts_with = "all")]
    json: bool,
}

/// A core, and the processor that its name names, if its timings are published.
#[derive(Clone, Copy, Debug)]
struct NamedCore {
    core: Core,
    processor: Option<Processor>,
}

impl FromStr for NamedCore {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Ok(Self { core: name.parse()?, processor: Processor::named(name) })
    }
}

/// What is planned for.
pub(super) struct Chip {
    pub core: Core,
    budget: Budget,
    /// The processor for which cycles are estimated.
    pub processor: Option<Processor>,
    /// Its clock, where the board is known, MHz.
    pub megahertz: Option<f64>,
}

impl Chip {
    fn of(args: &PlanArgs) -> Result<Self, CliError> {
        let budget = Budget { flash: args.flash, ram: args.ram };
        if let Some(NamedCore { core, processor }) = args.core {
            return Ok(Self { core, budget, processor, megahertz: None });
        }
        let board = Board::load(args.board.as_deref().unwrap_or_default())?;
        let (core, budget) = board.plan_target()?;
        let (processor, megahertz) = (Processor::named(&board.core), Some(board.megahertz()?));
        Ok(Self { core, budget, processor, megahertz })
    }

    /// The estimate of a plan's cycles.
    pub fn cycles(&self, plan: &Plan) -> Option<Cycles> {
        plan.cycles.get(&self.processor?).copied()
    }
}

pub(super) fn run(args: &PlanArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = PlainModel::of(&model_file::parse(&args.model, &bytes, &mut table)?);
    let (loading, chip) = (loading(args.built_in), Chip::of(args)?);
    let plans = match args.stream {
        true => stream::front(&model, chip.core, loading)?,
        false => front_of(&model, chip.core, loading).map_err(FastestError::Write)?,
    };
    let chosen = chip.budget.choose(&plans);
    print(&match args.json {
        true => plan_json::line(&chip, &model, &plans, chosen.as_ref().ok().copied()),
        false => text(args, &chip, &model, &plans, chosen.as_ref().ok().copied()),
    })?;
    let plan = &plans[chosen.map_err(FastestError::Miss)?];
    let say = |text: &str| if args.json { Ok(()) } else { print(text) };
    say(&how_to_build::text(chip.core, plan))?;
    if let Some(out) = &args.out {
        let planned = write(&model, &plan.choices).map_err(FastestError::Write)?;
        let file = model_file::MadeOf::write(&args.model, out, &planned)?;
        let note = PendingPlan::note(out, &planned, &bytes, chip.core)?;
        file.commit()?;
        note.commit()?;
        say(&format!("written: {}, {} bytes\n", out.display(), grouped(planned.len() as u64)))?;
    }
    Ok(())
}

fn text(
    args: &PlanArgs,
    chip: &Chip,
    model: &PlainModel,
    plans: &[Plan],
    chosen: Option<usize>,
) -> String {
    let rows = shown(plans.len(), chosen, if args.all { usize::MAX } else { ROWS });
    let (name, core, all) = (args.model.display(), chip.core.name(), plans.len());
    let part = if rows.len() < all {
        format!(", {} of them shown (--all shows all)", rows.len())
    } else {
        String::new()
    };
    let head = format!("{name} on {core}: {all} plans that no other beats in everything{part}");
    let head = if args.stream { head + STREAM } else { head };
    let mark = if chosen.is_some() { "* is the fastest that fits.\n" } else { "" };
    let names = model.layers.iter().map(|layer| &*layer.name).collect::<Vec<_>>().join(", ");
    let cycles = chosen.map_or(String::new(), |chosen| cycles_of(chip, &plans[chosen]));
    format!(
        "{head}\n\n{}\n{mark}{cycles}Layers: {names}; those in brackets are interleaved. {NOTES}",
        table(chip, model, plans, &rows, chosen)
    )
}

/// What is said of the chosen plan's cycles: nothing, for a processor without published timings.
fn cycles_of(chip: &Chip, plan: &Plan) -> String {
    let of = chip.cycles(plan).zip(chip.processor);
    of.map_or(String::new(), |(of, processor)| estimate(of, processor, chip.megahertz))
}

fn estimate(of: Cycles, processor: Processor, megahertz: Option<f64>) -> String {
    let time = megahertz.map_or(String::new(), |megahertz| {
        let milliseconds = of.about / megahertz / 1e3;
        format!(", {milliseconds:.2} ms at {megahertz} MHz, the board's clock")
    });
    let [about, least, most] = [of.about, of.least, of.most].map(millions);
    format!(
        "About {about} cycles, estimated ({least} to {most}){time}: by Arm's timings of the {}, \
         without wait states.\n",
        processor.name()
    )
}

/// An estimate to three digits.
fn rough(cycles: f64) -> u64 {
    let digit = 10f64.powf(cycles.max(100.0).log10().floor() - 2.0);
    ((cycles / digit).round() * digit) as u64
}

/// `4.71 M`, or `25,300` where that is less than a tenth of a million.
fn millions(cycles: f64) -> String {
    match cycles {
        1e5.. => format!("{:.2} M", cycles / 1e6),
        _ => grouped(rough(cycles)),
    }
}

/// At most `most` of the plans, evenly spread, with the first, the last and the chosen one among
/// them.
fn shown(plans: usize, chosen: Option<usize>, most: usize) -> Vec<usize> {
    if plans <= most {
        return (0..plans).collect();
    }
    let mut rows: Vec<usize> = (0..most).map(|row| row * (plans - 1) / (most - 1)).collect();
    rows.extend(chosen);
    rows.sort_unstable();
    rows.dedup();
    rows
}

fn table(
    chip: &Chip,
    model: &PlainModel,
    plans: &[Plan],
    rows: &[usize],
    chosen: Option<usize>,
) -> Table {
    let mut table = Table::new([
        "",
        ">instructions",
        ">cycles, est.",
        ">RAM",
        ">with image",
        ">flash",
        ">model",
        ">opt-level",
        "layer by layer",
    ]);
    for row in rows {
        let plan = &plans[*row];
        table.row([
            if chosen == Some(*row) { "*".to_owned() } else { String::new() },
            grouped(plan.instructions.round() as u64),
            chip.cycles(plan).map_or("-".to_owned(), |cycles| grouped(rough(cycles.about))),
            grouped(plan.ram as u64),
            grouped((plan.ram + image_bytes(model.image, model.interface.takes)) as u64),
            grouped(plan.flash as u64),
            grouped(plan.model_bytes as u64),
            plan.build.opt_level().to_owned(),
            layers(plan, model),
        ]);
    }
    table
}

/// Each layer's algorithm; layers in brackets are interleaved, so that not all rows of the maps
/// between them are held.
fn layers(plan: &Plan, model: &PlainModel) -> String {
    let groups = model.flow(&plan.choices.held_rows).groups();
    // Layer `n` makes tensor `n + 1`; tensor 0 is no layer's.
    let interleaved = |group: &&Range<usize>| group.end - group.start.max(1) > 1;
    let brackets: Vec<_> = groups.iter().filter(interleaved).collect();
    let mut text = String::new();
    for (made, choice) in (1..).zip(&plan.choices.layers) {
        let index = made - 1;
        let begins = brackets.iter().any(|group| group.start.max(1) == made);
        let ends = brackets.iter().any(|group| group.end == made + 1);
        text += if index > 0 { ", " } else { "" };
        text += if begins { "(" } else { "" };
        text += &choice.name();
        text += if ends { ")" } else { "" };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_the_cycles_at_the_boards_clock() {
        let of = Cycles { least: 3.1e6, about: 3.2e6, most: 3.4e6 };
        assert_eq!(
            estimate(of, Processor::M4, Some(64.0)),
            "About 3.20 M cycles, estimated (3.10 M to 3.40 M), 50.00 ms at 64 MHz, the board's \
             clock: by Arm's timings of the Cortex-M4, without wait states.\n"
        );
        assert_eq!([4_712_345.0, 999_999.0, 96.4, 0.0].map(rough), [4_710_000, 1_000_000, 96, 0]);
        let little = Cycles { least: 9e3, about: 9.5e3, most: 1e4 };
        assert_eq!(
            estimate(little, Processor::M0Plus, None),
            "About 9,500 cycles, estimated (9,000 to 10,000): by Arm's timings of the \
             Cortex-M0+, without wait states.\n"
        );
    }

    #[test]
    fn a_long_table_keeps_its_ends_and_the_chosen_plan() {
        assert_eq!(shown(3, Some(1), 16), [0, 1, 2]);
        assert_eq!(shown(101, Some(7), 3), [0, 7, 50, 100]);
    }
}
