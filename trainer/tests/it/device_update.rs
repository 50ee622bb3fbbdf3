//! New models for a chip that keeps them in flash: over a line that is cut off, through resets, and
//! models that must not run.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::chip::{Chip, CutOff, another, bytes_of_parts, lying, tutorial};
use crate::common::run;
use assert_cmd::Command;
use infer::wire::model_id;
use trainer::device::client::{Client, ClientError};
use trainer::device::session::{DeviceError, Session};

/// A board whose flash holds two models beside the program.
const BOARD: &str = "mps2-an386";

fn trainer(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("trainer").unwrap();
    command.args(arguments);
    command
}

struct Workshop {
    chip: Chip,
    folder: tempfile::TempDir,
}

impl Workshop {
    fn new() -> Self {
        Self { chip: Chip::start(BOARD, &tutorial()), folder: tempfile::tempdir().unwrap() }
    }

    fn file(&self, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join("new.kndl");
        fs::write(&path, bytes).unwrap();
        path
    }

    /// `trainer device update`: what it says and complains.
    fn update(&self, bytes: &[u8], status: i32) -> (String, String) {
        let file = self.file(bytes);
        run(
            &mut trainer(&["device", "update", file.to_str().unwrap(), "--port", &self.chip.port]),
            status,
        )
    }

    /// Id of the model that answers.
    fn runs(&self) -> u32 {
        self.chip.session().chip().model
    }
}

#[test]
fn a_transfer_that_is_cut_off_goes_on_where_it_stopped_and_the_model_stays() {
    let mut workshop = Workshop::new();
    let old = model_id(&workshop.chip.model);
    let new = another(1);
    let line = CutOff { line: workshop.chip.connect(), bytes_left: bytes_of_parts(40) };
    let mut session = Session::open(Client::new(line), Duration::from_secs(30)).unwrap();
    let cut = session.update(&new, &mut |_| ());
    assert!(matches!(cut, Err(DeviceError::Client(ClientError::Gone(_)))), "{cut:?}");
    drop(session);
    assert_eq!(workshop.runs(), old);

    let (said, _) = workshop.update(&new, 0);
    let resumed = said.strip_prefix("went on after the ").and_then(|rest| rest.split(' ').next());
    let resumed: usize = resumed.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
    assert!(resumed > 30 * 1024 && resumed < 45 * 1024, "{said}");
    assert!(said.contains("1 of 1 known answers right, in flash; it stays at a reset"), "{said}");
    for _ in 0..4 {
        workshop.chip.reset();
        assert_eq!(workshop.runs(), model_id(&new));
    }
    let picture = concat!(env!("CARGO_MANIFEST_DIR"), "/data/samples/digit-7.png");
    let (predicted, _) =
        run(&mut trainer(&["device", "predict", picture, "--port", &workshop.chip.port]), 0);
    assert!(
        predicted.contains("digit-7.png: ") && predicted.contains("on the chip"),
        "{predicted}"
    );
}

#[test]
fn a_model_that_must_not_run_is_refused_and_the_old_one_answers_on() {
    let mut workshop = Workshop::new();
    let old = model_id(&workshop.chip.model);
    let (_, complaint) = workshop.update(&lying(), 1);
    assert!(
        complaint.contains("error: the chip refuses: the model is bad: self-test: "),
        "{complaint}"
    );
    assert_eq!(workshop.runs(), old);

    // A version below the one that runs.
    workshop.update(&another(5), 0);
    let (_, complaint) = workshop.update(&another(4), 1);
    assert!(
        complaint.contains("the chip refuses: the model is bad: the new model is refused"),
        "{complaint}"
    );
    workshop.chip.reset();
    assert_eq!(workshop.runs(), model_id(&another(5)));
}

/// A model that a host installs and never tests, as when the chip hangs with it.
#[test]
fn a_model_that_is_not_confirmed_gives_way_to_the_one_before() {
    let mut workshop = Workshop::new();
    let old = model_id(&workshop.chip.model);
    let new = another(1);
    let mut session = workshop.chip.session();
    let update = session.update(&new, &mut |_| ()).unwrap();
    assert!(update.is_lasting && session.chip().model == model_id(&new));
    let again = session.update(&another(2), &mut |_| ());
    assert!(again.is_err_and(|error| error.to_string().contains("on trial: confirm it first")));
    drop(session);
    for runs in [model_id(&new), model_id(&new), old, old] {
        workshop.chip.reset();
        assert_eq!(workshop.runs(), runs);
    }
}
