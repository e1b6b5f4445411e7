// The answering end of the enrolment link, on a thread of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "server/core/enrolment.h"

namespace sekisho::service {

class EnrolLinkServer {
 public:
  // Listens at `path` (mode 0660, the directory's group). Besides root and this
  // process's own user, only `peer` is answered.
  static Result<std::unique_ptr<EnrolLinkServer>> Start(
      const std::string& path, std::optional<uid_t> peer,
      core::Enrolment& enrolment);
  virtual ~EnrolLinkServer() = default;
};

}  // namespace sekisho::service
