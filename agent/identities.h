// Who said, at an account that several people use, who he is: what the signed
// list of people lets him prove, the tries that are left, and who is known for
// which login, until his time, his login or his contract ends. In one file that
// only sekishod reads, and durable before anything follows from it: a restart
// gives no try back and no code twice. Loop thread only, but for Check().
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/attribute/attribution.h"
#include "common/clock.h"
#include "common/result.h"
#include "policy/model.h"
#include "policy/people_list.h"

namespace sekisho::agent {

class Identities {
 public:
  static constexpr int kTries = 5;  // wrong ones of a login, within kTriesTime
  // Of one person, whoever types: new logins do not give more.
  static constexpr int kTriesOfPerson = 20;
  static constexpr std::chrono::minutes kTriesTime{15};
  static constexpr size_t kMaxLogins = 256;
  static constexpr size_t kMaxProofBytes = 64;

  using People = std::shared_ptr<const std::vector<policy::ListedPerson>>;

  struct Known {
    std::string person;
    policy::Proof proof = policy::Proof::kPin;
    BootTime end{};  // by policy's `lasts`
    bool operator==(const Known&) const = default;
  };
  // What is to be checked, away from the loop.
  struct Question {
    std::string login;
    int64_t audit_session = -1;
    std::string account;
    std::string person;
    policy::Proof proof = policy::Proof::kPin;
    std::string typed;
    policy::ListedPerson listed;  // empty id: there is nobody of this id
    int64_t now_seconds = 0;
  };
  struct Checked {
    bool right = false;
    int64_t step = 0;  // of the authenticator's code
  };

  // `boot_id` tells a restart of the agent from one of the terminal: no login
  // outlives that. If the file cannot be read nobody is known: problem().
  Identities(const Clock& clock, std::string path, std::string boot_id);

  // As the signed list and the policy in force say, from now on.
  void Use(People people, std::optional<policy::Identify> identify);

  // Whoever is behind `who` says that he is `person`; `typed`: a PIN or a code.
  // The try counts from here on. kFailedPrecondition: nobody is asked there;
  // kInvalidArgument: it is neither; kResourceExhausted: no more tries, says
  // how long. Messages are for people.
  Result<Question> Begin(const attribute::Who& who, const std::string& person,
                         const std::string& typed);
  // Takes its time; any thread.
  static Checked Check(const Question& question);
  // The tries that were left before it are in the message of a failure. On
  // success he is known for that login.
  Result<Known> Finish(const Question& question, const Checked& checked);

  // nullptr: nobody is.
  const Known* Of(const attribute::Who& who) const;
  // For events that name no more than that.
  const Known* OfAuditSession(int64_t audit_session) const;
  // Whether he is asked who he is, and has not said it.
  bool IsAsked(const attribute::Who& who) const;
  // Who counts in sums: a person, or one login of an account that several use.
  std::string CountedAs(const attribute::Who& who) const;
  // Whether his contract is over, as the list says.
  bool IsOver(const std::string& person) const;

  // Forgets those whose time, or login (not among `logins`), or contract is
  // over; true if there were any.
  bool EndDue();
  void EndLogin(const std::string& login);
  bool empty() const { return known_.empty(); }
  std::vector<std::string> logins() const;
  const std::string& problem() const { return problem_; }

  // "session:3" of logind, else "audit:3"; empty: it is no login.
  static std::string LoginOf(const attribute::Who& who);

 private:
  struct Entry {
    int64_t audit_session = -1;
    std::string account;
    BootTime begin{};
    Known known;
  };
  struct Tries {
    int count = 0;
    BootTime begin{};
  };
  Status Load();
  Status LoadLine(const std::vector<std::string_view>& words, bool same_boot);
  Status Write() const;
  bool IsShared(const std::string& account) const;
  bool Holds(const Entry& entry) const;
  void DropOldTries();
  std::optional<BootTime> WaitOf(const std::string& key, int most) const;
  void Count(const std::string& key);
  void Uncount(const std::string& key);
  int64_t NowSeconds() const;

  const Clock& clock_;
  const std::string path_;
  const std::string boot_id_;
  People people_;
  std::optional<policy::Identify> identify_;
  std::map<std::string, Entry> known_;    // by login
  std::map<std::string, Tries> tries_;    // by login, and "person:..."
  std::map<std::string, int64_t> steps_;  // newest code of each person
  std::string problem_;
};

}  // namespace sekisho::agent
