//! Stands in for a debug probe and its program, such as OpenOCD: finds RTT's control
//! block in an emulated board's memory, and passes channel 0 on as a TCP port.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::emulated::Memory;

/// What the control block begins with: a probe looks for it in all of RAM.
const MARK: &[u8; 16] = b"SEGGER RTT\0\0\0\0\0\0";

/// Bytes of the control block before its channels: the mark, and the numbers of channels up and
/// down.
const HEAD_BYTES: u32 = 24;

/// Bytes that describe a channel.
const CHANNEL_BYTES: u32 = 24;

/// Between two looks at the memory; a probe takes about as long.
const PAUSE: Duration = Duration::from_micros(200);

/// A channel: a ring of bytes, one end of which is the chip's.
struct Channel {
    /// Address of its description.
    at: u32,
    buffer: u32,
    bytes: u32,
}

/// Places of the words in a channel's description.
const BUFFER: u32 = 4;
const SIZE: u32 = 8;
const WRITE: u32 = 12;
const READ: u32 = 16;

/// Serves channel 0 of the board with this memory; the port, as `--port` takes it. One connection
/// after the other is served while the board runs.
///
/// # Panics
/// Without a TCP port of this machine.
pub fn serve(memory: Memory) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of this machine");
    let port = format!("tcp:{}", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that was closed ends this; so does a board that was switched off.
            let _ = pass(&memory, stream);
        }
    });
    port
}

fn pass(memory: &Memory, mut stream: TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let [to_host, from_host] = channels(memory)?;
    let mut coming: Vec<u8> = Vec::new();
    loop {
        send_all(&mut stream, &to_host.take(memory)?)?;
        let mut buffer = [0; 1024];
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(bytes) => coming.extend(&buffer[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
            Err(error) => return Err(error),
        }
        let put = from_host.put(memory, &coming)?;
        coming.drain(..put);
    }
}

fn send_all(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.write_all(bytes)?;
    stream.set_nonblocking(true)
}

/// The first channel of each direction, once the program has made them.
fn channels(memory: &Memory) -> io::Result<[Channel; 2]> {
    loop {
        if let Some(place) = find(&memory.all()?) {
            let block = memory.address() + place as u32;
            let up = word(memory, block + MARK.len() as u32)?;
            let at = [0, up].map(|channel| block + HEAD_BYTES + channel * CHANNEL_BYTES);
            let [to_host, from_host] =
                [Channel::read(memory, at[0])?, Channel::read(memory, at[1])?];
            // The mark is there before the channels are.
            if to_host.bytes > 0 && from_host.bytes > 0 {
                return Ok([to_host, from_host]);
            }
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Where the mark is, at a multiple of 4.
fn find(all: &[u8]) -> Option<usize> {
    (0..all.len().saturating_sub(MARK.len()))
        .step_by(4)
        .find(|place| all[*place..].starts_with(MARK))
}

fn word(memory: &Memory, address: u32) -> io::Result<u32> {
    let mut bytes = [0; 4];
    memory.read(address, &mut bytes)?;
    Ok(u32::from_le_bytes(bytes))
}

impl Channel {
    fn read(memory: &Memory, at: u32) -> io::Result<Self> {
        Ok(Self { at, buffer: word(memory, at + BUFFER)?, bytes: word(memory, at + SIZE)? })
    }

    /// What the chip has written.
    fn take(&self, memory: &Memory) -> io::Result<Vec<u8>> {
        let (write, read) = (word(memory, self.at + WRITE)?, word(memory, self.at + READ)?);
        if write == read {
            return Ok(Vec::new());
        }
        // Up to the end of the buffer; what lies at its start comes next time.
        let end = if write > read { write } else { self.bytes };
        let mut taken = vec![0; (end - read) as usize];
        memory.read(self.buffer + read, &mut taken)?;
        memory.write(self.at + READ, &(end % self.bytes).to_le_bytes())?;
        Ok(taken)
    }

    /// Hands over what there is room for, a byte less than the buffer holds; the number of bytes.
    fn put(&self, memory: &Memory, bytes: &[u8]) -> io::Result<usize> {
        let (write, read) = (word(memory, self.at + WRITE)?, word(memory, self.at + READ)?);
        let room = (read + self.bytes - write - 1) % self.bytes;
        let part = &bytes[..bytes.len().min(room.min(self.bytes - write) as usize)];
        memory.write(self.buffer + write, part)?;
        let after = (write + part.len() as u32) % self.bytes;
        memory.write(self.at + WRITE, &after.to_le_bytes())?;
        Ok(part.len())
    }
}
