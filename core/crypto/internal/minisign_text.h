// The lines that all files of minisign are made of: comments and values in base64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace plakar::crypto::minisign_text {

inline constexpr std::string_view untrusted_prefix = "untrusted comment: ";
inline constexpr std::string_view trusted_prefix = "trusted comment: ";

// The limits of the program itself.
inline constexpr std::size_t untrusted_comment_max = 1024;
inline constexpr std::size_t trusted_comment_max = 8192;
// A signature, the longest of the files, stays below.
inline constexpr std::size_t file_size_max = 16 * 1024;

// The two letters at the start of keys and of signatures over the whole message, and of
// signatures over its BLAKE2b digest.
inline constexpr std::string_view letters_plain = "Ed";
inline constexpr std::string_view letters_prehashed = "ED";

// The lines without their ends, which are "\n" or "\r\n"; the last one needs none. Errc::
// invalid_argument unless there are exactly `count`. `what` names the file in errors.
Result<std::vector<std::string_view>> split(std::string_view text, std::size_t count,
                                            std::string_view what);

// What follows `prefix` on a comment line. Errc::invalid_argument if it is not one, is longer
// than `size_max`, or holds a control character other than a tab: it is shown to people.
Result<std::string> comment(std::string_view line, std::string_view prefix, std::size_t size_max);

// Whether `text` may be written as a comment: see above. Errc::invalid_argument if not.
Status check_comment(std::string_view text, std::size_t size_max);

std::string encode(BytesView value);

}  // namespace plakar::crypto::minisign_text
