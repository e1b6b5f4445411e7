// A signed checkpoint of a log: C2SP tlog-checkpoint inside a C2SP signed note
// with an Ed25519 signature. The text is what is signed, kept and shown; any
// tool that knows the forms can check it.
//
//   <origin>\n<size>\n<base64 of the root>\n\n— <name> <base64>\n
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "common/result.h"
#include "merkle/tree.h"

namespace sekisho::merkle {

inline constexpr size_t kMaxNoteBytes = size_t{16} * 1024;

using PublicKey = std::array<std::byte, 32>;
using SecretKey = std::array<std::byte, 64>;  // libsodium's form

// The signer's name and key; the name is the log's origin, too.
struct Verifier {
  std::string name;
  PublicKey key{};
  bool operator==(const Verifier&) const = default;
};
// "name+<8 hex digits>+<base64>", as signed notes have it.
std::string PrintVerifier(const Verifier& verifier);
// kInvalidArgument.
Result<Verifier> ParseVerifier(std::string_view text);

struct Signer {
  Verifier verifier;
  SecretKey key{};
};
// A new key; the name is "sekisho.log/" and the beginning of the key's hash.
Signer NewSigner();
Result<Signer> ParseSigner(std::string_view text);
std::string PrintSigner(const Signer& signer);  // secret

// Any text of whole lines as a signed note. What is not a checkpoint must not
// begin with the name of a log: its first line says what it is.
std::string SignNote(std::string_view text, const Signer& signer);
// The text that `verifier` signed. Lines of other signers are skipped, as the
// form demands. kInvalidArgument: no note, or over `max_bytes`;
// kUnauthenticated: not signed by `verifier`.
Result<std::string_view> OpenNote(std::string_view note,
                                  const Verifier& verifier, size_t max_bytes);

std::string SignCheckpoint(const Head& head, const Signer& signer);
// What `verifier` signed. kInvalidArgument: no checkpoint; kUnauthenticated:
// not signed by `verifier`, or of another log.
Result<Head> OpenCheckpoint(std::string_view note, const Verifier& verifier);

}  // namespace sekisho::merkle
