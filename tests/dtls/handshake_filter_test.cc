#include "dtls/handshake_filter.h"

#include "dtls/endpoint.h"
#include "dtls/record.h"
#include "tests/support/dtls_records.h"
#include "tests/support/read_file.h"

namespace simpul::dtls {
namespace {

using ::simpul::testing::HandshakeFragment;
using ::simpul::testing::make_fragment;
using ::simpul::testing::make_record;
using ::simpul::testing::read_test_data;
using Verdict = HandshakeFilter::Verdict;

std::vector<uint8_t> zeros(size_t size) { return std::vector<uint8_t>(size); }

class Filter : public ::testing::Test {
 protected:
  Verdict judge(const std::vector<uint8_t>& record) {
    RecordReader reader(record);
    const auto read = reader.next();
    return read ? filter_.judge(*read) : Verdict::kDrop;
  }
  Verdict judge_fragment(const HandshakeFragment& fragment) {
    return judge(make_record(22, make_fragment(fragment)));
  }

  HandshakeFilter filter_{Role::kServer};
};

TEST(RecordReader, GivesTheRecordsOfADatagramOneByOne) {
  auto datagram = make_record(22, {1, 2, 3}, 0, 7);
  const auto second = make_record(21, {9}, 1, 8);
  datagram.insert(datagram.end(), second.begin(), second.end());
  RecordReader reader(datagram);
  const auto first = reader.next();
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->type, ContentType::kHandshake);
  EXPECT_EQ(first->content.size(), 3u);
  const auto last = reader.next();
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(last->epoch, 1);
  EXPECT_EQ(last->whole.size(), 14u);
  EXPECT_FALSE(reader.next().has_value());
}

TEST(RecordReader, EndsAtWhatIsNoRecord) {
  const auto good = make_record(22, {1, 2, 3});
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(RecordReader(Bytes(good).first(size)).next().has_value()) << size;
  }
  EXPECT_FALSE(RecordReader(make_record(22, {})).next().has_value());
  EXPECT_FALSE(RecordReader(make_record(24, {1})).next().has_value());  // heartbeat
  EXPECT_FALSE(RecordReader(make_record(19, {1})).next().has_value());
  auto version = good;
  version[1] = 3;
  EXPECT_FALSE(RecordReader(version).next().has_value());
  EXPECT_FALSE(RecordReader(make_record(22, zeros((1 << 14) + 2049))).next().has_value());
  auto record_version_10 = good;
  record_version_10[2] = 0xff;
  EXPECT_TRUE(RecordReader(record_version_10).next().has_value());
}

TEST_F(Filter, PassesTheHellosOfRealClients) {
  for (const std::string client : {"aiortc", "chromium", "chromium-nopqc", "firefox", "gst"}) {
    filter_.reset();
    for (const auto* part : {"-hello-0.bin", "-hello-1.bin"}) {
      const auto datagram = read_test_data("dtls/" + client + part);
      RecordReader reader(datagram);
      while (const auto record = reader.next()) {
        EXPECT_EQ(filter_.judge(*record), Verdict::kPass) << client;
      }
    }
  }
}

TEST_F(Filter, DropsFragmentsThatLie) {
  EXPECT_EQ(judge_fragment({.length = 10, .offset = 5, .bytes = zeros(6)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.length = 10, .offset = 0xffffff, .bytes = zeros(1)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.length = 10, .bytes = {}}), Verdict::kDrop);  // zero-length
  auto longer_than_its_record = make_fragment({.length = 10, .bytes = zeros(4)});
  longer_than_its_record[11] = 5;
  EXPECT_EQ(judge(make_record(22, longer_than_its_record)), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(22, zeros(11))), Verdict::kDrop);
}

TEST_F(Filter, DropsMessagesThatAreTooLarge) {
  EXPECT_EQ(judge_fragment({.type = 1, .length = 3'073, .bytes = zeros(1)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.type = 1, .length = 0xffffff, .bytes = zeros(1)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.type = 11, .length = 5'121, .bytes = zeros(1)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.type = 16, .length = 2'049, .bytes = zeros(1)}), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.type = 1, .length = 3'072, .bytes = zeros(1)}), Verdict::kPass);
}

TEST_F(Filter, BoundsWhatAllMessagesTogetherAnnounce) {
  uint32_t announced = 0;
  for (uint16_t message_seq = 0; message_seq < 100; ++message_seq) {
    if (judge_fragment(
            {.type = 11, .length = 5'000, .message_seq = message_seq, .bytes = zeros(1)}) ==
        Verdict::kPass) {
      announced += 5'000;
    }
  }
  EXPECT_GT(announced, 0u);
  EXPECT_LE(announced, HandshakeFilter::kAnnouncedBytesMax);
  filter_.reset();
  EXPECT_EQ(judge_fragment({.type = 11, .length = 5'000, .message_seq = 7, .bytes = zeros(1)}),
            Verdict::kPass);
  EXPECT_EQ(judge_fragment({.type = 11, .length = 10, .message_seq = 8, .bytes = zeros(1)}),
            Verdict::kDrop);
}

TEST_F(Filter, TellsAMessageThatContradictsItself) {
  EXPECT_EQ(judge_fragment({.length = 10, .bytes = zeros(4)}), Verdict::kPass);
  EXPECT_EQ(judge_fragment({.length = 11, .bytes = zeros(4)}), Verdict::kConflict);
  EXPECT_EQ(judge_fragment({.type = 11, .length = 10, .bytes = zeros(4)}), Verdict::kConflict);
  EXPECT_EQ(judge_fragment({.length = 10, .offset = 4, .bytes = zeros(6)}), Verdict::kPass);
}

TEST_F(Filter, RemembersNothingOfARecordThatItDrops) {
  auto both = make_fragment({.length = 10, .bytes = zeros(4)});
  const auto bad = make_fragment({.type = 99, .length = 10, .message_seq = 1, .bytes = zeros(4)});
  both.insert(both.end(), bad.begin(), bad.end());
  EXPECT_EQ(judge(make_record(22, both)), Verdict::kDrop);
  EXPECT_EQ(judge_fragment({.length = 11, .bytes = zeros(4)}), Verdict::kPass);
}

TEST_F(Filter, PassesToEachRoleWhatTheOtherSays) {
  HandshakeFilter client(Role::kClient);
  for (int type = 0; type < 256; ++type) {
    const bool from_client = type == 1 || type == 11 || type == 15 || type == 16;
    const bool from_server = type == 2 || type == 3 || (type >= 11 && type <= 14);
    const auto bytes = make_record(
        22, make_fragment({.type = static_cast<uint8_t>(type), .length = 4, .bytes = zeros(4)}));
    filter_.reset();
    client.reset();
    EXPECT_EQ(judge(bytes), from_client ? Verdict::kPass : Verdict::kDrop) << type;
    EXPECT_EQ(client.judge(*RecordReader(bytes).next()),
              from_server ? Verdict::kPass : Verdict::kDrop)
        << type;
  }
}

TEST_F(Filter, DropsPlainAlertsAndDataAndOddRecords) {
  EXPECT_EQ(judge(make_record(21, {2, 40})), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(23, {1, 2, 3})), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(20, {2})), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(20, {1, 1})), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(20, {1})), Verdict::kPass);
  EXPECT_EQ(judge(make_record(22, zeros(40), 1)), Verdict::kPass);
  EXPECT_EQ(judge(make_record(22, zeros(256), 1)), Verdict::kPass);
  EXPECT_EQ(judge(make_record(22, zeros(257), 1)), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(21, zeros(40), 1)), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(23, zeros(40), 1)), Verdict::kDrop);
  EXPECT_EQ(judge(make_record(22, zeros(40), 2)), Verdict::kDrop);
}

}  // namespace
}  // namespace simpul::dtls
