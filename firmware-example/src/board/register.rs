//! A 32-bit register of a peripheral.
#![allow(unsafe_code)]

/// A register at a fixed address.
#[derive(Clone, Copy)]
pub struct Register(*mut u32);

impl Register {
    /// The register at `address`.
    ///
    /// # Safety
    /// There is a 32-bit register at this address on every board the caller runs on, and no access
    /// to it, of whatever value, changes memory that Rust code uses.
    pub const unsafe fn at(address: usize) -> Self {
        Self(core::ptr::without_provenance_mut(address))
    }

    /// Reads it.
    pub fn read(self) -> u32 {
        // SAFETY: `Register::at` was promised a register here.
        unsafe { self.0.read_volatile() }
    }

    /// Writes it.
    pub fn write(self, value: u32) {
        // SAFETY: as in `read`.
        unsafe { self.0.write_volatile(value) }
    }

    /// Sets some bits and leaves the others.
    pub fn set(self, bits: u32) {
        self.write(self.read() | bits);
    }

    /// Waits until one of `bits` is set.
    pub fn wait_for(self, bits: u32) {
        while self.read() & bits == 0 {}
    }
}
