// The talk with the enrolment server: whom to trust at first contact, and the
// one call. gRPC and OpenSSL stay behind this header.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::cli {

// A prefix of SHA-256 of a certificate's DER, at least this long.
inline constexpr size_t kMinFingerprintBytes = 16;

// What `--token` carries: the secret, and after a dot the fingerprint of the
// server's CA if the token has one.
struct Token {
  std::string secret;
  Bytes fingerprint;
};
Token ParseToken(std::string_view text);

// Hex, colons allowed. kInvalidArgument: no hex, or not 16 to 32 bytes.
Result<Bytes> ParseFingerprint(std::string_view text);

// The certificate with this fingerprint among those that the server shows (or
// nobody's: kUnauthenticated, with what was seen), in PEM. Nothing else of the
// server is believed here.
Result<std::string> FetchTrusted(const std::string& server,
                                 ByteSpan fingerprint);

struct EnrolmentWish {
  std::string server;  // "host:port"
  std::string ca_pem;
  std::string token;
  std::string csr_pem;
  std::string hostname;
  std::string machine_id;
  std::string agent_version;
  std::array<std::byte, 32> chain_public_key{};
};

struct Enrolment {
  std::string agent_id;
  std::string terminal;
  std::string certificate_pem;
  std::string ca_pem;
  std::string root_file;
  int32_t epoch = 0;
  std::array<std::byte, 32> sketch_key{};
};

// Blocks for at most 30 s. The server's code and words on refusal.
Result<Enrolment> Enrol(const EnrolmentWish& wish);

}  // namespace sekisho::cli
