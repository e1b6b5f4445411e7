// Signs what agents obey: policy, device list, upgrade manifest. Holds the
// server's signing key; the store keeps text and sealed envelope in one
// transaction.
#pragma once

#include <functional>
#include <string>

#include "common/clock.h"
#include "policy/data_sets.h"
#include "policy/envelope.h"
#include "policy/offline_code.h"
#include "policy/unlock.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

// Thread-safe.
class Publisher {
 public:
  // Called after each new envelope; returns how many agents were told.
  using Announce = std::function<int(const std::string& type, int64_t version)>;

  // Makes the key (0600) at `key_path` if it is not there. If no policy was
  // ever pushed, the `observe` pack becomes version 1.
  static Result<std::unique_ptr<Publisher>> Open(store::Store& store,
                                                 const Clock& clock,
                                                 const std::string& key_path);

  void SetAnnounce(Announce announce) { announce_ = std::move(announce); }

  // The root file agents get at enrolment: this key may sign each type.
  std::string RootFile() const;

  Result<Pushed> PushPolicy(const std::string& author, const std::string& text,
                            const std::string& file_name,
                            const std::string& comment);
  // As above, for those whose ring is open: store::Store::StagePolicy().
  Result<Pushed> StagePolicy(const std::string& author, const std::string& text,
                             const std::string& file_name,
                             const std::string& comment,
                             const store::Rollout& rollout);
  Result<Pushed> Rollback(const std::string& author, int64_t version);
  // The text of an upgrade manifest: the programs agents will take for their
  // own. Replaces the one before.
  Result<Pushed> PushUpgrade(const std::string& manifest);
  // For one agent, from now on.
  Result<Unlocked> PushUnlock(const std::string& agent_id,
                              std::chrono::seconds length,
                              const policy::Unlock& unlock);
  // Stores the row and pushes the list of all that run.
  Result<Containment> PutContainment(const Containment& row);
  // Stores what is set and pushes the list of all that run. kNotFound: no such
  // request; the errors of the store.
  Result<TransferGrant> PutGrant(const store::Store::GrantChange& change);
  // Stores the code, if one is given, and pushes the list of all that run with
  // the key that terminals seal their secrets to.
  Result<OfflineCode> PutCode(const std::optional<OfflineCode>& code,
                              const policy::CodePublicKey& key);
  // Changes the register of people and pushes all who are not removed; the
  // version of that. kNotFound: nobody has this id.
  Result<int64_t> PutPeople(const store::PeopleChange& change);
  // Puts the list in the place of the one of its name, or among the others, and
  // pushes all; the version of that. kInvalidArgument: made with another key
  // than the others; kResourceExhausted: too much for one envelope.
  Result<int64_t> PutDataSet(const policy::DataSet& set);
  // kNotFound: no such list.
  Result<int64_t> RemoveDataSet(const std::string& id);
  // Empty access takes the approval back. Returns the list's version.
  Result<int64_t> ChangeApproval(const std::string& author,
                                 const Approval& approval);

 private:
  using AddPolicy = std::function<Result<int64_t>(
      store::PolicyVersion policy, const store::Store::Sealer& seal)>;
  Result<Pushed> Push(PolicyVersion policy, const AddPolicy& add);

  Publisher(store::Store& store, const Clock& clock, policy::KeyPair key)
      : store_(store), clock_(clock), key_(key) {}
  Result<int64_t> ChangeDataSets(
      const std::function<Status(std::vector<policy::DataSet>& sets)>& change);
  Status CheckKeyIsShared(const std::string& key_path) const;
  std::string Seal(const std::string& type, int64_t version,
                   std::string body) const;
  int64_t NowSeconds() const;
  // A row that means exactly this device in the list's text form.
  Result<policy::DeviceEntry> EntryOf(const Approval& approval,
                                      const event::v1::Device& facts) const;
  Result<event::v1::Device> FactsOf(const std::string& device_id) const;
  int Tell(const std::string& type, int64_t version) const {
    return announce_ ? announce_(type, version) : 0;
  }

  store::Store& store_;
  const Clock& clock_;
  const policy::KeyPair key_;
  Announce announce_;  // set once, before any thread calls
};

}  // namespace sekisho::core
