//! How many bytes of code each part of `infer` takes, measured by linking a program with it and
//! without it, where the chip loads models and where they are built in.

use std::collections::BTreeMap;
use std::fs;

use infer::features::Feature;
use tests::firmware::{self, Board, Variant};
use trainer::plan::code::{Code, PAIRS, pair_name};
use trainer::plan::{Build, Features, Loading};

use super::code_size::code_bytes;

/// A dense layer is in every program: one without any part that runs layers is no program to
/// measure by.
const DENSE: Feature = Feature::DenseRows;

/// Parts that are one convolution each, and work alone.
const CONVOLUTIONS: [Feature; 5] = [
    Feature::Direct,
    Feature::DirectInPlace,
    Feature::DirectPaired,
    Feature::DirectVector,
    Feature::SingleChannel,
];

/// Sizes of Winograd's tiles, and how weights come to them: a program needs one of each, so none
/// can be measured alone.
const TILES: [Feature; 2] = [Feature::WinogradF2, Feature::WinogradF4];
const WEIGHTS: [Feature; 2] = [Feature::WinogradStored, Feature::WinogradOnTheFly];

/// Links all the programs it takes.
pub fn measure(board: Board, build: Build, loading: Loading) -> Code {
    let linker = Linker::new(board, build, loading);
    let mut code = linker.winograd();
    for feature in CONVOLUTIONS {
        code.parts.insert(feature.name().to_owned(), linker.convolution(&[feature]));
    }
    for feature in Feature::ALL {
        code.parts
            .entry(feature.name().to_owned())
            .or_insert_with(|| linker.beside_a_convolution(feature));
    }
    code.base = linker.base(&code);
    for pair in PAIRS {
        if !code.pairs.contains_key(&pair_name(pair)) {
            let together = linker.together(pair, &code);
            code.pairs.insert(pair_name(pair), together);
        }
    }
    let (all, predicted) = (linker.linked(&Feature::ALL), code.bytes(Features::all()));
    println!(
        "  code, {loading:?}: {} bytes at least; all parts {all}, predicted {predicted}",
        code.base
    );
    code
}

/// Bytes that every model needs, where the parts take what `code` says.
pub fn measure_base(board: Board, build: Build, loading: Loading, code: &Code) -> usize {
    Linker::new(board, build, loading).base(code)
}

/// Puts what Winograd's parts add into `code`, with the pairs of them that depend on each other.
pub fn measure_winograd(board: Board, build: Build, loading: Loading, code: &mut Code) {
    let winograd = Linker::new(board, build, loading).winograd();
    code.parts.extend(winograd.parts);
    code.pairs.extend(winograd.pairs);
}

/// What parts add that share no code with others, by their names.
pub fn measure_parts(
    board: Board,
    build: Build,
    loading: Loading,
    parts: &[Feature],
) -> BTreeMap<String, i32> {
    let is_convolution = |part: &Feature| CONVOLUTIONS.contains(part);
    let linker = match parts.iter().any(is_convolution) {
        true => Linker::new(board, build, loading),
        false => Linker { board, build, loading, dense: 0, common: 0 },
    };
    let bytes = |part: &Feature| match is_convolution(part) {
        true => linker.convolution(&[*part]),
        false => linker.beside_a_convolution(*part),
    };
    parts.iter().map(|part| (part.name().to_owned(), bytes(part))).collect()
}

/// What the pairs of these names that are not of Winograd's tiles add, or save, as pairs, where the
/// parts take what `code` says.
pub fn measure_pairs(
    board: Board,
    build: Build,
    loading: Loading,
    code: &Code,
    names: &[String],
) -> BTreeMap<String, i32> {
    let linker = Linker { board, build, loading, dense: 0, common: 0 };
    let asked = PAIRS.into_iter().filter(|pair| names.contains(&pair_name(*pair)));
    asked.map(|pair| (pair_name(pair), linker.together(pair, code))).collect()
}

/// How programs are linked, and two sizes that others are compared with.
struct Linker {
    board: Board,
    build: Build,
    loading: Loading,
    /// Bytes without a convolution.
    dense: i32,
    /// What convolutions have in common, bytes: the direct ones, of which one makes lists of pixels
    /// and the other does not.
    common: i32,
}

impl Linker {
    fn new(board: Board, build: Build, loading: Loading) -> Self {
        let mut linker = Self { board, build, loading, dense: 0, common: 0 };
        linker.dense = linker.linked(&[DENSE]);
        let [first, second] = [Feature::Direct, Feature::DirectPaired];
        let alone = linker.beside_dense(&[first]) + linker.beside_dense(&[second]);
        linker.common = alone - linker.beside_dense(&[first, second]) - linker.dense;
        linker
    }

    /// What every model needs, with what all convolutions have in common.
    fn base(&self, code: &Code) -> usize {
        (self.dense + self.common - code.parts[DENSE.name()]) as usize
    }

    /// Bytes of a part that is no convolution.
    fn beside_a_convolution(&self, feature: Feature) -> i32 {
        let dense = if feature == DENSE { Feature::DenseQuads } else { DENSE };
        let others: Vec<_> = [Feature::Direct, dense].into_iter().chain(feature.brings()).collect();
        self.linked(&[&others[..], &[feature]].concat()) - self.linked(&others)
    }

    /// What the tiles and their weights add, such that the nine sets of them that make a program
    /// come out as measured.
    ///
    /// ```text
    /// a tile T is what it has in common however its weights come, S stored and F on the fly:
    ///     T = TS + TF - TSF                        likewise both tiles, UV = UVS + UVF - UVSF
    /// the rest of TS is the way S for that tile:   S(T) = TS - T
    /// of which a part serves both tiles, U and V:  S = S(U) + S(V) - S(UV)
    /// and S(T) - S belongs to the pair of T and S
    /// ```
    fn winograd(&self) -> Code {
        let sets = [&TILES[..1], &TILES[1..], &TILES[..]];
        let with =
            |tiles: &[Feature], weights: &[Feature]| self.convolution(&[tiles, weights].concat());
        let measured = sets.map(|tiles| {
            let [stored, on_the_fly] = WEIGHTS.map(|way| with(tiles, &[way]));
            (stored + on_the_fly - with(tiles, &WEIGHTS), [stored, on_the_fly])
        });
        let mut code = Code { base: 0, parts: BTreeMap::new(), pairs: BTreeMap::new() };
        let [(first, _), (second, _), (both, _)] = measured;
        code.parts
            .extend(TILES.map(Feature::name).map(str::to_owned).into_iter().zip([first, second]));
        code.pairs.insert(pair_name(TILES), both - first - second);
        for (index, way) in WEIGHTS.into_iter().enumerate() {
            let [first, second, both] = measured.map(|(tiles, ways)| ways[index] - tiles);
            let common = first + second - both;
            code.parts.insert(way.name().to_owned(), common);
            for (tile, bytes) in TILES.into_iter().zip([first, second]) {
                code.pairs.insert(pair_name([tile, way]), bytes - common);
            }
        }
        code
    }

    /// Bytes by which a program with both parts of a pair is larger than `code` says.
    fn together(&self, pair: [Feature; 2], code: &Code) -> i32 {
        let convolution = if TILES.contains(&pair[0]) { WEIGHTS[0] } else { Feature::Direct };
        let set = if CONVOLUTIONS.contains(&pair[0]) {
            &pair[..]
        } else {
            &[convolution, pair[0], pair[1]]
        };
        let known = code.pairs.get(&pair_name(pair)).copied().unwrap_or_default();
        self.beside_dense(set) - (code.bytes(Self::features(set)) as i32 - known)
    }

    /// Bytes that parts add which are a convolution together, without what all have in common.
    fn convolution(&self, parts: &[Feature]) -> i32 {
        self.beside_dense(parts) - self.dense - self.common
    }

    /// Bytes of the program with these parts.
    fn beside_dense(&self, parts: &[Feature]) -> i32 {
        self.linked(&[parts, &[DENSE]].concat())
    }

    /// The parts of that program.
    fn features(parts: &[Feature]) -> Features {
        Features::from_iter(parts.iter().copied().chain([DENSE]))
    }

    fn linked(&self, parts: &[Feature]) -> i32 {
        let features = Features::from_iter(parts.iter().copied());
        let variant = Variant { build: self.build, features };
        let program = firmware::bare_program(self.board, variant, self.loading);
        code_bytes(&fs::read(program).expect("the program that was built")).expect("an ELF file")
            as i32
    }
}
