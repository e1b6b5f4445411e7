#include "policy/envelope.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <optional>
#include <set>

#include "common/number.h"
#include "common/text.h"
#include "policy/byte_pieces.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "SEKISHO-ENVELOPE-1\n";
constexpr std::string_view kRootMagic = "sekisho-root-1";
constexpr size_t kMaxHeaderBytes = 1024;
constexpr size_t kMaxAudienceBytes = 255;
constexpr size_t kMaxTypeBytes = 32;
constexpr size_t kMaxRootBytes = size_t{64} * 1024;
constexpr size_t kMaxRootKeys = 64;
constexpr size_t kSignatureBytes = 16 + 64;

static_assert(crypto_sign_PUBLICKEYBYTES == 32);
static_assert(crypto_sign_SECRETKEYBYTES == 64);
static_assert(crypto_sign_BYTES == 64);

// Safe to call again and from several threads; libsodium counts for itself.
void StartSodium() { CHECK(sodium_init() >= 0); }

const unsigned char* Raw(const std::byte* bytes) {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* Raw(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}
const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

bool IsType(std::string_view type) {
  return !type.empty() && type.size() <= kMaxTypeBytes &&
         std::ranges::all_of(
             type, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

bool IsAudience(std::string_view audience) {
  return !audience.empty() && audience.size() <= kMaxAudienceBytes &&
         std::ranges::all_of(audience,
                             [](char c) { return c > ' ' && c <= '~'; });
}

std::string Header(const Envelope& envelope) {
  return fmt::format(
      "type={}\nversion={}\nissued={}\nexpires={}\naudience={}\n",
      envelope.type, envelope.version, envelope.issued_seconds,
      envelope.expires_seconds, envelope.audience);
}

void AppendSignatures(std::string& out,
                      const std::vector<Envelope::Signature>& signatures) {
  std::array<std::byte, 2> count;
  PutU16(count.data(), static_cast<uint16_t>(signatures.size()));
  out += AsText(count);
  for (const Envelope::Signature& signature : signatures) {
    out += AsText(signature.key_id);
    out += AsText(signature.bytes);
  }
}

Envelope::Signature Sign(std::string_view signed_bytes, const KeyPair& signer) {
  Envelope::Signature signature;
  signature.key_id = IdOf(signer.public_key);
  CHECK(crypto_sign_detached(Raw(signature.bytes.data()), nullptr,
                             Raw(signed_bytes), signed_bytes.size(),
                             Raw(signer.secret_key.data())) == 0);
  return signature;
}

Error BadForm(std::string_view what) {
  return {Code::kInvalidArgument, fmt::format("envelope: {}", what)};
}

Result<Envelope> ParseHeader(std::string_view header) {
  const auto lines = Split(header, '\n');
  static constexpr std::array<std::string_view, 5> kKeys{
      "type=", "version=", "issued=", "expires=", "audience="};
  // The last line ends in '\n' too, so an empty piece follows it.
  if (lines.size() != kKeys.size() + 1) {
    return std::unexpected(BadForm("header must have 5 lines"));
  }
  std::array<std::string_view, 5> values;
  for (size_t i = 0; i < kKeys.size(); ++i) {
    if (!lines[i].starts_with(kKeys[i])) {
      return std::unexpected(BadForm(
          fmt::format("header line {} must begin with '{}'", i + 1, kKeys[i])));
    }
    values[i] = lines[i].substr(kKeys[i].size());
  }
  const auto version = NumberOf<int64_t>(values[1]);
  const auto issued = NumberOf<int64_t>(values[2]);
  const auto expires = NumberOf<int64_t>(values[3]);
  if (!version || !issued || !expires || *version < 0 || *issued < 0 ||
      *expires < 0) {
    return std::unexpected(BadForm("header numbers must not be negative"));
  }
  Envelope envelope;
  envelope.type = values[0];
  envelope.version = *version;
  envelope.issued_seconds = *issued;
  envelope.expires_seconds = *expires;
  envelope.audience = values[4];
  if (!IsType(envelope.type) || !IsAudience(envelope.audience)) {
    return std::unexpected(BadForm("bad type or audience"));
  }
  // One meaning, one spelling: no leading zeros or "+".
  if (Header(envelope) != header) {
    return std::unexpected(BadForm("header is not in its one spelling"));
  }
  return envelope;
}

struct Parsed {
  Envelope envelope;
  std::string_view signed_bytes;
};

Result<Parsed> ParseWhole(std::string_view sealed) {
  if (sealed.size() > kMaxEnvelopeBytes) {
    return std::unexpected(
        BadForm(fmt::format("larger than {} bytes", kMaxEnvelopeBytes)));
  }
  Cursor cursor(sealed);
  const auto magic = cursor.Take(kMagic.size());
  if (!magic || *magic != kMagic) {
    return std::unexpected(BadForm("does not begin with SEKISHO-ENVELOPE-1"));
  }
  const auto header = cursor.TakeSized(kMaxHeaderBytes);
  if (!header) return std::unexpected(BadForm("header is cut off or too big"));
  const auto body = cursor.TakeSized(kMaxEnvelopeBytes);
  if (!body) return std::unexpected(BadForm("body is cut off"));
  Parsed parsed;
  parsed.signed_bytes = sealed.substr(0, sealed.size() - cursor.left());
  ASSIGN_OR_RETURN(parsed.envelope, ParseHeader(*header));

  const auto count_bytes = cursor.Take(2);
  if (!count_bytes) return std::unexpected(BadForm("signatures are cut off"));
  const size_t count = GetU16(AsBytes(*count_bytes).data());
  if (count > kMaxSignatures) {
    return std::unexpected(
        BadForm(fmt::format("more than {} signatures", kMaxSignatures)));
  }
  if (cursor.left() != count * kSignatureBytes) {
    return std::unexpected(BadForm("size does not fit the signature count"));
  }
  for (size_t i = 0; i < count; ++i) {
    const ByteSpan bytes = AsBytes(*cursor.Take(kSignatureBytes));
    Envelope::Signature signature;
    std::ranges::copy(bytes.first(16), signature.key_id.begin());
    std::ranges::copy(bytes.subspan(16), signature.bytes.begin());
    parsed.envelope.signatures.push_back(signature);
  }
  parsed.envelope.body = *body;
  return parsed;
}

// How many different keys of the role signed these bytes.
int CountSigners(const Parsed& parsed, const Root::Role& role) {
  std::set<PublicKey> signers;
  for (const Envelope::Signature& signature : parsed.envelope.signatures) {
    for (const PublicKey& key : role.keys) {
      if (IdOf(key) != signature.key_id || signers.contains(key)) continue;
      if (crypto_sign_verify_detached(
              Raw(signature.bytes.data()), Raw(parsed.signed_bytes),
              parsed.signed_bytes.size(), Raw(key.data())) == 0) {
        signers.insert(key);
      }
    }
  }
  return static_cast<int>(signers.size());
}

std::string_view NextWord(std::string_view& line) {
  const size_t end = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

Result<Root::Role> ParseRole(std::string_view line) {
  const auto threshold = NumberOf<int>(NextWord(line));
  Root::Role role;
  while (!line.empty()) {
    const std::string_view word = NextWord(line);
    const auto bytes = FromHex(word);
    PublicKey key;
    if (!bytes || bytes->size() != key.size()) {
      return Fail(Code::kInvalidArgument,
                  "expected a public key of 64 hex digits, found '" +
                      EscapeUntrusted(word, 80) + "'");
    }
    std::ranges::copy(*bytes, key.begin());
    if (std::ranges::find(role.keys, key) != role.keys.end()) {
      return Fail(Code::kInvalidArgument, "the same key stands twice");
    }
    role.keys.push_back(key);
  }
  if (!threshold || *threshold < 1 || role.keys.size() > kMaxRootKeys ||
      static_cast<size_t>(*threshold) > role.keys.size()) {
    return Fail(Code::kInvalidArgument,
                "expected a threshold from 1 to the number of keys");
  }
  role.threshold = *threshold;
  return role;
}

}  // namespace

KeyPair NewKeyPair() {
  StartSodium();
  KeyPair pair;
  CHECK(crypto_sign_keypair(Raw(pair.public_key.data()),
                            Raw(pair.secret_key.data())) == 0);
  return pair;
}

KeyId IdOf(const PublicKey& key) {
  std::array<std::byte, crypto_hash_sha256_BYTES> hash;
  CHECK(crypto_hash_sha256(Raw(hash.data()), Raw(key.data()), key.size()) == 0);
  KeyId id;
  std::copy_n(hash.begin(), id.size(), id.begin());
  return id;
}

std::string Seal(Envelope envelope, const std::vector<KeyPair>& signers) {
  CHECK(IsType(envelope.type) && IsAudience(envelope.audience));
  CHECK(envelope.version >= 0 && envelope.issued_seconds >= 0 &&
        envelope.expires_seconds >= 0);
  CHECK(signers.size() <= kMaxSignatures);
  const std::string header = Header(envelope);
  CHECK(envelope.body.size() < kMaxEnvelopeBytes - kMaxHeaderBytes -
                                   kMaxSignatures * kSignatureBytes - 64);
  StartSodium();
  std::string out(kMagic);
  AppendU32(out, header.size());
  out += header;
  AppendU32(out, envelope.body.size());
  out += envelope.body;
  envelope.signatures.clear();
  for (const KeyPair& signer : signers) {
    envelope.signatures.push_back(Sign(out, signer));
  }
  AppendSignatures(out, envelope.signatures);
  return out;
}

Result<std::string> CoSign(std::string_view sealed, const KeyPair& signer) {
  ASSIGN_OR_RETURN(const Parsed parsed, ParseWhole(sealed));
  std::vector<Envelope::Signature> signatures = parsed.envelope.signatures;
  const KeyId id = IdOf(signer.public_key);
  if (std::ranges::find(signatures, id, &Envelope::Signature::key_id) !=
      signatures.end()) {
    return Fail(Code::kAlreadyExists, "envelope: this key signed before");
  }
  if (signatures.size() >= kMaxSignatures) {
    return Fail(
        Code::kResourceExhausted,
        fmt::format("envelope: has {} signatures already", kMaxSignatures));
  }
  StartSodium();
  signatures.push_back(Sign(parsed.signed_bytes, signer));
  std::string out(parsed.signed_bytes);
  AppendSignatures(out, signatures);
  return out;
}

Result<Envelope> ParseEnvelope(std::string_view sealed) {
  ASSIGN_OR_RETURN(Parsed parsed, ParseWhole(sealed));
  return std::move(parsed.envelope);
}

Result<Root> ParseRoot(std::string_view text) {
  if (text.size() > kMaxRootBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("root: larger than {} bytes", kMaxRootBytes));
  }
  auto lines = Split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  if (lines.empty() || lines[0] != kRootMagic) {
    return Fail(Code::kInvalidArgument,
                "root:1: expected 'sekisho-root-1' as first line");
  }
  Root root;
  for (size_t i = 1; i < lines.size(); ++i) {
    std::string_view line = lines[i];
    const std::string_view type = NextWord(line);
    if (!IsType(type) || root.roles.contains(std::string(type))) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("root:{}: expected each type once, found '{}'",
                              i + 1, EscapeUntrusted(type, 80)));
    }
    auto role = ParseRole(line);
    if (!role) return Wrap(fmt::format("root:{}", i + 1), role.error());
    root.roles.emplace(type, std::move(*role));
  }
  return root;
}

std::string PrintRoot(const Root& root) {
  std::string out = fmt::format("{}\n", kRootMagic);
  for (const auto& [type, role] : root.roles) {
    out += fmt::format("{} {}", type, role.threshold);
    for (const PublicKey& key : role.keys) out += " " + ToHex(key);
    out += '\n';
  }
  return out;
}

Result<Envelope> OpenEnvelope(std::string_view sealed,
                              std::string_view expected_type, const Root& root,
                              std::string_view agent_id,
                              int64_t newest_version_seen) {
  StartSodium();
  ASSIGN_OR_RETURN(Parsed parsed, ParseWhole(sealed));
  Envelope& envelope = parsed.envelope;
  if (envelope.type != expected_type) {
    return std::unexpected(BadForm(fmt::format("expected type '{}', found '{}'",
                                               expected_type, envelope.type)));
  }
  const auto role = root.roles.find(envelope.type);
  if (role == root.roles.end() || role->second.threshold < 1) {
    return Fail(Code::kUnauthenticated,
                fmt::format("envelope: the root names no keys for '{}'",
                            envelope.type));
  }
  const int signers = CountSigners(parsed, role->second);
  if (signers < role->second.threshold) {
    return Fail(Code::kUnauthenticated,
                fmt::format("envelope: {} of the root's keys signed, {} must",
                            signers, role->second.threshold));
  }
  if (envelope.audience != "*" && envelope.audience != agent_id) {
    return Fail(Code::kPermissionDenied,
                fmt::format("envelope: is for '{}', not for this agent",
                            envelope.audience));
  }
  if (envelope.version < newest_version_seen) {
    return Fail(Code::kFailedPrecondition,
                fmt::format("envelope: version {} is older than {}, which was "
                            "seen before",
                            envelope.version, newest_version_seen));
  }
  return std::move(envelope);
}

}  // namespace sekisho::policy
