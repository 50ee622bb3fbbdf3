//! Arm's published timings without wait states.
//!
//! | processor | document | where |
//! | --- | --- | --- |
//! | Cortex-M0 r0p0 | DDI 0432C | table 3-1 |
//! | Cortex-M0+ r0p1 | DDI 0484C | table 3-1 |
//! | Cortex-M3 r2p1 | DDI 0337I | table 3-1, section 3.3.2 |
//! | Cortex-M4 r0p1 | DDI 0439D | table 3-1, section 3.3.3 |
//!
//! Where the manual gives a range, or leaves open whether two accesses overlap, so does this.

use trainer::plan::cycles::{Cycles, Processor};

use super::Executed;
use super::thumb::{Instruction, Kind, decode};

/// The least and the most cycles.
type Range = [f64; 2];

/// Cycles of what ran.
///
/// # Panics
/// When an instruction was executed whose timing is not known.
pub fn cycles(executed: &[Executed], processor: Processor) -> Cycles {
    let decoded: Vec<Instruction> = executed.iter().map(|of| decode(&of.bytes)).collect();
    let of = |index: usize| {
        let beside = |is_beside: bool, index: usize| is_beside.then(|| decoded[index]);
        let before = index.checked_sub(1);
        let before =
            before.and_then(|at| beside(executed[at].end() == executed[index].address, at));
        let next = executed.get(index + 1);
        let after = next.and_then(|of| beside(of.address == executed[index].end(), index + 1));
        range(&executed[index], decoded[index], [before, after], processor)
    };
    let add = |sum: Range, of: Range| [sum[0] + of[0], sum[1] + of[1]];
    let [least, most] = (0..executed.len()).map(of).fold([0.0; 2], add);
    Cycles { least, about: (least + most) / 2.0, most }
}

/// Cycles of an instruction that stands between two others, all times that it was executed.
fn range(
    executed: &Executed,
    instruction: Instruction,
    neighbours: [Option<Instruction>; 2],
    processor: Processor,
) -> Range {
    let unknown = instruction.kind == Kind::Unknown;
    assert!(!unknown, "no timing is known of {:x?} at {:#x}", executed.bytes, executed.address);
    let taken = executed.taken as f64;
    let straight = executed.executed as f64 - taken;
    let unaligned = executed.unaligned as f64;
    let [on, away] = match processor {
        Processor::M0 => [false, true].map(|is_taken| small(instruction.kind, is_taken, &OF_M0)),
        Processor::M0Plus => {
            [false, true].map(|is_taken| small(instruction.kind, is_taken, &OF_M0_PLUS))
        }
        Processor::M3 | Processor::M4 => [false, true]
            .map(|is_taken| large(instruction, is_taken, neighbours, processor == Processor::M3)),
    };
    [0, 1].map(|end| straight * on[end] + taken * away[end] + unaligned)
}

/// What differs between the two processors of Armv6-M.
struct Small {
    /// A branch that is taken.
    branch: f64,
    call: f64,
    /// A load of the program counter, apart from a cycle for each register, itself among them.
    return_by_load: f64,
    system: f64,
}

const OF_M0: Small = Small { branch: 3.0, call: 4.0, return_by_load: 4.0, system: 4.0 };
const OF_M0_PLUS: Small = Small { branch: 2.0, call: 3.0, return_by_load: 3.0, system: 3.0 };

/// On a processor of Armv6-M.
fn small(kind: Kind, is_taken: bool, of: &Small) -> Range {
    let cycles = match kind {
        Kind::Branch if is_taken => of.branch,
        Kind::BranchToRegister => of.branch,
        Kind::Call => of.call,
        Kind::Load | Kind::LoadLiteral | Kind::Store | Kind::StoreIndexed => 2.0,
        Kind::LoadSeveral(registers) | Kind::StoreSeveral(registers) => 1.0 + f64::from(registers),
        Kind::LoadSeveralAndBranch(registers) => of.return_by_load + f64::from(registers),
        Kind::System => of.system,
        _ => 1.0,
    };
    [cycles; 2]
}

/// Cycles in which the pipeline is filled again.
const REFILL: Range = [1.0, 3.0];

/// On a Cortex-M3 or M4.
fn large(
    instruction: Instruction,
    is_taken: bool,
    [before, after]: [Option<Instruction>; 2],
    is_m3: bool,
) -> Range {
    let and_refill = |cycles: f64| [cycles + REFILL[0], cycles + REFILL[1]];
    let on_m3 = |range: Range| if is_m3 { range } else { [1.0; 2] };
    let [least, most] = match instruction.kind {
        Kind::Branch if is_taken => and_refill(1.0),
        Kind::Call | Kind::BranchToRegister => and_refill(1.0),
        Kind::TableBranch | Kind::LoadAndBranch => and_refill(2.0),
        Kind::MultiplyAdd => on_m3([2.0; 2]),
        Kind::LongMultiply => on_m3([3.0, 5.0]),
        Kind::LongMultiplyAdd => on_m3([4.0, 7.0]),
        Kind::Divide => [2.0, 12.0],
        Kind::Load => loading(instruction, after),
        // The fetch of instructions may be in its way.
        Kind::LoadLiteral => [loading(instruction, after)[0], 3.0],
        // Whether it overlaps with what comes before or after is left open.
        Kind::StoreIndexed => [1.0, 2.0],
        Kind::LoadPair | Kind::StorePair => [3.0; 2],
        Kind::LoadSeveral(registers) | Kind::StoreSeveral(registers) => {
            [1.0 + f64::from(registers); 2]
        }
        Kind::FloatAccess(words) => [1.0 + f64::from(words); 2],
        // Divisions and roots take most.
        Kind::Float => [1.0, 14.0],
        Kind::LoadSeveralAndBranch(registers) => and_refill(1.0 + f64::from(registers)),
        // It may be folded into the instruction before it.
        Kind::IfThen => [0.0, 1.0],
        Kind::System => [1.0, 4.0],
        _ => [1.0; 2],
    };
    let stall = stall(instruction, before);
    [least + stall, most + stall]
}

/// A load takes a cycle less if the next instruction is a load that does not need it for its
/// address; if it is a store, the manual's examples contradict its rule.
fn loading(load: Instruction, after: Option<Instruction>) -> Range {
    let overlaps = |next: &Instruction| load.writes & next.address == 0;
    match after.filter(overlaps).map(|next| next.kind) {
        Some(Kind::Load | Kind::LoadLiteral) => [1.0; 2],
        Some(Kind::Store | Kind::StoreIndexed) => [1.0, 2.0],
        _ => [2.0; 2],
    }
}

/// An address that the instruction before computes comes a cycle late; one that it loads is in that
/// load's two cycles.
fn stall(instruction: Instruction, before: Option<Instruction>) -> f64 {
    let is_load = |kind: Kind| matches!(kind, Kind::Load | Kind::LoadLiteral | Kind::LoadPair);
    let is_late = before
        .is_some_and(|before| !is_load(before.kind) && before.writes & instruction.address != 0);
    f64::from(u8::from(is_late))
}
