//! A training run as it goes: a bar on a terminal, one line per epoch on standard output.

use std::io::{self, IsTerminal};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::number::{clock, percent};
use crate::train::{BatchReport, EpochReport, Observer};

const TEMPLATE: &str = "{prefix} [{wide_bar}] {msg}";

/// Follows a run. The bar lives on standard error and only on a terminal, so that redirected output holds lines alone.
pub struct Progress<Stop> {
    bar: Option<ProgressBar>,
    lines: bool,
    begun: Instant,
    stop: Stop,
}

impl<Stop: Fn() -> bool> Progress<Stop> {
    /// Progress that shows nothing if `quiet`; `stop` says whether the run should end.
    pub fn new(quiet: bool, stop: Stop) -> Self {
        let bar = (!quiet && io::stderr().is_terminal()).then(new_bar);
        Self { bar, lines: !quiet, begun: Instant::now(), stop }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn new_bar() -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).expect("a valid template").progress_chars("█▉▊▋▌▍▎▏ ");
    ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
        .with_style(style)
        .with_prefix("starting")
}

/// A bar for `all` things of which some are done; nothing where standard error is no terminal.
pub fn counting_bar(all: usize) -> ProgressBar {
    let template = "{pos}/{len} [{wide_bar}] {msg}  {eta} left";
    let style = ProgressStyle::with_template(template).expect("a valid template").progress_chars("█▉▊▋▌▍▎▏ ");
    ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr()).with_style(style)
}

impl<Stop: Fn() -> bool> Observer for Progress<Stop> {
    fn batch(&mut self, report: &BatchReport) {
        let Some(bar) = &self.bar else { return };
        bar.set_length(report.batches as u64);
        bar.set_prefix(format!("epoch {}/{}", report.epoch, report.epochs));
        bar.set_message(batch_message(report, self.begun.elapsed().as_secs_f64()));
        bar.set_position(report.batch as u64);
    }

    fn epoch(&mut self, report: &EpochReport) {
        if !self.lines {
            return;
        }
        // A log that cannot be written is no reason to lose the run.
        let print = || drop(super::print(&epoch_line(report)));
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn stop(&self) -> bool {
        (self.stop)()
    }
}

fn batch_message(report: &BatchReport, elapsed_seconds: f64) -> String {
    let done = ((report.epoch - 1) * report.batches + report.batch) as f64;
    let left = (report.epochs * report.batches) as f64 - done;
    format!(
        "loss {:.4}  accuracy {:>8}  {:>6.0} images/s  {} left",
        report.loss,
        percent(report.accuracy),
        report.images_per_second,
        clock(elapsed_seconds / done * left)
    )
}

fn epoch_line(report: &EpochReport) -> String {
    let width = report.epochs.to_string().len();
    let held_out = match report.held_out_accuracy {
        Some(accuracy) => format!("  held-out {:>8}", percent(accuracy)),
        None => String::new(),
    };
    format!(
        "epoch {:>width$}/{}  loss {:.4}  accuracy {:>8}{held_out}  {:.1} s\n",
        report.epoch,
        report.epochs,
        report.loss,
        percent(report.accuracy),
        report.seconds
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_is_one_line() {
        let mut report = EpochReport {
            epoch: 3,
            epochs: 10,
            loss: 0.04123,
            accuracy: 0.98712,
            held_out_accuracy: Some(0.9862),
            seconds: 4.06,
        };
        let expected = "epoch  3/10  loss 0.0412  accuracy  98.71 %  held-out  98.62 %  4.1 s\n";
        assert_eq!(epoch_line(&report), expected);
        report.held_out_accuracy = None;
        assert_eq!(epoch_line(&report), "epoch  3/10  loss 0.0412  accuracy  98.71 %  4.1 s\n");
    }

    #[test]
    fn time_left_follows_from_the_batches_done() {
        let report = BatchReport {
            epoch: 2,
            epochs: 3,
            batch: 50,
            batches: 100,
            loss: 0.5,
            accuracy: 0.9,
            images_per_second: 12345.6,
        };
        // 150 of 300 batches took 90 seconds.
        let expected = "loss 0.5000  accuracy  90.00 %   12346 images/s  1:30 left";
        assert_eq!(batch_message(&report, 90.0), expected);
    }
}
