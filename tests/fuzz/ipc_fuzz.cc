// Any bytes as a message between the agent's processes: refused, or written
// again to the same bytes. The helpers are not trusted by sekishod.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "agent/ipc/messages.h"
#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::ipc {
namespace {

template <Message T>
void Try(ByteSpan packet) {
  if (TypeOf(packet) != T::kType) {
    return;
  }
  const auto message = Decode<T>(packet);
  if (message) {
    const Bytes again = Encode(*message);
    CHECK(std::equal(again.begin(), again.end(), packet.begin(), packet.end()));
  } else {
    CHECK(!message.error().message.empty());
  }
}

template <Message... T>
void TryAll(ByteSpan packet) {
  (Try<T>(packet), ...);
}

}  // namespace
}  // namespace sekisho::ipc

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  using namespace sekisho::ipc;
  TryAll<DeviceSeen, RescanDone, ProbeRequest, ProbeAnswer, ScanRequest,
         ScanResult, GateHello, GateStart, WhoQuestion, WhoAnswer,
         TransferQuestion, TransferAnswer, TransferFailed, FilesTold, GateStop,
         GateAccess, SendFrom, EventOut, EventsAcked, CoreState, EnvelopeIn,
         UplinkState, StatusRequest, StatusAnswer, IdentityRequest,
         IdentityAnswer, EnrolmentDone, Reply, ApprovalRequest, Subscribe,
         Notice, Teardown>(std::as_bytes(std::span(data, size)));
  return 0;
}
