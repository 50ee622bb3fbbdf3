//! Counts a run and answers images: what the programs that measure have in common.

use core::ops::Range;

use infer::format::LAYERS_MAX;
use infer::{
    Interface, Layer, Native, Network, Observer, OutputType, RunError, Scores, Session, ValueType,
};

use crate::board::Counter;
use crate::board::host::{File, HostError};
use crate::stack;

/// Bytes of images that are held at a time.
pub const IMAGES_BYTES: usize = 256 * 1024;

const CLASSES_MAX: usize = 1024;

/// Stands for the file of counts where nothing is to be counted, in an emulator that does not
/// count.
pub const NO_COUNTS: &str = "-";

/// What loading a model takes.
#[derive(Clone, Copy, Default)]
pub struct Loading {
    /// Instructions.
    pub instructions: u32,
    /// Most stack, bytes.
    pub stack_bytes: u32,
}

/// Writes the instructions of a whole run, its bytes of stack, instructions and bytes of stack of
/// loading, then the instructions of the longest step and of each layer. One run for the whole, one
/// for the layers.
pub fn count<'m>(
    counter: &mut Counter,
    network: impl Into<Network<'m>>,
    arena: &mut [i8],
    image: &[u8],
    loading: Loading,
    to: &mut File,
) -> Result<(), HostError> {
    let network = network.into();
    let image = image.get(..network.image_shape().len()).ok_or(HostError)?;
    let calls = network.input().interface;
    let mut session = Session::new(network, arena).map_err(|_| HostError)?;
    let (result, total) = counter.count(|| run(&mut session, calls, image).map(|_| ()));
    result.map_err(|_| HostError)?;
    to.write(&total.to_le_bytes())?;
    let stack_bytes =
        stack::used_by(|| _ = core::hint::black_box(run(&mut session, calls, image).is_ok()));
    to.write(&(stack_bytes as u32).to_le_bytes())?;
    to.write(&loading.instructions.to_le_bytes())?;
    to.write(&loading.stack_bytes.to_le_bytes())?;
    let mut layers = Layers { counter, begun: 0, longest: 0, instructions: [0; LAYERS_MAX] };
    session.run_stored::<Native>(image, &mut layers).map_err(|_| HostError)?;
    to.write(&layers.longest.to_le_bytes())?;
    for instructions in &layers.instructions[..network.layers().len()] {
        to.write(&instructions.to_le_bytes())?;
    }
    Ok(())
}

/// Writes the scores of all images of the file `images`, raw and one after the other, and after
/// those of each the instructions of its run; as many images as fit are held in `buffer` at a time.
pub fn answer<'m>(
    counter: &mut Counter,
    network: impl Into<Network<'m>>,
    arena: &mut [i8],
    buffer: &mut [u8],
    images: &str,
    to: &mut File,
) -> Result<(), HostError> {
    let network = network.into();
    let image_bytes = network.image_shape().len();
    let calls = network.input().interface;
    let batch_bytes = buffer.len() - buffer.len() % image_bytes.max(1);
    let mut session = Session::new(network, arena).map_err(|_| HostError)?;
    let mut from = File::open(images)?;
    let mut left = from.bytes()?;
    while left > 0 {
        let read = from.read(&mut buffer[..batch_bytes.min(left)]);
        if read == 0 {
            // An image larger than the buffer, or a file that cannot be read to its end.
            return Err(HostError);
        }
        for image in buffer[..read].chunks(image_bytes) {
            write_answer(counter, &mut session, calls, image, to)?;
        }
        left -= read;
    }
    Ok(())
}

fn write_answer(
    counter: &mut Counter,
    session: &mut Session,
    calls: Interface<'_>,
    image: &[u8],
    to: &mut File,
) -> Result<(), HostError> {
    let (scores, instructions) = counter.count(|| run(session, calls, image));
    let scores = scores.map_err(|_| HostError)?;
    let mut bytes = [0; CLASSES_MAX];
    let bytes = bytes.get_mut(..scores.values().len()).ok_or(HostError)?;
    bytes.iter_mut().zip(scores.values()).for_each(|(byte, score)| *byte = *score as u8);
    to.write(bytes)?;
    to.write(&instructions.to_le_bytes())
}

/// Runs the network on an image as files hold it; where it tells classes of pixels apart, by the
/// call that firmware makes for that.
fn run<'s>(
    session: &'s mut Session,
    calls: Interface<'_>,
    image: &[u8],
) -> Result<Scores<'s>, RunError> {
    match (calls.takes, calls.gives) {
        (ValueType::Pixels, OutputType::Scores) => session.run(image),
        _ => session.run_stored::<Native>(image, &mut ()),
    }
}

/// Fills an image with noise, always the same.
pub fn noise(image: &mut [u8]) {
    let mut state = 1u32;
    for pixel in image {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *pixel = (state >> 24) as u8;
    }
}

/// Instructions of each layer of a run, and of the longest step, which makes rows of one layer.
struct Layers<'c> {
    counter: &'c mut Counter,
    begun: u32,
    longest: u32,
    instructions: [u32; LAYERS_MAX],
}

impl Observer for Layers<'_> {
    fn before(&mut self, _: usize, _: &Layer<'_>, _: Range<u16>) {
        self.begun = self.counter.now();
    }

    fn after(&mut self, index: usize, _: &Layer<'_>, _: Range<u16>, _: &[i8]) {
        let step = self.counter.since(self.begun);
        self.longest = self.longest.max(step);
        self.instructions[index] += step;
    }
}
