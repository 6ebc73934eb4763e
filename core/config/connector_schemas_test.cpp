// The schemas of the connectors that we ship, as test data until their packages carry them:
// each key, default, pattern and rule of their configuration tables.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "core/config/schema.h"

namespace plakar::config {
namespace {

Schema load(const std::string& name) {
  std::ifstream file(std::filesystem::path(PLK_CONFIG_SCHEMAS) / (name + ".json"));
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const auto json = codec::parse_json(text);
  if (!json) FAIL(name << ": " << json.error().message());
  auto schema = Schema::compile(*json);
  if (!schema) FAIL(name << ": " << schema.error().message());
  return *std::move(schema);
}

// The error messages for some options, one a line; empty when they are right.
std::string check(const std::string& name, const Options& options) {
  std::string all;
  for (const FieldError& error : load(name).prepare(options).errors) {
    if (!all.empty()) all += '\n';
    all += error.message;
  }
  return all;
}

std::string value(const std::string& name, const Options& options, const char* key) {
  const auto prepared = load(name).prepare(options);
  CHECK(prepared.errors.empty());
  const codec::Json* found = prepared.value.find(key);
  return found == nullptr ? "(missing)" : codec::to_json(*found);
}

Options with(Options options, std::initializer_list<Option> more) {
  for (const Option& option : more) set_option(options, option.key, option.value);
  return options;
}

const Options s3 = {
    {"location", "s3://s3.example.com/bucket"}, {"access_key", "AK"}, {"secret_access_key", "SK"}};
const Options sftp = {{"location", "sftp://host/path"}};
const Options postgres = {{"location", "postgres://user@host/db"}};
const std::string uuid = "11111111-2222-3333-4444-555555555555";
const Options instance = {{"location", "scaleway-instance://fr-par-1/" + uuid},
                          {"access_key", "SCWXXXXXXXXXXXXXXXXX"},
                          {"secret_key", uuid},
                          {"bucket", "staging"}};

}  // namespace

TEST_SUITE("connector schemas") {
  TEST_CASE("every shipped schema compiles, is closed, and describes all its fields in order") {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(PLK_CONFIG_SCHEMAS)) {
      CAPTURE(entry.path().string());
      const std::string name = entry.path().stem();
      const Schema schema = load(name);
      ++count;
      const auto unknown = schema.validate(codec::Json::object({{"no such key", 1}}));
      CHECK(std::ranges::any_of(unknown, [](const FieldError& error) {
        return error.pointer == "/no such key" && error.keyword == "additionalProperties";
      }));
      for (const char* secret :
           {"secret_access_key", "password", "secret_key", "ssh_private_key", "ssl_key_data"}) {
        std::ifstream file(entry.path());
        const std::string text((std::istreambuf_iterator<char>(file)), {});
        if (text.find('"' + std::string(secret) + "\":") == std::string::npos) continue;
        CAPTURE(secret);
        CHECK(schema.is_secret(secret));
      }
    }
    CHECK(count == 14);
  }

  TEST_CASE("s3") {
    for (const char* kind : {"s3-importer", "s3-exporter", "s3-store"}) {
      CAPTURE(kind);
      CHECK(check(kind, s3) == "");
      CHECK(check(kind, {}) ==
            "location: is required\naccess_key: is required\nsecret_access_key: is required");
      CHECK(value(kind, s3, "use_tls") == "true");
      CHECK(value(kind, s3, "root") == "\"/\"");
      CHECK(value(kind, s3, "tls_insecure_no_verify") == "false");
      CHECK(value(kind, with(s3, {{"port", "9000"}}), "port") == "9000");
      CHECK(check(kind, with(s3, {{"port", "0"}})) == "port: must be at least 1");
      CHECK(check(kind, with(s3, {{"root", "x"}})) == "root: must match ^/");
      CHECK(check(kind, with(s3, {{"location", "s3://bucket"}})) ==
            "location: must match ^s3://[^/]+/[^/], for example s3://s3.example.com/bucket");
      CHECK(check(kind, with(s3, {{"location", "s3://b.h"},
                                  {"virtual_host", "true"},
                                  {"endpoint", "h"}})) == "");
      CHECK(check(kind, with(s3, {{"location", "s3://b.h"}, {"virtual_host", "true"}})) ==
            "endpoint: is required");
      CHECK(check(kind, with(s3, {{"sse_customer_key", ""}})) == "");
      CHECK(check(kind, with(s3, {{"sse_customer_key", "short"}}))
                .starts_with("sse_customer_key: must match"));
      CHECK(check(kind, with(s3, {{"sse_customer_key",
                                   "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}})) == "");
      CHECK(check(kind, with(s3, {{"use_tls", "maybe"}})) == "use_tls: must be true or false");
    }
    const Options aliased = {{"location", "s3://h/b"}, {"access_key", "a"}, {"secret_key", "s"}};
    CHECK(value("s3-store", aliased, "secret_access_key") == "\"s\"");
    CHECK(value("s3-store", with(s3, {{"storage_class", "glacier_ir"}}), "storage_class") ==
          "\"GLACIER_IR\"");
    CHECK(value("s3-store", s3, "storage_class") == "\"STANDARD\"");
    CHECK(check("s3-store", with(s3, {{"storage_class", "COLD"}}))
              .starts_with("storage_class: must be one of STANDARD, "));
    CHECK(check("s3-importer", with(s3, {{"storage_class", "GLACIER"}}))
              .starts_with("storage_class: is not known"));
    CHECK(check("s3-store", with(s3, {{"acess_key", "x"}})) ==
          "acess_key: is not known, did you mean access_key?");
  }

  TEST_CASE("sftp") {
    for (const char* kind : {"sftp-importer", "sftp-exporter", "sftp-store"}) {
      CAPTURE(kind);
      CHECK(check(kind, sftp) == "");
      CHECK(value(kind, sftp, "port") == "22");
      CHECK(value(kind, sftp, "ssh_private_key_ttl") == "\"5s\"");
      CHECK(check(kind, with(sftp, {{"username", "u"}})) == "");
      CHECK(check(kind, {{"location", "sftp://u@host/"}, {"username", "u"}}) ==
            "the user is named twice, by username and in the location");
      CHECK(check(kind, with(sftp, {{"ssh_private_key_ttl", "1m30s"}})) == "");
      CHECK(check(kind, with(sftp, {{"ssh_private_key_ttl", "soon"}}))
                .starts_with("ssh_private_key_ttl: must match"));
      CHECK(check(kind, with(sftp, {{"identity", "/k"}, {"ssh_private_key", "-----"}})) ==
            "ssh_private_key: cannot be given together with identity");
      CHECK(check(kind, with(sftp, {{"ssh_mode", "native"}})) ==
            "one of these is required: ssh_private_key, or ssh_auth_sock");
      CHECK(check(kind, with(sftp, {{"host_key_policy", "accept-new"}})) == "");
    }
    CHECK(value("sftp-exporter", sftp, "set_owner") == "false");
    CHECK(value("sftp-store", sftp, "set_owner") == "(missing)");
  }

  TEST_CASE("postgresql") {
    CHECK(check("postgres-importer", {}) == "");
    for (const char* kind : {"postgres-importer", "postgres-exporter"}) {
      CAPTURE(kind);
      CHECK(check(kind, postgres) == "");
      CHECK(value(kind, postgres, "port") == "\"5432\"");
      CHECK(value(kind, with(postgres, {{"port", "5433"}}), "port") == "\"5433\"");
      CHECK(codec::to_json(
                *load(kind).prepare(codec::Json::object({{"port", 5433}})).value.find("port")) ==
            "\"5433\"");
      CHECK(value(kind, postgres, "ssl_mode") == "\"prefer\"");
      CHECK(check(kind, with(postgres, {{"ssl_key", "/k"}, {"ssl_key_data", "PEM"}})) ==
            "ssl_key_data: cannot be given together with ssl_key");
      CHECK(check(kind, with(postgres, {{"schema_only", "true"}, {"data_only", "1"}})) ==
            "schema_only and data_only exclude each other");
      CHECK(check(kind, with(postgres, {{"schema_only", "true"}, {"data_only", "0"}})) == "");
      CHECK(check(kind, with(postgres, {{"location", "mysql://h"}})).starts_with("location: "));
    }
    CHECK(value("postgres-importer", with(postgres, {{"exclude_databases", "a, b"}}),
                "exclude_databases") == R"(["a","b"])");
    CHECK(value("postgres-aws-importer", {{"username", "u"}, {"region", "eu-west-1"}},
                "exclude_databases") == R"(["rdsadmin"])");
    CHECK(check("postgres-aws-importer", {{"password", "x"}})
              .starts_with("username: is required\nregion: is required\npassword: is not known"));
    CHECK(check("postgres-exporter", {{"clean", "true"}, {"recreate", "true"}}) ==
          "clean and recreate exclude each other");
    CHECK(check("postgres-bin-importer", {{"location", "postgres+bin://h:5432/"}}) == "");
    CHECK(check("postgres-bin-importer", {{"location", "postgres+bin://h/db"}})
              .starts_with("location: must match"));
  }

  TEST_CASE("scaleway") {
    for (const char* kind : {"scaleway-instance-importer", "scaleway-instance-exporter"}) {
      CAPTURE(kind);
      CHECK(check(kind, instance) == "");
      CHECK(value(kind, instance, "bucket_prefix") == "\"plakar-staging/\"");
      CHECK(value(kind, instance, "poll_interval") == "\"5s\"");
      CHECK(value(kind, instance, "task_timeout") == "\"12h\"");
      CHECK(value(kind, instance, "api_url") == "\"https://api.scaleway.com\"");
      CHECK(check(kind, with(instance, {{"zone", "fr-par"}})).starts_with("zone: must be one of"));
      CHECK(check(kind, with(instance, {{"location", "scaleway-instance://" + uuid}})) == "");
      CHECK(check(kind, with(instance, {{"api_url", "api"}})) == "api_url: must be a URI");
    }
    CHECK(value("scaleway-instance-importer", instance, "consistency") == "\"crash\"");
    CHECK(value("scaleway-instance-exporter", instance, "power_on") == "false");
    CHECK(check("scaleway-block-importer",
                with(instance, {{"location", "scaleway-block://fr-par-1/" + uuid}})) == "");
    const Options secret = {{"location", "scaleway-secrets://fr-par/"},
                            {"access_key", "SCWXXXXXXXXXXXXXXXXX"},
                            {"secret_access_key", uuid},
                            {"region", "fr-par"}};
    CHECK(value("scaleway-secret-importer", secret, "secret_key") == '"' + uuid + '"');
    CHECK(value("scaleway-secret-importer", secret, "skip_ephemeral") == "true");
    CHECK(check("scaleway-secret-importer", with(secret, {{"secret_access_key", "wrong"}})) ==
          "secret_key: must be a UUID");
  }
}

}  // namespace plakar::config
