//! `docs/mlperf-tiny.md`, from what was measured.

use trainer::terminal::number::grouped;

use trainer::plan::cycles::Processor;

use super::row::{PLANS, Row, STREAM};
use super::{aims, cmsis_nn, published};

const HEAD: &str = "\
# MLPerf Tiny

Written by `./ci.sh mlperf FOLDER`, from what it measures and keeps in `docs/mlperf-tiny.json`.
The networks are the int8 reference models of MLPerf Tiny, \
from `mlcommons/tiny` at 1afd2c9 (2026-05-12), Apache License 2.0, unchanged.
They are no part of this repository: FOLDER holds them.

| name | file, under `benchmark/training/` of that repository | bytes | SHA-256 begins |
| --- | --- | ---: | --- |
| kws | `keyword_spotting/trained_models/kws_ref_model.tflite` | 53,936 | aeea4368 |
| vww | `visual_wake_words/trained_models/vww_96_int8.tflite` | 333,288 | 597a384c |
| ic | `image_classification/trained_models/pretrainedResnet_quant.tflite` | 98,496 | 3c002613 |
| ad | `anomaly_detection/trained_models/ad01_int8.tflite` | 276,976 | 87cf2419 |
| sww | `streaming_wakeword/trained_models/str_ww_ref_model.tflite` | 74,520 | 3af85508 |

FOLDER holds each as `NAME.tflite`, \
with `vectors/NAME_in.npy`, 20 inputs of int8, and `vectors/NAME_out.npy`, \
what TensorFlow Lite's reference kernels answer \
(`tflite-runtime` 2.14.0, `OpResolverType.BUILTIN_REF`).

`trainer import` reads each network, the planner makes three plans for each core, \
and each plan answers the 20 inputs in QEMU with `-icount`, the fastest one 100 random ones too.
The counts are **instructions, not cycles**.

| column | what it is |
| --- | --- |
| plan | *fastest*, *smallest-ram* and *smallest-flash*, the last with the model built in: \
the fastest of those within 160 bytes of the least flash, since code is predicted no closer |
| instructions | of one run |
| code | everything that loads, checks and runs the model, \
with only the parts of `infer` that the plan needs |
| RAM | the arena; the caller's image and the stack come on top |
| stack | the most that loading or running takes |
| inputs, exact | how many were answered; whether all answers are byte for byte \
TensorFlow Lite's, or the reference kernels' for random inputs |

";

/// The whole page.
pub fn text(rows: &[Row]) -> String {
    let mut text = HEAD.to_owned();
    text += "## Instructions beside CMSIS-NN\n\n";
    text += cmsis_nn::SOURCE;
    beside(&mut text, rows);
    text += CYCLES;
    cycles(&mut text, rows);
    text += PUBLISHED;
    published_cycles(&mut text);
    text += METHOD;
    text += "\n## Working memory beside CMSIS-NN\n\n\
        CMSIS-NN's arena holds the image; the second column counts it here too.\n\n";
    memory(&mut text, rows);
    text += FLASH;
    flash(&mut text, rows);
    text += PER_UNIT;
    text += STREAMS;
    streams(&mut text, rows);
    text += "\n## All plans\n\n";
    plans(&mut text, rows);
    text += OPERATORS;
    text += cmsis_nn::OPERATORS_SOURCE;
    operators(&mut text, rows);
    text += LOOPS;
    text += aims::ABOVE;
    aimed(&mut text, rows);
    text + aims::LEFT
}

const FLASH: &str = "\n## Flash beside CMSIS-NN\n\n\
    Plans of the least flash, with the model built in: bytes.\n\
    Kindling's code is all that checks and runs the model.\n\
    CMSIS-NN's kernels are those that the network needs, with what they take of the C library; \
    its parameters have one multiplier where the file has one for a whole tensor.\n\
    What calls its kernels, in the last column, is in no sum.\n\
    A ratio below 1 misses the aim.\n\n";

const PER_UNIT: &str = "\nA dense layer of a Kindling model has one multiplier and shift too, \
    where the file has one for a whole tensor; a convolution has both for each channel, 5 bytes.\n";

const CYCLES: &str = "\n## Cycles, estimated\n\n\
    Nothing of Kindling has run on silicon yet.\n\
    These are **estimates** of the cycles of the fastest plans, without wait states; \
    the method and its errors are below.\n\
    *Planner* is how far off the planner's own estimate is, which `trainer plan` prints.\n\
    The last columns have the fewest cycles that were published of any engine, \
    measured on silicon with the wait states of its flash.\n\n";

const PUBLISHED: &str = "\n### What others published\n\n\
    MLPerf Tiny's closed division, rounds 1.1 to 1.3, the same networks: \
    the board's clock divided by the throughput, in millions of cycles.\n\n";

const METHOD: &str = "\n### How the cycles are estimated\n\n\
    1. A plugin of the emulator counts how often each instruction of a run is executed, \
    how often each branch is taken, and the accesses that are not aligned.\n\
    2. Each instruction is one of a kind, such as a load, a long multiplication or a branch.\n\
    3. Arm's manuals say how many cycles an instruction of that kind takes without wait states, \
    and how it overlaps with its neighbours.\n\n\
    | processor | manual |\n\
    | --- | --- |\n\
    | Cortex-M0 r0p0, multiplier of one cycle | Arm DDI 0432C, table 3-1 |\n\
    | Cortex-M0+ r0p1, multiplier of one cycle | Arm DDI 0484C, table 3-1 |\n\
    | Cortex-M3 r2p1 | Arm DDI 0337I, table 3-1 and section 3.3.2 |\n\
    | Cortex-M4 r0p1 | Arm DDI 0439D, table 3-1 and section 3.3.3 |\n\n\
    Arm publishes no such tables for the Cortex-M7, M33 and M55: they have no estimate.\n\
    On the M3 and M4 the manuals leave some of it open.\n\
    *At least* and *at most* take the ends of these ranges, the estimate their middle:\n\n\
    | what | cycles |\n\
    | --- | --- |\n\
    | filling the pipeline after a branch that is taken | 1 to 3 |\n\
    | a load before a load that does not need it | 1 |\n\
    | a load before a store that does not need it | 1 or 2 |\n\
    | any other load | 2, relative to the program counter up to 3 |\n\
    | a store; with a register as offset | 1; 1 or 2 |\n\
    | an address that the instruction before computes | 1 more |\n\
    | each access more, since one is not aligned | 1 |\n\
    | a long multiplication on the M3; with a sum | 3 to 5; 4 to 7 |\n\
    | a division | 2 to 12 |\n\
    | `IT` | 0 or 1 |\n\n\
    What the estimate leaves out makes silicon slower: \
    wait states of the flash, caches that miss, \
    and buses that instructions and data share.\n\
    An instruction whose condition is not met counts as executed.\n\
    A test compares a loop of known length with cycles that were counted by hand.\n";

const STREAMS: &str = "\n## The wake word as a stream\n\n\
    For each new row of 40 values: all instructions, on average over 10,000 rows.\n\
    CMSIS-NN runs the window of 30 rows anew.\n\
    *Exact*: each output is that of the reference kernels' stream on the host, \
    and TensorFlow Lite's where one of the 20 inputs ends.\n\n";

const OPERATORS: &str = "\n## Where the instructions go\n\n\
    The layers of each operator in the fastest plan, and those of CMSIS-NN.\n\
    `trainer device profile` shows the layers of your model on a chip of yours, each with its \
    time.\n\n";

/// Counted in the assembly of the kernels.
const LOOPS: &str = "\n## What the inner loops take\n\n\
    One pass of each loop, without what comes before and after it.\n\
    Requantisation takes 3 to 10 instructions for each output, and 33 on the M0, \
    which has no long multiplication.\n\n\
    | core | loop | instructions | multiply-accumulates |\n\
    | --- | --- | ---: | ---: |\n\
    | m4, m33 | convolution: two taps of four pixels, two channels | 13 | 16 |\n\
    | m4, m33 | the same with int16 weights | 11 | 16 |\n\
    | m4, m33 | depthwise: two taps of four channels | 13 | 8 |\n\
    | m4, m33 | depthwise, 3x3 for a ReLU: a column of two outputs, two channels | 10 | 12 |\n\
    | m3 | convolution: a tap of four pixels, two channels | 9 | 8 |\n\
    | m3 | depthwise: a tap of four channels | 10 | 4 |\n\
    | m0 | convolution: two taps of four pixels, one channel | 18 | 8 |\n\
    | m0 | depthwise: a tap of two channels | 7 | 2 |\n\
    | m55 | depthwise: a tap of eight pixels | 4 | 8 |\n";

fn of<'r>(rows: &'r [Row], network: &str, core: &str, plan: &str) -> Option<&'r Row> {
    rows.iter().find(|row| row.network == network && row.core == core && row.plan == plan)
}

fn beside(text: &mut String, rows: &[Row]) {
    *text += "| network | core | Kindling, fastest | CMSIS-NN | ratio |\n\
        | --- | --- | ---: | ---: | ---: |\n";
    for (network, counts, ..) in cmsis_nn::COUNTS {
        against(text, rows, (network, network), counts);
        if network == "vww" {
            let named = "vww, CMSIS-NN without constant channels";
            against(text, rows, (network, named), cmsis_nn::VWW_WITHOUT_CONSTANTS);
        }
    }
}

fn against(text: &mut String, rows: &[Row], (network, named): (&str, &str), counts: [u64; 5]) {
    for (core, theirs) in cmsis_nn::CORES.into_iter().zip(counts) {
        let Some(row) = of(rows, network, core, PLANS[0]) else { continue };
        let ratio = theirs as f64 / f64::from(row.instructions);
        let cells = [named, core, &grouped(row.instructions.into()), &grouped(theirs)];
        line(text, &[&cells[..], &[&format!("{ratio:.2}")]].concat());
    }
}

/// The estimates of the fastest plans beside the best that was published.
fn cycles(text: &mut String, rows: &[Row]) {
    *text += "| network | processor | instructions | cycles, estimated | at least | at most \
        | planner | best published | ratio |\n\
        | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for row in rows.iter().filter(|row| row.plan == PLANS[0]) {
        for (processor, of) in &row.estimated_cycles {
            let numbers = [of.about, of.least, of.most].map(|cycles| grouped(cycles as u64));
            let predicted = row.predicted_cycles.get(processor);
            let off = predicted.map(|predicted| predicted.about / of.about - 1.0);
            let off = off.map_or("-".to_owned(), |off| format!("{:+.1} %", 100.0 * off));
            let [theirs, ratio] = beside_published(&row.network, *processor, of.about);
            let instructions = grouped(row.instructions.into());
            let names = [&*row.network, processor.name(), &instructions];
            let cells = numbers.each_ref().map(|cell| &**cell);
            line(text, &[&names[..], &cells, &[&off, &theirs, &ratio]].concat());
        }
    }
}

/// The best that was published, and how many times as much that is.
fn beside_published(network: &str, processor: Processor, cycles: f64) -> [String; 2] {
    let best = published::best(network, processor);
    best.map_or(["-".to_owned(), "-".to_owned()], |best| {
        [grouped(best.round() as u64), format!("{:.2}", best / cycles)]
    })
}

fn published_cycles(text: &mut String) {
    *text += &format!(
        "| engine | processor | board | {} |\n| --- | --- | --- |{}\n",
        published::NETWORKS.join(" | "),
        " ---: |".repeat(published::NETWORKS.len())
    );
    for of in published::ALL {
        let millions = of.millions.map(|millions| millions.to_string());
        let names = [of.engine, of.processor.name(), of.board];
        let cells = millions.each_ref().map(|cell| &**cell);
        line(text, &[&names[..], &cells].concat());
    }
}

fn memory(text: &mut String, rows: &[Row]) {
    *text += "| network | smallest plan B | with the image B | CMSIS-NN B | aim, without the image \
        | of the aim |\n\
        | --- | ---: | ---: | ---: | ---: | ---: |\n";
    for (network, _, theirs, _) in cmsis_nn::COUNTS {
        let Some(row) = of(rows, network, "m4", PLANS[1]) else { continue };
        let both = row.arena_bytes + row.image_bytes;
        let ours = [row.arena_bytes, both].map(|bytes| grouped(bytes as u64));
        let theirs = if theirs == 0 { "not known".to_owned() } else { grouped(theirs) };
        let aim = aims::RAM.iter().find(|(name, _)| *name == network);
        let [aim, part] = aim.map_or(["-".to_owned(), "-".to_owned()], |(_, aim)| {
            [grouped(*aim), format!("{:.2}", row.arena_bytes as f64 / *aim as f64)]
        });
        line(text, &[network, &ours[0], &ours[1], &theirs, &aim, &part]);
    }
    *text += "\nThe smallest plan of vww makes rows of its first eight layers in turn, then of the \
        next ones.\n\
        Three rows of each map that a 3x3 layer reads, and the map between both parts, \
        are more than was aimed at.\n";
}

/// Bytes of flash beside CMSIS-NN's.
fn flash(text: &mut String, rows: &[Row]) {
    *text += "| network | core | Kindling: code | model | both | CMSIS-NN: kernels | parameters \
        | both | ratio | calls of the kernels |\n\
        | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n";
    for (network, of_cores) in cmsis_nn::FLASH {
        let counts = cmsis_nn::COUNTS.iter().find(|(name, ..)| *name == network);
        let parameters = counts.map_or(0, |(.., parameters)| *parameters);
        for (core, [kernels, calls]) in cmsis_nn::CORES.iter().zip(of_cores) {
            let Some(row) = of(rows, network, core, PLANS[2]) else { continue };
            let (code, model) = (row.code_bytes as u64, row.model_bytes as u64);
            let [ours, theirs] = [code + model, kernels + parameters];
            let cells = [code, model, ours, kernels, parameters, theirs].map(grouped);
            let ratio = format!("{:.3}", theirs as f64 / ours as f64);
            let cells = cells.iter().map(String::as_str);
            let names = [network, core].into_iter();
            let last = grouped(calls);
            let all: Vec<&str> = names.chain(cells).chain([&*ratio, &*last]).collect();
            line(text, &all);
        }
    }
}

/// Networks as streams beside CMSIS-NN's run on each window.
fn streams(text: &mut String, rows: &[Row]) {
    *text += "| network | core | Kindling, a row | predicted | CMSIS-NN, a window | ratio | MACs \
        | RAM B | rows | exact |\n\
        | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    for row in rows.iter().filter(|row| row.plan == STREAM) {
        let of_network = cmsis_nn::COUNTS.iter().find(|(network, ..)| *network == row.network);
        let counts =
            cmsis_nn::CORES.iter().zip(of_network.map_or([0; 5], |(_, counts, ..)| *counts));
        let theirs = counts.filter(|(core, _)| **core == row.core).map(|(_, count)| count).sum();
        let ratio = theirs as f64 / f64::from(row.instructions);
        let off = row.predicted_instructions as f64 / f64::from(row.instructions) - 1.0;
        let numbers = [grouped(row.instructions.into()), format!("{:+.1} %", 100.0 * off)];
        let beside = [grouped(theirs), format!("{ratio:.1}"), grouped(row.macs)];
        let sizes = [grouped(row.arena_bytes as u64), grouped(row.inputs as u64)];
        let exact = if row.exact { "yes" } else { "NO" };
        let cells = numbers.iter().chain(&beside).chain(&sizes).map(|cell| &**cell);
        let names = [&*row.network, &*row.core];
        line(text, &names.into_iter().chain(cells).chain([exact]).collect::<Vec<_>>());
    }
}

fn plans(text: &mut String, rows: &[Row]) {
    *text += "| network | core | plan | instructions | predicted | load | MACs | code B | model B \
        | RAM B | image B | stack B | opt-level | inputs \
        | exact |\n\
        | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- \
        | ---: | --- |\n";
    for row in rows {
        let off = row.predicted_instructions as f64 / f64::from(row.instructions) - 1.0;
        let load = u64::from(row.load_instructions);
        let load = if row.built_in { "-".to_owned() } else { grouped(load) };
        let bytes = [row.code_bytes, row.model_bytes, row.arena_bytes, row.image_bytes];
        let [code, model, arena, image] = bytes.map(|bytes| grouped(bytes as u64));
        let instructions = grouped(row.instructions.into());
        let (off, macs) = (format!("{:+.1} %", 100.0 * off), grouped(row.macs));
        let stack = grouped(row.stack_bytes.into());
        let names = [&row.network[..], &row.core, &row.plan];
        let counts = [&instructions[..], &off, &load, &macs];
        let sizes = [&code[..], &model, &arena, &image, &stack, &row.opt_level];
        let inputs = row.inputs.to_string();
        let exact = [&inputs[..], if row.exact { "yes" } else { "NO" }];
        line(text, &[&names[..], &counts, &sizes, &exact].concat());
    }
}

fn operators(text: &mut String, rows: &[Row]) {
    *text += "\n| network | core | operator | instructions | share | CMSIS-NN | ratio |\n\
        | --- | --- | --- | ---: | ---: | ---: | ---: |\n";
    for row in rows.iter().filter(|row| row.plan == PLANS[0]) {
        for (operator, instructions) in &row.operators {
            let share = 100.0 * *instructions as f64 / f64::from(row.instructions);
            let (count, share) = (grouped(*instructions), format!("{share:.0} %"));
            let theirs = of_operator(row, operator);
            let ratio = theirs.map(|theirs| theirs as f64 / *instructions as f64);
            let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
            let theirs = theirs.map_or("-".to_owned(), grouped);
            let names = [&*row.network, &row.core, operator];
            line(text, &[&names[..], &[&count, &share, &theirs, &ratio]].concat());
        }
    }
}

/// The fastest plans beside the instructions that were aimed at.
fn aimed(text: &mut String, rows: &[Row]) {
    *text += "| network | core | aim | Kindling | of the aim | a MAC |\n\
        | --- | --- | ---: | ---: | ---: | ---: |\n";
    for (network, aims) in aims::INSTRUCTIONS {
        for (core, aim) in cmsis_nn::CORES.into_iter().zip(aims) {
            let row = of(rows, network, core, PLANS[0]);
            let Some(row) = row else { continue };
            let instructions = f64::from(row.instructions);
            let [of_aim, each] = [aim, row.macs].map(|other| instructions / other as f64);
            let numbers = [grouped(aim), grouped(row.instructions.into())];
            let ratios = [format!("{of_aim:.2}"), format!("{each:.2}")];
            line(text, &[network, core, &numbers[0], &numbers[1], &ratios[0], &ratios[1]]);
        }
    }
}

/// CMSIS-NN's instructions of an operator on the row's core, where they were counted.
fn of_operator(row: &Row, operator: &str) -> Option<u64> {
    let core = cmsis_nn::OPERATOR_CORES.iter().position(|core| *core == row.core)?;
    let mut all = cmsis_nn::BY_OPERATOR.iter();
    let (_, _, counts) =
        all.find(|(network, name, _)| *network == row.network && *name == operator)?;
    Some(counts[core])
}

/// A line of a table.
fn line(text: &mut String, cells: &[&str]) {
    *text += &format!("| {} |\n", cells.join(" | "));
}
