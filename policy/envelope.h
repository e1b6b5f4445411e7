// The one signed form for policy, device list, grant, unlock, upgrade and
// containment. Bytes (little-endian, frozen):
//   "SEKISHO-ENVELOPE-1\n" | u32 header_size | header | u32 body_size | body |
//   u16 signature_count | signature_count * (key_id[16] | signature[64])
// header, one "key=value\n" each, in this order: type, version, issued, expires
// (seconds since 1970, 0 = never), audience ("*" or an agent id).
// A signature is Ed25519 over everything before signature_count; key_id is the
// first 16 bytes of SHA-256 of the public key.
#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxEnvelopeBytes = size_t{66} << 20;
inline constexpr size_t kMaxSignatures = 16;

using PublicKey = std::array<std::byte, 32>;
using SecretKey = std::array<std::byte, 64>;  // libsodium's form
using KeyId = std::array<std::byte, 16>;

struct KeyPair {
  PublicKey public_key;
  SecretKey secret_key;
};
KeyPair NewKeyPair();
KeyId IdOf(const PublicKey& key);

struct Envelope {
  std::string type;  // "policy", "devices", "grant", "unlock", "upgrade",
                     // "contain"
  int64_t version = 0;
  int64_t issued_seconds = 0;
  int64_t expires_seconds = 0;  // 0 = never
  std::string audience = "*";
  std::string body;
  struct Signature {
    KeyId key_id;
    std::array<std::byte, 64> bytes;
  };
  std::vector<Signature> signatures;
};

std::string Seal(Envelope envelope, const std::vector<KeyPair>& signers);
// Adds one more signature to sealed bytes (four eyes).
Result<std::string> CoSign(std::string_view sealed, const KeyPair& signer);
// Checks the form and caps only, not signatures.
Result<Envelope> ParseEnvelope(std::string_view sealed);

// Who may sign what: kept by the agent from enrolment.
// Text form (root file), one line a type:
//   sekisho-root-1
//   policy 1 <hex public key> [<hex public key>...]
struct Root {
  struct Role {
    int threshold = 1;
    std::vector<PublicKey> keys;
  };
  std::map<std::string, Role> roles;
};
Result<Root> ParseRoot(std::string_view text);
std::string PrintRoot(const Root& root);

// Verifies form, type, threshold of distinct keys, audience ("*" or
// `agent_id`). kUnauthenticated: not signed by enough of the root's keys;
// kFailedPrecondition: older than `newest_version_seen`; kInvalidArgument: form
// or type; kPermissionDenied: for another audience. An expired envelope is
// returned: stale policy keeps enforcing, and the caller reports it.
Result<Envelope> OpenEnvelope(std::string_view sealed,
                              std::string_view expected_type, const Root& root,
                              std::string_view agent_id,
                              int64_t newest_version_seen);

}  // namespace sekisho::policy
