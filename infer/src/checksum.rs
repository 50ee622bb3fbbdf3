//! CRC-32 as in IEEE 802.3, gzip and PNG: reflected polynomial 0xEDB88320, start and final value
//! all ones.

/// The checksum of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    !register_of(bytes)
}

/// The register of [`checksum`] after more bytes: begins as all ones, inverted it is the checksum.
/// For a few bytes at a time: it is small, and stands wherever it is called.
#[cfg(all(target_os = "none", feature = "wire"))]
pub(crate) fn extend_checksum(register: u32, bytes: &[u8]) -> u32 {
    bytes_out(register, bytes)
}

/// The same on hosts, where a table may be large.
#[cfg(not(target_os = "none"))]
pub(crate) fn extend_checksum(register: u32, bytes: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(!register);
    hasher.update(bytes);
    !hasher.finalize()
}

#[cfg(not(target_os = "none"))]
fn register_of(bytes: &[u8]) -> u32 {
    extend_checksum(u32::MAX, bytes)
}

#[cfg(target_os = "none")]
fn register_of(bytes: &[u8]) -> u32 {
    words_out(u32::MAX, bytes)
}

/// With a table of 64 bytes of flash, four bits at a time. Once in a program: it is unrolled.
#[cfg(any(target_os = "none", test))]
#[inline(never)]
fn words_out(register: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks();
    bytes_out(words.iter().fold(register, word_out), rest)
}

/// The register after four bytes, as a word where the core loads one from any address.
#[cfg(any(target_os = "none", test))]
#[inline(always)]
fn word_out(crc: u32, word: &[u8; 4]) -> u32 {
    if cfg!(kindling_backend = "armv6m") {
        return bytes_out(crc, word);
    }
    byte_out(byte_out(byte_out(byte_out(crc ^ u32::from_le_bytes(*word)))))
}

/// The register after some bytes.
#[cfg(any(target_os = "none", test))]
#[inline(always)]
fn bytes_out(crc: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(crc, |crc, byte| byte_out(crc ^ *byte as u32))
}

/// The register after its lowest byte.
#[cfg(any(target_os = "none", test))]
#[inline(always)]
fn byte_out(crc: u32) -> u32 {
    let crc = CRC_NIBBLES[(crc & 15) as usize] ^ (crc >> 4);
    CRC_NIBBLES[(crc & 15) as usize] ^ (crc >> 4)
}

#[cfg(any(target_os = "none", test))]
const CRC_NIBBLES: [u32; 16] = {
    let mut table = [0; 16];
    let mut index = 0;
    while index < 16 {
        let mut crc = index as u32;
        let mut bit = 0;
        while bit < 4 {
            crc = if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[index] = crc;
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chips_and_hosts_compute_the_same() {
        let mut bytes = [0; 300];
        let mut state = 1u32;
        for byte in &mut bytes {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        for end in 0..bytes.len() {
            for register in [u32::MAX, 0, state] {
                let on_host = extend_checksum(register, &bytes[..end]);
                assert_eq!(words_out(register, &bytes[..end]), on_host, "{end} bytes");
                assert_eq!(bytes_out(register, &bytes[..end]), on_host, "{end} bytes");
            }
        }
    }
}
