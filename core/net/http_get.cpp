#include "core/net/http_get.h"

#include <algorithm>
#include <array>
#include <exception>
#include <utility>

#include "core/base/base64.h"
#include "core/base/bytes.h"
#include "sdk/kit/http/client.h"

namespace plakar::net {
namespace {

using plk::kit::url;

constexpr int redirects_max = 5;

Error to_error(const plk::failure& failure) {
  switch (failure.status()) {
    case PLK_E_CANCELLED:
      return Error(Errc::cancelled, failure.what());
    default:
      return Error(Errc::unavailable, failure.what());
  }
}

// As the client waits: for the cancel, and until the deadline.
Result<plk::kit::patience> patience_of(const flow::CancelToken& cancel) {
  auto patience = plk::kit::patience::until_readable(PLK_TRY(cancel.fd()));
  if (cancel.deadline() == MonotonicTime::max()) return patience;
  return patience.at_most(
      std::chrono::duration_cast<std::chrono::milliseconds>(cancel.remaining()));
}

// Where an answer to `from` leads with this Location.
Result<url> follow(const url& from, std::string_view location) {
  const std::string base = (from.tls ? "https://" : "http://") + from.authority();
  std::string text(location);
  if (text.starts_with("//")) {
    text.insert(0, from.tls ? "https:" : "http:");
  } else if (text.starts_with('/')) {
    text.insert(0, base);
  } else if (text.find("://") == std::string::npos) {
    const std::string_view path = std::string_view(from.target).substr(0, from.target.find('?'));
    text.insert(0, base + std::string(path.substr(0, path.rfind('/') + 1)));
  }
  url to;
  try {
    to = url::parse(text);
  } catch (const plk::failure& failure) {
    return Error(Errc::invalid_argument,
                 std::string("the redirect of the server: ") + failure.what());
  }
  if (from.tls && !to.tls) {
    return Error(Errc::invalid_argument, "the server redirects from https to http");
  }
  const bool same_host = to.host == from.host && to.port == from.port;
  if (to.user_info.empty() && same_host) to.user_info = from.user_info;
  return to;
}

Error refusal(int status, const std::string& reason) {
  std::string message = std::to_string(status);
  if (!reason.empty()) message.append(" ").append(reason);
  switch (status) {
    case 404:
    case 410:
      return Error(Errc::not_found, message);
    case 401:
    case 403:
      return Error(Errc::permission_denied, message);
    default:
      return Error(Errc::unavailable, message);
  }
}

Result<std::string> get(url place, const HttpGetOptions& options,
                        const plk::kit::patience& patience) {
  plk::kit::http_client client({.user_agent = options.user_agent,
                                .tls = {.ca_file = options.authorities_file,
                                        .only_these = !options.authorities_file.empty()},
                                .proxy = plk::kit::proxy_settings::from_environment()});
  for (int redirects = 0;; ++redirects) {
    plk::kit::http_request request;
    request.headers.push_back({"Accept", "*/*"});
    if (!place.user_info.empty()) {
      const std::string user = plk::kit::percent_decode(place.user_info);
      request.headers.push_back({"Authorization", "Basic " + to_base64(as_bytes(user))});
    }
    auto answer = client.send(place, request, patience);
    if (answer.status() == 200) return answer.read_text(options.body_bytes_max, patience);
    constexpr std::array redirecting{301, 302, 303, 307, 308};
    const bool is_redirect =
        std::find(redirecting.begin(), redirecting.end(), answer.status()) != redirecting.end();
    const std::string* const location = answer.find_header("location");
    if (!is_redirect || location == nullptr || location->empty()) {
      return refusal(answer.status(), answer.reason());
    }
    if (redirects == redirects_max) return Error(Errc::unavailable, "too many redirects");
    place = PLK_TRY(follow(place, *location));
  }
}

}  // namespace

Result<std::string> http_get(std::string_view text, const HttpGetOptions& options,
                             const flow::CancelToken& cancel) {
  PLK_TRY(cancel.check());
  const plk::kit::patience patience = PLK_TRY(patience_of(cancel));
  url place;
  try {
    place = url::parse(text);
  } catch (const plk::failure&) {
    return Error(Errc::invalid_argument, "not an http or https URL");
  }
  try {
    return get(std::move(place), options, patience);
  } catch (const plk::failure& failure) {
    PLK_TRY(cancel.check());
    return to_error(failure);
  } catch (const std::exception& error) {
    return Error(Errc::internal, error.what());
  }
}

}  // namespace plakar::net
