// Inside the gate an error is the errno that the program on the other side of
// the mount will see, so ErrnoOr<T> stands where Result<T> stands elsewhere.
#pragma once

#include <cerrno>
#include <expected>

namespace sekisho::gate {

template <typename T>
using ErrnoOr = std::expected<T, int>;
using ErrnoStatus = ErrnoOr<void>;

inline std::unexpected<int> Errno(int number = errno) {
  return std::unexpected(number);
}

}  // namespace sekisho::gate

#define RETURN_IF_ERRNO(expr)                  \
  do {                                         \
    if (auto status_ = (expr); !status_) {     \
      return std::unexpected(status_.error()); \
    }                                          \
  } while (false)
