//! Memory between stretches that the memory protection unit lets nobody touch: an access beside a
//! buffer is a fault of the core, and no byte is read or written by mistake.
//!
//! For programs that touch no peripheral but the core's own: on Armv8-M all memory but the guards
//! becomes ordinary memory.
#![allow(unsafe_code)]

use cortex_m::asm;
use cortex_m::peripheral::MPU;

/// Largest file, bytes.
pub const FILE_BYTES: usize = 512 * 1024;

/// Largest working memory, bytes.
pub const ARENA_BYTES: usize = 256 * 1024;

/// Largest image, bytes.
pub const IMAGE_BYTES: usize = 64 * 1024;

const GUARD_BYTES: usize = 4096;

/// Guards of a [`Fenced`].
pub const GUARDS: usize = 4;

/// Memory that nobody may touch once the fence is closed: as large, and as aligned, as an Armv7-M
/// region has to be.
#[repr(C, align(4096))]
struct Guard([u8; GUARD_BYTES]);

/// A file, working memory and an image, each between two guards.
#[repr(C)]
pub struct Fenced {
    before: Guard,
    /// The file.
    pub file: [u8; FILE_BYTES],
    after_file: Guard,
    /// The working memory.
    pub arena: [i8; ARENA_BYTES],
    after_arena: Guard,
    /// The image.
    pub image: [u8; IMAGE_BYTES],
    after_image: Guard,
}

/// Nothing lies between a buffer and its guards.
const _: () =
    assert!(size_of::<Fenced>() == GUARDS * GUARD_BYTES + FILE_BYTES + ARENA_BYTES + IMAGE_BYTES);

impl Fenced {
    /// All zeros.
    pub const fn new() -> Self {
        Self {
            before: Guard([0; GUARD_BYTES]),
            file: [0; FILE_BYTES],
            after_file: Guard([0; GUARD_BYTES]),
            arena: [0; ARENA_BYTES],
            after_arena: Guard([0; GUARD_BYTES]),
            image: [0; IMAGE_BYTES],
            after_image: Guard([0; GUARD_BYTES]),
        }
    }

    /// From now on every access to a guard is a fault.
    pub fn close(&'static mut self, mpu: &mut MPU) -> &'static mut Self {
        protect(mpu, self.guards());
        asm::dsb();
        asm::isb();
        self
    }

    /// Reads the first or the last byte of a guard, which the closed fence does not survive.
    pub fn touch(&self, guard: usize, last: bool) -> u8 {
        let address = self.guards()[guard] + if last { GUARD_BYTES - 1 } else { 0 };
        // SAFETY: the byte lies in a guard of this value, which is initialised and lives on; where
        // the fence is closed the core faults instead.
        unsafe { core::ptr::with_exposed_provenance::<u8>(address).read_volatile() }
    }

    fn guards(&self) -> [usize; GUARDS] {
        [&self.before, &self.after_file, &self.after_arena, &self.after_image]
            .map(|guard| core::ptr::from_ref(guard).expose_provenance())
    }
}

/// Armv7-M (Arm DDI 0403, B3.5): a region without access for each guard, everything else as it is
/// without the unit (PRIVDEFENA).
#[cfg(not(armv8m))]
fn protect(mpu: &mut MPU, guards: [usize; GUARDS]) {
    const ENABLE_WITH_DEFAULT_MAP: u32 = 1 | 1 << 2;
    // Size 2^(n + 1) bytes in bits 1 to 5; 0 in the bits of the access permission: no access.
    const NO_ACCESS: u32 = (GUARD_BYTES.ilog2() - 1) << 1 | 1;
    for (region, guard) in (0..).zip(guards) {
        // SAFETY: takes away access to memory that nobody uses.
        unsafe {
            mpu.rnr.write(region);
            mpu.rbar.write(guard as u32);
            mpu.rasr.write(NO_ACCESS);
        }
    }
    // SAFETY: as above.
    unsafe { mpu.ctrl.write(ENABLE_WITH_DEFAULT_MAP) }
}

/// Armv8-M (Arm DDI 0553, D1.2.179 and following) has no region without access: regions for all
/// memory between the guards, and none for these.
#[cfg(armv8m)]
fn protect(mpu: &mut MPU, guards: [usize; GUARDS]) {
    const ENABLE: u32 = 1;
    /// Read and write; execution allowed, since code is in one of them.
    const READ_AND_WRITE: u32 = 1 << 1;
    /// Attribute 0: ordinary memory, not cached.
    const NOT_CACHED: u32 = 0x44;
    const GRANULE_BYTES: usize = 32;
    // SAFETY: what the attribute is for is not enabled yet.
    unsafe { mpu.mair[0].write(NOT_CACHED) }
    let firsts = core::iter::once(0).chain(guards.map(|guard| guard + GUARD_BYTES));
    let ends = guards.into_iter().chain([usize::MAX]);
    for (region, (first, end)) in (0..).zip(firsts.zip(ends)) {
        let limit = (end - 1) / GRANULE_BYTES * GRANULE_BYTES;
        // SAFETY: with all of the regions only memory that nobody uses is out of reach.
        unsafe {
            mpu.rnr.write(region);
            mpu.rbar.write(first as u32 | READ_AND_WRITE);
            mpu.rlar.write(limit as u32 | ENABLE);
        }
    }
    // SAFETY: as above.
    unsafe { mpu.ctrl.write(ENABLE) }
}
