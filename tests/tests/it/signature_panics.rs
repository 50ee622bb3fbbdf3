//! With the feature `signature` the program holds panics that the compiler cannot show to be
//! unreachable: all of them in the signature's crate (docs/decisions/0003-signatures.md).

use std::collections::BTreeMap;
use std::fs;

use tests::firmware::{self, M0, M4};
use tests::panic_locations::panic_locations;

const FEATURES: [&str; 3] = ["prove-no-panic", "update", "signature"];

#[test]
fn every_panic_is_in_the_signatures_crate() {
    for board in [M4, M0] {
        let program =
            fs::read(firmware::program_that_may_panic(board, &FEATURES)).expect("the program");
        let places = panic_locations(&program).expect("a program");
        let mut files: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
        for place in &places {
            files.entry(&place.file).or_default().push(place.line);
        }
        println!("{}: {files:#?}", board.target);
        let of_the_crate =
            |file: &&str| file.contains("ed25519-compact") || file.contains("library/core");
        let others: Vec<_> = files.keys().filter(|file| !of_the_crate(file)).collect();
        assert!(others.is_empty(), "{}: panics in {others:?}", board.target);
        assert!(
            !places.is_empty(),
            "none at all: then ./ci.sh no-panic can build with the feature"
        );
    }
}
