//! How far the frame of a function in assembler goes at each of its instructions, by every way
//! through it, and where it has the registers that its caller gets back.
//!
//! A jump to an address that is computed goes into the unrolled loop behind it.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Function, Unbounded, branch_target, half, modified_immediate, plain_immediate, pushed_bytes,
    sign,
};

/// The registers that a function gives back as they were, by Arm's procedure call standard.
const KEPT: [u16; 9] = [4, 5, 6, 7, 8, 9, 10, 11, LINK];
const LINK: u16 = 14;
const PROGRAM_COUNTER: u16 = 15;

/// In debug information, the first of the registers of 64 bits.
const DOUBLE: u16 = 256;

/// What is true of the stack within a function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// For each instruction, by its address, the bytes on the stack before it.
    pub depths: BTreeMap<u32, usize>,
    /// For each register that is saved, by its number in debug information, the bytes from where it
    /// lies to where the stack was when the function was called.
    pub saved: BTreeMap<u16, usize>,
    /// Bytes of instructions that nothing leads to, as far as is understood here.
    pub unreached_bytes: usize,
}

impl Flow {
    /// Follows every way through a function.
    ///
    /// # Errors
    /// Two ways to an instruction with different frames.
    pub(super) fn of(address: u32, function: &Function) -> Result<Self, Unbounded> {
        let wrong = || Unbounded::StackPointer(function.name.clone());
        let conditional = conditional(function);
        let (mut flow, mut ways) = (Self::default(), vec![(0, 0)]);
        while let Some((at, depth)) = ways.pop() {
            if let Some(known) = flow.depths.insert(address + at as u32, depth) {
                if known == depth { continue } else { return Err(wrong()) }
            }
            let Instruction { first, second, bytes } =
                Instruction::at(function, at).ok_or_else(wrong)?;
            let deeper = depth + pushed_bytes(first, second).ok_or_else(wrong)?;
            flow.save(function, at, deeper);
            let is_end = ends(first, second);
            if !is_end || conditional.contains(&at) {
                let popped = if is_end { 0 } else { popped_bytes(first, second) };
                ways.push((at + bytes, deeper.checked_sub(popped).ok_or_else(wrong)?));
            }
            let here = address + at as u32;
            let target = jump(here, first, second).and_then(|target| target.checked_sub(address));
            let target = target.map(|target| target as usize);
            ways.extend(target.filter(|to| *to < function.code.len()).map(|to| (to, deeper)));
        }
        let is_reached = |at: u32| flow.depths.contains_key(&(address + at));
        let unreached = all(function).filter(|(at, code)| !code.is_padding() && !is_reached(*at));
        flow.unreached_bytes = unreached.map(|(_, code)| code.bytes).sum();
        Ok(flow)
    }

    /// Notes the registers that an instruction saves for the first time, so that the frame is
    /// `deeper`.
    fn save(&mut self, function: &Function, at: usize, deeper: usize) {
        let Some(Instruction { first, second, .. }) = Instruction::at(function, at) else { return };
        let list = match (first, second) {
            (0xB400..=0xB5FF, _) => first & 0xFF | (first >> 8 & 1) << LINK,
            (0xE92D, list) => list,
            (0xF84D, _) if second & 0x0FFF == 0x0D04 => 1 << (second >> 12),
            _ => 0,
        };
        let registers = (0..16).filter(|register| list >> register & 1 == 1);
        for (place, register) in registers.enumerate() {
            // A core without a wide push moves the high registers first.
            let register = moved_from(function, at, register).unwrap_or(register);
            if KEPT.contains(&register) {
                self.saved.entry(register).or_insert(deeper - 4 * place);
            }
        }
        if first & 0xFFBF == 0xED2D && second & 0x0F00 == 0x0B00 {
            let lowest = (first >> 6 & 1) << 4 | second >> 12;
            for place in 0..(second & 0xFF) / 2 {
                let register = DOUBLE + lowest + place;
                self.saved.entry(register).or_insert(deeper - 8 * place as usize);
            }
        }
    }
}

/// An instruction of one or two half-words.
#[derive(Clone, Copy)]
struct Instruction {
    first: u16,
    second: u16,
    bytes: usize,
}

impl Instruction {
    fn at(function: &Function, at: usize) -> Option<Self> {
        let (_, to) = function.instructions.iter().find(|(from, to)| (*from..*to).contains(&at))?;
        let first = half(&function.code, at);
        let bytes = if first >= 0xE800 { 4 } else { 2 };
        let second = if bytes == 4 { half(&function.code, at + 2) } else { 0 };
        (at + bytes <= *to).then_some(Self { first, second, bytes })
    }

    /// `NOP`, `NOP.W` and `MOV r8, r8`, which assemblers align code with.
    fn is_padding(self) -> bool {
        matches!((self.first, self.second), (0xBF00 | 0x46C0, _) | (0xF3AF, 0x8000))
    }
}

/// All instructions of a function, each with where it begins.
fn all(function: &Function) -> impl Iterator<Item = (u32, Instruction)> {
    function.instructions.iter().flat_map(move |(from, to)| {
        let mut at = *from;
        std::iter::from_fn(move || {
            let code = Instruction::at(function, at)?;
            let here = at;
            at += code.bytes;
            (here < *to).then_some((here as u32, code))
        })
    })
}

/// Where the instructions are that `IT` makes conditional.
fn conditional(function: &Function) -> BTreeSet<usize> {
    let (mut found, mut left) = (BTreeSet::new(), 0);
    for (at, Instruction { first, .. }) in all(function) {
        if left > 0 {
            found.insert(at as usize);
            left -= 1;
        } else if first & 0xFF00 == 0xBF00 && first & 0xF != 0 {
            left = 4 - (first & 0xF).trailing_zeros();
        }
    }
    found
}

/// The high register that the instructions before a push have moved to this one.
fn moved_from(function: &Function, push: usize, register: u16) -> Option<u16> {
    let moves = all(function).take_while(|(at, _)| (*at as usize) < push);
    let high = moves.filter_map(|(_, Instruction { first, .. })| {
        let (to, from) = (first & 7 | (first >> 4 & 8), first >> 3 & 0xF);
        (first & 0xFF00 == 0x4600 && to == register && (8..12).contains(&from)).then_some(from)
    });
    high.last().filter(|_| register < 8)
}

/// Whether nothing after an instruction is run by it: a return, or `B`.
fn ends(first: u16, second: u16) -> bool {
    let is_branch =
        first & 0xF800 == 0xE000 || first & 0xF800 == 0xF000 && second & 0xD000 == 0x9000;
    is_branch
        || first == 0x4770
        || first & 0xFF00 == 0xBD00
        || first == 0xE8BD && second >> PROGRAM_COUNTER == 1
        || first == 0xF85D && second == 0xFB04
}

/// Where a branch goes, or a call of a part of the function itself, if it is one.
fn jump(here: u32, first: u16, second: u16) -> Option<u32> {
    let [wide, narrow] = [second as u32, first as u32];
    let to = |offset: i32| Some((here + 4).wrapping_add_signed(offset));
    if first & 0xF000 == 0xD000 && first >> 8 & 0xF < 14 {
        return to(sign((narrow & 0xFF) << 1, 9));
    }
    if first & 0xF500 == 0xB100 {
        return to(((narrow >> 9 & 1) << 6 | (narrow >> 3 & 0x1F) << 1) as i32);
    }
    if first & 0xF800 == 0xF000 && second & 0xD000 == 0x8000 && first >> 6 & 0xF < 14 {
        let high = (narrow >> 10 & 1) << 20 | (wide >> 11 & 1) << 19 | (wide >> 13 & 1) << 18;
        return to(sign(high | (narrow & 0x3F) << 12 | (wide & 0x7FF) << 1, 21));
    }
    branch_target(here, first, second)
}

/// Bytes that an instruction gives back to the stack.
fn popped_bytes(first: u16, second: u16) -> usize {
    let words = |list: u16| 4 * list.count_ones() as usize;
    match (first, second) {
        (0xBC00..=0xBDFF, _) => words(first & 0x1FF), // POP
        (0xB000..=0xB07F, _) => 4 * (first & 0x7F) as usize, // ADD SP, #
        (0xE8BD, list) => words(list),                // POP.W
        (0xE8FD, _) => 4 * (second & 0xFF) as usize,  // LDRD from SP, which moves on
        (0xECBD, _) if second & 0x0E00 == 0x0A00 => 4 * (second & 0xFF) as usize, // VPOP
        (0xF85D, _) if second & 0x0FFF == 0x0B04 => 4, // POP.W of one register
        // ADDW SP, SP, # and ADD.W SP, SP, #
        (0xF20D | 0xF60D, _) if second & 0x8F00 == 0x0D00 => plain_immediate(first, second),
        (0xF10D | 0xF50D, _) if second & 0x8F00 == 0x0D00 => {
            modified_immediate(first, second).unwrap_or(0)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(code: &[u16]) -> Function {
        let code: Vec<u8> = code.iter().flat_map(|half| half.to_le_bytes()).collect();
        let instructions = vec![(0, code.len())];
        Function { name: "f".into(), code, instructions, stated_frame_bytes: None }
    }

    fn depths(code: &[u16]) -> Result<Vec<(u32, usize)>, Unbounded> {
        Flow::of(0x100, &function(code)).map(|flow| flow.depths.into_iter().collect())
    }

    #[test]
    fn frames_are_followed_over_branches() {
        // push {r4, lr}; sub sp, #8; cbz r0, end; add r0, r0; end: add sp, #8; pop {r4, pc}
        let code = [0xB510, 0xB082, 0xB100, 0x1800, 0xB002, 0xBD10];
        let expected = [(0x100, 0), (0x102, 8), (0x104, 16), (0x106, 16), (0x108, 16), (0x10A, 8)];
        assert_eq!(depths(&code), Ok(expected.into()));
        let saved = Flow::of(0x100, &function(&code)).map(|flow| flow.saved);
        assert_eq!(saved, Ok(BTreeMap::from([(4, 8), (LINK, 4)])));
    }

    #[test]
    fn a_part_that_is_called_has_the_frame_of_the_function() {
        // push {r4, lr}; bl part; pop {r4, pc}; part: bx lr
        let expected = [(0x100, 0), (0x102, 8), (0x106, 8), (0x108, 8)];
        assert_eq!(depths(&[0xB510, 0xF000, 0xF801, 0xBD10, 0x4770]), Ok(expected.into()));
    }

    #[test]
    fn high_registers_are_saved_by_low_ones() {
        // mov r4, r8; mov r5, r9; push {r4, r5}; pop {r4, r5}; bx lr
        let flow = Flow::of(0, &function(&[0x4644, 0x464D, 0xB430, 0xBC30, 0x4770]));
        assert_eq!(flow.map(|flow| flow.saved), Ok(BTreeMap::from([(8, 8), (9, 4)])));
    }

    #[test]
    fn a_conditional_return_goes_on_with_the_whole_frame() {
        // push {r4, lr}; it eq; popeq {r4, pc}; pop {r4, pc}
        let expected = [(0x100, 0), (0x102, 8), (0x104, 8), (0x106, 8)];
        assert_eq!(depths(&[0xB510, 0xBF08, 0xBD10, 0xBD10]), Ok(expected.into()));
    }

    #[test]
    fn frames_that_differ_are_errors_and_unreached_bytes_are_counted() {
        // cbz r0, end; push {r4}; end: bx lr
        let unbalanced = [0xB100, 0xB410, 0x4770];
        assert_eq!(depths(&unbalanced), Err(Unbounded::StackPointer("f".into())));
        // pop {r4}, of which nothing was pushed
        assert_eq!(depths(&[0xBC10, 0x4770]), Err(Unbounded::StackPointer("f".into())));
        // bx lr; nop; push {r4}
        let flow = Flow::of(0, &function(&[0x4770, 0xBF00, 0xB410]));
        assert_eq!(flow.map(|flow| flow.unreached_bytes), Ok(2));
    }
}
