//! What others need for the same work, each figure with its source: known for MNIST alone.

use infer::Model;
use sha2::{Digest, Sha256};

use super::value::Count;
use crate::data::Dataset;
use crate::metrics::{ClassResults, Results};
use crate::network::Network;
use crate::plain_model::{Choices, PlainModel};
use crate::plan::{Build, Core, Costs, Loading, Plan};
use crate::preset::Preset;

/// This model beside others.
pub struct Peers {
    /// Whether this model's layers are those that the others' figures are for.
    pub same_network: bool,
    /// What is compared.
    pub measures: Vec<Measure>,
    /// Where the others' figures come from.
    pub sources: Vec<&'static str>,
}

/// One figure of everybody.
pub struct Measure {
    /// What it is, and its unit. Less is better.
    pub name: &'static str,
    /// This model first.
    pub bars: Vec<Bar>,
}

/// One figure of one of them.
pub struct Bar {
    /// Whose.
    pub who: String,
    /// The figure.
    pub value: Count,
    /// Part of the largest figure, percent.
    pub width: f64,
    /// Number of the source, from 1; none for this model.
    pub source: Option<usize>,
}

/// A published or measured figure: whose, how much, and the place in [`SOURCES`], from 1.
type Known = (&'static str, usize, usize);

/// Wrong answers among MNIST's 10,000 test images.
const MISTAKES: [Known; 2] =
    [("the tutorial's own log", 132, 1), ("Keras 3, 10 epochs, best run", 130, 2)];

/// Bytes of parameters, or of the file that holds them.
const PARAMETER_BYTES: [Known; 3] = [
    ("CMSIS-NN 7.0, parameters", 100_896, 3),
    ("embedded-nn 0.2, about", 112_000, 4),
    ("TFLite int8 file", 123_000, 2),
];

/// Working memory, bytes.
const RAM_BYTES: [Known; 2] = [("CMSIS-NN 7.0", 27_040, 3), ("embedded-nn 0.2", 27_824, 4)];

/// Instructions of one run on a Cortex-M4.
const INSTRUCTIONS: [Known; 4] = [
    ("CMSIS-NN 7.0, input cropped by hand", 3_520_000, 3),
    ("CMSIS-NN 7.0", 6_500_000, 3),
    ("embedded-nn 0.2, inlined", 15_200_000, 4),
    ("embedded-nn 0.2, as shipped", 53_700_000, 4),
];

const SOURCES: [&str; 4] = [
    "The Keras tutorial's printed log: 98.68 % on MNIST's test set; it begins at 99.40 % training \
        accuracy, so it took about 20 epochs.",
    "Keras 3 with TensorFlow 2.19 on two cores, the tutorial's 10 epochs: 98.3 to 98.7 % over \
        several runs, the best one shown. TensorFlow Lite's int8 file loses 0.02 points.",
    "CMSIS-NN 7.0 (commit 99f736a6 of 15 July 2026), the fastest of gcc and clang 19 at -O3 with \
        CMSIS_NN_USE_REQUANTIZE_INLINE_ASSEMBLY and OPTIONAL_RESTRICT_KEYWORD=__restrict, the \
        tutorial's network; instructions counted in QEMU, not cycles. It computes the outputs \
        that pooling drops, unless the input is cropped by hand to the 22x22 pixels that are \
        read.",
    "embedded-nn 0.2, code generated for the tutorial's network, counted in the same emulator; \
        'inlined' with LLVM's inline threshold raised to 2000.",
];

/// SHA-256 of the pixels of MNIST's test images, one after the other.
const MNIST_TEST_PIXELS: &str = "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161";

impl Peers {
    /// This model beside the others; `None` when it was tested on anything but MNIST, for which no
    /// figures of others are known.
    pub fn of(
        model: &Model<'_>,
        network: &Network,
        results: &Results,
        test: &Dataset,
    ) -> Option<Self> {
        match results {
            Results::Classes(of) => is_mnist(test).then(|| Self::on_mnist(model, network, of)),
            Results::Values(_) | Results::Inputs(_) | Results::Alike(_) => None,
        }
    }

    fn on_mnist(model: &Model<'_>, network: &Network, results: &ClassResults) -> Self {
        let same_network = Preset::load("tutorial")
            .is_ok_and(|tutorial| tutorial.network.layers == network.layers);
        let mistakes = (1.0 - results.int8_test_accuracy) * 10_000.0;
        let measures = vec![
            measure("Wrong answers per 10,000 test images", mistakes.round() as usize, &MISTAKES),
            measure("Model in flash, bytes", model.file_bytes(), &PARAMETER_BYTES),
            measure("Working RAM without the image, bytes", model.arena_bytes(), &RAM_BYTES),
            measure(
                "Instructions on a Cortex-M4, predicted for this model",
                instructions(model),
                &INSTRUCTIONS,
            ),
        ];
        Self { same_network, measures, sources: SOURCES.to_vec() }
    }
}

fn is_mnist(test: &Dataset) -> bool {
    let digest = Sha256::digest(&test.pixels);
    digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>() == MNIST_TEST_PIXELS
}

/// Predicted for a Cortex-M4, from costs measured in the emulator.
fn instructions(model: &Model<'_>) -> usize {
    let plan = Plan::new(
        &PlainModel::of(model),
        &Costs::of(Core::M4, Build::Fast),
        Build::Fast,
        Loading::OnChip,
        Choices::of(model),
    );
    plan.expect("the plan of a model that was loaded").instructions.round() as usize
}

fn measure(name: &'static str, ours: usize, known: &[Known]) -> Measure {
    let most = known.iter().map(|(_, value, _)| *value).fold(ours, usize::max).max(1);
    let bar = |who: &str, value: usize, source| Bar {
        who: who.to_owned(),
        value: Count(value),
        width: (value as f64 * 1000.0 / most as f64).round() / 10.0,
        source,
    };
    let others = known.iter().map(|(who, value, source)| bar(who, *value, Some(*source)));
    Measure { name, bars: std::iter::once(bar("this model", ours, None)).chain(others).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataDir;

    #[test]
    fn mnist_is_told_from_other_sets_of_its_size() {
        let mut test = DataDir::load(&DataDir::default_path()).unwrap().test;
        assert!(is_mnist(&test));
        test.pixels[0] ^= 1;
        assert!(!is_mnist(&test));
    }

    #[test]
    fn the_longest_bar_is_the_largest_figure() {
        let measure = measure("", 5, &[("other", 20, 1), ("third", 10, 1)]);
        let widths: Vec<_> = measure.bars.iter().map(|bar| bar.width).collect();
        assert_eq!(widths, [25.0, 100.0, 50.0]);
    }

    #[test]
    fn every_figure_has_a_source() {
        let known = [MISTAKES.as_slice(), &PARAMETER_BYTES, &RAM_BYTES, &INSTRUCTIONS].concat();
        assert!(known.iter().all(|(_, _, source)| (1..=SOURCES.len()).contains(source)));
    }
}
