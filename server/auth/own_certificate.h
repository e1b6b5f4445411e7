// A server's own key and certificate on disk (tls.key, tls.pem, ca.pem of one
// folder), and when they are due: the key stays, the certificate is renewed at
// two thirds of its life and replaced by a rename, which those who serve with
// it watch for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::auth {

class OwnCertificate {
 public:
  explicit OwnCertificate(std::string dir) : dir_(std::move(dir)) {}

  // A request for the next certificate; nothing while it is not due.
  Result<std::optional<std::string>> CsrIfDue(WallTime now) const;
  // The names it is known by.
  Result<std::vector<std::string>> Names() const;
  Result<WallTime> NotAfter() const;
  Result<WallTime> CaNotAfter() const;
  // kInvalidArgument: not for this key or past its end; kUnauthenticated: of
  // another CA. Nothing is changed then.
  Status Install(const std::string& certificate_pem, WallTime now) const;

 private:
  Result<std::string> Read(const char* name) const;

  const std::string dir_;
};

}  // namespace sekisho::auth
