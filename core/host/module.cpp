#include "core/host/module.h"

#include <set>

#include "core/base/text.h"

namespace plakar::host {
namespace {

constexpr std::uint32_t connectors_max = 64;

// The sizes that 1.0 has: what a later header appends to a struct is not asked for here.
template <class Ops, class... Functions>
bool has_functions(const void* ops, std::size_t size_min, Functions Ops::*... functions) {
  const auto* table = static_cast<const Ops*>(ops);
  if (table == nullptr || table->struct_size < size_min) return false;
  return ((table->*functions != nullptr) && ...);
}

bool reads(const plk_reader_ops* ops) {
  return has_functions(ops, offsetof(plk_reader_ops, close) + sizeof(void*), &plk_reader_ops::read,
                       &plk_reader_ops::close);
}

bool writes(const plk_writer_ops* ops) {
  return has_functions(ops, offsetof(plk_writer_ops, write_zeros), &plk_writer_ops::write,
                       &plk_writer_ops::commit, &plk_writer_ops::abort);
}

bool is_importer(const void* ops) {
  using Ops = plk_importer_ops;
  return has_functions(ops, offsetof(Ops, estimate), &Ops::scan_open, &Ops::scan_next,
                       &Ops::record_open, &Ops::scan_close) &&
         reads(static_cast<const Ops*>(ops)->reader);
}

bool is_exporter(const void* ops) {
  using Ops = plk_exporter_ops;
  return has_functions(ops, sizeof(Ops), &Ops::export_open, &Ops::put, &Ops::export_finish,
                       &Ops::export_close) &&
         writes(static_cast<const Ops*>(ops)->writer);
}

bool is_storage(const void* ops) {
  using Ops = plk_storage_ops;
  if (!has_functions(ops, sizeof(Ops), &Ops::create, &Ops::load, &Ops::mode, &Ops::used_bytes,
                     &Ops::list_open, &Ops::list_next, &Ops::list_close, &Ops::object_size,
                     &Ops::get, &Ops::put, &Ops::del)) {
    return false;
  }
  const auto& store = *static_cast<const Ops*>(ops);
  if (store.get_open != nullptr && !reads(store.reader)) return false;
  const int uploads =
      (store.upload_open != nullptr ? 1 : 0) + (store.upload_write != nullptr ? 1 : 0) +
      (store.upload_commit != nullptr ? 1 : 0) + (store.upload_abort != nullptr ? 1 : 0);
  return uploads == 0 || uploads == 4;
}

bool has_kind(std::uint32_t kind, const void* ops) {
  switch (kind) {
    case PLK_KIND_IMPORTER:
      return is_importer(ops);
    case PLK_KIND_EXPORTER:
      return is_exporter(ops);
    case PLK_KIND_STORAGE:
      return is_storage(ops);
    case PLK_KIND_SECRETS:
      return has_functions(ops, sizeof(plk_secrets_ops), &plk_secrets_ops::get);
    case PLK_KIND_INVENTORY:
      return has_functions(ops, sizeof(plk_inventory_ops), &plk_inventory_ops::list_open,
                           &plk_inventory_ops::list_next, &plk_inventory_ops::list_close);
    default:
      return true;  // of a later host's: nobody here calls it
  }
}

Error refuse(std::string_view expected, std::string_view found) {
  return Error(Errc::unsupported, "expected " + std::string(expected) + ", found " +
                                      std::string(found) +
                                      "; the package is to be rebuilt with <plakar/connector.h>");
}

std::string quoted(const char* text) {
  return text == nullptr ? "none" : "\"" + escape(text) + "\"";
}

}  // namespace

std::string_view to_string(ModuleState state) noexcept {
  switch (state) {
    case ModuleState::active:
      return "active";
    case ModuleState::wedged:
      return "wedged";
    case ModuleState::stopped:
      return "stopped";
    case ModuleState::retired:
      return "retired";
    case ModuleState::unmapped:
      return "unmapped";
  }
  return "";
}

const plk_connector* Module::find(std::uint32_t kind, std::string_view id) const noexcept {
  const plk_plugin& all = plugin();
  for (std::uint32_t i = 0; i < all.connector_count; ++i) {
    const plk_connector* connector = all.connectors[i];
    if (connector->kind == kind && id == connector->id) return connector;
  }
  return nullptr;
}

Error module_error(const Module& module, std::string_view call, const CallOutcome& outcome) {
  std::string text =
      module.name() + " " + module.version() + ": " + std::string(call) + ": " + outcome.message;
  if (!outcome.vendor.empty()) text += " (" + outcome.vendor + ")";
  return Error(errc_of(outcome), std::move(text));
}

Status check_plugin(const plk_plugin* plugin, std::string_view name, std::string_view version,
                    std::uint32_t host_minor) {
  if (plugin == nullptr) return refuse("a plk_plugin", "none");
  if (plugin->magic != PLK_MAGIC) return refuse("the magic of a plk_plugin", "another");
  if (plugin->struct_size < sizeof(plk_plugin)) {
    return refuse("a plk_plugin of " + std::to_string(sizeof(plk_plugin)) + " bytes or more",
                  std::to_string(plugin->struct_size));
  }
  if (plugin->abi_minor_required > host_minor) {
    return Error(Errc::unsupported, "expected a module for ABI 1." + std::to_string(host_minor) +
                                        " or older, found one that needs 1." +
                                        std::to_string(plugin->abi_minor_required) +
                                        "; use a newer Plakar, or an older version of the package");
  }
  if (plugin->name == nullptr || name != plugin->name) {
    return refuse("the name of its PLK_NOTE, \"" + std::string(name) + "\"", quoted(plugin->name));
  }
  if (plugin->version == nullptr || version != plugin->version) {
    return refuse("the version of its PLK_NOTE, \"" + std::string(version) + "\"",
                  quoted(plugin->version));
  }
  if (plugin->shutdown == nullptr) return refuse("a function shutdown", "none");
  if (plugin->connector_count > connectors_max ||
      (plugin->connector_count != 0 && plugin->connectors == nullptr)) {
    return refuse("at most " + std::to_string(connectors_max) + " connectors",
                  std::to_string(plugin->connector_count));
  }
  std::set<std::string_view> ids;
  for (std::uint32_t i = 0; i < plugin->connector_count; ++i) {
    const plk_connector* connector = plugin->connectors[i];
    if (connector == nullptr || connector->struct_size < sizeof(plk_connector) ||
        connector->id == nullptr) {
      return refuse("a whole plk_connector", "a part of one");
    }
    const std::string who = "of connector " + quoted(connector->id);
    if (!ids.insert(connector->id).second) return refuse("one " + who, "two");
    if (connector->open == nullptr || connector->location == nullptr ||
        connector->ping == nullptr || connector->close == nullptr) {
      return refuse("open, location, ping and close " + who, "not all of them");
    }
    if ((connector->caps & PLK_CAP_INTERRUPT) != 0 && connector->interrupt == nullptr) {
      return refuse("the function interrupt " + who, "the capability alone");
    }
    if (!has_kind(connector->kind, connector->ops)) {
      return refuse("every function that its kind must have, " + who, "not all of them");
    }
  }
  return {};
}

}  // namespace plakar::host
