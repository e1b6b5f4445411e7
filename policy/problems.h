// Collects what is wrong with one file, in the order it was found, and words
// it the same way everywhere. Used by the readers of this folder only.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/parser.h"

namespace sekisho::policy {

// More than this are counted, not listed.
inline constexpr size_t kMaxProblems = 100;

class Problems {
 public:
  explicit Problems(std::string_view file_name) : file_(file_name) {}

  void Add(int line, int column, std::string message);
  bool empty() const { return list_.empty(); }
  // The list by line and column, with a last entry that counts those left out.
  std::vector<Problem> Take();

 private:
  std::string file_;
  std::vector<Problem> list_;
  size_t left_out_ = 0;
};

// One problem a line, as the message of a kInvalidArgument error.
Error AsError(const std::vector<Problem>& problems);

// "'word'", escaped and cut so that it can stand in a message.
std::string Quoted(std::string_view text);
// "a, b, c"
std::string Joined(std::span<const std::string_view> words);
// " (did you mean 'word'?)" if one of `words` is near, else "".
std::string Suggestion(std::string_view found,
                       std::span<const std::string_view> words);

}  // namespace sekisho::policy
