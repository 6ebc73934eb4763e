//! A store in a directory: one file for each object.
//!
//!   ROOT/CONFIG       what create() was given
//!   ROOT/KIND/HEX     an object: KIND is its namespace, HEX its key in hexadecimal
//!   ROOT/tmp/         what is being written; what a crash left there may be deleted
//!
//! A file gets its name when it is complete and on the disk, with link() or rename(): so nobody ever
//! sees a part of one, and of two that create the same name exactly one succeeds. The store itself
//! never changes, so calls may come from any number of threads.

use crate::abi::*;
use crate::glue::*;
use std::fs::{self, File, OpenOptions, ReadDir};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const CONFIG_SIZE_MAX: usize = 32 * 1024;
const KEY_SIZE_MAX: usize = 120; // so that its hexadecimal digits are a file name
const PIECE_MAX: usize = 1 << 20; // bytes between two looks at the call
const BATCH_MAX: usize = 1024; // names in one answer

struct Store {
    root: PathBuf,
}

fn to_hex(key: &[u8]) -> Outcome<String> {
    if key.is_empty() || key.len() > KEY_SIZE_MAX {
        return Err(failure(E_UNSUPPORTED, "the key of an object has 1 to 120 bytes here"));
    }
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Nothing for what is not the name of an object.
fn from_hex(name: &[u8]) -> Option<Vec<u8>> {
    if name.is_empty() || name.len() % 2 != 0 || name.len() / 2 > KEY_SIZE_MAX {
        return None;
    }
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    name.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// As a failure of all of the call: nothing here is about one record of several.
fn failed<'a>(doing: &'a str, path: &'a Path) -> impl Fn(io::Error) -> Failure + 'a {
    move |e| Failure { flags: 0, ..io_failure(doing, path, &e) }
}

fn make_directory(path: &Path) -> Outcome<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => {
            Err(failed("make the directory", path)(e))
        }
        _ => Ok(()),
    }
}

/// A file that is being written. Without publish() nothing of it is left.
struct NewFile {
    path: PathBuf,
    file: File,
}

impl NewFile {
    fn make(root: &Path) -> Outcome<NewFile> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let path = root.join("tmp").join(format!("{}-{}", std::process::id(), number));
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed("make the file", &path))?;
        Ok(NewFile { path, file })
    }

    fn write(&mut self, call: Call, bytes: &[u8]) -> Outcome<()> {
        for piece in bytes.chunks(PIECE_MAX) {
            check_call(call)?;
            self.file.write_all(piece).map_err(failed("write", &self.path))?;
        }
        Ok(())
    }

    /// The end of every way to write something.
    fn publish(self, directory: &Path, name: &str, if_absent: bool) -> Outcome<()> {
        let to = directory.join(name);
        self.file.sync_all().map_err(failed("write", &self.path))?;
        if if_absent { fs::hard_link(&self.path, &to) } else { fs::rename(&self.path, &to) }
            .map_err(failed("name", &to))?;
        // A name is only safe when its directory has been written too.
        File::open(directory)
            .and_then(|opened| opened.sync_all())
            .map_err(failed("write the directory", directory))
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // Nothing to do after a rename(); the number is not used again.
        let _ = fs::remove_file(&self.path);
    }
}

impl Store {
    fn directory(&self, ns: u32) -> PathBuf {
        self.root.join(ns.to_string())
    }

    unsafe fn path(&self, object: &Object) -> Outcome<PathBuf> {
        Ok(self.directory(object.ns).join(to_hex(object.key.get())?))
    }

    fn mode(&self) -> Outcome<u32> {
        match fs::metadata(&self.root) {
            Ok(there) if !there.is_dir() => Err(failure(E_CONFIG, "the location is not a directory")),
            Ok(there) if there.permissions().readonly() => Ok(MODE_READ),
            Ok(_) => Ok(MODE_READ | MODE_WRITE),
            // Not made yet.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(MODE_READ | MODE_WRITE),
            Err(e) => Err(failed("look at", &self.root)(e)),
        }
    }

    /// Whether there is anything in the way: anything but what a create() that failed left.
    fn check_empty(&self) -> Outcome<()> {
        for entry in fs::read_dir(&self.root).map_err(failed("list", &self.root))? {
            let name = entry.map_err(failed("list", &self.root))?.file_name();
            if name == "CONFIG" {
                return Err(failure(E_EXISTS, "there is a store already"));
            }
            if name != "tmp" {
                return Err(failure(E_EXISTS, "the directory is not empty"));
            }
        }
        Ok(())
    }
}

// --- From C ---------------------------------------------------------------------------------------

extern "C" fn open(args: *const OpenArgs, out: *mut Instance, err: *mut Error) -> Status {
    guarded(err, || {
        let root = unsafe { path_of(&*args)? };
        unsafe { *out = handle(Store { root }) };
        Ok(OK)
    })
}

extern "C" fn location(instance: Instance, out: *mut Location, err: *mut Error) -> Status {
    guarded(err, || {
        let (store, out) = unsafe { (shared::<Store>(instance), &mut *out) };
        out.flags = LOC_LOCALFS;
        out.origin = Bytes::of("localhost");
        out.kind = Bytes::of("my-template");
        out.root = Bytes::borrowed(store.root.as_os_str().as_bytes());
        Ok(OK)
    })
}

extern "C" fn ping(instance: Instance, call: Call, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        unsafe { shared::<Store>(instance) }.mode()?;
        Ok(OK)
    })
}

extern "C" fn close(instance: Instance, _call: Call) {
    drop(unsafe { free::<Store>(instance) });
}

extern "C" fn create(instance: Instance, call: Call, config: Bytes, err: *mut Error) -> Status {
    guarded(err, || {
        let (store, config) = unsafe { (shared::<Store>(instance), config.get()) };
        if config.is_empty() || config.len() > CONFIG_SIZE_MAX {
            return Err(failure(E_INVALID_ARG, "the configuration has 1 to 32768 bytes"));
        }
        make_directory(&store.root)?;
        store.check_empty()?;
        make_directory(&store.root.join("tmp"))?;
        let mut file = NewFile::make(&store.root)?;
        file.write(call, config)?;
        file.publish(&store.root, "CONFIG", true)?;
        Ok(OK)
    })
}

extern "C" fn load(instance: Instance, call: Call, config: Sink, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        let path = unsafe { shared::<Store>(instance) }.root.join("CONFIG");
        let file = File::open(&path).map_err(failed("read", &path))?;
        let mut bytes = Vec::new();
        file.take(CONFIG_SIZE_MAX as u64 + 1)
            .read_to_end(&mut bytes)
            .map_err(failed("read", &path))?;
        if bytes.len() > CONFIG_SIZE_MAX {
            return Err(failure(E_CORRUPT, "the configuration of the store is too large"));
        }
        give(config, &bytes)?;
        Ok(OK)
    })
}

extern "C" fn mode(instance: Instance, call: Call, mode: *mut u32, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        unsafe { *mode = shared::<Store>(instance).mode()? };
        Ok(OK)
    })
}

extern "C" fn used_bytes(_: Instance, _: Call, _bytes: *mut u64, err: *mut Error) -> Status {
    guarded(err, || Err(failure(E_UNSUPPORTED, "this store does not count its bytes")))
}

struct Listing {
    entries: Option<ReadDir>, // nothing when there are no objects of this kind
    directory: PathBuf,
    keys: Vec<Vec<u8>>,
    names: Vec<Name>,
}

extern "C" fn list_open(
    instance: Instance,
    _call: Call,
    ns: u32,
    _after: Bytes,
    out: *mut Lister,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let directory = unsafe { shared::<Store>(instance) }.directory(ns);
        let entries = match fs::read_dir(&directory) {
            Ok(entries) => Some(entries),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed("list", &directory)(e)),
        };
        let listing = Listing { entries, directory, keys: Vec::new(), names: Vec::new() };
        unsafe { *out = handle(listing) };
        Ok(OK)
    })
}

extern "C" fn list_next(
    lister: Lister,
    call: Call,
    batch: *mut NameBatch,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let (listing, batch) = unsafe { (object::<Listing>(lister), &mut *batch) };
        listing.keys.clear();
        while listing.keys.len() < BATCH_MAX {
            check_call(call)?;
            let next = match listing.entries.as_mut() {
                Some(entries) => entries.next(),
                None => None,
            };
            match next {
                None => break,
                Some(entry) => {
                    let entry = entry.map_err(failed("list", &listing.directory))?;
                    listing.keys.extend(from_hex(entry.file_name().as_bytes()));
                }
            }
        }
        if listing.keys.is_empty() {
            return Ok(END);
        }
        let nothing = Time { seconds: 0, nanoseconds: 0, reserved0: 0 };
        listing.names = listing
            .keys
            .iter()
            .map(|key| Name { key: Bytes::borrowed(key), valid: 0, size: 0, mtime: nothing })
            .collect();
        batch.name_stride = size_of::<Name>();
        batch.names = listing.names.as_ptr().cast();
        batch.count = listing.names.len() as u64;
        Ok(OK)
    })
}

extern "C" fn list_close(lister: Lister, _call: Call) {
    drop(unsafe { free::<Listing>(lister) });
}

extern "C" fn object_size(
    instance: Instance,
    call: Call,
    object: *const Object,
    bytes: *mut u64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        let path = unsafe { shared::<Store>(instance).path(&*object)? };
        unsafe { *bytes = fs::metadata(&path).map_err(failed("find", &path))?.len() };
        Ok(OK)
    })
}

extern "C" fn get(
    instance: Instance,
    call: Call,
    object: *const Object,
    offset: u64,
    buf: *mut u8,
    cap: u64,
    got: *mut u64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let path = unsafe { shared::<Store>(instance).path(&*object)? };
        let file = File::open(&path).map_err(failed("read", &path))?;
        let there = file.metadata().map_err(failed("read", &path))?.len();
        let wanted = there.saturating_sub(offset).min(cap) as usize;
        let mut size = 0;
        while size < wanted {
            check_call(call)?;
            let piece = (wanted - size).min(PIECE_MAX);
            let to = unsafe { std::slice::from_raw_parts_mut(buf.add(size), piece) };
            match file.read_at(to, offset + size as u64) {
                Ok(0) => break,
                Ok(more) => size += more,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(failed("read", &path)(e)),
            }
        }
        unsafe { *got = size as u64 };
        Ok(OK)
    })
}

extern "C" fn put(
    instance: Instance,
    call: Call,
    object: *const Object,
    parts: *const Bytes,
    count: u64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        let (store, object) = unsafe { (shared::<Store>(instance), &*object) };
        let name = to_hex(unsafe { object.key.get() })?;
        let directory = store.directory(object.ns);
        make_directory(&directory)?;
        let mut file = NewFile::make(&store.root)?;
        for i in 0..count as usize {
            file.write(call, unsafe { (*parts.add(i)).get() })?;
        }
        file.publish(&directory, &name, object.flags & PUT_IF_ABSENT != 0)?;
        Ok(OK)
    })
}

extern "C" fn del(instance: Instance, call: Call, object: *const Object, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        let path = unsafe { shared::<Store>(instance).path(&*object)? };
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path)(e)),
            _ => Ok(OK),
        }
    })
}

// --- Tables ---------------------------------------------------------------------------------------

static STORAGE: StorageOps = StorageOps {
    struct_size: size_of::<StorageOps>(),
    reserved0: 0,
    create,
    load,
    mode,
    used_bytes,
    list_open,
    list_next,
    list_close,
    object_size,
    get,
    put,
    del,
    get_open: 0,
    reader: 0,
    upload_open: 0,
    upload_write: 0,
    upload_commit: 0,
    upload_abort: 0,
    finish: 0,
};

/// Listed in lib.rs. The capabilities are also in manifest.yaml.
pub static CONNECTOR: Connector = Connector {
    struct_size: size_of::<Connector>(),
    kind: KIND_STORAGE,
    id: b"my-template-storage\0".as_ptr(),
    caps: CAP_CONCURRENT | CAP_PUT_IF_ABSENT | CAP_STRONG_LIST,
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
    ops: table(&STORAGE),
};
