#include "merkle/checkpoint.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/text.h"

namespace sekisho::merkle {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // U+2014 and a space
constexpr char kEd25519 = 1;
constexpr size_t kKeyIdBytes = 4;
constexpr size_t kSignatureBytes = 64;
constexpr size_t kMaxNameBytes = 128;
constexpr size_t kMaxLines = 32;
constexpr size_t kNameHexDigits = 16;

const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Base64(std::string_view bytes) {
  std::string text(
      sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL),
      '\0');
  sodium_bin2base64(text.data(), text.size(), Raw(bytes), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the terminating zero
  return text;
}

Result<std::string> FromBase64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  size_t size = 0;
  if (sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()),
                        bytes.size(), text.data(), text.size(), nullptr, &size,
                        nullptr, sodium_base64_VARIANT_ORIGINAL) != 0) {
    return Fail(Code::kInvalidArgument, "not base64");
  }
  bytes.resize(size);
  return bytes;
}

std::string Sha256(std::string_view text) {
  std::string hash(crypto_hash_sha256_BYTES, '\0');
  crypto_hash_sha256(reinterpret_cast<unsigned char*>(hash.data()), Raw(text),
                     text.size());
  return hash;
}

std::string KeyBytes(const Verifier& verifier) {
  return kEd25519 + std::string(AsText(verifier.key));
}

// Four bytes that tell a signer's lines; the signature alone proves.
std::string KeyId(const Verifier& verifier) {
  return Sha256(verifier.name + "\n" + KeyBytes(verifier))
      .substr(0, kKeyIdBytes);
}

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes &&
         std::ranges::all_of(
             name, [](char c) { return c > ' ' && c < '\x7f' && c != '+'; });
}

// Three lines, no more: extensions are other logs' affair.
Result<Head> ParseBody(std::string_view body, std::string_view origin) {
  const auto lines = Split(body, '\n');
  if (lines.size() != 4 || !lines[3].empty()) {
    return Fail(Code::kInvalidArgument, "the checkpoint has not three lines");
  }
  if (lines[0] != origin) {
    return Fail(Code::kUnauthenticated, "the checkpoint is of another log");
  }
  Head head;
  const char* end = lines[1].data() + lines[1].size();
  const auto [at, error] = std::from_chars(lines[1].data(), end, head.size);
  if (error != std::errc() || at != end || head.size < 0 ||
      (lines[1].size() > 1 && lines[1].front() == '0')) {
    return Fail(Code::kInvalidArgument, "the checkpoint's size is no number");
  }
  const auto root = FromBase64(lines[2]);
  if (!root || root->size() != head.root.size()) {
    return Fail(Code::kInvalidArgument, "the checkpoint's root is no hash");
  }
  std::memcpy(head.root.data(), root->data(), head.root.size());
  return head;
}

}  // namespace

std::string PrintVerifier(const Verifier& verifier) {
  return verifier.name + "+" + ToHex(AsBytes(KeyId(verifier))) + "+" +
         Base64(KeyBytes(verifier));
}

Result<Verifier> ParseVerifier(std::string_view text) {
  const auto bad =
      Fail(Code::kInvalidArgument, "a log's key is name+8 hex digits+base64");
  const size_t first = text.find('+');
  const size_t second =
      first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos) return bad;
  Verifier verifier;
  verifier.name = text.substr(0, first);
  const auto key = FromBase64(text.substr(second + 1));
  if (!IsName(verifier.name) || !key ||
      key->size() != 1 + verifier.key.size() || key->front() != kEd25519) {
    return bad;
  }
  std::memcpy(verifier.key.data(), key->data() + 1, verifier.key.size());
  // The hex digits follow from the rest: a slip of the pen is seen.
  if (PrintVerifier(verifier) != text) return bad;
  return verifier;
}

Signer NewSigner() {
  Signer signer;
  crypto_sign_keypair(
      reinterpret_cast<unsigned char*>(signer.verifier.key.data()),
      reinterpret_cast<unsigned char*>(signer.key.data()));
  signer.verifier.name =
      "sekisho.log/" + ToHex(AsBytes(Sha256(AsText(signer.verifier.key))))
                           .substr(0, kNameHexDigits);
  return signer;
}

std::string PrintSigner(const Signer& signer) {
  return PrintVerifier(signer.verifier) + " " + ToHex(signer.key) + "\n";
}

Result<Signer> ParseSigner(std::string_view text) {
  const auto words = Split(Trim(text), ' ');
  if (words.size() != 2) {
    return Fail(Code::kDataLoss, "not a log's signing key");
  }
  Signer signer;
  ASSIGN_OR_RETURN(signer.verifier, ParseVerifier(words[0]));
  ASSIGN_OR_RETURN(const Bytes key, FromHex(words[1]));
  // libsodium's secret key ends in the public one.
  if (key.size() != signer.key.size() ||
      !std::equal(key.begin() + 32, key.end(), signer.verifier.key.begin())) {
    return Fail(Code::kDataLoss, "not a log's signing key");
  }
  std::ranges::copy(key, signer.key.begin());
  return signer;
}

std::string SignNote(std::string_view text, const Signer& signer) {
  std::string signature(kSignatureBytes, '\0');
  crypto_sign_detached(
      reinterpret_cast<unsigned char*>(signature.data()), nullptr, Raw(text),
      text.size(), reinterpret_cast<const unsigned char*>(signer.key.data()));
  return std::string(text) + "\n" + std::string(kDash) + signer.verifier.name +
         " " + Base64(KeyId(signer.verifier) + signature) + "\n";
}

std::string SignCheckpoint(const Head& head, const Signer& signer) {
  return SignNote(signer.verifier.name + "\n" + std::to_string(head.size) +
                      "\n" + Base64(AsText(head.root)) + "\n",
                  signer);
}

Result<std::string_view> OpenNote(std::string_view note,
                                  const Verifier& verifier, size_t max_bytes) {
  const size_t gap = note.rfind("\n\n");
  if (note.size() > max_bytes || gap == std::string_view::npos ||
      !note.ends_with('\n')) {
    return Fail(Code::kInvalidArgument, "not a signed note");
  }
  const std::string_view text = note.substr(0, gap + 1);
  const auto lines = Split(note.substr(gap + 2), '\n');
  if (lines.size() > kMaxLines) {
    return Fail(Code::kInvalidArgument, "too many signatures");
  }
  const std::string begins = std::string(kDash) + verifier.name + " ";
  for (const std::string_view line : lines) {
    if (!line.starts_with(begins)) continue;
    const auto bytes = FromBase64(line.substr(begins.size()));
    if (!bytes || bytes->size() != kKeyIdBytes + kSignatureBytes ||
        !bytes->starts_with(KeyId(verifier))) {
      continue;
    }
    if (crypto_sign_verify_detached(
            Raw(*bytes) + kKeyIdBytes, Raw(text), text.size(),
            reinterpret_cast<const unsigned char*>(verifier.key.data())) == 0) {
      return text;
    }
  }
  return Fail(Code::kUnauthenticated,
              "the note is not signed by " + verifier.name);
}

Result<Head> OpenCheckpoint(std::string_view note, const Verifier& verifier) {
  ASSIGN_OR_RETURN(const std::string_view body,
                   OpenNote(note, verifier, kMaxNoteBytes));
  return ParseBody(body, verifier.name);
}

}  // namespace sekisho::merkle
