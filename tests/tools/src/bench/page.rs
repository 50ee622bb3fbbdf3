//! `docs/benchmarks.md`, from what was measured.

use std::fmt::Write;

use trainer::terminal::number::grouped;

use super::cmsis_nn;
use super::measured::{Host, Measured, PaddedRow, Row};

const HEAD: &str = "\
# Benchmarks

Written by `./ci.sh bench`, from what it measures and keeps in `docs/benchmarks.json`.
It runs the tutorial's network \
(28x28x1 -> conv 32 -> conv 64 -> conv 64 -> dense 64 -> 500 -> 10) on every core class, \
in QEMU with `-icount`.
A loop of known length checks the counter at each start.
These are **instructions, not cycles**: \
a core takes more cycles than instructions where it waits for flash or branches, \
and a Cortex-M7 fewer.

Each row is the planner's fastest plan within the limit of flash (code and model) and working RAM, \
in firmware with only those parts of `infer` that the plan needs.
*Smallest flash* is the fastest of the plans within 160 bytes of the least, \
since code is predicted no closer.

| column | what it is |
| --- | --- |
| model | *loaded*: read and checked on the chip. *Built in* (`embedded_model!`, \
`Session::new(NETWORK, ...)`): read and checked when the firmware was built, without a loader |
| instructions | of one run, the placement of the 8-bit image included; \
the same number for every image |
| load | instructions of reading and checking the model, once |
| code | everything that loads, checks and runs a model, startup included, \
without the vector table; where the model is built in, also its constant layers of 84 bytes each |
| RAM | the arena; the caller's image (784 bytes) and the stack come on top, \
except where the limit says so |
| stack | the most that loading or running takes, measured by painting |
| longest step | instructions of the longest `Run::step`, \
which runs a layer or some rows at a time |
| exact | the scores of 100 test images equalled those of the reference kernels, byte for byte |

";

/// The whole page.
pub fn text(measured: &Measured) -> String {
    let mut text = HEAD.to_owned();
    plans(&mut text, &measured.plans);
    choices(&mut text, &measured.plans);
    text += "\n## Beside CMSIS-NN\n\n";
    text += cmsis_nn::SOURCE;
    text += &beside_cmsis_nn(&measured.plans);
    nothing_to_leave_out(&mut text, &measured.padded);
    on_the_host(&mut text, &measured.host);
    text
}

fn plans(text: &mut String, rows: &[Row]) {
    *text += "| core | limit | model | instructions | predicted | load | code B | model B | RAM B \
        | stack B | longest step | opt-level | exact |\n\
        | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n";
    for row in rows {
        let error = row.predicted_instructions as f64 / row.instructions as f64 - 1.0;
        line(
            text,
            &[
                row.core.clone(),
                row.plan.clone(),
                loading(row).to_owned(),
                grouped(row.instructions.into()),
                format!("{:+.1} %", 100.0 * error),
                load(row),
                grouped(row.code_bytes as u64),
                grouped(row.model_bytes as u64),
                grouped(row.arena_bytes as u64),
                grouped(row.stack_bytes.into()),
                grouped(row.longest_step_instructions.into()),
                row.opt_level.clone(),
                exact(row.exact).to_owned(),
            ],
        );
    }
}

const fn loading(row: &Row) -> &'static str {
    if row.built_in { "built in" } else { "loaded" }
}

fn load(row: &Row) -> String {
    if row.built_in { "-".to_owned() } else { grouped(row.load_instructions.into()) }
}

const fn exact(is_exact: bool) -> &'static str {
    if is_exact { "yes" } else { "NO" }
}

fn choices(text: &mut String, rows: &[Row]) {
    *text += "\n## The plans\n\n\
        Layer by layer, and how many rows are held of each map (the image's part first).\n\n\
        | core | limit | model | layers | held rows |\n| --- | --- | --- | --- | --- |\n";
    for row in rows {
        let layers: Vec<&str> = row.layers.iter().map(|layer| algorithm(layer)).collect();
        let held: Vec<String> = row.held_rows.iter().map(u16::to_string).collect();
        let (layers, held) = (layers.join(", "), held.join(" "));
        line(text, &[row.core.clone(), row.plan.clone(), loading(row).to_owned(), layers, held]);
    }
}

/// `Direct` of `Conv(Direct)`.
fn algorithm(layer: &str) -> &str {
    layer.split_once('(').map_or(layer, |(_, rest)| rest.trim_end_matches(')'))
}

/// The table beside CMSIS-NN.
pub fn beside_cmsis_nn(rows: &[Row]) -> String {
    let mut table =
        "| core | Kindling, fastest here | CMSIS-NN 7.0 | ratio | CMSIS-NN, input cropped \
        | ratio |\n| --- | ---: | ---: | ---: | ---: | ---: |\n"
            .to_owned();
    for (core, theirs, cropped) in cmsis_nn::COUNTS {
        let of_core = rows.iter().filter(|row| row.core == core);
        let Some(ours) = of_core.map(|row| u64::from(row.instructions)).min() else { continue };
        let ratio = |theirs: u64| format!("{:.1}", theirs as f64 / ours as f64);
        let core = core.to_owned();
        let [theirs, cropped] = [theirs, cropped].map(|count| (grouped(count), ratio(count)));
        line(&mut table, &[core, grouped(ours), theirs.0, theirs.1, cropped.0, cropped.1]);
    }
    table
}

fn nothing_to_leave_out(text: &mut String, rows: &[PaddedRow]) {
    *text += "\n## With nothing to leave out\n\n\
        A network with padding `same` and even sizes, of which every output is read: \
        32x32x1 -> conv 16 -> conv 32 -> conv 64, each with pooling -> dense 64 -> 10.\n\
        The fastest plan, and the fastest without Winograd's algorithms, \
        both without a limit.\n\n\
        | core | multiplications | instructions | direct | ratio | RAM B | direct RAM B | exact |\n\
        | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    for row in rows {
        let [fastest, direct] = row.instructions;
        let [ram, direct_ram] = row.arena_bytes.map(|bytes| grouped(bytes as u64));
        let ratio = format!("{:.2}", f64::from(direct) / f64::from(fastest));
        let [fastest, direct] = [fastest, direct].map(|count| grouped(count.into()));
        let (macs, exact) = (grouped(row.macs), exact(row.exact).to_owned());
        line(text, &[row.core.clone(), macs, fastest, direct, ratio, ram, direct_ram, exact]);
    }
}

fn on_the_host(text: &mut String, host: &Host) {
    let Host { processor, rounds, images_per_second, macs_per_second } = host;
    let images = grouped(images_per_second.round() as u64);
    let macs = macs_per_second / 1e9;
    let _ = write!(
        text,
        "\n## On the host\n\n\
        The tutorial's network as exported for any core, by the portable kernels \
        that `trainer eval` runs, on one thread of {processor}.\n\
        It is plain Rust for the baseline of the compiler's target: \
        no processor's own instructions are asked for.\n\
        The fastest of {rounds} rounds over the images: \
        **{images} images and {macs:.1} billion multiply-accumulates a second** \
        (`cargo run --release -p tools --bin bench host` measures this alone).\n"
    );
}

/// A line of a table.
fn line(text: &mut String, cells: &[String]) {
    *text += &format!("| {} |\n", cells.join(" | "));
}
