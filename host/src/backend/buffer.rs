//! The buffers of the data half: a slice, or in the browser a view of a guest's
//! memory, so that bytes need one copy between the storage and the guest.

#[cfg(target_arch = "wasm32")]
use js_sys::Uint8Array;

/// Where a read puts its bytes.
pub enum Destination<'a> {
    /// Memory of this module.
    Slice(&'a mut [u8]),
    /// Memory of a guest, from a first byte to an end.
    #[cfg(target_arch = "wasm32")]
    View(&'a Uint8Array, usize, usize),
}

impl<'a> From<&'a mut [u8]> for Destination<'a> {
    fn from(slice: &'a mut [u8]) -> Self {
        Self::Slice(slice)
    }
}

#[cfg(target_arch = "wasm32")]
impl<'a> From<&'a Uint8Array> for Destination<'a> {
    fn from(view: &'a Uint8Array) -> Self {
        Self::View(view, 0, view.length() as usize)
    }
}

impl Destination<'_> {
    /// How many bytes it takes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Slice(slice) => slice.len(),
            #[cfg(target_arch = "wasm32")]
            Self::View(_, start, end) => end - start,
        }
    }

    /// Whether it takes none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes `start..end` of it.
    ///
    /// # Panics
    /// If it has fewer.
    pub fn part(&mut self, start: usize, end: usize) -> Destination<'_> {
        assert!(start <= end && end <= self.len(), "{start}..{end} of {}", self.len());
        match self {
            Self::Slice(slice) => Destination::Slice(&mut slice[start..end]),
            #[cfg(target_arch = "wasm32")]
            Self::View(view, first, _) => Destination::View(view, *first + start, *first + end),
        }
    }

    /// Copies `bytes` to `at`; both must fit.
    ///
    /// # Panics
    /// If they do not.
    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        match self {
            Self::Slice(slice) => slice[at..at + bytes.len()].copy_from_slice(bytes),
            #[cfg(target_arch = "wasm32")]
            Self::View(view, start, end) => {
                assert!(at + bytes.len() <= *end - *start, "{at} of {}", *end - *start);
                view_part(view, *start + at, bytes.len()).copy_from(bytes);
            }
        }
    }

    /// Fills `count` bytes from `at` with zeros; they must fit.
    ///
    /// # Panics
    /// If they do not.
    pub fn put_zeros(&mut self, at: usize, count: usize) {
        match self {
            Self::Slice(slice) => slice[at..at + count].fill(0),
            #[cfg(target_arch = "wasm32")]
            Self::View(view, start, end) => {
                assert!(at + count <= *end - *start, "{at} of {}", *end - *start);
                view_part(view, *start + at, count).fill(0, 0, u32::MAX);
            }
        }
    }
}

/// Where a write takes its bytes.
#[derive(Clone, Copy)]
pub enum Source<'a> {
    /// Memory of this module.
    Slice(&'a [u8]),
    /// Memory of a guest, from a first byte to an end.
    #[cfg(target_arch = "wasm32")]
    View(&'a Uint8Array, usize, usize),
}

#[cfg(target_arch = "wasm32")]
impl<'a> From<&'a Uint8Array> for Source<'a> {
    fn from(view: &'a Uint8Array) -> Self {
        Self::View(view, 0, view.length() as usize)
    }
}

impl Source<'_> {
    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Slice(slice) => slice.len(),
            #[cfg(target_arch = "wasm32")]
            Self::View(_, start, end) => end - start,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes `start..end` of it.
    ///
    /// # Panics
    /// If it has fewer.
    #[must_use]
    pub fn part(&self, start: usize, end: usize) -> Self {
        assert!(start <= end && end <= self.len(), "{start}..{end} of {}", self.len());
        match self {
            Self::Slice(slice) => Self::Slice(&slice[start..end]),
            #[cfg(target_arch = "wasm32")]
            Self::View(view, first, _) => Self::View(view, first + start, first + end),
        }
    }

    /// Copies all of it; `into` has its length.
    ///
    /// # Panics
    /// If it has not.
    pub fn copy_to(&self, into: &mut [u8]) {
        match self {
            Self::Slice(slice) => into.copy_from_slice(slice),
            #[cfg(target_arch = "wasm32")]
            Self::View(view, start, end) => view_part(view, *start, end - start).copy_to(into),
        }
    }
}

#[cfg(target_arch = "wasm32")]
fn view_part(view: &Uint8Array, start: usize, count: usize) -> Uint8Array {
    // A view's length is a u32 on wasm32, so both fit.
    #[allow(clippy::cast_possible_truncation)]
    view.subarray(start as u32, (start + count) as u32)
}
