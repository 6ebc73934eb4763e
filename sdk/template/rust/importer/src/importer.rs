//! A source that reads a directory tree of this machine: directories, files, links, and everything
//! else as what it is. It does not follow links, and does not read extended attributes.
//!
//! Records are pulled: a scan remembers which directories are still to be read, and reads as many
//! entries as it is asked for. Content is opened by the number of the record; which path that was is
//! remembered until the record is acknowledged.

use crate::abi::*;
use crate::glue::*;
use std::collections::HashMap;
use std::fs::{self, File, Metadata, OpenOptions, ReadDir};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::raw::c_int;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const BATCH_MAX: usize = 256; // records in one answer
const O_NOFOLLOW: c_int = if cfg!(target_arch = "aarch64") { 0o100000 } else { 0o400000 };

struct Source {
    hostname: Vec<u8>,
    root: PathBuf,
}

/// What a record says, and what its pointers point to.
struct Entry {
    record: Record,
    path: Vec<u8>,
    target: Vec<u8>,
    message: String,
}

struct Walk {
    root: PathBuf,
    room: usize,
    started: bool,
    waiting: Vec<PathBuf>, // directories that are still to be read
    current: Option<(PathBuf, ReadDir)>,
    next_id: u64,
    paths: HashMap<u64, PathBuf>, // of files, until they are acknowledged
    entries: Vec<Entry>,
    records: Vec<Record>,
}

fn kind_of(there: &Metadata) -> u32 {
    let kind = there.file_type();
    match () {
        _ if kind.is_file() => R_FILE,
        _ if kind.is_dir() => R_DIR,
        _ if kind.is_symlink() => R_SYMLINK,
        _ if kind.is_fifo() => R_FIFO,
        _ if kind.is_socket() => R_SOCKET,
        _ if kind.is_char_device() => R_CHAR,
        _ => R_BLOCK,
    }
}

fn time(seconds: i64, nanoseconds: i64) -> Time {
    Time { seconds, nanoseconds: nanoseconds as u32, reserved0: 0 }
}

impl Walk {
    fn entry(&mut self, path: &Path) -> Entry {
        // All bits zero are a record that says nothing.
        let mut record: Record = unsafe { std::mem::zeroed() };
        record.id = self.next_id;
        self.next_id += 1;
        let path = path.as_os_str().as_bytes().to_vec();
        Entry { record, path, target: Vec::new(), message: String::new() }
    }

    /// What could not be read is a record of its own.
    fn report(&mut self, doing: &str, path: &Path, error: &io::Error) {
        let failed = io_failure(doing, path, error);
        let mut entry = self.entry(path);
        entry.record.kind = R_ERROR;
        entry.record.error_code = failed.status;
        entry.message = failed.message;
        self.entries.push(entry);
    }

    fn add(&mut self, path: PathBuf) {
        let there = match fs::symlink_metadata(&path) {
            Ok(there) => there,
            // It went while the directory was read: that is no error.
            Err(e) if e.kind() == io::ErrorKind::NotFound && path != self.root => return,
            Err(e) => return self.report("look at", &path, &e),
        };
        let mut entry = self.entry(&path);
        let record = &mut entry.record;
        record.kind = kind_of(&there);
        record.valid =
            V_MODE | V_MTIME | V_CTIME | V_UID | V_GID | V_DEV | V_INO | V_NLINK;
        record.mode = there.mode() & 0o7777;
        record.mtime = time(there.mtime(), there.mtime_nsec());
        record.ctime = time(there.ctime(), there.ctime_nsec());
        record.uid = u64::from(there.uid());
        record.gid = u64::from(there.gid());
        record.dev = there.dev();
        record.ino = there.ino();
        record.nlink = there.nlink();
        match record.kind {
            R_FILE => {
                record.flags = RF_HAS_DATA;
                record.valid |= V_SIZE;
                record.size = there.len();
                self.paths.insert(record.id, path);
            }
            R_DIR => self.waiting.push(path),
            R_SYMLINK => match fs::read_link(&path) {
                Ok(target) => entry.target = target.as_os_str().as_bytes().to_vec(),
                Err(e) => return self.report("read the link", &path, &e),
            },
            R_CHAR | R_BLOCK => {
                record.valid |= V_RDEV;
                record.rdev = there.rdev();
            }
            _ => {}
        }
        self.entries.push(entry);
    }

    /// False at the end.
    fn step(&mut self) -> bool {
        if !self.started {
            self.started = true;
            self.add(self.root.clone()); // a directory, or a single file
        } else if let Some((directory, mut entries)) = self.current.take() {
            match entries.next() {
                None => {}
                Some(Ok(entry)) => {
                    self.add(entry.path());
                    self.current = Some((directory, entries));
                }
                Some(Err(e)) => self.report("list", &directory, &e),
            }
        } else if let Some(directory) = self.waiting.pop() {
            match fs::read_dir(&directory) {
                Ok(entries) => self.current = Some((directory, entries)),
                Err(e) => self.report("list", &directory, &e),
            }
        } else {
            return false;
        }
        true
    }

    fn next(&mut self, call: Call) -> Outcome<bool> {
        self.entries.clear();
        while self.entries.len() < self.room {
            check_call(call)?;
            if !self.step() {
                break;
            }
        }
        // Only now: what they point to does not move any more.
        self.records.clear();
        for entry in &self.entries {
            let mut record = entry.record;
            record.path = Bytes::borrowed(&entry.path);
            record.target = Bytes::borrowed(&entry.target);
            record.error_message = Bytes::borrowed(entry.message.as_bytes());
            self.records.push(record);
        }
        Ok(!self.records.is_empty())
    }
}

// --- From C ---------------------------------------------------------------------------------------

extern "C" fn open(args: *const OpenArgs, out: *mut Instance, err: *mut Error) -> Status {
    guarded(err, || {
        let args = unsafe { &*args };
        let (root, hostname) = unsafe { (path_of(args)?, args.hostname.get().to_vec()) };
        if root.components().any(|part| part.as_os_str() == "..") {
            return Err(failure(E_CONFIG, "the location has a part that is \"..\""));
        }
        // Without empty and "." parts.
        let root = root.components().collect();
        unsafe { *out = handle(Source { hostname, root }) };
        Ok(OK)
    })
}

extern "C" fn location(instance: Instance, out: *mut Location, err: *mut Error) -> Status {
    guarded(err, || {
        let (source, out) = unsafe { (shared::<Source>(instance), &mut *out) };
        out.flags = LOC_LOCALFS | LOC_NEEDACK;
        out.origin = Bytes::borrowed(&source.hostname);
        out.kind = Bytes::of("my-template");
        out.root = Bytes::borrowed(source.root.as_os_str().as_bytes());
        Ok(OK)
    })
}

extern "C" fn ping(instance: Instance, call: Call, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        let root = unsafe { &shared::<Source>(instance).root };
        fs::metadata(root)
            .map_err(|e| Failure { flags: 0, ..io_failure("look at", root, &e) })?;
        Ok(OK)
    })
}

extern "C" fn close(instance: Instance, _call: Call) {
    drop(unsafe { free::<Source>(instance) });
}

extern "C" fn scan_open(
    instance: Instance,
    call: Call,
    args: *const ScanArgs,
    out: *mut Scan,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        let (source, args) = unsafe { (shared::<Source>(instance), &*args) };
        let walk = Walk {
            root: source.root.clone(),
            room: (args.max_batch as usize).min(BATCH_MAX),
            started: false,
            waiting: Vec::new(),
            current: None,
            next_id: 1,
            paths: HashMap::new(),
            entries: Vec::new(),
            records: Vec::new(),
        };
        unsafe { *out = handle(walk) };
        Ok(OK)
    })
}

extern "C" fn scan_next(
    scan: Scan,
    call: Call,
    batch: *mut RecordBatch,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let (walk, batch) = unsafe { (object::<Walk>(scan), &mut *batch) };
        if !walk.next(call)? {
            return Ok(END);
        }
        batch.record_stride = size_of::<Record>();
        batch.records = walk.records.as_ptr().cast();
        batch.count = walk.records.len() as u64;
        Ok(OK)
    })
}

extern "C" fn scan_ack(
    scan: Scan,
    _call: Call,
    ids: *const u64,
    _statuses: *const Status,
    count: u64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let walk = unsafe { object::<Walk>(scan) };
        for i in 0..count as usize {
            walk.paths.remove(&unsafe { *ids.add(i) });
        }
        Ok(OK)
    })
}

extern "C" fn scan_close(scan: Scan, _call: Call) {
    drop(unsafe { free::<Walk>(scan) });
}

struct Content {
    file: File,
    path: PathBuf,
}

extern "C" fn record_open(
    scan: Scan,
    _call: Call,
    id: u64,
    offset: u64,
    out: *mut Reader,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let known = unsafe { object::<Walk>(scan) }.paths.get(&id).cloned();
        let path = known.ok_or_else(|| failure(E_INVALID_ARG, "no such record"))?;
        let file = OpenOptions::new().read(true).custom_flags(O_NOFOLLOW).open(&path);
        let mut file = file.map_err(|e| io_failure("open", &path, &e))?;
        file.seek(SeekFrom::Start(offset)).map_err(|e| io_failure("seek in", &path, &e))?;
        unsafe { *out = handle(Content { file, path }) };
        Ok(OK)
    })
}

extern "C" fn read(
    reader: Reader,
    call: Call,
    buf: *mut u8,
    cap: u64,
    got: *mut u64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let content = unsafe { object::<Content>(reader) };
        let to = unsafe { std::slice::from_raw_parts_mut(buf, cap as usize) };
        loop {
            check_call(call)?;
            match content.file.read(to) {
                Ok(size) => {
                    unsafe { *got = size as u64 };
                    return Ok(if size == 0 { END } else { OK });
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(io_failure("read", &content.path, &e)),
            }
        }
    })
}

extern "C" fn reader_close(reader: Reader, _call: Call) {
    drop(unsafe { free::<Content>(reader) });
}

// --- Tables ---------------------------------------------------------------------------------------

static READER: ReaderOps = ReaderOps {
    struct_size: size_of::<ReaderOps>(),
    reserved0: 0,
    read,
    lend: 0,
    close: reader_close,
};

static IMPORTER: ImporterOps = ImporterOps {
    struct_size: size_of::<ImporterOps>(),
    reserved0: 0,
    scan_open,
    scan_next,
    record_open,
    scan_ack,
    scan_close,
    reader: &READER,
    estimate: 0,
};

/// Listed in lib.rs. The capabilities are also in manifest.yaml.
pub static CONNECTOR: Connector = Connector {
    struct_size: size_of::<Connector>(),
    kind: KIND_IMPORTER,
    id: b"my-template-importer\0".as_ptr(),
    caps: CAP_RANGE,
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
    ops: table(&IMPORTER),
};
