// Fetches a small document over http or https.
//
// Certificates have to verify against the system's authorities; redirects are followed, but never
// from https to http. One connection a call, closed at its end. May be called from any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/flow/cancel_token.h"

namespace plakar::net {

struct HttpGetOptions {
  std::string user_agent = "plakar";
  std::size_t body_bytes_max = std::size_t{4} << 20;
  std::string authorities_file{};  // instead of the system's
};

// The body of a 200 answer. Errc::invalid_argument for what is no http or https URL, and for a
// redirect to one; Errc::not_found and Errc::permission_denied as the server says it;
// Errc::unavailable when the server cannot be reached, verified or understood, when it sends more
// than is wanted, and at the deadline of `cancel`: without one, a server that says nothing is
// waited for for ever. Messages do not name the URL.
Result<std::string> http_get(std::string_view url, const HttpGetOptions& options,
                             const flow::CancelToken& cancel);

}  // namespace plakar::net
