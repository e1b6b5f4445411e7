// Which containments of the signed list hold on this terminal now. Their ends
// are kept on the boot clock, which nobody sets: a wall clock that is set while
// one runs neither stretches nor shortens it. What is left is measured by the
// wall clock when the list is taken, or read again after a start, and is never
// more than its whole length, so a clock that was set back does not prolong it.
// Loop thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "policy/containment.h"

namespace sekisho::agent {

class Containments {
 public:
  explicit Containments(const Clock& clock) : clock_(clock) {}

  // The newest list. Terminals other than `agent_id` are left out. One that
  // runs already, with the same times, keeps its end.
  void Take(const std::vector<policy::Containment>& all,
            const std::string& agent_id);

  // Without those that are over.
  std::vector<policy::Containment> Running() const;
  // How long until the next one ends; unset: none runs.
  std::optional<BootTime> UntilNextEnd() const;
  // "14:05" of the terminal's own zone, or with the date if it is another day.
  std::string EndText(const policy::Containment& containment) const;

 private:
  struct Entry {
    policy::Containment containment;
    BootTime end{};
  };
  const Entry* Find(int64_t id) const;

  const Clock& clock_;
  std::vector<Entry> entries_;
};

}  // namespace sekisho::agent
