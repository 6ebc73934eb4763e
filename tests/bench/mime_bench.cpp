// Content type detection, which runs once for every file of a backup. The yardstick is a
// copy of what it looks at.
#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

#include "core/codec/mime.h"

namespace {

using namespace plakar;
using namespace plakar::codec;

std::string prose() {
  std::string text;
  while (text.size() < 4096) {
    text += "The quick brown fox, it is said, jumps over the lazy dog.\n\tAgain and again.\n";
  }
  return text;
}

std::string json() {
  std::string text = "[\n";
  while (text.size() < 4096) text += "  {\"name\": \"value\", \"list\": [1, 2.5, true, null]},\n";
  return text;
}

std::string random_octets() {
  std::string text(4096, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

void detect(benchmark::State& state, const std::string& text) {
  for (auto _ : state) benchmark::DoNotOptimize(detect_mime(as_bytes(text)));
  state.SetItemsProcessed(state.iterations());
}

void copy_window(benchmark::State& state, const std::string& text) {
  char window[mime_window_bytes];
  for (auto _ : state) {
    std::memcpy(window, text.data(), sizeof window);
    benchmark::DoNotOptimize(window);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(detect, mime_prose, prose());
BENCHMARK_CAPTURE(detect, mime_json, json());
BENCHMARK_CAPTURE(detect, mime_binary, random_octets());
BENCHMARK_CAPTURE(copy_window, mime_yardstick, prose());

}  // namespace
