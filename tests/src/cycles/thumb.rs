//! What an instruction of the cores up to the Cortex-M4 does, as far as its timing depends on it.

/// An instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// What it does.
    pub kind: Kind,
    /// Registers that it computes or loads, a bit each; flags and bases that are updated left out.
    pub writes: u16,
    /// Registers that its address is made of, a bit each.
    pub address: u16,
}

/// What an instruction does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Moves, adds, shifts, compares, extends, saturates, also several values at once.
    Data,
    /// The lower 32 bits of a product.
    Multiply,
    /// The same, added or subtracted.
    MultiplyAdd,
    /// Products of halfwords, and the upper half of a product: the DSP extension.
    DspMultiply,
    /// 64 bits of a product.
    LongMultiply,
    /// The same, added.
    LongMultiplyAdd,
    /// A division.
    Divide,
    /// A load of one register.
    Load,
    /// The same, relative to the program counter.
    LoadLiteral,
    /// A store of one register.
    Store,
    /// The same, with a register as offset.
    StoreIndexed,
    /// A load of two registers.
    LoadPair,
    /// A store of two registers.
    StorePair,
    /// A load of several registers: how many.
    LoadSeveral(u32),
    /// A store of several registers: how many.
    StoreSeveral(u32),
    /// A load of several registers: how many, the program counter among them.
    LoadSeveralAndBranch(u32),
    /// A load of the program counter.
    LoadAndBranch,
    /// A branch, with a condition or without.
    Branch,
    /// A call.
    Call,
    /// A branch or call to the address in a register.
    BranchToRegister,
    /// A branch by a table.
    TableBranch,
    /// The condition of the next instructions.
    IfThen,
    /// A load or store of several words of the floating-point registers.
    FloatAccess(u32),
    /// Anything else of floating point.
    Float,
    /// Barriers and special registers.
    System,
    /// Anything else: no timing is known.
    Unknown,
}

const PROGRAM_COUNTER: u16 = 15;

impl Instruction {
    const fn of(kind: Kind) -> Self {
        Self { kind, writes: 0, address: 0 }
    }

    const fn data(register: u16) -> Self {
        Self { kind: Kind::Data, writes: 1 << register, address: 0 }
    }

    const fn writing(kind: Kind, register: u16) -> Self {
        Self { kind, writes: 1 << register, address: 0 }
    }

    const fn load(register: u16, address: u16) -> Self {
        Self { kind: Kind::Load, writes: 1 << register, address }
    }

    const fn store(address: u16) -> Self {
        Self { kind: Kind::Store, writes: 0, address }
    }
}

/// The instruction whose bytes lie so in memory, two or four of them.
pub fn decode(bytes: &[u8]) -> Instruction {
    match *bytes {
        [a, b] => narrow(u16::from_le_bytes([a, b])),
        [a, b, c, d] => wide(u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])),
        _ => Instruction::of(Kind::Unknown),
    }
}

/// Some bits of a word: `count` of them from `low` on.
const fn bits(word: u16, low: u32, count: u32) -> u16 {
    word >> low & ((1 << count) - 1)
}

const fn has(word: u16, bit: u32) -> bool {
    bits(word, bit, 1) == 1
}

/// An instruction of 16 bits.
fn narrow(word: u16) -> Instruction {
    match bits(word, 11, 5) {
        0b00101 => Instruction::of(Kind::Data),
        0b00100 | 0b00110 | 0b00111 | 0b10100 | 0b10101 => Instruction::data(bits(word, 8, 3)),
        0b00000..0b00100 => Instruction::data(bits(word, 0, 3)),
        0b01000 if has(word, 10) => narrow_special(word),
        0b01000 => narrow_data(word),
        0b01001 => Instruction {
            kind: Kind::LoadLiteral,
            ..Instruction::load(bits(word, 8, 3), 1 << PROGRAM_COUNTER)
        },
        0b01010 | 0b01011 => narrow_indexed(word),
        0b01100..0b10010 => narrow_access(word, bits(word, 0, 3), bits(word, 3, 3)),
        0b10010 | 0b10011 => narrow_access(word, bits(word, 8, 3), 13),
        0b10110 | 0b10111 => narrow_miscellaneous(word),
        0b11000 => Instruction::of(Kind::StoreSeveral(bits(word, 0, 8).count_ones())),
        0b11001 => Instruction::of(Kind::LoadSeveral(bits(word, 0, 8).count_ones())),
        0b11010 | 0b11011 if bits(word, 9, 3) == 0b111 => Instruction::of(Kind::System),
        0b11010..0b11101 => Instruction::of(Kind::Branch),
        _ => Instruction::of(Kind::Unknown),
    }
}

/// An operation on two low registers.
fn narrow_data(word: u16) -> Instruction {
    const COMPARISONS: [u16; 3] = [0b1000, 0b1010, 0b1011];
    const MULTIPLY: u16 = 0b1101;
    match bits(word, 6, 4) {
        operation if COMPARISONS.contains(&operation) => Instruction::of(Kind::Data),
        MULTIPLY => Instruction::writing(Kind::Multiply, bits(word, 0, 3)),
        _ => Instruction::data(bits(word, 0, 3)),
    }
}

/// An operation on any registers, or a branch to one.
fn narrow_special(word: u16) -> Instruction {
    let register = bits(word, 7, 1) << 3 | bits(word, 0, 3);
    match bits(word, 8, 2) {
        0b01 => Instruction::of(Kind::Data),
        0b11 => Instruction::of(Kind::BranchToRegister),
        _ if register == PROGRAM_COUNTER => Instruction::of(Kind::BranchToRegister),
        _ => Instruction::data(register),
    }
}

/// A load or store at the sum of two registers.
fn narrow_indexed(word: u16) -> Instruction {
    let address = 1 << bits(word, 3, 3) | 1 << bits(word, 6, 3);
    match bits(word, 9, 3) {
        0..=2 => Instruction { kind: Kind::StoreIndexed, ..Instruction::store(address) },
        _ => Instruction::load(bits(word, 0, 3), address),
    }
}

/// A load or store at a distance from a register.
fn narrow_access(word: u16, register: u16, base: u16) -> Instruction {
    match has(word, 11) {
        true => Instruction::load(register, 1 << base),
        false => Instruction::store(1 << base),
    }
}

fn narrow_miscellaneous(word: u16) -> Instruction {
    let registers = bits(word, 0, 8).count_ones() + u32::from(bits(word, 8, 1));
    match bits(word, 8, 4) {
        0b0000 => Instruction::data(13),
        0b0001 | 0b0011 | 0b1001 | 0b1011 => Instruction::of(Kind::Branch),
        0b0010 | 0b1010 => Instruction::data(bits(word, 0, 3)),
        0b0100 | 0b0101 => Instruction::of(Kind::StoreSeveral(registers)),
        0b1100 => Instruction::of(Kind::LoadSeveral(registers)),
        0b1101 => Instruction::of(Kind::LoadSeveralAndBranch(registers)),
        0b1111 if bits(word, 0, 4) == 0 => Instruction::of(Kind::Data),
        0b1111 => Instruction::of(Kind::IfThen),
        _ => Instruction::of(Kind::System),
    }
}

/// An instruction of 32 bits.
fn wide(first: u16, second: u16) -> Instruction {
    match bits(first, 11, 2) {
        0b01 | 0b11 if has(first, 10) => wide_float(first, second),
        0b01 if has(first, 9) => wide_data(second),
        0b01 if has(first, 6) => wide_pair(first, second),
        0b01 => wide_several(first, second),
        0b10 if has(second, 15) => wide_branch(first, second),
        0b10 => wide_data(second),
        0b11 => match bits(first, 8, 2) {
            0b10 => wide_data(second),
            0b11 => wide_multiply(first, second),
            _ => wide_access(first, second),
        },
        _ => Instruction::of(Kind::Unknown),
    }
}

/// An operation whose result goes nowhere if that is the program counter: a comparison.
fn wide_data(second: u16) -> Instruction {
    match bits(second, 8, 4) {
        PROGRAM_COUNTER => Instruction::of(Kind::Data),
        register => Instruction::data(register),
    }
}

/// An instruction for the floating-point unit, or for another coprocessor.
fn wide_float(first: u16, second: u16) -> Instruction {
    const FLOAT: u16 = 0b101;
    let words = match (has(first, 8), has(first, 5)) {
        // One register of one word or two.
        (true, false) => 1 + u32::from(bits(second, 8, 1)),
        _ => u32::from(bits(second, 0, 8)),
    };
    let is_move = bits(first, 5, 4) == 0b0010;
    Instruction::of(match bits(second, 9, 3) {
        FLOAT if bits(first, 9, 4) == 0b0110 && !is_move => Kind::FloatAccess(words),
        FLOAT => Kind::Float,
        _ => Kind::Unknown,
    })
}

/// Several registers.
fn wide_several(first: u16, second: u16) -> Instruction {
    let count = second.count_ones();
    Instruction::of(match (has(first, 4), has(second, 15)) {
        (false, _) => Kind::StoreSeveral(count),
        (true, false) => Kind::LoadSeveral(count),
        (true, true) => Kind::LoadSeveralAndBranch(count),
    })
}

/// Two registers, a table of branches, or an exclusive access.
fn wide_pair(first: u16, second: u16) -> Instruction {
    let (is_pair, is_load) = (has(first, 8) || has(first, 5), has(first, 4));
    let base = 1 << bits(first, 0, 4);
    let of_pair = 1 << bits(second, 12, 4) | 1 << bits(second, 8, 4);
    match (is_pair, is_load) {
        (true, true) => Instruction { kind: Kind::LoadPair, writes: of_pair, address: base },
        (true, false) => Instruction { kind: Kind::StorePair, ..Instruction::store(base) },
        (false, true) if has(first, 7) && bits(second, 5, 3) == 0 => {
            Instruction::of(Kind::TableBranch)
        }
        (false, true) => Instruction::load(bits(second, 12, 4), base),
        (false, false) => Instruction::store(base),
    }
}

fn wide_branch(first: u16, second: u16) -> Instruction {
    const HINT: u16 = 0b11_1010;
    Instruction::of(match (has(second, 14), has(second, 12)) {
        (true, _) => Kind::Call,
        (false, true) => Kind::Branch,
        (false, false) if bits(first, 7, 3) != 0b111 => Kind::Branch,
        (false, false) if bits(first, 4, 6) == HINT => Kind::Data,
        (false, false) => Kind::System,
    })
}

/// A load or store of one register.
fn wide_access(first: u16, second: u16) -> Instruction {
    const WORD: u16 = 0b10;
    let (register, base) = (bits(second, 12, 4), bits(first, 0, 4));
    let is_indexed = !has(first, 7) && bits(second, 6, 6) == 0;
    let index = if is_indexed { 1 << bits(second, 0, 4) } else { 0 };
    let address = 1 << base | index;
    match (has(first, 4), register, base) {
        (false, ..) if is_indexed => {
            Instruction { kind: Kind::StoreIndexed, ..Instruction::store(address) }
        }
        (false, ..) => Instruction::store(address),
        (true, PROGRAM_COUNTER, _) if bits(first, 5, 2) == WORD => {
            Instruction::of(Kind::LoadAndBranch)
        }
        // Hints to a cache, which these cores have not.
        (true, PROGRAM_COUNTER, _) => Instruction::of(Kind::Data),
        (true, _, PROGRAM_COUNTER) => Instruction {
            kind: Kind::LoadLiteral,
            ..Instruction::load(register, 1 << PROGRAM_COUNTER)
        },
        (true, ..) => Instruction::load(register, address),
    }
}

fn wide_multiply(first: u16, second: u16) -> Instruction {
    let (low, high) = (bits(second, 12, 4), bits(second, 8, 4));
    let long = |kind| Instruction { kind, writes: 1 << low | 1 << high, address: 0 };
    match (has(first, 7), bits(first, 4, 3)) {
        (false, 0) if bits(second, 4, 4) == 0 && low == PROGRAM_COUNTER => {
            Instruction::writing(Kind::Multiply, high)
        }
        (false, 0) => Instruction::writing(Kind::MultiplyAdd, high),
        (false, _) => Instruction::writing(Kind::DspMultiply, high),
        (true, 0b000 | 0b010) => long(Kind::LongMultiply),
        (true, 0b001 | 0b011) => Instruction::writing(Kind::Divide, high),
        (true, _) => long(Kind::LongMultiplyAdd),
    }
}
