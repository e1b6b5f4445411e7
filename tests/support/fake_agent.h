// An agent for tests: enrols, keeps a chain, speaks to the server over real
// mTLS, and can do wrong on purpose.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "proto/event_bytes.h"
#include "sekisho/enrolment/v1/enrolment_service.grpc.pb.h"
#include "sekisho/event/v1/event_service.grpc.pb.h"
#include "sekisho/policy/v1/policy_service.grpc.pb.h"

namespace sekisho::testing {

struct Enrolled {
  std::string key_pem;
  event::ChainKeyPair chain;
  enrolment::v1::EnrolResponse answer;
};

// `ca_pem` is what the terminal was told to trust.
Result<Enrolled> Enrol(int port, const std::string& ca_pem,
                       const std::string& token, const std::string& hostname,
                       std::string csr_pem = "");

class FakeAgent {
 public:
  FakeAgent(int port, Enrolled enrolled);
  ~FakeAgent();

  // Opens the stream, says hello, waits for the welcome.
  Result<event::v1::Welcome> Connect(
      std::map<std::string, int64_t> held_versions = {});
  // Half-closes and reads to the end; the stream's status.
  grpc::Status Close();

  // The next record of the chain.
  event::v1::EventRecord Next(event::v1::PublicPart part,
                              event::v1::PersonalPart personal = {});
  event::v1::EventRecord NextTransfer(int64_t persons,
                                      event::v1::Outcome outcome);
  // The operator asks for approval of the same stick.
  event::v1::EventRecord NextRequest(const std::string& purpose,
                                     int64_t seconds);
  bool Send(const event::v1::ConnectRequest& request);
  bool SendBatch(std::vector<event::v1::EventRecord> records);
  bool SendHeartbeat();

  // The next message of a kind, others are left; nothing within `limit`.
  std::optional<event::v1::ConnectResponse> Await(
      event::v1::ConnectResponse::MessageCase kind,
      std::chrono::milliseconds limit = std::chrono::seconds(10));
  // Waits until `sequence` is acknowledged.
  bool AwaitAck(int64_t sequence);
  // Waits for the stream to end; its status.
  grpc::Status AwaitEnd();

  Result<std::string> FetchEnvelope(const std::string& type);

  event::Head& head() { return head_; }
  const Enrolled& enrolled() const { return enrolled_; }
  const std::string& agent_id() const { return enrolled_.answer.agent_id(); }

 private:
  void ReadLoop();

  Enrolled enrolled_;
  event::Head head_;
  std::unique_ptr<event::v1::EventService::Stub> events_;
  std::unique_ptr<policy::v1::PolicyService::Stub> policies_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<event::v1::ConnectRequest,
                                           event::v1::ConnectResponse>>
      stream_;
  std::thread reader_;

  std::mutex mutex_;  // guards all below
  std::condition_variable wake_;
  std::deque<event::v1::ConnectResponse> received_;
  bool ended_ = false;
  grpc::Status status_;
};

}  // namespace sekisho::testing
