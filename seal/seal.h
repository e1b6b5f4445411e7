// Seals a short text to one key on P-256, so that nobody but the holder of its
// other half can read it: the masked samples of a transfer, which the analysts
// of the SOC open and the server cannot (docs/adr/0107).
//
// Sealed bytes, made of parts every browser's WebCrypto knows:
//
//   u8 1 | key id (8) | ephemeral point (65) | AES-256-GCM(text) | tag (16)
//
//   key id      first bytes of SHA-256(public point)
//   key, nonce  HKDF-SHA-256(ikm = x of ECDH(ephemeral, public), no salt,
//               info = "sekisho-sealed-1" | ephemeral point | public point),
//               32 and 12 bytes
//   associated  the bytes before the ciphertext
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::seal {

inline constexpr size_t kPublicKeyBytes = 65;  // uncompressed point
inline constexpr size_t kKeyIdBytes = 8;
inline constexpr size_t kMaxTextBytes = 4096;
inline constexpr size_t kOverheadBytes = 1 + kKeyIdBytes + kPublicKeyBytes + 16;
inline constexpr size_t kMaxSealedBytes = kMaxTextBytes + kOverheadBytes;

using PublicKey = std::array<std::byte, kPublicKeyBytes>;
using KeyId = std::array<std::byte, kKeyIdBytes>;

KeyId IdOf(const PublicKey& key);
// Whose key opens it; kInvalidArgument for what is no sealed text.
Result<KeyId> SealedFor(ByteSpan sealed);

// Everything that OpenSSL loads or asks the system for at its first use. Call
// before entering a sandbox that refuses to open files.
Status Prepare();

// kInvalidArgument: `to` is no point of the curve, or the text is too long.
Result<std::string> Seal(std::string_view text, const PublicKey& to);

// The half that stays with the analysts. It exists outside this class only as
// a text under a passphrase:
//
//   sekisho-private-key 1
//   id <hex of the key id>
//   pbkdf2-sha256 <iterations> <salt, base64>
//   <base64 of nonce (12) | AES-256-GCM(PKCS #8) | tag (16)>
class PrivateKey {
 public:
  static Result<PrivateKey> Generate();
  // kInvalidArgument: no such text; kPermissionDenied: another passphrase.
  static Result<PrivateKey> FromText(std::string_view text,
                                     std::string_view passphrase);
  PrivateKey(PrivateKey&&) noexcept;
  PrivateKey& operator=(PrivateKey&&) noexcept;
  ~PrivateKey();

  Result<std::string> ToText(std::string_view passphrase) const;
  const PublicKey& public_key() const { return public_; }
  // kInvalidArgument: no sealed text; kPermissionDenied: for another key, or
  // changed on the way.
  Result<std::string> Open(ByteSpan sealed) const;

 private:
  struct Handle;
  PrivateKey(std::unique_ptr<Handle> handle, const PublicKey& key);

  std::unique_ptr<Handle> handle_;
  PublicKey public_{};
};

}  // namespace sekisho::seal
