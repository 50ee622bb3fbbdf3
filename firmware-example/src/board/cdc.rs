//! A serial port over USB (the class CDC-ACM, for which every system has a driver), on any chip
//! that has a `UsbBus`.
//!
//! Nothing here waits: the owner of the port polls it. So a test on the host can do that too.

use usb_device::bus::{UsbBus, UsbBusAllocator};
use usb_device::device::{
    StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid,
};
use usb_device::prelude::BuilderError;
use usbd_serial::{SerialPort, USB_CLASS_CDC};

/// The pair that the USB crates' own examples use, from the ones that are free for CDC-ACM devices.
/// A product has its own.
const VENDOR_AND_PRODUCT: UsbVidPid = UsbVidPid(0x16C0, 0x27DD);

/// Bytes that may wait in either direction: a frame of the wire with 1,024 bytes in it, and a
/// packet.
const BUFFER_BYTES: usize = 1152;

/// Bytes of the control endpoint's packets: the most, so that few polls enumerate the device.
const CONTROL_PACKET_BYTES: u8 = 64;

/// The device, with one serial port.
pub struct Cdc<'b, Bus: UsbBus> {
    device: UsbDevice<'b, Bus>,
    port: SerialPort<'b, Bus, [u8; BUFFER_BYTES], [u8; BUFFER_BYTES]>,
}

impl<'b, Bus: UsbBus> Cdc<'b, Bus> {
    /// A device that calls itself `board`. It is connected to the bus from now on, and to be
    /// polled.
    ///
    /// # Errors
    /// None that a board's own numbers could cause: descriptors that are too many, a control packet
    /// of an odd size.
    pub fn new(bus: &'b UsbBusAllocator<Bus>, board: &'b str) -> Result<Self, BuilderError> {
        let port = SerialPort::new_with_store(bus, [0; BUFFER_BYTES], [0; BUFFER_BYTES]);
        let names = StringDescriptors::default().manufacturer("Kindling").product(board);
        let device = UsbDeviceBuilder::new(bus, VENDOR_AND_PRODUCT)
            .strings(&[names])?
            .max_packet_size_0(CONTROL_PACKET_BYTES)?
            .device_class(USB_CLASS_CDC)
            .build();
        Ok(Self { device, port })
    }

    /// Answers the host, and moves what came or can go. At least every few milliseconds while the
    /// device is enumerated.
    pub fn poll(&mut self) {
        self.device.poll(&mut [&mut self.port]);
        // Into the buffer, so that the endpoint is free: on some chips what waits there also holds
        // up the control endpoint.
        let _ = self.port.read(&mut []);
    }

    /// A byte from the host, if one is there.
    pub fn read(&mut self) -> Option<u8> {
        let mut byte = [0];
        match self.port.read(&mut byte) {
            Ok(1) => Some(byte[0]),
            // Nothing came, or a transfer failed, which the wire's CRC-32 finds.
            _ => None,
        }
    }

    /// Takes a byte for the host; `false` while there is no room for it. With no host on the bus it
    /// is dropped: nobody waits for it.
    pub fn write(&mut self, byte: u8) -> bool {
        self.device.state() != UsbDeviceState::Configured
            || matches!(self.port.write(&[byte]), Ok(1))
    }
}
