#include "core/crypto/internal/argon2_compress.h"

#include "core/base/assert.h"

namespace plakar::crypto::argon2 {

std::string_view name(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return "portable";
    case Isa::avx2:
      return "AVX2";
    case Isa::avx512:
      return "AVX-512";
  }
  return "";
}

#if defined(__x86_64__)

bool runs_here(Isa isa) noexcept {
  switch (isa) {
    case Isa::portable:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") != 0;
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") != 0;
  }
  return false;
}

bool runs_well(Isa isa) noexcept {
  // VBMI2 came with Ice Lake and Zen 4, which no longer do that.
  return isa != Isa::avx512 || __builtin_cpu_supports("avx512vbmi2") != 0;
}

Compress compress_function(Isa isa) noexcept {
  PLK_ASSERT(runs_here(isa));
  switch (isa) {
    case Isa::portable:
      break;
    case Isa::avx2:
      return compress_avx2;
    case Isa::avx512:
      return compress_avx512;
  }
  return compress_portable;
}

#else

bool runs_here(Isa isa) noexcept { return isa == Isa::portable; }

bool runs_well(Isa) noexcept { return true; }

Compress compress_function(Isa isa) noexcept {
  PLK_ASSERT(runs_here(isa));
  return compress_portable;
}

#endif

}  // namespace plakar::crypto::argon2
