#include "agent/enforce/kernel_gate.h"

#include <gtest/gtest.h>

#include "agent/enforce/fake_kernel_gate.h"

namespace sekisho::enforce {
namespace {

TEST(GateState, SaysHowMuchStands) {
  GateState state;
  EXPECT_EQ(state.Standing(), GateStanding::kUnsupported);
  state.cgroup_device_active = true;
  EXPECT_EQ(state.Standing(), GateStanding::kDegraded);
  state.lsm_active = true;
  EXPECT_EQ(state.Standing(), GateStanding::kFull);
  state.missing_hooks = {"lsm/task_kill"};
  EXPECT_EQ(state.Standing(), GateStanding::kDegraded);
}

TEST(ExpectedDenial, NeedsALookerOutsideAnySession) {
  DeniedAccess denial;
  denial.hook = DeniedAccess::Hook::kDeviceCgroup;
  denial.comm = "(udev-worker)";
  EXPECT_TRUE(IsExpectedDenial(denial));
  denial.login_uid = 1000;
  EXPECT_FALSE(IsExpectedDenial(denial)) << "comm is chosen by the process";
  denial.login_uid = UINT32_MAX;
  denial.write = true;
  EXPECT_FALSE(IsExpectedDenial(denial));
  denial.write = false;
  denial.uid = 1000;
  EXPECT_FALSE(IsExpectedDenial(denial));
  denial.uid = 0;
  denial.comm = "dd";
  EXPECT_FALSE(IsExpectedDenial(denial));
}

TEST(ExpectedDenial, TellsAttachFromLook) {
  DeniedAccess denial;
  denial.hook = DeniedAccess::Hook::kPtrace;
  denial.comm = "lsof";
  EXPECT_TRUE(IsExpectedDenial(denial));
  denial.write = true;
  EXPECT_FALSE(IsExpectedDenial(denial));
}

TEST(HookName, CoversEveryHookAndUnknownOnes) {
  EXPECT_STREQ(HookName(DeniedAccess::Hook::kOpen), "open");
  EXPECT_STREQ(HookName(DeniedAccess::Hook::kTracing), "tracing");
  EXPECT_STREQ(HookName(DeniedAccess::Hook::kSocket), "socket");
  EXPECT_STREQ(HookName(static_cast<DeniedAccess::Hook>(99)), "unknown");
}

TEST(DeviceNumber, PrintsKindAndNumbers) {
  EXPECT_EQ(ToString(DeviceNumber{NodeKind::kBlock, 8, 16}), "b8:16");
  EXPECT_EQ(ToString(DeviceNumber{NodeKind::kChar, 189, 129}), "c189:129");
}

TEST(IdentifyProgram, TellsTwoFilesApart) {
  const auto self = IdentifyProgram("/proc/self/exe");
  ASSERT_TRUE(self.has_value()) << self.error().message;
  const auto again = IdentifyProgram("/proc/self/exe");
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(*self, *again);
  const auto other = IdentifyProgram("/bin/sh");
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_NE(*self, *other);
  EXPECT_FALSE(IdentifyProgram("/").has_value());
}

TEST(FakeKernelGate, RefusesTicketsOfDevicesThatLeft) {
  FakeKernelGate gate;
  const DeviceNumber disk{NodeKind::kBlock, 8, 16};
  const auto ticket = gate.TakeTicket(disk);
  ASSERT_TRUE(ticket.has_value());
  gate.RemoveDevice(disk);
  const Status opened = gate.OpenDevice(*ticket, NodeAccess::kFull);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, Code::kAborted);
  EXPECT_TRUE(gate.open.empty());
}

}  // namespace
}  // namespace sekisho::enforce
