#include "tests/support/fake_agent.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "common/clock.h"
#include "server/auth/certificates.h"

namespace sekisho::testing {
namespace {

std::shared_ptr<grpc::Channel> ChannelTo(
    int port, const grpc::SslCredentialsOptions& tls) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel("localhost:" + std::to_string(port),
                                   grpc::SslCredentials(tls), arguments);
}

}  // namespace

Result<Enrolled> Enrol(int port, const std::string& ca_pem,
                       const std::string& token, const std::string& hostname,
                       std::string csr_pem) {
  Enrolled enrolled;
  ASSIGN_OR_RETURN(enrolled.key_pem, auth::NewKeyPem());
  if (csr_pem.empty()) {
    ASSIGN_OR_RETURN(csr_pem, auth::NewCsrPem(enrolled.key_pem, hostname));
  }
  enrolled.chain = event::NewChainKeyPair();
  const auto stub = enrolment::v1::EnrolmentService::NewStub(ChannelTo(
      port,
      {.pem_root_certs = ca_pem, .pem_private_key = "", .pem_cert_chain = ""}));
  enrolment::v1::EnrolRequest request;
  request.set_token(token);
  request.set_csr_pem(csr_pem);
  request.set_hostname(hostname);
  request.set_machine_id("0123456789abcdef0123456789abcdef");
  request.set_chain_public_key(std::string(AsText(enrolled.chain.public_key)));
  request.set_agent_version("test");
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(20));
  const grpc::Status status = stub->Enrol(&context, request, &enrolled.answer);
  if (!status.ok()) {
    return Fail(static_cast<Code>(status.error_code()), status.error_message());
  }
  return enrolled;
}

FakeAgent::FakeAgent(int port, Enrolled enrolled)
    : enrolled_(std::move(enrolled)) {
  head_.epoch = enrolled_.answer.epoch();
  const auto channel =
      ChannelTo(port, {.pem_root_certs = enrolled_.answer.ca_pem(),
                       .pem_private_key = enrolled_.key_pem,
                       .pem_cert_chain = enrolled_.answer.certificate_pem()});
  events_ = event::v1::EventService::NewStub(channel);
  policies_ = policy::v1::PolicyService::NewStub(channel);
}

FakeAgent::~FakeAgent() {
  if (context_) {
    context_->TryCancel();
  }
  if (reader_.joinable()) {
    reader_.join();
  }
}

Result<event::v1::Welcome> FakeAgent::Connect(
    std::map<std::string, int64_t> held_versions) {
  if (context_) {
    context_->TryCancel();
    reader_.join();
    received_.clear();
    ended_ = false;
  }
  context_ = std::make_unique<grpc::ClientContext>();
  stream_ = events_->Connect(context_.get());
  event::v1::ConnectRequest request;
  auto& hello = *request.mutable_hello();
  hello.set_agent_version("test");
  hello.set_boot_id("0d1f8f52-0000-4000-8000-000000000000");
  hello.set_hostname("test-host");
  for (const auto& [type, version] : held_versions) {
    (*hello.mutable_held_versions())[type] = version;
  }
  auto& said = *hello.mutable_head();
  said.set_epoch(head_.epoch);
  said.set_sequence(head_.sequence);
  said.set_hash(std::string(AsText(head_.hash)));
  (void)stream_->Write(request);
  reader_ = std::thread([this] { ReadLoop(); });
  const auto welcome = Await(event::v1::ConnectResponse::kWelcome);
  if (!welcome) {
    const grpc::Status status = AwaitEnd();
    return Fail(static_cast<Code>(status.error_code()), status.error_message());
  }
  return welcome->welcome();
}

void FakeAgent::ReadLoop() {
  event::v1::ConnectResponse response;
  while (stream_->Read(&response)) {
    std::lock_guard lock(mutex_);
    received_.push_back(response);
    wake_.notify_all();
  }
  grpc::Status status = stream_->Finish();
  std::lock_guard lock(mutex_);
  status_ = std::move(status);
  ended_ = true;
  wake_.notify_all();
}

grpc::Status FakeAgent::Close() {
  stream_->WritesDone();
  return AwaitEnd();
}

event::v1::EventRecord FakeAgent::Next(event::v1::PublicPart part,
                                       event::v1::PersonalPart personal) {
  const WallTime now = SystemClock().Now();
  const auto id = NewUuid7(now);
  part.set_event_id(std::string(AsText(id)));
  part.set_agent_id(agent_id());
  const int64_t micros = now.time_since_epoch().count();
  part.mutable_occur_time()->set_seconds(micros / 1'000'000);
  part.mutable_occur_time()->set_nanos(
      static_cast<int32_t>(micros % 1'000'000 * 1000));
  auto record = event::Append(head_, std::move(part), personal,
                              enrolled_.chain.secret_key);
  CHECK(record.has_value());
  return std::move(*record);
}

namespace {

void SetStick(event::v1::PublicPart& part) {
  part.mutable_device()->set_bus("usb");
  part.mutable_device()->set_vendor_id("0951");
  part.mutable_device()->set_product_id("1666");
  part.mutable_device()->set_serial("E0D55EA573F0");
}

}  // namespace

event::v1::EventRecord FakeAgent::NextRequest(const std::string& purpose,
                                              int64_t seconds) {
  event::v1::PublicPart part;
  part.set_kind(event::v1::EVENT_KIND_REQUEST);
  part.set_request_seconds(seconds);
  SetStick(part);
  event::v1::PersonalPart personal;
  personal.set_person("operator");
  personal.set_purpose(purpose);
  return Next(std::move(part), std::move(personal));
}

event::v1::EventRecord FakeAgent::NextTransfer(int64_t persons,
                                               event::v1::Outcome outcome) {
  event::v1::PublicPart part;
  part.set_kind(event::v1::EVENT_KIND_TRANSFER);
  part.set_outcome(outcome);
  part.set_person_count(persons);
  part.set_format("csv");
  part.set_inspection(event::v1::INSPECTION_FULL);
  part.set_rule("many-people");
  SetStick(part);
  event::v1::PersonalPart personal;
  personal.set_person("operator");
  personal.set_file_path("customers.csv");
  return Next(std::move(part), std::move(personal));
}

bool FakeAgent::Send(const event::v1::ConnectRequest& request) {
  return stream_->Write(request);
}

bool FakeAgent::SendBatch(std::vector<event::v1::EventRecord> records) {
  event::v1::ConnectRequest request;
  for (event::v1::EventRecord& record : records) {
    *request.mutable_batch()->add_records() = std::move(record);
  }
  request.mutable_batch();
  return Send(request);
}

bool FakeAgent::SendHeartbeat() {
  event::v1::ConnectRequest request;
  auto& heartbeat = *request.mutable_heartbeat();
  heartbeat.set_mode("enforce");
  heartbeat.set_gate_state("full");
  heartbeat.set_core_alive(true);
  auto& said = *heartbeat.mutable_head();
  said.set_epoch(head_.epoch);
  said.set_sequence(head_.sequence);
  said.set_hash(std::string(AsText(head_.hash)));
  return Send(request);
}

std::optional<event::v1::ConnectResponse> FakeAgent::Await(
    event::v1::ConnectResponse::MessageCase kind,
    std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  std::optional<event::v1::ConnectResponse> found;
  const auto take = [&] {
    for (auto it = received_.begin(); it != received_.end(); ++it) {
      if (it->message_case() == kind) {
        found = *it;
        received_.erase(it);
        return true;
      }
    }
    return ended_;
  };
  wake_.wait_for(lock, limit, take);
  return found;
}

bool FakeAgent::AwaitAck(int64_t sequence) {
  for (;;) {
    const auto ack = Await(event::v1::ConnectResponse::kAck);
    if (!ack) {
      return false;
    }
    if (ack->ack().head().sequence() >= sequence) {
      return true;
    }
  }
}

grpc::Status FakeAgent::AwaitEnd() {
  std::unique_lock lock(mutex_);
  if (!wake_.wait_for(lock, std::chrono::seconds(10),
                      [this] { return ended_; })) {
    return {grpc::StatusCode::DEADLINE_EXCEEDED, "the stream did not end"};
  }
  return status_;
}

Result<std::string> FakeAgent::FetchEnvelope(const std::string& type) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() +
                       std::chrono::seconds(10));
  policy::v1::FetchEnvelopeRequest request;
  request.set_type(type);
  const auto reader = policies_->FetchEnvelope(&context, request);
  policy::v1::FetchEnvelopeResponse response;
  std::string sealed;
  while (reader->Read(&response)) {
    sealed += response.chunk();
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) {
    return Fail(static_cast<Code>(status.error_code()), status.error_message());
  }
  return sealed;
}

}  // namespace sekisho::testing
