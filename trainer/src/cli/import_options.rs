//! Which options of `import` a kind of file has no use for: they are refused, never passed over.

use super::CliError;
use super::import::ImportArgs;
use crate::data::DataDir;
use crate::recipe::Task;

/// Said of an int8 file.
const BRINGS_SCALES: &str = "an int8 file brings its scales: leave them out, and measure the model \
                             with `trainer eval MODEL --data PATH`";

/// Said of names where nothing has one.
const NO_NAMES: &str = "it names classes or the data's values to answer, and there are none: leave \
                        it out";

/// Said of a network that is not int8 yet.
const ONLY_INT8: &str = "only an int8 .tflite file is planned as a stream: leave it out, or \
                         quantise the network to int8 before";

/// Refuses what changes nothing of an int8 file: it is calibrated already, and not measured.
pub(super) fn check_int8(args: &ImportArgs) -> Result<(), CliError> {
    // Every field is named here, so that a new option is not forgotten.
    let ImportArgs {
        network: _,
        out: _,
        chip: _,
        stream: _,
        file: _,
        data,
        task,
        mean,
        std,
        threads,
    } = args;
    let of_data = data.given().into_iter().filter(|option| *option != "--labels");
    let others = [
        ("--mean", !mean.is_empty()),
        ("--std", !std.is_empty()),
        ("--threads", threads.is_given()),
    ];
    let others = others.into_iter().filter_map(|(option, is_given)| is_given.then_some(option));
    refuse(args, &of_data.chain(others).collect::<Vec<_>>(), BRINGS_SCALES)?;
    let names = data.labels().is_some() && *task == Task::Reconstruct;
    refuse(args, if names { &["--labels"] } else { &[] }, NO_NAMES)
}

/// Refuses what changes nothing of a file that is calibrated on data.
pub(super) fn check_float(args: &ImportArgs) -> Result<(), CliError> {
    refuse(args, if args.stream { &["--stream"] } else { &[] }, ONLY_INT8)
}

/// Refuses names where the data says nothing that has one.
pub(super) fn check_names(args: &ImportArgs, data: &DataDir) -> Result<(), CliError> {
    let are_idle = args.data.labels().is_some() && !args.task.is_classify() && !data.is_labelled;
    refuse(args, if are_idle { &["--labels"] } else { &[] }, NO_NAMES)
}

fn refuse(args: &ImportArgs, options: &[&'static str], why: &'static str) -> Result<(), CliError> {
    match options {
        [] => Ok(()),
        _ => Err(CliError::IdleOptions {
            path: args.network.clone(),
            options: options.join(", "),
            why,
        }),
    }
}
