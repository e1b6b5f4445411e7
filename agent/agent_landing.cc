// Large amounts of personal data on the terminal's own disks: told, and named
// again by the copies that are made of them. Log only.
#include <fmt/format.h>

#include <utility>

#include "agent/agent.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

constexpr std::chrono::milliseconds kUnlookedInterval{3'600'000};

}  // namespace

void Agent::UseLandings() {
  if (options_.landings == AgentOptions::LandingWatching::kOff) return;
  const policy::Policy& policy = decider_->snapshot()->policy();
  const bool same_types =
      std::exchange(landing_types_, policy.sets.types) == policy.sets.types;
  if (landing_watch_ != nullptr &&
      policy.landings == landing_watch_->policy()) {
    if (!same_types) landing_watch_->RulesChanged();
    return;
  }
  landing_watch_.reset();
  if (!policy.landings) return;
  auto started = LandingWatch::Start(
      loop_, jobs_, clock_,
      {.policy = *policy.landings,
       .scan_socket = options_.runtime_dir + "/" + ipc::kScanSocket,
       .listener = WorkersStartedBy(),
       .lying_path = options_.state_dir + "/core/lying",
       .libexec_dir = options_.libexec_dir,
       .daemon_path = options_.daemon_path,
       .timing = options_.landing_timing},
      {.external =
           [this](const enforce::DeviceNumber& number) {
             return media_->DeviceOfNode(number) != 0;
           },
       .rules = [this] { return scan_rules_; },
       .sketch_key = [this] { return sketch_key_; },
       .landed =
           [this](const Landed& landed, const std::string& path,
                  const ipc::Findings& findings) {
             OnLanded(landed, path, findings);
           },
       .lost = [this](const std::string& why) { CountUnlooked(why); }});
  if (!started) {
    TellHealth("landings are not seen: " + started.error().message);
    return;
  }
  landing_watch_ = std::move(*started);
}

std::optional<Landings::Match> Agent::LandingWith(
    const ipc::Findings& findings) const {
  if (landings_ == nullptr) return std::nullopt;
  return landings_->Find(LandingOf(findings));
}

void Agent::OnLanded(const Landed& landed, const std::string& path,
                     const ipc::Findings& findings) {
  const auto from = LandingWith(findings);
  // A file that grows is one landing until it is half as large again.
  const int64_t told = landing_watch_->ToldPersons(landed.key);
  if (!landed.unchanged_since && told > 0 && from &&
      findings.persons < told + told / 2) {
    return;
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_LANDING);
  const attribute::Who who = Knowing(landed.who);
  SetWho(who, parts);
  TellFindings(findings, OwnersIn(findings), parts);
  parts.open.set_rule("landings");
  parts.open.set_reason(fmt::format(
      "data of about {} people {} the terminal's own disk", findings.persons,
      landed.unchanged_since ? "lies for long on" : "arrived on"));
  parts.personal.set_file_path(path.substr(0, 4096));
  for (const std::string& host : landed.source_hosts) {
    parts.personal.add_source_hosts(host);
  }
  if (landed.unchanged_since) {
    SetTime(*landed.unchanged_since, parts.open.mutable_unchanged_since_time());
    parts.personal.set_file_owner(landed.owner);
  }
  if (from) SetLanding(*from, parts);

  Landing landing = LandingOf(findings);
  landing.time = clock_.Now();
  landing.path = path;
  landing.person = PersonName(who);
  // A copy of what landed before comes from where that came from.
  landing.source_hosts.assign(parts.personal.source_hosts().begin(),
                              parts.personal.source_hosts().end());
  const auto written = Write(std::move(parts));
  if (!written) return;
  landing.event_id = written->event_id;
  landing_watch_->SetTold(landed.key, findings.persons);
  if (landings_ == nullptr) return;
  if (const Status added = landings_->Add(std::move(landing)); !added) {
    Log(LogLevel::kWarning, "landings: " + added.error().message);
  }
}

void Agent::CountUnlooked(const std::string& why) {
  if (unlooked_++ > 0) return;
  Log(LogLevel::kWarning, "landings: " + why);
  unlooked_why_ = why;
  loop_.After(kUnlookedInterval, [this] {
    TellHealth(fmt::format(
        "landing watch: {} times within an hour something was not looked at: "
        "{}",
        std::exchange(unlooked_, 0), unlooked_why_));
  });
}

}  // namespace sekisho::agent
