//! What a program in an emulator asks of the host through semihosting: its command line, files, and
//! the end.
#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::{debug, nr, syscall};

/// Longest command line, bytes.
const COMMAND_LINE_BYTES: usize = 512;

/// Opens an existing file for reading, binary (`fopen` mode "rb").
const READ: usize = 1;

/// Makes a file, or empties it, for writing, binary (`fopen` mode "wb").
const WRITE: usize = 5;

/// The command line the emulator was given.
pub struct CommandLine {
    text: [u8; COMMAND_LINE_BYTES],
}

impl CommandLine {
    /// Asks for it; empty when it is too long or there is none.
    pub fn read() -> Self {
        let mut line = Self { text: [0; COMMAND_LINE_BYTES] };
        // SAFETY: GET_CMDLINE writes at most the stated number of bytes to the buffer, which lives
        // on.
        let failed =
            unsafe { syscall!(GET_CMDLINE, line.text.as_mut_ptr(), COMMAND_LINE_BYTES - 1) };
        if failed != 0 {
            line.text[0] = 0;
        }
        line
    }

    /// The words of the line.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let text = CStr::from_bytes_until_nul(&self.text).ok().and_then(|text| text.to_str().ok());
        text.unwrap_or_default().split_ascii_whitespace()
    }
}

/// An open file of the host.
pub struct File {
    handle: usize,
}

/// The host refused.
#[derive(Debug)]
pub struct HostError;

impl File {
    /// Opens a file for reading.
    pub fn open(path: &str) -> Result<Self, HostError> {
        Self::with_mode(path, READ)
    }

    /// Makes a file, or empties it, for writing.
    pub fn create(path: &str) -> Result<Self, HostError> {
        Self::with_mode(path, WRITE)
    }

    fn with_mode(path: &str, mode: usize) -> Result<Self, HostError> {
        let mut name = [0u8; COMMAND_LINE_BYTES];
        let room = name.len() - 1;
        name[..room].get_mut(..path.len()).ok_or(HostError)?.copy_from_slice(path.as_bytes());
        // SAFETY: OPEN reads `path.len()` bytes and a zero from the buffer: it is at least one byte
        // longer than the path.
        let handle = unsafe { syscall!(OPEN, name.as_ptr(), mode, path.len()) };
        if handle == usize::MAX { Err(HostError) } else { Ok(Self { handle }) }
    }

    /// Length of the file, bytes.
    pub fn bytes(&self) -> Result<usize, HostError> {
        // SAFETY: FLEN touches no memory of ours.
        let len = unsafe { syscall!(FLEN, self.handle) };
        if len == usize::MAX { Err(HostError) } else { Ok(len) }
    }

    /// Reads until the buffer is full or the file ends; the number of bytes read. An error reads
    /// nothing: only by the file's length can it be told from the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> usize {
        // SAFETY: READ writes at most `buffer.len()` bytes to the buffer; it returns the number of
        // bytes it did not.
        let missing = unsafe { syscall!(READ, self.handle, buffer.as_mut_ptr(), buffer.len()) };
        buffer.len().saturating_sub(missing)
    }

    /// Writes all bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        // SAFETY: WRITE reads `bytes.len()` bytes from the slice; it returns the number of bytes it
        // did not write.
        let missing = unsafe { syscall!(WRITE, self.handle, bytes.as_ptr(), bytes.len()) };
        if missing == 0 { Ok(()) } else { Err(HostError) }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: the handle was opened by this value and is closed once.
        unsafe { syscall!(CLOSE, self.handle) };
    }
}

/// Ends the program: the emulator exits with 0 or 1.
pub fn exit(success: bool) -> ! {
    loop {
        debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
    }
}

const _: () = assert!(nr::OPEN == 1, "semihosting operations are those of Arm's specification");
