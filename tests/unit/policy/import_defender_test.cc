#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/evaluator.h"
#include "policy/import.h"
#include "policy/xml_reader.h"

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr char kGroups[] = R"(<?xml version="1.0"?>
<Groups>
  <!-- two sticks of the company -->
  <Group Id="{AAAA}" Type="Device">
    <Name>Company sticks</Name>
    <MatchType>MatchAny</MatchType>
    <DescriptorIdList>
      <VID_PID>0951_1666</VID_PID>
      <SerialNumberId>C0-1</SerialNumberId>
    </DescriptorIdList>
  </Group>
  <Group Id="{BBBB}">
    <Name>Any removable &amp; more</Name>
    <DescriptorIdList><PrimaryId>RemovableMediaDevices</PrimaryId></DescriptorIdList>
  </Group>
  <Group Id="{CCCC}">
    <Name>By path</Name>
    <DescriptorIdList><InstancePathId>USBSTOR\X</InstancePathId></DescriptorIdList>
  </Group>
</Groups>)";

constexpr char kRules[] = R"(<PolicyRules>
  <PolicyRule Id="{1}">
    <Name>Company sticks are read only</Name>
    <IncludedIdList><GroupId>{aaaa}</GroupId></IncludedIdList>
    <Entry Id="{11}"><Type>Allow</Type><Options>0</Options><AccessMask>9</AccessMask></Entry>
    <Entry Id="{12}"><Type>Deny</Type><AccessMask>54</AccessMask></Entry>
    <Entry Id="{13}"><Type>AuditDenied</Type><AccessMask>54</AccessMask></Entry>
  </PolicyRule>
  <PolicyRule Id="{2}">
    <Name>Everything else is denied</Name>
    <IncludedIdList><GroupId>{BBBB}</GroupId></IncludedIdList>
    <ExcludedIdList><GroupId>{AAAA}</GroupId></ExcludedIdList>
    <Entry Id="{21}"><Type>Deny</Type><AccessMask>7</AccessMask></Entry>
  </PolicyRule>
  <PolicyRule Id="{3}">
    <Name>Of a person</Name>
    <IncludedIdList><GroupId>{BBBB}</GroupId></IncludedIdList>
    <Entry Id="{31}"><Type>Allow</Type><AccessMask>7</AccessMask><Sid>S-1-5</Sid></Entry>
  </PolicyRule>
  <PolicyRule Id="{4}">
    <Name>Of a path</Name>
    <IncludedIdList><GroupId>{CCCC}</GroupId></IncludedIdList>
    <Entry Id="{41}"><Type>Allow</Type><AccessMask>7</AccessMask></Entry>
  </PolicyRule>
</PolicyRules>)";

DeviceFacts Stick(const std::string& vendor, const std::string& serial) {
  DeviceFacts device;
  device.vendor_id = vendor;
  device.product_id = "1666";
  device.serial = serial;
  device.interfaces = {{8, 6, 0x50}};
  return device;
}

std::shared_ptr<const Snapshot> Through(const Imported& imported) {
  const auto read = ParsePolicy(PrintPolicy(imported.policy), "printed");
  EXPECT_TRUE(read) << read.error().message;
  return Snapshot::Make(read.value_or(Policy{}), {}, 1);
}

Access AccessOf(const Snapshot& snapshot, const DeviceFacts& device) {
  return snapshot.DecideDevice(device, {}, {}, {}).access;
}

TEST(ImportDefender, GroupsAndRulesOfWindowsBecomeOurs) {
  const auto imported = ImportDefender(
      {{"groups.xml", kGroups}, {"rules.xml", kRules}}, Access::kInspect);
  ASSERT_TRUE(imported) << imported.error().message;
  const auto snapshot = Through(*imported);
  EXPECT_EQ(AccessOf(*snapshot, Stick("0951", "x")), Access::kReadOnly);
  EXPECT_EQ(AccessOf(*snapshot, Stick("0781", "C0-1")), Access::kReadOnly);
  EXPECT_EQ(AccessOf(*snapshot, Stick("0781", "x")), Access::kBlock);
  DeviceFacts keyboard;
  keyboard.interfaces = {{3, 1, 1}};
  EXPECT_EQ(AccessOf(*snapshot, keyboard), Access::kFull);
  ASSERT_EQ(imported->left_out.size(), 3U);
  std::string all;
  for (const Problem& problem : imported->left_out) all += problem.message;
  EXPECT_THAT(all, HasSubstr("group 'By path' left out: 'InstancePathId'"));
  EXPECT_THAT(all, HasSubstr("rule 'Of a person' left out: it asks for 'Sid'"));
  EXPECT_THAT(all, HasSubstr("rule 'Of a path' left out: its group '{cccc}'"));
}

TEST(ImportDefender, TheJsonOfMacosBecomesOurs) {
  const std::string json = R"({
  "groups": [
    { "$type": "device", "id": "A-1", "name": "Kingston",
      "query": { "$type": "all", "clauses": [
        { "$type": "primaryId", "value": "removable_media_devices" },
        { "$type": "vendorId", "value": "0951" } ] } },
    { "$type": "device", "id": "A-2", "name": "Apple",
      "query": { "$type": "any", "clauses": [
        { "$type": "primaryId", "value": "apple_devices" } ] } } ],
  "rules": [
    { "id": "r", "name": "Kingston may be written", "includeGroups": ["A-1"],
      "excludeGroups": [],
      "entries": [ { "$type": "removableMedia", "id": "e",
        "enforcement": { "$type": "allow" },
        "access": ["read", "write"] } ] } ],
  "settings": { "global": { "defaultEnforcement": "deny" } }
})";
  const auto imported = ImportDefender({{"mac.json", json}}, Access::kInspect);
  ASSERT_TRUE(imported) << imported.error().message;
  const auto snapshot = Through(*imported);
  EXPECT_EQ(AccessOf(*snapshot, Stick("0951", "x")), Access::kInspect);
  EXPECT_EQ(AccessOf(*snapshot, Stick("0781", "x")), Access::kBlock);
  ASSERT_EQ(imported->left_out.size(), 1U);
  EXPECT_THAT(imported->left_out[0].message, HasSubstr("'apple_devices'"));
  ASSERT_EQ(imported->changed.size(), 1U);  // execute is left open
  EXPECT_THAT(imported->changed[0].message, HasSubstr("denied"));
}

TEST(ImportDefender, BadFilesNameThePlace) {
  const auto refused = [](const std::string& text) {
    const auto imported = ImportDefender({{"f.xml", text}}, Access::kInspect);
    return imported ? "accepted" : imported.error().message;
  };
  EXPECT_THAT(refused("<Groups>\n<Group>\n</Groups>"),
              HasSubstr("f.xml:3:1: expected the end of 'Group'"));
  EXPECT_THAT(refused("<!DOCTYPE a><Groups/>"), HasSubstr("document type"));
  EXPECT_THAT(refused("<Groups a=1/>"), HasSubstr("a quoted value"));
  EXPECT_THAT(refused("<Groups>&x;</Groups>"),
              HasSubstr("expected one of &lt"));
  EXPECT_THAT(refused("<Other/>"), HasSubstr("expected Groups"));
  EXPECT_THAT(refused("{\"a\": 1}"), HasSubstr("'groups' and 'rules'"));
  EXPECT_THAT(refused(""), HasSubstr("end of the root"));
  EXPECT_THAT(refused("text"), HasSubstr("found text"));
}

TEST(XmlReader, IsBoundedInDepth) {
  std::string text;
  for (size_t i = 0; i < kMaxXmlDepth; ++i) text += "<a>";
  std::string closing;
  for (size_t i = 0; i < kMaxXmlDepth; ++i) closing += "</a>";
  Problems good("f");
  EXPECT_TRUE(ReadXml(text + closing, good));
  Problems bad("f");
  EXPECT_FALSE(ReadXml("<a>" + text + closing + "</a>", bad));
}

TEST(ImportDeviceCsv, TakesTheUsualColumnsInAnyOrder) {
  const auto imported = ImportDeviceCsv(
      "Serial Number,Vendor ID,PID,Colour,Owner\n"
      "AA01,0x0951,1666,red,\"Yamada, Taro\"\n"
      "BB02,0781,5581,blue,\n",
      "list.csv", "approvals", Access::kReadOnly);
  ASSERT_TRUE(imported) << imported.error().message;
  ASSERT_EQ(imported->rows.size(), 2U);
  EXPECT_EQ(imported->rows[0].vendor_id, "0951");
  EXPECT_EQ(imported->rows[0].owner, "Yamada, Taro");
  EXPECT_EQ(imported->rows[1].access, Access::kReadOnly);
  EXPECT_EQ(imported->ignored_columns, std::vector<std::string>{"Colour"});
}

TEST(ImportDeviceCsv, GuessesNothing) {
  const auto refused = [](const std::string& text) {
    const auto imported =
        ImportDeviceCsv(text, "list.csv", "approvals", Access::kInspect);
    return imported ? "accepted" : imported.error().message;
  };
  EXPECT_THAT(refused(""), HasSubstr("expected a header"));
  EXPECT_THAT(refused("vid,serial\n0951,A\n"), HasSubstr("expected a header"));
  EXPECT_THAT(refused("vid,vendorid,pid,serial\n"),
              HasSubstr("expected one column"));
  EXPECT_THAT(refused("vid,pid,serial\n951,1666,A\n"),
              HasSubstr("list.csv:2:1: expected 4 hex digits"));
  EXPECT_THAT(refused("vid,pid,serial\n0951,1666\n"),
              HasSubstr("list.csv:2:1: expected 3 columns, found 2"));
}

}  // namespace
}  // namespace sekisho::policy
