// AdminService on a local socket. Who asks is the user at the other end, as the
// kernel says; behind sudo, the person who logged in.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/core/checkpoints.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::service {

class AdminSocket {
 public:
  // At `path` with mode 0660; who may connect is a matter of its group.
  static Result<std::unique_ptr<AdminSocket>> Start(
      const std::string& path, core::Desk& desk, store::Store& store,
      core::Checkpoints& checkpoints, core::ExportGate gate);
  // Ends running calls.
  virtual ~AdminSocket() = default;
};

}  // namespace sekisho::service
