#include "core/base/log.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <exception>

#include "core/base/clock.h"
#include "core/base/redactor.h"
#include "core/base/text.h"

namespace plakar::log {
namespace {

std::atomic<const Logger*> installed = nullptr;

void write_if_installed(Level level, std::string_view message, Fields fields) noexcept {
  const Logger* const logger = installed.load(std::memory_order_acquire);
  if (logger != nullptr && logger->is_enabled(level)) logger->write(level, message, fields);
}

Record::OwnedValue redacted(const Redactor& redactor, const Value& value) {
  return std::visit(
      [&](auto plain) -> Record::OwnedValue {
        if constexpr (std::is_same_v<decltype(plain), std::string_view>) {
          return redactor.redact(plain);
        } else {
          return plain;
        }
      },
      value.get());
}

std::string number_text(double value) {
  std::array<char, 32> out;
  const auto end = std::to_chars(out.data(), out.data() + out.size(), value).ptr;
  return {out.data(), end};
}

// Numbers and booleans are written the same in text and in JSON.
std::string plain_text(bool value) { return value ? "true" : "false"; }
std::string plain_text(std::int64_t value) { return std::to_string(value); }
std::string plain_text(std::uint64_t value) { return std::to_string(value); }

struct TextValue {
  std::string operator()(auto value) const { return plain_text(value); }
  std::string operator()(double value) const { return number_text(value); }
  std::string operator()(const std::string& value) const {
    std::string out = escape(value);
    if (!out.empty() && out.find_first_of(" \"=") == std::string::npos) return out;
    for (std::size_t at = out.find('"'); at != std::string::npos; at = out.find('"', at + 2)) {
      out.insert(at, 1, '\\');
    }
    out.insert(0, 1, '"');
    out += '"';
    return out;
  }
};

struct JsonValue {
  std::string operator()(auto value) const { return plain_text(value); }
  std::string operator()(double value) const {
    // JSON has no word for infinities.
    return std::isfinite(value) ? number_text(value) : "null";
  }
  std::string operator()(const std::string& value) const {
    std::string out = escape_json(value);
    out.insert(0, 1, '"');
    out += '"';
    return out;
  }
};

void write_all(int descriptor, std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t done = ::write(descriptor, text.data(), text.size());
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;  // There is nobody left to tell.
    text.remove_prefix(static_cast<std::size_t>(done));
  }
}

}  // namespace

std::string_view name_of(Level level) noexcept {
  switch (level) {
    case Level::error:
      return "error";
    case Level::warn:
      return "warn";
    case Level::info:
      return "info";
    case Level::debug:
      return "debug";
  }
  return {};
}

std::string render_text(const Record& record) {
  std::string out(name_of(record.level));
  out.append(": ").append(escape(record.message));
  for (const auto& [name, value] : record.fields) {
    out.append(" ").append(escape(name)).append("=").append(std::visit(TextValue(), value));
  }
  return out;
}

std::string render_json(const Record& record) {
  std::string out = "{\"time\":\"";
  out += format_rfc3339(to_unix_time(record.time), TimePrecision::nanoseconds);
  out.append("\",\"level\":\"").append(name_of(record.level));
  out.append("\",\"message\":").append(JsonValue()(record.message));
  std::string_view before = ",\"fields\":{";
  for (const auto& [name, value] : record.fields) {
    out.append(before).append(JsonValue()(name)).append(":");
    out += std::visit(JsonValue(), value);
    before = ",";
  }
  if (!record.fields.empty()) out += '}';
  out += '}';
  return out;
}

void DescriptorSink::write(const Record& record) noexcept {
  const bool is_loud = record.level <= Level::warn;
  std::string line = options_.format == Format::text ? render_text(record) : render_json(record);
  line += '\n';
  write_all(is_loud ? options_.loud_descriptor : options_.quiet_descriptor, line);
}

void Logger::write(Level level, std::string_view message, Fields fields) const noexcept {
  Record record{
      .level = level, .time = clock_->wall(), .message = redactor_->redact(message), .fields = {}};
  for (const Field& field : fields) {
    record.fields.emplace_back(redactor_->redact(field.name), redacted(*redactor_, field.value));
  }
  sink_->write(record);
}

Installed::Installed(const Logger& logger) noexcept
    : before_(installed.exchange(&logger, std::memory_order_acq_rel)) {}

Installed::~Installed() { installed.store(before_, std::memory_order_release); }

bool is_enabled(Level level) noexcept {
  const Logger* const logger = installed.load(std::memory_order_acquire);
  return logger != nullptr && logger->is_enabled(level);
}

void error(std::string_view message, Fields fields) noexcept {
  write_if_installed(Level::error, message, fields);
}

void warn(std::string_view message, Fields fields) noexcept {
  write_if_installed(Level::warn, message, fields);
}

void info(std::string_view message, Fields fields) noexcept {
  write_if_installed(Level::info, message, fields);
}

void debug(std::string_view message, Fields fields) noexcept {
  write_if_installed(Level::debug, message, fields);
}

}  // namespace plakar::log
