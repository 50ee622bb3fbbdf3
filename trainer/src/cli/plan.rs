//! `plan`: the plans of a model for a chip, and the model planned anew.

use super::{CliError, PlanArgs, model_file};
use crate::atomic_file::PendingFile;
use crate::model_file::write;
use crate::plain_model::{Choice, PlainModel};
use crate::plan::{Budget, Costs, FastestError, Plan, front};
use crate::terminal::number::grouped;
use crate::terminal::print;
use crate::terminal::table::Table;

/// Rows of the table, unless every plan is asked for.
const ROWS: usize = 16;

const NOTES: &str = "\
Instructions are predicted from counts in an emulator; they are no cycles. Flash is the model and the code that runs it. RAM is the
working memory: the image, the stack and the rest of your program come on top.
";

pub(super) fn run(args: &PlanArgs) -> Result<(), CliError> {
    let bytes = model_file::read(&args.model)?;
    let model = PlainModel::of(&model_file::parse(&args.model, &bytes)?);
    let plans = front(&model, &Costs::of(args.core)).map_err(FastestError::Write)?;
    let chosen = Budget { flash: args.flash, ram: args.ram }.choose(&plans);
    print(&text(args, &model, &plans, chosen.ok()))?;
    let plan = &plans[chosen.map_err(FastestError::Miss)?];
    if let Some(out) = &args.out {
        let planned = write(&model, &plan.choices).map_err(FastestError::Write)?;
        PendingFile::write(out, &planned)?.commit()?;
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
    let mark = if chosen.is_some() { "* is the fastest that fits.\n" } else { "" };
    let names = model.layers.iter().map(|layer| &*layer.name).collect::<Vec<_>>().join(", ");
    format!("{head}\n\n{}\n{mark}Layers: {names}. {NOTES}", table(plans, &rows, chosen))
}

/// At most `most` of the plans, evenly spread, with the first, the last and the chosen one among them.
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

fn table(plans: &[Plan], rows: &[usize], chosen: Option<usize>) -> Table {
    let mut table = Table::new(["", ">instructions", ">RAM", ">flash", ">model", "layer by layer"]);
    for row in rows {
        let plan = &plans[*row];
        table.row([
            if chosen == Some(*row) { "*".to_owned() } else { String::new() },
            grouped(plan.instructions.round() as u64),
            grouped(plan.ram as u64),
            grouped(plan.flash as u64),
            grouped(plan.model_bytes as u64),
            plan.choices.layers.iter().map(|choice| short(*choice)).collect::<Vec<_>>().join(", "),
        ]);
    }
    table
}

/// The algorithm's name.
fn short(choice: Choice) -> String {
    match choice {
        Choice::Conv(algorithm) => format!("{algorithm:?}"),
        Choice::MaxPool => "MaxPool".to_owned(),
        Choice::Dense(algorithm) => format!("{algorithm:?}"),
    }
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
