#include "core/host/internal/block_writer.h"

#include <algorithm>
#include <array>
#include <utility>

namespace plakar::host {

BlockWriter::BlockWriter(std::shared_ptr<Instance> instance, Functions functions)
    : instance_(std::move(instance)),
      functions_(std::make_shared<const Functions>(std::move(functions))),
      block_(std::make_shared<Bytes>()),
      spare_(std::make_shared<Bytes>()) {}

BlockWriter::~BlockWriter() {
  static_cast<void>(settle());
  if (ended_) return;
  static_cast<void>(instance_->call(functions_->abort_name, CallKind::cleanup,
                                    [functions = functions_](plk_call* call, plk_error*) {
                                      functions->abort(call);
                                      return PLK_OK;
                                    }));
}

Status BlockWriter::check() const {
  if (ended_) return Error(Errc::io, "the content has been committed already");
  if (failed_) return Error(Errc::io, "an earlier part of the content failed");
  return instance_->cancel().check();
}

Status BlockWriter::fail(Status status) {
  if (!status) failed_ = true;
  return status;
}

// Waits for what the module has.
Status BlockWriter::settle() {
  if (pending_ == nullptr) return {};
  const CallOutcome outcome = std::exchange(pending_, nullptr)->wait();
  if (outcome.ok()) return {};
  // The module may have it still.
  if (outcome.status == PLK_E_CRASHED) spare_ = std::make_shared<Bytes>();
  failed_ = true;
  return instance_->error(functions_->write_name, outcome);
}

Status BlockWriter::hand_over() {
  PLK_TRY(settle());
  if (block_->empty()) return {};
  std::swap(block_, spare_);
  block_->clear();
  pending_ =
      instance_->start(functions_->write_name, CallKind::transfer,
                       [functions = functions_, bytes = spare_](plk_call* call, plk_error* err) {
                         return functions->write(call, bytes->data(), bytes->size(), err);
                       });
  return {};
}

Status BlockWriter::write(BytesView bytes) {
  PLK_TRY(check());
  written_ += bytes.size();
  while (!bytes.empty()) {
    if (block_->capacity() < transfer_block_bytes && block_->size() + bytes.size() > 64 * 1024) {
      block_->reserve(transfer_block_bytes);
    }
    const std::size_t size = std::min(bytes.size(), transfer_block_bytes - block_->size());
    append(*block_, bytes.first(size));
    bytes = bytes.subspan(size);
    if (block_->size() == transfer_block_bytes) PLK_TRY(fail(hand_over()));
  }
  return {};
}

Status BlockWriter::write_zeros(std::uint64_t size) {
  PLK_TRY(check());
  // Short runs are cheaper as a part of what is around them.
  if (functions_->zeros && size >= 64 * 1024) {
    PLK_TRY(fail(hand_over()));
    PLK_TRY(settle());
    written_ += size;
    return fail(instance_->attempt("write_zeros", CallKind::transfer,
                                   [functions = functions_, size](plk_call* call, plk_error* err) {
                                     return functions->zeros(call, size, err);
                                   }));
  }
  static constexpr std::array<std::byte, 16 * 1024> zeros{};
  while (size > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(size, zeros.size()));
    PLK_TRY(write(BytesView(zeros).first(part)));
    size -= part;
  }
  return {};
}

Status BlockWriter::commit(Commit commit) {
  PLK_TRY(check());
  PLK_TRY(fail(settle()));
  // The last block and the commit in one go: all that a small file needs.
  auto last = std::exchange(block_, std::make_shared<Bytes>());
  auto wrote = std::make_shared<bool>(false);
  const CallOutcome outcome = instance_->call(
      functions_->commit_name, CallKind::transfer,
      [functions = functions_, last = std::move(last), commit = std::move(commit), wrote](
          plk_call* call, plk_error* err) {
        if (!last->empty()) {
          const plk_status written = functions->write(call, last->data(), last->size(), err);
          if (written != PLK_OK) return written;
        }
        *wrote = true;
        return commit(call, err);
      });
  // Called, it has freed the handle; not called, that is for the destructor to do.
  const bool committed = outcome.status == PLK_E_CRASHED || *wrote;
  ended_ = committed;
  if (!outcome.ok()) {
    failed_ = true;
    return instance_->error(committed ? functions_->commit_name : functions_->write_name, outcome);
  }
  return {};
}

}  // namespace plakar::host
