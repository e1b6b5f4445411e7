#include "server/operate/exposition.h"

#include <gtest/gtest.h>

#include <limits>

namespace sekisho::operate {
namespace {

TEST(Exposition, WritesFamiliesAsTheFormatWants) {
  Exposition page;
  page.Begin("a_total", MetricType::kCounter, "How many.");
  page.Add(int64_t{3});
  page.Begin("b", MetricType::kGauge, "Two\nlines \\ and a slash");
  page.Add({{"sink", "siem"}, {"kind", "x"}}, 0.25);
  page.Add({}, std::numeric_limits<double>::infinity());
  EXPECT_EQ(page.text(),
            "# HELP a_total How many.\n"
            "# TYPE a_total counter\n"
            "a_total 3\n"
            "# HELP b Two\\\\nlines \\\\\\\\ and a slash\n"
            "# TYPE b gauge\n"
            "b{sink=\"siem\",kind=\"x\"} 0.25\n"
            "b +Inf\n");
}

TEST(Exposition, AValueCannotEndItsLabelOrItsLine) {
  Exposition page;
  page.Begin("a", MetricType::kGauge, "h");
  page.Add({{"l", "x\"} 1\nb{c=\"\\\xff"}}, int64_t{1});
  EXPECT_EQ(page.text(),
            "# HELP a h\n# TYPE a gauge\n"
            "a{l=\"x\\\"} 1\\\\nb{c=\\\"\\\\\\\\\\\\xff\"} 1\n");
}

TEST(Exposition, AHistogramAddsUp) {
  Exposition page;
  page.Begin("h", MetricType::kHistogram, "h");
  const double bounds[] = {0.1, 1};
  const int64_t counts[] = {2, 0, 5};
  page.AddHistogram(bounds, counts, 12.5);
  EXPECT_EQ(page.text(),
            "# HELP h h\n# TYPE h histogram\n"
            "h_bucket{le=\"0.1\"} 2\nh_bucket{le=\"1\"} 2\n"
            "h_bucket{le=\"+Inf\"} 7\nh_sum 12.5\nh_count 7\n");
}

}  // namespace
}  // namespace sekisho::operate
