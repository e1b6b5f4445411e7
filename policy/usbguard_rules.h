// The grammar of USBGuard's rules.conf: text to a list of rules, without any
// meaning.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/problems.h"

namespace sekisho::policy {

enum class UsbguardOperator {
  kAllOf,
  kOneOf,
  kNoneOf,
  kEquals,
  kEqualsOrdered,
  kMatchAll,
};

struct UsbguardAttribute {
  std::string name;  // "id", "serial", "with-interface", ..., "if"
  UsbguardOperator op = UsbguardOperator::kEquals;
  // Unescaped; a condition as "localtime(08:00-17:00)", with '!' before it if
  // it is negated.
  std::vector<std::string> values;
  int column = 0;
};

struct UsbguardRule {
  std::string target;  // "allow", "block", "reject"
  std::vector<UsbguardAttribute> attributes;
  int line = 0;
};

inline constexpr size_t kMaxUsbguardValues = 1000;

std::vector<UsbguardRule> ReadUsbguardRules(std::string_view text,
                                            Problems& problems);

}  // namespace sekisho::policy
