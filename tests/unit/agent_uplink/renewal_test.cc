// When and how a terminal's certificate follows another; the clock, the server
// and the CA are the test's own.
#include "agent/uplink/renewal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/file.h"
#include "server/auth/certificates.h"

namespace sekisho::uplink {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr auto kLife = hours(30 * 24);

class StoppedClock final : public Clock {
 public:
  WallTime Now() const override { return now; }
  BootTime SinceBoot() const override { return now - kStart; }
  static constexpr WallTime kStart{std::chrono::seconds(1'790'000'000)};
  WallTime now = kStart;
};

// Answers in the call: the loop is not run but for its timers.
class FakeCa final : public ServerLink {
 public:
  void Open(const Config&, const Identity&, Listener&) override {}
  void Write(event::v1::ConnectRequest) override {}
  void Cancel() override {}
  void Fetch(const std::string&, FetchDone) override {}
  void Prepare(const Config&, const Identity& identity,
               PrepareDone done) override {
    prepared.push_back(identity.certificate);
    done(prepares ? Status() : Fail(Code::kUnavailable, "not taken"));
  }
  void Renew(const Config&, const std::string&,
             const enrolment::v1::RenewRequest& request,
             RenewDone done) override {
    requests.push_back(request);
    done(renew(request));
  }
  std::function<Result<std::string>(const enrolment::v1::RenewRequest&)> renew;
  bool prepares = true;
  std::vector<enrolment::v1::RenewRequest> requests;
  std::vector<std::string> prepared;
};

class RenewalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "renewal-XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    dir_ = name;
    ca_ =
        std::move(*auth::CertificateAuthority::OpenOrCreate(dir_, clock_.now));
    loop_ = std::move(*EventLoop::Create());
    identity_.key = *auth::NewKeyPem();
    identity_.certificate = Certify(*auth::NewCsrPem(identity_.key, "t"));
    identity_.ca = ca_->certificate_pem();
    std::ofstream(dir_ + "/agent.key") << identity_.key;
    std::ofstream(dir_ + "/agent.crt") << identity_.certificate;
    std::ofstream(dir_ + "/ca.crt") << identity_.ca;
    server_.renew = [this](const enrolment::v1::RenewRequest& request) {
      return Result<std::string>(Certify(request.csr_pem()));
    };
    RenewalOptions options;
    options.state_dir = dir_;
    renewal_ = std::make_unique<Renewal>(
        *loop_, server_, clock_, options, [this] { return connected_; },
        [this] { ++renewed_; });
  }
  void TearDown() override {
    renewal_.reset();
    std::filesystem::remove_all(dir_);
  }

  std::string Certify(const std::string& csr) {
    return ca_->IssueAgent(csr, "agent-1", clock_.now, kLife)->certificate_pem;
  }
  // As the uplink does at each connection.
  bool Watch() { return renewal_->Watch({}, *ReadIdentity(dir_)); }

  std::string dir_;
  StoppedClock clock_;
  std::unique_ptr<auth::CertificateAuthority> ca_;
  std::unique_ptr<EventLoop> loop_;
  FakeCa server_;
  Identity identity_;
  bool connected_ = true;
  int renewed_ = 0;
  std::unique_ptr<Renewal> renewal_;
};

TEST_F(RenewalTest, IsDueBetweenTwoThirdsAndThreeQuartersOfLife) {
  const WallTime start;
  const enrolment::Validity validity{start, start + hours(720)};
  EXPECT_EQ(RenewAt(validity, 0), start + hours(480));
  for (const uint64_t spread : {1ULL, 500ULL, 999ULL, 4'294'967'295ULL}) {
    EXPECT_GT(RenewAt(validity, spread), start + hours(480)) << spread;
    EXPECT_LT(RenewAt(validity, spread), start + hours(540)) << spread;
  }
  EXPECT_NE(RenewAt(validity, 1), RenewAt(validity, 2));
}

TEST_F(RenewalTest, AsksOnceItIsDueAndKeepsKeyAndCertificateTogether) {
  EXPECT_TRUE(Watch());
  clock_.now += kLife * 66 / 100;
  EXPECT_TRUE(Watch());
  EXPECT_EQ(server_.requests.size(), 0U);
  clock_.now += kLife / 11;
  EXPECT_TRUE(Watch());
  ASSERT_EQ(server_.requests.size(), 1U);
  EXPECT_EQ(renewed_, 1);
  EXPECT_TRUE(enrolment::CheckRenewalProof(identity_.certificate,
                                           server_.requests[0].csr_pem(),
                                           server_.requests[0].proof()));
  const auto kept = ReadIdentity(dir_);
  ASSERT_TRUE(kept) << kept.error().message;
  EXPECT_NE(kept->key, identity_.key);
  EXPECT_TRUE(enrolment::Fits(kept->certificate, kept->key));
  EXPECT_FALSE(std::filesystem::exists(dir_ + "/agent.key"));
  EXPECT_EQ(server_.prepared, std::vector{kept->certificate});
  // The next one is watched, and is not due.
  EXPECT_TRUE(Watch());
  EXPECT_EQ(server_.requests.size(), 1U);
}

TEST_F(RenewalTest, WhatTheServerDoesNotTakeIsNotKept) {
  server_.prepares = false;
  clock_.now += kLife * 4 / 5;
  EXPECT_TRUE(Watch());
  EXPECT_EQ(server_.requests.size(), 1U);
  EXPECT_EQ(renewed_, 0);
  EXPECT_EQ(ReadIdentity(dir_)->certificate, identity_.certificate);
  // Not at once again; after the wait with another key.
  EXPECT_TRUE(Watch());
  EXPECT_EQ(server_.requests.size(), 1U);
  server_.prepares = true;
  clock_.now += minutes(11);
  EXPECT_TRUE(Watch());
  ASSERT_EQ(server_.requests.size(), 2U);
  EXPECT_NE(server_.requests[0].csr_pem(), server_.requests[1].csr_pem());
  EXPECT_EQ(renewed_, 1);
}

TEST_F(RenewalTest, ACertificateForAnotherKeyIsRefused) {
  const std::string other = Certify(*auth::NewCsrPem(*auth::NewKeyPem(), "x"));
  server_.renew = [&](const auto&) { return Result<std::string>(other); };
  clock_.now += kLife * 4 / 5;
  EXPECT_TRUE(Watch());
  EXPECT_EQ(renewed_, 0);
  EXPECT_TRUE(server_.prepared.empty());
}

TEST_F(RenewalTest, AnExpiredTerminalSaysWhatItWaitsForAndAsksEachMinute) {
  connected_ = false;
  server_.renew = [](const auto&) -> Result<std::string> {
    return Fail(Code::kFailedPrecondition, "an admin approves");
  };
  clock_.now += kLife + minutes(1);
  EXPECT_FALSE(Watch());
  EXPECT_EQ(renewal_->why(), "an admin approves");
  clock_.now += minutes(1);
  server_.renew = [this](const auto& request) {
    return Result<std::string>(Certify(request.csr_pem()));
  };
  Watch();
  EXPECT_EQ(server_.requests.size(), 2U);
  EXPECT_EQ(renewed_, 1);
  // There was no connection to try it beside.
  EXPECT_TRUE(server_.prepared.empty());
  EXPECT_TRUE(Watch());
}

TEST_F(RenewalTest, ProofBindsCertificateAndRequest) {
  const auto made = *enrolment::NewKeyAndCsr(std::string(300, 'x'));
  const std::string& old = identity_.certificate;
  const std::string proof =
      *enrolment::ProveRenewal(identity_.key, old, made.csr_pem);
  EXPECT_TRUE(enrolment::CheckRenewalProof(old, made.csr_pem, proof));
  const auto other = *enrolment::NewKeyAndCsr("x");
  EXPECT_NE(other.key_pem, made.key_pem);
  EXPECT_FALSE(enrolment::CheckRenewalProof(old, other.csr_pem, proof));
  EXPECT_FALSE(
      enrolment::CheckRenewalProof(Certify(made.csr_pem), made.csr_pem, proof));
  EXPECT_FALSE(enrolment::CheckRenewalProof(
      old, made.csr_pem,
      *enrolment::ProveRenewal(made.key_pem, old, made.csr_pem)));
  for (const std::string& bad :
       {std::string(), std::string(129, 'x'), proof + "x", proof.substr(1)}) {
    EXPECT_FALSE(enrolment::CheckRenewalProof(old, made.csr_pem, bad));
  }
  EXPECT_FALSE(enrolment::CheckRenewalProof("nonsense", made.csr_pem, proof));
}

}  // namespace
}  // namespace sekisho::uplink
