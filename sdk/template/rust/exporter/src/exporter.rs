//! A destination that restores into a directory of this machine: directories, files, symbolic and
//! hard links. Devices, fifos and sockets are refused, each as an error of its own.
//!
//! Content goes into a temporary file beside its name and gets the name at the end; directories get
//! their mode and time when everything is in them. Nothing here follows a symbolic link that lies
//! in the destination.

use crate::abi::*;
use crate::glue::*;
use std::ffi::{CString, OsStr};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::raw::{c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Mutex;

#[repr(C)]
struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}
const AT_FDCWD: c_int = -100;
const AT_SYMLINK_NOFOLLOW: c_int = 0x100;
const O_NOFOLLOW: c_int = if cfg!(target_arch = "aarch64") { 0o100000 } else { 0o400000 };
extern "C" {
    fn utimensat(at: c_int, path: *const c_char, times: *const TimeSpec, flags: c_int) -> c_int;
    fn lchown(path: *const c_char, uid: u32, gid: u32) -> c_int;
    fn geteuid() -> u32;
}

fn c_path(path: &Path) -> Outcome<CString> {
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| item_failure(E_UNSUPPORTED, "a path with a NUL in it"))
}

// --- A restore ------------------------------------------------------------------------------------

struct Destination {
    root: PathBuf,
}

/// What is to be set when the content is there.
#[derive(Clone)]
struct Metadata {
    mode: Option<u32>,
    mtime: Option<Time>,
    uid: Option<u32>,
    gid: Option<u32>,
}

struct Restore {
    root: PathBuf,
    flags: u32,
    existing: u32,
    directories: Mutex<Vec<(PathBuf, Metadata)>>,
    failures: Vec<(Vec<u8>, Failure)>,
    failure_records: Vec<Record>,
    finished: bool,
}

struct ContentWriter {
    file: File,
    temporary: PathBuf,
    path: PathBuf,
    replace: bool,
    metadata: Metadata,
    bytes: u64,
    broken: bool,
}

static COUNTER: AtomicU64 = AtomicU64::new(0);

/// A name beside `path` that nobody else uses.
fn beside(path: &Path) -> PathBuf {
    let number = COUNTER.fetch_add(1, Ordering::Relaxed);
    path.with_file_name(format!(".plakar-{}-{}", std::process::id(), number))
}

fn apply(path: &Path, metadata: &Metadata, link: bool) -> Outcome<()> {
    let name = c_path(path)?;
    if metadata.uid.is_some() || metadata.gid.is_some() {
        let keep = u32::MAX;
        let (uid, gid) = (metadata.uid.unwrap_or(keep), metadata.gid.unwrap_or(keep));
        if unsafe { lchown(name.as_ptr(), uid, gid) } != 0 {
            return Err(io_failure("set the owner of", path, &io::Error::last_os_error()));
        }
    }
    // After the owner, whose change takes set-user-id bits away.
    if let (Some(mode), false) = (metadata.mode, link) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777))
            .map_err(|e| io_failure("set the mode of", path, &e))?;
    }
    if let Some(time) = metadata.mtime {
        let make = || TimeSpec { seconds: time.seconds, nanoseconds: i64::from(time.nanoseconds) };
        let times = [make(), make()];
        if unsafe { utimensat(AT_FDCWD, name.as_ptr(), times.as_ptr(), AT_SYMLINK_NOFOLLOW) } != 0 {
            return Err(io_failure("set the time of", path, &io::Error::last_os_error()));
        }
    }
    Ok(())
}

impl Restore {
    /// Where a record goes. The engine gives clean paths; what is not clean must not leave the root.
    fn place(&self, path: &[u8]) -> Outcome<PathBuf> {
        if path.first() != Some(&b'/') || path.contains(&0) {
            return Err(item_failure(E_UNSUPPORTED, "a path that does not begin with a slash"));
        }
        if path == b"/" {
            return Ok(self.root.clone());
        }
        let mut place = self.root.clone();
        let mut parts = path[1..].split(|&b| b == b'/').peekable();
        while let Some(part) = parts.next() {
            if part.is_empty() || part == b"." || part == b".." {
                return Err(item_failure(E_UNSUPPORTED, "a path with an empty or dotted part"));
            }
            place.push(OsStr::from_bytes(part));
            if parts.peek().is_some() {
                let there = fs::symlink_metadata(&place)
                    .map_err(|e| io_failure("find the directory", &place, &e))?;
                if !there.is_dir() {
                    return Err(item_failure(E_EXISTS, "a parent that is not a directory"));
                }
            }
        }
        Ok(place)
    }

    fn metadata(&self, record: &Record) -> Metadata {
        let known = |bit: u64, unwanted: u32| record.valid & bit != 0 && self.flags & unwanted == 0;
        let owner = unsafe { geteuid() } == 0;
        Metadata {
            mode: known(V_MODE, EXPORT_NO_MODE).then(|| record.mode),
            mtime: known(V_MTIME, EXPORT_NO_TIMES).then(|| record.mtime),
            uid: (owner && known(V_UID, EXPORT_NO_OWNER)).then(|| record.uid as u32),
            gid: (owner && known(V_GID, EXPORT_NO_OWNER)).then(|| record.gid as u32),
        }
    }

    /// Whether the record is to be made; an error when something is in its way.
    fn wanted(&self, path: &Path, record: &Record) -> Outcome<bool> {
        let there = match fs::symlink_metadata(path) {
            Ok(there) => there,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(e) => return Err(io_failure("look at", path, &e)),
        };
        if there.is_dir() {
            return Err(item_failure(E_EXISTS, "a directory is in the way"));
        }
        match self.existing {
            EXISTING_SKIP => Ok(false),
            EXISTING_REPLACE => Ok(true),
            EXISTING_RESUME => {
                let same = record.kind == R_FILE
                    && there.is_file()
                    && record.valid & (V_SIZE | V_MTIME | V_MODE) == V_SIZE | V_MTIME | V_MODE
                    && there.len() == record.size
                    && there.mtime() == record.mtime.seconds
                    && there.mtime_nsec() == i64::from(record.mtime.nanoseconds)
                    && there.mode() & 0o7777 == record.mode;
                Ok(!same)
            }
            _ => Err(item_failure(E_EXISTS, "there is such a file already")),
        }
    }

    fn put(&self, record: &Record) -> Outcome<Option<ContentWriter>> {
        // Lives until put() returns, as does the record.
        let path = self.place(unsafe { record.path.get() })?;
        match record.kind {
            R_DIR => {
                self.put_directory(path, record)?;
                Ok(None)
            }
            R_FILE if self.wanted(&path, record)? => Ok(Some(self.start_file(path, record)?)),
            R_SYMLINK | R_HARDLINK if self.wanted(&path, record)? => {
                self.put_link(&path, record)?;
                Ok(None)
            }
            R_FILE | R_SYMLINK | R_HARDLINK => Ok(None),
            _ => Err(item_failure(E_UNSUPPORTED, "this destination takes files, directories and links")),
        }
    }

    fn put_directory(&self, path: PathBuf, record: &Record) -> Outcome<()> {
        // Open for us until finish() sets the real mode.
        match fs::DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                let there =
                    fs::symlink_metadata(&path).map_err(|e| io_failure("look at", &path, &e))?;
                if !there.is_dir() {
                    return Err(item_failure(E_EXISTS, "something else is where a directory is to be"));
                }
            }
            Err(e) => return Err(io_failure("make the directory", &path, &e)),
        }
        let metadata = self.metadata(record);
        self.directories.lock().unwrap().push((path, metadata));
        Ok(())
    }

    fn start_file(&self, path: PathBuf, record: &Record) -> Outcome<ContentWriter> {
        let temporary = beside(&path);
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW)
            .open(&temporary)
            .map_err(|e| io_failure("make a file beside", &path, &e))?;
        let replace = self.existing == EXISTING_REPLACE || self.existing == EXISTING_RESUME;
        let metadata = self.metadata(record);
        Ok(ContentWriter { file, temporary, path, replace, metadata, bytes: 0, broken: false })
    }

    fn put_link(&self, path: &Path, record: &Record) -> Outcome<()> {
        let temporary = beside(path);
        let target = unsafe { record.target.get() };
        if record.kind == R_HARDLINK {
            let first = self.place(target)?;
            fs::hard_link(&first, &temporary).map_err(|e| io_failure("link to", &first, &e))?;
        } else {
            std::os::unix::fs::symlink(OsStr::from_bytes(target), &temporary)
                .map_err(|e| io_failure("make the link", path, &e))?;
        }
        let named = match record.kind {
            R_SYMLINK => apply(&temporary, &self.metadata(record), true),
            _ => Ok(()),
        }
        .and_then(|()| fs::rename(&temporary, path).map_err(|e| io_failure("make the link", path, &e)));
        // rename() of a hard link onto another name of its file does nothing, and leaves both.
        let _ = fs::remove_file(&temporary);
        named
    }

    fn finish(&mut self) {
        let directories = std::mem::take(&mut *self.directories.lock().unwrap());
        // Children come after their parents: backwards, a directory's time is set last.
        for (path, metadata) in directories.into_iter().rev() {
            if let Err(failed) = apply(&path, &metadata, false) {
                let below = path.strip_prefix(&self.root).unwrap_or(&path);
                let shown = [b"/", below.as_os_str().as_bytes()].concat();
                self.failures.push((shown, failed));
            }
        }
        for (path, failed) in &self.failures {
            // All bits zero are a record that says nothing.
            let mut record: Record = unsafe { std::mem::zeroed() };
            record.kind = R_ERROR;
            record.path = Bytes::borrowed(path);
            record.error_code = failed.status;
            record.error_message = Bytes::borrowed(failed.message.as_bytes());
            self.failure_records.push(record);
        }
    }
}

impl ContentWriter {
    fn write(&mut self, call: Call, mut bytes: &[u8]) -> Outcome<()> {
        const PIECE: usize = 1 << 20;
        if self.broken {
            return Err(item_failure(E_IO, "an earlier write failed"));
        }
        self.broken = true;
        while !bytes.is_empty() {
            check_call(call)?;
            let (piece, rest) = bytes.split_at(bytes.len().min(PIECE));
            self.file.write_all(piece).map_err(|e| io_failure("write", &self.path, &e))?;
            self.bytes += piece.len() as u64;
            bytes = rest;
        }
        self.broken = false;
        Ok(())
    }

    /// A hole: only the length grows.
    fn write_zeros(&mut self, size: u64) -> Outcome<()> {
        use std::io::{Seek, SeekFrom};
        let end = self.bytes.checked_add(size).filter(|&end| end <= i64::MAX as u64);
        let end = end.ok_or_else(|| item_failure(E_UNSUPPORTED, "the file is too large"))?;
        self.file
            .set_len(end)
            .and_then(|()| self.file.seek(SeekFrom::Start(end)))
            .map_err(|e| io_failure("write", &self.path, &e))?;
        self.bytes = end;
        Ok(())
    }

    fn commit(&mut self) -> Outcome<u64> {
        if self.broken {
            return Err(item_failure(E_IO, "an earlier write failed"));
        }
        apply(&self.temporary, &self.metadata, false)?;
        if self.replace {
            fs::rename(&self.temporary, &self.path)
        } else {
            // Fails when somebody was quicker; rename() would not.
            fs::hard_link(&self.temporary, &self.path)
                .and_then(|()| fs::remove_file(&self.temporary))
        }
        .map_err(|e| io_failure("name", &self.path, &e))?;
        Ok(self.bytes)
    }

    /// After a commit that succeeded there is nothing left to be removed.
    fn discard(&self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

// --- From C ---------------------------------------------------------------------------------------

extern "C" fn open(args: *const OpenArgs, out: *mut Instance, err: *mut Error) -> Status {
    guarded(err, || {
        let root = unsafe { path_of(&*args)? };
        unsafe { *out = handle(Destination { root }) };
        Ok(OK)
    })
}

extern "C" fn location(instance: Instance, out: *mut Location, err: *mut Error) -> Status {
    guarded(err, || {
        let (destination, out) = unsafe { (shared::<Destination>(instance), &mut *out) };
        out.flags = LOC_LOCALFS;
        out.origin = Bytes::of("localhost");
        out.kind = Bytes::of("my-template");
        out.root = Bytes::borrowed(destination.root.as_os_str().as_bytes());
        Ok(OK)
    })
}

extern "C" fn ping(instance: Instance, _call: Call, err: *mut Error) -> Status {
    guarded(err, || {
        let root = unsafe { &shared::<Destination>(instance).root };
        match fs::metadata(root) {
            Ok(there) if !there.is_dir() => Err(failure(E_CONFIG, "the location is not a directory")),
            Ok(_) => Ok(OK),
            // It is made when a restore begins.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(OK),
            Err(e) => Err(io_failure("look at", root, &e)),
        }
    })
}

extern "C" fn close(instance: Instance, _call: Call) {
    drop(unsafe { free::<Destination>(instance) });
}

extern "C" fn export_open(
    instance: Instance,
    _call: Call,
    args: *const ExportArgs,
    out: *mut Export,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let (destination, args) = unsafe { (shared::<Destination>(instance), &*args) };
        if args.existing > EXISTING_RESUME {
            return Err(failure(E_UNSUPPORTED, "not known here: what to do about existing files"));
        }
        // There from now on, private until its record, if there is one, says more.
        fs::DirBuilder::new()
            .mode(0o700)
            .recursive(true)
            .create(&destination.root)
            .map_err(|e| io_failure("make the directory", &destination.root, &e))?;
        let restore = Restore {
            root: destination.root.clone(),
            flags: args.flags,
            existing: args.existing,
            directories: Mutex::new(Vec::new()),
            failures: Vec::new(),
            failure_records: Vec::new(),
            finished: false,
        };
        unsafe { *out = handle(restore) };
        Ok(OK)
    })
}

extern "C" fn put(
    restore: Export,
    call: Call,
    record: *const Record,
    _size: u32, // at least that of 1.0, of which everything is that is used here
    out: *mut Writer,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        let writer = unsafe { shared::<Restore>(restore).put(&*record)? };
        unsafe { *out = writer.map_or(ptr::null_mut(), handle) };
        Ok(OK)
    })
}

extern "C" fn export_finish(
    restore: Export,
    _call: Call,
    batch: *mut RecordBatch,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let (restore, batch) = unsafe { (object::<Restore>(restore), &mut *batch) };
        if restore.finished {
            return Ok(END);
        }
        restore.finish();
        restore.finished = true;
        if restore.failure_records.is_empty() {
            return Ok(END);
        }
        batch.record_stride = std::mem::size_of::<Record>() as u32;
        batch.records = restore.failure_records.as_ptr() as *const c_void;
        batch.count = restore.failure_records.len() as u64;
        Ok(OK)
    })
}

extern "C" fn export_close(restore: Export, _call: Call) {
    drop(unsafe { free::<Restore>(restore) });
}

extern "C" fn write(writer: Writer, call: Call, data: *const u8, size: u64, err: *mut Error) -> Status {
    guarded(err, || {
        let bytes = unsafe { Bytes { ptr: data, len: size }.get() };
        unsafe { object::<ContentWriter>(writer) }.write(call, bytes)?;
        Ok(OK)
    })
}

extern "C" fn write_zeros(writer: Writer, _call: Call, size: u64, err: *mut Error) -> Status {
    guarded(err, || {
        unsafe { object::<ContentWriter>(writer) }.write_zeros(size)?;
        Ok(OK)
    })
}

extern "C" fn commit(writer: Writer, call: Call, bytes: *mut u64, err: *mut Error) -> Status {
    guarded(err, || {
        let mut writer = unsafe { free::<ContentWriter>(writer) };
        let done = check_call(call).and_then(|()| writer.commit());
        if done.is_err() {
            writer.discard();
        }
        unsafe { *bytes = done? };
        Ok(OK)
    })
}

extern "C" fn abort(writer: Writer, _call: Call) {
    unsafe { free::<ContentWriter>(writer) }.discard();
}

// --- Tables ---------------------------------------------------------------------------------------

static WRITER: WriterOps = WriterOps {
    struct_size: size_of::<WriterOps>(),
    reserved0: 0,
    write,
    commit,
    abort,
    write_zeros,
};

static EXPORTER: ExporterOps = ExporterOps {
    struct_size: size_of::<ExporterOps>(),
    reserved0: 0,
    export_open,
    put,
    export_finish,
    export_close,
    writer: &WRITER,
};

pub static CONNECTOR: Connector = Connector {
    struct_size: size_of::<Connector>(),
    kind: KIND_EXPORTER,
    id: b"my-template-exporter\0".as_ptr(),
    caps: CAP_CONCURRENT | CAP_HARDLINKS,
    config_schema_version: 1,
    max_concurrency: 0,
    config_check: 0,
    config_choices: 0,
    config_migrate: 0,
    open,
    location,
    ping,
    interrupt: 0,
    close,
    ops: table(&EXPORTER),
};
