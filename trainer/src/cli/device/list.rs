//! `device list`: boards, ports, probes.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::{CliError, ListArgs};
use crate::device::board::{self, Board};
use crate::device::client::Client;
use crate::device::port::{self, BAUD, Port};
use crate::device::session::Session;
use crate::terminal::print;
use crate::terminal::table::Table;

/// A port whose device does not answer in this time is not one of ours.
const ASK: Duration = Duration::from_millis(500);

pub(super) fn run(args: &ListArgs) -> Result<(), CliError> {
    Ok(print(&format!("{}\n{}\n{}", boards()?, ports(args.ask), probes()))?)
}

fn boards() -> Result<String, CliError> {
    let mut table = Table::new(["board", "what it is", "core", "clock", "flashed by", "emulated"]);
    for board in board::all()? {
        let emulated = if board.emulator.is_some() { "yes" } else { "" }.to_owned();
        let by = flashed_by(&board).to_owned();
        table.row([board.id, board.name, board.core, board.clock, by, emulated]);
    }
    Ok(table.to_string())
}

fn flashed_by(board: &Board) -> &'static str {
    match &board.flash {
        Some(flash) if flash.uf2.is_some() => "picotool, probe-rs",
        Some(_) => "probe-rs",
        None => "",
    }
}

fn ports(ask: bool) -> String {
    let ports = port::list();
    if ports.is_empty() {
        return "no serial port: plug a board in, with a cable that carries data\n".to_owned();
    }
    let line = |port: &PathBuf| {
        let name = port.display().to_string();
        let device = port::usb_device(port).unwrap_or_default();
        let answer = if ask { who_is_at(&name) } else { String::new() };
        format!("{name}  {device}  {answer}").trim_end().to_owned() + "\n"
    };
    ports.iter().map(line).collect()
}

fn who_is_at(name: &str) -> String {
    let line = match Port::open(name, BAUD) {
        Ok(line) => line,
        Err(error) => return error.to_string(),
    };
    match Session::open(Client::new(line), ASK) {
        Ok(session) => {
            let chip = session.chip();
            format!("{}, firmware {}, model {:08x}", chip.board, chip.firmware, chip.model)
        }
        Err(_) => "nobody who speaks this protocol".to_owned(),
    }
}

/// probe-rs is a program of its own: as a library it would triple what this one compiles.
fn probes() -> String {
    match Command::new("probe-rs").arg("list").output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).into_owned(),
        Err(_) => "probe-rs is not installed: it flashes boards with a debug probe \
            (https://probe.rs, or cargo install probe-rs-tools)\n"
            .to_owned(),
    }
}
