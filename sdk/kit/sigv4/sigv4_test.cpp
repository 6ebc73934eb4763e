#include "sdk/kit/sigv4/sigv4.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace plk::kit {
namespace {

// The examples of the published description.
const sigv4_credentials example{.access_key = "AKIAIOSFODNN7EXAMPLE",
                                .secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"};
const sigv4_scope scope{.region = "us-east-1"};
const auto day = std::chrono::system_clock::from_time_t(1369353600);  // 2013-05-24

url at(const std::string& target) {
  return url::parse("https://examplebucket.s3.amazonaws.com" + target);
}

std::string authorization(const std::string& method, const std::string& target,
                          std::vector<http_header> headers, octets body = {}) {
  http_request request;
  request.method = method;
  request.headers = std::move(headers);
  sign(request, at(target), example, scope, sha256_hex(body), day);
  REQUIRE(request.headers.back().name == "Authorization");
  return request.headers.back().value;
}

std::string expected(const std::string& names, const std::string& signature) {
  return "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
         "SignedHeaders=" +
         names + ", Signature=" + signature;
}

}  // namespace

TEST_SUITE("sigv4") {
  TEST_CASE("requests have the signatures of the published examples") {
    CHECK(authorization("GET", "/test.txt", {{"Range", "bytes=0-9"}}) ==
          expected("host;range;x-amz-content-sha256;x-amz-date",
                   "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"));
    CHECK(authorization("PUT", "/test%24file.text",
                        {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                         {"X-Amz-Storage-Class", "REDUCED_REDUNDANCY"}},
                        octets("Welcome to Amazon S3.", 21)) ==
          expected("date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                   "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
    CHECK(authorization("GET", "/?lifecycle", {}) ==
          expected("host;x-amz-content-sha256;x-amz-date",
                   "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
    // In any order.
    for (const std::string query : {"/?max-keys=2&prefix=J", "/?prefix=J&max-keys=2"}) {
      CHECK(authorization("GET", query, {}) ==
            expected("host;x-amz-content-sha256;x-amz-date",
                     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
    }
  }

  TEST_CASE("a signature can be in the query") {
    const url signed_place =
        presign("GET", at("/test.txt"), example, scope, std::chrono::seconds(86400), day);
    CHECK(signed_place.target ==
          "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
          "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires="
          "86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
          "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
  }

  TEST_CASE("temporary credentials send their token, and sign it") {
    sigv4_credentials temporary = example;
    temporary.session_token = "token";
    http_request request;
    sign(request, at("/"), temporary, scope, unsigned_payload, day);
    CHECK(request.headers.back().value.find(
              "SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token") !=
          std::string::npos);
    CHECK(std::any_of(request.headers.begin(), request.headers.end(), [](const http_header& one) {
      return one.name == "x-amz-security-token" && one.value == "token";
    }));
  }

  TEST_CASE("blanks in a value count once") {
    CHECK(authorization("GET", "/", {{"X-A", "  a   b "}}) ==
          authorization("GET", "/", {{"X-A", "a b"}}));
    CHECK(authorization("GET", "/", {{"X-A", "a b"}}) !=
          authorization("GET", "/", {{"X-A", "ab"}}));
  }
}

}  // namespace plk::kit
