//! `docs/benchmarks.md`.

use std::fmt::Write;

use trainer::terminal::number::grouped;

use super::{Row, host, padded};

/// Instructions that CMSIS-NN 7.0 takes for the tutorial's network, and with its input cropped by
/// hand to 22x22 pixels: where they come from is in [`CMSIS_NN_SOURCE`].
const CMSIS_NN: [(&str, u64, u64); 6] = [
    ("m0", 22_160_000, 11_855_560),
    ("m3", 9_250_000, 4_988_320),
    ("m4", 6_740_000, 3_708_120),
    ("m7", 6_750_000, 3_730_480),
    ("m33", 6_750_000, 3_709_800),
    ("m55", 1_240_000, 694_875),
];

const CMSIS_NN_SOURCE: &str = "\
CMSIS-NN 7.0 (HEAD of 2026-07-15, commit 99f736a6, gcc 12.2, the fastest of -O2, -O3 and -Ofast) for the same network in the same emulator, bit-exact against a reference in C. It \
needs 27,040 bytes of working RAM and 116.9 KB of flash for kernels and parameters, before any interpreter; most of the difference is what is not computed here.

So the right columns compare the kernels: the same commit, compiler and choice of flags with the input cropped by hand to the 22x22 pixels that the network reads. Its largest two maps then take \
16,000 bytes. Measured on 2026-11-24 with random weights and without softmax (its pooling branches by the data, so that weights move a count by a percent or so), all maps equal to those of a \
reference in C: `arm_convolve_wrapper_s8`, `arm_max_pool_s8`, `arm_fully_connected_s8`, on the M55 with the sums that the latter takes made before the count; SysTick under `-icount`, a loop of \
known length checked. The same program took 22.25, 9.32, 6.83, 6.87, 6.84 and 1.24 million on the uncropped network, within 2 % of the earlier figures in the table.

";

const HEAD: &str = "\
# Benchmarks

Written by `./ci.sh bench`. The tutorial's network (28x28x1 -> conv 32 -> conv 64 -> conv 64 -> dense 64 -> 500 -> 10) on every core class, in QEMU with
`-icount`, where a loop of known length checks the counter at each start. These are **instructions, not cycles**: a core takes more cycles than
instructions where it waits for flash or branches, and a Cortex-M7 fewer.

Each row is the planner's fastest plan within the limit of flash (code and model) and working RAM, in firmware that holds just the parts of `infer` which that plan
needs. *Load* is what reading and checking the model takes, once, in instructions. *Code* is everything that loads, checks and runs a model, startup included, without the vector table. Where the model is *built in*, it was read and checked when the firmware
was built (`embedded_model!`, `Session::new(NETWORK, ...)`): there is no loader, and *code* has the constant layers besides, 96 bytes each. *RAM* is the arena; the
caller's image (784 bytes) and the stack come on top, except where the limit says so. *Stack* is the most that loading or running takes, measured by painting. *Exact*: the scores of 100 test images equalled those of the reference
kernels, byte for byte. One run takes the same number of instructions for every image, and includes the placement of the 8-bit image.

";

/// The whole page.
pub fn text(rows: &[Row], padded: &[padded::Row], host: &host::Host) -> String {
    let mut text = HEAD.to_owned();
    text += "| core | limit | model | instructions | predicted | load | code B | model B | RAM B | stack B | longest step | opt-level | exact |\n";
    text +=
        "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- | --- |\n";
    rows.iter().for_each(|row| measured(&mut text, row));
    text += "\nThe *longest step* is the planner's estimate for `Run::step`, which runs a layer or some rows at a time.\n";
    plans(&mut text, rows);
    peers(&mut text, rows);
    nothing_to_leave_out(&mut text, padded);
    on_the_host(&mut text, host);
    text
}

fn measured(text: &mut String, row: &Row) {
    let number = |value: u64| grouped(value);
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {:+.1} % | {} | {} | {} | {} | {} | {} | {} | {} |",
        row.core,
        row.plan,
        loading(row),
        number(row.instructions as u64),
        100.0 * (row.predicted_instructions as f64 / row.instructions as f64 - 1.0),
        if row.built_in { "-".to_owned() } else { number(row.load_instructions as u64) },
        number(row.code_bytes as u64),
        number(row.model_bytes as u64),
        number(row.arena_bytes as u64),
        number(row.stack_bytes as u64),
        number(row.longest_step_instructions),
        row.opt_level,
        if row.exact { "yes" } else { "NO" },
    );
}

const fn loading(row: &Row) -> &'static str {
    if row.built_in { "built in" } else { "loaded" }
}

fn plans(text: &mut String, rows: &[Row]) {
    *text += "\n## The plans\n\nLayer by layer, and how many rows are held of each map (the image's part first).\n\n";
    *text += "| core | limit | model | layers | held rows |\n| --- | --- | --- | --- | --- |\n";
    for row in rows {
        let short = |layer: &String| {
            layer
                .trim_start_matches("Conv(")
                .trim_start_matches("Dense(")
                .trim_end_matches(')')
                .to_owned()
        };
        let layers: Vec<String> = row.layers.iter().map(short).collect();
        let held: Vec<String> = row.held_rows.iter().map(u16::to_string).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            row.core,
            row.plan,
            loading(row),
            layers.join(", "),
            held.join(" ")
        );
    }
}

fn peers(text: &mut String, rows: &[Row]) {
    *text += "\n## Beside CMSIS-NN\n\n";
    *text += CMSIS_NN_SOURCE;
    *text += "| core | Kindling, fastest here | CMSIS-NN 7.0 | ratio | CMSIS-NN, input cropped | ratio |\n";
    *text += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
    for (core, theirs, cropped) in CMSIS_NN {
        let ours =
            rows.iter().filter(|row| row.core == core).map(|row| row.instructions as u64).min();
        let Some(ours) = ours else { continue };
        let ratio = |theirs: u64| theirs as f64 / ours as f64;
        let _ = writeln!(
            text,
            "| {core} | {} | {} | {:.1} | {} | {:.1} |",
            grouped(ours),
            grouped(theirs),
            ratio(theirs),
            grouped(cropped),
            ratio(cropped),
        );
    }
}

fn nothing_to_leave_out(text: &mut String, rows: &[padded::Row]) {
    *text += "\n## With nothing to leave out\n\nA network with padding `same` and even sizes (32x32x1 -> conv 16 -> conv 32 -> conv 64, each with pooling -> dense 64 -> 10): every output is read. The \
        fastest plan, and the fastest without Winograd's algorithms, both without a limit.\n\n";
    *text += "| core | multiplications | instructions | direct | ratio | RAM B | direct RAM B | exact |\n";
    *text += "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |\n";
    for row in rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {} | {} | {} |",
            row.core,
            grouped(row.macs),
            grouped(row.instructions[0] as u64),
            grouped(row.instructions[1] as u64),
            row.instructions[1] as f64 / row.instructions[0] as f64,
            grouped(row.arena_bytes[0] as u64),
            grouped(row.arena_bytes[1] as u64),
            if row.exact { "yes" } else { "NO" },
        );
    }
}

fn on_the_host(text: &mut String, host: &host::Host) {
    let host::Host { processor, images_per_second, macs_per_second } = host;
    let _ = write!(
        text,
        "\n## On the host\n\nThe tutorial's network as exported for any core by the portable kernels, which `trainer eval` runs, on one thread of {processor}; plain Rust for the baseline of the \
        compiler's target, no processor's own instructions asked for; the fastest of {rounds} rounds over the images: **{images} images and {macs:.1} billion multiply-accumulates a second** \
        (`cargo run --release -p tests --bin bench host` measures this alone).\n",
        rounds = host::ROUNDS,
        images = grouped(images_per_second.round() as u64),
        macs = macs_per_second / 1e9,
    );
}
