#include "core/crypto/internal/argon2_fill.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#include "core/crypto/internal/argon2_segment.h"

namespace plakar::crypto::argon2 {

namespace {

// A few hundred microseconds of work.
constexpr std::uint32_t blocks_between_interrupts = 1024;

// How far ahead blocks are fetched whose addresses do not depend on data.
constexpr std::uint32_t fetch_ahead = 2;

// A huge page. What is smaller than some of them comes as fast by itself.
constexpr std::size_t populated_step = std::size_t{2} << 20;
constexpr std::size_t populated_size_min = 8 * populated_step;

// The pseudo-random words of a segment whose addresses do not depend on data
// (RFC 9106, section 3.4.1.2).
class Addresses {
 public:
  Addresses(const Segment& segment, std::uint32_t passes, Compress compress) noexcept
      : compress_(compress) {
    const std::array<std::uint64_t, 6> input{
        segment.pass,  segment.lane,
        segment.slice, std::uint64_t{segment.lanes} * segment.lane_length,
        passes,        type_argon2id};
    for (std::size_t n = 0; n < input.size(); ++n) input_.word(n) = input[n];
  }

  // For the block at `index`, which never decreases from call to call.
  std::uint64_t word(std::uint32_t index) noexcept {
    const std::uint64_t counter = index / block_words + 1;
    if (input_.word(6) != counter) {
      input_.word(6) = counter;
      Lookahead none;
      Block once;
      compress_(zero_, input_, once, Pass::first, none);
      compress_(zero_, once, words_, Pass::first, none);
    }
    return words_.word(index % block_words);
  }

 private:
  Compress compress_;
  Block zero_{};
  Block input_{};
  Block words_;
};

// Signals are for the threads that expect them. While this lives, a new thread inherits a mask
// that lets in only those that a thread raises by a fault of its own: blocked, they would kill
// before a crash handler is asked.
class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t blocked;
    ::sigfillset(&blocked);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
      ::sigdelset(&blocked, own);
    }
    ::pthread_sigmask(SIG_SETMASK, &blocked, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

class Filler {
 public:
  Filler(Block* memory, const Geometry& geometry, Compress compress, const FillOptions& options)
      : memory_(memory), geometry_(geometry), compress_(compress), options_(options) {}

  Status run() {
    for (std::uint32_t pass = 0; pass < geometry_.passes; ++pass) {
      const std::jthread populating = pass == 0 ? start_populating() : std::jthread();
      for (std::uint32_t slice = 0; slice < slices; ++slice) {
        PLK_TRY(fill_slice(pass, slice));
      }
    }
    return {};
  }

 private:
  // Within a slice lanes do not look at each other. Threads that live as long as a slice
  // need no barriers, and whoever is free takes the next lane, so one that cannot be started
  // is not missed.
  Status fill_slice(std::uint32_t pass, std::uint32_t slice) {
    std::atomic<std::uint32_t> next_lane = 0;
    std::atomic<bool> stop = false;
    const auto work = [&](const Interrupt& interrupt) -> Status {
      for (std::uint32_t lane; (lane = next_lane.fetch_add(1)) < geometry_.lanes;) {
        const Segment segment{memory_, geometry_.lanes, geometry_.lane_length, pass, slice, lane};
        PLK_TRY(fill_segment(segment, interrupt, stop));
      }
      return {};
    };
    const std::vector<std::jthread> helpers = start_helpers([&] {
      ::pthread_setname_np(::pthread_self(), "argon2");
      (void)work({});
    });
    return work(options_.interrupt);
  }

  // Makes the system give the memory from its end on, while the first pass comes towards it: pages
  // that a virtual machine never had before may cost more than all passes together, and two
  // threads wait for them half as long. Only where a thread is left for it.
  std::jthread start_populating() const {
    const std::size_t size =
        sizeof(Block) * geometry_.lanes * geometry_.lane_length / populated_step * populated_step;
    if (options_.threads_max <= geometry_.lanes || size < populated_size_min) return {};
    auto* const begin = reinterpret_cast<std::byte*>(memory_);
    const SignalsBlocked blocked;
    try {
      return std::jthread([begin, size](const std::stop_token& stop) {
        ::pthread_setname_np(::pthread_self(), "argon2");
        for (std::size_t end = size; end > 0 && !stop.stop_requested();) {
          end -= populated_step;
          // A kernel that does not know this is no reason to fail: then the fill does it alone.
          if (::madvise(begin + end, populated_step, MADV_POPULATE_WRITE) != 0) return;
        }
      });
    } catch (const std::system_error&) {
      return {};
    }
  }

  template <class Body>
  std::vector<std::jthread> start_helpers(const Body& body) const {
    const SignalsBlocked blocked;
    std::vector<std::jthread> helpers;
    for (unsigned n = 1; n < std::min(options_.threads_max, geometry_.lanes); ++n) {
      try {
        helpers.emplace_back(body);
      } catch (const std::system_error&) {
        break;
      }
    }
    return helpers;
  }

  // Only the calling thread has an interrupt; the others see that it was interrupted.
  Status pause(const Interrupt& interrupt, std::atomic<bool>& stop) {
    if (stop.load(std::memory_order_relaxed)) return Error(Errc::cancelled, "stopped");
    if (!interrupt) return {};
    Status status = interrupt();
    if (!status) stop.store(true, std::memory_order_relaxed);
    return status;
  }

  Status fill_segment(const Segment& segment, const Interrupt& interrupt, std::atomic<bool>& stop) {
    const std::uint32_t first = segment.pass == 0 && segment.slice == 0 ? 2 : 0;
    const std::uint32_t length = segment.length();
    for (std::uint32_t index = first; index < length;) {
      PLK_TRY(pause(interrupt, stop));
      const std::uint32_t end =
          std::min(length, index / blocks_between_interrupts * blocks_between_interrupts +
                               blocks_between_interrupts);
      if (segment.is_independent()) {
        fill_independent(segment, index, end);
      } else {
        fill_dependent(segment, index, end);
      }
      index = end;
    }
    return {};
  }

  // The block before the one at `index`; before the first of a lane stands its last.
  static const Block& previous(const Segment& segment, std::uint32_t index) noexcept {
    const Block* const block = &segment.block(index);
    return block == segment.lane_start(segment.lane) ? block[segment.lane_length - 1] : block[-1];
  }

  void fill_independent(const Segment& segment, std::uint32_t index, std::uint32_t end) noexcept {
    Addresses addresses(segment, geometry_.passes, compress_);
    std::array<const Block*, fetch_ahead> references;
    const auto fetch = [&](std::uint32_t at) {
      const Block& reference = segment.reference(at, addresses.word(at));
      prefetch_to_read(reference);
      references[at % fetch_ahead] = &reference;
    };
    for (std::uint32_t at = index; at < std::min(index + fetch_ahead, end); ++at) fetch(at);
    for (; index < end; ++index) {
      Lookahead none;
      compress_(previous(segment, index), *references[index % fetch_ahead], segment.block(index),
                Pass::first, none);
      if (index + fetch_ahead < end) fetch(index + fetch_ahead);
    }
  }

  void fill_dependent(const Segment& segment, std::uint32_t index, std::uint32_t end) noexcept {
    const Pass pass = segment.pass == 0 ? Pass::first : Pass::later;
    const Block* reference = &segment.reference(index, previous(segment, index).word(0));
    for (; index < end; ++index) {
      Block& out = segment.block(index);
      // The next to be written and, in later passes, to be read before that. Fetching what
      // lies beyond the memory does no harm.
      prefetch_to_write(&out + 1);
      Lookahead lookahead(segment, index + 1);
      compress_(previous(segment, index), *reference, out, pass, lookahead);
      reference = lookahead.next();
    }
  }

  Block* memory_;
  const Geometry& geometry_;
  Compress compress_;
  const FillOptions& options_;
};

}  // namespace

Status fill(Block* memory, const Geometry& geometry, Compress compress,
            const FillOptions& options) {
  return Filler(memory, geometry, compress, options).run();
}

}  // namespace plakar::crypto::argon2
