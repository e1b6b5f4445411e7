// The answering end of the enrolment link, on a thread of its own.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "server/auth/own_certificate.h"
#include "server/core/enrolment.h"

namespace sekisho::service {

class EnrolLinkServer {
 public:
  // Listens at `path` for anybody, but answers only root, this process's own
  // user and `peer`, by what the kernel says of them: the enrolment process is
  // in no group that opens the admin socket.
  // `own` is the server's certificate, which the enrolment process renews.
  static Result<std::unique_ptr<EnrolLinkServer>> Start(
      const std::string& path, std::optional<uid_t> peer,
      core::Enrolment& enrolment, const auth::OwnCertificate& own,
      const Clock& clock);
  virtual ~EnrolLinkServer() = default;
};

}  // namespace sekisho::service
