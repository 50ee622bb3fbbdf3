//! `estimate`: what a network will take on chips, before it is trained.

use std::str::FromStr;

use clap::Args;

use super::CliError;
use super::options::loading;
use crate::device::board::{self, Board};
use crate::estimate::{Estimate, Row};
use crate::plan::{Budget, Core};
use crate::preset::Preset;
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::table::Table;

/// Tell what a network takes on chips, from its description alone
///
/// Instructions, flash and working memory of the fastest plan that fits, for every board, or for
/// those that are named, or for a core. Nothing is trained: sizes do not depend on the weights, and
/// instructions hardly do.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer estimate my.toml                 on every board
  trainer estimate my.toml --board microbit --board pico2
  trainer estimate my.toml --core m4       without limits of flash and RAM")]
pub(super) struct EstimateArgs {
    /// Preset by name, or a .toml file of your own
    #[arg(value_name = "PRESET")]
    preset: String,
    /// Board (see `device list`); can be given more than once
    #[arg(long, value_name = "BOARD", conflicts_with = "core")]
    board: Vec<String>,
    #[arg(long, value_name = "CORE", value_parser = Core::from_str,
        help = format!("Core: {}", Core::NAMES))]
    core: Vec<Core>,
    /// The model is built into the firmware and checked there: no loader takes flash
    #[arg(long)]
    built_in: bool,
}

/// A chip, and what it has.
struct Chip {
    name: String,
    core: Core,
    budget: Budget,
}

pub(super) fn run(args: &EstimateArgs) -> Result<(), CliError> {
    let preset = Preset::load(&args.preset)?;
    let chips = match args.core[..] {
        [] => boards(&args.board)?,
        _ => args.core.iter().map(|core| without_limits(*core)).collect(),
    };
    Ok(print(&text(&preset, &chips, args.built_in)?)?)
}

/// The row of one board, for `train --board`.
pub(super) fn of_board(preset: &Preset, board: &str) -> Result<String, CliError> {
    text(preset, &boards(&[board.to_owned()])?, false)
}

/// The boards of these names, or all.
fn boards(names: &[String]) -> Result<Vec<Chip>, CliError> {
    let boards = match names {
        [] => board::all()?,
        names => names.iter().map(|name| Board::load(name)).collect::<Result<_, _>>()?,
    };
    let chip = |board: Board| {
        let (core, budget) = board.plan_target()?;
        Ok(Chip { name: board.id, core, budget })
    };
    boards.into_iter().map(chip).collect()
}

fn without_limits(core: Core) -> Chip {
    Chip { name: core.name().to_owned(), core, budget: Budget::default() }
}

fn text(preset: &Preset, chips: &[Chip], built_in: bool) -> Result<String, CliError> {
    let estimate = Estimate::of(&preset.network)?;
    let mut table =
        Table::new(["chip", "core", ">instructions", ">RAM", ">of", ">flash", ">of", "fits"]);
    let mut none_fits = true;
    for core in Core::ALL {
        if chips.iter().all(|chip| chip.core != core) {
            continue;
        }
        let plans = estimate.plans(core, loading(built_in))?;
        for chip in chips.iter().filter(|chip| chip.core == core) {
            let row = Row::of(&plans, chip.budget);
            none_fits &= !row.fits;
            table.row(cells(chip, &row));
        }
    }
    let name = &preset.name;
    let limits = limits(&estimate, none_fits);
    Ok(format!("{name}: predicted, before training\n\n{table}\n{limits}"))
}

fn cells(chip: &Chip, row: &Row) -> [String; 8] {
    let of = |limit: Option<usize>| limit.map_or("-".to_owned(), |bytes| grouped(bytes as u64));
    let over = |what: &str, needed: usize, limit: Option<usize>| {
        let over = needed.saturating_sub(limit.unwrap_or(usize::MAX));
        (over > 0).then(|| format!("{} bytes of {what} too many", grouped(over as u64)))
    };
    let misses =
        [over("flash", row.flash, chip.budget.flash), over("RAM", row.ram, chip.budget.ram)];
    let misses: Vec<String> = misses.into_iter().flatten().collect();
    [
        chip.name.clone(),
        chip.core.name().to_owned(),
        row.instructions.map_or("-".to_owned(), grouped),
        grouped(row.ram as u64),
        of(chip.budget.ram),
        grouped(row.flash as u64),
        of(chip.budget.flash),
        if row.fits { "yes".to_owned() } else { misses.join(", ") },
    ]
}

/// What takes most of the memory.
fn limits(estimate: &Estimate, none_fits: bool) -> String {
    let mut text = String::new();
    if let Some((layer, bytes)) = estimate.heaviest() {
        text += &format!("Most flash: the weights of {layer}, {} bytes.\n", grouped(bytes as u64));
    }
    if let Some((layer, [input, output])) = estimate.widest() {
        let [input, output] = [input, output].map(|bytes| grouped(bytes as u64));
        text += &format!(
            "Most RAM: {layer}, which reads {input} bytes and leaves {output}; interleaved \
                layers hold less.\n"
        );
    }
    if none_fits {
        text += "None fits: fewer filters or units, a smaller input, or an earlier pooling.\n";
    }
    text + "Image and stack come on top of RAM; instructions are not cycles.\n"
}
