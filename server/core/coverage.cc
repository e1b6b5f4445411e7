#include "server/core/coverage.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>

namespace sekisho::core {
namespace {

using std::chrono::microseconds;
using store::AgentCoverage;
using store::CoverGap;
using store::CoverMark;
using store::CoverSpan;
using Turn = store::CoverGap::Turn;

// Around a clean goodbye and the start after it, sekishod does not answer.
constexpr auto kStartOrStop = std::chrono::minutes(5);
// Two clocks drift: by ten seconds and a thousandth of the time.
constexpr auto kDrift = std::chrono::seconds(10);
constexpr int kStates = static_cast<int>(Cover::kNoAgent) + 1;

bool ClocksAgree(microseconds ours, microseconds theirs) {
  const auto apart = ours > theirs ? ours - theirs : theirs - ours;
  return theirs.count() >= 0 && apart <= kDrift + ours / 1000;
}

// The same boot went on, the clock since boot agrees with ours, and the chain
// has neither a start nor anything else that speaks against it.
bool WentOn(const CoverSpan& a, const CoverGap& gap, const CoverSpan& b) {
  int64_t since = 0;  // both are the terminal's word
  return !__builtin_sub_overflow(b.first.boot_microseconds,
                                 a.last.boot_microseconds, &since) &&
         gap.whole && a.state == Cover::kCovered &&
         b.state == Cover::kCovered && !a.last.boot_id.empty() &&
         a.last.boot_id == b.first.boot_id &&
         std::ranges::none_of(gap.turns,
                              [](const Turn& t) { return !t.before; }) &&
         ClocksAgree(b.from - a.to, microseconds(since));
}

// A goodbye of one boot, then the start of the next, and nothing else.
struct Night {
  const Turn* stop = nullptr;
  const Turn* start = nullptr;
  bool well = true;  // nothing was reported since that start
};

std::optional<Night> NightIn(const CoverSpan& a, const CoverGap& gap,
                             const CoverMark& wake) {
  if (!gap.whole || a.last.boot_id.empty()) return std::nullopt;
  Night night;
  for (const Turn& turn : gap.turns) {
    if (turn.kind == event::v1::EVENT_KIND_AGENT_STOPPED &&
        night.start == nullptr) {
      night.stop = &turn;
    } else if (turn.before) {
      night.stop = nullptr;  // it went on after that stop
    } else if (turn.kind == event::v1::EVENT_KIND_AGENT_STARTED &&
               night.stop != nullptr && night.start == nullptr) {
      night.start = &turn;
    } else if (night.start != nullptr &&
               (turn.kind == event::v1::EVENT_KIND_HEALTH ||
                turn.kind == event::v1::EVENT_KIND_POLICY_CHANGED)) {
      night.well = false;
    } else {
      return std::nullopt;
    }
  }
  if (night.start == nullptr || night.stop->observe_only ||
      night.stop->boot_id != a.last.boot_id ||
      night.start->boot_id != wake.boot_id ||
      night.start->boot_id == night.stop->boot_id) {
    return std::nullopt;
  }
  return night;
}

class Pieces {
 public:
  explicit Pieces(const AgentCoverage& agent) : agent_(agent) {}

  std::vector<CoverPart> Make() {
    for (const CoverSpan& span : agent_.heard) {
      parts_.push_back({span.state, span.from, span.to});
    }
    for (size_t i = 0; i + 1 < agent_.heard.size(); ++i) Between(i);
    return std::move(parts_);
  }

 private:
  void Add(Cover state, WallTime from, WallTime to) {
    if (from < to) parts_.push_back({state, from, to});
  }

  void Between(size_t i) {
    const CoverSpan& a = agent_.heard[i];
    const CoverSpan& b = agent_.heard[i + 1];
    if (b.from <= a.to || i >= agent_.gaps.size()) return;
    const CoverGap& gap = agent_.gaps[i];
    if (WentOn(a, gap, b)) return Add(Cover::kProven, a.to, b.from);
    size_t wake = i + 1;
    while (wake + 1 < agent_.heard.size() &&
           agent_.heard[wake].state == Cover::kNoCore) {
      ++wake;
    }
    const auto night = NightIn(a, gap, agent_.heard[wake].first);
    if (night) AddNight(i, wake, *night);
  }

  // Up to the goodbye and from the start on, the clock since boot tells where
  // in the gap they stand; the time before and after them is proven by the
  // chain or it is not.
  void AddNight(size_t i, size_t wake, const Night& night) {
    const CoverSpan& a = agent_.heard[i];
    const CoverSpan& up = agent_.heard[wake];
    const WallTime stop =
        std::max(a.to, a.to + microseconds(night.stop->boot_microseconds -
                                           a.last.boot_microseconds));
    const WallTime start =
        up.from - microseconds(up.first.boot_microseconds -
                               night.start->boot_microseconds);
    if (stop > start || start > up.from) return;
    if (a.state == Cover::kCovered) Add(Cover::kProven, a.to, stop);
    const bool full = night.well && night.start->gate_state == "full" &&
                      !night.start->observe_only && up.state == Cover::kCovered;
    const bool short_start = up.from - start <= kStartOrStop;
    const WallTime off_from = a.state == Cover::kCovered ? stop : a.to;
    Add(Cover::kOff, off_from, start);
    if (full || short_start) {
      // What stands before the first heartbeat, also without sekishod.
      Add(full ? Cover::kProven : Cover::kOff, start, agent_.heard[i + 1].from);
    }
    Relabel(i, wake);
  }

  // sekishod that does not answer for a moment while the system goes down or
  // comes up is part of the night: the gate stays closed without it.
  void Relabel(size_t i, size_t wake) {
    if (Short(i)) parts_[i].state = Cover::kOff;
    for (size_t k = i + 1; k < wake; ++k) {
      if (Short(k)) parts_[k].state = Cover::kOff;
    }
  }
  bool Short(size_t i) const {
    const CoverSpan& span = agent_.heard[i];
    return span.state == Cover::kNoCore && span.to - span.from <= kStartOrStop;
  }

  const AgentCoverage& agent_;
  std::vector<CoverPart> parts_;  // the first are agent_.heard's, in order
};

// At every moment the worst of what covers it; what nothing covers is
// `otherwise`.
std::vector<CoverPart> Flatten(const std::vector<CoverPart>& parts,
                               WallTime from, WallTime to, Cover otherwise) {
  struct Edge {
    WallTime at;
    int state;
    int step;
  };
  std::vector<Edge> edges;
  for (const CoverPart& part : parts) {
    const WallTime begin = std::max(part.from, from);
    const WallTime end = std::min(part.to, to);
    if (begin >= end) continue;
    edges.push_back({begin, static_cast<int>(part.state), 1});
    edges.push_back({end, static_cast<int>(part.state), -1});
  }
  std::ranges::sort(edges, {}, &Edge::at);
  std::vector<CoverPart> flat;
  std::array<int, kStates> open{};
  WallTime at = from;
  const auto emit = [&](WallTime until) {
    if (until <= at) return;
    Cover state = otherwise;
    for (int i = kStates - 1; i > 0; --i) {
      if (open[static_cast<size_t>(i)] > 0) {
        state = static_cast<Cover>(i);
        break;
      }
    }
    if (!flat.empty() && flat.back().state == state && flat.back().to == at) {
      flat.back().to = until;
    } else {
      flat.push_back({state, at, until});
    }
    at = until;
  };
  for (const Edge& edge : edges) {
    emit(edge.at);
    open[static_cast<size_t>(edge.state)] += edge.step;
  }
  emit(to);
  return flat;
}

// Heard or told of, so that it counts also where nobody waits for it.
bool IsEvidence(Cover state) {
  return state != Cover::kSilent && state != Cover::kOff &&
         state != Cover::kNoAgent;
}

}  // namespace

std::vector<CoverPart> PartsOf(const AgentCoverage& agent, WallTime from,
                               WallTime to) {
  from = std::max(from, agent.enrol_time);
  if (agent.revoke_time) to = std::min(to, *agent.revoke_time);
  if (from >= to) return {};
  std::vector<CoverPart> parts = Pieces(agent).Make();
  for (const CoverSpan& overlay : agent.overlays) {
    parts.push_back({overlay.state, overlay.from, overlay.to});
  }
  return Flatten(parts, from, to, Cover::kSilent);
}

TerminalCover Join(const std::string& terminal,
                   const store::RegisteredTerminal* registered,
                   const std::vector<AgentCoverage>& agents, WallTime from,
                   WallTime to) {
  TerminalCover cover;
  cover.terminal = terminal;
  cover.registered = registered != nullptr;
  std::vector<CoverPart> known;
  for (const AgentCoverage& agent : agents) {
    for (const CoverPart& part : PartsOf(agent, from, to)) {
      known.push_back(part);
    }
  }
  if (registered == nullptr) {
    // In service is what was enrolled; between two agents nothing was.
    std::ranges::sort(known, {}, &CoverPart::from);
    cover.parts = std::move(known);
    return cover;
  }
  cover.site = registered->site;
  const WallTime begin =
      std::max(from, registered->service_from.value_or(from));
  WallTime end = std::min(to, registered->service_to.value_or(to));
  if (registered->remove_time) end = std::min(end, *registered->remove_time);
  std::vector<CoverPart> outside;
  for (const CoverPart& part : known) {
    if (!IsEvidence(part.state)) continue;
    if (part.from < begin) {
      outside.push_back({part.state, part.from, std::min(part.to, begin)});
    }
    if (part.to > end) {
      outside.push_back({part.state, std::max(part.from, end), part.to});
    }
  }
  if (begin < end) cover.parts = Flatten(known, begin, end, Cover::kNoAgent);
  cover.parts.insert(cover.parts.end(), outside.begin(), outside.end());
  std::ranges::sort(cover.parts, {}, &CoverPart::from);
  return cover;
}

Status ReadTerminals(store::Store& store, WallTime from, WallTime to,
                     const store::WhichTerminals& which,
                     const std::function<Status(const TerminalCover&)>& row) {
  ASSIGN_OR_RETURN(const auto all, store.RegisteredTerminals());
  std::map<std::string, const store::RegisteredTerminal*> waiting;
  for (const store::RegisteredTerminal& one : all) {
    if ((which.only.empty() || one.name == which.only) &&
        one.name > which.after &&
        which.scope.HasOneOf(store::GroupsIn(one.groups))) {
      waiting[one.name] = &one;
    }
  }
  std::string name;
  std::vector<store::AgentCoverage> agents;
  const auto tell = [&]() -> Status {
    if (agents.empty()) return {};
    // Those of the register that come before it have no agent.
    while (!waiting.empty() && waiting.begin()->first < name) {
      const auto next = waiting.extract(waiting.begin());
      RETURN_IF_ERROR(row(Join(next.key(), next.mapped(), {}, from, to)));
    }
    const auto found = waiting.extract(name);
    Status told =
        row(Join(name, found ? found.mapped() : nullptr, agents, from, to));
    agents.clear();
    return told;
  };
  const Status read = store.ReadCoverage(
      from, to, which, [&](const store::AgentCoverage& one) -> Status {
        if (one.terminal != name) {
          RETURN_IF_ERROR(tell());
          name = one.terminal;
        }
        agents.push_back(one);
        return {};
      });
  RETURN_IF_ERROR(read);
  RETURN_IF_ERROR(tell());
  for (const auto& [left, registered] : waiting) {
    RETURN_IF_ERROR(row(Join(left, registered, {}, from, to)));
  }
  return {};
}

}  // namespace sekisho::core
