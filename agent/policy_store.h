// The signed policy and device list that are in force, kept below
// /var/lib/sekisho/core, so that a start without network enforces what the last
// one did; and the signed upgrade manifest. Files: root, policy.envelope,
// devices.envelope, upgrade.envelope, unlock.envelope, contain.envelope,
// grant.envelope, code.envelope, people.envelope, data_sets.envelope, mode;
// policy.before (the one before policy.envelope), policy.trial and
// policy.undone (docs/adr/0307).
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/containment.h"
#include "policy/data_sets.h"
#include "policy/envelope.h"
#include "policy/evaluator.h"
#include "policy/offline_code.h"
#include "policy/people_list.h"
#include "policy/transfer_grant.h"
#include "policy/unlock.h"
#include "policy/upgrade_manifest.h"

namespace sekisho::agent {

class PolicyStore {
 public:
  // Never fails: what cannot be loaded is in problems(). If the last policy
  // enforced and none can be loaded, ClosedPolicy() is in force.
  PolicyStore(std::string dir, std::string agent_id);

  // The root file came from enrolment: written, and used from here on.
  Status SetRoot(const std::string& root_text, const std::string& agent_id);

  struct Taken {
    int64_t version = 0;
    bool changed = false;  // false: it was in force already
  };
  // Verifies and parses `sealed`, writes it (old or new after a crash), swaps
  // the snapshot. Failure: the last good one stays; the message says why, the
  // code is OpenEnvelope's or kInvalidArgument from the parser.
  Result<Taken> Take(const std::string& type, const std::string& sealed);

  // The policy in force gives way to the one before it, or to none, which
  // observes; so it stays over restarts, and that version is not taken again.
  // On failure nothing has changed.
  Status UndoPolicy(const std::string& why);
  struct Undone {
    int64_t version = 0;
    std::string why;  // one line
  };
  // Until a newer policy is taken.
  const std::optional<Undone>& undone() const { return undone_; }

  // The policy in force has to prove itself; remembered over restarts, until it
  // ends, or another policy is taken. `what`: one line.
  Status BeginTrial(const std::string& what);
  Status EndTrial();
  const std::optional<std::string>& trial() const { return trial_; }

  std::shared_ptr<const policy::Snapshot> snapshot() const { return snapshot_; }
  int64_t version(const std::string& type) const;
  // When the policy in force goes stale; unset: never.
  std::optional<WallTime> expires() const;
  const std::optional<policy::UpgradeManifest>& upgrade() const {
    return upgrade_;
  }
  // The last one, over or not; only taking it counts.
  struct SignedUnlock {
    policy::Unlock unlock;
    int64_t issued_seconds = 0;
    int64_t expires_seconds = 0;  // at most a day later
  };
  const std::optional<SignedUnlock>& unlock() const { return unlock_; }
  // All of the newest list, over or not.
  const std::vector<policy::Containment>& containments() const {
    return containments_;
  }
  const policy::GrantList& grants() const { return grants_; }
  // Unset: no server said anything about codes yet.
  const std::optional<policy::CodeList>& codes() const { return codes_; }
  // By id; never null.
  using People = std::shared_ptr<const std::vector<policy::ListedPerson>>;
  const People& people() const { return people_; }
  // By id; never null.
  using DataSets = std::shared_ptr<const std::vector<policy::DataSet>>;
  const DataSets& data_sets() const { return data_sets_; }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  struct Held {
    int64_t version = 0;
    int64_t expires_seconds = 0;
    std::string sealed;  // of data sets its SHA-256: they are large
  };
  // Refuses what is older than `oldest`.
  Status Apply(const std::string& type, const std::string& sealed,
               int64_t oldest);
  void Load(const std::string& type);
  void LoadUndone();
  void LoadTrial();
  void MakeSnapshot();
  std::string PathOf(const std::string& name) const;

  const std::string dir_;
  std::string agent_id_;
  std::optional<policy::Root> root_;
  std::map<std::string, Held> held_;
  std::optional<policy::Policy> policy_;
  std::vector<policy::DeviceEntry> entries_;
  std::optional<policy::UpgradeManifest> upgrade_;
  std::optional<SignedUnlock> unlock_;
  std::vector<policy::Containment> containments_;
  policy::GrantList grants_;
  std::optional<Undone> undone_;
  std::optional<std::string> trial_;
  std::optional<policy::CodeList> codes_;
  People people_ = std::make_shared<const std::vector<policy::ListedPerson>>();
  DataSets data_sets_ = std::make_shared<const std::vector<policy::DataSet>>();
  bool enforced_before_ = false;
  std::shared_ptr<const policy::Snapshot> snapshot_;
  std::vector<std::string> problems_;
};

// Enforces without a readable policy: keyboards and hubs, nothing else.
policy::Policy ClosedPolicy();

}  // namespace sekisho::agent
