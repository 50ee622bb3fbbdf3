//! The most stack that a function of a linked firmware can take, from its ELF file: frames, and who
//! calls whom.
//!
//! Frames of compiled functions are those that the compiler states (`-Z emit-stack-sizes`); of
//! assembler, the sum of all that is pushed. Calls are read from the machine code: `BL`, and `B` to
//! the start of another function. A call of a computed address may go to every function whose
//! address the code holds.

mod flow;

use std::collections::{BTreeMap, BTreeSet};

use elf::ElfBytes;
use elf::abi::STT_FUNC;
use elf::endian::LittleEndian;
use thiserror::Error;

pub use flow::Flow;

/// Why no bound can be given.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Unbounded {
    /// The file cannot be read as a 32-bit program of Arm.
    #[error("no ELF file with symbols and .stack_sizes: {0}")]
    NoProgram(String),
    /// There is no such function.
    #[error("no function '{0}' in the program")]
    NoFunction(String),
    /// A function can come to be called by itself.
    #[error("recursion: {0}")]
    Recursion(String),
    /// A call of a computed address, in a program that holds none.
    #[error("'{0}' calls a function whose address it computes")]
    Indirect(String),
    /// Assembler that makes room on the stack in a way that is not understood here.
    #[error("'{0}' moves the stack pointer in a way that is not understood")]
    StackPointer(String),
}

/// A function of the program.
#[derive(Debug)]
struct Function {
    name: String,
    /// Its machine code.
    code: Vec<u8>,
    /// Bytes of data in the code (literal pools) are left out: `(from, to)` offsets of
    /// instructions.
    instructions: Vec<(usize, usize)>,
    /// As the compiler states it; `None` for assembler.
    stated_frame_bytes: Option<usize>,
}

/// The functions of a program by address.
#[derive(Debug)]
pub struct Program {
    functions: BTreeMap<u32, Function>,
    /// Functions whose address the code holds.
    pointed_at: BTreeSet<u32>,
}

/// The deepest way through the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deepest {
    /// Bytes of stack.
    pub bytes: usize,
    /// The functions on that way, each with its frame.
    pub way: Vec<(String, usize)>,
}

/// A function written in assembler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assembly<'p> {
    /// Its name.
    pub name: &'p str,
    /// Where it begins.
    pub address: u32,
    /// Bytes of its code.
    pub code_bytes: usize,
    /// What it has on the stack at most, bytes, without what it calls.
    pub frame_bytes: usize,
    /// The same at each of its instructions, and what it saves.
    pub flow: Flow,
}

impl Program {
    /// Reads the ELF file.
    ///
    /// # Errors
    /// [`Unbounded::NoProgram`].
    pub fn read(file: &[u8]) -> Result<Self, Unbounded> {
        let functions = functions(file).map_err(|error| Unbounded::NoProgram(error.to_string()))?;
        let tables =
            constant_words(file).map_err(|error| Unbounded::NoProgram(error.to_string()))?;
        let held = functions.values().flat_map(held_words).chain(tables).map(|word| word & !1);
        let pointed_at = held.filter(|word| functions.contains_key(word)).collect();
        Ok(Self { functions, pointed_at })
    }

    /// The most stack that a call of `name` takes, its own frame included.
    ///
    /// # Errors
    /// What makes a bound impossible: recursion, computed calls, assembler that is not understood.
    pub fn deepest(&self, name: &str) -> Result<Deepest, Unbounded> {
        let is_named = |function: &&u32| self.functions[*function].name == name;
        let entry = self
            .functions
            .keys()
            .find(is_named)
            .ok_or_else(|| Unbounded::NoFunction(name.to_owned()))?;
        let mut deepest = self.from(*entry, &mut Vec::new(), &mut BTreeMap::new())?;
        deepest.way.reverse();
        Ok(deepest)
    }

    /// The functions of `infer` that are written in assembler.
    ///
    /// # Errors
    /// Assembler that is not understood.
    pub fn assembly(&self) -> Result<Vec<Assembly<'_>>, Unbounded> {
        let is_assembly = |(_, function): &(&u32, &Function)| {
            function.stated_frame_bytes.is_none() && function.name.starts_with("kindling_")
        };
        let mut found = vec![];
        for (address, function) in self.functions.iter().filter(is_assembly) {
            let frame_bytes = self.scan(*address, function)?.frame_bytes;
            let Function { name, code, .. } = function;
            let (address, code_bytes) = (*address, code.len());
            let flow = Flow::of(address, function)?;
            found.push(Assembly { name, address, code_bytes, frame_bytes, flow });
        }
        Ok(found)
    }

    fn from(
        &self,
        at: u32,
        callers: &mut Vec<u32>,
        known: &mut BTreeMap<u32, Deepest>,
    ) -> Result<Deepest, Unbounded> {
        if let Some(known) = known.get(&at) {
            return Ok(known.clone());
        }
        let function = &self.functions[&at];
        if callers.contains(&at) {
            let names = callers.iter().chain([&at]).map(|at| &*self.functions[at].name);
            return Err(Unbounded::Recursion(names.collect::<Vec<_>>().join(" -> ")));
        }
        callers.push(at);
        let code = self.scan(at, function)?;
        let mut deepest = Deepest::default();
        for callee in code.calls {
            let below = self.from(callee, callers, known)?;
            if below.bytes >= deepest.bytes {
                deepest = below;
            }
        }
        callers.pop();
        deepest.bytes += code.frame_bytes;
        deepest.way.push((function.name.clone(), code.frame_bytes));
        known.insert(at, deepest.clone());
        Ok(deepest)
    }

    fn scan(&self, address: u32, function: &Function) -> Result<Scan, Unbounded> {
        let mut scan =
            Scan { frame_bytes: function.stated_frame_bytes.unwrap_or(0), calls: BTreeSet::new() };
        for &(from, to) in &function.instructions {
            let mut at = from;
            while at + 2 <= to {
                let first = half(&function.code, at);
                let wide = first >= 0xE800;
                let second = if wide && at + 4 <= to { half(&function.code, at + 2) } else { 0 };
                let here = address + at as u32;
                if is_indirect_call(first) {
                    if self.pointed_at.is_empty() {
                        return Err(Unbounded::Indirect(function.name.clone()));
                    }
                    scan.calls.extend(&self.pointed_at);
                }
                if let Some(target) = branch_target(here, first, second)
                    .filter(|target| *target != address || is_call(first, second))
                    && self.functions.contains_key(&target)
                {
                    scan.calls.insert(target);
                }
                if function.stated_frame_bytes.is_none() {
                    let pushed = pushed_bytes(first, second)
                        .ok_or_else(|| Unbounded::StackPointer(function.name.clone()))?;
                    scan.frame_bytes += pushed;
                }
                at += if wide { 4 } else { 2 };
            }
        }
        Ok(scan)
    }
}

/// Odd words of the constants, which may be addresses in a table of functions.
fn constant_words(file: &[u8]) -> Result<Vec<u32>, elf::ParseError> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
    let Some(section) = elf.section_header_by_name(".rodata")? else { return Ok(Vec::new()) };
    let words =
        elf.section_data(&section)?.0.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word));
    Ok(words.filter(|word| word & 1 == 1).collect())
}

/// Odd words that the function's code holds, which may be addresses of functions: in literal pools,
/// and put together by `MOVW` and `MOVT`.
fn held_words(function: &Function) -> Vec<u32> {
    let code = &function.code;
    let mut words = Vec::new();
    let mut end = 0;
    for &(from, to) in function.instructions.iter().chain([&(code.len(), code.len())]) {
        words.extend(
            code[end.min(from)..from].as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)),
        );
        let mut low = [0; 16];
        let mut at = from;
        while at + 4 <= to {
            let (first, second) = (half(code, at), half(code, at + 2));
            let value = immediate(first, second);
            let register = (second >> 8 & 15) as usize;
            match first & 0xFBF0 {
                0xF240 => low[register] = value,
                0xF2C0 => words.push(value << 16 | low[register]),
                _ => {}
            }
            at += if first >= 0xE800 { 4 } else { 2 };
        }
        end = to;
    }
    words.retain(|word| word & 1 == 1);
    words
}

/// The 16 bits of `MOVW` and `MOVT`.
fn immediate(first: u16, second: u16) -> u32 {
    let (first, second) = (first as u32, second as u32);
    (first & 0xF) << 12 | (first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF
}

struct Scan {
    frame_bytes: usize,
    calls: BTreeSet<u32>,
}

fn half(code: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([code[at], code[at + 1]])
}

/// `BLX register`.
fn is_indirect_call(first: u16) -> bool {
    first & 0xFF87 == 0x4780
}

/// `BL`.
fn is_call(first: u16, second: u16) -> bool {
    first & 0xF800 == 0xF000 && second & 0xD000 == 0xD000
}

/// A number of these bits with its sign.
fn sign(value: u32, bits: u32) -> i32 {
    ((value << (32 - bits)) as i32) >> (32 - bits)
}

/// Where `BL`, `B.W` and `B` go; conditional branches stay within a function.
fn branch_target(here: u32, first: u16, second: u16) -> Option<u32> {
    if first & 0xF800 == 0xF000 && second & 0x9000 == 0x9000 {
        let (s, j1, j2) =
            (first as u32 >> 10 & 1, second as u32 >> 13 & 1, second as u32 >> 11 & 1);
        let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
        let offset = s << 24
            | i1 << 23
            | i2 << 22
            | (first as u32 & 0x3FF) << 12
            | (second as u32 & 0x7FF) << 1;
        return Some((here + 4).wrapping_add_signed(sign(offset, 25)));
    }
    (first & 0xF800 == 0xE000)
        .then(|| (here + 4).wrapping_add_signed(sign((first as u32 & 0x7FF) << 1, 12)))
}

/// Bytes that an instruction of assembler takes from the stack; `None` when it moves the stack
/// pointer otherwise. What gives back counts 0.
fn pushed_bytes(first: u16, second: u16) -> Option<usize> {
    let words = |list: u16| 4 * list.count_ones() as usize;
    match (first, second) {
        (0xB400..=0xB5FF, _) => Some(words(first & 0x1FF)), // PUSH
        (0xB080..=0xB0FF, _) => Some(4 * (first & 0x7F) as usize), // SUB SP, #
        (0xE92D, list) => Some(words(list)),                // PUSH.W
        (0xED2D, _) if second & 0x0E00 == 0x0A00 => Some(4 * (second & 0xFF) as usize), // VPUSH
        (0xF84D, _) if second & 0x0FFF == 0x0D04 => Some(4), // PUSH.W of one register
        // SUBW SP, SP, # and SUB.W SP, SP, #
        (0xF2AD | 0xF6AD, _) if second & 0x8F00 == 0x0D00 => Some(plain_immediate(first, second)),
        (0xF1AD | 0xF5AD, _) if second & 0x8F00 == 0x0D00 => modified_immediate(first, second),
        (0x4400..=0x47FF, _) if matches!(first & 0xFF87, 0x4485 | 0x4685) => None, // ADD, MOV SP
        _ => Some(0),
    }
}

/// The twelve bits `i:imm3:imm8` of an instruction.
fn plain_immediate(first: u16, second: u16) -> usize {
    ((first >> 10 & 1) << 11 | (second >> 12 & 7) << 8 | second & 0xFF) as usize
}

/// What these bits stand for where they are a byte at some place, as `ThumbExpandImm` of Arm's
/// manual has it; `None` for a byte that is there several times.
fn modified_immediate(first: u16, second: u16) -> Option<usize> {
    let bits = plain_immediate(first, second) as u32;
    match bits >> 7 {
        0 | 1 => Some(bits as usize),
        2..=7 => None,
        rotation => Some((0x80 | bits & 0x7F).rotate_right(rotation) as usize),
    }
}

fn functions(file: &[u8]) -> Result<BTreeMap<u32, Function>, elf::ParseError> {
    let elf = ElfBytes::<LittleEndian>::minimal_parse(file)?;
    let stated = stated_frames(&elf)?;
    let missing = || elf::ParseError::BadOffset(0);
    let (symbols, names) = elf.symbol_table()?.ok_or_else(missing)?;
    let sections = elf.section_headers().ok_or_else(missing)?;
    // `$t` begins instructions and `$d` data, as the Arm ELF specification has it.
    let mut marks: BTreeMap<u32, bool> = BTreeMap::new();
    for symbol in symbols.iter() {
        let name = names.get(symbol.st_name as usize)?;
        if name.starts_with("$t") || name.starts_with("$d") {
            marks.insert(symbol.st_value as u32, name.starts_with("$t"));
        }
    }
    let mut functions = BTreeMap::new();
    for symbol in
        symbols.iter().filter(|symbol| symbol.st_symtype() == STT_FUNC && symbol.st_shndx != 0)
    {
        let Ok(section) = sections.get(symbol.st_shndx as usize) else { continue };
        let (data, _) = elf.section_data(&section)?;
        let start = symbol.st_value as u32 & !1;
        let offset = (start as u64).saturating_sub(section.sh_addr) as usize;
        let size = (symbol.st_size as usize).max(2);
        let Some(code) = data.get(offset..(offset + size).min(data.len())) else { continue };
        let function = Function {
            name: names.get(symbol.st_name as usize)?.to_owned(),
            code: code.to_vec(),
            instructions: instructions(start, code.len() as u32, &marks),
            stated_frame_bytes: stated.get(&start).copied(),
        };
        functions.insert(start, function);
    }
    Ok(functions)
}

/// Parts of the code that are instructions.
fn instructions(start: u32, bytes: u32, marks: &BTreeMap<u32, bool>) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut begun =
        marks.range(..=start).next_back().is_none_or(|(_, code)| *code).then_some(start);
    for (at, code) in marks.range(start + 1..start + bytes) {
        match (begun, code) {
            (Some(from), false) => {
                parts.push(((from - start) as usize, (at - start) as usize));
                begun = None;
            }
            (None, true) => begun = Some(*at),
            _ => {}
        }
    }
    if let Some(from) = begun {
        parts.push(((from - start) as usize, bytes as usize));
    }
    parts
}

/// The section `.stack_sizes`: for each function its address and, as LEB128, the bytes of its
/// frame.
fn stated_frames(elf: &ElfBytes<LittleEndian>) -> Result<BTreeMap<u32, usize>, elf::ParseError> {
    let header =
        elf.section_header_by_name(".stack_sizes")?.ok_or(elf::ParseError::BadOffset(1))?;
    let (mut data, _) = elf.section_data(&header)?;
    let mut frames = BTreeMap::new();
    while let Some((address, rest)) = data.split_first_chunk() {
        let (mut bytes, mut shift) = (0usize, 0);
        let mut used = 0;
        for byte in rest {
            bytes |= (*byte as usize & 0x7F) << shift;
            (shift, used) = (shift + 7, used + 1);
            if byte & 0x80 == 0 {
                break;
            }
        }
        frames.insert(u32::from_le_bytes(*address) & !1, bytes);
        data = &rest[used..];
    }
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_decoded() {
        // From the Armv7-M manual's encodings: BL to 0x100 from 0, BL back to 0 from 0x100, B.W, B.
        assert_eq!(branch_target(0, 0xF000, 0xF87E), Some(0x100));
        assert_eq!(branch_target(0x100, 0xF7FF, 0xFF7E), Some(0));
        assert_eq!(branch_target(0, 0xF000, 0xB87E), Some(0x100));
        assert_eq!(branch_target(0x10, 0xE7FE, 0), Some(0x10));
        assert_eq!(branch_target(0, 0x4770, 0), None);
        assert!(is_call(0xF000, 0xF87E) && !is_call(0xF000, 0xB87E));
    }

    #[test]
    fn pushes_are_counted() {
        assert_eq!(pushed_bytes(0xB5F0, 0), Some(20));
        assert_eq!(pushed_bytes(0xE92D, 0x4FF0), Some(36));
        assert_eq!(pushed_bytes(0xB084, 0), Some(16));
        assert_eq!(pushed_bytes(0xED2D, 0x8B10), Some(64));
        assert_eq!(pushed_bytes(0xBDF0, 0), Some(0));
        assert_eq!(pushed_bytes(0xF5AD, 0x7D00), Some(512));
        assert_eq!(pushed_bytes(0xF2AD, 0x2D04), Some(516));
        // MOV SP and ADD SP, each of r0, r1 and r7.
        for moved in [0x4685, 0x468D, 0x46BD, 0x4485, 0x448D, 0x44BD] {
            assert_eq!(pushed_bytes(moved, 0), None, "{moved:04x}");
        }
    }
}
