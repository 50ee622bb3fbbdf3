//! Why a command did not do what was asked.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use infer::{ModelError, Shape, TrustError};
use thiserror::Error;

use crate::atomic_file::WriteError;
use crate::check::CheckError;
use crate::data::DataError;
use crate::data::fit::FitError;
use crate::data::picture::ChannelsError;
use crate::data::picture_file::PictureError;
use crate::device::board::BoardError;
use crate::device::emulator::EmulatorError;
use crate::device::firmware::FirmwareError;
use crate::device::port::PortError;
use crate::device::session::DeviceError;
use crate::device::tcp::TcpError;
use crate::estimate::EstimateError;
use crate::evaluate::EvaluateError;
use crate::export::ExportError;
use crate::float_record::FloatRecordError;
use crate::folder_lock::FolderBusy;
use crate::format2::ConvertError;
use crate::import::float::FloatError;
use crate::import::model::ImportError;
use crate::import::onnx;
use crate::import::tflite::ReadError;
use crate::plan::FastestError;
use crate::preset::PresetError;
use crate::report::ReportError;
use crate::report::provenance::HashError;
use crate::signing::SigningError;
use crate::train::TrainError;
use crate::train::checkpoint::CheckpointError;

/// Exit code after Ctrl-C, as shells have it: 128 + SIGINT.
const INTERRUPTED: u8 = 130;

/// Why a command failed. Each is one line.
#[derive(Debug, Error)]
pub enum CliError {
    /// The data set.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The preset.
    #[error(transparent)]
    Preset(#[from] PresetError),
    /// Data set and network.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// The training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The checkpoint to go on from.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The way from float to int8.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A model's answers.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The planning.
    #[error(transparent)]
    Plan(#[from] FastestError),
    /// What can be said of a network before it is trained.
    #[error(transparent)]
    Estimate(#[from] EstimateError),
    /// The measuring.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// Checksums of the data set.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// Writing results.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A picture file.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// A picture for a model that takes none.
    #[error(transparent)]
    Channels(#[from] ChannelsError),
    /// A series for a model of something else.
    #[error(
        "{}: the model was not trained on series of a CSV file, as far as the .data.toml beside it \
            says: predict takes pictures for it",
        path.display()
    )]
    NoSeries {
        /// The series.
        path: PathBuf,
    },
    /// A chip with a model of another size.
    #[error(
        "the chip's model takes {} and gives {} values, the file's takes {} and gives {}: flash \
         the file with `trainer device flash BOARD --model FILE`",
        there.0, there.1, asked.0, asked.1
    )]
    OtherChipModel {
        /// Image and values of the chip's.
        there: (Shape, usize),
        /// Of the file's.
        asked: (Shape, usize),
    },
    /// A reconstruction by a chip whose model is not known.
    #[error(
        "the chip's model takes int8 values whose scale only its file tells, and without it the \
            error of a reconstruction is not known: name the file with --model"
    )]
    InputScale,
    /// A file that predict cannot read.
    #[error(
        "{}: neither a picture (PNG, JPEG), nor an array of inputs (.npy), nor a series (.csv): \
            convert it",
        path.display()
    )]
    NoInput {
        /// The file.
        path: PathBuf,
    },
    /// A side for data that has one.
    #[error(
        "{}: --side is for folders of pictures; these images have their size: leave it out",
        path.display()
    )]
    SideOfArrays {
        /// The data.
        path: PathBuf,
    },
    /// Some pictures; what is wrong with each has been said.
    #[error("{failed} of {all} pictures could not be read")]
    Pictures {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
    },
    /// A model file that cannot be converted.
    #[error("{}: {cause}", path.display())]
    Convert {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: ConvertError,
    },
    /// A model file that cannot be read.
    #[error("{}: cannot be read: {cause}; `cargo run --release -p trainer` trains a \
        model", path.display())]
    ModelUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A record of float parameters that cannot be read.
    #[error("{}: cannot be read: {cause}; `train` leaves one beside the model", path.display())]
    RecordUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A file that is no record of the network.
    #[error("{}: {cause}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: FloatRecordError,
    },
    /// A trained model that Burn cannot write.
    #[error("the float parameters cannot be written: {0}")]
    RecordUnwritable(String),
    /// A file that is no model.
    #[error("{}: {cause}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ModelError,
    },
    /// A file to import that cannot be read.
    #[error("{}: cannot be read: {cause}", path.display())]
    ImportUnreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        cause: io::Error,
    },
    /// A file to import that no small core could hold.
    #[error("{}: has more than {limit} bytes: no network for a small core has", path.display())]
    ImportTooLarge {
        /// The file.
        path: PathBuf,
        /// Largest file, bytes.
        limit: u64,
    },
    /// A file that is no network of TensorFlow Lite.
    #[error("{}: {cause}", path.display())]
    Tflite {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ReadError,
    },
    /// A network of TensorFlow Lite that no model holds.
    #[error("{}: {cause}", path.display())]
    Import {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: ImportError,
    },
    /// A file that is no ONNX network.
    #[error("{}: {cause}", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: onnx::ReadError,
    },
    /// An ONNX network whose nodes do not fit each other.
    #[error("{}: {cause}", path.display())]
    OnnxShapes {
        /// The file.
        path: PathBuf,
        /// The node that does not fit.
        cause: onnx::Misfit,
    },
    /// A network in floating point that cannot be imported.
    #[error("{}: {cause}", path.display())]
    ImportFloat {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: FloatError,
    },
    /// A network in floating point without data.
    #[error(
        "{}: the network is in floating point: name inputs like those it was trained on with \
         --data, to calibrate it on them",
        path.display()
    )]
    ImportData {
        /// The file.
        path: PathBuf,
    },
    /// A file that is read and would be written.
    #[error("{}: the command reads it: give --out another name", path.display())]
    OwnInput {
        /// The file.
        path: PathBuf,
    },
    /// A model with the name of what is written beside it.
    #[error(
        "{}: the record of float parameters beside the model would have this name: end it in .kndl",
        path.display()
    )]
    RecordName {
        /// The model.
        path: PathBuf,
    },
    /// Options that change nothing of a kind of file.
    #[error("{}: {options} would change nothing: {why}", path.display())]
    IdleOptions {
        /// The file.
        path: PathBuf,
        /// The options, as they are typed.
        options: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// An option of a line where nothing is talked to over one.
    #[error("{option} would change nothing: it is for a chip, which --port names")]
    NoLine {
        /// The option.
        option: &'static str,
    },
    /// Values that a model does not answer.
    #[error(
        "{}: the network ends in a softmax, and a model answers the scores before it: import with \
         --task classify, or export without the softmax",
        path.display()
    )]
    SoftmaxTask {
        /// The file.
        path: PathBuf,
    },
    /// Inputs of another size than the network's.
    #[error(
        "{}: its inputs are {found}, the network reads {wanted} (rows x columns x channels): save \
         the inputs like that, channels last",
        path.display()
    )]
    ImportShape {
        /// The data.
        path: PathBuf,
        /// What it has.
        found: Shape,
        /// What the network reads.
        wanted: Shape,
    },
    /// Numbers for other channels.
    #[error(
        "{option} has {found} numbers, the inputs have {channels} channels: give one, or one \
        for each"
    )]
    ChannelNumbers {
        /// The option.
        option: &'static str,
        /// How many it has.
        found: usize,
        /// How many are needed.
        channels: usize,
    },
    /// int4 weights until a model fits, and no limit.
    #[error(
        "--int4 auto needs the flash that the model is to fit: name it with --flash, or a board \
            with --board"
    )]
    Int4WithoutFlash,
    /// A key for a file that has no signature.
    #[error("{}: --key is for models of this crate, other files are not signed", path.display())]
    NotSigned {
        /// The file.
        path: PathBuf,
    },
    /// A model for other images.
    #[error("{}: {cause}", path.display())]
    ModelFit {
        /// The model file.
        path: PathBuf,
        /// How they differ.
        cause: FitError,
    },
    /// A float record and images that do not go together.
    #[error("{}: {why}", path.display())]
    RecordData {
        /// The record.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// Another run in the folder.
    #[error(transparent)]
    Busy(#[from] FolderBusy),
    /// Models that answer different questions.
    #[error("{} has {found}, {} has {expected}: only models of the same images and classes can be \
        compared", path.display(), first.display())]
    NotComparable {
        /// The model that is different.
        path: PathBuf,
        /// What it has.
        found: String,
        /// The first model.
        first: PathBuf,
        /// What that has.
        expected: String,
    },
    /// A command that does not exist.
    #[error("no command '{name}': `trainer help` lists them")]
    NoCommand {
        /// What was asked for.
        name: String,
    },
    /// Keys and signatures.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// A model that the key has not signed.
    #[error("{}: {cause}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: TrustError,
    },
    /// A board of the firmware.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The firmware for a board.
    #[error(transparent)]
    Firmware(#[from] FirmwareError),
    /// The emulator.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// A serial port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// A TCP connection.
    #[error(transparent)]
    Tcp(#[from] TcpError),
    /// A chip.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A chip that stopped answering.
    #[error("{done}: {cause}")]
    Partial {
        /// When: "after 3 of 10 images: the result is partial".
        done: String,
        /// Why.
        cause: DeviceError,
    },
    /// Ctrl-C while a chip was being evaluated.
    #[error("interrupted {done}")]
    EvaluationInterrupted {
        /// When: "after 3 of 10 images: the result is partial".
        done: String,
    },
    /// The chip computes something else than the host.
    #[error(
        "{differing} of {all} score vectors are not the host's: another model, or a chip that \
            computes wrongly"
    )]
    Disagreement {
        /// Images whose scores differ.
        differing: usize,
        /// All images.
        all: usize,
    },
    /// The chip is not well.
    #[error("the self-test failed: flash the board anew")]
    SelfTest,
    /// The program on the emulated board failed; it has said why.
    #[error("the firmware on {board} ended with {status}")]
    Program {
        /// The board.
        board: String,
        /// How it ended.
        status: String,
    },
    /// No way to flash this board.
    #[error("{board} is a board of the emulator: use --qemu {board}")]
    NotFlashed {
        /// The board.
        board: String,
    },
    /// The program that flashes is missing.
    #[error("{program} is not installed: {install}")]
    NoFlasher {
        /// The program.
        program: &'static str,
        /// Where to get it.
        install: &'static str,
    },
    /// The program that flashes failed.
    #[error("{program}: {status}")]
    Flasher {
        /// The program.
        program: &'static str,
        /// How it ended.
        status: String,
    },
    /// No place for a page.
    #[error("no page on port {port}: {cause}; --port 0 takes a free one")]
    PageAddress {
        /// The port.
        port: u16,
        /// What the operating system says.
        cause: io::Error,
    },
    /// Standard output.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// Ctrl-C cannot be caught.
    #[error("no handler for Ctrl-C: {0}")]
    Handler(ctrlc::Error),
    /// Ctrl-C.
    #[error("interrupted {done}: no model written; the same command with --resume goes on")]
    Interrupted {
        /// When: "after 3 of 10 epochs".
        done: String,
    },
}

impl From<io::Error> for CliError {
    fn from(cause: io::Error) -> Self {
        Self::Output(cause)
    }
}

impl From<ctrlc::Error> for CliError {
    fn from(cause: ctrlc::Error) -> Self {
        Self::Handler(cause)
    }
}

impl CliError {
    /// The line for standard error.
    pub(super) fn line(&self) -> String {
        match self {
            Self::Interrupted { .. } | Self::EvaluationInterrupted { .. } => self.to_string(),
            _ => format!("error: {self}"),
        }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Interrupted { .. } | Self::EvaluationInterrupted { .. } => {
                ExitCode::from(INTERRUPTED)
            }
            _ => ExitCode::FAILURE,
        }
    }
}
