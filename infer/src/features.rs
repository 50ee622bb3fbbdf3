//! The parts of this crate that firmware short of flash can leave out: each is a Cargo feature, and
//! all are on by default.
//!
//! A model that needs a part that is not in the build is refused when it is loaded, and told which
//! ([`LayerProblem::NotBuilt`](crate::LayerProblem::NotBuilt)). `trainer plan` counts the code of
//! the parts that a plan needs, and prints their names for `Cargo.toml`. Which layer needs which is
//! told by its operator, and what the graph needs by the network.

/// Makes the enum of parts, and what is asked of each: of those below, and of the operators that
/// are parts.
macro_rules! features {
    (
        parts: $($(#[doc = $doc:literal])+ $feature:ident = $name:literal;)+
        operators: $($operator:ident = $part:literal $(brings $brought:ident)?;)+
    ) => {
        /// A part of this crate.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        // As large as an output channel: so a problem with a layer stays in two registers, and code
        // that hands it on stays small.
        #[repr(u16)]
        #[non_exhaustive]
        pub enum Feature {
            $($(#[doc = $doc])+ $feature,)+
            $(#[doc = concat!("The operator `", stringify!($operator), "`.")]
            $operator,)+
        }

        impl Feature {
            /// All of them.
            pub const ALL: [Self; [$($name,)+ $($part),+].len()] =
                [$(Self::$feature,)+ $(Self::$operator),+];

            /// Whether an operator is in this build that
            /// [reduces](crate::ops::Operator::reduces) its input.
            pub(crate) const REDUCES: bool = Self::AveragePool.is_built();

            /// Its name in `Cargo.toml`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$feature => $name,)+
                    $(Self::$operator => $part,)+
                }
            }

            /// The part that its Cargo feature brings along: an operator of two inputs is part of
            /// no chain, and one that reduces takes rows as they come.
            pub const fn brings(self) -> Option<Self> {
                match self {
                    $($(Self::$operator => Some(Self::$brought),)?)+
                    _ => None,
                }
            }

            /// Whether it is in this build.
            #[inline(always)]
            pub const fn is_built(self) -> bool {
                match self {
                    $(Self::$feature => cfg!(feature = $name),)+
                    $(Self::$operator => cfg!(feature = $part),)+
                }
            }

            /// Itself, where it is not in this build.
            #[inline(always)]
            pub(crate) const fn left_out(self) -> Option<Self> {
                if self.is_built() { None } else { Some(self) }
            }
        }
    };
}

/// The parts that are no operators, and the operators that are parts; `Cargo.toml` has the same
/// names.
macro_rules! with_operators {
    ($(
        $(#[doc = $doc:literal])+
        $operator:ident$(<$numbers:lifetime>)?: $module:ident, $record:ident
            $(, part $part:literal $(brings $brought:ident)?)?;
    )+) => {
        features! {
            parts:
            /// [`Algorithm::Direct`](crate::format::Algorithm::Direct).
            Direct = "direct";
            /// [`Algorithm::DirectInPlace`](crate::format::Algorithm::DirectInPlace).
            DirectInPlace = "direct-in-place";
            /// [`Algorithm::DirectPaired`](crate::format::Algorithm::DirectPaired).
            DirectPaired = "direct-paired";
            /// [`Algorithm::DirectVector`](crate::format::Algorithm::DirectVector).
            DirectVector = "direct-vector";
            /// [`Algorithm::SingleChannel`](crate::format::Algorithm::SingleChannel).
            SingleChannel = "single-channel";
            /// Winograd's F(2x2, 3x3).
            WinogradF2 = "winograd-f2";
            /// Winograd's F(4x4, 3x3).
            WinogradF4 = "winograd-f4";
            /// Winograd with weights that are stored transformed.
            WinogradStored = "winograd-stored";
            /// Winograd with weights that are transformed when it runs.
            WinogradOnTheFly = "winograd-on-the-fly";
            /// Winograd's loops for a single tile: maps with an odd number of tiles.
            WinogradSingleTile = "winograd-single-tile";
            /// [`Algorithm::DirectInPlace`](crate::format::Algorithm::DirectInPlace),
            /// [`Algorithm::DirectPaired`](crate::format::Algorithm::DirectPaired) and
            /// [`Algorithm::DirectVector`](crate::format::Algorithm::DirectVector) without pooling:
            /// they compute four pixels of a row at once.
            Unpooled = "unpooled";
            /// Padding in [`Algorithm::SingleChannel`](crate::format::Algorithm::SingleChannel) and
            /// Winograd's algorithms, and Winograd's tiles that the map's end or the pooling cuts.
            Edges = "edges";
            /// [`DenseAlgorithm::Rows`](crate::format::DenseAlgorithm::Rows).
            DenseRows = "dense-rows";
            /// [`DenseAlgorithm::Quads`](crate::format::DenseAlgorithm::Quads).
            DenseQuads = "dense-quads";
            /// [`DenseAlgorithm::QuadsWide`](crate::format::DenseAlgorithm::QuadsWide).
            DenseQuadsWide = "dense-quads-wide";
            /// [`DenseAlgorithm::QuadsPaired`](crate::format::DenseAlgorithm::QuadsPaired).
            DenseQuadsPaired = "dense-quads-paired";
            /// [`Rounding::Twice`](crate::quant::Rounding::Twice): models from TensorFlow Lite.
            TwoRoundings = "two-roundings";
            /// Convolutions whose taps lie apart.
            Dilation = "dilation";
            /// [`Algorithm::DirectPairedWide`](crate::format::Algorithm::DirectPairedWide), beside
            /// [`Algorithm::DirectPaired`](crate::format::Algorithm::DirectPaired).
            PairedWide = "paired-wide";
            /// [`WeightBits::Four`](crate::packing::WeightBits::Four): weights of four bits.
            Int4 = "int4";
            /// Tensors of which only some rows are held at once.
            HeldRows = "held-rows";
            /// Layers that read other tensors than that of the layer before them.
            Branches = "branches";
            operators:
            $($($operator = $part $(brings $brought)?;)?)+
        }
    };
}

list_of_operators!(with_operators);
