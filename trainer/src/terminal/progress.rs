//! A training run as it goes: a bar on a terminal, one line per epoch on standard output.

use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::number::{clock, percent};
use super::sparkline::Sparkline;
use crate::events::Event;
use crate::report::value::Real;
use crate::train::{BatchReport, EpochReport, Observer};

const TEMPLATE: &str = "{prefix} [{wide_bar}] {msg}";

/// What standard output holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Nothing; and there is no bar.
    Quiet,
    /// Text for people.
    Text,
    /// One [`Event`] per line and nothing else.
    Json,
}

/// Follows a run. The bar lives on standard error and only on a terminal, so that redirected output
/// holds lines alone.
pub struct Progress<Stop> {
    bar: Option<Bar>,
    output: Output,
    stop: Stop,
}

/// The bar and what it shows.
struct Bar {
    bar: ProgressBar,
    losses: Sparkline,
    begun: Instant,
    /// Batches of the run that were done before it was resumed.
    before: Option<usize>,
}

impl<Stop: Fn() -> bool> Progress<Stop> {
    /// Progress in one of the forms; `stop` says whether the run should end.
    pub fn new(output: Output, stop: Stop) -> Self {
        let bar = (output != Output::Quiet && io::stderr().is_terminal()).then(Bar::new);
        Self { bar, output, stop }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.bar.finish_and_clear();
        }
    }
}

/// A bar for `all` things of which some are done; nothing where standard error is no terminal.
pub fn counting_bar(all: usize) -> ProgressBar {
    let template = "{pos}/{len} [{wide_bar}] {msg}  {eta} left";
    let style = ProgressStyle::with_template(template)
        .expect("a valid template")
        .progress_chars("█▉▊▋▌▍▎▏ ");
    ProgressBar::with_draw_target(Some(all as u64), ProgressDrawTarget::stderr()).with_style(style)
}

/// Time after which steps of work are shown.
const PATIENCE: Duration = Duration::from_secs(1);

/// Time between two drawings of what goes on.
const TICK: Duration = Duration::from_millis(100);

/// Steps of work that may take long: a bar that a terminal shows once a second has passed.
pub struct Steps(ProgressBar);

impl Steps {
    /// The first of `all` steps begins.
    pub fn begin(all: u64, what: &'static str) -> Self {
        let template = "{pos}/{len} [{bar:30}] {msg}  {elapsed}";
        let style = ProgressStyle::with_template(template)
            .expect("a valid template")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        let bar = ProgressBar::with_draw_target(Some(all), ProgressDrawTarget::hidden());
        let steps = Self(bar.with_style(style));
        steps.next(what);
        let bar = steps.0.clone();
        thread::spawn(move || {
            thread::sleep(PATIENCE);
            if !bar.is_finished() {
                bar.set_draw_target(ProgressDrawTarget::stderr());
                bar.enable_steady_tick(TICK);
            }
        });
        steps
    }

    /// The next step begins.
    pub fn next(&self, what: &'static str) {
        self.0.inc(1);
        self.0.set_message(what);
    }
}

impl Drop for Steps {
    /// Takes the bar away, whatever the work came to.
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

impl<Stop: Fn() -> bool> Observer for Progress<Stop> {
    fn batch(&mut self, report: &BatchReport) {
        if let Some(bar) = &mut self.bar {
            bar.show(report);
        }
    }

    fn epoch(&mut self, report: &EpochReport) {
        let line = match self.output {
            Output::Quiet => return,
            Output::Text => epoch_line(report),
            Output::Json => Event::Epoch { epochs: report.epochs, epoch: report.into() }.line(),
        };
        // A log that cannot be written is no reason to lose the run.
        let print = || drop(super::print(&line));
        match &self.bar {
            Some(bar) => bar.bar.suspend(print),
            None => print(),
        }
    }

    fn stop(&self) -> bool {
        (self.stop)()
    }
}

impl Bar {
    fn new() -> Self {
        let style = ProgressStyle::with_template(TEMPLATE)
            .expect("a valid template")
            .progress_chars("█▉▊▋▌▍▎▏ ");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr())
            .with_style(style)
            .with_prefix("starting");
        Self { bar, losses: Sparkline::new(), begun: Instant::now(), before: None }
    }

    fn show(&mut self, report: &BatchReport) {
        self.losses.push(report.batch_loss);
        let done = (report.epoch - 1) * report.batches + report.batch;
        let before = *self.before.get_or_insert(done - 1);
        let left = report.epochs * report.batches - done;
        let seconds_left =
            self.begun.elapsed().as_secs_f64() / (done - before) as f64 * left as f64;
        self.bar.set_length(report.batches as u64);
        self.bar.set_prefix(format!("epoch {}/{}", report.epoch, report.epochs));
        self.bar.set_message(message(report, &self.losses.draw(), seconds_left));
        self.bar.set_position(report.batch as u64);
    }
}

/// As short as it can be: on a terminal of 80 columns the bar still has its place.
fn message(report: &BatchReport, losses: &str, seconds_left: f64) -> String {
    let (loss, speed) = (shown(report.loss, report.accuracy), report.images_per_second);
    let accuracy =
        report.accuracy.map_or(String::new(), |share| format!("{:>8}  ", percent(share)));
    format!("loss {loss} {losses}  {accuracy}{speed:.0} images/s  {} left", clock(seconds_left))
}

fn epoch_line(report: &EpochReport) -> String {
    let width = report.epochs.to_string().len();
    let loss = shown(report.loss, report.accuracy);
    let accuracy = report.accuracy.map(|share| format!("  accuracy {:>8}", percent(share)));
    let held_out = match (report.held_out_accuracy, report.held_out_loss) {
        (Some(share), _) => format!("  held-out {:>8}", percent(share)),
        (None, Some(loss)) => format!("  held-out loss {}", Real(loss)),
        (None, None) => String::new(),
    };
    format!(
        "epoch {:>width$}/{}  loss {loss}{}{held_out}  {:.1} s\n",
        report.epoch,
        report.epochs,
        accuracy.unwrap_or_default(),
        report.seconds
    )
}

/// A loss: cross-entropy has a unit of its own, an error may be of any size.
fn shown(loss: f64, accuracy: Option<f64>) -> String {
    if accuracy.is_some() { format!("{loss:.4}") } else { Real(loss).to_string() }
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
            accuracy: Some(0.98712),
            held_out_loss: Some(0.05),
            held_out_accuracy: Some(0.9862),
            seconds: 4.06,
        };
        let expected = "epoch  3/10  loss 0.0412  accuracy  98.71 %  held-out  98.62 %  4.1 s\n";
        assert_eq!(epoch_line(&report), expected);
        (report.held_out_accuracy, report.held_out_loss) = (None, None);
        assert_eq!(epoch_line(&report), "epoch  3/10  loss 0.0412  accuracy  98.71 %  4.1 s\n");
        (report.accuracy, report.held_out_loss, report.loss) = (None, Some(0.0005678), 0.0004123);
        let expected = "epoch  3/10  loss 0.000412  held-out loss 0.000568  4.1 s\n";
        assert_eq!(epoch_line(&report), expected);
    }

    #[test]
    fn the_bar_shows_the_course_of_the_loss() {
        let report = BatchReport {
            epoch: 2,
            epochs: 3,
            batch: 50,
            batches: 100,
            batch_loss: 0.4,
            loss: 0.5,
            accuracy: Some(0.9),
            images_per_second: 12345.6,
        };
        let expected = "loss 0.5000 █▃▁   90.00 %  12346 images/s  1:30 left";
        assert_eq!(message(&report, "█▃▁", 90.0), expected);
    }

    #[test]
    fn steps_are_counted() {
        let steps = Steps::begin(3, "reading");
        steps.next("planning");
        assert_eq!((steps.0.position(), steps.0.message()), (2, "planning".to_owned()));
        let bar = steps.0.clone();
        assert!(!bar.is_finished());
        drop(steps);
        assert!(bar.is_finished());
    }

    #[test]
    fn time_left_follows_from_the_batches_of_this_session() {
        let mut bar = Bar::new();
        bar.bar.set_draw_target(ProgressDrawTarget::hidden());
        bar.begun = Instant::now() - Duration::from_secs(90);
        bar.before = Some(100);
        let report = BatchReport {
            epoch: 2,
            epochs: 3,
            batch: 50,
            batches: 100,
            batch_loss: 0.4,
            loss: 0.5,
            accuracy: Some(0.9),
            images_per_second: 1.0,
        };
        bar.show(&report);
        // 50 batches took 90 seconds, 150 are left.
        assert!(bar.bar.message().ends_with("  4:30 left"), "{}", bar.bar.message());
    }
}
