//! An inventory of one resource: replace `list_next()` by one that asks for the next page of what
//! there is.

use crate::abi::*;
use crate::glue::*;

struct Inventory;

extern "C" fn open(_args: *const OpenArgs, out: *mut Instance, err: *mut Error) -> Status {
    guarded(err, || {
        unsafe { *out = handle(Inventory) };
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
    drop(unsafe { free::<Inventory>(instance) });
}

struct Pages {
    done: bool,
    tags: [Bytes; 2],
    endpoints: [Bytes; 2],
    resources: Vec<Resource>,
}

extern "C" fn list_open(_instance: Instance, call: Call, out: *mut Lister, err: *mut Error) -> Status {
    guarded(err, || {
        check_call(call)?;
        let pages = Pages {
            done: false,
            tags: [Bytes::of("owner"), Bytes::of("nobody")],
            endpoints: [Bytes::of("host"), Bytes::of("db.example.org")],
            resources: Vec::new(),
        };
        unsafe { *out = handle(pages) };
        Ok(OK)
    })
}

extern "C" fn list_next(
    lister: Lister,
    call: Call,
    batch: *mut ResourceBatch,
    err: *mut Error,
) -> Status {
    guarded(err, || {
        check_call(call)?;
        let (pages, batch) = unsafe { (object::<Pages>(lister), &mut *batch) };
        if pages.done {
            return Ok(END);
        }
        pages.done = true;
        // All bits zero are a resource that says nothing.
        let mut one: Resource = unsafe { std::mem::zeroed() };
        one.urn = Bytes::of("urn:my-template:1");
        one.name = Bytes::of("first");
        one.category = Bytes::of("database");
        one.tags = pages.tags.as_ptr();
        one.tag_count = pages.tags.len() as u64;
        one.endpoints = pages.endpoints.as_ptr();
        one.endpoint_count = pages.endpoints.len() as u64;
        pages.resources = vec![one];
        batch.resource_stride = size_of::<Resource>();
        batch.resources = pages.resources.as_ptr().cast();
        batch.count = pages.resources.len() as u64;
        Ok(OK)
    })
}

extern "C" fn list_close(lister: Lister, _call: Call) {
    drop(unsafe { free::<Pages>(lister) });
}

static INVENTORY: InventoryOps = InventoryOps {
    struct_size: size_of::<InventoryOps>(),
    reserved0: 0,
    list_open,
    list_next,
    list_close,
};

/// Listed in lib.rs. The capabilities are also in manifest.yaml.
pub static CONNECTOR: Connector = Connector {
    struct_size: size_of::<Connector>(),
    kind: KIND_INVENTORY,
    id: b"my-template-inventory\0".as_ptr(),
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
    ops: table(&INVENTORY),
};
