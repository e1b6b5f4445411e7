// "Did data leave?": the answer to a data owner, with everything that it does
// not know (docs/inquiry.md, docs/adr/0416). It never says "not found" where it
// must say "cannot say": each transfer is held against what is asked, and what
// is unknown about it counts as unknown; each terminal-hour that nothing speaks
// for counts as uncovered.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <vector>

#include "policy/data_sets.h"
#include "server/core/checkpoints.h"
#include "server/core/report_queries.h"
#include "server/store/store.h"

namespace sekisho::core {

enum class Answer { kFound, kNotFound, kCannotSay };
const char* Name(Answer answer);  // "found", "not_found", "cannot_say"

// How a transfer stands to what is asked.
struct Fit {
  enum class Is { kOther, kThis, kUnclear };
  Is is = Is::kOther;
  bool left = false;  // its content, or some of it, reached a medium
  // Why it is unclear: "owner_unknown", "not_inspected", "person_unknown",
  // "device_unknown", "hash_unknown".
  std::vector<std::string> why;
  // People of the owner asked for, estimated; 0: not asked for, or not known.
  int64_t owner_persons = 0;
};
// `owner_sets`: the lists of the owner asked for. A copy of which all of them
// say that it holds none of their people is of somebody else.
Fit FitOf(const store::Event& transfer, const InquiryWish& wish,
          std::span<const policy::DataSet> owner_sets);

// A medium that may have taken files of which there is no transfer event.
bool IsOpenMedium(const store::Event& event);
// Somebody got past the agent, or wrote past the gate.
bool IsBreach(const store::Event& event);

// kInvalidArgument: what is wrong with it.
Status CheckWish(const InquiryWish& wish);

struct InquiryAnswer {
  Answer answer = Answer::kCannotSay;
  std::string document;  // signed note: "sekisho-inquiry-1", canonical JSON
};
inline constexpr const char* kInquiryForm = "sekisho-inquiry-1";
// The last two minutes are not answered for: they are still coming in.
inline constexpr auto kSettleTime = std::chrono::minutes(2);
inline constexpr size_t kMaxListedTransfers = 5'000;
inline constexpr size_t kMaxListedSpans = 100'000;

// Reads whole ranges; seconds for millions of events. `by`: who asks.
Result<InquiryAnswer> AnswerInquiry(store::Store& store,
                                    Checkpoints& checkpoints,
                                    const InquiryWish& wish,
                                    const std::string& by, WallTime now);

}  // namespace sekisho::core
