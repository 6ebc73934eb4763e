//! The module: its name and version, the same as in manifest.yaml and Cargo.toml, and its
//! connectors.

mod abi;
mod glue;
mod my_kind;

use abi::*;
use glue::*;
use std::sync::atomic::Ordering;

const NAME: &str = "my-template";
const VERSION: &str = "0.1.0";

static CONNECTORS: &[&Connector] = &[
    &my_kind::CONNECTOR,
];

extern "C" fn shutdown() {}

static PLUGIN: Plugin = Plugin {
    magic: MAGIC,
    struct_size: size_of::<Plugin>(),
    abi_minor_built: 0,
    abi_minor_required: 0,
    name: b"my-template\0".as_ptr(),
    version: b"0.1.0\0".as_ptr(),
    connectors: CONNECTORS.as_ptr(),
    connector_count: CONNECTORS.len() as u32,
    flags: 0,
    shutdown,
    extension: 0,
};

#[used]
#[link_section = ".note.plakar"]
static NOTE: Note = Note {
    namesz: 4,
    descsz: 96,
    kind: 1,
    owner: *b"PLK\0",
    abi_major: 1,
    abi_minor_built: 0,
    abi_minor_required: 0,
    flags: 0,
    name: padded(NAME),
    version: padded(VERSION),
};

/// The one function that the module exports.
///
/// # Safety
/// The arguments are those of `<plakar/connector.h>`.
#[no_mangle]
pub unsafe extern "C" fn plk_entry_v1(
    args: *const EntryArgs,
    out: *mut *const Plugin,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        let args = &*args;
        if args.abi_major != 1 {
            return Err(failure(E_ABI, "this module is built for version 1 of the connector ABI"));
        }
        // A panic is told as an error; stderr belongs to the host. The hook is this module's own, as
        // the standard library is linked into it.
        std::panic::set_hook(Box::new(|_| {}));
        HOST.store(args.host as *mut HostApi, Ordering::Release);
        *out = &PLUGIN;
        Ok(OK)
    })
}
