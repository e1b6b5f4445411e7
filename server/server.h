// The map of the server: what is made, in which order, and who is told of whom.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "server/alert/stocktake.h"
#include "server/core/duties.h"
#include "server/oidc/settings.h"
#include "server/store/role_set.h"

namespace sekisho {

struct ServerOptions {
  std::string state_dir = "/var/lib/sekisho";
  // A connection string of PostgreSQL; empty = SQLite in state_dir.
  std::string database;
  std::string runtime_dir = "/run/sekisho-server";
  std::string agents_listen = "0.0.0.0:7443";
  std::string console_address = "0.0.0.0";
  int console_port = 8443;  // -1 = no console
  std::string console_dir = "/usr/share/sekisho/console";
  // The enrolment process's user, who may ask over the link; empty = only our
  // own and root.
  std::string enrol_user;
  // Who else is told (server/export); one that is not there is nobody.
  std::string sinks_file = "/etc/sekisho/sinks.yaml";
  // Prometheus, /healthz, /readyz over plain HTTP; "off" = none.
  std::string metrics_listen = "off";
  // Who has one of these needs a second factor.
  store::Roles require_totp;
  // How often the owners of approved devices say that they still have them.
  alert::StocktakePlan stocktake{};
  // The sections sla, review and retention of the settings.
  core::Duties duties;
  // Where people of the console sign in, too.
  std::optional<oidc::Settings> provider;
};

// state_dir/server: sekisho.db, tls.key, tls.pem, ca.pem, signing.key,
// log.key.
// runtime_dir: admin.sock, enrol.sock.
class Server {
 public:
  static Result<std::unique_ptr<Server>> Start(const ServerOptions& options,
                                               const Clock& clock);
  // Streams are ended, what is queued is committed, threads are joined.
  virtual ~Server() = default;

  // Before the end: says it is not ready, lets each agent go with what it is
  // owed, indexes and tells sinks what there is. Takes at most `limit`; what is
  // not done then is in the database all the same.
  virtual void Drain(std::chrono::milliseconds limit) = 0;

  virtual int agents_port() const = 0;
  virtual int console_port() const = 0;  // -1 = no console
  // -1 = none, also when its port was taken: events are worth more.
  virtual int metrics_port() const = 0;
};

// `sekisho-server init`, safe to repeat: makes the CA (state_dir/ca), the
// server's and the enrolment process's keys and certificates with `names` (DNS
// names and addresses), and the sketch key. As root, folders are given to the
// two users, if they exist.
struct InitOptions {
  std::string state_dir = "/var/lib/sekisho";
  std::vector<std::string> names;
  std::string server_user;
  std::string enrol_user;
};
Status InitServer(const InitOptions& options, const Clock& clock);
// Gives state/server and state/ca to their users, as root, if they exist.
Status GiveState(const InitOptions& options);

}  // namespace sekisho
