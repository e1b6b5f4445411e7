// Asks sekisho-unlock for the key of an encrypted volume.
#pragma once

#include <chrono>
#include <string>

#include "agent/enforce/kernel_gate.h"
#include "agent/ipc/messages.h"
#include "common/result.h"
#include "common/unix_socket.h"

namespace sekisho::agent {

struct UnlockOptions {
  std::string socket_path;
  Listener listener = Listener::kInit;
  std::chrono::milliseconds patience{60'000};
};

// Blocks: for Jobs. `passphrase` is wiped. kInvalidArgument: no key slot opens
// with it. kAborted: the node stands for another device. kDeadlineExceeded,
// kUnavailable: no answer. kFailedPrecondition: a volume that cannot be
// unlocked here, with the reason.
Result<ipc::UnlockAnswer> AskForKey(const std::string& node_path,
                                    const enforce::DeviceNumber& number,
                                    std::string passphrase,
                                    const UnlockOptions& options);

}  // namespace sekisho::agent
