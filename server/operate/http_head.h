// What of HTTP the metrics port understands: the head of a GET. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::operate {

inline constexpr size_t kMaxHeadBytes = 4096;

// As much as came of a request's head, judged. Status 0: there is more to come;
// 200: it is whole and asks for `path` (without query); else what to refuse it
// with (RFC 9110): 400, 405, 414, 431, 505.
struct HeadVerdict {
  int status = 0;
  std::string path;
};
HeadVerdict JudgeHead(std::string_view bytes);

}  // namespace sekisho::operate
