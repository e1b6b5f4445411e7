// The transport: TLS 1.3, HTTP/1.1, one coroutine a connection on a few
// threads. Limits and deadlines on everything a peer controls.
#include "server/web/web_server.h"

#include <sys/stat.h>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <mutex>
#include <thread>
#include <vector>

#include "common/log.h"
#include "server/web/api.h"
#include "server/web/live_feed.h"
#include "server/web/message.h"
#include "server/web/static_files.h"

namespace sekisho::web {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Tcp = asio::ip::tcp;
using Stream = beast::ssl_stream<beast::tcp_stream>;
using boost::system::error_code;

constexpr size_t kMaxHeaderBytes = size_t{16} * 1024;
constexpr size_t kMaxBodyBytes = size_t{2} << 20;  // a policy is at most 1 MiB
constexpr auto kReadDeadline = std::chrono::seconds(60);
constexpr auto kWriteDeadline = std::chrono::seconds(30);
constexpr auto kPingEvery = std::chrono::seconds(15);
constexpr int kMaxConnections = 1000;
// What waits for an OpenID provider does so on threads of its own.
constexpr int kWaitingThreads = 2;
constexpr int kMaxWaiting = 16;

// OWASP's list for a page that loads only its own files. Styles: the component
// library writes <style> elements at run time.
constexpr std::pair<std::string_view, std::string_view> kSecurityHeaders[] = {
    {"Content-Security-Policy",
     "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
     " img-src 'self' data:; font-src 'self'; connect-src 'self';"
     " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
    {"Strict-Transport-Security", "max-age=31536000"},
    {"X-Content-Type-Options", "nosniff"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"X-Frame-Options", "DENY"},
};

template <typename Message>
void AddSecurityHeaders(Message& message) {
  for (const auto& [name, value] : kSecurityHeaders) {
    message.set(name, value);
  }
}

auto Awaiting(error_code& error) {
  return asio::redirect_error(asio::use_awaitable, error);
}

std::string_view View(beast::string_view text) {
  return {text.data(), text.size()};
}

// The certificate and key of new connections. A file that was renewed is taken
// up within kLookEvery; one that does not load leaves the one before in use.
class WatchedTls {
 public:
  WatchedTls(std::string certificate_path, std::string key_path)
      : certificate_path_(std::move(certificate_path)),
        key_path_(std::move(key_path)) {}

  Status Load() {
    const std::lock_guard lock(mutex_);
    changed_ = ChangeTime();
    ASSIGN_OR_RETURN(context_, Make());
    return {};
  }
  std::shared_ptr<asio::ssl::context> Current() {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_ < kLookEvery) return context_;
    looked_ = now;
    const auto changed = ChangeTime();
    if (changed == changed_) return context_;
    if (auto made = Make()) {
      changed_ = changed;
      context_ = std::move(*made);
      Log(LogLevel::kNotice, "the console has a renewed certificate");
    } else {
      Log(LogLevel::kError, made.error().message);
    }
    return context_;
  }

 private:
  static constexpr auto kLookEvery = std::chrono::seconds(2);

  std::pair<int64_t, int64_t> ChangeTime() const {
    struct stat entry{};
    if (::stat(certificate_path_.c_str(), &entry) != 0) return {};
    return {entry.st_mtim.tv_sec, entry.st_mtim.tv_nsec};
  }

  Result<std::shared_ptr<asio::ssl::context>> Make() const {
    // Asio throws in the set-up calls that have no error argument; the ones
    // used here all have one.
    const auto tls =
        std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    error_code error;
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_3_VERSION);
    tls->use_certificate_chain_file(certificate_path_, error);
    if (error) {
      return Fail(Code::kInvalidArgument, "certificate '" + certificate_path_ +
                                              "': " + error.message());
    }
    tls->use_private_key_file(key_path_, asio::ssl::context::pem, error);
    if (error) {
      return Fail(Code::kInvalidArgument,
                  "key '" + key_path_ + "': " + error.message());
    }
    return tls;
  }

  const std::string certificate_path_;
  const std::string key_path_;
  std::mutex mutex_;  // guards all below
  std::shared_ptr<asio::ssl::context> context_;
  std::pair<int64_t, int64_t> changed_;
  std::chrono::steady_clock::time_point looked_;
};

class Server final : public WebServer {
 public:
  Server(const WebOptions& options, core::Desk& desk)
      : options_(options),
        desk_(desk),
        api_(desk),
        feed_(desk),
        files_(StaticFiles::Load(options.static_dir)),
        tls_(options.certificate_path, options.key_path),
        acceptor_(io_) {}

  ~Server() override {
    feed_.Stop();
    io_.stop();
    threads_.clear();  // joins
    waiters_.stop();
    waiters_.join();
  }

  Status Open() {
    RETURN_IF_ERROR(tls_.Load());
    error_code error;
    const auto address = asio::ip::make_address(options_.listen_address, error);
    if (error) {
      return Fail(Code::kInvalidArgument, "listen address '" +
                                              options_.listen_address +
                                              "': " + error.message());
    }
    const Tcp::endpoint endpoint(address, options_.port);
    acceptor_.open(endpoint.protocol(), error);
    if (!error) acceptor_.set_option(Tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(endpoint, error);
    if (!error)
      acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
      return Fail(Code::kUnavailable, "listen on " + options_.listen_address +
                                          ":" + std::to_string(options_.port) +
                                          ": " + error.message());
    }
    return {};
  }

  void Run() {
    asio::co_spawn(io_, Accept(), asio::detached);
    for (int i = 0; i < options_.thread_count; ++i) {
      threads_.emplace_back([this] { io_.run(); });
    }
  }

  uint16_t port() const override {
    error_code error;
    return acceptor_.local_endpoint(error).port();
  }

 private:
  asio::awaitable<void> Accept() {
    while (true) {
      error_code error;
      Tcp::socket socket = co_await acceptor_.async_accept(
          asio::make_strand(io_), Awaiting(error));
      if (error) {
        // Out of descriptors, or a peer that left: wait, go on.
        asio::steady_timer timer(io_, std::chrono::milliseconds(100));
        co_await timer.async_wait(Awaiting(error));
        continue;
      }
      if (connections_.load() >= kMaxConnections) continue;
      const auto executor = socket.get_executor();
      asio::co_spawn(executor, Serve(std::move(socket)), asio::detached);
    }
  }

  struct Counted {
    explicit Counted(std::atomic<int>& c) : count(c) { ++count; }
    ~Counted() { --count; }
    std::atomic<int>& count;
  };

  asio::awaitable<void> Serve(Tcp::socket socket) {
    const Counted counted(connections_);
    error_code error;
    const std::string address =
        socket.remote_endpoint(error).address().to_string(error);
    const auto context = tls_.Current();
    Stream stream(std::move(socket), *context);
    beast::get_lowest_layer(stream).expires_after(kReadDeadline);
    co_await stream.async_handshake(asio::ssl::stream_base::server,
                                    Awaiting(error));
    beast::flat_buffer buffer(kMaxHeaderBytes + kMaxBodyBytes);
    while (!error) {
      http::request_parser<http::string_body> parser;
      parser.header_limit(kMaxHeaderBytes);
      parser.body_limit(kMaxBodyBytes);
      beast::get_lowest_layer(stream).expires_after(kReadDeadline);
      co_await http::async_read(stream, buffer, parser, Awaiting(error));
      if (error) {
        if (error == http::error::body_limit ||
            error == http::error::header_limit) {
          Response refusal = ErrorResponse(
              Error{Code::kResourceExhausted, "the request is over its limit"});
          refusal.status = error == http::error::body_limit ? 413 : 431;
          co_await Send(stream, std::move(refusal), false, error);
        }
        break;
      }
      const bool keep_alive = parser.get().keep_alive();
      const auto request = ToRequest(parser.get(), address);
      if (!request) {
        co_await Send(stream, ErrorResponse(request.error()), false, error);
        break;
      }
      if (request->path == "/api/v1/live") {
        co_await Follow(stream, *request);
        break;
      }
      Response response;
      if (Api::MayWait(request->path)) {
        response = co_await AnswerApart(*request);
      } else {
        response = Answer(*request);
      }
      // RFC 9110, 9.3.2: the header of GET without its body.
      if (request->method == "HEAD") response.body.clear();
      co_await Send(stream, std::move(response), keep_alive, error);
      if (!keep_alive) break;
    }
    beast::get_lowest_layer(stream).expires_after(std::chrono::seconds(5));
    co_await stream.async_shutdown(Awaiting(error));
  }

  static Result<Request> ToRequest(
      const http::request<http::string_body>& message,
      const std::string& address) {
    ASSIGN_OR_RETURN(Target target, ParseTarget(View(message.target())));
    Request request;
    request.method = std::string(View(message.method_string()));
    request.path = std::move(target.path);
    request.query = std::move(target.query);
    request.body = message.body();
    request.session_token =
        CookieValue(View(message[http::field::cookie]), kSessionCookie);
    request.attempt =
        CookieValue(View(message[http::field::cookie]), kAttemptCookie);
    request.csrf = std::string(View(message["X-Sekisho-CSRF"]));
    request.bearer = BearerOf(View(message[http::field::authorization]));
    request.content_type =
        std::string(View(message[http::field::content_type]));
    request.origin = std::string(View(message[http::field::origin]));
    request.host = std::string(View(message[http::field::host]));
    request.address = address;
    return request;
  }

  // A provider that is slow or down holds up nobody but those who wait for it.
  asio::awaitable<Response> AnswerApart(const Request& request) {
    if (waiting_.load() >= kMaxWaiting) {
      co_return ErrorResponse(
          Error{Code::kUnavailable,
                "too many sign-ins wait for the provider; try again"});
    }
    const Counted counted(waiting_);
    co_return co_await asio::co_spawn(waiters_, Wait(request),
                                      asio::use_awaitable);
  }
  asio::awaitable<Response> Wait(const Request& request) {
    co_return Answer(request);
  }

  Response Answer(const Request& request) {
    if (Api::IsApiPath(request.path)) return api_.Handle(request);
    if (request.method != "GET" && request.method != "HEAD") {
      return ErrorResponse(
          Error{Code::kInvalidArgument, "only GET is for this path"});
    }
    return files_.Get(request.path);
  }

  static asio::awaitable<void> Send(Stream& stream, Response response,
                                    bool keep_alive, error_code& error) {
    http::response<http::string_body> message(
        static_cast<http::status>(response.status), 11);
    message.set(http::field::content_type, response.content_type);
    AddSecurityHeaders(message);
    for (const auto& [name, value] : response.headers) {
      message.insert(name, value);
    }
    message.body() = std::move(response.body);
    message.keep_alive(keep_alive);
    message.prepare_payload();
    beast::get_lowest_layer(stream).expires_after(kWriteDeadline);
    co_await http::async_write(stream, message, Awaiting(error));
  }

  // For people with a role. Asked anew at every ping: a program with a token
  // polls instead.
  Result<core::Caller> FollowerOf(const Request& request) {
    if (!request.bearer.empty()) {
      return Fail(Code::kPermissionDenied, "live changes are for the console");
    }
    ASSIGN_OR_RETURN(const core::Caller caller, api_.CallerOf(request));
    if (caller.roles.empty()) {
      return Fail(Code::kPermissionDenied, "this needs a role");
    }
    return caller;
  }

  // Asked anew each time: who sees less from now on is told less from now on.
  Result<std::string> ToldTo(const Request& request,
                             LiveFeed::Reader::Waiting waiting) {
    ASSIGN_OR_RETURN(const core::Caller caller, FollowerOf(request));
    ASSIGN_OR_RETURN(waiting.changes,
                     desk_.PickChanges(caller, waiting.changes));
    return LiveFeed::Print(waiting);
  }

  // Server-sent events until the peer goes, the session ends or a write fails.
  asio::awaitable<void> Follow(Stream& stream, const Request& request) {
    error_code error;
    if (const auto may = FollowerOf(request); !may) {
      co_await Send(stream, ErrorResponse(may.error()), false, error);
      co_return;
    }
    // The timer is touched only on this connection's strand.
    const auto executor = stream.get_executor();
    const auto timer = std::make_shared<asio::steady_timer>(executor);
    const auto reader = feed_.Open([executor, timer] {
      asio::post(executor, [timer] { timer->cancel(); });
    });
    // Joined before it is told so: a peer that read the head misses nothing.
    http::response<http::empty_body> head(http::status::ok, 11);
    head.set(http::field::content_type, "text/event-stream");
    head.set(http::field::cache_control, "no-store");
    AddSecurityHeaders(head);
    head.keep_alive(false);
    http::response_serializer<http::empty_body> serializer(head);
    beast::get_lowest_layer(stream).expires_after(kWriteDeadline);
    co_await http::async_write_header(stream, serializer, Awaiting(error));
    while (!error) {
      std::string out;
      if (auto waiting = reader->Take(); !waiting.empty()) {
        auto told = ToldTo(request, std::move(waiting));
        if (!told) break;
        out = std::move(*told);
      } else {
        timer->expires_after(kPingEvery);
        error_code waited;
        co_await timer->async_wait(Awaiting(waited));
        // A quiet stream is also where an ended session is noticed.
        if (!waited && !FollowerOf(request)) break;
        if (!waited) out = ": ping\n\n";
      }
      if (out.empty()) continue;
      beast::get_lowest_layer(stream).expires_after(kWriteDeadline);
      co_await asio::async_write(stream, asio::buffer(out), Awaiting(error));
    }
  }

  const WebOptions options_;
  core::Desk& desk_;
  Api api_;
  LiveFeed feed_;
  const StaticFiles files_;
  asio::io_context io_;
  WatchedTls tls_;
  Tcp::acceptor acceptor_;
  std::atomic<int> connections_{0};
  std::atomic<int> waiting_{0};
  asio::thread_pool waiters_{kWaitingThreads};
  std::vector<std::jthread> threads_;
};

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::Start(const WebOptions& options,
                                                    core::Desk& desk) {
  auto server = std::make_unique<Server>(options, desk);
  RETURN_IF_ERROR(server->Open());
  server->Run();
  return server;
}

}  // namespace sekisho::web
