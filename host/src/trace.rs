//! What can be seen of a guest's calls from outside: each call with its names, its
//! answer and the time it took. Where nobody listens, a call costs one test more.

use std::fmt;

use web_time::Instant;

#[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
use crate::error::Result;
use crate::shared::{Ref, Shared};
#[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
use crate::stream::StreamError;

/// One call of a guest. Displayed, it is a line of JSON.
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceEvent<'a> {
    /// The function, as `descriptor.open-at` or `path_open`.
    pub call: &'a str,
    /// The number of the descriptor it was called on, or that the stream was made of.
    pub descriptor: Option<u32>,
    /// The path it is about.
    pub path: Option<&'a str>,
    /// The new path of a link or a rename, the target of a symbolic link.
    pub to: Option<&'a str>,
    /// Where in the file.
    pub offset: Option<u64>,
    /// How many bytes were asked for or given, or the new size.
    pub length: Option<u64>,
    /// `ok`, `closed` of a stream, or the case of `error-code`; of a preview1 program, the
    /// name of its `errno`.
    pub answer: &'static str,
    /// How many bytes it was, or the number of the descriptor that was made.
    pub result: Option<u64>,
    /// How long it took, in microseconds.
    pub micros: f64,
}

impl fmt::Display for TraceEvent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |f: &mut fmt::Formatter<'_>, key: &str, value: Option<&str>| match value {
            Some(value) => write!(f, ",\"{key}\":{}", Quoted(value)),
            None => Ok(()),
        };
        let number = |f: &mut fmt::Formatter<'_>, key: &str, value: Option<u64>| match value {
            Some(value) => write!(f, ",\"{key}\":{value}"),
            None => Ok(()),
        };
        write!(f, "{{\"call\":{}", Quoted(self.call))?;
        number(f, "descriptor", self.descriptor.map(u64::from))?;
        text(f, "path", self.path)?;
        text(f, "to", self.to)?;
        number(f, "offset", self.offset)?;
        number(f, "length", self.length)?;
        text(f, "answer", Some(self.answer))?;
        number(f, "result", self.result)?;
        write!(f, ",\"us\":{:.1}}}", self.micros)
    }
}

/// A string of JSON.
struct Quoted<'a>(&'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('"')?;
        for char in self.0.chars() {
            match char {
                '"' | '\\' => write!(f, "\\{char}")?,
                // Line breaks of JavaScript, and what a terminal would act on.
                '\u{2028}' | '\u{2029}' => write!(f, "\\u{:04x}", u32::from(char))?,
                _ if char.is_control() => write!(f, "\\u{:04x}", u32::from(char))?,
                _ => f.write_char(char)?,
            }
        }
        f.write_char('"')
    }
}

/// Who listens: a closure will do.
pub trait Tracer: Shared {
    /// Is told of a call that has just ended.
    fn event(&self, event: &TraceEvent<'_>);
}

impl<F: Fn(&TraceEvent<'_>) + Shared> Tracer for F {
    fn event(&self, event: &TraceEvent<'_>) {
        self(event);
    }
}

/// Somebody who listens, or nobody.
#[derive(Clone, Default)]
pub(crate) struct Trace(pub(crate) Option<Ref<dyn Tracer>>);

impl Trace {
    /// A call begins.
    pub(crate) fn call<'a>(&'a self, call: &'a str, descriptor: Option<u32>) -> Call<'a> {
        let listener = self.0.as_deref().map(|tracer| (tracer, Instant::now()));
        Call { listener, event: TraceEvent { call, descriptor, ..TraceEvent::default() } }
    }
}

/// A call under way.
pub(crate) struct Call<'a> {
    listener: Option<(&'a dyn Tracer, Instant)>,
    event: TraceEvent<'a>,
}

impl<'a> Call<'a> {
    pub(crate) fn path(mut self, path: &'a str) -> Self {
        self.event.path = Some(path);
        self
    }

    pub(crate) fn to(mut self, path: &'a str) -> Self {
        self.event.to = Some(path);
        self
    }

    pub(crate) fn offset(mut self, offset: u64) -> Self {
        self.event.offset = Some(offset);
        self
    }

    pub(crate) fn length(mut self, length: u64) -> Self {
        self.event.length = Some(length);
        self
    }

    /// The call ends; its answer is passed on.
    #[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
    pub(crate) fn end<T>(self, answer: Result<T>) -> Result<T> {
        self.end_with(answer, |_| None)
    }

    /// The call ends with a number worth telling.
    #[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
    pub(crate) fn end_with<T>(
        self,
        answer: Result<T>,
        result: impl FnOnce(&T) -> Option<u64>,
    ) -> Result<T> {
        if self.listener.is_some() {
            match &answer {
                Ok(value) => self.report("ok", result(value)),
                Err(code) => self.report(code.name(), None),
            }
        }
        answer
    }

    /// As [`Call::end_with`], of a stream.
    #[cfg(all(feature = "wasmtime", not(target_arch = "wasm32")))]
    pub(crate) fn end_stream<T>(
        self,
        answer: Result<T, StreamError>,
        result: impl FnOnce(&T) -> Option<u64>,
    ) -> Result<T, StreamError> {
        if self.listener.is_some() {
            match &answer {
                Ok(value) => self.report("ok", result(value)),
                Err(StreamError::Closed) => self.report("closed", None),
                Err(StreamError::Failed(code)) => self.report(code.name(), None),
            }
        }
        answer
    }

    /// The call ends with an answer that has a name of its own.
    #[cfg(feature = "p9")]
    pub(crate) fn end_named(self, answer: &'static str, result: Option<u64>) {
        self.report(answer, result);
    }

    fn report(self, answer: &'static str, result: Option<u64>) {
        let Some((tracer, start)) = self.listener else { return };
        let micros = start.elapsed().as_secs_f64() * 1e6;
        tracer.event(&TraceEvent { answer, result, micros, ..self.event });
    }
}
