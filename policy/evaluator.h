// An immutable snapshot of policy and device lists that answers questions.
// Swapped in whole; shared by shared_ptr<const Snapshot>. Total functions: an
// answer always comes, and what no rule covers gets the explicit default.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/model.h"

namespace sekisho::policy {

class Snapshot {
 public:
  // `version` is that of the signed envelope; 0 for a file read locally.
  static std::shared_ptr<const Snapshot> Make(Policy policy,
                                              std::vector<DeviceEntry> entries,
                                              int64_t version);
  virtual ~Snapshot() = default;

  virtual const Policy& policy() const = 0;
  virtual int64_t version() const = 0;

  // `now` ends approvals. In observe mode the access of the decision is what
  // enforce would do; the caller does not act on it.
  virtual DeviceDecision DecideDevice(const DeviceFacts& device,
                                      const PersonFacts& person,
                                      const TerminalFacts& terminal,
                                      WallTime now) const = 0;
  // A file on its way to `device`, by that person, there and then.
  virtual ContentDecision DecideContent(const ContentFacts& content,
                                        const DeviceFacts& device,
                                        const PersonFacts& person,
                                        const TerminalFacts& terminal,
                                        WallTime now) const = 0;
  // A file of which nothing else is known (`sekisho scan`): no device, nobody,
  // no terminal, the beginning of time.
  ContentDecision DecideContent(const ContentFacts& content) const;

  // When the next approval or grant ends after `now`, if any.
  virtual std::optional<WallTime> NextExpiry(WallTime now) const = 0;
  // When the answers may change by time alone after `now`: an approval ends, a
  // window opens or closes. Decide again then.
  virtual std::optional<WallTime> NextChange(WallTime now) const = 0;

  // The totals that content rules ask for, each once. Who decides about
  // content gives them in ContentFacts::totals.
  virtual const std::vector<TotalKey>& totals() const = 0;

  // For `policy explain`: each rule in order and why it did not match, up to
  // and including the one that decided.
  struct Step {
    std::string rule;
    int line = 0;
    bool matched = false;
    std::string why;
  };
  virtual std::vector<Step> Explain(const DeviceFacts& device,
                                    const PersonFacts& person,
                                    const TerminalFacts& terminal,
                                    WallTime now) const = 0;
  virtual std::vector<Step> ExplainContent(const ContentFacts& content,
                                           const DeviceFacts& device,
                                           const PersonFacts& person,
                                           const TerminalFacts& terminal,
                                           WallTime now) const = 0;
};

// Whether the policy wants to know who is at this account before people's data
// is copied, and nobody proved it.
bool IsUnidentified(const Policy& policy, const PersonFacts& person);
// What he is told: the command, in each language.
std::map<std::string, std::string> IdentifyNotice(const std::string& account);

// What `when_stale: stricter` makes of a decision once the envelope's expiry
// has passed: no medium is written any more (at most read_only); keyboards,
// hubs and other devices that hold no medium stay as they were.
DeviceDecision StricterWhenStale(DeviceDecision decision,
                                 const DeviceFacts& device);

// What a terminal does before any signed policy came: observe, nothing refused.
Policy ObservePolicy();

}  // namespace sekisho::policy
