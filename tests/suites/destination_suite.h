// What every Destination does, whatever it writes to. An implementation is tested by a test case
// that calls run_destination_suite() with a function that makes an empty place for one.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/base/unix_time.h"
#include "core/flow/cancel_token.h"
#include "core/kloset/destination.h"

namespace plakar::testing {

struct RestoredEntry {
  kloset::RecordKind kind = kloset::RecordKind::regular;
  std::string content{};  // of a link, its target
  std::uint32_t permissions = 0;
  UnixTime mod_time{};
  std::map<std::string, std::string> attributes{};
};

class DestinationPlace {
 public:
  virtual ~DestinationPlace() = default;

  // Each call makes another Destination for the same place.
  virtual std::unique_ptr<kloset::Destination> open(kloset::Existing existing,
                                                    flow::CancelToken cancel) = 0;
  // What is there, by path, without the root itself.
  virtual std::map<std::string, RestoredEntry> look() = 0;
  // Whether metadata is kept: modes, times, attributes.
  virtual bool keeps_metadata() const { return true; }
};

// Runs each part in a place of its own. Uses doctest's SUBCASE: call it once, last, in a test case.
void run_destination_suite(const std::function<std::unique_ptr<DestinationPlace>()>& make_place);

}  // namespace plakar::testing
