// The server over a real TLS connection on loopback.
#include "server/web/web_server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>

#include "common/unique_fd.h"
#include "tests/support/demo_world.h"
#include "tests/support/self_signed.h"

namespace sekisho::web {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// One TLS connection; reads have a deadline of five seconds.
class Connection {
 public:
  explicit Connection(uint16_t port, int max_version = TLS1_3_VERSION)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free) {
    const timeval deadline{5, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* generic =
        static_cast<const sockaddr*>(static_cast<const void*>(&address));
    if (connect(fd_.get(), generic, sizeof address) != 0) return;
    SSL_CTX_set_max_proto_version(context_.get(), max_version);
    tls_.reset(SSL_new(context_.get()));
    SSL_set_fd(tls_.get(), fd_.get());
    connected_ = SSL_connect(tls_.get()) == 1;
  }

  bool connected() const { return connected_; }
  std::string peer_certificate() const {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        SSL_get1_peer_certificate(tls_.get()), X509_free);
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate.get(), &der);
    std::string text(reinterpret_cast<char*>(der), static_cast<size_t>(size));
    OPENSSL_free(der);
    return text;
  }

  void Write(std::string_view text) {
    SSL_write(tls_.get(), text.data(), static_cast<int>(text.size()));
  }

  // Reads on until `text` has come; what came so far if it never does.
  std::string ReadUntil(std::string_view text) {
    char buffer[4096];
    while (text.empty() || got_.find(text) == std::string::npos) {
      const int count = SSL_read(tls_.get(), buffer, sizeof buffer);
      if (count <= 0) break;
      got_.append(buffer, static_cast<size_t>(count));
    }
    return got_;
  }
  std::string ReadAll() { return ReadUntil(""); }

 private:
  struct FreeTls {
    void operator()(SSL* tls) const { SSL_free(tls); }
  };
  UniqueFd fd_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, FreeTls> tls_;
  bool connected_ = false;
  std::string got_;
};

class WebServerTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "web_XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::filesystem::create_directories(folder_ + "/static/assets");
    std::ofstream(folder_ + "/static/index.html") << "<p>the console</p>";
    std::ofstream(folder_ + "/static/assets/a-1.js") << "export {};";
    WebOptions options;
    options.listen_address = "127.0.0.1";
    options.port = 0;
    options.certificate_path = folder_ + "/cert.pem";
    options.key_path = folder_ + "/key.pem";
    options.static_dir = folder_ + "/static/";
    ASSERT_TRUE(WriteSelfSigned(options.certificate_path, options.key_path));
    world_.AddUser("tanaka", "a long enough one", core::Role::kAnalyst);
    auto server = WebServer::Start(options, world_.desk());
    ASSERT_TRUE(server) << server.error().message;
    server_ = std::move(*server);
    options_ = options;
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  std::string Fetch(const std::string& head) {
    Connection connection(server_->port());
    EXPECT_TRUE(connection.connected());
    connection.Write(head + "Host: localhost\r\nConnection: close\r\n\r\n");
    return connection.ReadAll();
  }

  std::string SessionCookie() {
    const auto session =
        world_.desk().LoginWithPassword("tanaka", "a long enough one", "", "");
    return "Cookie: __Host-sekisho=" + session->token + "\r\n";
  }

  demo::DemoWorld world_;
  WebOptions options_;
  std::string folder_;
  std::unique_ptr<WebServer> server_;
};

TEST_F(WebServerTest, ServesStaticFilesAndTheConsolesOwnPaths) {
  EXPECT_THAT(Fetch("GET / HTTP/1.1\r\n"), HasSubstr("the console"));
  EXPECT_THAT(Fetch("GET /alerts/12 HTTP/1.1\r\n"), HasSubstr("the console"));
  const std::string script = Fetch("GET /assets/a-1.js HTTP/1.1\r\n");
  EXPECT_THAT(script, HasSubstr("text/javascript"));
  EXPECT_THAT(script, HasSubstr("immutable"));
  EXPECT_THAT(Fetch("GET /missing.js HTTP/1.1\r\n"),
              StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(Fetch("GET /../cert.pem HTTP/1.1\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Fetch("GET /%2e%2e/key.pem HTTP/1.1\r\n"),
              StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(Fetch("POST / HTTP/1.1\r\nContent-Length: 0\r\n"),
              StartsWith("HTTP/1.1 400"));
}

TEST_F(WebServerTest, HeadHasNoBody) {
  const std::string answer = Fetch("HEAD / HTTP/1.1\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(answer, Not(HasSubstr("the console")));
}

TEST_F(WebServerTest, EveryAnswerCarriesTheSecurityHeaders) {
  for (const char* path : {"/", "/api/v1/session", "/missing.js"}) {
    const std::string answer =
        Fetch(std::string("GET ") + path + " HTTP/1.1\r\n");
    for (const char* header :
         {"Content-Security-Policy: default-src 'none'; script-src 'self'",
          "frame-ancestors 'none'", "Strict-Transport-Security: max-age=",
          "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
          "Referrer-Policy: no-referrer"}) {
      EXPECT_THAT(answer, HasSubstr(header)) << path;
    }
  }
}

TEST_F(WebServerTest, SpeaksNoTlsBelow13) {
  EXPECT_FALSE(Connection(server_->port(), TLS1_2_VERSION).connected());
}

TEST_F(WebServerTest, ChangeReachesAnOpenStreamWithinASecond) {
  Connection stream(server_->port());
  stream.Write("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n" +
               SessionCookie() + "\r\n");
  ASSERT_THAT(stream.ReadUntil("\r\n\r\n"), HasSubstr("text/event-stream"));
  const auto start = std::chrono::steady_clock::now();
  world_.AddBlockedTransfer();
  EXPECT_THAT(stream.ReadUntil("\"what\":\"alert\""),
              HasSubstr("event: change"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST_F(WebServerTest, LiveNeedsASession) {
  EXPECT_THAT(Fetch("GET /api/v1/live HTTP/1.1\r\n"),
              StartsWith("HTTP/1.1 401"));
}

TEST_F(WebServerTest, RefusesWhatIsOverItsLimit) {
  EXPECT_THAT(
      Fetch("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'a') + "\r\n"),
      StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(Fetch("POST /api/v1/login HTTP/1.1\r\n"
                    "Content-Length: 99999999\r\n"),
              StartsWith("HTTP/1.1 413"));
  EXPECT_THAT(Fetch("GET / HTTP/1.1\r\nX: " + std::string(8'000, 'a') + "\r\n"),
              StartsWith("HTTP/1.1 200"));
}

TEST_F(WebServerTest, EndsWithStreamsOpen) {
  Connection stream(server_->port());
  stream.Write("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n" +
               SessionCookie() + "\r\n");
  stream.ReadUntil("\r\n\r\n");
  server_.reset();
  EXPECT_EQ(world_.subscriber_count(), 0u);
  world_.AddBlockedTransfer();  // reaches nobody, hurts nothing
}

TEST_F(WebServerTest, SaysWhichFileIsWrong) {
  WebOptions options = options_;
  options.key_path = folder_ + "/none.pem";
  const auto server = WebServer::Start(options, world_.desk());
  ASSERT_FALSE(server);
  EXPECT_THAT(server.error().message, HasSubstr("none.pem"));
}

TEST_F(WebServerTest, TakesUpARenewedCertificateWithoutARestart) {
  Connection before(server_->port());
  ASSERT_TRUE(before.connected());
  ASSERT_TRUE(WriteSelfSigned(folder_ + "/new.pem", options_.key_path));
  std::filesystem::rename(folder_ + "/new.pem", options_.certificate_path);
  const auto limit =
      std::chrono::steady_clock::now() + std::chrono::seconds(10);
  bool renewed = false;
  while (!renewed && std::chrono::steady_clock::now() < limit) {
    Connection after(server_->port());
    renewed = after.connected() &&
              after.peer_certificate() != before.peer_certificate();
  }
  EXPECT_TRUE(renewed);
  // Who was connected stays.
  before.Write(
      "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(before.ReadAll(), HasSubstr("the console"));
}

}  // namespace
}  // namespace sekisho::web
