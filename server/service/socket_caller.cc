#include "server/service/socket_caller.h"

namespace sekisho::service {

core::Caller CallerOf(const SocketPeer& peer, uid_t own_uid,
                      store::Store& store) {
  core::Caller caller;
  caller.door = kSocketDoor;
  caller.user =
      peer.login.empty() ? peer.name : peer.name + " (" + peer.login + ")";
  const bool is_root = peer.uid == 0;
  const std::string person =
      !peer.login.empty() ? peer.login : (is_root ? "" : peer.name);
  if (!person.empty()) {
    const auto user = store.FindUser(person);
    if (!user) return caller;
    if (*user) {
      auto names = store.NamesOfPerson((*user)->person_id);
      if (!names) return caller;
      caller.also_named = std::move(*names);
      caller.scope = (*user)->scope;
      if ((*user)->disable_time) return caller;
      caller.roles = (*user)->roles;
      return caller;
    }
  }
  if (is_root || peer.uid == own_uid) {
    caller.door = kBreakGlassDoor;
    caller.roles = store::Roles::All();
  }
  return caller;
}

}  // namespace sekisho::service
