//! What of `<plakar/connector.h>` connectors need, as Rust has it. The header says what it means.
//! The sizes below are those of the frozen layout table: what does not fit does not compile.
#![allow(dead_code)]

use std::os::raw::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const END: Status = 1;
pub const E_UNKNOWN: Status = -1;
pub const E_INVALID_ARG: Status = -2;
pub const E_CONFIG: Status = -3;
pub const E_NOT_FOUND: Status = -4;
pub const E_EXISTS: Status = -5;
pub const E_PERMISSION: Status = -6;
pub const E_UNAUTHENTICATED: Status = -7;
pub const E_UNSUPPORTED: Status = -8;
pub const E_CANCELLED: Status = -9;
pub const E_TIMEOUT: Status = -10;
pub const E_IO: Status = -11;
pub const E_THROTTLED: Status = -12;
pub const E_NO_SPACE: Status = -13;
pub const E_CORRUPT: Status = -14;
pub const E_READ_ONLY: Status = -16;
pub const E_BUSY: Status = -17;
pub const E_ABI: Status = -19;
pub const E_INTERNAL: Status = -20;
pub const ERRF_RETRYABLE: u32 = 1 << 0;
pub const ERRF_AUTH_EXPIRED: u32 = 1 << 1;
pub const ERRF_PER_ITEM: u32 = 1 << 2;

pub const R_FILE: u32 = 1;
pub const R_DIR: u32 = 2;
pub const R_SYMLINK: u32 = 3;
pub const R_FIFO: u32 = 4;
pub const R_CHAR: u32 = 5;
pub const R_BLOCK: u32 = 6;
pub const R_SOCKET: u32 = 7;
pub const R_ERROR: u32 = 9;
pub const R_HARDLINK: u32 = 10;
pub const RF_HAS_DATA: u32 = 1 << 0;
pub const V_SIZE: u64 = 1 << 0;
pub const V_MODE: u64 = 1 << 1;
pub const V_MTIME: u64 = 1 << 2;
pub const V_CTIME: u64 = 1 << 3;
pub const V_UID: u64 = 1 << 5;
pub const V_GID: u64 = 1 << 6;
pub const V_DEV: u64 = 1 << 9;
pub const V_INO: u64 = 1 << 10;
pub const V_NLINK: u64 = 1 << 11;
pub const V_RDEV: u64 = 1 << 12;

pub const EXISTING_FAIL: u32 = 0;
pub const EXISTING_SKIP: u32 = 1;
pub const EXISTING_REPLACE: u32 = 2;
pub const EXISTING_RESUME: u32 = 3;
pub const EXPORT_NO_OWNER: u32 = 1 << 0;
pub const EXPORT_NO_TIMES: u32 = 1 << 1;
pub const EXPORT_NO_MODE: u32 = 1 << 2;

pub const MODE_READ: u32 = 1 << 0;
pub const MODE_WRITE: u32 = 1 << 1;
pub const PUT_IF_ABSENT: u32 = 1 << 0;

pub const LOC_LOCALFS: u32 = 1 << 0;
pub const LOC_NEEDACK: u32 = 1 << 3;
pub const KIND_IMPORTER: u32 = 1;
pub const KIND_EXPORTER: u32 = 2;
pub const KIND_STORAGE: u32 = 3;
pub const KIND_SECRETS: u32 = 4;
pub const KIND_INVENTORY: u32 = 5;
pub const CAP_CONCURRENT: u64 = 1 << 0;
pub const CAP_RANGE: u64 = 1 << 3;
pub const CAP_PUT_IF_ABSENT: u64 = 1 << 4;
pub const CAP_STRONG_LIST: u64 = 1 << 5;
pub const CAP_HARDLINKS: u64 = 1 << 11;
pub const MAGIC: u32 = 0x314B_4C50;

/// Both `plk_str` and `plk_bytes`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Bytes {
    pub ptr: *const u8,
    pub len: u64,
}

impl Bytes {
    pub const fn of(text: &'static str) -> Bytes {
        Bytes { ptr: text.as_ptr(), len: text.len() as u64 }
    }
    pub fn borrowed(bytes: &[u8]) -> Bytes {
        Bytes { ptr: bytes.as_ptr(), len: bytes.len() as u64 }
    }
    /// # Safety
    /// What it points to must live as long as the result is used.
    pub unsafe fn get<'a>(&self) -> &'a [u8] {
        if self.len == 0 {
            return &[];
        }
        std::slice::from_raw_parts(self.ptr, self.len as usize)
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
    pub reserved0: u32,
}

#[repr(C)]
pub struct Error {
    pub struct_size: u32,
    pub code: Status,
    pub flags: u32,
    pub sys_errno: i32,
    pub retry_after_ms: u64,
    pub message: *mut u8,
    pub message_cap: u32,
    pub message_len: u32,
    pub vendor: [c_char; 48],
}

#[repr(C)]
pub struct HostApi {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub log_enabled: usize,
    pub log: usize,
    pub metric_define: usize,
    pub metric_record: usize,
    pub progress: usize,
    pub call_cancelled: extern "C" fn(*mut c_void) -> i32,
    pub call_cancel_fd: usize,
    pub call_remaining_ms: usize,
    pub sink_write: extern "C" fn(Sink, *const u8, u64) -> Status,
    pub secret_refresh: usize,
    pub run: usize,
    pub join: usize,
    pub extension: usize,
}

#[repr(C)]
pub struct OpenArgs {
    pub struct_size: u32,
    pub flags: u32,
    pub ctx: *mut c_void,
    pub call: *mut c_void,
    pub protocol: Bytes,
    pub location: Bytes,
    pub config: *const c_void,
    pub hostname: Bytes,
    pub os: Bytes,
    pub arch: Bytes,
    pub cwd: Bytes,
    pub concurrency: u32,
    pub reserved0: u32,
    pub excludes: *const Bytes,
    pub exclude_count: u64,
}

#[repr(C)]
pub struct Location {
    pub struct_size: u32,
    pub flags: u32,
    pub origin: Bytes,
    pub kind: Bytes,
    pub root: Bytes,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Record {
    pub id: u64,
    pub valid: u64,
    pub kind: u32,
    pub flags: u32,
    pub path: Bytes,
    pub target: Bytes,
    pub xattrs: *const c_void,
    pub xattr_count: u64,
    pub xattr_stride: u32,
    pub xattr_kind: u32,
    pub xattr_name: Bytes,
    pub size: u64,
    pub mtime: Time,
    pub ctime: Time,
    pub btime: Time,
    pub mode: u32,
    pub file_attrs: u32,
    pub uid: u64,
    pub gid: u64,
    pub dev: u64,
    pub ino: u64,
    pub nlink: u64,
    pub rdev: u64,
    pub user: Bytes,
    pub group: Bytes,
    pub change_token: Bytes,
    pub error_code: Status,
    pub reserved0: u32,
    pub error_message: Bytes,
}

#[repr(C)]
pub struct RecordBatch {
    pub struct_size: u32,
    pub record_stride: u32,
    pub records: *const c_void,
    pub count: u64,
}

#[repr(C)]
pub struct ExportArgs {
    pub struct_size: u32,
    pub flags: u32,
    pub items_total: u64,
    pub bytes_total: u64,
    pub existing: u32,
    pub reserved0: u32,
}

pub type Instance = *mut c_void;
pub type Call = *mut c_void;
pub type Sink = *mut c_void;
pub type Scan = *mut c_void;
pub type Reader = *mut c_void;
pub type Export = *mut c_void;
pub type Writer = *mut c_void;
pub type Upload = *mut c_void;
pub type Lister = *mut c_void;

#[repr(C)]
pub struct ReaderOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub read: extern "C" fn(Reader, Call, *mut u8, u64, *mut u64, *mut Error) -> Status,
    pub lend: usize,
    pub close: extern "C" fn(Reader, Call),
}

#[repr(C)]
pub struct ScanArgs {
    pub struct_size: u32,
    pub max_batch: u32,
    pub max_unacked: u64,
    pub resume_token: Bytes,
}

#[repr(C)]
pub struct ImporterOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub scan_open:
        extern "C" fn(Instance, Call, *const ScanArgs, *mut Scan, *mut Error) -> Status,
    pub scan_next: extern "C" fn(Scan, Call, *mut RecordBatch, *mut Error) -> Status,
    pub record_open: extern "C" fn(Scan, Call, u64, u64, *mut Reader, *mut Error) -> Status,
    pub scan_ack:
        extern "C" fn(Scan, Call, *const u64, *const Status, u64, *mut Error) -> Status,
    pub scan_close: extern "C" fn(Scan, Call),
    pub reader: &'static ReaderOps,
    pub estimate: usize,
}

#[repr(C)]
pub struct Object {
    pub struct_size: u32,
    pub ns: u32,
    pub key: Bytes,
    pub flags: u32,
    pub reserved0: u32,
}

#[repr(C)]
pub struct Name {
    pub key: Bytes,
    pub valid: u64,
    pub size: u64,
    pub mtime: Time,
}

#[repr(C)]
pub struct NameBatch {
    pub struct_size: u32,
    pub name_stride: u32,
    pub names: *const c_void,
    pub count: u64,
}

/// Optional members are 0 here; give them their type to use them.
#[repr(C)]
pub struct StorageOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub create: extern "C" fn(Instance, Call, Bytes, *mut Error) -> Status,
    pub load: extern "C" fn(Instance, Call, Sink, *mut Error) -> Status,
    pub mode: extern "C" fn(Instance, Call, *mut u32, *mut Error) -> Status,
    pub used_bytes: extern "C" fn(Instance, Call, *mut u64, *mut Error) -> Status,
    pub list_open: extern "C" fn(Instance, Call, u32, Bytes, *mut Lister, *mut Error) -> Status,
    pub list_next: extern "C" fn(Lister, Call, *mut NameBatch, *mut Error) -> Status,
    pub list_close: extern "C" fn(Lister, Call),
    pub object_size: extern "C" fn(Instance, Call, *const Object, *mut u64, *mut Error) -> Status,
    pub get: extern "C" fn(
        Instance,
        Call,
        *const Object,
        u64,
        *mut u8,
        u64,
        *mut u64,
        *mut Error,
    ) -> Status,
    pub put: extern "C" fn(Instance, Call, *const Object, *const Bytes, u64, *mut Error) -> Status,
    pub del: extern "C" fn(Instance, Call, *const Object, *mut Error) -> Status,
    pub get_open: usize,
    pub reader: usize,
    pub upload_open: usize,
    pub upload_write: usize,
    pub upload_commit: usize,
    pub upload_abort: usize,
    pub finish: usize,
}

#[repr(C)]
pub struct SecretsOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub get: extern "C" fn(Instance, Call, Bytes, Sink, *mut i64, *mut Error) -> Status,
}

#[repr(C)]
pub struct Resource {
    pub urn: Bytes,
    pub name: Bytes,
    pub region: Bytes,
    pub service: Bytes,
    pub resource: Bytes,
    pub category: Bytes,
    pub subcategory: Bytes,
    pub tags: *const Bytes,
    pub tag_count: u64,
    pub endpoints: *const Bytes,
    pub endpoint_count: u64,
    pub details: Bytes,
    pub error_code: Status,
    pub reserved0: u32,
}

#[repr(C)]
pub struct ResourceBatch {
    pub struct_size: u32,
    pub resource_stride: u32,
    pub resources: *const c_void,
    pub count: u64,
}

#[repr(C)]
pub struct InventoryOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub list_open: extern "C" fn(Instance, Call, *mut Lister, *mut Error) -> Status,
    pub list_next: extern "C" fn(Lister, Call, *mut ResourceBatch, *mut Error) -> Status,
    pub list_close: extern "C" fn(Lister, Call),
}

#[repr(C)]
pub struct WriterOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub write: extern "C" fn(Writer, Call, *const u8, u64, *mut Error) -> Status,
    pub commit: extern "C" fn(Writer, Call, *mut u64, *mut Error) -> Status,
    pub abort: extern "C" fn(Writer, Call),
    pub write_zeros: extern "C" fn(Writer, Call, u64, *mut Error) -> Status,
}

#[repr(C)]
pub struct ExporterOps {
    pub struct_size: u32,
    pub reserved0: u32,
    pub export_open:
        extern "C" fn(Instance, Call, *const ExportArgs, *mut Export, *mut Error) -> Status,
    pub put:
        extern "C" fn(Export, Call, *const Record, u32, *mut Writer, *mut Error) -> Status,
    pub export_finish: extern "C" fn(Export, Call, *mut RecordBatch, *mut Error) -> Status,
    pub export_close: extern "C" fn(Export, Call),
    pub writer: &'static WriterOps,
}

#[repr(C)]
pub struct Connector {
    pub struct_size: u32,
    pub kind: u32,
    pub id: *const u8,
    pub caps: u64,
    pub config_schema_version: u32,
    pub max_concurrency: u32,
    pub config_check: usize,
    pub config_choices: usize,
    pub config_migrate: usize,
    pub open: extern "C" fn(*const OpenArgs, *mut Instance, *mut Error) -> Status,
    pub location: extern "C" fn(Instance, *mut Location, *mut Error) -> Status,
    pub ping: extern "C" fn(Instance, Call, *mut Error) -> Status,
    pub interrupt: usize,
    pub close: extern "C" fn(Instance, Call),
    pub ops: *const c_void, // of the kind: ImporterOps, StorageOps, ...
}

#[repr(C)]
pub struct Plugin {
    pub magic: u32,
    pub struct_size: u32,
    pub abi_minor_built: u32,
    pub abi_minor_required: u32,
    pub name: *const u8,
    pub version: *const u8,
    pub connectors: *const &'static Connector,
    pub connector_count: u32,
    pub flags: u32,
    pub shutdown: extern "C" fn(),
    pub extension: usize,
}

#[repr(C)]
pub struct EntryArgs {
    pub struct_size: u32,
    pub abi_major: u32,
    pub abi_minor: u32,
    pub flags: u32,
    pub host: *const HostApi,
    pub ctx: *mut c_void,
}

// Pointers to static text and static tables: nothing that a thread could change.
unsafe impl Sync for Connector {}
unsafe impl Sync for Plugin {}

/// The ELF note by which a module says who it is without being loaded.
#[repr(C, align(4))]
pub struct Note {
    pub namesz: u32,
    pub descsz: u32,
    pub kind: u32,
    pub owner: [u8; 4],
    pub abi_major: u32,
    pub abi_minor_built: u32,
    pub abi_minor_required: u32,
    pub flags: u32,
    pub name: [u8; 48],
    pub version: [u8; 32],
}

pub const fn padded<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut padded = [0; N];
    let mut i = 0;
    while i < bytes.len() {
        padded[i] = bytes[i];
        i += 1;
    }
    padded
}

const _: () = {
    use std::mem::size_of;
    assert!(size_of::<Bytes>() == 16);
    assert!(size_of::<Time>() == 16);
    assert!(size_of::<Error>() == 88);
    assert!(size_of::<HostApi>() == 112);
    assert!(size_of::<OpenArgs>() == 152);
    assert!(size_of::<Location>() == 56);
    assert!(size_of::<ReaderOps>() == 32);
    assert!(size_of::<ScanArgs>() == 32);
    assert!(size_of::<ImporterOps>() == 64);
    assert!(size_of::<Object>() == 32);
    assert!(size_of::<Name>() == 48);
    assert!(size_of::<NameBatch>() == 24);
    assert!(size_of::<StorageOps>() == 152);
    assert!(size_of::<SecretsOps>() == 16);
    assert!(size_of::<Resource>() == 168);
    assert!(size_of::<ResourceBatch>() == 24);
    assert!(size_of::<InventoryOps>() == 32);
    assert!(size_of::<Record>() == 280);
    assert!(size_of::<RecordBatch>() == 24);
    assert!(size_of::<ExportArgs>() == 32);
    assert!(size_of::<WriterOps>() == 40);
    assert!(size_of::<ExporterOps>() == 48);
    assert!(size_of::<Connector>() == 104);
    assert!(size_of::<Plugin>() == 64);
    assert!(size_of::<EntryArgs>() == 32);
    assert!(size_of::<Note>() == 112);
};
