#include "core/base/system_error.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "core/base/text.h"

namespace plakar {

Errc errc_from_errno(int number) noexcept {
  switch (number) {
    case ENOENT:
    case ENODATA:  // No such extended attribute.
    case ESRCH:
      return Errc::not_found;
    case EEXIST:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Errc::out_of_space;
    case ENOTEMPTY:
    case EBUSY:
    case ETXTBSY:
    case EDEADLK:
    case ENOLCK:
      return Errc::conflict;
    case EINVAL:
    case ENAMETOOLONG:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ERANGE:
    case E2BIG:
    case EILSEQ:
    case ENOEXEC:
    case EMLINK:
      return Errc::invalid_argument;
    case EOPNOTSUPP:  // Also ENOTSUP.
    case ENOSYS:
    case ENOTTY:
    case EXDEV:  // The caller copies instead.
    case ENXIO:
    case ENODEV:
      return Errc::unsupported;
    case EAGAIN:  // Also EWOULDBLOCK.
    case EINTR:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
    case ETIMEDOUT:
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case ESTALE:
      return Errc::unavailable;
    case ECANCELED:
      return Errc::cancelled;
    case EBADF:
    case EFAULT:
      return Errc::internal;
    case EBADMSG:  // A file system's word for a checksum that does not match,
    case EUCLEAN:  // and for a structure that needs cleaning.
      return Errc::corrupt;
    default:
      return Errc::io;
  }
}

Error system_error(int number, std::string_view operation, std::string_view path) {
  std::string message(operation);
  if (!path.empty()) message.append(" ").append(escape(path));
  message.append(": ");
  // strerror() is not safe among threads, and translates.
  if (const char* text = ::strerrordesc_np(number)) {
    message.append(text);
  } else {
    message.append("error ").append(std::to_string(number));
  }
  return Error(errc_from_errno(number), std::move(message));
}

}  // namespace plakar
