//! Flash, RAM and stack of the server on the emulated boards stay within what `docs/limits.md`
//! says.

use std::fs;
use std::path::Path;

use tests::emulated::{Emulated, Memory};
use tests::firmware;
use tests::plans::another_tutorial;
use tests::server::{Built, Layout, built};
use trainer::device::firmware::ServerLine;
use trainer::device::session::Session;
use trainer::device::tcp::Tcp;

/// The emulated boards without AN505 and AN547: a controller hides their RAM from the emulator's
/// monitor.
const BOARDS: [&str; 6] =
    ["microbit", "stm32vldiscovery", "netduinoplus2", "mps2-an385", "mps2-an386", "mps2-an500"];

/// Left out unless `KINDLING_LIMITS=all`: the same server as the AN386's, to within the kernels.
const ALIKE: [&str; 2] = ["mps2-an385", "mps2-an500"];

/// What memory below the stack is filled with.
const PAINT: [u8; 4] = [0xE1, 0x96, 0xC3, 0x5A];

/// The numbers of the board's row in the document.
fn documented(board: &str) -> [usize; 3] {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/limits.md");
    let text = fs::read_to_string(path).expect("docs/limits.md");
    let row = text
        .lines()
        .find(|line| line.starts_with(&format!("| `{board}` |")))
        .expect("the board's row");
    let number = |cell: &str| cell.trim().replace(',', "").parse().ok();
    let numbers: Vec<usize> = row.split('|').filter_map(number).collect();
    numbers.try_into().unwrap_or_else(|numbers| panic!("three numbers of {board}, not {numbers:?}"))
}

/// Everything that a host asks of a chip.
fn ask_everything(session: &mut Session<Tcp>) {
    let digits = fs::read(firmware::folder().join("digits/images.bin")).expect("the stored digits");
    let image = &digits[..session.chip().image.len()];
    for image in digits.chunks_exact(image.len()) {
        session.infer(image).expect("an answer");
    }
    session.infer(image).expect("an answer"); // the profile is of the image sent last
    for layer in 0..session.chip().layers {
        session.profile(image, layer).expect("a layer's time");
    }
    let test = session.self_test().expect("a self-test");
    assert!(test.model_intact && test.as_known == test.images, "{test:?}");
    let new = another_tutorial(1);
    if session.chip().update_bytes as usize >= new.len() {
        session.update(&new, &mut |_| ()).expect("an update");
        assert_eq!(session.self_test().expect("a self-test").as_known, 1);
        session.infer(image).expect("an answer");
    } else {
        assert!(session.update(&new, &mut |_| ()).is_err(), "there is no room for another model");
    }
}

/// Bytes that the stack took: memory below it was painted before the first instruction.
fn stack_bytes(built: &Built) -> usize {
    let Layout { variables_end, stack_start, .. } = built.memory;
    let bytes = (stack_start - variables_end) as usize;
    let mut board = Emulated::halted(&built.machine, &built.elf);
    let memory = board.memory(variables_end, bytes);
    memory.write(variables_end, &PAINT.repeat(bytes / PAINT.len())).expect("RAM");
    board.run();
    ask_everything(&mut board.session());
    bytes - painted(&memory)
}

fn painted(memory: &Memory) -> usize {
    let all = memory.all().expect("RAM");
    all.chunks(PAINT.len()).take_while(|word| *word == PAINT).count() * PAINT.len()
}

/// What is wrong with a board's server, for people.
fn problem(board: &str) -> Option<String> {
    let built = built(board, ServerLine::Uart);
    let Layout { flash_bytes, ram, variables_end, stack_start } = built.memory;
    let found = [flash_bytes, (variables_end - ram) as usize, stack_bytes(&built)];
    let limits = documented(board);
    println!("| `{board}` | {found:?} | documented {limits:?} | {} of RAM", stack_start - ram);
    let is_within = found.iter().zip(&limits).all(|(found, limit)| found <= limit);
    let has_room = limits[1] + limits[2] <= (stack_start - ram) as usize;
    match is_within && has_room && found[2] > 1000 {
        true => None,
        false => Some(format!(
            "{board}: flash, variables and stack are {found:?} bytes, docs/limits.md says \
                {limits:?}"
        )),
    }
}

#[test]
fn flash_ram_and_stack_of_the_server_stay_within_the_documented_bytes() {
    let all = std::env::var("KINDLING_LIMITS").is_ok_and(|value| value == "all");
    let boards = BOARDS.into_iter().filter(|board| all || !ALIKE.contains(board));
    let problems: Vec<_> = boards.filter_map(problem).collect();
    assert!(problems.is_empty(), "{problems:#?}");
}
