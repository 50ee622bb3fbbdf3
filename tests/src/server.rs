//! The firmware's server, built as `trainer device flash` builds it, and what its ELF file says of
//! it.

use std::fs;

use elf::ElfBytes;
use elf::abi::PT_LOAD;
use elf::endian::LittleEndian;
use tempfile::TempPath;
use trainer::device::board::{Board, Machine};
use trainer::device::firmware::{Planned, ServerLine, build};

use crate::firmware::cargo::copied;
use crate::firmware::folder;

/// A server for a board that the emulator has.
pub struct Built {
    /// The board's machine.
    pub machine: Machine,
    /// The program.
    pub elf: TempPath,
    /// The model in it.
    pub model: Vec<u8>,
    /// How it lies in the chip's memory.
    pub memory: Layout,
}

/// How a program lies in memory.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Bytes of flash.
    pub flash_bytes: usize,
    /// Where RAM begins: with the variables.
    pub ram: u32,
    /// Where the variables end: what follows is the stack's.
    pub variables_end: u32,
    /// Where the stack begins, to grow downwards: the end of RAM.
    pub stack_start: u32,
}

/// The server for the board called `id`, with the tutorial's model planned for it.
///
/// # Panics
/// When it cannot be built: a test without it is no test.
pub fn built(id: &str, line: ServerLine) -> Built {
    let (board, machine) = Board::emulated(id).expect("a board that the emulator has");
    let file = fs::read(folder().join("model/tutorial.kndl")).expect("the firmware's model");
    let mut planned = Planned::new(&board, &file).expect("the model fits the board");
    planned.line = line;
    let firmware = build(&board, "server", planned).unwrap_or_else(|error| panic!("{error}"));
    let elf = copied(&firmware.elf);
    let memory = layout(&fs::read(&elf).expect("the program")).expect("an ELF file with symbols");
    Built { machine, elf, model: firmware.model, memory }
}

fn layout(elf: &[u8]) -> Option<Layout> {
    let file = ElfBytes::<LittleEndian>::minimal_parse(elf).ok()?;
    let (symbols, names) = file.symbol_table().ok()??;
    let address = |name: &str| {
        let is_it = |symbol: &elf::symbol::Symbol| {
            names.get(symbol.st_name as usize).is_ok_and(|found| found == name)
        };
        symbols.iter().find(is_it).map(|symbol| symbol.st_value as u32)
    };
    let loaded = file.segments()?.iter().filter(|segment| segment.p_type == PT_LOAD);
    let flash_bytes = loaded.map(|segment| segment.p_filesz as usize).sum();
    let (ram, variables_end, stack_start) =
        (address("__sdata")?, address("__sheap")?, address("_stack_start")?);
    Some(Layout { flash_bytes, ram, variables_end, stack_start })
}
