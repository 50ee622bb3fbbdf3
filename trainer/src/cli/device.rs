//! `device`: a chip that runs the firmware's server, on a serial port or in the emulator.

mod connect;
mod eval;
mod flash;
mod list;
mod predict;
mod profile;
mod run;
mod stream;
mod update;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedI64ValueParser;
use clap::{Args, Subcommand};

use super::CliError;
use super::options::DataOption;
use crate::data::picture::Invert;
use crate::device::port::BAUD;
pub(super) use connect::{Connection, Way, open};

/// Seconds that can be waited for an answer.
const TIMEOUT: u64 = 30;

/// Seconds that can be waited.
const TIMEOUT_SECONDS: std::ops::RangeInclusive<i64> = 1..=600;

/// Talk to a chip: evaluate, predict and profile on it, flash it, replace its model
///
/// The chip runs the firmware's `server` (`device flash`), and is reached over a serial port. With
/// --qemu it is an emulated board that is built and started for the command.
#[derive(Args)]
#[command(after_help = "\
Examples:
  trainer device run --model out/model.kndl
  trainer device eval --qemu microbit --limit 100
  trainer device list                      what is plugged in?
  trainer device flash nucleo-f411 --model out/model.kndl
  trainer device eval --port /dev/ttyACM0 --model out/model.kndl
  trainer device predict --port /dev/ttyACM0 trainer/data/samples/digit-7.png
  trainer device update out/again.kndl --port /dev/ttyACM0")]
pub(super) struct DeviceArgs {
    #[command(subcommand)]
    command: DeviceCommand,
}

#[derive(Subcommand)]
enum DeviceCommand {
    /// Run the example firmware with a model on an emulated board: no board is needed
    Run(RunArgs),
    /// List boards, serial ports and what answers on them, and whether probe-rs is there
    List(ListArgs),
    /// Build the firmware for a board, with a model planned for it, and flash it
    Flash(FlashArgs),
    /// Run the test images on the chip: accuracy, agreement with the host, time
    Eval(EvalArgs),
    /// Classify pictures on the chip
    Predict(PredictArgs),
    /// Push rows into a stream on the chip: its outputs, and whether they are the host's
    Stream(StreamArgs),
    /// Time each layer on the chip
    Profile(ConnectArgs),
    /// Replace the chip's model: in its flash where it has room there, else in RAM until it is
    /// reset
    Update(UpdateArgs),
    /// Let the chip check its model and its known answers
    Test(ConnectArgs),
}

/// Which chip.
#[derive(Args)]
struct ConnectArgs {
    /// Serial port, such as /dev/ttyACM0 or COM3, or tcp:HOST:PORT, such as a debug probe's RTT
    /// server
    #[arg(long, value_name = "PORT", required_unless_present = "qemu", conflicts_with = "qemu")]
    port: Option<String>,
    /// Board to build for and to emulate (see `device list`)
    #[arg(long, value_name = "BOARD")]
    qemu: Option<String>,
    /// Model file: with --qemu planned for the board and built in [default: the firmware's], with
    /// --port what to compare with
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    #[command(flatten)]
    line: LineArgs,
}

/// How a line is talked over.
#[derive(Args)]
pub(super) struct LineArgs {
    #[arg(long, value_name = "BAUD", conflicts_with = "qemu", help = format!(
        "Baud rate of the port [default: {BAUD}]"
    ))]
    baud: Option<u32>,
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, help = format!(
        "Seconds to wait for an answer before a request is sent again [default: {TIMEOUT}]"
    ))]
    #[arg(value_parser = RangedI64ValueParser::<u64>::new().range(TIMEOUT_SECONDS))]
    timeout: Option<u64>,
}

#[derive(Args)]
struct RunArgs {
    /// Board that the emulator has (see `device list`)
    #[arg(value_name = "BOARD", default_value = "mps2-an386")]
    board: String,
    /// Model file, planned for the board [default: the firmware's]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
}

#[derive(Args)]
struct ListArgs {
    /// Ask each serial port who is there; devices that are no board of ours are sent a few bytes
    #[arg(long)]
    ask: bool,
}

#[derive(Args)]
struct FlashArgs {
    /// Board (see `device list`)
    #[arg(value_name = "BOARD")]
    board: String,
    /// Model file, planned for the board [default: the firmware's]
    #[arg(long, value_name = "MODEL")]
    model: Option<PathBuf>,
    /// Talk through the debug probe (RTT, channel 0; then --port tcp:HOST:PORT) in place of the
    /// serial line
    #[arg(long)]
    rtt: bool,
    /// Talk over the chip's own USB port, as a serial port, in place of the serial line
    #[arg(long, conflicts_with = "rtt")]
    usb: bool,
    /// Plan the model for a stream, for `device stream` [default model: one over six values]
    #[arg(long)]
    stream: bool,
    /// Only build, and say where the program is
    #[arg(long)]
    build_only: bool,
}

#[derive(Args)]
struct EvalArgs {
    #[command(flatten)]
    chip: ConnectArgs,
    /// Images, from the first of the test set [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u32>::new().range(1..))]
    limit: Option<u32>,
    #[command(flatten)]
    data: DataOption,
}

#[derive(Args)]
struct PredictArgs {
    #[command(flatten)]
    chip: ConnectArgs,
    /// Pictures
    #[arg(value_name = "PICTURE", required = true)]
    images: Vec<PathBuf>,
    /// Turn dark into light; auto makes the picture look like the training images
    #[arg(long, value_enum, default_value_t)]
    invert: Invert,
}

#[derive(Args)]
struct StreamArgs {
    /// Array of rows, .npy, of the values that the model takes
    #[arg(value_name = "FILE.npy")]
    rows: PathBuf,
    #[command(flatten)]
    chip: ConnectArgs,
    /// Rows, from the first [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    #[arg(value_parser = RangedI64ValueParser::<u32>::new().range(1..))]
    limit: Option<u32>,
}

#[derive(Args)]
struct UpdateArgs {
    /// Model file
    #[arg(value_name = "MODEL")]
    new_model: PathBuf,
    #[command(flatten)]
    chip: ConnectArgs,
}

impl ConnectArgs {
    /// The way to the chip: one of both is named.
    fn way(&self) -> Way {
        match (&self.qemu, &self.port) {
            (Some(board), _) => Way::Emulated(board.clone()),
            (None, port) => Way::Port(port.clone().unwrap_or_default()),
        }
    }
}

impl LineArgs {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout.unwrap_or(TIMEOUT))
    }

    fn baud(&self) -> u32 {
        self.baud.unwrap_or(BAUD)
    }

    /// Refuses what `way` has no use for, `None` being this computer.
    pub(super) fn check(&self, way: Option<&Way>) -> Result<(), CliError> {
        let option = match way {
            Some(Way::Port(_)) => None,
            _ if self.baud.is_some() => Some("--baud"),
            None if self.timeout.is_some() => Some("--timeout"),
            _ => None,
        };
        option.map_or(Ok(()), |option| Err(CliError::NoLine { option }))
    }
}

pub(super) fn run(args: &DeviceArgs) -> Result<(), CliError> {
    match &args.command {
        DeviceCommand::Run(args) => run::run(args),
        DeviceCommand::List(args) => list::run(args),
        DeviceCommand::Flash(args) => flash::run(args),
        DeviceCommand::Eval(args) => eval::run(args),
        DeviceCommand::Predict(args) => predict::run(args),
        DeviceCommand::Stream(args) => stream::run(args),
        DeviceCommand::Profile(args) => profile::run(args),
        DeviceCommand::Update(args) => update::run(args),
        DeviceCommand::Test(args) => profile::test(args),
    }
}
