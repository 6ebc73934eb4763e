#include "sdk/kit/sigv4/sigv4.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

namespace plk::kit {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

using digest = std::array<std::uint8_t, 32>;

std::string to_hex(const digest& bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

digest hmac(octets key, std::string_view text) {
  digest made;
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), made.data(),
           &size) == nullptr) {
    throw failure(PLK_E_INTERNAL, "OpenSSL does not compute HMAC-SHA-256");
  }
  return made;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (char& c : made) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return made;
}

// Without blanks around, and one for several.
std::string squeeze(std::string_view text) {
  std::string made;
  for (const char c : text) {
    if (c != ' ' && c != '\t') {
      made += c;
    } else if (!made.empty() && made.back() != ' ') {
      made += ' ';
    }
  }
  if (!made.empty() && made.back() == ' ') made.pop_back();
  return made;
}

struct moment {
  std::string date;  // 20130524
  std::string time;  // 20130524T000000Z
};

moment format_time(std::chrono::system_clock::time_point now) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &parts);
  const std::string time(text.data(), size);
  return {.date = time.substr(0, 8), .time = time};
}

// Parameters sorted, each with its `=`.
std::string canonical_query(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    const std::string_view one = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    parameters.emplace_back(one.substr(0, equals), one.substr(std::min(equals + 1, one.size())));
  }
  std::sort(parameters.begin(), parameters.end());
  std::string made;
  for (const auto& [name, value] : parameters) {
    if (!made.empty()) made += '&';
    made += name + "=" + value;
  }
  return made;
}

struct canonical_headers {
  std::string text;   // each with a line break behind it
  std::string names;  // joined by `;`
};

canonical_headers canonicalise(const std::vector<http_header>& headers) {
  std::vector<std::pair<std::string, std::string>> sorted;
  for (const http_header& header : headers) {
    sorted.emplace_back(lower(header.name), squeeze(header.value));
  }
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  canonical_headers made;
  for (const auto& [name, value] : sorted) {
    made.text.append(name).append(":").append(value).append("\n");
    if (!made.names.empty()) made.names += ';';
    made.names += name;
  }
  return made;
}

std::string scope_text(const sigv4_scope& scope, const moment& when) {
  return when.date + "/" + scope.region + "/" + scope.service + "/aws4_request";
}

std::string signature(const sigv4_credentials& credentials, const sigv4_scope& scope,
                      const moment& when, const std::string& canonical_request) {
  const std::string to_sign = std::string(algorithm) + "\n" + when.time + "\n" +
                              scope_text(scope, when) + "\n" +
                              sha256_hex(octets(canonical_request));
  std::string secret = "AWS4" + credentials.secret_key;
  digest key = hmac(octets(secret), when.date);
  OPENSSL_cleanse(secret.data(), secret.size());
  for (const std::string_view part :
       {std::string_view(scope.region), std::string_view(scope.service),
        std::string_view("aws4_request")}) {
    key = hmac(octets(key.data(), key.size()), part);
  }
  const digest made = hmac(octets(key.data(), key.size()), to_sign);
  OPENSSL_cleanse(key.data(), key.size());
  return to_hex(made);
}

std::string canonical_request(std::string_view method, std::string_view target,
                              const canonical_headers& headers, std::string_view payload_hash) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string query = canonical_query(target.substr(std::min(mark + 1, target.size())));
  std::string text;
  for (const std::string_view line :
       {method, target.substr(0, mark), std::string_view(query), std::string_view(headers.text),
        std::string_view(headers.names)}) {
    text.append(line).append("\n");
  }
  return text.append(payload_hash);
}

}  // namespace

std::string sha256_hex(octets bytes) {
  digest made;
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), made.data(), &size, EVP_sha256(), nullptr) != 1) {
    throw failure(PLK_E_INTERNAL, "OpenSSL does not compute SHA-256");
  }
  return to_hex(made);
}

void sign(http_request& request, const url& place, const sigv4_credentials& credentials,
          const sigv4_scope& scope, std::string_view payload_hash,
          std::chrono::system_clock::time_point now) {
  const moment when = format_time(now);
  request.headers.push_back({"Host", place.authority()});
  request.headers.push_back({"x-amz-content-sha256", std::string(payload_hash)});
  request.headers.push_back({"x-amz-date", when.time});
  if (!credentials.session_token.empty()) {
    request.headers.push_back({"x-amz-security-token", credentials.session_token});
  }
  const canonical_headers headers = canonicalise(request.headers);
  const std::string signed_request =
      canonical_request(request.method, place.target, headers, payload_hash);
  request.headers.push_back(
      {"Authorization", std::string(algorithm) + " Credential=" + credentials.access_key + "/" +
                            scope_text(scope, when) + ", SignedHeaders=" + headers.names +
                            ", Signature=" + signature(credentials, scope, when, signed_request)});
}

url presign(std::string_view method, const url& place, const sigv4_credentials& credentials,
            const sigv4_scope& scope, std::chrono::seconds valid_for,
            std::chrono::system_clock::time_point now) {
  const moment when = format_time(now);
  url made = place;
  made.target += place.target.find('?') == std::string::npos ? '?' : '&';
  made.target += "X-Amz-Algorithm=" + std::string(algorithm) + "&X-Amz-Credential=" +
                 percent_encode(credentials.access_key + "/" + scope_text(scope, when)) +
                 "&X-Amz-Date=" + when.time + "&X-Amz-Expires=" + std::to_string(valid_for.count());
  if (!credentials.session_token.empty()) {
    made.target += "&X-Amz-Security-Token=" + percent_encode(credentials.session_token);
  }
  made.target += "&X-Amz-SignedHeaders=host";
  const std::string signed_request = canonical_request(
      method, made.target, canonicalise({{"host", place.authority()}}), unsigned_payload);
  made.target += "&X-Amz-Signature=" + signature(credentials, scope, when, signed_request);
  return made;
}

}  // namespace plk::kit
