//! In a firmware of one's own, outside of the workspace: what `plan` prints is whole, the arena
//! lies where it should, and what is missing is said.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::chip::{another, tutorial};
use crate::common::{Workshop, run};
use crate::own::{CRATES, Own, infer};
use trainer::device::board::{Board, firmware_folder};

/// The emulated board of each core.
const CORES: [(&str, &str); 5] = [
    ("m0", "mps2-an385"),
    ("m3", "mps2-an385"),
    ("m4", "mps2-an386"),
    ("m33", "mps2-an505"),
    ("m55", "mps3-an547"),
];

/// How far off a prediction may be.
const PREDICTION_ERROR: f64 = 0.05;

/// Counts the instructions of one run.
const COUNTING: &str = r#"#![no_std]
#![no_main]

use cortex_m_semihosting::{debug, hprintln};
use infer::{Arena, Model, Session, Table};
use panic_halt as _;
use static_cell::ConstStaticCell;

mod board {
    pub const CORE_HERTZ: u64 = CLOCK;
    #[path = "COUNTER"]
    pub mod counter;
}

const MODEL: &[u8] = infer::include_model!("../model.kndl");
static ARENA: ConstStaticCell<Arena<{ infer::arena_bytes!(MODEL) }>> =
    ConstStaticCell::new(Arena::new());
static IMAGE: [u8; 784] = [77; 784];

#[cortex_m_rt::entry]
fn main() -> ! {
    let timer = cortex_m::Peripherals::take().unwrap().SYST;
    let mut counter = board::counter::Counter::start(timer);
    let mut table = Table::<{ infer::layers!(MODEL) }>::new();
    let model = Model::from_bytes(MODEL, &mut table).unwrap();
    let mut session = Session::new(&model, ARENA.take()).unwrap();
    let (scores, counted) = counter.count(|| session.run(&IMAGE).map(|scores| scores.class()));
    hprintln!("{} {} {}", infer::BACKEND, scores.is_ok(), counted);
    debug::exit(if counter.check().0 { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    loop {}
}
"#;

/// Pasted as `plan` prints it, the emulator counts what was predicted.
#[test]
fn what_plan_prints_is_whole_on_every_core() {
    let workshop = Workshop::new();
    fs::write(workshop.path("model.kndl"), tutorial()).unwrap();
    for (core, board) in CORES {
        let arguments = ["plan", "model.kndl", "--core", core, "--flash", "512K", "--ram", "16K"];
        let mut command = workshop.trainer(arguments);
        let (plan, _) = run(command.args(["--out", "planned.kndl"]), 0);
        let (board, machine) = Board::emulated(board).unwrap();
        let own = Own::new(2024, &(between(&plan, "[dependencies]\n") + CRATES));
        if plan.contains("in its .cargo/config.toml:") {
            own.configure(&between(&plan, "[target."));
        }
        let counter = firmware_folder().join("src/board/counter.rs");
        let hertz = if core == "m0" { 25_000_000 } else { machine.hertz };
        let program = COUNTING
            .replace("CLOCK", &hertz.to_string())
            .replace("COUNTER", counter.to_str().unwrap());
        own.write("src/main.rs", program);
        own.write("model.kndl", fs::read(workshop.path("planned.kndl")).unwrap());
        own.write("memory.x", memory(&board.id));
        let target = plan.split("--target ").nth(1).unwrap().split('`').next().unwrap();
        let said = own.run(&machine, &["--release", "--target", target]);
        let counted: f64 = said.split_whitespace().nth(2).unwrap().parse().unwrap();
        let row = plan.lines().find(|line| line.starts_with('*')).unwrap();
        let predicted: f64 =
            row.split_whitespace().nth(1).unwrap().replace(',', "").parse().unwrap();
        let error = predicted / counted - 1.0;
        assert!(error.abs() < PREDICTION_ERROR, "{core}: {predicted} predicted, {said}");
        println!("{core}: {predicted} predicted, {said}");
    }
}

/// The lines of a command's output from one that begins with `first` to the last before prose.
fn between(text: &str, first: &str) -> String {
    let start = text.find(first).unwrap();
    let is_prose = |line: &&str| line.starts_with("in its ") || line.starts_with("and build it");
    let lines: Vec<&str> = text[start..].lines().take_while(|line| !is_prose(line)).collect();
    lines.join("\n") + "\n"
}

fn memory(board: &str) -> String {
    fs::read_to_string(firmware_folder().join("boards").join(board).join("memory.x")).unwrap()
}

/// Two models, in a workspace of the first resolver, and memory for one arena of each and the
/// stated stack only.
const TIGHT: &str = r#"#![no_std]
#![no_main]

use cortex_m as _; // brings the critical section
use cortex_m_semihosting::{debug, hprintln};
use infer::{Arena, Session};
use panic_halt as _;
use static_cell::ConstStaticCell;

mod first {
    infer::embedded_model!("first");
}
mod second {
    #![allow(dead_code)]
    infer::embedded_model!("second");
}

static ARENA: ConstStaticCell<Arena<{ first::ARENA_BYTES }>> = ConstStaticCell::new(Arena::new());
static IMAGE: [u8; first::IMAGE_BYTES] = [77; first::IMAGE_BYTES];

#[cortex_m_rt::entry]
fn main() -> ! {
    let mut session = Session::new(first::NETWORK, ARENA.take()).unwrap();
    let class = session.run(&IMAGE).map(|scores| scores.class());
    let differ = first::MODEL != second::MODEL;
    hprintln!("class {} of {}, differ: {}", class.unwrap_or(99), first::CLASSES, differ);
    debug::exit(debug::EXIT_SUCCESS);
    loop {}
}
"#;

/// What `docs/limits.md` states for a run on the M4, built in, and what the program around takes:
/// bytes.
const STACK_BYTES: usize = 1_824 + 768;

/// The same without optimisation.
const UNOPTIMISED_STACK_BYTES: usize = 7_936;

/// What a program of these crates has in RAM beside the arena, bytes.
const OTHER_BYTES: usize = 64;

/// With an arena that is built on the stack first, such as by `StaticCell::init(Arena::new())`, the
/// program does not come to its end.
#[test]
fn ram_for_one_arena_and_the_stated_stack_is_enough() {
    let machine = Board::emulated("mps2-an386").unwrap().1;
    let (own, arena) = tight();
    for (profile, stack) in [("release", STACK_BYTES), ("dev", UNOPTIMISED_STACK_BYTES)] {
        own.write("memory.x", stack_below(arena, stack));
        let said = own.run(&machine, &["--profile", profile, "--target", "thumbv7em-none-eabihf"]);
        assert!(said.ends_with(" of 10, differ: true\n"), "{profile}: {said}");
    }
    // Cargo sees a change by a file's time: here an older file takes the place of a newer one.
    own.write("second.kndl", fs::read(own.path("first.kndl")).unwrap());
    let second = File::options().write(true).open(own.path("second.kndl")).unwrap();
    second.set_modified(SystemTime::now() - Duration::from_secs(6 * 3600)).unwrap();
    let said = own.run(&machine, &["--profile", "dev", "--target", "thumbv7em-none-eabihf"]);
    assert!(said.ends_with(" of 10, differ: false\n"), "{said}");
}

/// The firmware, and the bytes of its arena.
fn tight() -> (Own, usize) {
    let workshop = Workshop::new();
    for (name, model) in [("first", tutorial()), ("second", another(1))] {
        fs::write(workshop.path("model.kndl"), model).unwrap();
        let arguments = ["plan", "model.kndl", "--core", "m4", "--flash", "128K", "--ram", "16K"];
        let mut command = workshop.trainer(arguments);
        run(command.args(["--built-in", "--out", &format!("{name}.kndl")]), 0);
    }
    let manifest = format!(
        "[workspace]\nresolver = \"1\"\n[dependencies]\n{}\n{CRATES}\n[build-dependencies]\n{}\n\
         [profile.release]\nlto = \"fat\"\ncodegen-units = 1\npanic = \"abort\"\n\
         [profile.dev]\npanic = \"abort\"\n",
        infer(""),
        infer("\"build\"")
    );
    let own = Own::new(2021, &manifest);
    let embed = "infer::build::embed(\"first.kndl\");\n    infer::build::embed(\"second.kndl\");";
    own.write("build.rs", format!("fn main() {{\n    {embed}\n}}\n"));
    own.write("src/main.rs", TIGHT);
    for name in ["first.kndl", "second.kndl"] {
        own.write(name, fs::read(workshop.path(name)).unwrap());
    }
    let first = fs::read(workshop.path("first.kndl")).unwrap();
    (own, infer::arena_bytes(&first).unwrap())
}

/// A memory map whose stack lies at the very start of RAM: a byte too many is a fault at once.
fn stack_below(arena: usize, stack: usize) -> String {
    let (start, other) = (0x2000_0000 + stack, OTHER_BYTES);
    format!(
        "MEMORY\n{{\n    FLASH : ORIGIN = 0, LENGTH = 2M\n    \
         RAM : ORIGIN = {start}, LENGTH = {}\n}}\n\
         _stack_start = {start};\n_stack_end = {};\n",
        arena + other,
        0x2000_0000
    )
}

/// A firmware that need not compile; its features of `infer`, and what is checked for.
fn checked(features: &str, program: &str, target: &str) -> String {
    let own = Own::new(2024, &format!("[dependencies]\n{}\n{CRATES}", infer(features)));
    own.write("src/main.rs", format!("#![no_std]\n#![no_main]\nuse panic_halt as _;\n{program}"));
    own.write("src/text.kndl", "this is no model, however long it may be");
    own.refused(&["check", "--target", target])
}

#[test]
fn what_is_missing_is_said_with_what_to_do() {
    let (v7, v8) = ("thumbv7em-none-eabihf", "thumbv8m.main-none-eabi");
    let arena = r#"const TEXT: &[u8] = include_bytes!("text.kndl");
        static ARENA: infer::Arena<{ infer::arena_bytes!(TEXT) }> = infer::Arena::new();"#;
    for (features, program, target, expected) in [
        ("", "", v8, "turn on one feature of infer, cortex-m33, cortex-m33-nodsp, cortex-m55"),
        ("\"cortex-m33\", \"cortex-m55\"", "", v8, "a chip has one core; these features are on"),
        ("", "infer::embedded_model!();", v7, "no model is embedded: say infer::build::embed("),
        ("", "infer::embedded_model!(\"five\");", v7, "no model is embedded as \"five\": say "),
        ("", arena, v7, "no model: the file does not begin with KNDL"),
    ] {
        let said = checked(features, program, target);
        assert!(said.contains(expected), "{program}, {features}: {said}");
    }
}

#[test]
fn kindling_cpu_names_a_core_of_the_target() {
    let own = Own::new(2024, &format!("[dependencies]\n{}\n", infer("")));
    own.write("src/lib.rs", "#![no_std]\n");
    for (cpu, expected) in [
        ("cortex-m77", "KINDLING_CPU is \"cortex-m77\"; it may be cortex-m0, "),
        ("cortex-m4", "KINDLING_CPU is cortex-m4, whose targets begin with thumbv7em"),
    ] {
        own.configure(&format!("[env]\nKINDLING_CPU = \"{cpu}\"\n"));
        let said = own.refused(&["check", "--target", "thumbv8m.main-none-eabi"]);
        assert!(said.contains(expected), "{said}");
    }
    own.configure("[env]\nKINDLING_CPU = \"cortex-m85\"\n");
    let output = own.cargo(&["check", "--target", "thumbv8m.main-none-eabi"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Two files of one name, and no name: an error that says what to do.
#[test]
fn two_models_are_told_apart_or_refused() {
    let manifest =
        format!("[dependencies]\n{}\n[build-dependencies]\n{}\n", infer(""), infer("\"build\""));
    let own = Own::new(2024, &manifest);
    own.write("a/model.kndl", tutorial()).write("b/model.kndl", another(1));
    own.write("src/lib.rs", "#![no_std]\ninfer::embedded_model!();\n");
    for (second, expected) in [
        ("embed(\"b/model.kndl\")", "a/model.kndl is embedded as \"model\" already"),
        ("embed_as(\"other\", \"b/model.kndl\")", "embeds several models: say embedded_model!("),
    ] {
        let first = "infer::build::embed(\"a/model.kndl\");";
        own.write("build.rs", format!("fn main() {{ {first} infer::build::{second}; }}\n"));
        let said = own.refused(&["check", "--target", "thumbv7em-none-eabihf"]);
        assert!(said.contains(expected), "{said}");
    }
}
