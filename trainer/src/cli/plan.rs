//! `plan`: the plans of a model for a chip, and the model planned anew.

use std::ops::Range;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::inspect::image_bytes;
use super::options::loading;
use super::planned::PendingPlan;
use super::{CliError, how_to_build, model_file, size};
use crate::model_file::ModelTable;
use crate::model_file::write;
use crate::plain_model::PlainModel;
use crate::plan::{Budget, Core, FastestError, Plan, front_of, stream};
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::table::Table;

/// Rows of the table, unless every plan is asked for.
const ROWS: usize = 16;

const NOTES: &str = "\
Instructions are predicted from counts in an emulator; they are not cycles.
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
  trainer plan out/model.kndl --core m4 --flash 256K --ram 16K --out out/m4.kndl
  trainer plan out/model.kndl --core m4 --flash 128K --built-in --out out/m4.kndl
  trainer plan out/model.kndl --core m4 --stream --out out/stream.kndl")]
pub(super) struct PlanArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    #[arg(long, value_name = "CORE", value_parser = Core::from_str, help = format!(
        "The chip's core: {}", Core::NAMES
    ))]
    core: Core,
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
}

pub(super) fn run(args: &PlanArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let mut table = ModelTable::new();
    let model = PlainModel::of(&model_file::parse(&args.model, &bytes, &mut table)?);
    let loading = loading(args.built_in);
    let plans = match args.stream {
        true => stream::front(&model, args.core, loading)?,
        false => front_of(&model, args.core, loading).map_err(FastestError::Write)?,
    };
    let chosen = Budget { flash: args.flash, ram: args.ram }.choose(&plans);
    print(&text(args, &model, &plans, chosen.ok()))?;
    let plan = &plans[chosen.map_err(FastestError::Miss)?];
    print(&how_to_build::text(args.core, plan))?;
    if let Some(out) = &args.out {
        let planned = write(&model, &plan.choices).map_err(FastestError::Write)?;
        let file = model_file::MadeOf::write(&args.model, out, &planned)?;
        let note = PendingPlan::note(out, &planned, &bytes, args.core)?;
        file.commit()?;
        note.commit()?;
        print(&format!("written: {}, {} bytes\n", out.display(), grouped(planned.len() as u64)))?;
    }
    Ok(())
}

fn text(args: &PlanArgs, model: &PlainModel, plans: &[Plan], chosen: Option<usize>) -> String {
    let rows = shown(plans.len(), chosen, if args.all { usize::MAX } else { ROWS });
    let (name, core, all) = (args.model.display(), args.core.name(), plans.len());
    let part = if rows.len() < all {
        format!(", {} of them shown (--all shows all)", rows.len())
    } else {
        String::new()
    };
    let head = format!("{name} on {core}: {all} plans that no other beats in everything{part}");
    let head = if args.stream { head + STREAM } else { head };
    let mark = if chosen.is_some() { "* is the fastest that fits.\n" } else { "" };
    let names = model.layers.iter().map(|layer| &*layer.name).collect::<Vec<_>>().join(", ");
    format!(
        "{head}\n\n{}\n{mark}Layers: {names}; those in brackets are interleaved. {NOTES}",
        table(model, plans, &rows, chosen)
    )
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

fn table(model: &PlainModel, plans: &[Plan], rows: &[usize], chosen: Option<usize>) -> Table {
    let mut table = Table::new([
        "",
        ">instructions",
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
    fn a_long_table_keeps_its_ends_and_the_chosen_plan() {
        assert_eq!(shown(3, Some(1), 16), [0, 1, 2]);
        assert_eq!(shown(101, Some(7), 3), [0, 7, 50, 100]);
    }
}
