#include "seal/seal.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "common/text.h"
#include "proto/openssl_handles.h"

namespace sekisho::seal {
namespace {

using openssl::FreeBy;
using openssl::Key;
using openssl::OpenSslFail;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using Kdf = std::unique_ptr<EVP_KDF, FreeBy<EVP_KDF_free>>;
using KdfContext = std::unique_ptr<EVP_KDF_CTX, FreeBy<EVP_KDF_CTX_free>>;
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeBy<EVP_CIPHER_CTX_free>>;
using Pkcs8 =
    std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeBy<PKCS8_PRIV_KEY_INFO_free>>;

constexpr char kCurve[] = "prime256v1";
constexpr std::byte kVersion{1};
constexpr std::string_view kInfo = "sekisho-sealed-1";
constexpr size_t kTagBytes = 16;
constexpr size_t kNonceBytes = 12;
constexpr size_t kHeaderBytes = 1 + kKeyIdBytes + kPublicKeyBytes;

constexpr std::string_view kFirstLine = "sekisho-private-key 1";
constexpr std::string_view kKdfWord = "pbkdf2-sha256 ";
// What OWASP asks for in 2023; what is less than a tenth is no key of ours.
constexpr int kIterations = 600'000;
constexpr int kMinIterations = 60'000;
constexpr int kMaxIterations = 10'000'000;
constexpr size_t kSaltBytes = 16;
constexpr size_t kMaxKeyTextBytes = 4096;

// Wiped when it goes.
template <size_t N>
struct Secret {
  std::array<unsigned char, N> bytes{};
  Secret() = default;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { OPENSSL_cleanse(bytes.data(), N); }
};
using DerivedKey = Secret<32 + kNonceBytes>;

const unsigned char* Raw(ByteSpan bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Raw(std::string* text) {
  return reinterpret_cast<unsigned char*>(text->data());
}

Result<PublicKey> PointOf(EVP_PKEY* key) {
  unsigned char* bytes = nullptr;
  const size_t size = EVP_PKEY_get1_encoded_public_key(key, &bytes);
  PublicKey point{};
  const bool fits = size == point.size();
  if (fits) {
    std::memcpy(point.data(), bytes, size);
  }
  OPENSSL_free(bytes);
  return fits ? Result<PublicKey>(point) : OpenSslFail("public key");
}

// Checks that it is a point of the curve.
Result<Key> KeyOf(const PublicKey& point) {
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  std::string curve = kCurve;
  PublicKey copy = point;
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, curve.data(),
                                       0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, copy.data(),
                                        copy.size()),
      OSSL_PARAM_construct_end()};
  EVP_PKEY* key = nullptr;
  if (!context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        const_cast<OSSL_PARAM*>(parameters.data())) != 1) {
    ERR_clear_error();
    return Fail(Code::kInvalidArgument, "not a point of P-256");
  }
  return Key(key);
}

Result<Key> NewKey() {
  Key key(EVP_EC_gen(kCurve));
  if (!key) {
    return OpenSslFail("P-256 key");
  }
  return key;
}

Status Derive(EVP_PKEY* own, EVP_PKEY* other, const PublicKey& ephemeral,
              const PublicKey& to, DerivedKey* out) {
  Secret<32> shared;
  size_t size = shared.bytes.size();
  const KeyContext context(EVP_PKEY_CTX_new(own, nullptr));
  if (!context || EVP_PKEY_derive_init(context.get()) != 1 ||
      EVP_PKEY_derive_set_peer(context.get(), other) != 1 ||
      EVP_PKEY_derive(context.get(), shared.bytes.data(), &size) != 1 ||
      size != shared.bytes.size()) {
    return OpenSslFail("ECDH");
  }
  std::string info(kInfo);
  info += AsText(ephemeral);
  info += AsText(to);
  std::string digest = "SHA256";
  const std::array parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, shared.bytes.data(),
                                        shared.bytes.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  const Kdf kdf(EVP_KDF_fetch(nullptr, "HKDF", nullptr));
  const KdfContext made(kdf ? EVP_KDF_CTX_new(kdf.get()) : nullptr);
  if (!made || EVP_KDF_derive(made.get(), out->bytes.data(), out->bytes.size(),
                              parameters.data()) != 1) {
    return OpenSslFail("HKDF");
  }
  return {};
}

// Ciphertext and tag. `key` and `nonce` are of 32 and 12 bytes.
Result<std::string> Encrypt(const unsigned char* key,
                            const unsigned char* nonce,
                            std::string_view associated,
                            std::string_view text) {
  std::string out(text.size() + kTagBytes, '\0');
  int size = 0;
  int rest = 0;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  if (!cipher ||
      EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key,
                         nonce) != 1 ||
      EVP_EncryptUpdate(cipher.get(), nullptr, &size, Raw(associated),
                        static_cast<int>(associated.size())) != 1 ||
      EVP_EncryptUpdate(cipher.get(), Raw(&out), &size, Raw(text),
                        static_cast<int>(text.size())) != 1 ||
      EVP_EncryptFinal_ex(cipher.get(), Raw(&out) + size, &rest) != 1 ||
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes,
                          Raw(&out) + text.size()) != 1) {
    return OpenSslFail("AES-GCM");
  }
  return out;
}

// kPermissionDenied where the tag does not fit. `sealed` holds a tag.
Result<std::string> Decrypt(const unsigned char* key,
                            const unsigned char* nonce,
                            std::string_view associated,
                            std::string_view sealed) {
  const size_t text_bytes = sealed.size() - kTagBytes;
  std::string tag(sealed.substr(text_bytes));
  std::string out(text_bytes, '\0');
  int size = 0;
  int rest = 0;
  const Cipher cipher(EVP_CIPHER_CTX_new());
  const bool ok =
      cipher &&
      EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, key,
                         nonce) == 1 &&
      EVP_DecryptUpdate(cipher.get(), nullptr, &size, Raw(associated),
                        static_cast<int>(associated.size())) == 1 &&
      EVP_DecryptUpdate(cipher.get(), Raw(&out), &size, Raw(sealed),
                        static_cast<int>(text_bytes)) == 1 &&
      EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes,
                          tag.data()) == 1 &&
      EVP_DecryptFinal_ex(cipher.get(), Raw(&out) + size, &rest) == 1;
  if (!ok) {
    ERR_clear_error();
    return Fail(Code::kPermissionDenied, "it does not open");
  }
  return out;
}

std::string Base64(std::string_view bytes) {
  std::string text(
      sodium_base64_encoded_len(bytes.size(), sodium_base64_VARIANT_ORIGINAL),
      '\0');
  sodium_bin2base64(text.data(), text.size(), Raw(bytes), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL
  return text;
}

Result<std::string> FromBase64(std::string_view text) {
  std::string bytes(text.size(), '\0');
  size_t size = 0;
  if (sodium_base642bin(Raw(&bytes), bytes.size(), text.data(), text.size(),
                        nullptr, &size, nullptr,
                        sodium_base64_VARIANT_ORIGINAL) != 0) {
    return Fail(Code::kInvalidArgument, "not base64");
  }
  bytes.resize(size);
  return bytes;
}

Status KeyOfPassphrase(std::string_view passphrase, std::string_view salt,
                       int iterations, Secret<32>* out) {
  if (PKCS5_PBKDF2_HMAC(passphrase.data(), static_cast<int>(passphrase.size()),
                        Raw(salt), static_cast<int>(salt.size()), iterations,
                        EVP_sha256(), static_cast<int>(out->bytes.size()),
                        out->bytes.data()) != 1) {
    return OpenSslFail("PBKDF2");
  }
  return {};
}

Result<std::string> ToPkcs8(EVP_PKEY* key) {
  const Pkcs8 info(EVP_PKEY2PKCS8(key));
  unsigned char* der = nullptr;
  const int size = info ? i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der) : -1;
  if (size <= 0) {
    return OpenSslFail("PKCS #8");
  }
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_clear_free(der, static_cast<size_t>(size));
  return out;
}

// A key that stands in a text, as far as it can be read without a passphrase.
struct Locked {
  int iterations = 0;
  std::string salt;
  std::string id_line;
  std::string sealed;  // nonce, ciphertext, tag
};

Result<Locked> ReadLocked(std::string_view text) {
  const auto fail = [] {
    return Fail(Code::kInvalidArgument,
                "not a private key made by 'sekisho samples key'");
  };
  if (text.size() > kMaxKeyTextBytes) {
    return fail();
  }
  const std::vector<std::string_view> lines = Split(text, '\n');
  if (lines.size() < 4 || lines[0] != kFirstLine ||
      !lines[1].starts_with("id ") || !lines[2].starts_with(kKdfWord)) {
    return fail();
  }
  Locked locked;
  locked.id_line = lines[1];
  const auto words = Split(lines[2].substr(kKdfWord.size()), ' ');
  if (words.size() != 2 ||
      std::from_chars(words[0].data(), words[0].data() + words[0].size(),
                      locked.iterations)
              .ec != std::errc{} ||
      locked.iterations < kMinIterations ||
      locked.iterations > kMaxIterations) {
    return fail();
  }
  auto salt = FromBase64(words[1]);
  auto sealed = FromBase64(Trim(lines[3]));
  if (!salt || !sealed || salt->size() != kSaltBytes ||
      sealed->size() <= kNonceBytes + kTagBytes) {
    return fail();
  }
  locked.salt = *std::move(salt);
  locked.sealed = *std::move(sealed);
  return locked;
}

}  // namespace

struct PrivateKey::Handle {
  Key key;
};

PrivateKey::PrivateKey(std::unique_ptr<Handle> handle, const PublicKey& key)
    : handle_(std::move(handle)), public_(key) {}
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;
PrivateKey::~PrivateKey() = default;

KeyId IdOf(const PublicKey& key) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(Raw(ByteSpan(key)), key.size(), hash.data());
  KeyId id{};
  std::memcpy(id.data(), hash.data(), id.size());
  return id;
}

Result<KeyId> SealedFor(ByteSpan sealed) {
  if (sealed.size() < kOverheadBytes || sealed.size() > kMaxSealedBytes ||
      sealed[0] != kVersion) {
    return Fail(Code::kInvalidArgument, "not a sealed text");
  }
  KeyId id{};
  std::copy_n(sealed.begin() + 1, id.size(), id.begin());
  return id;
}

Status Prepare() {
  // No file, and no variable of the environment, has a say in it.
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) != 1) {
    return OpenSslFail("OpenSSL");
  }
  ASSIGN_OR_RETURN(const PrivateKey key, PrivateKey::Generate());
  ASSIGN_OR_RETURN(const std::string sealed, Seal("", key.public_key()));
  const auto opened = key.Open(AsBytes(sealed));
  return opened ? Status() : std::unexpected(opened.error());
}

Result<std::string> Seal(std::string_view text, const PublicKey& to) {
  if (text.size() > kMaxTextBytes) {
    return Fail(Code::kInvalidArgument, "too long to be sealed");
  }
  ASSIGN_OR_RETURN(const Key other, KeyOf(to));
  ASSIGN_OR_RETURN(const Key own, NewKey());
  ASSIGN_OR_RETURN(const PublicKey ephemeral, PointOf(own.get()));
  DerivedKey key;
  RETURN_IF_ERROR(Derive(own.get(), other.get(), ephemeral, to, &key));
  std::string out(1, static_cast<char>(kVersion));
  out += AsText(IdOf(to));
  out += AsText(ephemeral);
  ASSIGN_OR_RETURN(const std::string closed,
                   Encrypt(key.bytes.data(), key.bytes.data() + 32, out, text));
  return out + closed;
}

Result<PrivateKey> PrivateKey::Generate() {
  auto handle = std::make_unique<Handle>();
  ASSIGN_OR_RETURN(handle->key, NewKey());
  ASSIGN_OR_RETURN(const PublicKey point, PointOf(handle->key.get()));
  return PrivateKey(std::move(handle), point);
}

Result<std::string> PrivateKey::ToText(std::string_view passphrase) const {
  std::string salt(kSaltBytes, '\0');
  std::string nonce(kNonceBytes, '\0');
  if (RAND_bytes(Raw(&salt), kSaltBytes) != 1 ||
      RAND_bytes(Raw(&nonce), kNonceBytes) != 1) {
    return OpenSslFail("random bytes");
  }
  Secret<32> key;
  RETURN_IF_ERROR(KeyOfPassphrase(passphrase, salt, kIterations, &key));
  ASSIGN_OR_RETURN(std::string plain, ToPkcs8(handle_->key.get()));
  const std::string id = "id " + ToHex(IdOf(public_));
  const auto closed = Encrypt(key.bytes.data(), Raw(nonce), id, plain);
  OPENSSL_cleanse(plain.data(), plain.size());
  if (!closed) {
    return std::unexpected(closed.error());
  }
  return std::string(kFirstLine) + "\n" + id + "\n" + std::string(kKdfWord) +
         std::to_string(kIterations) + " " + Base64(salt) + "\n" +
         Base64(nonce + *closed) + "\n";
}

Result<PrivateKey> PrivateKey::FromText(std::string_view text,
                                        std::string_view passphrase) {
  ASSIGN_OR_RETURN(const Locked locked, ReadLocked(text));
  Secret<32> key;
  RETURN_IF_ERROR(
      KeyOfPassphrase(passphrase, locked.salt, locked.iterations, &key));
  auto plain = Decrypt(key.bytes.data(), Raw(locked.sealed), locked.id_line,
                       std::string_view(locked.sealed).substr(kNonceBytes));
  if (!plain) {
    return Fail(Code::kPermissionDenied, "the passphrase does not fit the key");
  }
  const unsigned char* der = Raw(*plain);
  auto handle = std::make_unique<Handle>();
  handle->key.reset(
      d2i_AutoPrivateKey(nullptr, &der, static_cast<long>(plain->size())));
  OPENSSL_cleanse(plain->data(), plain->size());
  if (!handle->key) {
    return OpenSslFail("private key");
  }
  ASSIGN_OR_RETURN(const PublicKey point, PointOf(handle->key.get()));
  return PrivateKey(std::move(handle), point);
}

Result<std::string> PrivateKey::Open(ByteSpan sealed) const {
  ASSIGN_OR_RETURN(const KeyId id, SealedFor(sealed));
  if (id != IdOf(public_)) {
    return Fail(Code::kPermissionDenied, "sealed for the key " + ToHex(id) +
                                             ", this one is " +
                                             ToHex(IdOf(public_)));
  }
  PublicKey ephemeral{};
  std::copy_n(sealed.begin() + 1 + kKeyIdBytes, ephemeral.size(),
              ephemeral.begin());
  ASSIGN_OR_RETURN(const Key other, KeyOf(ephemeral));
  DerivedKey key;
  RETURN_IF_ERROR(
      Derive(handle_->key.get(), other.get(), ephemeral, public_, &key));
  return Decrypt(key.bytes.data(), key.bytes.data() + 32,
                 AsText(sealed.first(kHeaderBytes)),
                 AsText(sealed.subspan(kHeaderBytes)));
}

}  // namespace sekisho::seal
