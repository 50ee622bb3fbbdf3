//! A USB cable without hardware: at one end a `UsbBus` for the firmware's USB port, at the other a
//! host that enumerates a CDC-ACM device and sends and takes its packets.
//!
//! An endpoint holds one packet in each direction and refuses the next until it was taken, as on
//! the chips; the bus can be reset at any moment.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use trainer::device::line::Line;
use usb_device::bus::{PollResult, UsbBus};
use usb_device::endpoint::{EndpointAddress, EndpointType};
use usb_device::{UsbDirection, UsbError};

/// Most bytes of a packet at full speed.
pub const PACKET_BYTES: usize = 64;

/// Linux gives a control request so long.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(5);

/// Between two looks at the cable.
const PAUSE: Duration = Duration::from_micros(20);

const ENDPOINTS: usize = 16;

/// What is under way.
#[derive(Default)]
struct Packets {
    is_reset: bool,
    is_enabled: bool,
    address: u8,
    setup: Option<[u8; 8]>,
    to_chip: [Option<Vec<u8>>; ENDPOINTS],
    to_host: [Option<Vec<u8>>; ENDPOINTS],
    /// Packets that the host took, of which the chip was not told yet: a bit for each endpoint.
    taken: u16,
    /// Endpoints to the host, and from it, that say no: a bit for each.
    stalled: [u16; 2],
    /// Endpoints to the host, and from it, that were given out: a bit for each.
    allocated: [u16; 2],
}

/// A cable: as a value of its own the end at the chip.
#[derive(Clone, Default)]
pub struct Cable(Arc<Mutex<Packets>>);

impl Cable {
    fn packets(&self) -> MutexGuard<'_, Packets> {
        self.0.lock().expect("nobody panics with the cable in hand")
    }

    /// The other end.
    pub fn host(&self) -> Host {
        Host { cable: self.clone(), data_in: 0, data_out: 0, rest: Vec::new() }
    }
}

fn side(direction: UsbDirection) -> usize {
    if direction == UsbDirection::In { 0 } else { 1 }
}

impl UsbBus for Cable {
    fn alloc_ep(
        &mut self,
        direction: UsbDirection,
        address: Option<EndpointAddress>,
        _: EndpointType,
        bytes: u16,
        _: u8,
    ) -> usb_device::Result<EndpointAddress> {
        assert!(bytes as usize <= PACKET_BYTES);
        let mut packets = self.packets();
        let allocated = &mut packets.allocated[side(direction)];
        let free = (1..ENDPOINTS).find(|index| *allocated & 1 << index == 0);
        let index =
            address.map(|address| address.index()).or(free).ok_or(UsbError::EndpointOverflow)?;
        *allocated |= 1 << index;
        Ok(EndpointAddress::from_parts(index, direction))
    }

    fn enable(&mut self) {
        self.packets().is_enabled = true;
    }

    fn reset(&self) {
        let mut packets = self.packets();
        let Packets { is_enabled, allocated, .. } = *packets;
        *packets = Packets { is_enabled, allocated, ..Packets::default() };
    }

    fn set_device_address(&self, address: u8) {
        self.packets().address = address;
    }

    fn write(&self, address: EndpointAddress, bytes: &[u8]) -> usb_device::Result<usize> {
        let place = &mut self.packets().to_host[address.index()];
        if place.is_some() {
            return Err(UsbError::WouldBlock);
        }
        assert!(bytes.len() <= PACKET_BYTES);
        *place = Some(bytes.to_vec());
        Ok(bytes.len())
    }

    fn read(&self, address: EndpointAddress, buffer: &mut [u8]) -> usb_device::Result<usize> {
        let mut packets = self.packets();
        let setup = if address.index() == 0 { packets.setup.take() } else { None };
        let packet = match setup {
            Some(setup) => setup.to_vec(),
            None => packets.to_chip[address.index()].take().ok_or(UsbError::WouldBlock)?,
        };
        buffer.get_mut(..packet.len()).ok_or(UsbError::BufferOverflow)?.copy_from_slice(&packet);
        Ok(packet.len())
    }

    fn set_stalled(&self, address: EndpointAddress, stalled: bool) {
        let bits = &mut self.packets().stalled[side(address.direction())];
        *bits = *bits & !(1 << address.index()) | u16::from(stalled) << address.index();
    }

    fn is_stalled(&self, address: EndpointAddress) -> bool {
        self.packets().stalled[side(address.direction())] & 1 << address.index() != 0
    }

    fn suspend(&self) {}

    fn resume(&self) {}

    fn poll(&self) -> PollResult {
        let mut packets = self.packets();
        if packets.is_reset {
            return PollResult::Reset;
        }
        let waiting = packets.to_chip.iter().enumerate().filter(|(_, packet)| packet.is_some());
        let ep_out = waiting.fold(0, |bits, (index, _)| bits | 1 << index);
        let (ep_in_complete, ep_setup) =
            (std::mem::take(&mut packets.taken), u16::from(packets.setup.is_some()));
        match ep_out | ep_in_complete | ep_setup {
            0 => PollResult::None,
            _ => PollResult::Data { ep_out, ep_in_complete, ep_setup },
        }
    }
}

/// The host's end: once [`enumerate`](Host::enumerate)d, the line of a serial port.
pub struct Host {
    cable: Cable,
    data_in: usize,
    data_out: usize,
    /// Of the packet that came last.
    rest: Vec<u8>,
}

/// What the device said of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Described {
    /// Vendor and product.
    pub ids: (u16, u16),
    /// The names of maker and product.
    pub names: [String; 2],
}

impl Host {
    /// Resets the bus; what was under way is lost.
    ///
    /// # Errors
    /// A chip that does not take note in five seconds.
    pub fn reset(&mut self) -> io::Result<()> {
        self.rest.clear();
        self.cable.packets().is_reset = true;
        until(CONTROL_TIMEOUT, || (!self.cable.packets().is_reset).then_some(()))
    }

    /// What a host does with a device that was plugged in: reset, descriptors, address,
    /// configuration, and what opening the port adds.
    ///
    /// # Errors
    /// A request that is refused, or not answered in five seconds; a device without the endpoints
    /// of a CDC-ACM one.
    pub fn enumerate(&mut self) -> io::Result<Described> {
        until(CONTROL_TIMEOUT, || self.cable.packets().is_enabled.then_some(()))?;
        self.reset()?;
        let device = self.descriptor(1, 0, 18)?;
        self.control_out([0x00, 5], 7, 0, &[])?; // SET_ADDRESS
        until(CONTROL_TIMEOUT, || (self.cable.packets().address == 7).then_some(()))?;
        let head = self.descriptor(2, 0, 9)?;
        let configuration = self.descriptor(2, 0, u16::from_le_bytes([head[2], head[3]]))?;
        self.find_endpoints(&configuration)?;
        let names = [self.string(device[14])?, self.string(device[15])?];
        self.control_out([0x00, 9], 1, 0, &[])?; // SET_CONFIGURATION
        // SET_LINE_CODING: 115,200 baud
        self.control_out([0x21, 0x20], 0, 0, &[0x00, 0xC2, 0x01, 0, 0, 0, 8])?;
        self.control_out([0x21, 0x22], 3, 0, &[])?; // SET_CONTROL_LINE_STATE: somebody is there
        let id = |at: usize| u16::from_le_bytes([device[at], device[at + 1]]);
        Ok(Described { ids: (id(8), id(10)), names })
    }

    /// The bulk endpoints of the data interface.
    fn find_endpoints(&mut self, configuration: &[u8]) -> io::Result<()> {
        let mut rest = configuration;
        while let [length, kind, ..] = *rest {
            if let (5, [_, _, address, 2, ..]) = (kind, rest) {
                let index = usize::from(address & 15);
                if address & 0x80 == 0 { self.data_out = index } else { self.data_in = index }
            }
            rest = rest.get(usize::from(length).max(2)..).unwrap_or_default();
        }
        match self.data_in > 0 && self.data_out > 0 {
            true => Ok(()),
            false => Err(io::Error::other("no bulk endpoints in both directions")),
        }
    }

    fn string(&mut self, index: u8) -> io::Result<String> {
        let descriptor = self.descriptor(3, index, 255)?;
        let units: Vec<_> = descriptor[2..]
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        String::from_utf16(&units).map_err(io::Error::other)
    }

    fn descriptor(&mut self, kind: u8, index: u8, bytes: u16) -> io::Result<Vec<u8>> {
        let language = if kind == 3 { 0x0409 } else { 0 };
        self.control_in([0x80, 6], u16::from(kind) << 8 | u16::from(index), language, bytes)
    }

    /// Asks for up to `bytes` bytes.
    ///
    /// # Errors
    /// A request that is refused, or not answered in five seconds.
    pub fn control_in(
        &mut self,
        request: [u8; 2],
        value: u16,
        index: u16,
        bytes: u16,
    ) -> io::Result<Vec<u8>> {
        self.setup(request, value, index, bytes);
        let mut all = Vec::new();
        loop {
            let packet = self.packet_from(0, CONTROL_TIMEOUT)?;
            all.extend(&packet);
            if packet.len() < PACKET_BYTES || all.len() >= usize::from(bytes) {
                break;
            }
        }
        self.packet_to(0, &[], CONTROL_TIMEOUT)?; // the status stage
        until(CONTROL_TIMEOUT, || self.cable.packets().to_chip[0].is_none().then_some(()))?;
        Ok(all)
    }

    /// Says something.
    ///
    /// # Errors
    /// As [`control_in`](Self::control_in).
    pub fn control_out(
        &mut self,
        request: [u8; 2],
        value: u16,
        index: u16,
        data: &[u8],
    ) -> io::Result<()> {
        self.setup(request, value, index, data.len() as u16);
        if !data.is_empty() {
            self.packet_to(0, data, CONTROL_TIMEOUT)?;
        }
        self.packet_from(0, CONTROL_TIMEOUT).map(drop) // the status stage
    }

    /// A chip must take this at any time: what it held ready for an earlier request is void.
    fn setup(&self, request: [u8; 2], value: u16, index: u16, bytes: u16) {
        let [[value_low, value_high], [index_low, index_high], [low, high]] =
            [value, index, bytes].map(u16::to_le_bytes);
        let mut packets = self.cable.packets();
        packets.setup =
            Some([request[0], request[1], value_low, value_high, index_low, index_high, low, high]);
        (packets.to_host[0], packets.to_chip[0]) = (None, None);
        packets.stalled.iter_mut().for_each(|bits| *bits &= !1);
    }

    fn packet_to(&self, endpoint: usize, bytes: &[u8], timeout: Duration) -> io::Result<()> {
        until(timeout, || {
            let place = &mut self.cable.packets().to_chip[endpoint];
            place.is_none().then(|| *place = Some(bytes.to_vec()))
        })
    }

    fn packet_from(&self, endpoint: usize, timeout: Duration) -> io::Result<Vec<u8>> {
        until(timeout, || {
            let mut packets = self.cable.packets();
            if packets.stalled[0] & 1 << endpoint != 0 {
                return Some(Err(io::Error::other("the device refuses the request")));
            }
            let packet = packets.to_host[endpoint].take()?;
            packets.taken |= 1 << endpoint;
            Some(Ok(packet))
        })?
    }
}

impl Line for Host {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes
            .chunks(PACKET_BYTES)
            .try_for_each(|packet| self.packet_to(self.data_out, packet, CONTROL_TIMEOUT))
    }

    fn receive(&mut self, buffer: &mut [u8], timeout: Duration) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.packet_from(self.data_in, timeout) {
                Ok(packet) => self.rest = packet, // one without bytes only ends a transfer
                Err(error) if error.kind() == io::ErrorKind::TimedOut => return Ok(0),
                Err(error) => return Err(error),
            }
        }
        let bytes = self.rest.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&self.rest[..bytes]);
        self.rest.drain(..bytes);
        Ok(bytes)
    }
}

/// Waits until `ready` gives something.
fn until<Output>(
    timeout: Duration,
    mut ready: impl FnMut() -> Option<Output>,
) -> io::Result<Output> {
    let end = Instant::now() + timeout;
    loop {
        match ready() {
            Some(output) => return Ok(output),
            None if Instant::now() > end => return Err(io::ErrorKind::TimedOut.into()),
            None => thread::sleep(PAUSE),
        }
    }
}
