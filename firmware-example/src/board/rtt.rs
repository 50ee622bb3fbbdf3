//! A line through a debug probe: RTT, channel 0 of either direction. The probe reads and writes the
//! chip's memory while the core runs, so that no pins are needed; OpenOCD and J-Link pass it on as
//! a TCP port.

use rtt_target::{ChannelMode, DownChannel, UpChannel, rtt_init};

use super::line::Line;

/// Both ends of the line.
pub struct Rtt {
    to_host: UpChannel,
    from_host: DownChannel,
}

/// Puts the control block where a probe finds it. For one call.
pub fn start() -> Rtt {
    // A host asks, so somebody reads: an answer waits until there is room for it.
    let channels = rtt_init! {
        up: { 0: { size: 1024, mode: ChannelMode::BlockIfFull, name: "kindling" } }
        down: { 0: { size: 1024, name: "kindling" } }
    };
    Rtt { to_host: channels.up.0, from_host: channels.down.0 }
}

impl Line for Rtt {
    fn read(&mut self) -> u8 {
        let mut byte = [0];
        while self.from_host.read(&mut byte) == 0 {}
        byte[0]
    }

    fn write(&mut self, byte: u8) {
        self.to_host.write(&[byte]);
    }
}
