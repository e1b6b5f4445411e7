// People who may say at a terminal that they are there. Plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"

namespace sekisho::store {

struct RegisteredPerson {
  std::string id;
  std::string name;
  std::string employer;
  std::string manager;                   // id of another; empty = none
  std::optional<WallTime> contract_end;  // unset: none is known
  std::string accounts;        // sorted, with commas; "*": all; empty: none
  std::string pin_verifier{};  // secret; empty: he has no PIN
  std::string totp_secret{};   // secret, raw bytes; empty: he has none
  std::optional<WallTime> remove_time{};
  bool operator==(const RegisteredPerson&) const = default;
};

// One of these.
struct PeopleChange {
  // The whole register: those who are not in it are removed, and what they
  // prove themselves with is forgotten; the others keep theirs.
  std::optional<std::vector<RegisteredPerson>> all{};
  // Of one person.
  std::string id{};
  std::optional<std::string> pin_verifier{};
  std::optional<std::string> totp_secret{};
  bool remove = false;
};

// `people`: all who are not removed, by id.
using PeopleSealer = std::function<std::string(
    int64_t version, const std::vector<RegisteredPerson>& people)>;

}  // namespace sekisho::store
