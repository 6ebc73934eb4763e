#include "core/base/system_error.h"

#include <doctest/doctest.h>

#include <cerrno>

namespace plakar {

TEST_SUITE("system error") {
  TEST_CASE("every cause has the code that its remedy asks for") {
    const std::pair<int, Errc> expected[] = {
        {ENOENT, Errc::not_found},
        {ENODATA, Errc::not_found},
        {EEXIST, Errc::already_exists},
        {EACCES, Errc::permission_denied},
        {EPERM, Errc::permission_denied},
        {EROFS, Errc::permission_denied},
        {ENOSPC, Errc::out_of_space},
        {EDQUOT, Errc::out_of_space},
        {EFBIG, Errc::out_of_space},
        {ENOTEMPTY, Errc::conflict},
        {EBUSY, Errc::conflict},
        {EINVAL, Errc::invalid_argument},
        {ENAMETOOLONG, Errc::invalid_argument},
        {ENOTDIR, Errc::invalid_argument},
        {ELOOP, Errc::invalid_argument},
        {EXDEV, Errc::unsupported},
        {EOPNOTSUPP, Errc::unsupported},
        {ENOTSUP, Errc::unsupported},
        {ENOSYS, Errc::unsupported},
        {EAGAIN, Errc::unavailable},
        {EWOULDBLOCK, Errc::unavailable},
        {EMFILE, Errc::unavailable},
        {ENOMEM, Errc::unavailable},
        {ETIMEDOUT, Errc::unavailable},
        {ECONNREFUSED, Errc::unavailable},
        {EINTR, Errc::unavailable},
        {ECANCELED, Errc::cancelled},
        {EBADMSG, Errc::corrupt},
        {EUCLEAN, Errc::corrupt},
        {EBADF, Errc::internal},
        {EIO, Errc::io},
        {EPIPE, Errc::io},
    };
    for (const auto& [number, code] : expected) {
      CAPTURE(number);
      CHECK(errc_from_errno(number) == code);
    }
  }

  TEST_CASE("the message names operation, path and cause") {
    CHECK(system_error(ENOSPC, "write", "a\tb").message() ==
          "write a\\tb: No space left on device");
    CHECK(system_error(EIO, "sync").message() == "sync: Input/output error");
    CHECK(system_error(54321, "sync").message() == "sync: error 54321");
  }
}

}  // namespace plakar
