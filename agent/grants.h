// Grants of one transfer on this terminal: which of the signed list runs, and
// which was used. That one was used is on disk before anything passes: a kill
// or a power cut never lets a content go twice. Loop thread only.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/transfer_grant.h"

namespace sekisho::agent {

class Grants {
 public:
  // `path`: the ids of those that were used. If it cannot be read, no grant
  // opens anything until the next list: problem() says why.
  Grants(const Clock& clock, std::string path);

  // The newest list. Uses of grants that are no longer in it are forgotten.
  void Take(const policy::GrantList& list);

  // The grant that lets this pass, running and unused; nullptr: none.
  const policy::TransferGrant* Find(
      const policy::GrantedTransfer& transfer, int64_t persons,
      const std::vector<std::string>& types) const;
  // Whether some unused grant runs for this person, terminal and device, of
  // whatever content.
  bool Holds(const policy::GrantedTransfer& transfer) const;
  // Durable when it returns.
  Status Use(int64_t id);
  // What it was used for did not happen.
  void TakeBack(int64_t id);

  const std::vector<policy::RequestAnswer>& answers() const {
    return list_.answers;
  }
  const std::vector<policy::TransferGrant>& transfers() const {
    return list_.transfers;
  }
  const std::string& problem() const { return problem_; }

 private:
  int64_t NowSeconds() const;
  Status Write() const;

  const Clock& clock_;
  const std::string path_;
  policy::GrantList list_;
  std::set<int64_t> used_;
  std::string problem_;
};

}  // namespace sekisho::agent
