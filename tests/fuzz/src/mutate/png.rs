//! PNG files: headers that lie, pixels, palettes and chunks that are changed, missing or there
//! twice, with the CRC of each chunk and of the pixels mostly right.

use std::io::Read;

use flate2::bufread::ZlibDecoder;
use infer::format::checksum;

use super::{Random, change};

/// First bytes of a PNG file.
const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1A\n";

/// Kinds of chunks that decoders look into.
const KINDS: [[u8; 4]; 16] = [
    *b"PLTE", *b"tRNS", *b"gAMA", *b"cHRM", *b"sRGB", *b"iCCP", *b"sBIT", *b"bKGD", *b"pHYs",
    *b"tEXt", *b"zTXt", *b"iTXt", *b"acTL", *b"fcTL", *b"fdAT", *b"xxxx",
];

/// A file taken apart.
#[derive(Clone)]
pub struct Parts {
    chunks: Vec<Chunk>,
    /// What the chunks of pixels hold, inflated.
    pixels: Vec<u8>,
}

#[derive(Clone)]
struct Chunk {
    kind: [u8; 4],
    data: Vec<u8>,
}

impl Parts {
    /// Takes a whole file apart; `None` when it is none.
    pub fn of(file: &[u8]) -> Option<Self> {
        let mut rest = file.strip_prefix(&SIGNATURE)?;
        let mut chunks = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk() {
            let (kind, after) = after.split_first_chunk()?;
            let (data, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            chunks.push(Chunk { kind: *kind, data: data.to_vec() });
            rest = after.get(4..)?;
        }
        let packed: Vec<u8> = of_pixels(&chunks).flat_map(|chunk| chunk.data.clone()).collect();
        let mut pixels = Vec::new();
        ZlibDecoder::new(&packed[..]).read_to_end(&mut pixels).ok()?;
        Some(Self { chunks, pixels })
    }

    /// The damaged file of this number.
    pub fn damaged(&self, number: u64) -> Vec<u8> {
        let random = &mut Random::new(number);
        let mut parts = self.clone();
        for _ in 0..1 + random.below(3) {
            parts.change(random);
        }
        let mut file = parts.file();
        if random.one_in(16) {
            change(&mut file, random);
        }
        if random.one_in(16) {
            file.truncate(random.below(file.len()));
        }
        file
    }

    fn change(&mut self, random: &mut Random) {
        let at = random.below(self.chunks.len());
        match random.below(10) {
            0..3 => self.change_header(random),
            3..6 => {
                change(&mut self.pixels, random);
                self.pack();
            }
            6 => _ = self.chunks.remove(at),
            7 => self.chunks.insert(random.below(self.chunks.len()), self.chunks[at].clone()),
            8 => {
                let data = (0..random.below(30)).map(|_| random.below(256) as u8).collect();
                self.chunks.insert(at, Chunk { kind: *random.one_of(&KINDS), data });
            }
            _ => change(&mut self.chunks[at].data, random),
        }
        if self.chunks.is_empty() {
            self.chunks.push(Chunk { kind: *b"IEND", data: Vec::new() });
        }
    }

    /// Width, height, and what the pixels are.
    fn change_header(&mut self, random: &mut Random) {
        let Some(header) = self.chunks.iter_mut().find(|chunk| chunk.kind == *b"IHDR") else {
            return;
        };
        let at = random.below(7);
        match header.data.get_mut(4 * at..4 * at + 4) {
            Some(side) if at < 2 => side.copy_from_slice(&random.size().to_be_bytes()),
            _ => {
                let at = 8 + random.below(5);
                let value = *random.one_of(&[0, 1, 2, 3, 4, 6, 8, 16]);
                header.data.get_mut(at).into_iter().for_each(|byte| *byte = value);
            }
        }
    }

    /// Puts the pixels into the first of their chunks, as they are.
    fn pack(&mut self) {
        let packed = stored(&self.pixels);
        let mut first = true;
        self.chunks.retain_mut(|chunk| {
            let keep = chunk.kind != *b"IDAT" || first;
            if chunk.kind == *b"IDAT" && first {
                chunk.data.clone_from(&packed);
                first = false;
            }
            keep
        });
    }

    fn file(&self) -> Vec<u8> {
        let mut file = SIGNATURE.to_vec();
        for Chunk { kind, data } in &self.chunks {
            file.extend((data.len() as u32).to_be_bytes());
            let begun = file.len();
            file.extend(kind);
            file.extend(data);
            let crc = checksum(&file[begun..]);
            file.extend(crc.to_be_bytes());
        }
        file
    }
}

fn of_pixels(chunks: &[Chunk]) -> impl Iterator<Item = &Chunk> {
    chunks.iter().filter(|chunk| chunk.kind == *b"IDAT")
}

/// A zlib stream that holds `bytes` as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(u16::MAX as usize)];
    let len = bytes.len() as u16;
    let mut packed = vec![0x78, 1, 1];
    packed.extend(len.to_le_bytes());
    packed.extend((!len).to_le_bytes());
    packed.extend(bytes);
    packed.extend(adler32(bytes).to_be_bytes());
    packed
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + *byte as u32) % 65_521;
        b = (b + a) % 65_521;
    }
    b << 16 | a
}
