// Keeps secrets out of text that people and log files get to see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/secret.h"

namespace plakar {

// Knows the secret values of this run, and blots them out wherever they turn up in text: as
// they are, and as JSON, URLs (percent-encoded, `+` for a space) and escape() write them, in
// any mixture, and one inside the other. A secret of several lines is also recognised by each line
// that is long enough, since messages quote single lines.
//
// Thread-safe.
class Redactor {
 public:
  // Shorter ones are not looked for: "1" is everywhere, and blotting it out would tell more
  // than it hides. The settings that accept passwords are the place to refuse them.
  static constexpr std::size_t secret_bytes_min = 4;
  static constexpr std::size_t line_bytes_min = 8;
  static constexpr std::string_view replacement = "[redacted]";

  // A value is looked for as long as this exists. Gone before the Redactor is.
  class [[nodiscard]] Registration {
   public:
    Registration() = default;
    Registration(Registration&& other) noexcept;
    Registration& operator=(Registration&& other) noexcept;
    ~Registration();

   private:
    friend class Redactor;
    Registration(Redactor& redactor, std::uint64_t number) noexcept
        : redactor_(&redactor), number_(number) {}

    Redactor* redactor_ = nullptr;
    std::uint64_t number_ = 0;
  };

  Registration add(std::string_view secret);

  // `text` with every secret in it replaced, and the user information in every URL removed.
  std::string redact(std::string_view text) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::vector<Secret>> secrets_;  // Guarded by mutex_, like
  std::uint64_t next_ = 1;                                // this.
};

// "sftp://user:password@host/path" becomes "sftp://host/path", for every URL in `text`. Also
// of those whose password contains what should have been percent-encoded.
std::string strip_user_info(std::string_view text);

}  // namespace plakar
