//! `device flash`: build for a board and put it there.

use std::ffi::OsString;
use std::io;
use std::process::Command;

use super::connect::build;
use super::{CliError, FlashArgs};
use crate::device::board::{Board, Flash};
use crate::device::firmware::{Runs, ServerLine};
use crate::terminal::print;

/// A program that flashes, and what to do when it is not there.
struct Flasher {
    program: &'static str,
    arguments: Vec<OsString>,
    install: &'static str,
}

impl FlashArgs {
    fn runs(&self) -> Runs {
        if self.stream { Runs::Stream } else { Runs::Images }
    }

    fn line(&self) -> ServerLine {
        match (self.rtt, self.usb) {
            (true, _) => ServerLine::Rtt,
            (_, true) => ServerLine::Usb,
            _ => ServerLine::Uart,
        }
    }
}

pub(super) fn run(args: &FlashArgs) -> Result<(), CliError> {
    let board = Board::load(&args.board)?;
    let firmware = build(&board, args.model.as_deref(), args.runs(), args.line())?;
    print(&format!("{}\nmodel {} bytes\n", firmware.elf.display(), firmware.model.len()))?;
    if args.build_only {
        return Ok(());
    }
    let Some(flash) = &board.flash else { return Err(CliError::NotFlashed { board: board.id }) };
    let mut last = CliError::NotFlashed { board: board.id.clone() };
    for flasher in flashers(flash, firmware.elf.into_os_string()) {
        match flasher.run() {
            Err(error @ CliError::NoFlasher { .. }) => last = error,
            outcome => return outcome,
        }
    }
    Err(last)
}

/// The ways to flash a board, the one without a debug probe first.
fn flashers(flash: &Flash, elf: OsString) -> Vec<Flasher> {
    let picotool = flash.uf2.as_ref().map(|_| Flasher {
        program: "picotool",
        arguments: ["load", "-u", "-v", "-x", "-t", "elf"]
            .map(OsString::from)
            .into_iter()
            .chain([elf.clone()])
            .collect(),
        install: "from your distribution or https://github.com/raspberrypi/picotool; hold BOOTSEL \
            while you plug the board in",
    });
    let probe_rs = flash.probe_rs.as_ref().map(|chip| Flasher {
        program: "probe-rs",
        arguments: ["download", "--verify", "--chip"]
            .map(OsString::from)
            .into_iter()
            .chain([chip.into(), elf])
            .collect(),
        install: "https://probe.rs, or cargo install probe-rs-tools --locked",
    });
    picotool.into_iter().chain(probe_rs).collect()
}

impl Flasher {
    fn run(&self) -> Result<(), CliError> {
        let Self { program, install, .. } = *self;
        match Command::new(program).args(&self.arguments).status() {
            Ok(status) if status.success() => self.reset(),
            Ok(status) => Err(CliError::Flasher { program, status: status.to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(CliError::NoFlasher { program, install })
            }
            Err(error) => Err(CliError::Flasher { program, status: error.to_string() }),
        }
    }

    /// probe-rs leaves the core halted where the download ended; picotool has started it.
    fn reset(&self) -> Result<(), CliError> {
        if self.program == "probe-rs" {
            let chip = &self.arguments[3];
            let reset = Command::new("probe-rs")
                .args(["reset".as_ref(), "--chip".as_ref(), chip.as_os_str()])
                .status();
            if !reset.is_ok_and(|status| status.success()) {
                return Err(CliError::Flasher {
                    program: "probe-rs reset",
                    status: "failed: press the board's reset button".to_owned(),
                });
            }
        }
        Ok(print("flashed\n")?)
    }
}
