//! A call from Python, as long as it lasts: how deep calls may be nested, and what becomes of those of other
//! threads when the interpreter ends.
//!
//! The interpreter ends daemon threads where they wait for it, by unwinding their stacks, which native frames
//! do not survive. So a call that is about to wait for the interpreter when it ends stands still instead; and
//! before the interpreter ends, calls that are running Python code get a moment to come to a place where they
//! would stand still.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;

/// How many calls may be nested on a thread. Each takes some 11 KB of stack, which Python's own limit of 1,000
/// does not count.
const DEEPEST: usize = 48;

/// How long the end of the interpreter waits for calls that are running Python code.
const MOMENT: Duration = Duration::from_secs(2);

thread_local! {
    static DEPTH: Cell<usize> = const { Cell::new(0) };
}

/// Calls that hold the interpreter or are about to.
static ATTACHED: AtomicUsize = AtomicUsize::new(0);

/// Whether the interpreter is about to end, and the thread that ends it.
static ENDING: AtomicBool = AtomicBool::new(false);
static ENDED_BY: OnceLock<ThreadId> = OnceLock::new();

fn may_attach() -> bool {
    !ENDING.load(SeqCst) || ENDED_BY.get() == Some(&std::thread::current().id())
}

fn stand_still() -> ! {
    loop {
        std::thread::park();
    }
}

/// To be called before the thread waits for the interpreter.
fn announce() {
    ATTACHED.fetch_add(1, SeqCst);
    if !may_attach() {
        ATTACHED.fetch_sub(1, SeqCst);
        stand_still();
    }
}

/// A call from Python. It is held by every function that runs Python code in the course of its work, or lets
/// others run.
pub(super) struct Call(());

impl Call {
    /// Begins a call.
    ///
    /// # Errors
    /// `RecursionError` when calls on this thread are nested too deep.
    pub fn enter(py: Python<'_>) -> PyResult<Self> {
        let depth = DEPTH.get();
        if depth >= DEEPEST {
            return Err(PyRecursionError::new_err(format!(
                "calls of ferroprop from functions that ferroprop calls may be nested {DEEPEST} deep, got one more"
            )));
        }
        if !may_attach() {
            py.detach(|| stand_still());
        }
        ATTACHED.fetch_add(1, SeqCst);
        DEPTH.set(depth + 1);
        Ok(Self(()))
    }

    /// Lets other Python threads run while `body` does. It is a method because only a call may wait for the
    /// interpreter afterwards.
    #[allow(clippy::unused_self)]
    pub fn detach<R: Send>(&self, py: Python<'_>, body: impl Send + FnOnce() -> R) -> R {
        py.detach(|| {
            ATTACHED.fetch_sub(1, SeqCst);
            let result = body();
            announce();
            result
        })
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        ATTACHED.fetch_sub(1, SeqCst);
    }
}

/// Runs Python code within [`Call::detach`].
pub(super) fn attach<R>(body: impl FnOnce(Python<'_>) -> R) -> R {
    announce();
    let result = Python::attach(body);
    ATTACHED.fetch_sub(1, SeqCst);
    result
}

/// Called when the interpreter is about to end, on the thread that ends it.
#[pyfunction]
fn interpreter_ends(py: Python<'_>) {
    ENDED_BY.get_or_init(|| std::thread::current().id());
    ENDING.store(true, SeqCst);
    // A forked child has none of its parent's threads, but still counts their calls.
    let moment = if IMPORTED_BY.get() == Some(&std::process::id()) { MOMENT } else { MOMENT / 20 };
    let end = Instant::now() + moment;
    py.detach(|| {
        while ATTACHED.load(SeqCst) > 0 && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// The process that imported the module.
static IMPORTED_BY: OnceLock<u32> = OnceLock::new();

/// Has the interpreter tell of its end.
pub(super) fn watch_the_end(module: &Bound<'_, PyModule>) -> PyResult<()> {
    IMPORTED_BY.get_or_init(std::process::id);
    let end = wrap_pyfunction!(interpreter_ends, module)?;
    module.py().import("atexit")?.call_method1("register", (end,))?;
    Ok(())
}
