// Signature Version 4 of AWS: what S3 and its like want to see in every request.
//
//   request.headers.push_back({"x-amz-storage-class", "STANDARD"});
//   sign(request, place, {.access_key = ..., .secret_key = ...}, {"eu-west-3", "s3"},
//        sha256_hex(request.body), std::chrono::system_clock::now());
//
// Everything that is in the request when it is signed is part of the signature: add nothing
// afterwards. `place.target` is escaped already, as percent_encode() does.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "sdk/kit/http/client.h"

namespace plk::kit {

struct sigv4_credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token{};  // of temporary ones
};

struct sigv4_scope {
  std::string region;
  std::string service = "s3";
};

// Instead of the hash of a body that is not known beforehand. Only over TLS.
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

std::string sha256_hex(octets bytes);

// Adds Host, x-amz-date, x-amz-content-sha256, x-amz-security-token and Authorization.
void sign(http_request& request, const url& place, const sigv4_credentials& credentials,
          const sigv4_scope& scope, std::string_view payload_hash,
          std::chrono::system_clock::time_point now);

// The place with a signature in its query: good for `valid_for`, for one method, and for who has
// it.
url presign(std::string_view method, const url& place, const sigv4_credentials& credentials,
            const sigv4_scope& scope, std::chrono::seconds valid_for,
            std::chrono::system_clock::time_point now);

}  // namespace plk::kit
