//! What is said of functions in assembler is true of the linked programs: where a debugger finds
//! their callers, and how much stack they take.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::{env, fs};

use elf::ElfBytes;
use elf::endian::LittleEndian as Little;
use gimli::{
    BaseAddresses, CfaRule, DebugFrame, EndianSlice, LittleEndian, Register, RegisterRule,
    UnwindContext, UnwindSection, UnwindTableRow,
};
use tests::call_graph::{Assembly, Flow, Program};
use tests::firmware::{self, Board, M0, M3, M4, M33, M55};

/// Each core with how the names of files begin that are for others.
const CORES: [(&str, Board, &[&str]); 5] = [
    ("M0", M0, &["armv7", "batch", "dsp", "finish", "mve", "pixel", "twice"]),
    ("M3", M3, &["armv6m", "dsp", "mve"]),
    ("M4", M4, &["armv6m", "armv7m", "mve"]),
    ("M33", M33, &["armv6m", "armv7m", "mve"]),
    ("M55", M55, &["armv6m", "armv7m"]),
];

/// Most bytes of a function that nothing leads to: what a macro has for others.
const UNREACHED_MAX: usize = 8;

const STACK_POINTER: Register = Register(13);
const LINK: Register = Register(14);

fn program(board: Board) -> Vec<u8> {
    fs::read(firmware::program_with_stack_sizes(board)).expect("the program")
}

/// A debugger finds the caller of each function, wherever it is interrupted.
#[test]
fn callers_are_found() {
    for (core, board, _) in CORES {
        let file = program(board);
        let elf = ElfBytes::<Little>::minimal_parse(&file).expect("an ELF file");
        let section = elf.section_header_by_name(".debug_frame").expect("sections");
        let (data, _) = elf.section_data(&section.expect(".debug_frame")).expect("its data");
        let mut frames = DebugFrame::new(data, LittleEndian);
        frames.set_address_size(4);
        let program = Program::read(&file).unwrap_or_else(|error| panic!("{core}: {error}"));
        let functions = program.assembly().unwrap_or_else(|error| panic!("{core}: {error}"));
        assert!(functions.len() > 10, "{core}: {} functions", functions.len());
        for function in functions {
            check(core, &frames, &function);
        }
    }
}

type Frames<'f> = DebugFrame<EndianSlice<'f, LittleEndian>>;

/// The rows of a function's table say how far its frame goes at each of its instructions, where the
/// return address is, and where the registers are that its caller gets back.
fn check(core: &str, frames: &Frames<'_>, function: &Assembly<'_>) {
    let Assembly { name, address, code_bytes, frame_bytes, ref flow } = *function;
    let bases = BaseAddresses::default();
    let found = frames
        .fde_for_address(&bases, address.into(), DebugFrame::cie_from_offset)
        .unwrap_or_else(|error| panic!("{core}, {name}: {error}"));
    assert_eq!(found.initial_address(), u64::from(address), "{core}, {name}");
    assert_eq!(found.len(), code_bytes as u64, "{core}, {name}");
    let mut context = UnwindContext::new();
    let mut rows = found.rows(frames, &bases, &mut context).expect("rows");
    let (mut deepest, mut instructions) = (0, 0);
    let what = format!("{core}, {name}");
    while let Some(row) = rows.next_row().unwrap_or_else(|error| panic!("{what}: {error}")) {
        let (first, end) = (row.start_address() as u32, row.end_address() as u32);
        for (at, depth) in flow.depths.range(first..end) {
            let what = format!("{what}, byte {}", at - address);
            assert_eq!(checked_row(row, &what), *depth, "{what}: bytes on the stack");
            check_saved(row, flow, *depth, &what);
            deepest = deepest.max(*depth);
            instructions += 1;
        }
    }
    assert_eq!(instructions, flow.depths.len(), "{what}: instructions in its table");
    assert_eq!(deepest, frame_bytes, "{what}: bytes on the stack");
    let unreached = flow.unreached_bytes;
    assert!(unreached <= UNREACHED_MAX, "{what}: {unreached} bytes that nothing leads to");
}

/// How far a row's frame goes, bytes.
fn checked_row(row: &UnwindTableRow<usize>, what: &str) -> usize {
    let CfaRule::RegisterAndOffset { register, offset } = row.cfa() else {
        panic!("{what}: {:?}", row.cfa())
    };
    assert_eq!(*register, STACK_POINTER, "{what}");
    // The first that is pushed is the return address.
    let rule = row.register(LINK);
    match offset {
        0 => assert!(!matches!(rule, Some(RegisterRule::Offset(_))), "{what}: {rule:?}"),
        _ => assert_eq!(rule, Some(RegisterRule::Offset(-4)), "{what}"),
    }
    usize::try_from(*offset).expect("the stack grows down")
}

/// What a function has saved, and still has on the stack, a row finds there.
fn check_saved(row: &UnwindTableRow<usize>, flow: &Flow, depth: usize, what: &str) {
    for (register, below) in flow.saved.iter().filter(|(_, below)| **below <= depth) {
        let rule = row.register(Register(*register));
        let place = RegisterRule::Offset(-(*below as i64));
        assert_eq!(rule, Some(place), "{what}: register {register}");
    }
}

/// The heads of the files say how many bytes of stack their functions take at most.
#[test]
fn stack_bytes_are_those_of_the_heads() {
    let files = files();
    let mut frames: BTreeMap<&Path, BTreeSet<usize>> = BTreeMap::new();
    for (core, board, others) in CORES {
        let program = Program::read(&program(board)).expect("a program");
        for function in program.assembly().expect("assembler") {
            let is_its = |(path, text): &&(PathBuf, String)| {
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                let is_of_core = !others.iter().any(|other| name.starts_with(other));
                is_of_core && defines(text, function.name)
            };
            // On the M55 what is for its vectors comes before what it shares with the M4.
            let mut with_it: Vec<_> = files.iter().filter(is_its).collect();
            with_it.sort_by_key(|(path, _)| !path.to_string_lossy().contains("/mve"));
            let (path, _) =
                with_it.first().unwrap_or_else(|| panic!("{core}: no file has {}", function.name));
            frames.entry(path).or_default().insert(function.frame_bytes);
        }
    }
    // A macro of a file is used in others of its folder.
    let is_of_a_macro = |path: &Path, bytes: usize| {
        let beside = frames.iter().filter(|(other, _)| other.parent() == path.parent());
        beside.flat_map(|(_, frames)| frames).any(|frame| *frame == bytes)
    };
    for (path, text) in &files {
        let head = text.lines().find_map(|line| line.strip_prefix("@ - stack bytes: "));
        match (head, frames.get(path.as_path())) {
            (Some(head), Some(own)) => {
                let words = head.split([' ', ',']).filter(|word| !word.is_empty());
                let stated: BTreeSet<usize> = words.filter_map(|word| word.parse().ok()).collect();
                let file = path.display();
                let most = own.last().expect("a function");
                assert!(stated.contains(most), "{file}: at most {most}, stated {head}");
                let is_one = |bytes: &usize| own.contains(bytes) || is_of_a_macro(path, *bytes);
                assert!(stated.iter().all(is_one), "{file}: {own:?}, stated {head}");
            }
            (None, Some(_)) => panic!("{}: its head names no stack bytes", path.display()),
            (Some(_), None) => assert!(text.contains(".macro"), "{}: unused", path.display()),
            (None, None) => {}
        }
    }
}

/// Whether a file has a function of this name: as a label, or as the first word after a macro.
fn defines(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let words = line.split([' ', ',', ':']).filter(|word| !word.is_empty());
        !line.starts_with([' ', '@', '.']) && words.take(3).any(|word| word == name)
    })
}

/// All files of assembler, with their texts.
fn files() -> Vec<(PathBuf, String)> {
    let mut files = vec![];
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../infer/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "s" => {
                    let text = fs::read_to_string(&path).expect("a file");
                    files.push((path, text));
                }
                _ => {}
            }
        }
    }
    files.sort();
    files
}
