//! A loaded model in memory of the caller.
//!
//! ```text
//! Loaded | layers: a heapless::Vec | a stream, where one was begun | end mark
//! ```
//!
//! The handle refers to itself: the network to the layers after it, a run to the session in it. So
//! each part is reached by a pointer of its own, and no reference to the whole is ever made.

use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ptr::{self, NonNull};

use heapless::{Vec, VecView};
use infer::format::{FORMAT_VERSION, Header};
use infer::{Layer, Metadata, Model, Network, Rows, Run, Session};

use crate::memory::{self, Span};
use crate::status::KindlingStatus as Status;

/// What the addresses of a model, an arena and a handle's memory are multiples of.
pub const KINDLING_ALIGNMENT_BYTES: usize = 16;

/// Bytes of a handle beside its layers: see `KINDLING_HANDLE_BYTES`.
pub const KINDLING_HANDLE_FIXED_BYTES: usize = 352;

/// Bytes of each layer in a handle: see `KINDLING_HANDLE_BYTES`.
pub const KINDLING_LAYER_BYTES: usize = 84;

/// A loaded model, and what is under way with it. It lies in memory of the caller.
///
/// One thread, task or interrupt at a time may use a handle; two handles may be used at once, even
/// of one model.
///
/// What is checked in each call is that the handle was loaded where it lies, by this very program,
/// and that its ends were not overwritten; of the model only that its checksum field still is what
/// it was. What C can still break: a handle whose middle was overwritten, a model whose other bytes
/// were changed, an arena that was written to during a run, and pointers to memory that is not
/// there lead to wrong answers or to undefined behaviour.
pub struct KindlingHandle {
    _private: (),
}

/// What lies where a handle points to: its ends are what an overflow of a neighbour reaches first.
#[repr(C)]
pub(crate) struct Loaded {
    mark: u32,
    /// Of the fields down to `layers`.
    check: u32,
    /// Of the whole memory.
    bytes: usize,
    /// Null for the model that is built in.
    file: *const u8,
    file_bytes: usize,
    /// In the model's header.
    checksum: u32,
    layers: usize,
    /// Of what is under way, or of what ran last.
    arena: *mut i8,
    arena_bytes: usize,
    network: MaybeUninit<Network<'static>>,
    /// What the network borrows its input from, where it was loaded.
    model: MaybeUninit<Model<'static>>,
    /// What a run or an image by rows borrows.
    session: MaybeUninit<Session<'static, 'static>>,
    work: Work,
}

/// Bytes of a handle for a model with `layers` layers.
pub(crate) const fn handle_bytes(layers: u16) -> usize {
    FIRST_LAYER_AT + layers as usize * size_of::<Layer>() + size_of::<u32>()
}

/// What is under way.
pub(crate) enum Work {
    Nothing,
    /// A run that may have steps left.
    RunU8(Run<'static, 'static, 'static, u8>),
    RunI8(Run<'static, 'static, 'static, i8>),
    RunF32(Run<'static, 'static, 'static, f32>),
    RowsU8(Rows<'static, 'static, 'static, u8>),
    RowsI8(Rows<'static, 'static, 'static, i8>),
    RowsF32(Rows<'static, 'static, 'static, f32>),
    /// The outputs can be read.
    Finished,
    /// A stream, which lies after the layers.
    Stream,
}

/// Layers as `infer` reads them.
type Layers = VecView<Layer<'static>>;

/// Bytes before the layers' memory.
const LAYERS_AT: usize = size_of::<Loaded>().next_multiple_of(align_of::<Vec<Layer, 0>>());

/// Bytes before the first layer.
const FIRST_LAYER_AT: usize = LAYERS_AT + size_of::<Vec<Layer, 0>>();

/// Begins each handle.
static MARK: u32 = u32::from_le_bytes(*b"KHnd");

#[cfg(target_pointer_width = "32")]
const _: () = {
    assert!(FIRST_LAYER_AT + size_of::<u32>() <= KINDLING_HANDLE_FIXED_BYTES);
    assert!(size_of::<Layer>() <= KINDLING_LAYER_BYTES);
};
const _: () = {
    // A vector is its length and its layers, nothing else.
    let size = size_of::<Vec<Layer, 9>>();
    assert!(size == size_of::<Vec<Layer, 0>>() + 9 * size_of::<Layer>());
    assert!(align_of::<Loaded>() <= KINDLING_ALIGNMENT_BYTES);
    assert!(align_of::<Vec<Layer, 0>>() == align_of::<Vec<Layer, 9>>());
};

/// Memory for a handle: aligned, and large enough for one without layers.
pub(crate) struct Room {
    memory: NonNull<Loaded>,
    bytes: usize,
}

impl Room {
    /// Checks the memory, and has it hold no handle.
    ///
    /// # Safety
    /// Null, or memory of this size that is the caller's alone.
    pub(crate) unsafe fn new(memory: *mut c_void, bytes: usize) -> Result<Self, Status> {
        Span::of(memory.cast::<u8>(), bytes)?;
        let memory = NonNull::new(memory.cast::<Loaded>()).ok_or(Status::NullPointer)?;
        if !memory.addr().get().is_multiple_of(KINDLING_ALIGNMENT_BYTES) {
            return Err(Status::HandleMisaligned);
        }
        if bytes < FIRST_LAYER_AT + size_of::<u32>() {
            return Err(Status::HandleTooSmall);
        }
        // SAFETY: aligned and large enough, as was checked, and the caller's alone.
        unsafe { (&raw mut (*memory.as_ptr()).mark).write(0) };
        Ok(Self { memory, bytes })
    }

    /// Where the memory lies.
    pub(crate) fn span(&self) -> Result<Span, Status> {
        Span::of(self.memory.as_ptr().cast::<u8>(), self.bytes)
    }

    /// Puts a model into the handle, which lives until the next is put there.
    ///
    /// # Safety
    /// The room is memory that nobody else uses while the network is used.
    pub(crate) unsafe fn hold(&self, model: Model<'static>) -> Network<'static> {
        // SAFETY:
        // - the room holds a `Loaded`: `Room::new` has checked size and alignment;
        // - nothing refers to a model that was here before: its handle is no more;
        // - nothing writes to this field while the network is used.
        unsafe {
            let held = &raw mut (*self.memory.as_ptr()).model;
            held.write(MaybeUninit::new(model));
            Network::from((*held).assume_init_ref())
        }
    }

    /// An empty vector for as many layers as there is room for.
    ///
    /// # Safety
    /// The room is memory that nobody else uses while the layers are.
    pub(crate) unsafe fn layers(&self) -> &'static mut Layers {
        let bytes = self.bytes - FIRST_LAYER_AT - size_of::<u32>();
        let capacity = bytes / size_of::<Layer>();
        // SAFETY:
        // - the room is larger than `FIRST_LAYER_AT`, so the vector's head lies inside;
        // - `LAYERS_AT` is a multiple of the vector's alignment, as is the room's address.
        let layers = unsafe { self.memory.as_ptr().byte_add(LAYERS_AT) };
        let empty = layers.cast::<Vec<Layer<'static>, 0>>();
        // SAFETY: as above.
        unsafe { empty.write(Vec::new()) };
        let view = ptr::slice_from_raw_parts_mut(layers.cast::<Layer<'static>>(), capacity);
        // SAFETY:
        // - `Vec<Layer, N>` becomes a `VecView<Layer>` by unsizing, which keeps the bytes and makes
        //   `N` the pointer's number: so the fields lie alike for every `N`, 0 and `capacity`
        //   included, and the length that was written above is that of the view;
        // - `capacity` layers lie inside of the room: see `bytes` and the assertions on sizes;
        // - layers beyond the length need not be initialised.
        unsafe { &mut *(view as *mut Layers) }
    }

    /// Makes the handle, and tells where it is.
    ///
    /// # Safety
    /// What the network borrows stays as it is for as long as the handle is used; `layers` of them
    /// lie in the room.
    pub(crate) unsafe fn become_loaded(
        self,
        file: &'static [u8],
        checksum: u32,
        network: Network<'static>,
        layers: usize,
    ) -> *mut KindlingHandle {
        let handle = self.memory.as_ptr();
        let opened = Opened(self.memory);
        // SAFETY:
        // - the room holds a `Loaded`: `Room::new` has checked size and alignment;
        // - no field is written that the network borrows: it borrows from `model`;
        // - no field has anything to drop.
        unsafe {
            (&raw mut (*handle).bytes).write(self.bytes);
            (&raw mut (*handle).file).write(if file.is_empty() {
                ptr::null()
            } else {
                file.as_ptr()
            });
            (&raw mut (*handle).file_bytes).write(file.len());
            (&raw mut (*handle).checksum).write(checksum);
            (&raw mut (*handle).layers).write(layers);
            (&raw mut (*handle).arena).write(ptr::null_mut());
            (&raw mut (*handle).arena_bytes).write(0);
            (&raw mut (*handle).network).write(MaybeUninit::new(network));
            (&raw mut (*handle).work).write(Work::Nothing);
            let check = opened.computed_check();
            opened.end_mark().write_unaligned(!check);
            (&raw mut (*handle).check).write(check);
            (&raw mut (*handle).mark).write(MARK);
        }
        handle.cast()
    }
}

/// A handle that was loaded, for the time of a call.
pub(crate) struct Opened(NonNull<Loaded>);

impl Opened {
    /// Checks that it is a loaded handle of this program, as far as that can be told.
    ///
    /// # Safety
    /// Null, or memory of a handle's fixed bytes that nobody else uses during the call; and what
    /// [`kindling_load`](crate::kindling_load) asks for of a handle that was loaded.
    pub(crate) unsafe fn new(handle: *mut KindlingHandle) -> Result<Self, Status> {
        let handle = handle.cast::<Loaded>();
        let opened = Self(NonNull::new(handle).ok_or(Status::NullPointer)?);
        if !handle.addr().is_multiple_of(KINDLING_ALIGNMENT_BYTES) {
            return Err(Status::HandleMisaligned);
        }
        // SAFETY:
        // - not null, aligned, and the fixed bytes can be read by the caller's promise;
        // - the fields are integers, of which any bytes are a value;
        // - the end mark lies inside of the memory when the check word is right: it has the size in
        //   it.
        let is_loaded = unsafe {
            let (mark, check) = ((*handle).mark, (*handle).check);
            mark == MARK
                && check == opened.computed_check()
                && opened.end_mark().read_unaligned() == !check
        };
        if !is_loaded {
            return Err(Status::NotLoaded);
        }
        opened.check_model()?;
        Ok(opened)
    }

    /// The model, without a check.
    pub(crate) fn network(&self) -> Network<'static> {
        // SAFETY: a loaded handle has a network, which only loading another model replaces.
        unsafe { (*self.0.as_ptr()).network.assume_init() }
    }

    /// What the model's file says for people; nothing of a model that is built in.
    pub(crate) fn metadata(&self) -> Metadata<'static> {
        let handle = self.0.as_ptr();
        // SAFETY:
        // - a loaded handle has these fields, which nobody else uses;
        // - a handle with a file has the model that was loaded from it: `Room::hold` put it there.
        unsafe {
            match (*handle).file.is_null() {
                true => Metadata::default(),
                false => (*handle).model.assume_init_ref().metadata(),
            }
        }
    }

    /// What is under way.
    pub(crate) fn work(&mut self) -> &mut Work {
        // SAFETY:
        // - a loaded handle has something here, which only this program has written;
        // - it is borrowed for as long as `self` is, and nothing in the handle refers to it.
        unsafe { &mut (*self.0.as_ptr()).work }
    }

    /// Ends what is under way: the arena is the caller's.
    pub(crate) fn forget(&mut self) {
        *self.work() = Work::Nothing;
        // SAFETY: a loaded handle has this field, which nobody else uses.
        unsafe { (&raw mut (*self.0.as_ptr()).arena).write(ptr::null_mut()) };
    }

    /// The arena for what begins, apart from all else; what was under way ends.
    ///
    /// # Safety
    /// Null, or memory of this size that is the handle's alone until the run has ended and its
    /// outputs are read.
    pub(crate) unsafe fn arena(
        &mut self,
        arena: *mut i8,
        bytes: usize,
    ) -> Result<&'static mut [i8], Status> {
        self.forget();
        let (span, handle) = (Span::of(arena, bytes)?, self.0.as_ptr());
        span.apart(self.span()?)?;
        if !arena.addr().is_multiple_of(KINDLING_ALIGNMENT_BYTES) {
            return Err(Status::ArenaMisaligned);
        }
        // SAFETY: a loaded handle has these fields, which nobody else uses.
        unsafe {
            if !(*handle).file.is_null() {
                span.apart(Span::of((*handle).file, (*handle).file_bytes)?)?;
            }
            (&raw mut (*handle).arena).write(arena);
            (&raw mut (*handle).arena_bytes).write(bytes);
            memory::write(arena, bytes)
        }
    }

    /// Where the arena of what is under way, or of what ran last, lies.
    pub(crate) fn last_arena(&self) -> (*mut i8, usize) {
        // SAFETY: a loaded handle has these fields, which nobody else uses.
        unsafe { ((*self.0.as_ptr()).arena, (*self.0.as_ptr()).arena_bytes) }
    }

    /// Checks that memory lies apart from the handle and from the arena in use.
    pub(crate) fn apart(&self, span: Span) -> Result<(), Status> {
        span.apart(self.span()?)?;
        let (arena, bytes) = self.last_arena();
        if arena.is_null() { Ok(()) } else { span.apart(Span::of(arena, bytes)?) }
    }

    /// Puts a session into the handle, which lives until the next is put there.
    pub(crate) fn hold(
        &mut self,
        session: Session<'static, 'static>,
    ) -> &'static mut Session<'static, 'static> {
        *self.work() = Work::Nothing;
        // SAFETY:
        // - a loaded handle has room for a session, which nothing else in it uses: what is under
        //   way may borrow it, and has just been forgotten;
        // - the reference is put into `work` only, and no one makes another before that is
        //   forgotten.
        unsafe {
            let held = &raw mut (*self.0.as_ptr()).session;
            held.write(MaybeUninit::new(session));
            (*held).assume_init_mut()
        }
    }

    /// Room for something after the layers.
    ///
    /// # Errors
    /// The handle's memory ends before.
    pub(crate) fn room_after<T>(&self) -> Result<NonNull<T>, Status> {
        // SAFETY: a loaded handle has these fields.
        let (layers, bytes) = unsafe { ((*self.0.as_ptr()).layers, (*self.0.as_ptr()).bytes) };
        let end = FIRST_LAYER_AT + layers * size_of::<Layer>();
        let start = end.next_multiple_of(align_of::<T>());
        if bytes < start + size_of::<T>() + size_of::<u32>() {
            return Err(Status::HandleTooSmall);
        }
        // SAFETY: inside of the handle's memory, as was just checked.
        Ok(unsafe { self.0.byte_add(start).cast() })
    }

    /// The place of the handle's whole memory.
    fn span(&self) -> Result<Span, Status> {
        // SAFETY: a loaded handle has this field.
        let bytes = unsafe { (*self.0.as_ptr()).bytes };
        Span::of(self.0.as_ptr().cast::<u8>(), bytes)
    }

    /// The last word of the memory, whose address need not be aligned.
    fn end_mark(&self) -> *mut u32 {
        // SAFETY: the field is an integer in memory that can be read.
        let bytes = unsafe { (*self.0.as_ptr()).bytes };
        let at = bytes.wrapping_sub(size_of::<u32>());
        self.0.as_ptr().wrapping_byte_add(at).cast()
    }

    /// What the check word must be.
    fn computed_check(&self) -> u32 {
        let handle = self.0.as_ptr();
        // SAFETY: fields that are integers or addresses, in memory that can be read.
        let words = unsafe {
            [
                handle.addr(),
                (*handle).bytes,
                (*handle).file.addr(),
                (*handle).file_bytes,
                (*handle).checksum as usize,
                (*handle).layers,
                // Another program most likely has this elsewhere.
                (&raw const MARK).addr(),
            ]
        };
        words.iter().fold(BUILD, |hash, word| mix(hash, *word as u32))
    }

    /// Checks that the model's header still has the checksum that it was loaded with.
    fn check_model(&self) -> Result<(), Status> {
        let handle = self.0.as_ptr();
        // SAFETY: a loaded handle has these fields; the file can be read by the caller's promise.
        let (file, checksum) = unsafe {
            if (*handle).file.is_null() {
                return Ok(());
            }
            (memory::read((*handle).file, (*handle).file_bytes)?, (*handle).checksum)
        };
        match Header::read(file) {
            Ok(header) if header.checksum == checksum => Ok(()),
            _ => Err(Status::ModelChanged),
        }
    }
}

/// What tells this version of the library from another.
const BUILD: u32 = {
    let sizes = [size_of::<Loaded>(), size_of::<Layer>(), FORMAT_VERSION as usize];
    let mut hash = mix(mix(mix(1, sizes[0] as u32), sizes[1] as u32), sizes[2] as u32);
    let (version, mut at) = (env!("CARGO_PKG_VERSION").as_bytes(), 0);
    while at < version.len() {
        hash = mix(hash, version[at] as u32);
        at += 1;
    }
    hash
};

/// A word more in a hash.
const fn mix(hash: u32, word: u32) -> u32 {
    (hash.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b1)
}
