#include "server/auth/certificates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>

#include "common/file.h"

namespace sekisho::auth {
namespace {

using ::testing::HasSubstr;

constexpr const char* kAgent = "0192f0c1-0000-7000-8000-000000000001";
const WallTime kNow = SystemClock().Now();

class CertificatesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/sekisho-ca-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    ca_ = std::move(*CertificateAuthority::OpenOrCreate(dir_, kNow));
    key_ = *NewKeyPem();
    csr_ = *NewCsrPem(key_, "whatever");
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_, key_, csr_;
  std::unique_ptr<CertificateAuthority> ca_;
};

std::string TextOf(const std::string& pem) {
  BIO* in = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO* out = BIO_new(BIO_s_mem());
  X509_print(out, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(out);
  X509_free(certificate);
  BIO_free(in);
  return text;
}

TEST_F(CertificatesTest, CaIsKeptWithAPrivateKey) {
  const auto again = CertificateAuthority::OpenOrCreate(dir_, kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ((*again)->certificate_pem(), ca_->certificate_pem());
  struct stat entry{};
  ASSERT_EQ(stat((dir_ + "/ca.key").c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777U, 0600U);
}

TEST_F(CertificatesTest, RefusesACertificateThatDoesNotFitTheKey) {
  ASSERT_TRUE(ReplaceFile(dir_ + "/ca.key", key_, 0600));
  EXPECT_FALSE(CertificateAuthority::OpenOrCreate(dir_, kNow));
}

TEST_F(CertificatesTest, AgentCertificateNamesTheAgentAlone) {
  const auto issued = ca_->IssueAgent(csr_, kAgent, kNow);
  ASSERT_TRUE(issued) << issued.error().message;
  const auto read = ReadAgentCertificate(issued->certificate_pem);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->agent_id, kAgent);
  EXPECT_EQ(read->serial, issued->serial);
  EXPECT_EQ(issued->not_after, kNow + std::chrono::days(30));
  const std::string text = TextOf(issued->certificate_pem);
  EXPECT_THAT(text, HasSubstr("TLS Web Client Authentication"));
  EXPECT_THAT(text, HasSubstr("CA:FALSE"));
  EXPECT_EQ(text.find("whatever"), std::string::npos);
}

TEST_F(CertificatesTest, ServerCertificateHasItsNames) {
  const auto issued =
      ca_->IssueServer(csr_, {"sekisho.example", "10.0.2.2"}, kNow);
  ASSERT_TRUE(issued) << issued.error().message;
  const std::string text = TextOf(issued->certificate_pem);
  EXPECT_THAT(text, HasSubstr("DNS:sekisho.example, IP Address:10.0.2.2"));
  EXPECT_THAT(text, HasSubstr("TLS Web Server Authentication"));
  EXPECT_EQ(ReadAgentCertificate(issued->certificate_pem).error().code,
            Code::kUnauthenticated);
  for (const char* bad : {"", "a,DNS:b", "a b", "x\ny"}) {
    EXPECT_FALSE(ca_->IssueServer(csr_, {bad}, kNow)) << bad;
  }
  EXPECT_FALSE(ca_->IssueServer(csr_, {}, kNow));
}

TEST_F(CertificatesTest, RefusesBadCsrs) {
  const auto code = [&](const std::string& csr) {
    const auto issued = ca_->IssueAgent(csr, kAgent, kNow);
    return issued ? Code::kOk : issued.error().code;
  };
  EXPECT_EQ(code(""), Code::kInvalidArgument);
  EXPECT_EQ(code("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n"),
            Code::kInvalidArgument);
  EXPECT_EQ(code(std::string(kMaxPemBytes, 'x')), Code::kInvalidArgument);
  EXPECT_EQ(code(std::string(kMaxPemBytes + 1, 'x')), Code::kInvalidArgument);
  std::string changed = csr_;
  const size_t at = changed.size() - 60;  // in its signature
  changed[at] = changed[at] == 'A' ? 'B' : 'A';
  EXPECT_EQ(code(changed), Code::kInvalidArgument);
}

TEST_F(CertificatesTest, SerialsDiffer) {
  EXPECT_NE(ca_->IssueAgent(csr_, kAgent, kNow)->serial,
            ca_->IssueAgent(csr_, kAgent, kNow)->serial);
}

TEST_F(CertificatesTest, FingerprintIsThatOfTheDer) {
  EXPECT_EQ(Fingerprint(ca_->certificate_pem())->size(), 64U);
  EXPECT_FALSE(Fingerprint("nonsense"));
}

}  // namespace
}  // namespace sekisho::auth
