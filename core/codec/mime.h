// The content type that a file's first octets suggest, for the `content_type` of stored
// objects (kloset-format 13.2).
//
// The answers are meant to equal those of the detector in the reference program, odd ones
// included: a type that differs makes the whole object differ, and the two programs would no
// longer share it in one store. So a rule here changes only when the reference changes, not
// because another answer would be better. Nothing may depend on a type for safety: it is a
// guess about bytes that anybody can write.
//
// Pure functions, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "core/base/bytes.h"

namespace plakar::codec {

// How much of a file the detection looks at. More makes no difference, except that this many
// or more means that the file may go on, which a text cut in the middle is forgiven for.
inline constexpr std::size_t mime_window_bytes = 3072;

// The type of a file that starts with `head`: its first chunk, at least mime_window_bytes of
// it or the whole file. Never empty: "application/octet-stream" is the answer when nothing
// fits, "text/plain" that of the empty file. Text has a parameter where the reference gives
// one ("text/plain; charset=utf-8"). Of HTML and XML its value may be what the text says, any
// octets: check it before it goes into a header or to a terminal.
std::string detect_mime(BytesView head);

// The type by the extension of the last component of `path`, without regard to case, or ""
// when it has none that is known. For file servers and download names. Never for stored
// objects: the reference has a fallback to the extension, too, but its detection always
// answers something. A built-in list, so that it does not differ between machines.
std::string_view mime_by_extension(std::string_view path) noexcept;

}  // namespace plakar::codec
