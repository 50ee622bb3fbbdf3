//! Estimated cycles: what instructions do is read from their bits, what they take is what Arm's
//! manuals say, and the emulator's plugin counts as its counter does.

use std::fs;

use tests::cycles::{Executed, Instruction, Kind, cycles, decode, estimate, intervals};
use tests::firmware::{self, Board, M0, M3, M4, Variant};
use tests::measure::counts;
use trainer::plan::cycles::{Cycles, Processor};
use trainer::plan::{Build, Core, Costs};

/// Text, halfwords and kind of an instruction; the registers that it writes, those of its address.
type Encoding = (&'static str, &'static [u16], Kind, &'static [u16], &'static [u16]);

/// Instructions as an assembler wrote them (GNU Binutils 2.40), with the registers that each
/// writes and those that make its address.
const ENCODINGS: [Encoding; 79] = [
    ("movs r3, #7", &[0x2307], Kind::Data, &[3], &[]),
    ("cmp r1, #9", &[0x2909], Kind::Data, &[], &[]),
    ("adds r0, #1", &[0x3001], Kind::Data, &[0], &[]),
    ("adds r1, r2, r3", &[0x18d1], Kind::Data, &[1], &[]),
    ("lsls r2, r3, #4", &[0x011a], Kind::Data, &[2], &[]),
    ("muls r4, r5", &[0x436c], Kind::Multiply, &[4], &[]),
    ("tst r0, r1", &[0x4208], Kind::Data, &[], &[]),
    ("add r8, r1", &[0x4488], Kind::Data, &[8], &[]),
    ("mov pc, lr", &[0x46f7], Kind::BranchToRegister, &[], &[]),
    ("bx lr", &[0x4770], Kind::BranchToRegister, &[], &[]),
    ("blx r3", &[0x4798], Kind::BranchToRegister, &[], &[]),
    ("ldr r2, [pc, #16]", &[0x4a04], Kind::LoadLiteral, &[2], &[15]),
    ("strb r1, [r2, r3]", &[0x54d1], Kind::StoreIndexed, &[], &[2, 3]),
    ("ldrsb r1, [r2, r3]", &[0x56d1], Kind::Load, &[1], &[2, 3]),
    ("ldr r6, [r7, #8]", &[0x68be], Kind::Load, &[6], &[7]),
    ("strh r6, [r7, #8]", &[0x813e], Kind::Store, &[], &[7]),
    ("ldr r1, [sp, #4]", &[0x9901], Kind::Load, &[1], &[13]),
    ("add r1, sp, #8", &[0xa902], Kind::Data, &[1], &[]),
    ("sub sp, #16", &[0xb084], Kind::Data, &[13], &[]),
    ("cbz r1, 2e", &[0xb111], Kind::Branch, &[], &[]),
    ("uxtb r1, r2", &[0xb2d1], Kind::Data, &[1], &[]),
    ("push {r4-r7, lr}", &[0xb5f0], Kind::StoreSeveral(5), &[], &[]),
    ("pop {r4, r5}", &[0xbc30], Kind::LoadSeveral(2), &[], &[]),
    ("pop {r4-r7, pc}", &[0xbdf0], Kind::LoadSeveralAndBranch(5), &[], &[]),
    ("stmia r0!, {r1-r3}", &[0xc00e], Kind::StoreSeveral(3), &[], &[]),
    ("ldmia r0!, {r1-r3}", &[0xc80e], Kind::LoadSeveral(3), &[], &[]),
    ("it ne", &[0xbf18], Kind::IfThen, &[], &[]),
    ("beq 40", &[0xd002], Kind::Branch, &[], &[]),
    ("b 42", &[0xe002], Kind::Branch, &[], &[]),
    ("svc 0", &[0xdf00], Kind::System, &[], &[]),
    ("rev r1, r2", &[0xba11], Kind::Data, &[1], &[]),
    ("nop", &[0xbf00], Kind::Data, &[], &[]),
    ("bkpt 0xab", &[0xbeab], Kind::System, &[], &[]),
    ("ldmia.w r9!, {r1-r8}", &[0xe8b9, 0x01fe], Kind::LoadSeveral(8), &[], &[]),
    ("stmdb sp!, {r4-r11, lr}", &[0xe92d, 0x4ff0], Kind::StoreSeveral(9), &[], &[]),
    ("ldmia.w sp!, {r4-r11, pc}", &[0xe8bd, 0x8ff0], Kind::LoadSeveralAndBranch(9), &[], &[]),
    ("ldrd r4, r5, [r1, #8]", &[0xe9d1, 0x4502], Kind::LoadPair, &[4, 5], &[1]),
    ("strd r4, r5, [r1, #8]", &[0xe9c1, 0x4502], Kind::StorePair, &[], &[1]),
    ("tbb [pc, r0]", &[0xe8df, 0xf000], Kind::TableBranch, &[], &[]),
    ("add.w r9, r10, r11, lsl #2", &[0xeb0a, 0x098b], Kind::Data, &[9], &[]),
    ("cmp.w r9, r10", &[0xebb9, 0x0f0a], Kind::Data, &[], &[]),
    ("movw r10, #1234", &[0xf240, 0x4ad2], Kind::Data, &[10], &[]),
    ("ssat r8, #8, r9", &[0xf309, 0x0807], Kind::Data, &[8], &[]),
    ("ubfx r1, r2, #3, #4", &[0xf3c2, 0x01c3], Kind::Data, &[1], &[]),
    ("beq.w 1070", &[0xf000, 0x87fe], Kind::Branch, &[], &[]),
    ("b.w 1074", &[0xf000, 0xbffe], Kind::Branch, &[], &[]),
    ("bl 1078", &[0xf000, 0xfffe], Kind::Call, &[], &[]),
    ("dsb sy", &[0xf3bf, 0x8f4f], Kind::System, &[], &[]),
    ("nop.w", &[0xf3af, 0x8000], Kind::Data, &[], &[]),
    ("mrs r0, primask", &[0xf3ef, 0x8010], Kind::System, &[], &[]),
    ("ldr.w r8, [r9, #100]", &[0xf8d9, 0x8064], Kind::Load, &[8], &[9]),
    ("ldr.w r8, [r9], #4", &[0xf859, 0x8b04], Kind::Load, &[8], &[9]),
    ("ldr.w r8, [r9, r10, lsl #2]", &[0xf859, 0x802a], Kind::Load, &[8], &[9, 10]),
    ("ldrsb.w r8, [r9, r10]", &[0xf919, 0x800a], Kind::Load, &[8], &[9, 10]),
    ("ldr.w r8, [pc, #100]", &[0xf8df, 0x8064], Kind::LoadLiteral, &[8], &[15]),
    ("ldr.w pc, [r9, #4]", &[0xf8d9, 0xf004], Kind::LoadAndBranch, &[], &[]),
    ("str.w r8, [r9, r10]", &[0xf849, 0x800a], Kind::StoreIndexed, &[], &[9, 10]),
    ("str.w r8, [r9, #4]!", &[0xf849, 0x8f04], Kind::Store, &[], &[9]),
    ("sxtb16 r8, r9, ror #8", &[0xfa2f, 0xf899], Kind::Data, &[8], &[]),
    ("pkhbt r8, r9, r10, lsl #16", &[0xeac9, 0x480a], Kind::Data, &[8], &[]),
    ("clz r8, r9", &[0xfab9, 0xf889], Kind::Data, &[8], &[]),
    ("mul r8, r9, r10", &[0xfb09, 0xf80a], Kind::Multiply, &[8], &[]),
    ("mla r8, r9, r10, r11", &[0xfb09, 0xb80a], Kind::MultiplyAdd, &[8], &[]),
    ("mls r8, r9, r10, r11", &[0xfb09, 0xb81a], Kind::MultiplyAdd, &[8], &[]),
    ("smlad r8, r9, r10, r11", &[0xfb29, 0xb80a], Kind::DspMultiply, &[8], &[]),
    ("smlabb r8, r9, r10, r11", &[0xfb19, 0xb80a], Kind::DspMultiply, &[8], &[]),
    ("smmul r8, r9, r10", &[0xfb59, 0xf80a], Kind::DspMultiply, &[8], &[]),
    ("smull r8, r9, r10, r11", &[0xfb8a, 0x890b], Kind::LongMultiply, &[8, 9], &[]),
    ("umull r8, r9, r10, r11", &[0xfbaa, 0x890b], Kind::LongMultiply, &[8, 9], &[]),
    ("smlal r8, r9, r10, r11", &[0xfbca, 0x890b], Kind::LongMultiplyAdd, &[8, 9], &[]),
    ("umaal r8, r9, r10, r11", &[0xfbea, 0x896b], Kind::LongMultiplyAdd, &[8, 9], &[]),
    ("sdiv r8, r9, r10", &[0xfb99, 0xf8fa], Kind::Divide, &[8], &[]),
    ("udiv r8, r9, r10", &[0xfbb9, 0xf8fa], Kind::Divide, &[8], &[]),
    ("ldrex r8, [r9]", &[0xe859, 0x8f00], Kind::Load, &[8], &[9]),
    ("vldr s0, [r1, #4]", &[0xed91, 0x0a01], Kind::FloatAccess(1), &[], &[]),
    ("vldr d0, [r1, #8]", &[0xed91, 0x0b02], Kind::FloatAccess(2), &[], &[]),
    ("vpush {d8-d10}", &[0xed2d, 0x8b06], Kind::FloatAccess(6), &[], &[]),
    ("vmov r0, r1, d2", &[0xec51, 0x0b12], Kind::Float, &[], &[]),
    ("vdiv.f32 s0, s1, s2", &[0xee80, 0x0a81], Kind::Float, &[], &[]),
];

fn bytes(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

#[test]
fn instructions_are_what_the_assembler_says() {
    let mask = |registers: &[u16]| registers.iter().fold(0, |mask, register| mask | 1 << register);
    for (text, words, kind, writes, address) in ENCODINGS {
        let expected = Instruction { kind, writes: mask(writes), address: mask(address) };
        assert_eq!(decode(&bytes(words)), expected, "{text}");
    }
}

/// Instructions one after the other: how often each is executed, and how often its branch is taken.
fn executed(all: &[(&[u16], u64, u64)]) -> Vec<Executed> {
    let mut address = 0x100;
    let of = |(words, executed, taken): &(&[u16], u64, u64)| {
        let (executed, taken) = (*executed, *taken);
        let of = Executed { address, bytes: bytes(words), executed, taken, unaligned: 0 };
        address += of.bytes.len() as u32;
        of
    };
    all.iter().map(of).collect()
}

fn range(all: &[(&[u16], u64, u64)], processor: Processor) -> [f64; 2] {
    let Cycles { least, about, most } = cycles(&executed(all), processor);
    assert_eq!(about, (least + most) / 2.0);
    [least, most]
}

/// The example of the manuals of M3 and M4: `LDR R0,[R1,R5]; LDR R1,[R2]; LDR R2,[R3,#4]`.
#[test]
fn loads_overlap_as_in_the_manual() {
    let [first, second, third]: [&[u16]; 3] = [&[0x5948], &[0x6811], &[0x685a]];
    let loads = [(first, 1, 0), (second, 1, 0), (third, 1, 0)];
    assert_eq!(range(&loads, Processor::M4), [4.0; 2]);
    assert_eq!(range(&loads, Processor::M0), [6.0; 2]);
    // `LDR R1,[R2]; LDR R0,[R1,R5]` needs the first for the second.
    assert_eq!(range(&[(second, 1, 0), (first, 1, 0)], Processor::M3), [4.0; 2]);
    // `ADDS R1,R2,R3; LDR R0,[R1,R5]` waits for the sum.
    assert_eq!(range(&[(&[0x18d1], 1, 0), (first, 1, 0)], Processor::M4), [4.0; 2]);
}

#[test]
fn each_processor_has_its_own_branches_and_products() {
    let loop_of = |count| [(&[0x3801][..], count, 0), (&[0xd1fd], count, count - 1)];
    assert_eq!(range(&loop_of(10), Processor::M0), [38.0; 2]);
    assert_eq!(range(&loop_of(10), Processor::M0Plus), [29.0; 2]);
    assert_eq!(range(&loop_of(10), Processor::M4), [29.0, 47.0]);
    let smull = [(&[0xfb8a, 0x890b][..], 1, 0)];
    assert_eq!(range(&smull, Processor::M3), [3.0, 5.0]);
    assert_eq!(range(&smull, Processor::M4), [1.0; 2]);
    let pop = [(&[0xbdf0][..], 1, 0)];
    let of = |processor| range(&pop, processor);
    assert_eq!([of(Processor::M0), of(Processor::M0Plus)], [[9.0; 2], [8.0; 2]]);
    assert_eq!(of(Processor::M3), [7.0, 9.0]);
}

#[test]
fn accesses_that_are_not_aligned_take_more() {
    let mut load = executed(&[(&[0x68be], 8, 0)]);
    load[0].unaligned = 5;
    assert_eq!(cycles(&load, Processor::M4).about, 21.0);
}

/// Without a mean for each formula a plan has no estimate.
#[test]
fn each_formula_has_its_cycles_per_instruction() {
    for processor in Processor::ALL {
        for build in Build::ALL {
            let costs = Costs::of(processor.core(), build);
            let means = &costs.cycles_per_instruction[&processor];
            let named = |all: &mut dyn Iterator<Item = &String>| all.cloned().collect::<Vec<_>>();
            assert_eq!(named(&mut means.keys()), named(&mut costs.formulas.keys()));
            for (name, Cycles { least, about, most }) in means {
                let is_ordered = least <= about && about <= most;
                let is_likely = *least >= 0.9 && *most < 4.0;
                assert!(is_ordered && is_likely, "{processor:?}, {name}: {least} to {most}");
            }
        }
    }
}

/// Two instructions a million times: see `Counter::check` of the firmware.
const TIMES: f64 = 1e6;

/// Instructions of reading the counter before and after what is counted, and a tick of it.
const TOLERANCE: u64 = 60;

#[test]
fn the_plugin_counts_a_loop_of_known_length_and_a_run() {
    for (board, core, cycles) in [
        (M0, Core::M0, &[(Processor::M0, [4.0; 2]), (Processor::M0Plus, [3.0; 2])][..]),
        (M3, Core::M3, &[(Processor::M3, [3.0, 5.0])]),
        (M4, Core::M4, &[(Processor::M4, [3.0, 5.0])]),
    ] {
        check(board, core, cycles);
    }
}

fn check(board: Board, core: Core, cycles: &[(Processor, [f64; 2])]) {
    let file = fs::read(firmware::folder().join("model/tutorial.kndl")).expect("the model");
    let program = firmware::measuring_program(board, Variant::complete(Build::Fast));
    let intervals = intervals(board, &program, &file);
    let known = estimate(&intervals[1], core);
    assert!(known.instructions.abs_diff(2_000_000) < TOLERANCE, "{core:?}: {known:?}");
    assert_eq!(known.cycles.len(), cycles.len());
    for (processor, [least, most]) in cycles {
        let of = known.cycles[processor];
        let is_near = |of: f64, times: f64| (of / TIMES - times).abs() < 1e-4;
        assert!(is_near(of.least, *least) && is_near(of.most, *most), "{processor:?}: {of:?}");
    }
    let (run, counted) = (estimate(&intervals[5], core), counts(board, &[file], &[]).remove(0));
    let off = run.instructions.abs_diff(counted.total.into());
    assert!(off < TOLERANCE, "{core:?}: {} instructions, {}", run.instructions, counted.total);
}
