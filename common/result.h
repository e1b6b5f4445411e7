// Errors are values. Result<T> carries a T or an Error; messages grow outward
// ("mount 'sdb1': open /dev/sdb1: Permission denied"). Nothing here throws.
#pragma once

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace sekisho {

// Named as gRPC's canonical codes, so that they cross the wire unchanged.
enum class Code {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

struct [[nodiscard]] Error {
  Code code = Code::kUnknown;
  std::string message;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

inline std::unexpected<Error> Fail(Code code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// Maps an errno to the nearest code; `what` names the operation and object.
inline Error ErrnoError(std::string_view what, int number = errno) {
  Code code = Code::kUnknown;
  switch (number) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
      code = Code::kNotFound;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Code::kPermissionDenied;
      break;
    case EEXIST:
      code = Code::kAlreadyExists;
      break;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case EDQUOT:
      code = Code::kResourceExhausted;
      break;
    case EINVAL:
      code = Code::kInvalidArgument;
      break;
    case EAGAIN:
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
      code = Code::kUnavailable;
      break;
    case ETIMEDOUT:
      code = Code::kDeadlineExceeded;
      break;
    default:
      break;
  }
  return Error{code, std::string(what) + ": " + std::strerror(number)};
}

inline std::unexpected<Error> FailErrno(std::string_view what,
                                        int number = errno) {
  return std::unexpected(ErrnoError(what, number));
}

// Puts the caller's context in front of an error that came from below.
inline std::unexpected<Error> Wrap(std::string_view context, Error error) {
  error.message = std::string(context) + ": " + error.message;
  return std::unexpected(std::move(error));
}

namespace internal {
[[noreturn]] inline void CheckFailed(const char* file, int line,
                                     const char* what) {
  std::fprintf(stderr, "%s:%d: CHECK failed: %s\n", file, line, what);
  std::abort();
}
}  // namespace internal

}  // namespace sekisho

// For our own bugs, never for input.
#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) {                                                 \
      ::sekisho::internal::CheckFailed(__FILE__, __LINE__, #condition); \
    }                                                                   \
  } while (false)

#define SEKISHO_CONCAT_(a, b) a##b
#define SEKISHO_CONCAT(a, b) SEKISHO_CONCAT_(a, b)

#define RETURN_IF_ERROR(expr)                             \
  do {                                                    \
    if (auto status_ = (expr); !status_) {                \
      return std::unexpected(std::move(status_).error()); \
    }                                                     \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expr) \
  ASSIGN_OR_RETURN_(SEKISHO_CONCAT(result_, __LINE__), declaration, expr)
#define ASSIGN_OR_RETURN_(result, declaration, expr)   \
  auto result = (expr);                                \
  if (!result) {                                       \
    return std::unexpected(std::move(result).error()); \
  }                                                    \
  declaration = std::move(*result)
