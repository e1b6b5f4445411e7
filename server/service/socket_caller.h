// Who is at the other end of the admin socket, as a caller with roles.
#pragma once

#include <sys/types.h>

#include <string>

#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::service {

// As the kernel says.
struct SocketPeer {
  uid_t uid = 0;
  std::string name;   // of the uid
  std::string login;  // who logged in, if that is another: behind sudo or su
};

inline constexpr char kSocketDoor[] = "socket";
inline constexpr char kBreakGlassDoor[] = "socket (break-glass)";

// The person (who logged in, else a user other than root) has the roles of the
// console user of his name. Without such a user root, and the server's own
// account, which can write the database anyway, have every role, and the audit
// log says "break-glass"; others have none. A store that fails gives none.
core::Caller CallerOf(const SocketPeer& peer, uid_t own_uid,
                      store::Store& store);

}  // namespace sekisho::service
