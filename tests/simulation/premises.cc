#include "tests/simulation/premises.h"

#include <sodium.h>

#include <cstdio>
#include <cstdlib>

#include "server/alert/rules.h"
#include "server/auth/certificates.h"

namespace sekisho::simulation {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// As docs/operations.md shows it; without it nothing has a clock.
LeaderSettings Settings(const Clock& clock) {
  LeaderSettings settings;
  settings.stocktake = {std::chrono::days(365), std::chrono::days(30)};
  auto& sla = settings.duties.sla.by_severity;
  sla["critical"] = {minutes(15), hours(4), {}};
  sla["high"] = {hours(1), hours(24), {}};
  sla["medium"] = {
      hours(24), hours(24 * 7),
      Must(core::ExpectedHours::Parse("Mon-Fri 09:00-18:00 Asia/Tokyo"))};
  settings.own_certificate_end = [&clock]() -> Result<WallTime> {
    return clock.Now() + hours(24 * 200);
  };
  settings.events_told_up_to = [] { return int64_t{1} << 60; };
  return settings;
}

}  // namespace

void GiveUp(const std::string& why) {
  std::fprintf(stderr, "simulation: %s\n", why.c_str());
  std::abort();
}

Premises::Premises(std::string dir, WallTime begin)
    : dir_(std::move(dir)), clock_(begin) {
  if (sodium_init() < 0) GiveUp("no libsodium");
  Begin();
}

Premises::~Premises() { Settle(); }

void Premises::Begin() {
  store_ = Must(store::OpenSqlite({dir_ + "/sekisho.db", {}}));
  presence_ = std::make_unique<core::Presence>(clock_);
  presence_->Load(Must(store_->AllAgents()));
  publisher_ =
      Must(core::Publisher::Open(*store_, clock_, dir_ + "/signing.key"));
  checkpoints_ = Must(core::Checkpoints::Open(*store_, dir_ + "/log.key"));
  containing_ = std::make_unique<core::Containing>(
      *store_, *publisher_, *presence_, changes_, clock_);
  rollouts_ = std::make_unique<core::Rollouts>(*store_, *publisher_, *presence_,
                                               changes_, clock_);
  Must(rollouts_->Refresh());
  const auto announce = [this] {
    Must(rollouts_->Refresh());
    ++announced_;
  };
  publisher_->SetAnnounce([announce](const std::string& type, int64_t) {
    if (type == "policy") announce();
    return 1;
  });
  rollouts_->SetAnnounce(announce);
  codes_ = Must(core::OfflineCodes::Open(*store_, *publisher_, changes_, clock_,
                                         dir_ + "/code.key"));
  accounts_ = std::make_unique<auth::Accounts>(*store_, clock_);
  indexer_ =
      std::make_unique<core::Indexer>(*store_, changes_, alert::AlertsFor);
  // Indexed at each step, on this thread.
  ingest_ = std::make_unique<core::Ingest>(*store_, clock_, changes_, [] {});
  elsewhere_ =
      std::make_unique<core::Elsewhere>(*store_, *presence_, changes_, clock_);
  const LeaderSettings settings = Settings(clock_);
  work_ =
      Must(LeaderWork::Begin({*store_, *publisher_, *containing_, *rollouts_,
                              *codes_, *presence_, changes_, clock_},
                             settings));
  desk_ = MakeDesk({*store_, *publisher_, *presence_, changes_, *accounts_,
                    clock_, std::string(64, 'f'),
                    [](const std::string&, const std::string&) {}, *containing_,
                    *rollouts_, *codes_, *checkpoints_, settings.duties.sla});
}

void Premises::Restart() {
  Step();
  desk_.reset();
  work_.reset();
  elsewhere_.reset();
  ingest_.reset();
  indexer_.reset();
  accounts_.reset();
  codes_.reset();
  rollouts_.reset();
  containing_.reset();
  checkpoints_.reset();
  publisher_.reset();
  store_.reset();
  Begin();
}

core::Caller Premises::Soc() const {
  return {"tanaka", core::Roles::All(), "console", "10.20.1.7"};
}

core::Caller Premises::Approver() const {
  return {"suzuki", core::Roles::All(), "console", "10.20.1.5"};
}

store::AgentIdentity Premises::Enrol(const std::string& terminal,
                                     const event::ChainPublicKey& key,
                                     WallTime issued) {
  store::AgentIdentity agent;
  agent.agent_id = "0192f0c4-7b1a-7000-8000-";
  const std::string number = std::to_string(++certificates_);
  agent.agent_id += std::string(12 - number.size(), '0') + number;
  agent.terminal = terminal;
  agent.chain_key = key;
  store::NewAgent added;
  added.agent_id = agent.agent_id;
  added.terminal = terminal;
  added.hostname = terminal + ".example.jp";
  added.agent_version = "0.1.0";
  added.chain_key = key;
  added.enrol_time = clock_.Now();
  Must(store_->AddAgent(added));
  agent.not_after = issued + auth::kAgentCertificateLife;
  agent.serial = "s" + number;
  Must(store_->AddCertificate(
      {agent.agent_id, agent.serial, "k" + number, agent.not_after}, issued));
  Must(store_->UseCertificate(agent.serial, clock_.Now()));
  return agent;
}

void Premises::Renew(store::AgentIdentity& agent) {
  const std::string number = std::to_string(++certificates_);
  agent.serial = "s" + number;
  agent.not_after = clock_.Now() + auth::kAgentCertificateLife;
  Must(store_->AddCertificate(
      {agent.agent_id, agent.serial, "k" + number, agent.not_after},
      clock_.Now()));
  Must(store_->UseCertificate(agent.serial, clock_.Now()));
}

event::Head Premises::Hello(const store::AgentIdentity& agent,
                            const event::Head& says) {
  Settle();
  presence_->Connect(agent.agent_id);
  const event::Head head = Must(ingest_->HeadOf(agent.agent_id));
  ingest_->CheckHead(agent, says, head);
  return head;
}

void Premises::Goodbye(const store::AgentIdentity& agent) {
  presence_->Disconnect(agent.agent_id);
}

bool Premises::Take(const store::AgentIdentity& agent, event::Head& head,
                    std::vector<event::v1::EventRecord> records) {
  presence_->Heard(agent.agent_id);
  {
    std::lock_guard lock(mutex_);
    ++pending_;
  }
  const auto taken = ingest_->Take(
      agent, head, std::move(records), [this](Result<event::Head> done) {
        if (!done) GiveUp("append: " + done.error().message);
        std::lock_guard lock(mutex_);
        --pending_;
        settled_.notify_all();
      });
  if (!taken || !*taken) {
    std::lock_guard lock(mutex_);
    --pending_;
  }
  fresh_ = true;
  return taken.has_value();
}

void Premises::Keep(const store::AgentIdentity& agent, const event::Head& says,
                    const event::Head& acked, const Heartbeat& beat) {
  ingest_->CheckHead(agent, says, acked);
  ingest_->CheckAcknowledged(agent, says, beat.spooled_count, acked);
  store::AgentHeartbeat kept;
  kept.agent_id = agent.agent_id;
  kept.time = clock_.Now();
  kept.agent_version = beat.agent_version;
  kept.mode = beat.mode;
  kept.gate_state = beat.gate_state;
  kept.core_alive = beat.core_alive;
  kept.policy_version = beat.policy_version;
  kept.head = says;
  kept.spooled_count = beat.spooled_count;
  kept.boot_id = beat.boot_id;
  kept.boot_microseconds = beat.since_boot.count();
  store_->PutHeartbeat(std::move(kept));
}

void Premises::Settle() {
  std::unique_lock lock(mutex_);
  settled_.wait(lock, [this] { return pending_ == 0; });
}

void Premises::Step() {
  Settle();
  if (fresh_) {
    fresh_ = false;
    while (Must(indexer_->RunOnce()) > 0) {
    }
  }
  Must(elsewhere_->Tick());
  Must(work_->Tick());
}

}  // namespace sekisho::simulation
