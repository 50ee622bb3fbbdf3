//! A run as lines of JSON, for other tools: one line per epoch, and one when the model is written.
//!
//! ```json
//! {"event":"epoch","epochs":20,"epoch":1,"loss":0.31,"accuracy":0.9,…,"seconds":4.2}
//! {"event":"finished","model":"out/model.kndl","preset":"standard","seed":0,…}
//! ```

use std::path::Path;

use serde::Serialize;

use crate::metrics::{EpochMetrics, Metrics};

/// What a line tells.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'e> {
    /// An epoch is over.
    Epoch {
        /// Epochs of the run.
        epochs: usize,
        /// How it went.
        #[serde(flatten)]
        epoch: EpochMetrics,
    },
    /// The run is over and its files are written.
    Finished {
        /// The model file.
        model: &'e Path,
        /// What `metrics.json` holds.
        #[serde(flatten)]
        metrics: &'e Metrics,
    },
}

impl Event<'_> {
    /// The event as one line, its end included.
    pub fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("numbers and text serialise");
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_one_line() {
        let epoch = EpochMetrics {
            epoch: 1,
            loss: 0.5,
            accuracy: Some(0.75),
            held_out_loss: None,
            held_out_accuracy: None,
            seconds: 2.0,
        };
        assert_eq!(
            Event::Epoch { epochs: 3, epoch }.line(),
            "{\"event\":\"epoch\",\"epochs\":3,\"epoch\":1,\"loss\":0.5,\"accuracy\":0.75,\
             \"held_out_loss\":null,\"held_out_accuracy\":null,\"seconds\":2.0}\n"
        );
    }
}
