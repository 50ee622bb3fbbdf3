//! What the list of operators makes: an enum of each form, which calls the operator it holds.

/// Calls the operator that an enum of the list holds.
macro_rules! call {
    ([$($Operator:ident)+] $value:expr, $operator:ident => $result:expr) => {
        match $value { $(Self::$Operator($operator) => $result),+ }
    };
}

/// Calls the operator in a layer of a model; a convolution whose taps lie apart is a convolution.
macro_rules! call_running {
    ([$($Operator:ident)+] $value:expr, $operator:ident => $result:expr) => {
        match $value {
            $(infer::LayerKind::$Operator($operator) => $result,)+
            infer::LayerKind::Dilated(dilated) => {
                let $operator = dilated.conv();
                $result
            }
            // The list is as long as that of `infer`: see below.
            other => unreachable!("{:?} is not in the list", other.kind()),
        }
    };
}

macro_rules! operators {
    (
        operators: $($Operator:ident: $module:ident),+;
        imported: $($Imported:ident: $imported:ident),+;
        layers: $($name:literal $Layer:ident: $layer:ty),+;
    ) => {
        $(pub mod $module;)+
        $(pub mod $imported;)+

        // Nothing compiles until every operator of `infer` is in the list; a convolution whose taps
        // lie apart is in its line of convolutions.
        const _: () = {
            use infer::ops::Kind;
            let listed = [$(Kind::$Operator,)+ $(Kind::$Imported,)+ Kind::Dilated];
            assert!(listed.len() == Kind::ALL.len(), "an operator of infer is not in this list");
        };

        /// What a layer of a description does.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "type")]
        pub enum LayerKind {
            $(#[doc = concat!("A layer of the type `", $name, "`.")]
            #[serde(rename = $name)]
            $Layer($layer),)+
        }

        /// An operator whose shapes are known.
        #[derive(Clone, Debug, PartialEq)]
        pub enum StageKind {
            $(#[doc = concat!("See [`", stringify!($module), "`](mod@",
                stringify!($module), ").")]
            $Operator($module::$Operator),)+
        }

        /// An operator on float maps.
        #[derive(Clone, Debug)]
        pub enum FloatKind {
            $(#[doc = concat!("See [`", stringify!($module), "::Float`].")]
            $Operator($module::Float),)+
        }

        /// An operator in integers.
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub enum PlainKind {
            $(#[doc = concat!("See [`", stringify!($module), "::Plain`].")]
            $Operator($module::Plain),)+
            $(#[doc = concat!("See [`", stringify!($imported), "::Plain`].")]
            $Imported($imported::Plain),)+
        }

        /// How an operator is computed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Choice {
            $(#[doc = concat!("See [`", stringify!($module), "::Algorithm`].")]
            $Operator($module::Algorithm),)+
            $(#[doc = concat!("See [`", stringify!($imported), "::Algorithm`].")]
            $Imported($imported::Algorithm),)+
        }

        /// The types of layers.
        pub const TYPES: &[&str] = &[$(<$layer as Description>::TYPE),+];

        /// The same, with what their keys may hold.
        pub const LAYERS: &[(&str, &[(&str, Values)])] =
            &[$((<$layer as Description>::TYPE, <$layer as Description>::KEYS)),+];

        /// How many layers each type reads, and whether it may read more.
        pub const READ: &[(&str, usize, bool)] = &[$((
            <$layer as Description>::TYPE,
            <$layer as Description>::INPUTS,
            <$layer as Description>::MORE_INPUTS,
        )),+];

        impl LayerKind {
            /// Begins the name of a layer that has none, and whether a number follows.
            pub fn name(&self) -> (&'static str, bool) {
                match self {
                    $(Self::$Layer(_) => named::<$layer>(),)+
                }
            }

            /// See [`Description::lower`].
            ///
            /// # Errors
            /// Sizes that make no operator.
            pub fn lower(&self, inputs: [Shape; INPUTS_MAX]) -> Result<Lowered, Problem> {
                call!([$($Layer)+] self, layer => layer.lower(inputs))
            }

            /// See [`Description::activation`].
            pub fn activation(&self) -> Option<Activation> {
                call!([$($Layer)+] self, layer => layer.activation())
            }

            /// See [`Description::weight_bits`].
            pub fn weight_bits(&self) -> WeightBits {
                call!([$($Layer)+] self, layer => layer.weight_bits())
            }

            /// See [`Description::INPUTS`] and [`Description::MORE_INPUTS`].
            pub const fn inputs(&self) -> (usize, bool) {
                match self {
                    $(Self::$Layer(_) => {
                        (<$layer as Description>::INPUTS, <$layer as Description>::MORE_INPUTS)
                    })+
                }
            }
        }

        impl Operator for StageKind {
            fn input(&self, input: usize) -> Shape {
                call!([$($Operator)+] self, operator => operator.input(input))
            }

            fn output(&self) -> Shape {
                call!([$($Operator)+] self, operator => operator.output())
            }

            fn weights(&self) -> Option<WeightShape> {
                call!([$($Operator)+] self, operator => operator.weights())
            }

            fn macs(&self) -> u64 {
                call!([$($Operator)+] self, operator => operator.macs())
            }

            fn windows(&self, input: usize) -> Option<[Window; 2]> {
                call!([$($Operator)+] self, operator => operator.windows(input))
            }

            fn take_in(&mut self, next: &StageKind) -> bool {
                call!([$($Operator)+] self, operator => operator.take_in(next))
            }

            fn rectifier(&self) -> Rectifier {
                call!([$($Operator)+] self, operator => operator.rectifier())
            }

            fn rectify(&mut self, rectifier: Rectifier) -> bool {
                call!([$($Operator)+] self, operator => operator.rectify(rectifier))
            }

            fn commutes_with_relu(&self) -> bool {
                call!([$($Operator)+] self, operator => operator.commutes_with_relu())
            }

            fn output_scale(&self) -> OutputScale {
                call!([$($Operator)+] self, operator => operator.output_scale())
            }

            fn has_int4(&self) -> bool {
                call!([$($Operator)+] self, operator => operator.has_int4())
            }

            fn float(&self, part: &Part) -> FloatKind {
                call!([$($Operator)+] self, operator => operator.float(part))
            }

            fn plain(&self, part: &Part, scales: &Scales) -> PlainKind {
                call!([$($Operator)+] self, operator => operator.plain(part, scales))
            }

            fn table(&self, scales: &Scales) -> Option<Vec<i8>> {
                call!([$($Operator)+] self, operator => operator.table(scales))
            }

            fn oracle(
                &self,
                maps: &[Tensor<4>],
                parameters: &mut dyn FnMut() -> BurnParameters,
            ) -> Tensor<4> {
                call!([$($Operator)+] self, operator => operator.oracle(maps, parameters))
            }
        }

        impl FloatOperator for FloatKind {
            fn output(&self) -> Shape {
                call!([$($Operator)+] self, operator => operator.output())
            }

            fn weights(&self) -> Option<(usize, usize)> {
                call!([$($Operator)+] self, operator => operator.weights())
            }

            fn for_map_gradient(&self, weights: Weights) -> Weights {
                call!([$($Operator)+] self, operator => operator.for_map_gradient(weights))
            }

            fn relu(&self) -> bool {
                call!([$($Operator)+] self, operator => operator.relu())
            }

            fn normalise(&mut self) {
                call!([$($Operator)+] self, operator => operator.normalise())
            }

            fn normalised(&self) -> bool {
                call!([$($Operator)+] self, operator => operator.normalised())
            }

            fn buffers(&self, images: usize) -> Buffers {
                call!([$($Operator)+] self, operator => operator.buffers(images))
            }

            fn forward(&self, pass: &mut Pass<'_>, inputs: Inputs<'_>, output: &mut [f32]) {
                call!([$($Operator)+] self, operator => operator.forward(pass, inputs, output))
            }

            fn writes_gradients(&self) -> bool {
                call!([$($Operator)+] self, operator => operator.writes_gradients())
            }

            fn backward(
                &self,
                pass: &mut Pass<'_>,
                inputs: Inputs<'_>,
                output_gradient: &[f32],
                gradient: &mut Gradient,
                input_gradients: InputGradients<'_>,
            ) {
                call!([$($Operator)+] self, operator => {
                    operator.backward(pass, inputs, output_gradient, gradient, input_gradients)
                })
            }
        }

        impl PlainKind {
            /// All ways there are to compute it, whether they fit or not; the direct one first.
            pub fn choices(&self) -> Vec<Choice> {
                match self {
                    $(Self::$Operator(_) => {
                        $module::Plain::algorithms().into_iter().map(Choice::$Operator).collect()
                    })+
                    $(Self::$Imported(_) => {
                        $imported::Plain::algorithms().into_iter().map(Choice::$Imported).collect()
                    })+
                }
            }

            /// See [`PlainOperator::runs_by_rows`].
            pub fn runs_by_rows(&self) -> bool {
                call!([$($Operator)+ $($Imported)+] self, operator => operator.runs_by_rows())
            }

            /// See [`PlainOperator::mixing`].
            pub fn mixing(&self, input: Shape, output: Shape) -> Mixing {
                call!([$($Operator)+ $($Imported)+] self, operator => {
                    operator.mixing(input, output)
                })
            }

            /// See [`PlainOperator::record`]; a choice for another operator counts as the direct
            /// one.
            pub fn record(&self, inputs: &[u8], choice: Choice) -> OperatorRecord {
                match (self, choice) {
                    $((Self::$Operator(operator), Choice::$Operator(algorithm)) => {
                        operator.record(inputs, algorithm)
                    })+
                    $((Self::$Imported(operator), Choice::$Imported(algorithm)) => {
                        operator.record(inputs, algorithm)
                    })+
                    $((Self::$Operator(operator), _) => {
                        operator.record(inputs, $module::Plain::algorithms()[0])
                    })+
                    $((Self::$Imported(operator), _) => {
                        operator.record(inputs, $imported::Plain::algorithms()[0])
                    })+
                }
            }
        }

        impl Choice {
            /// Every way to compute every operator.
            pub fn all() -> Vec<Self> {
                let mut all = vec![];
                $(all.extend($module::Plain::algorithms().into_iter().map(Self::$Operator));)+
                $(all.extend($imported::Plain::algorithms().into_iter().map(Self::$Imported));)+
                all
            }

            /// Name, for people.
            pub fn name(self) -> String {
                call!([$($Operator)+ $($Imported)+] self, algorithm => algorithm.name())
            }

            /// Name of its formula in the cost files.
            pub fn formula(self) -> String {
                call!([$($Operator)+ $($Imported)+] self, algorithm => algorithm.formula())
            }

            /// See [`Algorithm::cases`].
            pub fn cases(self) -> &'static [&'static str] {
                call!([$($Operator)+ $($Imported)+] self, algorithm => algorithm.cases())
            }

            /// See [`Algorithm::weight_bits`].
            pub fn weight_bits(self) -> WeightBits {
                call!([$($Operator)+ $($Imported)+] self, algorithm => algorithm.weight_bits())
            }

            /// See [`Algorithm::loop_term`].
            pub fn loop_term(self) -> Option<&'static str> {
                call!([$($Operator)+ $($Imported)+] self, algorithm => algorithm.loop_term())
            }
        }

        impl Running for infer::LayerKind<'_> {
            fn choice(&self) -> Choice {
                call_running!([$($Operator)+ $($Imported)+] self, operator => operator.choice())
            }

            fn plain(&self) -> PlainKind {
                call_running!(
                    [$($Operator)+ $($Imported)+] self, operator => Running::plain(operator)
                )
            }

            fn channels(&self) -> Vec<ChannelParameters> {
                call_running!(
                    [$($Operator)+ $($Imported)+] self, operator => Running::channels(operator)
                )
            }

            fn weights(&self) -> Vec<i8> {
                call_running!(
                    [$($Operator)+ $($Imported)+] self, operator => Running::weights(operator)
                )
            }

            fn pack(&self, channels: &[u8], weights: &[i8]) -> Result<Vec<u8>, LayerProblem> {
                call_running!([$($Operator)+ $($Imported)+] self, operator => {
                    operator.pack(channels, weights)
                })
            }

            fn case(&self) -> &'static str {
                call_running!([$($Operator)+ $($Imported)+] self, operator => operator.case())
            }

            fn terms(&self) -> Vec<Term> {
                call_running!([$($Operator)+ $($Imported)+] self, operator => operator.terms())
            }

            fn describe(&self) -> String {
                call_running!([$($Operator)+ $($Imported)+] self, operator => operator.describe())
            }
        }
    };
}
