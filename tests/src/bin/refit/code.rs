//! How many bytes of code each part of `infer` takes, measured by linking a program with it and without it, where the chip loads
//! models and where they are built in.

use std::collections::BTreeMap;
use std::fs;

use infer::features::Feature;
use tests::code_size::code_bytes;
use tests::firmware::{self, Board, Variant};
use trainer::plan::code::{Code, PAIRS, pair_name};
use trainer::plan::{Build, Features, Loading};

/// The parts beside which the others are measured: a program without any part that runs layers is no program to measure by.
const BESIDE: [Feature; 2] = [Feature::Direct, Feature::DenseRows];

/// What is there instead while one of them is measured.
const INSTEAD: [Feature; 2] = [Feature::DirectInPlace, Feature::DenseQuads];

/// Links all the programs it takes.
pub fn measure(board: Board, build: Build, loading: Loading) -> Code {
    let linked = |parts: &[Feature]| linked(board, build, loading, parts);
    let beside = linked(&BESIDE);
    let alone = |feature: Feature| match BESIDE.iter().position(|beside| *beside == feature) {
        None => linked(&[BESIDE[0], BESIDE[1], feature]) - beside,
        Some(place) => {
            let others = [BESIDE[1 - place], INSTEAD[place]];
            linked(&[others[0], others[1], feature]) - linked(&others)
        }
    };
    let bytes: BTreeMap<&str, i32> =
        Feature::ALL.into_iter().map(|feature| (feature.name(), alone(feature))).collect();
    let together = |[a, b]: [Feature; 2]| {
        linked(&[BESIDE[0], BESIDE[1], a, b]) - beside - bytes[a.name()] - bytes[b.name()]
    };
    let pairs = PAIRS.into_iter().map(|pair| (pair_name(pair), together(pair))).collect();
    let base = beside - BESIDE.iter().map(|feature| bytes[feature.name()]).sum::<i32>();
    let parts = bytes.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect();
    let code = Code { base: base as usize, parts, pairs };
    let (all, predicted) = (linked(&Feature::ALL), code.bytes(Features::all()));
    println!("  code, {loading:?}: {} bytes at least; all parts {all}, predicted {predicted}", code.base);
    code
}

fn linked(board: Board, build: Build, loading: Loading, parts: &[Feature]) -> i32 {
    let features = Features::from_iter(parts.iter().copied());
    let program = firmware::bare_program(board, Variant { build, features }, loading);
    code_bytes(&fs::read(program).expect("the program that was built")).expect("an ELF file") as i32
}
