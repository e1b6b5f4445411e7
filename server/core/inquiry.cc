#include "server/core/inquiry.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "common/text.h"
#include "server/core/coverage.h"
#include "server/core/data_sets.h"
#include "server/core/event_words.h"

namespace sekisho::core {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kMaxWishBytes = 256;
constexpr size_t kMaxReasonBytes = 500;
constexpr size_t kHashDigits = 64;
// A medium that stayed plugged for longer was told of again by then.
constexpr auto kPluggedFor = std::chrono::days(62);
constexpr int kMassStorage = 8;
constexpr int kStillImage = 6;  // MTP and PTP hand out files

struct Word {
  const char* id;
  const char* text;
};

// Each of them alone makes "not found" impossible.
constexpr Word kCauses[] = {
    {"uncovered",
     "Hours in which terminals were not covered: nothing is known of copies "
     "then. They are listed under coverage.spans."},
    {"no_register",
     "No register of terminals was ever imported: terminals without an agent "
     "are not known."},
    {"no_terminals", "No terminal was in service in that time."},
    {"not_over",
     "Part of the time asked for is not over, or ended less than "
     "two minutes ago."},
    {"owner_unknown",
     "Copies with people's data that reached a medium and of which no list of "
     "the owner's people says that they are of others: they may be of this "
     "owner. They are listed under unclear."},
    {"person_unknown",
     "Copies that reached a medium and of which nobody knows who made them. "
     "They are listed under unclear."},
    {"device_unknown",
     "Copies that reached a medium that is not known. They are listed under "
     "unclear."},
    {"hash_unknown",
     "Copies that reached a medium and have no hash of their whole content. "
     "They are listed under unclear."},
    {"not_inspected",
     "Copies that reached a medium and were not looked into whole: encrypted, "
     "damaged, unknown or too large. They are listed under unclear."},
    {"open_media",
     "Media that policy opened without looking into files: copies to them "
     "leave no event."},
    {"breach",
     "Events that tell of a write past the gate, or of an attempt against the "
     "agent that was not refused."},
    {"chain_broken",
     "Events of terminals were refused because their chain was broken, forked "
     "or rolled back."},
    {"events_outstanding", "Terminals have events that did not arrive yet."},
    {"not_indexed", "Events that arrived are not searchable yet."},
};

constexpr Word kLimits[] = {
    {"removable_media_only",
     "Only copies to removable media of these terminals are answered for: not "
     "networks, printers, screens, or machines outside of the register."},
    {"off_is_not_proof",
     "Hours switched off count neither as covered nor as uncovered: the "
     "agent's last event was a goodbye and its next one came from another "
     "boot. What another system did on the machine meanwhile is not known."},
    {"proven_by_chain",
     "Hours covered without a connection are proven by the terminal's signed "
     "chain: the same boot went on, and no event speaks against it."},
    {"people_are_estimates",
     "Numbers of people are estimates within 2 % above 4,096, and are added "
     "up without joining files."},
    {"hash_is_of_bytes",
     "A file hash finds the same bytes only: not the same data in another "
     "file."},
    {"owner_by_lists",
     "An owner is known by the lists of people registered for him, named "
     "under data_sets: people who were never on them are not found, and a copy "
     "counts as his from a tenth of its people on, or a hundredth of the "
     "list."},
    {"persons_are_accounts",
     "A person is the login that the terminal saw, or who he proved to be at "
     "an account that several share. Others who share one are not told "
     "apart."},
    {"terminal_clocks",
     "Times of copies are by the clock of the terminal; a copy counts if it "
     "happened or arrived in the time asked for."},
};

const char* TextOf(std::string_view id) {
  for (const Word& word : kCauses) {
    if (id == word.id) return word.text;
  }
  return "";
}

bool IsUnknown(const std::string& person) {
  return person.empty() || person == "unknown";
}

int64_t SecondsOf(WallTime time) {
  return std::chrono::floor<seconds>(time).time_since_epoch().count();
}
std::string Utc(int64_t time) { return FormatUtc(WallTime(seconds(time))); }

WallTime OccurTime(const event::v1::PublicPart& part) {
  return WallTime(seconds(
      std::clamp<int64_t>(part.occur_time().seconds(), 0, int64_t{1} << 33)));
}

class Inquirer {
 public:
  Inquirer(store::Store& store, const InquiryWish& wish, WallTime now)
      : store_(store), wish_(wish), to_(std::min(wish.to, now - kSettleTime)) {}

  Status Read(const merkle::Head& log) {
    log_ = log;
    if (to_ < wish_.to) Count("not_over");
    RETURN_IF_ERROR(ReadOwnerSets());
    RETURN_IF_ERROR(ReadCovers());
    RETURN_IF_ERROR(ReadEvents());
    RETURN_IF_ERROR(ReadOpenBefore());
    RETURN_IF_ERROR(ReadDoubts());
    return AddProofs();
  }

  Answer answer() const {
    if (found_ > 0) return Answer::kFound;
    return causes_.empty() ? Answer::kNotFound : Answer::kCannotSay;
  }
  json Document(const std::string& checkpoint, const std::string& by,
                WallTime now) const;

 private:
  void Count(const std::string& cause, int64_t by = 1) { causes_[cause] += by; }

  Status ReadOwnerSets();
  Status ReadCovers();
  Status ReadEvents();
  Status ReadOpenBefore();
  Status ReadDoubts();
  Status AddProofs();
  void TakeTransfer(const store::Event& event);
  void TakeCover(const TerminalCover& cover);
  json Row(const store::Event& event) const;

  store::Store& store_;
  const InquiryWish& wish_;
  const WallTime to_;  // end of what is answered for
  std::vector<policy::DataSet> owner_sets_;
  merkle::Head log_;

  std::map<std::string, int64_t> causes_;
  int64_t terminals_ = 0, unregistered_ = 0;
  std::map<std::string, int64_t> by_state_;  // seconds
  json spans_ = json::array();
  int64_t spans_cut_ = 0;
  int64_t found_ = 0, found_persons_ = 0, owners_named_ = 0, transfers_ = 0;
  struct List {
    json rows = json::array();
    std::vector<int64_t> leaves;
    int64_t cut = 0;
    void Add(json row, int64_t leaf) {
      if (rows.size() == kMaxListedTransfers) {
        ++cut;
        return;
      }
      rows.push_back(std::move(row));
      leaves.push_back(leaf);
    }
  };
  List found_rows_, stopped_rows_, unclear_rows_;
};

void Inquirer::TakeCover(const TerminalCover& cover) {
  bool counted = false;
  for (const CoverPart& part : cover.parts) {
    // Whole seconds by the same rule at both ends: nothing is lost or twice.
    const int64_t from = SecondsOf(part.from);
    const int64_t to = SecondsOf(part.to);
    if (from == to) continue;
    if (!counted) {
      counted = true;
      ++terminals_;
      unregistered_ += cover.registered ? 0 : 1;
    }
    by_state_[store::Name(part.state)] += to - from;
    if (!IsUncovered(part.state)) continue;
    Count("uncovered", to - from);
    if (spans_.size() == kMaxListedSpans) {
      ++spans_cut_;
      continue;
    }
    spans_.push_back({{"terminal", EscapeUntrusted(cover.terminal, 253)},
                      {"site", cover.site},
                      {"state", store::Name(part.state)},
                      {"from", Utc(from)},
                      {"to", Utc(to)},
                      {"seconds", to - from}});
  }
}

Status Inquirer::ReadOwnerSets() {
  if (wish_.owner.empty()) return {};
  ASSIGN_OR_RETURN(owner_sets_, DataSetsOf(store_));
  std::erase_if(owner_sets_, [&](const policy::DataSet& set) {
    return set.facts().owner != wish_.owner;
  });
  return {};
}

Status Inquirer::ReadCovers() {
  if (wish_.from < to_) {
    RETURN_IF_ERROR(ReadTerminals(store_, wish_.from, to_, {},
                                  [&](const TerminalCover& cover) -> Status {
                                    TakeCover(cover);
                                    return {};
                                  }));
  }
  if (terminals_ == 0) Count("no_terminals");
  ASSIGN_OR_RETURN(const int64_t version, store_.RegisterVersion());
  if (version == 0) Count("no_register");
  return {};
}

json Inquirer::Row(const store::Event& event) const {
  const auto& open = event.public_part;
  return {
      {"leaf", event.row_id - 1},
      {"hash", event.hash_hex},
      {"time", Utc(SecondsOf(OccurTime(open)))},
      {"receive_time", Utc(SecondsOf(event.receive_time))},
      {"terminal", EscapeUntrusted(event.terminal, 253)},
      {"person", EscapeUntrusted(PersonIn(event.personal_part), 256)},
      {"device", EscapeUntrusted(event.device_id, 512)},
      {"file", EscapeUntrusted(event.personal_part.file_path(), 1024)},
      {"file_hash", ToHex(AsBytes(open.file_hash()))},
      {"owner", EscapeUntrusted(open.data_owner(), 256)},
      {"persons", open.person_count()},
      {"persons_written", open.persons_written_count()},
      {"verdict", store::IsRefusal(open.outcome())
                      ? (open.observe_only() ? "would_block" : "block")
                      : "allow"},
      {"inspection",
       open.inspection() == event::v1::INSPECTION_FULL ? "full" : "not_full"}};
}

void Inquirer::TakeTransfer(const store::Event& event) {
  ++transfers_;
  if (!event.public_part.data_owner().empty()) ++owners_named_;
  const Fit fit = FitOf(event, wish_, owner_sets_);
  if (fit.is == Fit::Is::kOther) return;
  json row = Row(event);
  row["owner_persons"] = fit.owner_persons;
  if (fit.is == Fit::Is::kThis) {
    if (fit.left) {
      ++found_;
      found_persons_ += fit.owner_persons > 0
                            ? fit.owner_persons
                            : event.public_part.person_count();
    }
    (fit.left ? found_rows_ : stopped_rows_)
        .Add(std::move(row), event.row_id - 1);
    return;
  }
  if (!fit.left) return;
  row["why"] = fit.why;
  for (const std::string& why : fit.why) Count(why);
  unclear_rows_.Add(std::move(row), event.row_id - 1);
}

// A clock may lie, but what it says and when it came cannot both be outside of
// the time for a copy that a connected terminal made in it.
Status Inquirer::ReadEvents() {
  store::EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_TRANSFER, event::v1::EVENT_KIND_TAMPER,
                  event::v1::EVENT_KIND_DEVICE_PLUGGED,
                  event::v1::EVENT_KIND_DEVICE_DECIDED,
                  event::v1::EVENT_KIND_MEDIUM_MOUNTED};
  filter.from = wish_.from;
  return store_.ScanEvents(filter, [&](const store::Event& event) -> Status {
    if (event.row_id > log_.size) return {};
    const WallTime occur = OccurTime(event.public_part);
    const bool inside =
        (occur >= wish_.from && occur < to_) || event.receive_time < to_;
    if (!inside) return {};
    if (event.public_part.kind() == event::v1::EVENT_KIND_TRANSFER) {
      TakeTransfer(event);
    } else if (IsBreach(event)) {
      Count("breach");
    } else if (IsOpenMedium(event)) {
      Count("open_media");
    }
    return {};
  });
}

// Media that policy opened before the time began and that were not taken away
// since.
Status Inquirer::ReadOpenBefore() {
  store::EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_DEVICE_PLUGGED,
                  event::v1::EVENT_KIND_DEVICE_REMOVED,
                  event::v1::EVENT_KIND_DEVICE_DECIDED,
                  event::v1::EVENT_KIND_MEDIUM_MOUNTED,
                  event::v1::EVENT_KIND_MEDIUM_UNMOUNTED};
  filter.from = wish_.from - kPluggedFor;
  filter.to = wish_.from;
  std::set<std::pair<std::string, std::string>> open;
  RETURN_IF_ERROR(
      store_.ScanEvents(filter, [&](const store::Event& event) -> Status {
        const std::pair place(event.agent_id, event.device_id);
        if (IsOpenMedium(event)) {
          open.insert(place);
        } else {
          open.erase(place);
        }
        return {};
      }));
  if (!open.empty()) Count("open_media", std::ssize(open));
  return {};
}

Status Inquirer::ReadDoubts() {
  ASSIGN_OR_RETURN(const int64_t mark, store_.IndexMark());
  if (mark < log_.size) Count("not_indexed", log_.size - mark);
  ASSIGN_OR_RETURN(const auto agents, store_.AllAgents());
  for (const store::Agent& agent : agents) {
    if (agent.state != store::AgentState::kRevoked &&
        agent.head_sequence > agent.acked_sequence && agent.enrol_time < to_) {
      Count("events_outstanding");
    }
  }
  for (const char* kind :
       {"event_gap", "chain_fork", "chain_rollback", "chain_restarts",
        "event_forged", "history_rewritten"}) {
    store::AlertFilter filter;
    filter.kind = kind;
    filter.from = wish_.from;
    filter.to = to_;
    ASSIGN_OR_RETURN(const auto page,
                     store_.ListAlerts(filter, {store::kMaxPageSize, ""}));
    if (!page.rows.empty()) Count("chain_broken", std::ssize(page.rows));
  }
  return {};
}

// Each listed copy is an event of the log under the checkpoint.
Status Inquirer::AddProofs() {
  for (List* list : {&found_rows_, &stopped_rows_, &unclear_rows_}) {
    ASSIGN_OR_RETURN(const auto proofs,
                     store_.ProveInclusion(list->leaves, log_.size));
    for (size_t i = 0; i < proofs.size(); ++i) {
      json proof = json::array();
      for (const merkle::Hash& hash : proofs[i]) proof.push_back(ToHex(hash));
      list->rows[i]["proof"] = std::move(proof);
    }
  }
  return {};
}

json DataSetsJson(const std::vector<policy::DataSet>& sets) {
  json rows = json::array();
  for (const policy::DataSet& set : sets) {
    rows.push_back({{"name", set.facts().id},
                    {"persons", set.facts().persons},
                    {"made", Utc(set.facts().made_seconds)},
                    {"one_in", set.one_in()}});
  }
  return rows;
}

json Inquirer::Document(const std::string& checkpoint, const std::string& by,
                        WallTime now) const {
  json causes = json::array();
  for (const auto& [cause, count] : causes_) {
    causes.push_back(
        {{"cause", cause}, {"count", count}, {"text", TextOf(cause)}});
  }
  json limits = json::array();
  for (const Word& limit : kLimits) {
    limits.push_back({{"limit", limit.id}, {"text", limit.text}});
  }
  int64_t covered = 0, uncovered = 0, off = 0;
  for (const auto& [state, length] : by_state_) {
    if (state == store::Name(Cover::kOff)) {
      off += length;
    } else if (state == store::Name(Cover::kCovered) ||
               state == store::Name(Cover::kProven)) {
      covered += length;
    } else {
      uncovered += length;
    }
  }
  return {
      {"answer", Name(answer())},
      {"asked",
       {{"by", EscapeUntrusted(by, 256)},
        {"time", Utc(SecondsOf(now))},
        {"reason", wish_.reason},
        {"owner", wish_.owner},
        {"person", wish_.person},
        {"device", wish_.device_id},
        {"file_hash", wish_.file_hash},
        {"from", Utc(SecondsOf(wish_.from))},
        {"to", Utc(SecondsOf(wish_.to))}}},
      {"causes", std::move(causes)},
      {"checkpoint", checkpoint},
      {"data_sets", DataSetsJson(owner_sets_)},
      {"coverage",
       {{"until", Utc(SecondsOf(to_))},
        {"terminals", terminals_},
        {"unregistered_terminals", unregistered_},
        {"covered_seconds", covered},
        {"off_seconds", off},
        {"uncovered_seconds", uncovered},
        {"seconds_by_state", by_state_},
        {"spans", spans_},
        {"spans_cut", spans_cut_}}},
      {"found",
       {{"count", found_},
        {"persons", found_persons_},
        {"rows", found_rows_.rows},
        {"cut", found_rows_.cut}}},
      {"limits", std::move(limits)},
      {"log_root", ToHex(log_.root)},
      {"log_size", log_.size},
      {"stopped", {{"rows", stopped_rows_.rows}, {"cut", stopped_rows_.cut}}},
      {"transfers", {{"seen", transfers_}, {"with_owner", owners_named_}}},
      {"unclear", {{"rows", unclear_rows_.rows}, {"cut", unclear_rows_.cut}}}};
}

}  // namespace

const char* Name(Answer answer) {
  switch (answer) {
    case Answer::kFound:
      return "found";
    case Answer::kNotFound:
      return "not_found";
    case Answer::kCannotSay:
      break;
  }
  return "cannot_say";
}

namespace {

// By the labels that the terminal gave it, and by its people, which are held
// against the lists of now: also of a copy from before the list was known.
policy::OwnerFit OwnerFitOf(const store::Event& transfer,
                            const InquiryWish& wish,
                            std::span<const policy::DataSet> owner_sets) {
  policy::OwnerFit owner{.persons = 0, .conclusive = !owner_sets.empty()};
  for (const auto& one : transfer.public_part.data_owners()) {
    if (one.owner() == wish.owner) owner.persons = one.person_count();
  }
  policy::PeopleSeen people{.kinds = {},
                            .sample = transfer.personal_part.people_sample()};
  for (const auto& one : transfer.personal_part.sketches()) {
    people.kinds.push_back({.kind = one.kind(),
                            .hashes = one.keyed_hashes(),
                            .persons = one.person_count()});
  }
  for (const policy::DataSet& set : owner_sets) {
    const policy::OwnerFit fit = policy::CompareWith(set, people);
    owner.persons = std::max(owner.persons, fit.persons);
    owner.conclusive = owner.conclusive && fit.conclusive;
  }
  return owner;
}

}  // namespace

// A refused copy of which nobody's rows were written did not leave, whatever
// it was; what an observing policy would have refused did.
Fit FitOf(const store::Event& transfer, const InquiryWish& wish,
          std::span<const policy::DataSet> owner_sets) {
  const auto& open = transfer.public_part;
  const bool whole = open.inspection() == event::v1::INSPECTION_FULL;
  Fit fit;
  fit.left = !store::IsRefusal(open.outcome()) || open.observe_only() ||
             open.persons_written_count() > 0;
  const auto unclear = [&](const char* why) { fit.why.emplace_back(why); };
  if (!wish.person.empty()) {
    const std::string person =
        EscapeUntrusted(PersonIn(transfer.personal_part), 256);
    const std::string account =
        EscapeUntrusted(AccountIn(transfer.personal_part), 256);
    if (IsUnknown(person)) {
      unclear("person_unknown");
    } else if (person != wish.person && account != wish.person) {
      return fit;
    }
  }
  if (!wish.device_id.empty()) {
    if (transfer.device_id.empty()) {
      unclear("device_unknown");
    } else if (transfer.device_id != wish.device_id) {
      return fit;
    }
  }
  if (!wish.file_hash.empty()) {
    if (open.file_hash().empty()) {
      unclear("hash_unknown");
    } else if (ToHex(AsBytes(open.file_hash())) != wish.file_hash) {
      return fit;
    }
  }
  bool named = false;
  bool another = false;  // surely
  if (!wish.owner.empty()) {
    const policy::OwnerFit owner = OwnerFitOf(transfer, wish, owner_sets);
    fit.owner_persons = owner.persons;
    named = owner.persons > 0 || open.data_owner() == wish.owner;
    another = owner.conclusive;
  }
  // Whose data is asked for, not who copied a manual: without people nothing
  // of that kind left, unless it is this very file or bears the owner's name.
  if (wish.file_hash.empty() && !named && open.person_count() == 0) {
    if (whole) return fit;
    unclear("not_inspected");
  } else if (!wish.owner.empty() && !named) {
    if (!whole) {
      unclear("not_inspected");
    } else if (another) {
      return fit;
    } else {
      unclear("owner_unknown");
    }
  }
  fit.is = fit.why.empty() ? Fit::Is::kThis : Fit::Is::kUnclear;
  return fit;
}

bool IsOpenMedium(const store::Event& event) {
  const auto& open = event.public_part;
  if (open.access() != "full" || store::IsRefusal(open.outcome())) return false;
  if (open.kind() == event::v1::EVENT_KIND_MEDIUM_MOUNTED) return true;
  if (open.kind() != event::v1::EVENT_KIND_DEVICE_PLUGGED &&
      open.kind() != event::v1::EVENT_KIND_DEVICE_DECIDED) {
    return false;
  }
  const auto& interfaces = open.device().interfaces();
  return std::any_of(interfaces.begin(), interfaces.end(), [](const auto& one) {
    return one.class_code() == kMassStorage || one.class_code() == kStillImage;
  });
}

bool IsBreach(const store::Event& event) {
  const auto& open = event.public_part;
  return open.kind() == event::v1::EVENT_KIND_TAMPER &&
         (open.rule() == "witness" || !store::IsRefusal(open.outcome()));
}

Status CheckWish(const InquiryWish& wish) {
  const auto bad = [](const char* why) {
    return Fail(Code::kInvalidArgument, why);
  };
  if (wish.owner.empty() && wish.person.empty() && wish.device_id.empty() &&
      wish.file_hash.empty()) {
    return bad("ask for an owner, a person, a device or a file hash");
  }
  for (const std::string* text : {&wish.owner, &wish.person, &wish.device_id}) {
    if (!text->empty() && !IsOneLine(*text, kMaxWishBytes)) {
      return bad("owner, person and device are a line of at most 256 bytes");
    }
  }
  const bool hex = std::ranges::all_of(wish.file_hash, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
  if (!wish.file_hash.empty() &&
      (wish.file_hash.size() != kHashDigits || !hex)) {
    return bad("a file hash is SHA-256 in 64 small hex digits");
  }
  if (!IsOneLine(wish.reason, kMaxReasonBytes)) {
    return bad("a reason is needed: a line of at most 500 bytes");
  }
  if (wish.from >= wish.to) return bad("the time ends before it begins");
  return {};
}

Result<InquiryAnswer> AnswerInquiry(store::Store& store,
                                    Checkpoints& checkpoints,
                                    const InquiryWish& wish,
                                    const std::string& by, WallTime now) {
  RETURN_IF_ERROR(CheckWish(wish));
  // First what it is bound to: events that come later are not in the answer.
  ASSIGN_OR_RETURN(const Checkpoints::Signed log, checkpoints.NewestSigned());
  Inquirer inquirer(store, wish, now);
  RETURN_IF_ERROR(inquirer.Read(log.head));
  InquiryAnswer answer;
  answer.answer = inquirer.answer();
  // Keys in order, no spaces, whole numbers only: one document, one spelling.
  answer.document = checkpoints.SignNote(
      std::string(kInquiryForm) + "\n" +
      inquirer.Document(log.note, by, now)
          .dump(-1, ' ', false, json::error_handler_t::replace) +
      "\n");
  return answer;
}

}  // namespace sekisho::core
