#include "cli/enrolment_call.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstring>
#include <memory>
#include <vector>

#include "common/unique_fd.h"
#include "proto/openssl_handles.h"
#include "sekisho/enrolment/v1/enrolment_service.grpc.pb.h"

namespace sekisho::cli {
namespace {

constexpr auto kDeadline = std::chrono::seconds(30);
constexpr int kSocketSeconds = 10;
constexpr size_t kFingerprintHexBytes = 2 * kMinFingerprintBytes;

using ContextPtr = std::unique_ptr<SSL_CTX, openssl::FreeBy<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, openssl::FreeBy<SSL_free>>;

std::unexpected<Error> FailTls(std::string_view what) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return Fail(
      Code::kUnavailable,
      fmt::format("{}: {}", what, reason == nullptr ? "no answer" : reason));
}

struct HostPort {
  std::string host;
  std::string port;
};

Result<HostPort> SplitServer(const std::string& server) {
  const size_t colon = server.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == server.size()) {
    return Fail(Code::kInvalidArgument, "the server is HOST:PORT");
  }
  HostPort out{server.substr(0, colon), server.substr(colon + 1)};
  if (out.host.front() == '[' && out.host.back() == ']') {
    out.host = out.host.substr(1, out.host.size() - 2);
  }
  return out;
}

Result<UniqueFd> ConnectTcp(const HostPort& to) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error =
          ::getaddrinfo(to.host.c_str(), to.port.c_str(), &hints, &found);
      error != 0) {
    return Fail(Code::kUnavailable,
                fmt::format("{}: {}", to.host, ::gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, openssl::FreeBy<::freeaddrinfo>> list(found);
  const timeval timeout{.tv_sec = kSocketSeconds, .tv_usec = 0};
  Error last{Code::kUnavailable, "no address"};
  for (const addrinfo* at = list.get(); at != nullptr; at = at->ai_next) {
    UniqueFd fd(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC,
                         at->ai_protocol));
    if (!fd) continue;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    if (::connect(fd.get(), at->ai_addr, at->ai_addrlen) == 0) return fd;
    last = ErrnoError("connect");
    last.code = Code::kUnavailable;
  }
  return std::unexpected(std::move(last));
}

Result<Bytes> FingerprintOf(const X509* certificate) {
  Bytes digest(32);
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(),
                  reinterpret_cast<unsigned char*>(digest.data()),
                  &size) != 1) {
    return FailTls("fingerprint");
  }
  return digest;
}

Result<std::string> PickTrusted(STACK_OF(X509) * chain, ByteSpan fingerprint) {
  std::string seen;
  for (int i = 0; i < sk_X509_num(chain); ++i) {
    X509* certificate = sk_X509_value(chain, i);
    ASSIGN_OR_RETURN(const Bytes digest, FingerprintOf(certificate));
    if (std::ranges::equal(ByteSpan(digest).first(fingerprint.size()),
                           fingerprint)) {
      const openssl::Bio out(BIO_new(BIO_s_mem()));
      if (!out || PEM_write_bio_X509(out.get(), certificate) != 1) {
        return FailTls("certificate");
      }
      return openssl::TextOf(out.get());
    }
    seen += "\n  " + ToHex(digest);
  }
  return Fail(Code::kUnauthenticated,
              "the server shows no certificate with that fingerprint; it is "
              "another server, or somebody is in between. Seen:" +
                  seen);
}

}  // namespace

Token ParseToken(std::string_view text) {
  const size_t dot = text.rfind('.');
  if (dot != std::string_view::npos &&
      text.size() - dot - 1 == kFingerprintHexBytes) {
    if (auto fingerprint = FromHex(text.substr(dot + 1))) {
      return {std::string(text.substr(0, dot)), std::move(*fingerprint)};
    }
  }
  return {std::string(text), {}};
}

Result<Bytes> ParseFingerprint(std::string_view text) {
  std::string hex(text);
  std::erase(hex, ':');
  auto bytes = FromHex(hex);
  if (!bytes || bytes->size() < kMinFingerprintBytes || bytes->size() > 32) {
    return Fail(Code::kInvalidArgument,
                "a fingerprint is 32 to 64 hex digits of SHA-256");
  }
  return bytes;
}

Result<std::string> FetchTrusted(const std::string& server,
                                 ByteSpan fingerprint) {
  ASSIGN_OR_RETURN(const HostPort to, SplitServer(server));
  auto fd = ConnectTcp(to);
  if (!fd) return Wrap(server, std::move(fd).error());
  const ContextPtr context(SSL_CTX_new(TLS_client_method()));
  const SslPtr ssl(context ? SSL_new(context.get()) : nullptr);
  if (!ssl) return FailTls("TLS");
  // Nobody is believed yet: the fingerprint decides below.
  SSL_set_verify(ssl.get(), SSL_VERIFY_NONE, nullptr);
  static constexpr unsigned char kAlpn[] = {2, 'h', '2'};
  SSL_set_alpn_protos(ssl.get(), kAlpn, sizeof kAlpn);
  // Not the macro SSL_set_tlsext_host_name, which casts away const.
  SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
           const_cast<char*>(to.host.c_str()));
  if (SSL_set_fd(ssl.get(), fd->get()) != 1 || SSL_connect(ssl.get()) != 1) {
    return FailTls("TLS with " + server);
  }
  STACK_OF(X509)* chain = SSL_get_peer_cert_chain(ssl.get());
  if (chain == nullptr) return FailTls("TLS with " + server);
  return PickTrusted(chain, fingerprint);
}

Result<Enrolment> Enrol(const EnrolmentWish& wish) {
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = wish.ca_pem;
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  const auto stub =
      enrolment::v1::EnrolmentService::NewStub(grpc::CreateCustomChannel(
          wish.server, grpc::SslCredentials(tls), arguments));
  enrolment::v1::EnrolRequest request;
  request.set_token(wish.token);
  request.set_csr_pem(wish.csr_pem);
  request.set_hostname(wish.hostname);
  request.set_machine_id(wish.machine_id);
  request.set_agent_version(wish.agent_version);
  request.set_chain_public_key(std::string(AsText(wish.chain_public_key)));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  enrolment::v1::EnrolResponse response;
  const grpc::Status status = stub->Enrol(&context, request, &response);
  if (!status.ok()) {
    return Fail(static_cast<Code>(status.error_code()), status.error_message());
  }
  Enrolment enrolment;
  if (response.sketch_key().size() != enrolment.sketch_key.size() ||
      response.agent_id().empty() || response.certificate_pem().empty()) {
    return Fail(Code::kInternal, "the server's answer is not complete");
  }
  enrolment.agent_id = response.agent_id();
  enrolment.terminal = response.terminal();
  enrolment.certificate_pem = response.certificate_pem();
  enrolment.ca_pem = response.ca_pem();
  enrolment.root_file = response.root_file();
  enrolment.epoch = response.epoch();
  std::memcpy(enrolment.sketch_key.data(), response.sketch_key().data(),
              enrolment.sketch_key.size());
  return enrolment;
}

}  // namespace sekisho::cli
