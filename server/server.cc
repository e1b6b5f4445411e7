#include "server/server.h"

#include <fcntl.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/file.h"
#include "common/log.h"
#include "server/alert/certificates.h"
#include "server/alert/core_watch.h"
#include "server/alert/overdue.h"
#include "server/alert/rules.h"
#include "server/alert/silence.h"
#include "server/alert/stocktake.h"
#include "server/auth/accounts.h"
#include "server/auth/certificates.h"
#include "server/auth/own_certificate.h"
#include "server/core/audit.h"
#include "server/core/checkpoints.h"
#include "server/core/containing.h"
#include "server/core/elsewhere.h"
#include "server/core/enrolment.h"
#include "server/core/indexer.h"
#include "server/core/ingest.h"
#include "server/core/presence.h"
#include "server/core/publisher.h"
#include "server/core/retention.h"
#include "server/core/reviewing.h"
#include "server/core/rollouts.h"
#include "server/desk.h"
#include "server/export/outbox.h"
#include "server/operate/metrics_listener.h"
#include "server/operate/socket_address.h"
#include "server/operate/state_lock.h"
#include "server/operate/watch.h"
#include "server/service/admin_socket.h"
#include "server/service/agent_plane.h"
#include "server/service/enrol_link_server.h"
#include "server/store/store.h"
#ifdef SEKISHO_HAVE_WEB
#include "server/web/web_server.h"
#endif

namespace sekisho {
namespace {

constexpr auto kTick = std::chrono::milliseconds(500);

Result<std::optional<uid_t>> UserId(const std::string& name) {
  if (name.empty()) {
    return std::nullopt;
  }
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) !=
          0 ||
      found == nullptr) {
    return Fail(Code::kNotFound, "no user " + name);
  }
  return found->pw_uid;
}

// Members stand in the order in which they are made; what is made later may
// use what was made before, and ends first.
class RunningServer final : public Server {
 public:
  RunningServer(const ServerOptions& options, const Clock& clock)
      : options_(options),
        clock_(clock),
        own_(options.state_dir + "/server"),
        presence_(clock) {}
  ~RunningServer() override { Stop(); }

  Status Start() {
    ASSIGN_OR_RETURN(auto lock, operate::StateLock::Take(options_.state_dir));
    lock_.emplace(std::move(lock));
    RETURN_IF_ERROR(MakeCore());
    RETURN_IF_ERROR(OpenDoors());
    if (options_.metrics_listen != "off") StartWatch();
    ticker_ = std::thread([this] { TickLoop(); });
    return Note("server.start");
  }

  void Drain(std::chrono::milliseconds limit) override {
    const auto until = std::chrono::steady_clock::now() + limit;
    if (watch_) watch_->SetDraining();
    plane_->Drain(until);
    if (!indexer_->CatchUp(until) || !outbox_->Flush(until)) {
      Log(LogLevel::kNotice,
          "stopping before all was indexed and told; the rest is done at the "
          "next start");
    }
  }

  int agents_port() const override { return plane_ ? plane_->port() : 0; }
  int console_port() const override {
#ifdef SEKISHO_HAVE_WEB
    return web_ ? web_->port() : -1;
#else
    return -1;
#endif
  }

  int metrics_port() const override { return metrics_ ? metrics_->port() : -1; }

 private:
  Status MakeCore() {
    const std::string own = options_.state_dir + "/server";
    ASSIGN_OR_RETURN(store_, OpenStore());
    RETURN_IF_ERROR(KeysAreThere(own));
    ASSIGN_OR_RETURN(const auto agents, store_->AllAgents());
    presence_.Load(agents);
    ASSIGN_OR_RETURN(publisher_, core::Publisher::Open(*store_, clock_,
                                                       own + "/signing.key"));
    ASSIGN_OR_RETURN(checkpoints_,
                     core::Checkpoints::Open(*store_, own + "/log.key"));
    containing_ = std::make_unique<core::Containing>(
        *store_, *publisher_, presence_, changes_, clock_);
    rollouts_ = std::make_unique<core::Rollouts>(*store_, *publisher_,
                                                 presence_, changes_, clock_);
    RETURN_IF_ERROR(rollouts_->Refresh());
    ASSIGN_OR_RETURN(
        codes_, core::OfflineCodes::Open(*store_, *publisher_, changes_, clock_,
                                         own + "/code.key"));
    std::optional<std::vector<std::string>> password_users;
    if (options_.provider) {
      auto fetcher =
          std::make_unique<oidc::CurlFetcher>(options_.provider->ca_file);
      fetcher_ = fetcher.get();
      provider_ = std::make_unique<oidc::Provider>(*options_.provider,
                                                   std::move(fetcher), clock_);
      password_users = options_.provider->only_but;
    }
    accounts_ = std::make_unique<auth::Accounts>(
        *store_, clock_, options_.require_totp, std::move(password_users));
    indexer_ =
        std::make_unique<core::Indexer>(*store_, changes_, alert::AlertsFor);
    ingest_ = std::make_unique<core::Ingest>(*store_, clock_, changes_,
                                             [this] { indexer_->Wake(); });
    enrolment_ = std::make_unique<core::Enrolment>(*store_, clock_, changes_,
                                                   *publisher_);
    elsewhere_ =
        std::make_unique<core::Elsewhere>(*store_, presence_, changes_, clock_);
    const auto sinks = server_export::ReadSinks(options_.sinks_file, false);
    if (!sinks) bad_sinks_ = sinks.error();
    outbox_ = std::make_unique<server_export::Outbox>(
        *store_, changes_, clock_,
        sinks ? *sinks : server_export::SinksConfig());
    indexer_->SetActive(false);
    outbox_->SetActive(false);
    RETURN_IF_ERROR(TakeOrFollow());
    indexer_->Start();
    outbox_->Start();
    return {};
  }

  Result<std::unique_ptr<store::Store>> OpenStore() {
    if (options_.database.empty()) {
      return store::OpenSqlite({options_.state_dir + "/server/sekisho.db", {}});
    }
    return store::OpenPostgres(
        {options_.database, [](const Status& status) {
           if (status) {
             Log(LogLevel::kNotice, "the database is back");
           } else {
             Log(LogLevel::kError,
                 "the database is lost, agents keep their "
                 "events: " +
                     status.error().message);
           }
         }});
  }

  // What one server of several does begins or ends here.
  Status TakeOrFollow() {
    const bool leads = store_->TakeLead();
    if (leads == leads_) return {};
    if (leads) {
      RETURN_IF_ERROR(BeginToLead());
    } else {
      Log(LogLevel::kWarning, "this server does not lead any more");
      silence_.reset();
      cores_.reset();
      certificates_.reset();
      stocktake_.reset();
      overdue_.reset();
      reviewing_.reset();
      retention_.reset();
    }
    indexer_->SetActive(leads);
    outbox_->SetActive(leads);
    leads_ = leads;
    return {};
  }

  // Whatever the one before left is in the database.
  Status BeginToLead() {
    if (store_->IsShared()) Log(LogLevel::kNotice, "this server leads");
    silence_ = std::make_unique<alert::SilenceWatch>(*store_, presence_,
                                                     changes_, clock_);
    RETURN_IF_ERROR(silence_->Load());
    cores_ = std::make_unique<alert::CoreWatch>(*store_, presence_, changes_,
                                                clock_);
    RETURN_IF_ERROR(cores_->Load());
    certificates_ = std::make_unique<alert::CertificateWatch>(
        *store_, changes_, clock_, [this] { return own_.NotAfter(); });
    RETURN_IF_ERROR(certificates_->Load());
    stocktake_ = std::make_unique<alert::StocktakeWatch>(
        *store_, changes_, clock_, options_.stocktake);
    RETURN_IF_ERROR(stocktake_->Load());
    RETURN_IF_ERROR(outbox_->Load());
    const core::Duties& duties = options_.duties;
    overdue_ = std::make_unique<alert::OverdueWatch>(*store_, changes_, clock_,
                                                     duties.sla);
    reviewing_ = std::make_unique<core::Reviewing>(*store_, changes_, clock_,
                                                   duties.review);
    retention_ = std::make_unique<core::Retention>(
        *store_, clock_, duties.retention,
        [this] { return outbox_->EventsToldUpTo(); });
    // Events go on being taken: who is told is the smaller trouble.
    return bad_sinks_ ? outbox_->TellBadFile(*bad_sinks_) : Status();
  }

  // A key of our own making is for a server that signed nothing yet.
  Status KeysAreThere(const std::string& own) {
    ASSIGN_OR_RETURN(const auto versions, store_->EnvelopeVersions());
    ASSIGN_OR_RETURN(const merkle::Head log, store_->LogHead());
    const std::pair<const char*, bool> keys[] = {
        {"/signing.key", !versions.empty()}, {"/log.key", log.size > 0}};
    for (const auto& [name, used] : keys) {
      if (used && access((own + name).c_str(), F_OK) != 0) {
        return Fail(Code::kFailedPrecondition,
                    own + name +
                        " is missing, and terminals know this server by it: "
                        "put it back from a backup with keys");
      }
    }
    return {};
  }

  Status OpenDoors() {
    const std::string own = options_.state_dir + "/server";
    service::AgentPlaneOptions agents;
    agents.listen = options_.agents_listen;
    agents.key_path = own + "/tls.key";
    agents.certificate_path = own + "/tls.pem";
    agents.ca_path = own + "/ca.pem";
    ASSIGN_OR_RETURN(
        plane_, service::AgentPlane::Start(
                    agents, {*store_, *ingest_, presence_, changes_,
                             *checkpoints_, clock_, *containing_, *rollouts_}));
    publisher_->SetAnnounce([this](const std::string& type, int64_t version) {
      return type == "policy" ? AnnouncePolicy()
                              : plane_->Announce(type, version);
    });
    rollouts_->SetAnnounce([this] { plane_->AnnouncePolicy(); });
    ASSIGN_OR_RETURN(const std::string ca,
                     ReadFileAt(AT_FDCWD, agents.ca_path, auth::kMaxPemBytes));
    ASSIGN_OR_RETURN(const std::string fingerprint, auth::Fingerprint(ca));
    desk_ = MakeDesk(
        {*store_, *publisher_, presence_, changes_, *accounts_, clock_,
         fingerprint,
         [this](const std::string& agent_id, const std::string& reason) {
           plane_->Cut(agent_id, reason);
         },
         *containing_, *rollouts_, *codes_, *checkpoints_, options_.duties.sla,
         provider_.get()});
    ASSIGN_OR_RETURN(const auto enrol_user, UserId(options_.enrol_user));
    ASSIGN_OR_RETURN(link_, service::EnrolLinkServer::Start(
                                options_.runtime_dir + "/enrol.sock",
                                enrol_user, *enrolment_, own_, clock_));
    ASSIGN_OR_RETURN(admin_,
                     service::AdminSocket::Start(
                         options_.runtime_dir + "/admin.sock", *desk_, *store_,
                         *checkpoints_, MakeExportGate(*store_, clock_)));
    return StartConsole();
  }

  Status StartConsole() {
#ifdef SEKISHO_HAVE_WEB
    if (options_.console_port < 0) {
      return {};
    }
    web::WebOptions web;
    web.listen_address = options_.console_address;
    web.port = static_cast<uint16_t>(options_.console_port);
    web.certificate_path = options_.state_dir + "/server/tls.pem";
    web.key_path = options_.state_dir + "/server/tls.key";
    web.static_dir = options_.console_dir;
    ASSIGN_OR_RETURN(web_, web::WebServer::Start(web, *desk_));
#endif
    return {};
  }

  void StartWatch() {
    std::vector<operate::Door> doors;
    if (const auto agents = operate::ParseAddress(options_.agents_listen)) {
      const size_t colon = options_.agents_listen.rfind(':');
      std::string host = options_.agents_listen.substr(0, colon);
      if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
      doors.push_back({"agents", host, agents_port()});
    }
    if (console_port() > 0) {
      doors.push_back({"console", options_.console_address, console_port()});
    }
    watch_ = std::make_unique<operate::Watch>(
        operate::WatchParts{*store_, presence_, ingest_->traffic(), *outbox_,
                            clock_, options_.state_dir,
                            [this] { return own_.NotAfter(); },
                            [this] { return own_.CaNotAfter(); }},
        std::move(doors));
    watch_->Start();
    StartMetrics();
  }

  void StartMetrics() {
    auto started = operate::MetricsListener::Start(
        options_.metrics_listen,
        [this](std::string_view path) { return operate::Show(*watch_, path); });
    if (!started) {
      Log(LogLevel::kError, "no metrics: " + started.error().message);
      return;
    }
    metrics_ = std::move(*started);
  }

  void TickLoop() {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kTick, [this] { return stopping_; })) {
      lock.unlock();
      // A database that is lost is told of once.
      const Status done = Tick();
      const std::string trouble = done ? "" : done.error().message;
      if (!done && trouble != trouble_) {
        Log(LogLevel::kError, "tick: " + trouble);
      }
      trouble_ = trouble;
      lock.lock();
    }
  }

  // Reads what another replica or the enrolment of a replacement changed: the
  // database is the one truth, not who happened to write it.
  Status Tick() {
    ASSIGN_OR_RETURN(const auto versions, store_->EnvelopeVersions());
    for (const auto& [type, version] : versions) {
      if (type != "policy") plane_->Announce(type, version);
    }
    RETURN_IF_ERROR(rollouts_->Refresh());
    plane_->AnnouncePolicy();
    ASSIGN_OR_RETURN(const auto revoked, store_->RevokedAgents());
    for (const std::string& agent_id : revoked) {
      if (!presence_.IsRevoked(agent_id)) {
        presence_.Revoke(agent_id);
        plane_->Cut(agent_id, "this agent was revoked");
      }
    }
    RETURN_IF_ERROR(elsewhere_->Tick());
    RETURN_IF_ERROR(TakeOrFollow());
    if (!leads_) return {};
    if (store_->IsShared()) indexer_->Wake();  // what others took in
    RETURN_IF_ERROR(EndContainments());
    RETURN_IF_ERROR(EndGrants());
    RETURN_IF_ERROR(EndCodes());
    RETURN_IF_ERROR(certificates_->Tick());
    RETURN_IF_ERROR(stocktake_->Tick());
    RETURN_IF_ERROR(outbox_->Tick());
    RETURN_IF_ERROR(rollouts_->Tick());
    RETURN_IF_ERROR(cores_->Tick());
    RETURN_IF_ERROR(overdue_->Tick());
    RETURN_IF_ERROR(reviewing_->Tick());
    RETURN_IF_ERROR(retention_->Tick());
    return silence_->Tick();
  }

  // A version that is staged is told to those who are given it.
  int AnnouncePolicy() {
    if (const Status read = rollouts_->Refresh(); !read) {
      Log(LogLevel::kError, "rollouts: " + read.error().message);
    }
    return plane_->AnnouncePolicy();
  }

  Status EndContainments() {
    ASSIGN_OR_RETURN(const auto ended, containing_->EndDue());
    for (const core::Containment& one : ended) {
      RETURN_IF_ERROR(
          core::WriteAudit(*store_, clock_,
                           {.user = "sekisho-server",
                            .door = "server",
                            .address = "",
                            .action = "contain.end",
                            .object = "containment " + std::to_string(one.id),
                            .detail = "its time is over"},
                           {}));
    }
    return {};
  }

  // What was used, or whose time is over, leaves the signed list.
  Status EndGrants() {
    ASSIGN_OR_RETURN(const auto running,
                     store_->ListGrants(store::WhichGrants::kRunning, {}));
    for (store::TransferGrant grant : running) {
      const bool used = grant.used_event_row_id != 0;
      if (!used && grant.end_time > clock_.Now()) continue;
      grant.over_time = clock_.Now();
      grant.over_why = used ? "used" : "ended";
      RETURN_IF_ERROR(publisher_->PutGrant({.grant = grant, .answer = {}}));
      RETURN_IF_ERROR(core::WriteAudit(
          *store_, clock_,
          {.user = "sekisho-server",
           .door = "server",
           .address = "",
           .action = used ? "grant.used" : "grant.end",
           .object = "grant " + std::to_string(grant.id),
           .detail = used
                         ? "by event " + std::to_string(grant.used_event_row_id)
                         : "its time is over, nothing was copied"},
          {}));
      changes_.Tell({core::Change::What::kAlert, grant.alert_id, ""});
    }
    return {};
  }

  Status EndCodes() {
    ASSIGN_OR_RETURN(const auto ended, codes_->EndDue());
    for (const core::OfflineCode& one : ended) {
      RETURN_IF_ERROR(core::WriteAudit(
          *store_, clock_,
          {.user = "sekisho-server",
           .door = "server",
           .address = "",
           .action = "code.end",
           .object = "code " + std::to_string(one.id),
           .detail =
               one.used_event_row_id != 0
                   ? "used by event " + std::to_string(one.used_event_row_id)
                   : "its time is over; no use was told"},
          {}));
    }
    return {};
  }

  Status Note(const char* action) {
    return core::WriteAudit(*store_, clock_,
                            {.user = "sekisho-server",
                             .door = "server",
                             .address = "",
                             .action = action,
                             .object = "",
                             .detail = ""},
                            {});
  }

  void Stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    if (ticker_.joinable()) {
      ticker_.join();
    }
    metrics_.reset();
    watch_.reset();
    // Nobody at the door waits for a provider that is slow.
    if (fetcher_ != nullptr) fetcher_->Stop();
#ifdef SEKISHO_HAVE_WEB
    web_.reset();
#endif
    admin_.reset();
    link_.reset();
    if (plane_) {
      plane_->Shutdown();
    }
    if (store_) {
      // Written after all that was queued: every append has called back.
      (void)Note("server.stop");
    }
  }

  const ServerOptions options_;
  const Clock& clock_;
  const auth::OwnCertificate own_;
  std::optional<operate::StateLock> lock_;
  core::Changes changes_;
  core::Presence presence_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Publisher> publisher_;
  std::unique_ptr<core::Containing> containing_;
  std::unique_ptr<core::Rollouts> rollouts_;
  std::unique_ptr<core::OfflineCodes> codes_;
  std::unique_ptr<core::Checkpoints> checkpoints_;
  std::unique_ptr<oidc::Provider> provider_;  // null = passwords alone
  oidc::CurlFetcher* fetcher_ = nullptr;      // its own
  std::unique_ptr<auth::Accounts> accounts_;
  std::unique_ptr<core::Indexer> indexer_;
  std::unique_ptr<core::Ingest> ingest_;
  std::unique_ptr<core::Enrolment> enrolment_;
  std::unique_ptr<core::Elsewhere> elsewhere_;
  // All of these while it leads.
  std::unique_ptr<alert::SilenceWatch> silence_;
  std::unique_ptr<alert::CoreWatch> cores_;
  std::unique_ptr<alert::CertificateWatch> certificates_;
  std::unique_ptr<alert::StocktakeWatch> stocktake_;
  std::unique_ptr<alert::OverdueWatch> overdue_;
  std::unique_ptr<core::Reviewing> reviewing_;
  std::unique_ptr<core::Retention> retention_;
  std::unique_ptr<server_export::Outbox> outbox_;
  std::unique_ptr<service::AgentPlane> plane_;
  std::unique_ptr<core::Desk> desk_;
  std::unique_ptr<service::EnrolLinkServer> link_;
  std::unique_ptr<service::AdminSocket> admin_;
#ifdef SEKISHO_HAVE_WEB
  std::unique_ptr<web::WebServer> web_;
#endif
  std::unique_ptr<operate::Watch> watch_;
  std::unique_ptr<operate::MetricsListener> metrics_;

  std::optional<Error> bad_sinks_;
  bool leads_ = false;   // the ticker's, once it runs
  std::string trouble_;  // of the last tick; the ticker's

  std::mutex mutex_;  // guards stopping_
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread ticker_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                              const Clock& clock) {
  auto server = std::make_unique<RunningServer>(options, clock);
  RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace sekisho
