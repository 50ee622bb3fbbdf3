//! Cycles that others published for the same networks.

use trainer::plan::cycles::Processor;

/// What an engine takes for each of [`NETWORKS`] on a processor.
pub struct Published {
    /// The engine, and the round of results.
    pub engine: &'static str,
    /// Where it was measured.
    pub processor: Processor,
    /// Board, and its clock.
    pub board: &'static str,
    /// Millions of cycles: the clock divided by the throughput.
    pub millions: [f64; 4],
}

/// The networks that rounds 1.1 to 1.3 have.
pub const NETWORKS: [&str; 4] = ["kws", "ic", "vww", "ad"];

/// Results of the closed division, in which nobody changes the networks.
pub const ALL: [Published; 5] = [
    Published {
        engine: "X-CUBE-AI 9.0 (1.2)",
        processor: Processor::M4,
        board: L4R5,
        millions: [5.18, 19.8, 10.7, 0.631],
    },
    Published {
        engine: "X-CUBE-AI 10.2 (1.3)",
        processor: Processor::M4,
        board: L4R5,
        millions: [5.21, 19.9, 10.7, 0.575],
    },
    Published {
        engine: "Plumerai 2023.05 (1.1)",
        processor: Processor::M4,
        board: L4R5,
        millions: [5.73, 20.1, 11.9, 0.486],
    },
    Published {
        engine: "Bosch HALE 1.0.175 (1.2)",
        processor: Processor::M4,
        board: L4R5,
        millions: [7.22, 21.7, 21.7, 0.700],
    },
    Published {
        engine: "Bosch HALE (1.2)",
        processor: Processor::M0Plus,
        board: "Nucleo-G0B1RE, 64 MHz",
        millions: [30.4, 97.4, 90.5, 2.62],
    },
];

const L4R5: &str = "Nucleo-L4R5ZI, 120 MHz";

/// The fewest cycles that were published for a network on a processor.
pub fn best(network: &str, processor: Processor) -> Option<f64> {
    let index = NETWORKS.iter().position(|name| *name == network)?;
    let on = ALL.iter().filter(|of| of.processor == processor);
    on.map(|of| 1e6 * of.millions[index]).reduce(f64::min)
}
