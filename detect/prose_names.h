// The name of a person in a line that holds something else of theirs.
#pragma once

#include <string_view>

namespace sekisho::detect {

// Empty: none. Two parts where a space stands between them.
struct FoundName {
  std::string_view first;
  std::string_view second;
  bool sure = false;  // else it only looks like one: half of it is known
};
// `line` is folded. The likeliest name: one the dictionary knows, before one
// that a word points at (氏名は..., ...様), before one that has a known half.
FoundName FindNameIn(std::string_view line);

}  // namespace sekisho::detect
