// The scanner beside expat, and what it leaves to it.
#include <gtest/gtest.h>

#include "detect/formats/inspect.h"
#include "samples.h"
#include "xml_events.h"

namespace sekisho::detect {
namespace {

// What both must read the same.
constexpr std::string_view kWhole[] = {
    "<a/>",
    "\xEF\xBB\xBF<?xml version=\"1.0\" encoding='UTF-8' standalone=\"yes\"?>"
    "\r\n<a></a>\r\n<!-- - over -->\n<?and done?>",
    "<x:a xmlns:x=\"u\"><x:b  y:c = '1'\td=\"2\"\n/>t</x:a >",
    "<a>1 &lt; 2 &amp;&amp; 3 &gt; 2 &quot;&apos;&#65;&#x9AD9;&#x1F600;</a>",
    "<a b='&lt;&#10;&#xd;&quot;\"' c=\"a\tb\r\nc\rd\ne\">x</a>",
    "<a>one\r\ntwo\rthree\n</a>",
    "<a><![CDATA[<b>&amp; ]] ]> ]]]><!-- <c> -->d<?e f?></a>",
    "<a>]] > ] ]a</a>",
    "<氏名 よみ=\"さとう\">佐藤　花子𠮷</氏名>",
    "<a><!----></a>",
    "<?xml version='1.0'?><!-- x --><?y?><a b='>'>'\"</a>",
    "<a a1='' a2='' a3='' a4='' a5='' a6='' a7='' a8='' a9='' b1=''/>",
};

// What both must refuse.
constexpr std::string_view kBroken[] = {
    "",
    " ",
    "<a>",
    "<a",
    "<a></b>",
    "<a></a",
    "</a>",
    "<a/><b/>",
    "<a/>text",
    "text<a/>",
    "<a b></a>",
    "<a b=c></a>",
    "<a b='1'c='2'/>",
    "<a b='1' b='2'/>",
    "<a c1='' c2='' c3='' c4='' c5='' c6='' c7='' c8='' c9='' c1=''/>",
    "<a b='<'/>",
    "<a>&nbsp;</a>",
    "<a>&amp</a>",
    "<a>&#0;</a>",
    "<a>&#X41;</a>",
    "<a>&#xD800;</a>",
    "<a>&#xFFFE;</a>",
    "<a b='&#1;'/>",
    "<a>]]></a>",
    "<a>\x01</a>",
    "<a><![CDATA[\x01]]></a>",
    "<a b='\x02'/>",
    "<a>\xE9\xAB</a>",
    "<a>\x95\x73</a>",
    "<a b='\x95\x73'/>",
    "<a><!-- -- --></a>",
    "<a><!-- </a>",
    "<a><![CDATA[ </a>",
    "<a><?b </a>",
    "<a><!DOCTYPE a></a>",
    "<1/>",
    "<a/ >",
    "<![CDATA[x]]><a/>",
    "&amp;<a/>",
};

TEST(XmlScan, ReadsWhatExpatReads) {
  for (std::string_view document : kWhole) {
    EXPECT_TRUE(XmlScanner::CanRead(document, XmlEncoding::kAsDeclared))
        << document;
    const auto expected = EventsByExpat(document);
    ASSERT_TRUE(expected) << document;
    for (const size_t piece : {1UL, 2UL, 3UL, 5UL, 7UL, 1000UL}) {
      EXPECT_EQ(EventsByScanner(document, piece), expected)
          << document << "\nin pieces of " << piece;
    }
  }
}

TEST(XmlScan, RefusesWhatExpatRefuses) {
  for (std::string_view document : kBroken) {
    EXPECT_FALSE(EventsByExpat(document)) << document;
    for (const size_t piece : {1UL, 2UL, 1000UL}) {
      EXPECT_FALSE(EventsByScanner(document, piece))
          << document << "\nin pieces of " << piece;
    }
  }
}

TEST(XmlScan, LeavesToExpatWhatIsUnusual) {
  const auto can = [](std::string_view head) {
    return XmlScanner::CanRead(head, XmlEncoding::kAsDeclared);
  };
  EXPECT_FALSE(can("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"));
  EXPECT_FALSE(can("<?xml version='1.0' encoding='Shift_JIS'?><a/>"));
  EXPECT_FALSE(can("<?xml version='1.1'?><a/>"));
  EXPECT_FALSE(can("<?xml encoding='UTF-8'?><a/>"));
  EXPECT_FALSE(can("<!-- no element yet"));
  EXPECT_FALSE(can(std::string_view("\xFF\xFE<\0a\0", 6)));
  EXPECT_TRUE(XmlScanner::CanRead(
      "<?xml version='1.0' encoding='Shift_JIS'?><a/>", XmlEncoding::kUtf8));
}

TEST(XmlScan, DeepIsABombAndAnEndlessTagHasALimit) {
  EventLog log;
  XmlScanner deep(&log);
  std::string open;
  for (int i = 0; i < kMaxXmlDepth; ++i) {
    open += "<a>";
  }
  EXPECT_TRUE(deep.Feed(AsBytes(open)));
  EXPECT_FALSE(deep.Feed(AsBytes("<a>")));
  EXPECT_EQ(deep.problem(), "bomb");

  XmlScanner wide(&log);
  EXPECT_TRUE(wide.Feed(AsBytes("<a b='")));
  const std::string block(size_t{1} << 20, 'x');
  int fed = 0;
  while (fed < 40 && wide.Feed(AsBytes(block))) {
    ++fed;
  }
  EXPECT_EQ(fed, 15);
  EXPECT_EQ(wide.problem(), "limit:dictionary");
}

// A workbook's sheet in a document type's clothes is read by expat, without
// them by the scanner: the same people.
TEST(XmlScan, TheSamePeopleByBoth) {
  std::string rows;
  for (int i = 0; i < 40; ++i) {
    rows += "<customer><name>佐藤 花子</name><phone>090-1234-" +
            std::to_string(5600 + i) + "</phone></customer>";
  }
  const std::string plain = "<list>" + rows + "</list>";
  const std::string typed =
      "<?xml version='1.0'?><!DOCTYPE list [<!ENTITY none ''>]>" + plain;
  const Findings by_scanner = InspectText(plain);
  const Findings by_expat = InspectText(typed);
  EXPECT_EQ(by_scanner.persons, by_expat.persons);
  EXPECT_EQ(by_scanner.persons, 40);
  EXPECT_EQ(by_scanner.inspection, Inspection::kFull);
  EXPECT_EQ(by_expat.inspection, Inspection::kFull);
}

}  // namespace
}  // namespace sekisho::detect
