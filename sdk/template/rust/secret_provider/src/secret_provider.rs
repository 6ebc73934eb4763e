//! A provider of secrets with one secret in it: replace `get()` by one that asks a vault.

use crate::abi::*;
use crate::glue::*;

struct Provider;

extern "C" fn open(_args: *const OpenArgs, out: *mut Instance, err: *mut Error) -> Status {
    guarded(err, || {
        unsafe { *out = handle(Provider) };
        Ok(OK)
    })
}

extern "C" fn location(_instance: Instance, out: *mut Location, err: *mut Error) -> Status {
    guarded(err, || {
        let out = unsafe { &mut *out };
        out.flags = 0;
        out.origin = Bytes::of("localhost");
        out.kind = Bytes::of("my-template");
        out.root = Bytes::of("/");
        Ok(OK)
    })
}

extern "C" fn ping(_instance: Instance, call: Call, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        Ok(OK)
    })
}

extern "C" fn close(instance: Instance, _call: Call) {
    drop(unsafe { free::<Provider>(instance) });
}

extern "C" fn get(
    _instance: Instance,
    call: Call,
    path: Bytes,
    value: Sink,
    ttl_s: *mut i64,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        if unsafe { path.get() } != b"known" {
            return Err(failure(E_NOT_FOUND, "there is no such secret"));
        }
        give(value, b"sesame")?;
        unsafe { *ttl_s = 60 }; // seconds for which the host may keep it
        Ok(OK)
    })
}

static SECRETS: SecretsOps = SecretsOps { struct_size: size_of::<SecretsOps>(), reserved0: 0, get };

/// Listed in lib.rs. The capabilities are also in manifest.yaml.
pub static CONNECTOR: Connector = Connector {
    struct_size: size_of::<Connector>(),
    kind: KIND_SECRETS,
    id: b"my-template-secret-provider\0".as_ptr(),
    caps: CAP_CONCURRENT,
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
    ops: table(&SECRETS),
};
