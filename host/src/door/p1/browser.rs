//! The calls for a guest that JavaScript has instantiated: in a worker, or in Node. A guest
//! is a number, its memory is read and written where it is, and a call that is not answered
//! with a number of the witx's leaves a word about why.

use std::cell::{OnceCell, RefCell};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use async_trait::async_trait;
use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::{JsFuture, future_to_promise};

use super::calls::for_each_call;
use super::device::{Device, Want};
use super::failure::{Failure, Result};
use super::guest::{Guest, READS, Surroundings, WRITES};
use super::memory::Memory;
use crate::backend::{Destination, Source};
use crate::browser;
use crate::door::answer::at_once;
use crate::door::slots::Slots;
use crate::door::thrown::{refused, thrown};
use crate::error::ErrorCode;
use crate::shared::Ref;

// Buffers are taken anew when a memory has grown: its old one is gone, or too short. What is
// short is copied byte by byte: a view of it would cost more.
#[wasm_bindgen(inline_js = r"
const SHORT = 64;
class View {
  constructor(memory) {
    this.memory = memory;
    this.bytes = new Uint8Array(memory.buffer);
  }
  fresh() {
    const { buffer } = this.memory;
    if (this.bytes.buffer !== buffer) {
      this.bytes = new Uint8Array(buffer);
    }
    return this.bytes;
  }
}
export class GuestMemory {
  constructor(memory, core) {
    this.guest = new View(memory);
    this.core = new View(core);
  }
  bytes() {
    return this.guest.fresh();
  }
  load(at, into, length) {
    const from = this.guest.fresh();
    return at + length <= from.length && copy(from, at, this.core.fresh(), into, length);
  }
  store(at, from, length) {
    const into = this.guest.fresh();
    return at + length <= into.length && copy(this.core.fresh(), from, into, at, length);
  }
}
const copy = (from, start, to, at, length) => {
  if (length > SHORT) {
    to.set(from.subarray(start, start + length), at);
  } else {
    for (let index = 0; index < length; index += 1) {
      to[at + index] = from[start + index];
    }
  }
  return true;
};
")]
extern "C" {
    type GuestMemory;
    #[wasm_bindgen(constructor)]
    fn new(memory: &JsValue, core: &JsValue) -> GuestMemory;
    #[wasm_bindgen(method)]
    fn bytes(this: &GuestMemory) -> Uint8Array;
    #[wasm_bindgen(method)]
    fn load(this: &GuestMemory, at: u32, into: *mut u8, length: usize) -> bool;
    #[wasm_bindgen(method)]
    fn store(this: &GuestMemory, at: u32, from: *const u8, length: usize) -> bool;

    /// What the package makes of an embedder's object.
    type Object;
    #[wasm_bindgen(method, catch)]
    fn read(this: &Object, into: &Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn write(this: &Object, from: &Uint8Array) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, catch)]
    fn ready(this: &Object, write: bool, ms: f64) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn terminal(this: &Object) -> bool;
    /// The error code that something thrown stands for, if it does.
    #[wasm_bindgen(method)]
    fn code(this: &Object, thrown: &JsValue) -> Option<String>;
}

/// A guest that has a number.
struct Running {
    guest: Guest,
    memory: OnceCell<GuestMemory>,
    /// What the last call left that did not answer with a number.
    left: Rc<RefCell<JsValue>>,
}

struct Held {
    owner: u32,
    running: Rc<Running>,
}

thread_local! {
    static GUESTS: RefCell<Slots<Held>> = const { RefCell::new(Slots::new()) };
}

fn gone() -> JsValue {
    thrown(ErrorCode::BadDescriptor, "the guest is closed; make another with 'preview1'")
}

fn running(number: u32) -> Option<Rc<Running>> {
    GUESTS.with_borrow_mut(|guests| guests.get(number).map(|held| held.running.clone()))
}

/// A guest of the file system `owner`, with its mounts; it has no memory yet.
///
/// # Errors
/// A mount that waits, unless the guest `suspends`; text with a NUL in it.
#[wasm_bindgen(js_name = p1Open)]
pub fn open(
    owner: u32,
    arguments: Array,
    environment: Array,
    suspends: bool,
) -> Result<u32, JsValue> {
    let mounts = browser::guests(owner)?;
    let texts = |array: Array| -> Vec<String> {
        array.iter().map(|text| text.as_string().unwrap_or_default()).collect()
    };
    let surroundings = Surroundings { owner, suspends };
    let guest = Guest::new(&texts(arguments), &texts(environment), surroundings)
        .and_then(|guest| guest.preopen(&mounts).map(|()| guest))
        .map_err(|error| refused(&error))?;
    let left = Rc::default();
    let running = Rc::new(Running { guest, memory: OnceCell::new(), left });
    GUESTS
        .with_borrow_mut(|guests| guests.insert(Held { owner, running }))
        .ok_or_else(|| thrown(ErrorCode::InsufficientMemory, "too many guests; close some"))
}

/// Puts an object behind a descriptor.
///
/// # Errors
/// A descriptor that is taken.
#[wasm_bindgen(js_name = p1Device)]
pub fn device(
    number: u32,
    fd: u32,
    object: JsValue,
    reads: bool,
    writes: bool,
) -> Result<(), JsValue> {
    let running = running(number).ok_or_else(gone)?;
    let device = JsDevice {
        object: object.unchecked_into(),
        left: running.left.clone(),
        suspends: running.guest.suspends(),
    };
    let rights = (if reads { READS } else { 0 }) | (if writes { WRITES } else { 0 });
    running.guest.device(fd, Ref::new(device), rights).map_err(|error| refused(&error))
}

/// Gives a guest its memory, a `WebAssembly.Memory` or what has a `buffer` like one, for good.
///
/// # Errors
/// If it has one, or none is given.
#[wasm_bindgen(js_name = p1Attach)]
pub fn attach(number: u32, memory: &JsValue) -> Result<(), JsValue> {
    let running = running(number).ok_or_else(gone)?;
    let memory = GuestMemory::new(memory, &wasm_bindgen::memory());
    running.memory.set(memory).map_err(|_| {
        thrown(ErrorCode::Invalid, "the guest runs already; make another with 'preview1'")
    })
}

/// What the last call left: what was thrown, or the promise of an answer.
#[must_use]
#[wasm_bindgen(js_name = p1Left)]
pub fn left(number: u32) -> JsValue {
    running(number).map_or(JsValue::UNDEFINED, |running| running.left.take())
}

/// Closes what a guest has open. Its calls trap from now on.
#[wasm_bindgen(js_name = p1Close)]
pub fn close(number: u32) {
    // Closing files is not done under the table's borrow.
    drop(GUESTS.with_borrow_mut(|guests| guests.remove(number)));
}

/// The same of all guests of a file system.
pub(crate) fn remove_all(owner: u32) {
    drop(GUESTS.with_borrow_mut(|guests| guests.remove_all(|held| held.owner == owner)));
}

/// The guest's memory, for one call.
struct Linear {
    running: Rc<Running>,
    bytes: Option<Uint8Array>,
}

impl Linear {
    fn memory(&self) -> Result<&GuestMemory> {
        self.running.memory.get().ok_or(Failure::Fault)
    }

    fn view(&mut self, at: u32, length: u32) -> Result<(&Uint8Array, usize, usize)> {
        let bytes = self.memory()?.bytes();
        let (start, length) = (at as usize, length as usize);
        if length > bytes.length() as usize || start > bytes.length() as usize - length {
            return Err(Failure::Fault);
        }
        Ok((self.bytes.insert(bytes), start, start + length))
    }
}

impl Memory for Linear {
    fn load(&mut self, at: u32, into: &mut [u8]) -> Result<()> {
        let done = self.memory()?.load(at, into.as_mut_ptr(), into.len());
        if done { Ok(()) } else { Err(Failure::Fault) }
    }

    fn store(&mut self, at: u32, bytes: &[u8]) -> Result<()> {
        let done = self.memory()?.store(at, bytes.as_ptr(), bytes.len());
        if done { Ok(()) } else { Err(Failure::Fault) }
    }

    fn destination(&mut self, at: u32, length: u32) -> Result<Destination<'_>> {
        let (bytes, start, end) = self.view(at, length)?;
        Ok(Destination::View(bytes, start, end))
    }

    fn source(&mut self, at: u32, length: u32) -> Result<Source<'_>> {
        let (bytes, start, end) = self.view(at, length)?;
        Ok(Source::View(bytes, start, end))
    }

    fn stays(&self) -> bool {
        !self.running.guest.suspends()
    }
}

/// Answers that are none of the witx's: a pointer leads outside.
const FAULT: i32 = -1;
/// Something was thrown, and is left.
const THROWN: i32 = -2;
/// The promise of an answer is left.
const PROMISE: i32 = -3;
/// There is no such guest any more.
const CLOSED: i32 = -4;
/// The guest has no memory yet.
const UNATTACHED: i32 = -5;

impl Running {
    fn answer(&self, answered: Result<()>) -> i32 {
        if !self.left.borrow().is_undefined() {
            return THROWN;
        }
        match answered {
            Ok(()) => 0,
            Err(Failure::Errno(errno)) => errno as i32,
            Err(Failure::Fault) => FAULT,
        }
    }
}

/// The guest, if its calls can be answered; otherwise what they are answered with.
fn ready(number: u32) -> std::result::Result<Rc<Running>, i32> {
    let running = running(number).ok_or(CLOSED)?;
    if running.memory.get().is_some() { Ok(running) } else { Err(UNATTACHED) }
}

/// A call that is done at once.
fn now(number: u32, call: impl FnOnce(&Guest, &mut Linear) -> Result<()>) -> i32 {
    browser::guest_calls();
    let running = match ready(number) {
        Ok(running) => running,
        Err(answer) => return answer,
    };
    let mut memory = Linear { running: running.clone(), bytes: None };
    running.answer(call(&running.guest, &mut memory))
}

/// A call that may have to wait, for a guest that can be suspended.
fn later<F: Future<Output = Result<()>> + 'static>(
    number: u32,
    call: impl FnOnce(Rc<Running>, Linear) -> F,
) -> i32 {
    browser::guest_calls();
    let running = match ready(number) {
        Ok(running) => running,
        Err(answer) => return answer,
    };
    let future = call(running.clone(), Linear { running: running.clone(), bytes: None });
    if running.guest.suspends() {
        promised(&running, Box::pin(future))
    } else {
        at_last(&running, pin!(future))
    }
}

// Neither is compiled once for each call.

/// Nothing that the guest has waits: mounts were refused, and devices are told.
fn at_last(running: &Running, future: Pin<&mut dyn Future<Output = Result<()>>>) -> i32 {
    running.answer(at_once(future).unwrap_or(Err(ErrorCode::Unsupported.into())))
}

fn promised(running: &Rc<Running>, mut future: Pin<Box<dyn Future<Output = Result<()>>>>) -> i32 {
    if let Some(done) = at_once(future.as_mut()) {
        return running.answer(done);
    }
    let waiting = running.clone();
    let promise = future_to_promise(async move {
        let done = future.await;
        match waiting.answer(done) {
            // Others may wait, too: what was thrown is this call's, and does not stay.
            THROWN => Err(waiting.left.take()),
            answered => Ok(answered.into()),
        }
    });
    running.left.replace(promise.into());
    PROMISE
}

macro_rules! export_all {
    (
        now { $($now:ident($($n:ident: $nt:ty),*);)* }
        may_wait { $($wait:ident($($w:ident: $wt:ty),*);)* }
    ) => {
        /// What a guest imports, with the guest's number in front.
        mod exports {
            use super::*;

            $(
                #[wasm_bindgen]
                #[allow(clippy::too_many_arguments)]
                pub fn $now(number: u32, $($n: $nt),*) -> i32 {
                    now(number, |guest, memory| guest.$now(memory, $($n),*))
                }
            )*
            $(
                #[wasm_bindgen]
                #[allow(clippy::too_many_arguments)]
                pub fn $wait(number: u32, $($w: $wt),*) -> i32 {
                    later(number, |running, mut memory| async move {
                        running.guest.$wait(&mut memory, $($w),*).await
                    })
                }
            )*
        }
    };
}

for_each_call!(export_all);

/// An object of JavaScript behind a descriptor.
struct JsDevice {
    object: Object,
    left: Rc<RefCell<JsValue>>,
    suspends: bool,
}

impl JsDevice {
    /// A number that the object answered, at once or later: from 0 to `most`. `nothing` is
    /// what it means if it answered nothing.
    async fn number(
        &self,
        answered: Result<JsValue, JsValue>,
        most: u64,
        nothing: Option<u64>,
    ) -> crate::Result<u64> {
        let answered = match answered {
            Ok(value) => match value.dyn_into::<Promise>() {
                Ok(promise) if self.suspends => JsFuture::from(promise).await,
                Ok(_) => {
                    return Err(self.wrong("with a promise; run the guest with 'jspi'"));
                }
                Err(value) => Ok(value),
            },
            Err(value) => Err(value),
        };
        match answered {
            Ok(value) => match (value.as_f64(), nothing) {
                // Checked to be one, and rounded down.
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
                (Some(count), _) if count >= 0.0 && count as u64 <= most => Ok(count as u64),
                (None, Some(nothing)) if value.is_undefined() => Ok(nothing),
                _ => Err(self.wrong(
                    "with what is no number from 0 to the buffer's length; give how many bytes",
                )),
            },
            Err(value) => {
                let code = self.object.code(&value);
                let known = |code: &String| {
                    ErrorCode::ALL.iter().find(|known| known.name() == code).copied()
                };
                Err(code.as_ref().and_then(known).unwrap_or_else(|| self.leave(value)))
            }
        }
    }

    /// The embedder's mistake.
    fn wrong(&self, how: &str) -> ErrorCode {
        self.leave(thrown(ErrorCode::Invalid, &format!("a device answered {how}")))
    }

    /// What the guest cannot be told, its embedder is.
    fn leave(&self, value: JsValue) -> ErrorCode {
        // Undefined stands for nothing.
        let value = if value.is_undefined() { JsValue::NULL } else { value };
        self.left.replace(value);
        ErrorCode::Io
    }
}

#[async_trait(?Send)]
impl Device for JsDevice {
    async fn read(&self, mut into: Destination<'_>) -> crate::Result<usize> {
        let buffer = match &into {
            Destination::View(bytes, start, end) => part(bytes, *start, *end),
            Destination::Slice(bytes) => Uint8Array::new_with_length(to_length(bytes.len())?),
        };
        let most = into.len();
        let count = to_count(self.number(self.object.read(&buffer), most as u64, None).await?)?;
        if let Destination::Slice(bytes) = &mut into {
            buffer.subarray(0, to_length(count)?).copy_to(&mut bytes[..count]);
        }
        Ok(count)
    }

    async fn write(&self, from: Source<'_>) -> crate::Result<usize> {
        let bytes = match from {
            Source::View(bytes, start, end) => part(bytes, start, end),
            Source::Slice(bytes) => Uint8Array::from(bytes),
        };
        let all = from.len() as u64;
        to_count(self.number(self.object.write(&bytes), all, Some(all)).await?)
    }

    async fn ready(&self, want: Want, most: Duration) -> crate::Result<u64> {
        let ms = most.as_secs_f64() * 1000.0;
        self.number(self.object.ready(want == Want::Write, ms), u64::MAX, None).await
    }

    fn is_terminal(&self) -> bool {
        self.object.terminal()
    }
}

fn to_count(count: u64) -> crate::Result<usize> {
    usize::try_from(count).map_err(|_| ErrorCode::Overflow)
}

fn to_length(length: usize) -> crate::Result<u32> {
    u32::try_from(length).map_err(|_| ErrorCode::Overflow)
}

fn part(bytes: &Uint8Array, start: usize, end: usize) -> Uint8Array {
    // Addresses of a guest are 32 bits long.
    #[allow(clippy::cast_possible_truncation)]
    bytes.subarray(start as u32, end as u32)
}
