#include "agent/uplink/renewal.h"

#include <unistd.h>

#include <array>

#include "common/log.h"

namespace sekisho::uplink {
namespace {

constexpr uint64_t kSpreadSteps = 1'000;

// The same for one certificate, different for different ones.
uint64_t SpreadOf(const Identity& identity) {
  return Crc32c(AsBytes(identity.certificate));
}

std::chrono::milliseconds HalfToWhole(std::chrono::milliseconds wait) {
  std::array<std::byte, 8> bytes;
  FillRandom(bytes);
  const auto half = static_cast<uint64_t>(wait.count() / 2);
  return std::chrono::milliseconds(half + GetU64(bytes.data()) % (half + 1));
}

}  // namespace

WallTime RenewAt(const enrolment::Validity& validity, uint64_t spread) {
  const auto life = validity.not_after - validity.not_before;
  return validity.not_before + life * 2 / 3 +
         life / 12 * static_cast<int64_t>(spread % kSpreadSteps) /
             static_cast<int64_t>(kSpreadSteps);
}

Renewal::Renewal(EventLoop& loop, ServerLink& server, const Clock& clock,
                 RenewalOptions options, std::function<bool()> connected,
                 std::function<void()> renewed)
    : loop_(loop),
      server_(server),
      clock_(clock),
      options_(std::move(options)),
      connected_(std::move(connected)),
      renewed_(std::move(renewed)) {}

Renewal::~Renewal() { loop_.Cancel(look_timer_); }

bool Renewal::Watch(const Config& config, const Identity& identity) {
  config_ = config;
  if (identity.certificate != identity_.certificate) Adopt(identity);
  Look();
  return !Expired();
}

void Renewal::Adopt(const Identity& identity) {
  identity_ = identity;
  validity_.reset();
  not_before_ = {};
  why_.clear();
  if (auto validity = enrolment::ValidityOf(identity.certificate)) {
    validity_ = *validity;
    due_ = RenewAt(*validity, SpreadOf(identity));
  }
}

bool Renewal::Expired() const {
  return validity_ && clock_.Now() >= validity_->not_after;
}

void Renewal::Look() {
  loop_.Cancel(look_timer_);
  look_timer_ = loop_.After(options_.look_every, [this] { Look(); });
  if (!validity_ || asking_ || clock_.Now() < due_ ||
      clock_.SinceBoot() < not_before_) {
    return;
  }
  Ask();
}

void Renewal::Ask() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  const auto made = enrolment::NewKeyAndCsr(name.data());
  if (!made) return Failed(made.error());
  enrolment::v1::RenewRequest request;
  request.set_certificate_pem(identity_.certificate);
  request.set_csr_pem(made->csr_pem);
  auto proof = enrolment::ProveRenewal(identity_.key, identity_.certificate,
                                       made->csr_pem);
  if (!proof) return Failed(proof.error());
  request.set_proof(std::move(*proof));
  asking_ = true;
  if (Expired() && why_.empty()) {
    why_ = "the certificate of this terminal has expired; asking for the next";
  }
  server_.Renew(config_, identity_.ca, request,
                [this, key = made->key_pem](Result<std::string> certificate) {
                  OnAnswer(key, std::move(certificate));
                });
}

void Renewal::OnAnswer(const std::string& key,
                       Result<std::string> certificate) {
  if (!certificate) return Failed(certificate.error());
  const Identity next{key, std::move(*certificate), identity_.ca};
  const auto validity = enrolment::ValidityOf(next.certificate);
  if (!validity || !enrolment::Fits(next.certificate, key) ||
      validity->not_after <= clock_.Now()) {
    return Failed({Code::kInternal,
                   "the server gave a certificate that is "
                   "not for this key, or has expired"});
  }
  if (!connected_()) return Keep(next);
  server_.Prepare(config_, next, [this, next](const Status& ready) {
    ready ? Keep(next) : Failed(ready.error());
  });
}

void Renewal::Keep(const Identity& next) {
  if (auto kept = WriteRenewed(options_.state_dir, next); !kept) {
    return Failed(kept.error());
  }
  asking_ = false;
  Adopt(next);
  Log(LogLevel::kNotice, "the certificate was renewed");
  renewed_();
}

void Renewal::Failed(const Error& error) {
  asking_ = false;
  if (error.message != why_) {
    Log(LogLevel::kWarning, "certificate not renewed: " + error.message);
  }
  why_ = error.message;
  not_before_ =
      clock_.SinceBoot() +
      HalfToWhole(Expired() ? options_.again_expired : options_.again);
}

}  // namespace sekisho::uplink
