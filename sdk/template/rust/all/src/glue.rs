//! What every connector here needs to talk C: errors, panics, handles, the host.
#![allow(dead_code)]

use crate::abi::*;
use std::ffi::OsStr;
use std::io;
use std::os::raw::c_void;
use std::os::unix::ffi::OsStrExt;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

// --- Errors ---------------------------------------------------------------------------------------

pub struct Failure {
    pub status: Status,
    pub flags: u32,
    pub errno: i32,
    pub message: String,
}

pub type Outcome<T> = Result<T, Failure>;

pub fn failure(status: Status, message: impl Into<String>) -> Failure {
    Failure { status, flags: 0, errno: 0, message: message.into() }
}

/// Of one record only: the restore goes on.
pub fn item_failure(status: Status, message: impl Into<String>) -> Failure {
    Failure { flags: ERRF_PER_ITEM, ..failure(status, message) }
}

pub fn io_failure(doing: &str, path: &Path, error: &io::Error) -> Failure {
    const ENOSPC: i32 = 28;
    let status = match error.kind() {
        io::ErrorKind::NotFound => E_NOT_FOUND,
        io::ErrorKind::AlreadyExists => E_EXISTS,
        io::ErrorKind::PermissionDenied => E_PERMISSION,
        _ if error.raw_os_error() == Some(ENOSPC) => E_NO_SPACE,
        _ => E_IO,
    };
    // The path may hold anything, and a message no newline.
    let shown = path.display().to_string().replace('\n', "?");
    let mut made = item_failure(status, format!("{} {}: {}", doing, shown, error));
    made.errno = error.raw_os_error().unwrap_or(0);
    made
}

unsafe fn fill(err: *mut Error, failed: &Failure) -> Status {
    if err.is_null() {
        return failed.status;
    }
    let err = &mut *err;
    err.code = failed.status;
    err.flags = failed.flags;
    err.sys_errno = failed.errno;
    err.retry_after_ms = 0;
    err.vendor = [0; 48];
    err.message_len = failed.message.len() as u32;
    if !err.message.is_null() {
        let mut size = failed.message.len().min(err.message_cap as usize);
        while !failed.message.is_char_boundary(size) {
            size -= 1;
        }
        ptr::copy_nonoverlapping(failed.message.as_ptr(), err.message, size);
    }
    failed.status
}

/// The one way out of every function of the tables: nothing unwinds into C.
pub fn guarded(err: *mut Error, body: impl FnOnce() -> Outcome<Status>) -> Status {
    let failed = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(status)) => return status,
        Ok(Err(failed)) => failed,
        Err(_) => failure(E_INTERNAL, "the connector panicked"),
    };
    unsafe { fill(err, &failed) }
}

// --- The host -------------------------------------------------------------------------------------

pub static HOST: AtomicPtr<HostApi> = AtomicPtr::new(ptr::null_mut());

pub fn check_call(call: Call) -> Outcome<()> {
    // Set by the entry, before anything else runs.
    let host = unsafe { &*HOST.load(Ordering::Acquire) };
    if (host.call_cancelled)(call) != 0 {
        return Err(failure(E_CANCELLED, "cancelled"));
    }
    Ok(())
}

/// Appends to what the host collects.
pub fn give(sink: Sink, bytes: &[u8]) -> Outcome<()> {
    let host = unsafe { &*HOST.load(Ordering::Acquire) };
    match (host.sink_write)(sink, bytes.as_ptr(), bytes.len() as u64) {
        OK => Ok(()),
        status => Err(failure(status, "the host takes no more bytes")),
    }
}

/// The path of "scheme:/path" or "scheme:///path".
///
/// # Safety
/// `args` are those of open(), during that call.
pub unsafe fn path_of(args: &OpenArgs) -> Outcome<PathBuf> {
    let (location, protocol) = (args.location.get(), args.protocol.get());
    let rest = location.strip_prefix(protocol).and_then(|r| r.strip_prefix(b":")).unwrap_or(location);
    let mut path = rest.strip_prefix(b"//").unwrap_or(rest);
    if path.first() != Some(&b'/') || path.contains(&0) {
        return Err(failure(E_CONFIG, "the location must be an absolute path"));
    }
    while path.len() > 1 && path.ends_with(b"/") {
        path = &path[..path.len() - 1];
    }
    Ok(PathBuf::from(OsStr::from_bytes(path)))
}

// --- Handles --------------------------------------------------------------------------------------

pub fn handle<T>(value: T) -> *mut c_void {
    Box::into_raw(Box::new(value)) as *mut c_void
}

/// The host gives back what `handle` made, and never after it was freed.
pub unsafe fn object<'a, T>(handle: *mut c_void) -> &'a mut T {
    &mut *(handle as *mut T)
}

/// For functions that the host may call at the same time on one handle.
pub unsafe fn shared<'a, T>(handle: *mut c_void) -> &'a T {
    &*(handle as *const T)
}

pub unsafe fn free<T>(handle: *mut c_void) -> Box<T> {
    Box::from_raw(handle as *mut T)
}

pub const fn size_of<T>() -> u32 {
    std::mem::size_of::<T>() as u32
}

/// A table as `Connector` points to it.
pub const fn table<T>(ops: &'static T) -> *const c_void {
    ops as *const T as *const c_void
}
